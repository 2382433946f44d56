"""What is worked out from constants alone is worked out once, and becomes a constant itself."""

import math

from archgraph.compiler.passes.conditions import SOUND
from archgraph.compiler.passes.rewiring import Step, exchanged
from archgraph.compiler.passes.training import NO_TRAINING
from archgraph.compiler.plan import Condition, Operation, Pass, Plan
from archgraph.compiler.recipes import Computation, Computed, Own
from archgraph.vocabulary.base import Family, Layer

CONSTANT = "LearnedConstant"
"""The layer whose output is a weight, the same for every example."""
EACH_BY_ITSELF = frozenset({Family.CONVOLUTION, Family.DENSE, Family.SHAPE, Family.POOLING, Family.NORMALISATION,
                            Family.ACTIVATION, Family.MERGING})  # fmt: skip
"""Families whose layers treat each example by itself, so that equal examples stay equal."""
LARGEST = 2**20
"""Numbers in a constant: a larger one would make the file larger than it saves work."""


def fold_constants(plan: Plan) -> Plan:
    """Let one constant stand for layers that are fed by constants alone, where something else reads them."""
    constant = _constant(plan)
    new: dict[int, Step] = {}
    for index in _borders(plan, constant):
        step = plan.steps[index]
        if isinstance(step, Operation):
            steps, start = _computations(plan, index)
            layer = Layer(CONSTANT, {"shape": step.leaf.outputs[0].shape}, ours=True)
            first = plan.steps[start]
            new[index] = step._replace(layer=layer, feeds=first.feeds, recipe=Computed(steps))
    return exchanged(plan, new)


def _constant(plan: Plan) -> list[bool]:
    """For each step whether it gives the same for every example, whatever the inputs are."""
    found: list[bool] = []
    for step in plan.steps:
        fed = [feed for feed in step.feeds if feed is not None]
        inside = bool(fed) and all(feed.item >= 0 and found[feed.item] for feed in fed)
        found.append(isinstance(step, Operation) and (_begins(step) or (inside and _folds(step))))
    return found


def _begins(step: Operation) -> bool:
    return step.layer.ours and step.layer.name == CONSTANT


def _folds(step: Operation) -> bool:
    primitive, outputs = step.leaf.primitive, step.leaf.outputs
    if primitive.stochastic or primitive.family not in EACH_BY_ITSELF or len(outputs) != 1:
        return False
    shape = outputs[0].shape
    return all(isinstance(size, int) for size in shape) and math.prod(shape) <= LARGEST


def _borders(plan: Plan, constant: list[bool]) -> list[int]:
    """The steps that are constant, are no constants yet, and are read by what is not constant."""
    read = {value.item for value in plan.results}
    for index, step in enumerate(plan.steps):
        if not constant[index]:
            read |= {feed.item for feed in step.feeds if feed is not None}
    return [
        index
        for index, step in enumerate(plan.steps)
        if constant[index] and index in read and isinstance(step, Operation) and not _begins(step)
    ]


def _computations(plan: Plan, border: int) -> tuple[tuple[Computation, ...], int]:
    """All that leads up to a constant step, in order, and the place of a constant among it."""
    wanted = {border}
    for index in range(border, -1, -1):
        if index in wanted and not _is_constant(plan.steps[index]):
            wanted |= {feed.item for feed in plan.steps[index].feeds if feed is not None}
    order = sorted(wanted)
    place = {index: number for number, index in enumerate(order)}
    found: list[Computation] = []
    for index in order:
        step = plan.steps[index]
        if isinstance(step, Operation):
            feeds = () if _begins(step) else step.feeds
            own = step.recipe or Own(step.owner or step.name)
            fed = tuple(None if feed is None else place[feed.item] for feed in feeds)
            found.append(Computation(step.layer, own, fed))
    return tuple(found), next(index for index in order if _is_constant(plan.steps[index]))


def _is_constant(step: Step) -> bool:
    return isinstance(step, Operation) and _begins(step)


def _unfolded(plan: Plan) -> str | None:
    borders = _borders(plan, _constant(plan))
    return f"{plan.steps[borders[0]].name} follows from constants" if borders else None


NO_CONSTANT_WORK = Condition("nothing is worked out from constants alone", _unfolded)

FOLD_CONSTANTS = Pass(
    "fold-constants",
    "work out once what follows from constants alone",
    fold_constants,
    requires=(SOUND, NO_TRAINING),
    ensures=(SOUND, NO_CONSTANT_WORK),
)
