"""Every optimiser, step by step, against the formula of its paper in NumPy."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.training.assemble import make_optimizer
from archgraph.training.optimizer import OPTIMIZER, OPTIMIZERS

STEPS = 8
RATE = 0.05
SINGLE = float(np.float32(0.999))
"""Keras corrects the bias of Adam in single precision, whatever the weights are."""
Array = np.ndarray[Any, Any]
Gradient = Callable[[Array], Array]
Way = Iterator[Array]
"""What the network holds after each step."""

RANDOM = np.random.default_rng(3)
STARTS = (RANDOM.normal(size=(4, 3)), RANDOM.normal(size=3))
CURVED = tuple(RANDOM.uniform(0.5, 2.0, start.shape) for start in STARTS)


def gradient_of(number: int) -> Gradient:
    """Of a bowl that is no paraboloid: sum of c w^2 / 2 - sin(w)."""
    return lambda w: CURVED[number] * w - np.cos(w)


def descent(w: Array, g: Gradient) -> Way:
    """Goodfellow et al. (2016), algorithm 8.1."""
    while True:
        w = w - RATE * g(w)
        yield w


def momentum(w: Array, g: Gradient) -> Way:
    """Algorithm 8.2."""
    v = np.zeros_like(w)
    while True:
        v = 0.9 * v - RATE * g(w)
        w = w + v
        yield w


def nesterov(w: Array, g: Gradient) -> Way:
    """Algorithm 8.3; the network holds the point of the interim update."""
    v = np.zeros_like(w)
    while True:
        v = 0.9 * v - RATE * g(w + 0.9 * v)
        w = w + v
        yield w + 0.9 * v


def adagrad(w: Array, g: Gradient) -> Way:
    """Algorithm 8.4."""
    r = np.zeros_like(w)
    while True:
        now = g(w)
        r = r + now**2
        w = w - RATE * now / (1e-12 + np.sqrt(r))
        yield w


def adadelta(w: Array, g: Gradient) -> Way:
    """Zeiler (2012), algorithm 1."""
    squares, moves = np.zeros_like(w), np.zeros_like(w)
    while True:
        now = g(w)
        squares = 0.95 * squares + 0.05 * now**2
        move = -np.sqrt(moves + 1e-7) / np.sqrt(squares + 1e-7) * now
        moves = 0.95 * moves + 0.05 * move**2
        w = w + RATE * move
        yield w


def rmsprop(w: Array, g: Gradient) -> Way:
    """Algorithm 8.5."""
    r = np.zeros_like(w)
    while True:
        now = g(w)
        r = 0.9 * r + 0.1 * now**2
        w = w - RATE * now / np.sqrt(1e-7 + r)
        yield w


def centred_rmsprop(w: Array, g: Gradient) -> Way:
    """Graves (2013), equations 38 to 41: the deviation, and momentum."""
    n, mean, move = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    while True:
        now = g(w)
        n, mean = 0.9 * n + 0.1 * now**2, 0.9 * mean + 0.1 * now
        move = 0.5 * move - RATE * now / np.sqrt(n - mean**2 + 1e-4)
        w = w + move
        yield w


def rmsprop_nesterov(w: Array, g: Gradient) -> Way:
    """Algorithm 8.6; the network holds the point of the interim update."""
    v, r = np.zeros_like(w), np.zeros_like(w)
    while True:
        now = g(w + 0.9 * v)
        r = 0.9 * r + 0.1 * now**2
        v = 0.9 * v - RATE / np.sqrt(r + 1e-7) * now
        w = w + v
        yield w + 0.9 * v


def adam(w: Array, g: Gradient, decay: float = 0.0, larger: bool = False) -> Way:
    """Algorithm 8.7; AdamW (Loshchilov & Hutter 2019, algorithm 2); AMSGrad (Reddi et al. 2018, algorithm 2)."""
    s, r, most = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t in range(1, 10**6):
        now = g(w)
        s, r = 0.9 * s + 0.1 * now, 0.999 * r + 0.001 * now**2
        most = np.maximum(most, r)
        corrected = (most if larger else r) / (1 - SINGLE**t)
        w = w - RATE * decay * w - RATE * s / (1 - 0.9**t) / (np.sqrt(corrected) + 1e-12)
        yield w


def nadam(w: Array, g: Gradient) -> Way:
    """Dozat (2016), algorithm 8, with momentum that grows as 0.9 (1 - 0.96^t / 2)."""
    s, r, product = np.zeros_like(w), np.zeros_like(w), 1.0
    for t in range(1, 10**6):
        now, u, later = g(w), 0.9 * (1 - 0.96**t / 2), 0.9 * (1 - 0.96 ** (t + 1) / 2)
        product *= u
        s, r = 0.9 * s + 0.1 * now, 0.999 * r + 0.001 * now**2
        ahead = later * s / (1 - product * later) + (1 - u) * now / (1 - product)
        w = w - RATE * ahead / (np.sqrt(r / (1 - 0.999**t)) + 1e-12)
        yield w


def adamax(w: Array, g: Gradient) -> Way:
    """Kingma & Ba (2015), algorithm 2."""
    s, u = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, 10**6):
        now = g(w)
        s, u = 0.9 * s + 0.1 * now, np.maximum(0.999 * u, np.abs(now))
        w = w - RATE / (1 - 0.9**t) * s / (u + 1e-12)
        yield w


def lamb(w: Array, g: Gradient) -> Way:
    """You et al. (2020), algorithm 2: the step has the norm of the weights."""
    s, r = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, 10**6):
        now = g(w)
        s, r = 0.9 * s + 0.1 * now, 0.999 * r + 0.001 * now**2
        step = s / (1 - 0.9**t) / (np.sqrt(r / (1 - 0.999**t)) + 1e-12)
        w = w - RATE * np.linalg.norm(w) / np.linalg.norm(step) * step
        yield w


def lion(w: Array, g: Gradient) -> Way:
    """Chen et al. (2023), algorithm 2."""
    m = np.zeros_like(w)
    while True:
        now = g(w)
        w = w - RATE * np.sign(0.9 * m + 0.1 * now)
        m = 0.99 * m + 0.01 * now
        yield w


def adafactor(w: Array, g: Gradient) -> Way:
    """Shazeer & Stern (2018), algorithms 4 and 5."""

    def rms(x: Array) -> float:
        return float(np.sqrt(np.mean(x**2)))

    mean, rows, columns = np.zeros_like(w), np.zeros(w.shape[:1]), np.zeros(w.shape[1:])
    for t in range(1, 10**6):
        now = g(w)
        kept, square = 1 - t**-0.8, now**2 + 1e-30
        if w.ndim == 2:
            rows = kept * rows + (1 - kept) * square.sum(1)
            columns = kept * columns + (1 - kept) * square.sum(0)
            mean = np.outer(rows, columns) / rows.sum()
        else:
            mean = kept * mean + (1 - kept) * square
        step = now / np.sqrt(mean)
        step = step / max(1.0, rms(step))
        w = w - max(1e-3, rms(w)) * min(RATE, t**-0.5) * step
        yield w


def ftrl(w: Array, g: Gradient) -> Way:
    """McMahan et al. (2013), algorithm 1: alpha the rate, l1 = 0.2, l2 = 2 * 0.1."""
    z, n = np.zeros_like(w), np.full_like(w, 0.1)
    while True:
        now = g(w)
        sigma = (np.sqrt(n + now**2) - np.sqrt(n)) / RATE
        z, n = z + now - sigma * w, n + now**2
        w = np.where(np.abs(z) <= 0.2, 0.0, -(z - np.sign(z) * 0.2) / (np.sqrt(n) / RATE + 2 * 0.1))
        yield w


def muon(w: Array, g: Gradient) -> Way:
    """Jordan et al. (2024), scaled as in Liu et al. (2025), equation 4; vectors by Adam."""
    if w.ndim != 2:
        yield from adam(w, g, 0.01)
    m = np.zeros_like(w)
    while True:
        now = g(w)
        m = 0.95 * m + now
        x = now + 0.95 * m
        x = x.T if x.shape[0] > x.shape[1] else x
        x = x / np.linalg.norm(x)
        for _ in range(5):
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        x = x if x.shape == w.shape else x.T
        w = w - RATE * 0.02 * w - RATE * 0.2 * np.sqrt(max(w.shape)) * x
        yield w


def schedule_free(w: Array, g: Gradient) -> Way:
    """Defazio et al. (2024), equations 3 to 5, with steps of AdamW; weights of the mean are equal."""
    z, x, y, r = w, w, w, np.zeros_like(w)
    for t in range(1, 10**6):
        now = g(y)
        r = 0.999 * r + 0.001 * now**2
        z = z - RATE * now / (np.sqrt(r / (1 - 0.999**t)) + 1e-12)
        x = (1 - 1 / t) * x + z / t
        y = 0.1 * z + 0.9 * x
        yield y


TINY = {"epsilon": 1e-12}
CASES: list[tuple[str, dict[str, Any], Callable[[Array, Gradient], Way]]] = [
    ("sgd", {}, descent),
    ("sgd", {"momentum": 0.9}, momentum),
    ("sgd", {"momentum": 0.9, "nesterov": True}, nesterov),
    ("perceptron", {}, descent),
    ("adagrad", {"initial_accumulator_value": 0, **TINY}, adagrad),
    ("adadelta", {}, adadelta),
    ("rmsprop", {}, rmsprop),
    ("rmsprop", {"centered": True, "momentum": 0.5, "epsilon": 1e-4}, centred_rmsprop),
    ("rmsprop_nesterov", {}, rmsprop_nesterov),
    ("rmsprop_nesterov", {"momentum": 0}, rmsprop),
    ("adam", TINY, adam),
    ("adam", {"amsgrad": True, **TINY}, lambda w, g: adam(w, g, larger=True)),
    ("adamw", {"weight_decay": 0.1, **TINY}, lambda w, g: adam(w, g, 0.1)),
    ("nadam", TINY, nadam),
    ("adamax", TINY, adamax),
    ("lamb", TINY, lamb),
    ("lion", {}, lion),
    ("adafactor", {}, adafactor),
    ("ftrl", {"l1_regularization_strength": 0.2, "l2_regularization_strength": 0.1}, ftrl),
    ("muon", {"weight_decay": 0.02, "adam_weight_decay": 0.01, **TINY}, muon),
    ("schedule_free_adamw", {"epsilon": 1e-12}, schedule_free),
]


def made(value: Any) -> Any:
    """The Keras optimiser that an experiment's `value` stands for."""
    experiment: Any = SimpleNamespace(settings=SimpleNamespace(epochs=1))
    return make_optimizer(OPTIMIZER.make(value), experiment, STEPS)  # type: ignore[arg-type]


