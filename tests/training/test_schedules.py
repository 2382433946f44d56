"""Schedules: Keras's rates against the formula in plain arithmetic, and the formula against figures by hand."""

import io
import math
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from archgraph.diagnostics import GraphError
from archgraph.training import load_experiment, train
from archgraph.training.assemble import make_optimizer, make_rate
from archgraph.training.observers.rates import cycled, drawn
from archgraph.training.optimizer import OPTIMIZER
from archgraph.training.plots.paper import GREEN
from archgraph.training.plots.rates import schedules
from archgraph.training.schedules import SCHEDULES, as_schedule
from tests.training.conftest import Write
from tests.training.test_loop import PressesCtrlC, same

STEPS, EPOCHS = 25, 8
TOTAL = STEPS * EPOCHS

CASES: list[dict[str, Any]] = [
    {"name": "constant", "learning_rate": 0.3},
    {"name": "exponential_decay", "initial_learning_rate": 0.1, "decay_rate": 0.5},
    {"name": "exponential_decay", "initial_learning_rate": 0.1, "decay_rate": 0.5, "decay_steps": 30,
     "staircase": True},
    {"name": "step_decay", "initial_learning_rate": 0.4, "decay_steps": 2, "per": "epoch"},
    {"name": "inverse_time_decay", "initial_learning_rate": 1, "decay_steps": 1000, "decay_rate": 1},
    {"name": "inverse_time_decay", "initial_learning_rate": 1, "decay_steps": 16, "decay_rate": 2, "staircase": True},
    {"name": "polynomial_decay", "initial_learning_rate": 0.1, "power": 2},
    {"name": "polynomial_decay", "initial_learning_rate": 0.1, "decay_steps": 64, "cycle": True},
    {"name": "cosine_decay", "initial_learning_rate": 0.1, "alpha": 0.1},
    {"name": "cosine_decay", "initial_learning_rate": 0.01, "warmup_target": 0.1, "warmup_steps": 1, "per": "epoch"},
    {"name": "cosine_restarts", "initial_learning_rate": 0.1, "first_decay_steps": 1, "per": "epoch"},
    {"name": "cosine_restarts", "initial_learning_rate": 0.1, "first_decay_steps": 32, "t_mul": 1, "m_mul": 0.5},
    {"name": "cosine_restarts", "initial_learning_rate": 0.1, "first_decay_steps": 20, "alpha": 0.2},
    {"name": "piecewise_constant", "boundaries": [2, 5], "values": [0.1, 0.01, 0.001], "per": "epoch"},
    {"name": "cyclical", "lowest": 0.01, "highest": 0.1, "step_size": 16},
    {"name": "cyclical", "lowest": 0.01, "highest": 0.1, "step_size": 1, "per": "epoch", "mode": "triangular2"},
    {"name": "cyclical", "lowest": 0.01, "highest": 0.1, "step_size": 16, "mode": "exp_range", "gamma": 0.99},
    {"name": "one_cycle", "highest": 0.5},
    {"name": "one_cycle", "highest": 0.5, "shape": "linear", "rising": 0.5, "decay_steps": 128},
    {"name": "warmup", "steps": 10, "then": 0.2},
    {"name": "warmup", "steps": 2, "per": "epoch", "start": 0.01, "then": {"name": "cosine_decay",
                                                                           "initial_learning_rate": 0.1}},
    {"name": "warmup", "steps": 5, "then": {"name": "cyclical", "lowest": 0.01, "highest": 0.1, "step_size": 16}},
]  # fmt: skip


def on_keras(value: Any) -> Any:
    return make_rate(keras, as_schedule(value), STEPS, TOTAL)


@pytest.mark.parametrize("value", CASES, ids=[f"{case['name']}-{number}" for number, case in enumerate(CASES)])
def test_keras_gives_the_rates_of_the_formula_at_every_step(value: dict[str, Any]) -> None:
    rate = on_keras(value)
    schedule = as_schedule(value)
    for step in range(TOTAL + 1):
        found = rate if isinstance(rate, float) else float(rate(keras.ops.convert_to_tensor(step, "int64")))
        assert found == pytest.approx(schedule.rate(step, STEPS, TOTAL), rel=1e-4, abs=2e-7), step


@pytest.mark.parametrize("value", CASES[1:], ids=[f"{case['name']}-{n}" for n, case in enumerate(CASES[1:])])
def test_a_schedule_goes_through_its_configuration(value: dict[str, Any]) -> None:
    first = on_keras(value)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(first))
    for step in (0, 3, 24, 25, 60, TOTAL):
        assert float(again(step)) == float(first(step))


def test_every_schedule_is_among_these() -> None:
    assert {case["name"] for case in CASES} == set(SCHEDULES)


def rates(value: Any, *steps: float) -> list[float]:
    return [round(as_schedule(value).rate(step, STEPS, TOTAL), 6) for step in steps]


