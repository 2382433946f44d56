"""Noise and dropping: what is expected of them, what they do after training, and that a seed repeats them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.compiler.layers import LAYERS
from archgraph.diagnostics import Rejected
from archgraph.shapes import Shape, Tensor, symbol
from tests.compiler.layers.trial import check_half_precision, check_mask, check_saving, layer_for, make, run, symbolic

MANY = np.random.default_rng(1).normal(1, 2, (4000, 3, 2)).astype("float32")
FEW = np.random.default_rng(2).normal(1, 2, (6, 3, 2)).astype("float32")

DISTURBANCES: list[tuple[str, dict[str, Any]]] = [
    ("dropout", {"rate": 0.3}),
    ("spatial_dropout", {"rate": 0.3}),
    ("drop_path", {"rate": 0.3}),
    ("gaussian_dropout", {"rate": 0.3}),
    ("alpha_dropout", {"rate": 0.3}),
    ("gaussian_noise", {"stddev": 0.3}),
    ("masking_noise", {"rate": 0.3}),
]
IDS = [op for op, _ in DISTURBANCES]


@pytest.mark.parametrize(("op", "params"), DISTURBANCES, ids=IDS)
def test_nothing_happens_after_training(op: str, params: dict[str, Any]) -> None:
    np.testing.assert_array_equal(run(make(op, **params), FEW), FEW)


@pytest.mark.parametrize(("op", "params"), DISTURBANCES, ids=IDS)
def test_nothing_happens_in_training_at_strength_0(op: str, params: dict[str, Any]) -> None:
    np.testing.assert_array_equal(run(make(op, **dict.fromkeys(params, 0)), FEW, training=True), FEW)


@pytest.mark.parametrize(("op", "params"), DISTURBANCES, ids=IDS)
def test_the_seed_of_the_build_repeats_the_noise(op: str, params: dict[str, Any]) -> None:
    once, again, other = (layer_for(make(op, **params), FEW, seed=seed)(FEW, training=True) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize(("op", "params"), DISTURBANCES, ids=IDS)
def test_noise_survives_saving(op: str, params: dict[str, Any], tmp_path: Path) -> None:
    check_saving(layer_for(make(op, **params), FEW), [FEW], tmp_path)


# The mean over n draws of a number with deviation s is off by more than 5·s/√n less often than once in a million.
@pytest.mark.parametrize(
    ("op", "params"),
    [case for case in DISTURBANCES if case[0] not in ("alpha_dropout", "masking_noise")],
    ids=[i for i in IDS if i not in ("alpha_dropout", "masking_noise")],
)
def test_the_expected_value_is_the_input(op: str, params: dict[str, Any]) -> None:
    y = run(make(op, **params), np.ones_like(MANY), training=True)
    spread = 0.3 if op == "gaussian_noise" else np.sqrt(0.3 / 0.7)
    assert np.abs(y.mean(0) - 1).max() < 5 * spread / np.sqrt(len(MANY))


@pytest.mark.parametrize(
    ("op", "shared"),
    [("dropout", ()), ("spatial_dropout", (1,)), ("drop_path", (1, 2))],
    ids=["each", "map", "example"],
)
def test_what_is_dropped_together_is_dropped_whole(op: str, shared: tuple[int, ...]) -> None:
    y = run(make(op, rate=0.25), np.ones_like(MANY), training=True)
    np.testing.assert_allclose(np.unique(y), [0, 4 / 3], rtol=1e-6)
    together = y.max(shared, keepdims=True) == y.min(shared, keepdims=True) if shared else np.ones(1)
    assert together.all()
    apart = [axis for axis in (1, 2) if axis not in shared]
    assert all((y.max(axis) != y.min(axis)).any() for axis in apart)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = np.random.default_rng(3).normal(0, 1, (40000, 4)).astype("float32")
    y = run(make("alpha_dropout", rate=0.2), x, training=True)
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.03


def test_gaussian_noise_has_the_deviation_asked_for() -> None:
    noise = run(make("gaussian_noise", stddev=0.5), MANY, training=True) - MANY
    assert abs(noise.std() - 0.5) < 0.01


def test_masking_noise_blanks_a_share_and_leaves_the_rest_as_it_is() -> None:
    y = run(make("masking_noise", rate=0.25), MANY, training=True)
    np.testing.assert_array_equal(y[y != 0], MANY[y != 0])
    assert abs((y == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / MANY.size)


def test_activity_regularization_adds_its_penalty_for_each_example() -> None:
    layer = layer_for(make("activity_regularization", l1=0.5, l2=0.25), FEW)
    np.testing.assert_array_equal(layer(FEW), FEW)
    expected = (0.5 * np.abs(FEW).sum() + 0.25 * (FEW**2).sum()) / len(FEW)
    np.testing.assert_allclose(layer.losses[0], expected, rtol=1e-6)


def drop_connect(share: bool, *, rate: float = 0.4, units: int = 5, use_bias: bool = True) -> Any:
    """A built layer whose weights and biases are all 1."""
    params = {"units": units, "rate": rate, "share_mask": share, "use_bias": use_bias}
    layer = layer_for(make("drop_connect", kernel_initializer="ones", bias_initializer="ones", **params), FEW)
    layer.build((None, 3, 2))
    return layer


def test_drop_connect_is_a_dense_layer_after_training() -> None:
    rng = np.random.default_rng(4)
    layer = drop_connect(False)
    kernel, bias = rng.normal(size=(2, 5)).astype("float32"), rng.normal(size=5).astype("float32")
    layer.set_weights([kernel, bias])
    np.testing.assert_allclose(layer(FEW), FEW @ kernel + bias, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        drop_connect(False, rate=0.0)(FEW, training=True), FEW.sum(-1, keepdims=True) + np.ones(5)
    )


def test_drop_connect_drops_single_weights() -> None:
    """With inputs (1, 2) and (0, 0), outputs tell which of the two weights and the bias were kept."""
    x = np.zeros((2000, 3, 2), "float32")
    x[:, :2] = [1.0, 2.0]
    y = np.asarray(drop_connect(False)(x, training=True)) * 0.6  # undo the division by 1 - rate
    np.testing.assert_allclose(np.unique(np.round(y[:, 2], 4)), [0, 1])
    np.testing.assert_allclose(np.unique(np.round(y[:, 0], 4)), [0, 1, 2, 3, 4])
    np.testing.assert_allclose(y[:, 0], y[:, 1], rtol=1e-6)  # one example, one mask
    kept = np.round(y[:, 0] - y[:, 2], 4)
    share = [(kept == value).mean() for value in (0, 1, 2, 3)]
    np.testing.assert_allclose(share, [0.16, 0.24, 0.24, 0.36], atol=0.03)


@pytest.mark.parametrize("share", [False, True])
def test_drop_connect_shares_its_mask_only_when_asked(share: bool) -> None:
    x = np.ones((50, 3, 2), "float32")
    y = np.asarray(drop_connect(share)(x, training=True))
    assert (y.max(0) == y.min(0)).all() == share


def test_drop_connect_expects_the_dense_output() -> None:
    x = np.ones((8000, 3, 2), "float32")
    y = np.asarray(drop_connect(False)(x, training=True))
    assert np.abs(y.mean(0) - 3).max() < 5 * np.sqrt(3 * 0.4 / 0.6) / np.sqrt(len(x))


@pytest.mark.parametrize("use_bias", [True, False])
def test_drop_connect_repeats_survives_saving_and_half_precision(use_bias: bool, tmp_path: Path) -> None:
    first, second = (drop_connect(False, use_bias=use_bias)(FEW, training=True) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    primitive = make("drop_connect", units=3, rate=0.5, use_bias=use_bias, kernel_regularizer={"l1": 0.1})
    check_saving(layer_for(primitive, FEW), [FEW], tmp_path)
    check_half_precision(primitive, FEW)


def test_drop_connect_trains_in_half_precision() -> None:
    layer = LAYERS["DropConnect"](3, 0.5, dtype="mixed_float16")
    assert layer(FEW, training=True).dtype == "float16"


def test_drop_path_trains_in_half_precision() -> None:
    y = LAYERS["DropPath"](0.5, dtype="mixed_float16")(FEW, training=True)
    assert y.dtype == "float16"


@pytest.mark.parametrize(("op", "params"), [*DISTURBANCES, ("activity_regularization", {"l1": 0.1})])
def test_unknown_sizes_stay_unknown(op: str, params: dict[str, Any]) -> None:
    steps = symbol("T")
    assert make(op, **params).infer(Tensor((steps, 5))) == Tensor((steps, 5))
    assert symbolic(make(op, **params), (None, 5)) == (None, 5)


REFUSED = [
    ("spatial_dropout", {"rate": 0.5}, (4,), "AG301"),
    ("spatial_dropout", {"rate": 0.5}, (2, 2, 2, 2, 2), "AG301"),
    ("drop_connect", {"rate": 0.5, "units": 3}, (), "AG301"),
    ("drop_connect", {"rate": 0.5, "units": 3}, (symbol("N"),), "AG302"),
]


@pytest.mark.parametrize(("op", "params", "shape", "code"), REFUSED)
def test_bad_shapes_are_refused(op: str, params: dict[str, Any], shape: Shape, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        make(op, **params).infer(Tensor(shape))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("op", "params", "field"),
    [
        ("dropout", {"rate": 1}, "/rate"),
        ("dropout", {"rate": -0.1}, "/rate"),
        ("drop_path", {"rate": 1.5}, "/rate"),
        ("gaussian_noise", {"stddev": 1.5}, "/stddev"),
        ("activity_regularization", {"l1": -1}, "/l1"),
        ("drop_connect", {"rate": 1, "units": 3}, "/rate"),
    ],
)
def test_parameters_out_of_bounds_are_refused(op: str, params: dict[str, Any], field: str) -> None:
    with pytest.raises(Rejected) as caught:
        make(op, **params)
    assert (caught.value.code, caught.value.field) == ("AG201", field)


@pytest.mark.parametrize(("op", "params"), [*DISTURBANCES, ("drop_connect", {"rate": 0.5, "units": 3})])
def test_whole_numbers_are_refused(op: str, params: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="must hold floating-point numbers, got bool"):
        make(op, **params).infer(Tensor((4, 4), "bool"))


@pytest.mark.parametrize(("op", "params"), [("drop_path", {}), ("drop_connect", {"units": 3})])
def test_a_mask_over_steps_is_passed_on(op: str, params: dict[str, Any]) -> None:
    check_mask(make(op, rate=0.5, **params), np.ones((2, 4, 5), "float32"))