def walk(optimizer: Any, steps: int = STEPS) -> list[list[Array]]:
    """What both weights are after each step, in double precision."""
    weights = [keras.Variable(start, dtype="float64") for start in STARTS]
    optimizer.build(weights)
    found = []
    for _ in range(steps):
        gradients = [gradient_of(n)(np.array(weight)) for n, weight in enumerate(weights)]
        optimizer.apply([keras.ops.convert_to_tensor(one) for one in gradients], weights)
        found.append([np.array(weight) for weight in weights])
    return found


def expected(rule: Callable[[Array, Gradient], Way], steps: int = STEPS) -> list[list[Array]]:
    ways = [rule(start, gradient_of(number)) for number, start in enumerate(STARTS)]
    return [[next(way) for way in ways] for _ in range(steps)]


def same(found: list[list[Array]], wanted: list[list[Array]], tolerance: float = 1e-6) -> None:
    for step, (one, other) in enumerate(zip(found, wanted, strict=True)):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=f"step {step + 1}")


@pytest.mark.parametrize(("name", "options", "rule"), CASES, ids=[f"{c[0]}-{number}" for number, c in enumerate(CASES)])
def test_each_step_is_that_of_the_formula(
    name: str, options: Mapping[str, Any], rule: Callable[[Array, Gradient], Way]
) -> None:
    same(walk(made({"name": name, "learning_rate": RATE, **options})), expected(rule))


