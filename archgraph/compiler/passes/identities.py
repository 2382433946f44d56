"""Layers that hand on their input unchanged, in training too, are dropped."""

from archgraph.compiler.passes.conditions import SOUND
from archgraph.compiler.passes.rewiring import forwarded
from archgraph.compiler.plan import Condition, Operation, Pass, Plan

DROPPING = frozenset({"Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"})


def fold_identities(plan: Plan) -> Plan:
    """Drop layers that hand on their input unchanged: linear activations, dropout at rate 0."""
    gone = {index: step.feeds[0] for index, step in enumerate(plan.steps) if _idle(step)}
    return forwarded(plan, {index: feed for index, feed in gone.items() if feed is not None})


def _idle(step: object) -> bool:
    if not isinstance(step, Operation) or step.layer.ours:
        return False
    name, arguments = step.layer.name, step.layer.arguments
    if name == "Activation":
        return arguments.get("activation") == "linear"
    return name in DROPPING and arguments.get("rate") == 0


def _kept(plan: Plan) -> str | None:
    return next((f"{step.name} changes nothing" for step in plan.steps if _idle(step)), None)


NO_IDENTITIES = Condition("no layer hands on its input unchanged", _kept)

FOLD_IDENTITIES = Pass(
    "fold-identities",
    "drop layers that hand on their input unchanged",
    fold_identities,
    requires=(SOUND,),
    ensures=(SOUND, NO_IDENTITIES),
)
