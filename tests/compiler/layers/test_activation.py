"""Every activation against its formula in numpy."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.diagnostics import Rejected
from archgraph.shapes import Shape, Tensor, symbol
from archgraph.vocabulary.parameters import ACTIVATIONS
from tests.compiler.layers.trial import check_half_precision, check_mask, check_saving, layer_for, make, run, symbolic

# Kinks and thresholds of all functions, and points between.
X = np.array([[-9, -4, -3.5, -3, -2, -1, -0.6, -0.4], [-0.1, 0, 0.1, 0.4, 0.6, 1, 3, 7]], "float32")
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gelu(x: np.ndarray) -> np.ndarray:
    return np.array([[v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in row] for row in x])


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def sparsemax(x: np.ndarray) -> np.ndarray:
    """Martins & Astudillo 2016, algorithm 1, row by row."""
    rows = []
    for row in x:
        falling = np.sort(row)[::-1]
        support = max(k for k in range(1, len(row) + 1) if 1 + k * falling[k - 1] > falling[:k].sum())
        rows.append(np.maximum(row - (falling[:support].sum() - 1) / support, 0))
    return np.array(rows)


FORMULAS: list[tuple[str, dict[str, Any], Callable[[np.ndarray], np.ndarray]]] = [
    ("linear", {}, lambda x: x),
    ("relu", {}, lambda x: np.maximum(x, 0)),
    ("relu", {"negative_slope": 0.5}, lambda x: np.where(x > 0, x, x / 2)),
    ("relu", {"max_value": 2, "threshold": 0.5}, lambda x: np.where(x < 0.5, 0, np.minimum(x, 2))),
    ("relu6", {}, lambda x: np.clip(x, 0, 6)),
    ("leaky_relu", {}, lambda x: np.where(x > 0, x, 0.2 * x)),
    ("leaky_relu", {"negative_slope": 0.01}, lambda x: np.where(x > 0, x, 0.01 * x)),
    ("elu", {}, lambda x: np.where(x > 0, x, np.expm1(x))),
    ("elu", {"alpha": 0.5}, lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    ("selu", {}, lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x))),
    ("celu", {}, lambda x: np.where(x > 0, x, np.expm1(x))),
    ("celu", {"alpha": 2}, lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2))),
    ("gelu", {}, gelu),
    ("gelu", {"approximate": True}, lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
    ("silu", {}, lambda x: x * sigmoid(x)),
    ("mish", {}, lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    ("sigmoid", {}, sigmoid),
    ("hard_sigmoid", {}, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    ("log_sigmoid", {}, lambda x: -np.log1p(np.exp(-x))),
    ("tanh", {}, np.tanh),
    ("hard_tanh", {}, lambda x: np.clip(x, -1, 1)),
    ("scaled_tanh", {}, lambda x: 1.7159 * np.tanh(2 * x / 3)),
    ("softplus", {}, lambda x: np.log1p(np.exp(x))),
    ("softsign", {}, lambda x: x / (1 + abs(x))),
    ("softmax", {}, softmax),
    ("log_softmax", {}, lambda x: np.log(softmax(x))),
    ("log_softmax", {"axis": 1}, lambda x: np.log(softmax(x))),
    ("exponential", {}, np.exp),
    ("hard_silu", {}, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    ("tanh_shrink", {}, lambda x: x - np.tanh(x)),
    ("soft_shrink", {}, lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0)),
    ("soft_shrink", {"threshold": 2}, lambda x: np.sign(x) * np.maximum(abs(x) - 2, 0)),
    ("hard_shrink", {}, lambda x: np.where(abs(x) > 0.5, x, 0)),
    ("hard_shrink", {"threshold": 2.5}, lambda x: np.where(abs(x) > 2.5, x, 0)),
    ("threshold", {}, lambda x: np.where(x > 1, x, 0)),
    ("threshold", {"threshold": -2.5, "default_value": -3}, lambda x: np.where(x > -2.5, x, -3)),
    ("squareplus", {}, lambda x: (x + np.sqrt(x**2 + 4)) / 2),
    ("squareplus", {"b": 1}, lambda x: (x + np.sqrt(x**2 + 1)) / 2),
    ("sparse_plus", {}, lambda x: np.where(x >= 1, x, np.where(x > -1, (x + 1) ** 2 / 4, 0))),
    ("sparsemax", {}, sparsemax),
    ("sparsemax", {"axis": 1}, sparsemax),
    ("step", {}, lambda x: np.where(x >= 0, 1, 0)),
]
IDS = ["-".join([name, *map(str, params)]) for name, params, _ in FORMULAS]


def test_every_function_has_a_formula_here() -> None:
    assert {name for name, _, _ in FORMULAS} == set(ACTIVATIONS)


@pytest.mark.parametrize(("name", "params", "formula"), FORMULAS, ids=IDS)
def test_it_computes_its_formula(name: str, params: dict[str, Any], formula: Callable[..., np.ndarray]) -> None:
    expected = formula(X.astype("float64"))
    np.testing.assert_allclose(run(make("activation", activation=name, **params), X), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "params", "formula"), FORMULAS, ids=IDS)
def test_it_survives_saving(
    name: str, params: dict[str, Any], formula: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    check_saving(layer_for(make("activation", activation=name, **params), X), [X], tmp_path)


@pytest.mark.parametrize(("name", "params", "formula"), FORMULAS, ids=IDS)
def test_half_precision_agrees(name: str, params: dict[str, Any], formula: Callable[..., np.ndarray]) -> None:
    check_half_precision(make("activation", activation=name, **params), np.round(X * 4) / 4)


@pytest.mark.parametrize("axis", [1, 2, -2])
def test_softmax_sums_to_1_along_its_axis(axis: int) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
    np.testing.assert_allclose(run(make("activation", activation="softmax", axis=axis), x), softmax(x, axis), rtol=1e-5)


def test_sparsemax_along_another_axis_is_that_of_the_turned_tensor() -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
    turned = run(make("activation", activation="sparsemax", axis=2), np.swapaxes(x, 1, 2))
    np.testing.assert_allclose(run(make("activation", activation="sparsemax", axis=1), x), np.swapaxes(turned, 1, 2))


@pytest.mark.parametrize("name", ["softmax", "relu", "scaled_tanh"])
def test_unknown_sizes_stay_unknown(name: str) -> None:
    steps = symbol("T")
    assert make("activation", activation=name).infer(Tensor((steps, 5))) == Tensor((steps, 5))
    assert symbolic(make("activation", activation=name), (None, 5)) == (None, 5)


def test_step_is_exact_for_numbers_of_any_size() -> None:
    x = np.array([[-1e30, -3e7, -1e-30, 0, 1e-30, 3e7, 1e30]], "float32")
    np.testing.assert_array_equal(run(make("activation", activation="step"), x), [[0, 0, 0, 1, 1, 1, 1]])


def test_descent_through_step_is_the_perceptrons_rule() -> None:
    """Rosenblatt: w + rate·(target - output)·x, by hand for two examples, of which the first is wrong."""
    x, target = np.array([[1.0, -2.0], [3.0, 1.0]], "float32"), np.array([[1.0], [1.0]], "float32")
    dense = layer_for(make("dense", units=1), x)
    step = layer_for(make("activation", activation="step"), target, name="step")
    model = keras.Sequential([keras.Input((2,)), dense, step])
    dense.set_weights([np.array([[0.5], [0.5]], "float32"), np.array([0.0], "float32")])
    # Keras's error is the mean of squares: with 2 examples and a factor 2 from the square, its rate is the rule's.
    model.compile(keras.optimizers.SGD(1.0), "mean_squared_error")
    model.train_on_batch(x, target)
    np.testing.assert_allclose(dense.get_weights()[0], [[1.5], [-1.5]])
    np.testing.assert_allclose(dense.get_weights()[1], [1.0])


def test_prelu_has_a_slope_for_each_element() -> None:
    layer = layer_for(make("prelu", alpha_initializer={"name": "constant", "value": 0.25}), X)
    np.testing.assert_allclose(layer(X), np.where(X > 0, X, X / 4))
    layer.set_weights([np.arange(8, dtype="float32")])
    np.testing.assert_allclose(layer(X), np.where(X > 0, X, X * np.arange(8)), rtol=1e-6)


@pytest.mark.parametrize(
    ("shared", "shape"),
    [(None, (2, 3, 4)), ([1, 2], (1, 1, 4)), ([-3, -2], (1, 1, 4)), ([-1], (2, 3, 1)), ([3, 1], (1, 3, 1))],
)
def test_prelu_shares_slopes_along_the_given_axes(shared: list[int] | None, shape: Shape) -> None:
    x = Tensor((2, 3, 4))
    primitive = make("prelu", shared_axes=shared)
    assert [weight.shape for weight in primitive.weights(x)] == [shape]
    layer = layer_for(primitive, np.zeros((1, 2, 3, 4), "float32"))
    layer.build((None, 2, 3, 4))
    assert tuple(layer.alpha.shape) == shape


def test_prelu_on_pictures_of_any_size_shares_along_them() -> None:
    height = symbol("H")
    assert make("prelu", shared_axes=[1, 2]).infer(Tensor((height, height, 3))) == Tensor((height, height, 3))
    assert symbolic(make("prelu", shared_axes=[1, 2]), (None, None, 3)) == (None, None, 3)
    with pytest.raises(Rejected, match="every axis that is not shared must be known") as caught:
        make("prelu").infer(Tensor((height, height, 3)))
    assert (caught.value.code, caught.value.hint) == (
        "AG302",
        "share the slopes along the symbolic axes: set shared_axes",
    )


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5)])
@pytest.mark.parametrize("biased", [True, False])
def test_maxout_keeps_the_largest_of_its_sums(shape: Shape, biased: bool) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, *shape)).astype("float32")
    layer = layer_for(make("maxout", units=2, pieces=3, use_bias=biased), x)
    layer(x)
    kernel, bias = rng.normal(size=(5, 6)).astype("float32"), rng.normal(size=6).astype("float32")
    layer.set_weights([kernel, bias] if biased else [kernel])
    sums = [[x @ kernel[:, 3 * i + j] + biased * bias[3 * i + j] for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(layer(x), np.moveaxis(np.max(sums, axis=1), 0, -1), rtol=1e-5, atol=1e-6)


def test_maxout_survives_saving_and_half_precision(tmp_path: Path) -> None:
    primitive = make("maxout", units=3, kernel_regularizer={"l2": 0.1}, activity_regularizer={"l1": 0.1})
    check_saving(layer_for(primitive, X), [X], tmp_path)
    check_half_precision(primitive, X)


def test_maxout_counts_every_piece() -> None:
    x = Tensor((7, 5))
    primitive = make("maxout", units=4, pieces=3)
    assert primitive.macs(x) == 7 * 5 * 4 * 3
    assert [weight.shape for weight in primitive.weights(x)] == [(5, 12), (12,)]


REFUSED = [
    ("activation", {"activation": "tanh", "alpha": 1.0}, (4,), "AG210", "/alpha"),
    ("activation", {"activation": "leaky_relu", "threshold": 1.0}, (4,), "AG210", "/threshold"),
    ("activation", {"activation": "relu", "threshold": -1.0}, (4,), "AG201", "/threshold"),
    ("activation", {"activation": "hard_shrink", "threshold": -1.0}, (4,), "AG201", "/threshold"),
    ("activation", {"activation": "softmax", "axis": 0}, (4,), "AG201", "/axis"),
    ("activation", {"activation": "softmax", "axis": -2}, (4,), "AG201", "/axis"),
    ("activation", {"activation": "softmax"}, (), "AG301", ""),
    ("activation", {"activation": "softmax"}, (7, 1), "AG201", ""),
    ("activation", {"activation": "log_softmax", "axis": 1}, (1, 7), "AG201", "/axis"),
    ("activation", {"activation": "sparsemax"}, (symbol("N"),), "AG302", ""),
    ("prelu", {"shared_axes": [0]}, (4,), "AG201", "/shared_axes/0"),
    ("prelu", {"shared_axes": [1, 3]}, (4, 4), "AG201", "/shared_axes/1"),
    ("prelu", {"shared_axes": [1, -2]}, (4, 4), "AG210", "/shared_axes"),
    ("maxout", {"units": 3}, (), "AG301", ""),
    ("maxout", {"units": 3}, (symbol("N"),), "AG302", ""),
]


@pytest.mark.parametrize(("op", "params", "shape", "code", "field"), REFUSED)
def test_bad_combinations_are_refused(op: str, params: dict[str, Any], shape: Shape, code: str, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        make(op, **params).infer(Tensor(shape))
    assert (caught.value.code, caught.value.field) == (code, field)


@pytest.mark.parametrize(
    ("op", "params"), [("activation", {"activation": "relu"}), ("prelu", {}), ("maxout", {"units": 2})]
)
def test_whole_numbers_are_refused(op: str, params: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="must hold floating-point numbers, got int32"):
        make(op, **params).infer(Tensor((4,), "int32"))


def test_a_parameter_of_another_function_is_named_with_those_that_fit() -> None:
    with pytest.raises(Rejected, match="relu takes no alpha") as caught:
        make("activation", activation="relu", alpha=0.1).infer(Tensor((4,)))
    assert caught.value.hint == "it takes negative_slope, max_value, threshold"


@pytest.mark.parametrize(
    ("op", "params"),
    [
        ("activation", {"activation": "step"}),
        ("activation", {"activation": "celu", "alpha": 2}),
        ("activation", {"activation": "sparsemax"}),
        ("maxout", {"units": 3}),
    ],
)
def test_a_mask_over_steps_is_passed_on(op: str, params: dict[str, Any]) -> None:
    check_mask(make(op, **params), np.ones((2, 4, 5), "float32"))