def test_every_optimiser_is_among_these() -> None:
    assert {case[0] for case in CASES} == set(OPTIMIZERS) - {"lbfgs"}  # which has its own test


def test_the_finished_weights_of_schedule_free_are_the_mean_of_its_way() -> None:
    optimizer = made({"name": "schedule_free_adamw", "learning_rate": RATE, "epsilon": 1e-12})
    weights = [keras.Variable(STARTS[1], dtype="float64")]
    optimizer.build(weights)
    z, y, r, way = STARTS[1], STARTS[1], 0.0, []
    for t in range(1, 6):
        now = gradient_of(1)(y)
        optimizer.apply([keras.ops.convert_to_tensor(now)], weights)
        r = 0.999 * r + 0.001 * now**2
        z = z - RATE * now / (np.sqrt(r / (1 - 0.999**t)) + 1e-12)
        way.append(z)
        y = 0.1 * z + 0.9 * np.mean(way, axis=0)
    optimizer.finalize_variable_values(weights)
    np.testing.assert_allclose(np.array(weights[0]), np.mean(way, axis=0), rtol=1e-6)


def test_the_way_of_schedule_free_begins_at_weights_that_were_loaded_late() -> None:
    optimizer = made({"name": "schedule_free_adamw", "learning_rate": RATE, "epsilon": 1e-12})
    weights = [keras.Variable(np.zeros(3), dtype="float64")]
    optimizer.build(weights)
    weights[0].assign(STARTS[1])
    wanted = schedule_free(STARTS[1], gradient_of(1))
    for _ in range(4):
        optimizer.apply([keras.ops.convert_to_tensor(gradient_of(1)(np.array(weights[0])))], weights)
        np.testing.assert_allclose(np.array(weights[0]), next(wanted), rtol=1e-6)


