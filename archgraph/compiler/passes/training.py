"""What only training needs is taken out of a model that is trained: noise, dropout and penalties."""

from collections.abc import Mapping
from typing import Any

from archgraph.analysis.shaped import Value
from archgraph.compiler.passes.conditions import SOUND
from archgraph.compiler.passes.rewiring import Step, exchanged, forwarded
from archgraph.compiler.plan import Condition, Operation, Pass, Plan
from archgraph.vocabulary.base import Layer, Primitive

RATES = frozenset({"dropout", "recurrent_dropout"})
"""Arguments of layers that drop something in training."""


def drop_training(plan: Plan) -> Plan:
    """Drop layers that do something in training alone, and what others have for training."""
    gone: dict[int, Value] = {}
    new: dict[int, Step] = {}
    for index, step in enumerate(plan.steps):
        if not isinstance(step, Operation):
            continue
        first = step.feeds[0] if step.feeds else None
        if step.leaf.primitive.training_only() and first is not None:
            gone[index] = first
        else:
            new[index] = step._replace(layer=trained(step.layer), feeds=_read(step.leaf.primitive, step.feeds))
    return forwarded(exchanged(plan, new), gone)


def trained(layer: Layer) -> Layer:
    """The layer without penalties and dropout, those it wraps too."""
    kept = {key: _inner(value) for key, value in layer.arguments.items() if not _for_training(key)}
    if layer.name == "DropConnect":
        kept = {key: value for key, value in kept.items() if key not in ("rate", "share_mask", "seed")}
        return layer._replace(name="Dense", arguments=kept, ours=False)
    return layer if kept == layer.arguments else layer._replace(arguments=kept)


def _inner(value: Any) -> Any:
    return trained(value) if isinstance(value, Layer) else value


def _for_training(argument: str) -> bool:
    return argument.endswith("_regularizer") or argument in RATES


def _read(primitive: Primitive, feeds: tuple[Value | None, ...]) -> tuple[Value | None, ...]:
    """The feeds without those that are read in training alone; ports beyond the last name are the variadic one's."""
    if not primitive.training_inputs:
        return feeds
    names = [port.name for port in primitive.inputs]
    return tuple(
        None if names[min(place, len(names) - 1)] in primitive.training_inputs else feed
        for place, feed in enumerate(feeds)
    )


def _left(plan: Plan) -> str | None:
    for step in plan.steps:
        if isinstance(step, Operation):
            if step.leaf.primitive.training_only():
                return f"{step.name} does nothing after training"
            argument = _argument(step.layer.arguments)
            if argument:
                return f"{step.name} has {argument}"
    return None


def _argument(arguments: Mapping[str, Any]) -> str:
    found = (key if _for_training(key) else _inside(value) for key, value in arguments.items())
    return next(filter(None, found), "")


def _inside(value: Any) -> str:
    return _argument(value.arguments) if isinstance(value, Layer) else ""


NO_TRAINING = Condition("nothing is there for training alone", _left)

DROP_TRAINING = Pass(
    "drop-training",
    "drop noise, dropout and penalties, which only training needs",
    drop_training,
    requires=(SOUND,),
    ensures=(SOUND, NO_TRAINING),
)