def test_the_perceptron_s_rate_is_1000_over_1000_plus_t() -> None:
    value = {"name": "inverse_time_decay", "initial_learning_rate": 1, "decay_steps": 1000, "decay_rate": 1}
    assert rates(value, 0, 1, 500, 1000, 9000) == [round(1000 / (1000 + t), 6) for t in (0, 1, 500, 1000, 9000)]


BY_HAND: list[tuple[dict[str, Any], dict[float, float]]] = [
    (CASES[1], {0: 0.1, TOTAL: 0.05, TOTAL / 2: 0.1 * math.sqrt(0.5)}),
    (CASES[3], {0: 0.4, 49: 0.4, 50: 0.2, 99: 0.2, 100: 0.1}),
    (CASES[6], {0: 0.1, TOTAL / 2: 0.0999 / 4 + 0.0001, TOTAL: 0.0001}),
    (CASES[8], {0: 0.1, TOTAL / 2: 0.055, TOTAL: 0.01, TOTAL + 9: 0.01}),
    # SGDR: restarts after 1, 1 + 2 and 1 + 2 + 4 epochs; the middle of each cycle has half the rate
    (CASES[10], {0: 0.1, 12.5: 0.05, 25: 0.1, 50: 0.05, 75: 0.1, 125: 0.05, 175: 0.1}),
    (CASES[11], {0: 0.1, 16: 0.05, 32: 0.05, 64: 0.025, 80: 0.0125}),
    # Smith 2017, figure 2: triangles; their height halves; or falls at every step
    (CASES[14], {0: 0.01, 8: 0.055, 16: 0.1, 24: 0.055, 32: 0.01, 48: 0.1}),
    (CASES[15], {0: 0.01, 25: 0.1, 50: 0.01, 75: 0.055, 125: 0.0325}),
    (CASES[16], {0: 0.01, 16: 0.01 + 0.09 * 0.99**16, 48: 0.01 + 0.09 * 0.99**48}),
    (CASES[17], {0: 0.02, 60: 0.5, TOTAL: 2e-6, TOTAL + 50: 2e-6}),
    (CASES[18], {0: 0.02, 32: 0.26, 64: 0.5, 96: (0.5 + 2e-6) / 2}),
    (CASES[19], {0: 0.02, 4: 0.1, 9: 0.2, 10: 0.2, 150: 0.2}),
    (CASES[20], {0: 0.01 + 0.09 / 50, 49: 0.1, 50: 0.1, 125: 0.05, TOTAL: 0.0}),
]


@pytest.mark.parametrize(("value", "wanted"), BY_HAND)
def test_the_formula_gives_what_is_reckoned_by_hand(value: dict[str, Any], wanted: dict[float, float]) -> None:
    assert rates(value, *wanted) == [round(rate, 6) for rate in wanted.values()]


def test_a_rate_by_epochs_is_the_rate_by_their_batches() -> None:
    short = {"name": "cyclical", "lowest": 0.01, "highest": 0.1, "step_size": 2, "per": "epoch"}
    assert rates(short, *range(0, 200, 7)) == rates({**short, "per": "step", "step_size": 50}, *range(0, 200, 7))


def test_restarts_stay_exact_for_long() -> None:
    value = {"name": "cosine_restarts", "initial_learning_rate": 0.1, "first_decay_steps": 1000}
    rate, schedule = on_keras(value), as_schedule(value)
    for number in range(1, 11):
        restart = 1000 * (2**number - 1)
        near = np.arange(restart - 3, restart + 4)
        found = [float(rate(int(step))) for step in near]
        assert found == pytest.approx([schedule.rate(int(step), STEPS, TOTAL) for step in near], abs=2e-4)