# ---- what goes before or after any rule


def norm(*arrays: Array) -> float:
    return float(np.sqrt(sum((array**2).sum() for array in arrays)))


def test_clipping_bounds_norms_values_and_the_norm_of_all() -> None:
    gradients = [gradient_of(number)(start) for number, start in enumerate(STARTS)]
    whole = norm(*gradients)
    wanted = {
        "clipnorm": [g * min(1, 0.5 / norm(g)) for g in gradients],
        "clipvalue": [np.clip(g, -0.5, 0.5) for g in gradients],
        "global_clipnorm": [g * 0.5 / whole for g in gradients],
    }
    for name, clipped in wanted.items():
        (found,) = walk(made({"name": "sgd", "learning_rate": RATE, name: 0.5}), 1)
        same([found], [[start - RATE * g for start, g in zip(STARTS, clipped, strict=True)]])


def test_the_mean_of_accumulated_gradients_makes_one_step() -> None:
    found = walk(made({"name": "sgd", "learning_rate": RATE, "gradient_accumulation_steps": 4}))
    once, twice = expected(descent, 2)
    for step in (0, 1, 2):
        same([found[step]], [list(STARTS)])
    same(found[3:7], [once] * 4)
    same([found[7]], [twice])


def test_the_moving_average_of_the_weights_is_what_remains() -> None:
    optimizer = made({"name": "sgd", "learning_rate": RATE, "use_ema": True, "ema_momentum": 0.8})
    weights = [keras.Variable(start, dtype="float64") for start in STARTS]
    optimizer.build(weights)
    average: list[Array] = []
    for point in expected(descent):
        gradients = [gradient_of(n)(np.array(weight)) for n, weight in enumerate(weights)]
        optimizer.apply([keras.ops.convert_to_tensor(one) for one in gradients], weights)
        average = [0.8 * a + 0.2 * p for a, p in zip(average, point, strict=True)] if average else point
    optimizer.finalize_variable_values(weights)
    same([[np.array(weight) for weight in weights]], [average])


