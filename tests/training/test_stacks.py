"""Equal blocks whose weights are one stack are moved as if each had its own; where they would not be, they have."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.training import load_experiment
from archgraph.training.folder import RunFolder
from archgraph.training.loop import Training
from archgraph.training.optimizer import OPTIMIZER, OPTIMIZERS
from archgraph.training.planning import plan
from archgraph.training.report import Silent
from archgraph.training.spreading import Place
from tests.training.conftest import DENSE, Write
from tests.training.test_update_rules import made

RANDOM = np.random.default_rng(5)
KERNELS, BIASES = RANDOM.normal(size=(3, 4, 5)), RANDOM.normal(size=(3, 5))
GRADIENTS = [(RANDOM.normal(size=(3, 4, 5)) * 2, RANDOM.normal(size=(3, 5))) for _ in range(4)]
CHOICES: list[Any] = [
    *sorted(set(OPTIMIZERS) - {"lbfgs"}),
    {"name": "sgd", "clipnorm": 0.5},
    {"name": "sgd", "clipvalue": 0.5},
    {"name": "sgd", "global_clipnorm": 0.5},
    {"name": "adam", "use_ema": True, "gradient_accumulation_steps": 2, "weight_decay": 0.1},
]


def moved(value: Any, *, stacked: bool) -> list[Any]:
    """The kernels and biases of three blocks after some steps, in one stack each or apart."""
    held = [KERNELS, BIASES] if stacked else [*KERNELS, *BIASES]
    weights = [keras.Variable(one, dtype="float64") for one in held]
    optimizer = made(value)
    optimizer.build(weights)
    for kernels, biases in GRADIENTS:
        given = [kernels, biases] if stacked else [*kernels, *biases]
        optimizer.apply([keras.ops.convert_to_tensor(one) for one in given], weights)
    arrays = [np.array(weight) for weight in weights]
    return arrays if stacked else [np.stack(arrays[:3]), np.stack(arrays[3:])]


@pytest.mark.parametrize("value", CHOICES, ids=str)
def test_a_rule_says_whether_it_looks_at_whole_tensors(value: Any) -> None:
    together, apart = moved(value, stacked=True), moved(value, stacked=False)
    same = all(np.allclose(one, other, rtol=1e-9) for one, other in zip(together, apart, strict=True))
    rule: Any = OPTIMIZER.make(value)
    assert same == (not rule.by_tensor)


DEEP = {
    **DENSE,
    "blocks": {
        "unit": {
            "inputs": ["x"], "output": "h",
            "nodes": {"h": {"op": "dense", "in": "x", "units": 32, "activation": "relu"}},
        }
    },
    "nodes": {**DENSE["nodes"], "deep": {"block": "unit", "in": "hidden", "repeat": 8},
              "drop": {**DENSE["nodes"]["drop"], "in": "deep"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("optimizer", "rolled"),
    [("adam", True), ("lamb", False), ("muon", False), ({"name": "sgd", "clipnorm": 1}, False)],
    ids=str,
)
def test_training_keeps_tensors_apart_for_rules_that_look_at_them(
    optimizer: Any, rolled: bool, write: Write, tmp_path: Path
) -> None:
    planned = plan(load_experiment(write(DEEP, optimizer=optimizer)))
    training = Training(planned, RunFolder(tmp_path), Silent(), {}, Place(planned.experiment, None))
    kinds = {type(layer).__name__ for layer in training.trainee.networks["model"].layers}
    assert ("Repeated" in kinds) == rolled