BACKWARDS = {"name": "cyclical", "lowest": 0.1, "highest": 0.01, "step_size": 3}
UNEVEN = {"name": "piecewise_constant", "boundaries": [5, 3], "values": [0.1, 0.01, 0.001]}
BAD: list[tuple[Any, str, str]] = [
    (BACKWARDS, "AG210", "/highest"),
    (UNEVEN, "AG210", "/boundaries"),
    ({**UNEVEN, "boundaries": [3, 5, 7]}, "AG210", "/values"),
    ({"name": "warmup", "steps": 3, "then": BACKWARDS}, "AG210", "/then/highest"),
    ({"name": "warmup", "steps": 3, "then": {"name": "warmup", "steps": 1, "then": 0.1}}, "AG205", "/then/name"),
    ({"name": "warmup", "steps": 0, "then": 0.1}, "AG201", "/steps"),
    ({"name": "warmup", "steps": 3, "then": -0.1}, "AG201", "/then"),
    ({"name": "warmup", "steps": 3, "start": -1, "then": 0.1}, "AG201", "/start"),
    ({**BACKWARDS, "mode": "square"}, "AG205", "/mode"),
    ({**BACKWARDS, "gamma": 2}, "AG201", "/gamma"),
    ({"name": "one_cycle", "highest": 0.1, "rising": 1}, "AG201", "/rising"),
    ({"name": "one_cycle", "highest": 0.1, "start_divisor": 0.5}, "AG201", "/start_divisor"),
    ({"name": "one_cycle", "highest": 0.1, "end_divisor": 0}, "AG201", "/end_divisor"),
    ({"name": "one_cycle", "highest": 0.1, "shape": "round"}, "AG205", "/shape"),
    ({"name": "one_cycle", "highest": 0.1, "per": "day"}, "AG205", "/per"),
    ({"name": "step_decay", "initial_learning_rate": 0.1}, "AG204", ""),
    ({"name": "step_decay", "initial_learning_rate": 0.1, "decay_steps": 0}, "AG201", "/decay_steps"),
    ({"name": "step_decay", "initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 2}, "AG201", "/decay_rate"),
    ({"name": "sinus"}, "AG205", "/name"),
]


@pytest.mark.parametrize(("rate", "code", "pointer"), BAD)
def test_wrong_schedules_are_refused_in_one_placed_line(rate: Any, code: str, pointer: str, write: Write) -> None:
    with pytest.raises(GraphError) as error:
        load_experiment(write(optimizer={"name": "sgd", "learning_rate": rate}))
    assert [(one.code, one.pointer) for one in error.value.diagnostics] == [
        (code, f"/optimizer/learning_rate{pointer}")
    ]


def test_a_run_on_a_schedule_is_resumed_to_the_same_end_and_drawn(write: Write) -> None:
    rate = {"name": "warmup", "steps": 5, "then": {"name": "cyclical", "lowest": 0.01, "highest": 0.2, "step_size": 4}}
    path = write(epochs=2, optimizer={"name": "rmsprop_nesterov", "learning_rate": rate})
    whole = train(path, progress=False)
    assert train(path, progress=PressesCtrlC(1, 3)).interrupted
    resumed = train(path, resume=True, progress=False)
    same(whole, resumed)
    assert (resumed.path / "learning_rate.png").read_bytes()[:4] == b"\x89PNG"
    schedule = as_schedule(rate)
    assert [row["learning_rate"] for row in whole.history] == pytest.approx([schedule.rate(n, 9, 18) for n in (9, 18)])


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_momentum_cycles_against_the_rate(shape: str, nesterov: bool) -> None:
    cycle = {"name": "one_cycle", "highest": 0.2, "rising": 0.25, "shape": shape, "lowest_momentum": 0.8}
    options = {"name": "sgd", "momentum": 0.95, "nesterov": nesterov, "learning_rate": cycle}
    record: Any = OPTIMIZER.make(options)
    experiment: Any = SimpleNamespace(settings=SimpleNamespace(epochs=2))
    optimizer = make_optimizer(record, experiment, 10)
    weight = keras.Variable([1.0, -2.0])
    w, v = np.array([1.0, -2.0]), np.zeros(2)
    momenta = []
    for step in range(22):
        share = min(step / 20, 1)
        part = share / 0.25 if share < 0.25 else (1 - share) / 0.75
        part = part if shape == "linear" else (1 - math.cos(math.pi * part)) / 2
        momentum, rate = 0.95 - 0.15 * part, as_schedule(cycle).rate(step, 10, 20)
        momenta.append(momentum)
        assert as_schedule(cycle).momentum_at(step, 0.95, 10, 20) == pytest.approx(momentum)  # type: ignore[attr-defined]
        v = momentum * v - rate * w
        optimizer.apply([keras.ops.convert_to_tensor(np.asarray(weight))], [weight])
        w = w + (momentum * v - rate * w if nesterov else v)
        np.testing.assert_allclose(np.asarray(weight), w, rtol=1e-4, atol=1e-6)
    assert momenta[0] == momenta[-1] == 0.95 and momenta[5] == pytest.approx(0.8)
    again = type(optimizer).from_config(optimizer.get_config())
    assert (again.lowest_momentum, again.decay_steps, again.shape) == (0.8, 20, shape)


def test_momentum_that_cycles_is_drawn_beside_the_rate() -> None:
    cycle = {"name": "one_cycle", "highest": 0.2, "rising": 0.5, "shape": "linear", "lowest_momentum": 0.8}
    rule: Any = OPTIMIZER.make({"name": "sgd", "momentum": 0.9, "learning_rate": cycle})
    momenta = cycled(rule, 4, 2)
    assert momenta is not None
    assert momenta[0] == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75]
    assert momenta[1] == pytest.approx([0.9, 0.875, 0.85, 0.825, 0.8, 0.825, 0.85, 0.875])
    plain: Any = OPTIMIZER.make({"name": "sgd", "momentum": 0.9, "learning_rate": {**cycle, "lowest_momentum": None}})
    assert cycled(plain, 4, 2) is None
    line = drawn(as_schedule(cycle), 4, 2)
    with_momentum, without = (schedules("a", {"": line}, 2.0, beside) for beside in (momenta, None))
    pictures = [np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")) for picture in (with_momentum, without)]
    green = [int(GREEN[number : number + 2], 16) for number in (1, 3, 5)]
    greens = [int((abs(picture.astype(int) - green).max(-1) < 20).sum()) for picture in pictures]
    assert greens[0] > 200 and greens[1] == 0
