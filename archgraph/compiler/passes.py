"""The passes between analysis and Keras, in order. Each keeps the function that the model computes."""

from dataclasses import replace

from archgraph.analysis.shaped import Value
from archgraph.compiler.plan import Loop, Operation, Pass, Plan
from archgraph.vocabulary.base import Layer

FUSING = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Dense",
                    "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"})  # fmt: skip
"""Keras layers that take an ``activation`` argument."""


def forwarded(plan: Plan, gone: dict[int, Value]) -> Plan:
    """`plan` without the steps in `gone`; whatever read one reads the given value instead."""
    if not gone:
        return plan
    place: dict[int, int] = {}

    def moved(value: Value) -> Value:
        while value.item in gone:
            value = gone[value.item]
        return Value(place.get(value.item, value.item), value.port)

    steps: list[Operation | Loop] = []
    for index, step in enumerate(plan.steps):
        if index in gone:
            continue
        place[index] = len(steps)
        feeds = tuple(None if feed is None else moved(feed) for feed in step.feeds)
        if isinstance(step, Operation):
            steps.append(step._replace(feeds=feeds))
        else:
            steps.append(replace(step, feeds=feeds))
    return plan.replaced(steps, tuple(moved(value) for value in plan.results))


def fold_identities(plan: Plan) -> Plan:
    """Drop layers that hand on their input unchanged: linear activations, dropout at rate 0."""
    gone = {
        index: step.feeds[0] for index, step in enumerate(plan.steps) if isinstance(step, Operation) and _idle(step)
    }
    return forwarded(plan, {index: feed for index, feed in gone.items() if feed is not None})


def _idle(step: Operation) -> bool:
    name, arguments = step.layer.name, step.layer.arguments
    if step.layer.ours:
        return False
    if name == "Activation":
        return arguments.get("activation") == "linear"
    return (
        name in ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D") and arguments.get("rate") == 0
    )


def fuse_activations(plan: Plan) -> Plan:
    """Hand an activation to the layer before it, where that layer takes one and nothing else reads its output."""
    if plan.shared:  # another application of the layer may want it without, or with another one
        return plan
    readers = _readers(plan)
    fused: dict[int, Operation] = {}
    gone: dict[int, Value] = {}
    for index, step in enumerate(plan.steps):
        if not isinstance(step, Operation) or step.layer.ours or step.layer.name != "Activation":
            continue
        feed = step.feeds[0]
        before = None if feed is None or feed.item < 0 else plan.steps[feed.item]
        if feed is None or not isinstance(before, Operation) or readers[feed.item] != 1 or not _takes(before, step):
            continue
        arguments = {**before.layer.arguments, "activation": step.layer.arguments["activation"]}
        fused[feed.item] = before._replace(layer=before.layer._replace(arguments=arguments))
        gone[index] = feed
    return forwarded(plan.replaced(fused.get(index, step) for index, step in enumerate(plan.steps)), gone)


def _takes(before: Operation, activation: Operation) -> bool:
    layer: Layer = before.layer
    shared = before.owner or activation.owner
    plain = isinstance(activation.layer.arguments.get("activation"), str) and len(activation.layer.arguments) == 1
    penalised = "activity_regularizer" in layer.arguments  # Keras penalises after its own activation
    return not layer.ours and layer.name in FUSING and not shared and plain and not penalised


def _readers(plan: Plan) -> list[int]:
    counts = [0] * len(plan.steps)
    for step in plan.steps:
        for feed in step.feeds:
            if feed is not None and feed.item >= 0:
                counts[feed.item] += 1
    for value in plan.results:
        if value.item >= 0:
            counts[value.item] += 1
    owners = {step.owner for step in plan.steps if step.owner}
    for index, step in enumerate(plan.steps):
        if step.name in owners:
            counts[index] += 2  # applied again elsewhere, perhaps without the activation
    return counts


PASSES: tuple[Pass, ...] = (
    Pass("fold-identities", "drop layers that hand on their input unchanged", fold_identities),
    Pass("fuse-activations", "hand activations to the layers before them", fuse_activations),
)
