"""An activation is handed to the layer before it, where that layer takes one and nothing else reads its output."""

from archgraph.analysis.shaped import Value
from archgraph.compiler.passes.conditions import SOUND
from archgraph.compiler.passes.identities import NO_IDENTITIES
from archgraph.compiler.passes.rewiring import Step, before, exchanged, forwarded, readers, single, with_arguments
from archgraph.compiler.plan import Condition, Operation, Pass, Plan

FUSING = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Dense",
                    "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"})  # fmt: skip
"""Keras layers that take an ``activation`` argument."""


def fuse_activations(plan: Plan) -> Plan:
    """Hand activations to the layers before them. One layer takes one: an activation of an activation stays."""
    fused: dict[int, Step] = {}
    gone: dict[int, Value] = {}
    for index, (place, taking) in _pairs(plan).items():
        step, feed = plan.steps[index], plan.steps[index].feeds[0]
        if isinstance(step, Operation) and feed is not None:
            activation = step.layer.arguments["activation"]
            fused[place] = taking._replace(layer=with_arguments(taking.layer, activation=activation))
            gone[index] = feed
    return forwarded(exchanged(plan, fused), gone)


def _pairs(plan: Plan) -> dict[int, tuple[int, Operation]]:
    """The places of activations that can be handed on, each with the layer that takes it."""
    read, own = readers(plan), single(plan)
    found: dict[int, tuple[int, Operation]] = {}
    for index, step in enumerate(plan.steps):
        if not isinstance(step, Operation) or not _plain(step):
            continue
        taker = before(plan, step)
        if taker is not None and own[taker[0]] and not step.owner and read[taker[0]] == 1 and _takes(taker[1]):
            found[index] = taker
    return found


def _plain(step: Operation) -> bool:
    arguments = step.layer.arguments
    named = isinstance(arguments.get("activation"), str) and len(arguments) == 1
    return not step.layer.ours and step.layer.name == "Activation" and named


def _takes(step: Operation) -> bool:
    # Keras penalises what a layer gives after its own activation, and the graph asks for the penalty before it.
    free = "activation" not in step.layer.arguments and "activity_regularizer" not in step.layer.arguments
    return not step.layer.ours and step.layer.name in FUSING and free


def _apart(plan: Plan) -> str | None:
    found = next(iter(_pairs(plan).values()), None)
    return None if found is None else f"{found[1].name} could take the activation behind it"


FUSED = Condition("no activation stands behind a layer that could take it", _apart)

FUSE_ACTIVATIONS = Pass(
    "fuse-activations",
    "hand activations to the layers before them",
    fuse_activations,
    requires=(SOUND, NO_IDENTITIES),
    ensures=(SOUND, FUSED),
)
