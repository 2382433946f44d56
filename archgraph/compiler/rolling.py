"""Which copies of a repeat become one loop: decided on the plan, without Keras."""

from collections.abc import Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from archgraph.analysis.shaped import join
from archgraph.compiler.plan import Loop, Operation, Plan, place

Choice = bool | Literal["auto"]
"""Whether repeats are rolled: all that can be, none, or those that are worth it."""

WORTH = 8
"""Equal copies from which ``auto`` rolls them: below, what tracing saves is less than what a loop's steps cost more."""


class Run(NamedTuple):
    """Neighbouring copies of a loop: `copies` of them from number `start`, as one layer or one after the other."""

    start: int
    copies: int
    rolled: bool


def runs(loop: Loop, rolled: Choice, *, keep_last: bool = False) -> tuple[Run, ...]:
    """The copies of a loop, those that are to be rolled together.

    Equal copies are one object. Where the last gives more than what is carried on, or `keep_last`, it stands alone.
    """
    found: list[Run] = []
    last = len(loop.copies) - 1
    apart = keep_last or loop.outputs > 1
    for _, group in groupby(
        range(len(loop.copies)), key=lambda number: (id(loop.copies[number]), apart and number == last)
    ):
        numbers = list(group)
        found.append(Run(numbers[0], len(numbers), _worth(loop, len(numbers), rolled)))
    return tuple(found)


def uniform(plan: Plan, loop: Loop) -> bool:
    """Whether all that apply the weights of a loop of `plan` can apply one layer: if not, it is not rolled."""
    held = loop.owner or loop.name
    users = sum((step.owner or step.name) == held for step in plan.steps)
    return not plan.mixed and (users == 1 or not any(copy.mixed for copy in loop.copies))


def _worth(loop: Loop, count: int, rolled: Choice) -> bool:
    if not rolled or loop.scan is not None or loop.call.node.kind != "block":
        return False
    if loop.share and count < len(loop.copies):
        return False
    return count >= (WORTH if rolled == "auto" else 2)


def chosen(plan: Plan, rolled: Choice, prefix: str = "") -> Iterator[tuple[str, Run]]:
    """Every run that is rolled, with the path of its repeat; what lies inside a rolled one is looked at once."""
    for step in plan.steps:
        if isinstance(step, Operation):
            continue
        path = join(prefix, step.name)
        for run in runs(step, rolled if uniform(plan, step) else False):
            if run.rolled:
                yield path, run
            yield from chosen(step.copies[run.start], rolled, path + place(step, run.start))
