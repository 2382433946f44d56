"""What hands on its input unchanged, in training too, is dropped."""

from archgraph.analysis.shaped import INPUT, Value
from archgraph.compiler.passes.conditions import SOUND
from archgraph.compiler.passes.rewiring import Step, forwarded
from archgraph.compiler.plan import Condition, Loop, Pass, Plan

DROPPING = frozenset({"Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"})


def fold_identities(plan: Plan) -> Plan:
    """Drop what hands on its input unchanged: linear activations, dropout at rate 0, and repeats that do nothing."""
    return forwarded(plan, _idle(plan))


def _idle(plan: Plan) -> dict[int, Value]:
    """The places of steps that change nothing, each with what it hands on."""
    found = {index: _handed_on(step) for index, step in enumerate(plan.steps)}
    return {index: value for index, value in found.items() if value is not None}


def _handed_on(step: Step) -> Value | None:
    if isinstance(step, Loop):
        same = (Value(INPUT, step.carry),)
        return step.feeds[step.carry] if step.scan is None and all(c.results == same for c in step.copies) else None
    if step.layer.ours:
        return None
    name, arguments = step.layer.name, step.layer.arguments
    linear = name == "Activation" and arguments.get("activation") == "linear"
    return step.feeds[0] if linear or (name in DROPPING and arguments.get("rate") == 0) else None


def _kept(plan: Plan) -> str | None:
    return next((f"{plan.steps[index].name} changes nothing" for index in _idle(plan)), None)


NO_IDENTITIES = Condition("nothing hands on its input unchanged", _kept)

FOLD_IDENTITIES = Pass(
    "fold-identities",
    "drop what hands on its input unchanged",
    fold_identities,
    requires=(SOUND,),
    ensures=(SOUND, NO_IDENTITIES),
)
