"""The loss that onlookers differentiate by a node's output: its value by hand, its gradient by differences."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from archgraph.compiler import compile_model
from archgraph.training import load_experiment, plan
from archgraph.training.data.dataset import Part
from archgraph.training.observers.nodes import taken
from archgraph.training.trainees import Trainee, trainee
from tests.training.learners import EXPERIMENTS, make

Arrays = Mapping[str, Any]


def ready(name: str, project: Path) -> tuple[Trainee, Part, dict[str, Any]]:
    """A trainee before its first step, some samples with states at rest, and what its network gives for them."""
    planned = plan(load_experiment(make(project, name)))
    dataset = planned.experiment.objective.seen(planned.dataset(), 32)
    networks = {role: compile_model(shaped, seed=1) for role, shaped in planned.networks.items()}
    made = trainee(planned, dataset, networks)
    some = taken(dataset.train, np.arange(12))
    part = Part({**some.inputs, **made.at_rest(12)}, some.targets, some.weights)
    (role, shaped), *_ = planned.networks.items()
    fed = {entry: tf.constant(part.inputs[entry]) for entry in shaped.inputs}
    given = networks[role](fed if len(fed) > 1 else next(iter(fed.values())), training=False)
    outputs = given if isinstance(given, dict) else {next(iter(shaped.outputs)): given}
    # A tensor anew: Keras's own remembers the scores before its softmax, past which no gradient would flow.
    return made, part, {key: tf.identity(value) for key, value in outputs.items()}


def inky(given: Any, chances: Any) -> float:
    """Mean nats of pictures of zeros and ones."""
    x, p = (np.asarray(values, np.float64).reshape(12, -1) for values in (given, chances))
    return float(-(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(1).mean())


def named(truth: Any, chances: Any, *, counted: Any = None) -> float:
    """Mean nats of symbols, of those that count."""
    p = np.take_along_axis(np.asarray(chances, np.float64), np.asarray(truth)[..., None].astype(int), -1)[..., 0]
    return float(-np.log(p)[np.ones_like(p, bool) if counted is None else counted].mean())


def by_hand(name: str, made: Trainee, part: Part, outputs: Arrays) -> float:
    """The loss of the first step."""
    given = next(iter(part.inputs.values()))
    if name == "autoregressive":
        return inky(given, outputs["ink"])
    if name == "variational":
        mean, log_var = (np.asarray(outputs[one], np.float64) for one in ("mean", "log_var"))
        apart = 0.5 * (np.exp(log_var) + mean**2 - 1 - log_var).sum(1).mean()
        return inky(given, outputs["picture"]) + float(made.beta()) * apart  # type: ignore[attr-defined]
    ((output, truth),) = part.targets.items()
    if name == "distillation":  # while hints are learned: half the squared distance after a map, times its weight
        theirs = made.teacher(part.inputs["image"])["hidden"]  # type: ignore[attr-defined]
        mapped = made.maps["hidden"](outputs["hidden"])  # type: ignore[attr-defined]
        return 0.5 * float(np.square(np.asarray(mapped) - np.asarray(theirs)).sum(-1).mean() / 2)
    return named(truth, outputs[output], counted=truth != 0 if name == "translation" else None)


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_the_loss_of_outputs_is_that_of_the_objective_and_so_is_its_gradient(name: str, project: Path) -> None:
    made, part, outputs = ready(name, project)
    before = [np.array(variable) for variable in made.variables]
    with tf.GradientTape() as tape:
        tape.watch(list(outputs.values()))
        loss = made.loss_of(outputs, part)
    slopes = tape.gradient(loss, outputs, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert float(loss) == pytest.approx(by_hand(name, made, part, outputs), rel=1e-4)
    drawn = np.random.default_rng(0)
    way = {key: 1e-2 * drawn.uniform(-1, 1, value.shape) * np.asarray(value) for key, value in outputs.items()}
    ahead, behind = (
        float(made.loss_of({key: value + sign * way[key].astype("float32") for key, value in outputs.items()}, part))
        for sign in (1, -1)
    )
    slope = sum(float((np.asarray(slopes[key], np.float64) * way[key]).sum()) for key in outputs)
    assert abs(slope) > 1e-5 and (ahead - behind) / 2 == pytest.approx(slope, rel=0.02)
    for variable, value in zip(made.variables, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)