def test_decoupled_decay_shrinks_weights_by_the_rate() -> None:
    found = walk(made({"name": "sgd", "learning_rate": RATE, "weight_decay": 0.5}), 1)
    same(found, [[w * (1 - RATE * 0.5) - RATE * gradient_of(n)(w) for n, w in enumerate(STARTS)]])


def test_an_optimiser_goes_through_its_configuration() -> None:
    for name in set(OPTIMIZERS) - {"lbfgs"}:
        first = made({"name": name, "learning_rate": {"name": "warmup", "steps": 3, "then": RATE}})
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(first))
        same(
            walk(again, 5), walk(made({"name": name, "learning_rate": {"name": "warmup", "steps": 3, "then": RATE}}), 5)
        )


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {"lbfgs"}))
def test_all_that_changes_is_among_its_variables(name: str) -> None:
    whole = walk(made({"name": name, "learning_rate": RATE}))
    first = made({"name": name, "learning_rate": RATE})
    walk(first, 5)
    assert len({id(variable) for variable in first.variables}) == len(first.variables)
    again = made({"name": name, "learning_rate": RATE})
    weights = [keras.Variable(array, dtype="float64") for array in whole[4]]
    again.build(weights)
    for variable, kept in zip(again.variables, first.variables, strict=True):
        variable.assign(kept)
    for wanted in whole[5:]:
        gradients = [gradient_of(n)(np.array(weight)) for n, weight in enumerate(weights)]
        again.apply([keras.ops.convert_to_tensor(one) for one in gradients], weights)
        for weight, array in zip(weights, wanted, strict=True):
            np.testing.assert_array_equal(np.array(weight), array)


def along(optimizer: Any, weights: Any) -> None:
    optimizer.apply([weight * np.float32(factor) for weight, factor in zip(weights, CURVED, strict=True)], weights)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_fused_updates_accumulate_clip_and_average_as_keras_does(name: str) -> None:
    import tensorflow as tf

    options = {"gradient_accumulation_steps": 2, "global_clipnorm": 0.5, "use_ema": True, "weight_decay": 0.1}
    found = []
    for optimizer in (
        made({"name": name, "learning_rate": RATE, **options}),
        getattr(keras.optimizers, {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}[name])(RATE, **options),
    ):
        weights = [keras.Variable(start, dtype="float32") for start in STARTS]
        optimizer.build(weights)

        step = tf.function(partial(along, optimizer, weights), autograph=False)
        for _ in range(7):
            step()
        moving = [np.array(weight) for weight in weights]
        optimizer.finalize_variable_values(weights)
        found.append([*moving, *(np.array(weight) for weight in weights)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_null_and_parts_of_paths_mean_what_they_say() -> None:
    rule: Any = OPTIMIZER.make({"name": "muon", "rms_rate": None, "exclude_layers": ["head.0"]})
    assert rule.arguments()["rms_rate"] is None and rule.arguments()["exclude_layers"] == [r"head\.0"]
    plain = walk(made({"name": "muon", "learning_rate": RATE, "rms_rate": None, "weight_decay": 0}), 1)
    scaled = walk(made({"name": "muon", "learning_rate": RATE, "rms_rate": 1 / np.sqrt(4), "weight_decay": 0}), 1)
    np.testing.assert_allclose(plain[0][0], scaled[0][0], rtol=1e-6)
