"""Every loss, metric, optimiser and schedule is Keras's own: same arguments, same defaults. The oracle is Keras."""

import inspect
from typing import Any

import keras
import pytest

from archgraph.compiler.layers import LAYERS
from archgraph.training.losses import LOSSES, METRICS, KerasObject
from archgraph.training.optimizer import OPTIMIZERS
from archgraph.training.schedules import SCHEDULES, Schedule

NOT_KERAS = {"per", "reduction", "ignore_class", "decay_steps", "clipnorm"}
"""Fields whose default is ours: documented where they are declared."""
BESIDE = {"per", "lowest_momentum"}
"""Fields of schedules that other parts than the schedule's class use."""
OURS = {
    ("Perceptron", "learning_rate"),
    ("StepDecay", "decay_rate"),
    ("F1Score", "average"),
    ("FBetaScore", "average"),
    ("MeanIoU", "sparse_y_pred"),
}

CASES = [
    pytest.param(module, record, id=f"{module.__name__.rpartition('.')[2]}-{name}")
    for module, table in (
        (keras.losses, LOSSES),
        (keras.metrics, METRICS),
        (keras.optimizers, OPTIMIZERS),
        (keras.optimizers.schedules, SCHEDULES),
    )
    for name, record in table.items()
    if getattr(record, "keras", "") not in ("", "accuracy")
]


def parameters_of(cls: type[Any]) -> dict[str, inspect.Parameter]:
    """What a constructor takes, by itself or through those of its bases."""
    found: dict[str, inspect.Parameter] = {}
    for base in reversed(cls.__mro__[:-1]):
        found |= inspect.signature(base).parameters
    return found


def plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize(("module", "record"), CASES)
def test_fields_are_arguments_of_the_keras_class_with_the_same_defaults(module: Any, record: type[KerasObject]) -> None:
    parameters = parameters_of(LAYERS.get(record.keras) or getattr(module, record.keras))
    for name, field in record.fields().items():
        if name in BESIDE and issubclass(record, Schedule):
            continue
        assert name in parameters, name
        default = parameters[name].default
        if not field.required and name not in NOT_KERAS and not OURS & {(record.keras, name), (record.__name__, name)}:
            assert plain(field.default) == plain(default)


@pytest.mark.parametrize(("module", "record"), CASES)
def test_it_is_documented(module: Any, record: type[KerasObject]) -> None:
    assert record.doc() and all(field.doc for field in record.fields().values())


def test_no_standard_loss_of_keras_is_missing() -> None:
    losses = {n for n, cls in vars(keras.losses).items() if inspect.isclass(cls) and issubclass(cls, keras.losses.Loss)}
    assert losses - {record.keras for record in LOSSES.values()} <= {"Loss"}


def test_no_optimizer_of_keras_is_missing() -> None:
    base = keras.optimizers.Optimizer
    known = {n for n, cls in vars(keras.optimizers).items() if inspect.isclass(cls) and issubclass(cls, base)}
    wrappers = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer"}  # an experiment says by role which moves what
    assert known - {record.keras for record in OPTIMIZERS.values()} <= wrappers
