"""What all passes need: who reads a step, and taking steps out of a plan."""

from collections.abc import Mapping
from dataclasses import replace

from archgraph.analysis.shaped import Value
from archgraph.compiler.plan import Loop, Operation, Plan
from archgraph.vocabulary.base import Layer

Step = Operation | Loop


def forwarded(plan: Plan, gone: Mapping[int, Value]) -> Plan:
    """`plan` without the steps in `gone`; whatever read one reads the given value instead."""
    if not gone:
        return plan
    place: dict[int, int] = {}

    def moved(value: Value) -> Value:
        while value.item in gone:
            value = gone[value.item]
        return Value(place.get(value.item, value.item), value.port)

    steps: list[Step] = []
    for index, step in enumerate(plan.steps):
        if index in gone:
            continue
        place[index] = len(steps)
        steps.append(fed(step, tuple(None if feed is None else moved(feed) for feed in step.feeds)))
    return plan.replaced(steps, tuple(moved(value) for value in plan.results))


def fed(step: Step, feeds: tuple[Value | None, ...]) -> Step:
    """The same step, fed by other values."""
    return step._replace(feeds=feeds) if isinstance(step, Operation) else replace(step, feeds=feeds)


def exchanged(plan: Plan, new: Mapping[int, Step]) -> Plan:
    """`plan` with other steps at some places."""
    return plan.replaced(new.get(index, step) for index, step in enumerate(plan.steps)) if new else plan


def readers(plan: Plan) -> list[int]:
    """How often each step is read: by steps, and by the results of the plan."""
    counts = [0] * len(plan.steps)
    for step in plan.steps:
        for feed in step.feeds:
            if feed is not None and feed.item >= 0:
                counts[feed.item] += 1
    for value in plan.results:
        if value.item >= 0:
            counts[value.item] += 1
    return counts


def single(plan: Plan) -> list[bool]:
    """For each step, whether its layer is only its own: no other step, here or elsewhere, applies the same weights."""
    owners = {step.owner for step in plan.steps if step.owner}
    return [not (plan.shared or step.owner or step.name in owners) for step in plan.steps]


def before(plan: Plan, step: Step, port: int = 0) -> tuple[int, Operation] | None:
    """The operation that feeds a step, with its place; None where an input, a loop or nothing does."""
    feed = step.feeds[port]
    if feed is None or feed.item < 0:
        return None
    found = plan.steps[feed.item]
    return (feed.item, found) if isinstance(found, Operation) else None


def with_arguments(layer: Layer, **changed: object) -> Layer:
    """The same layer with some other arguments."""
    return layer._replace(arguments={**layer.arguments, **changed})
