"""Layers with an equalised learning rate against plain Keras layers whose kernel is scaled by hand."""

import json
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from archgraph.compiler.layers import LAYERS
from archgraph.diagnostics import GraphError, Rejected
from archgraph.shapes import Tensor
from tests.compiler.build import model, shaped
from tests.compiler.layers.trial import check_half_precision, check_saving, layer_for, make

RANDOM = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    """Normal numbers."""
    return RANDOM.normal(size=shape).astype("float32")


# An op with parameters, an input, and the number of inputs of one output: the product of kernel and channels.
CASES: list[tuple[str, dict[str, Any], np.ndarray, int]] = [
    ("dense", {"units": 3}, normal(4, 5), 5),
    ("dense", {"units": 3, "gain": 1, "lr_multiplier": 0.01}, normal(2, 7, 5), 5),
    ("conv", {"filters": 3, "kernel_size": 3}, normal(2, 6, 5, 4), 36),
    ("conv", {"filters": 2, "kernel_size": 2, "padding": "causal", "dilation_rate": 3}, normal(2, 9, 4), 8),
    ("conv", {"filters": 4, "kernel_size": 3, "groups": 2, "strides": 2, "gain": 0.5}, normal(2, 6, 6, 4), 18),
    ("conv", {"filters": 2, "kernel_size": 2, "padding": "valid", "use_bias": False}, normal(1, 4, 4, 4, 3), 24),
    ("conv_transpose", {"filters": 3, "kernel_size": 4, "strides": 2}, normal(2, 5, 5, 6), 96),
    ("conv_transpose", {"filters": 2, "kernel_size": 3, "lr_multiplier": 0.1}, normal(2, 5, 3), 9),
    ("conv_transpose", {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 0}, normal(1, 3, 3, 3, 2), 54),
]
EVERY = pytest.mark.parametrize(("op", "params", "x", "fan_in"), CASES)


def plain_and_equalized(op: str, params: dict[str, Any], x: np.ndarray) -> tuple[Any, Any]:
    """The layer without and with equalisation, built for `x`, with equal bias numbers that are not zero."""
    own = {name: value for name, value in params.items() if name not in ("gain", "lr_multiplier")}
    layers = layer_for(make(op, **own), x), layer_for(make(op, **params, equalized=True), x)
    for layer in layers:
        layer(x)
        if layer.bias is not None:
            layer.bias.assign(np.arange(1.0, layer.bias.shape[0] + 1))
    return layers


def scales(params: dict[str, Any], fan_in: int) -> tuple[float, float]:
    """What kernel and bias are multiplied by."""
    multiplier = params.get("lr_multiplier", 1)
    return multiplier * params.get("gain", math.sqrt(2)) / math.sqrt(fan_in), multiplier


@EVERY
def test_kernel_and_bias_are_scaled_wherever_they_are_used(
    op: str, params: dict[str, Any], x: np.ndarray, fan_in: int
) -> None:
    plain, equalized = plain_and_equalized(op, params, x)
    of_kernel, of_bias = scales(params, fan_in)
    for variable in plain.weights:
        source = equalized.bias if variable.name == "bias" else equalized.kernel
        variable.assign(np.asarray(source) * (of_bias if variable.name == "bias" else of_kernel))
    np.testing.assert_allclose(equalized(x), plain(x), rtol=1e-5, atol=1e-6)


@EVERY
def test_gradients_flow_through_the_scale(op: str, params: dict[str, Any], x: np.ndarray, fan_in: int) -> None:
    plain, equalized = plain_and_equalized(op, params, x)
    target = normal(*equalized(x).shape)
    gradients = []
    for layer in (plain, equalized):
        with tf.GradientTape() as tape:
            error = tf.reduce_sum(layer(x) * target)  # linear, so that it does not matter where the two stand
        gradients.append(
            tape.gradient(error, [layer.kernel.value, *([] if layer.bias is None else [layer.bias.value])])
        )
    for of_plain, of_equalized, scale in zip(*gradients, scales(params, fan_in), strict=False):
        np.testing.assert_allclose(of_equalized, of_plain * scale, rtol=1e-4, atol=1e-5)


def test_a_step_of_gradient_descent_is_the_one_worked_out_by_hand() -> None:
    layer = layer_for(make("dense", units=2, equalized=True, gain=1, lr_multiplier=0.5), np.ones((1, 4), "float32"))
    x, target = normal(3, 4), normal(3, 2)
    model = keras.Sequential([layer])
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    model.build(x.shape)
    kernel, scale = np.asarray(layer.kernel), 0.5 / math.sqrt(4)
    model.train_on_batch(x, target)
    error = 2 * (scale * x @ kernel - target) / target.size
    np.testing.assert_allclose(layer.kernel, kernel - 0.1 * scale * x.T @ error, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.bias, -0.1 * 0.5 * error.sum(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("multiplier", [1, 0.01])
def test_the_kernel_starts_so_that_it_acts_with_the_spread_of_he(multiplier: float) -> None:
    layer = layer_for(make("dense", units=300, equalized=True, lr_multiplier=multiplier), normal(1, 400))
    layer(normal(1, 400))
    stored = np.asarray(layer.kernel)
    np.testing.assert_allclose([stored.mean() * multiplier, stored.std() * multiplier], [0, 1], atol=0.01)
    np.testing.assert_allclose(np.std(layer.scaled_kernel()), math.sqrt(2 / 400), rtol=0.01)
    assert not np.asarray(layer.bias).any()


@EVERY
def test_it_is_saved_and_loaded(op: str, params: dict[str, Any], x: np.ndarray, fan_in: int, tmp_path: Path) -> None:
    check_saving(layer_for(make(op, **params, equalized=True), x), [x], tmp_path)


@pytest.mark.parametrize("case", [0, 1, 2, 6])
def test_it_computes_in_half_precision(case: int) -> None:
    op, params, x, _ = CASES[case]
    check_half_precision(make(op, **params, equalized=True), x)


@EVERY
def test_it_counts_like_the_plain_layer(op: str, params: dict[str, Any], x: np.ndarray, fan_in: int) -> None:
    own = {name: value for name, value in params.items() if name not in ("gain", "lr_multiplier")}
    plain, equalized, tensor = make(op, **own), make(op, **params, equalized=True), Tensor(x.shape[1:])
    assert (plain.weights(tensor), plain.macs(tensor)) == (equalized.weights(tensor), equalized.macs(tensor))


def test_a_padding_in_numbers_and_the_shorthands_work_as_ever() -> None:
    node = {"op": "conv", "in": "x", "filters": 2, "kernel_size": 3, "padding": 1, "equalized": True, "norm": "pixel"}
    built = model({"c": node}, "c", inputs={"x": {"shape": [4, 4, 3]}})
    assert built.output.shape == (None, 4, 4, 2)
    assert [tuple(w.shape) for w in built.weights] == [(3, 3, 3, 2)]


def test_it_can_be_applied_to_every_step_of_a_sequence() -> None:
    inner = {"op": "dense", "units": 2, "equalized": True}
    built = model({"t": {"op": "time_distributed", "in": "x", "layer": inner}}, "t", inputs={"x": {"shape": [3, 4]}})
    x = normal(2, 3, 4)
    kernel = np.asarray(built.weights[0])
    np.testing.assert_allclose(built(x), x @ kernel * math.sqrt(2) / 2, rtol=1e-5, atol=1e-6)


def test_an_activation_of_the_keras_layer_is_applied_last() -> None:
    layer, x = LAYERS["EqualizedDense"](2, activation="relu", bias_initializer="ones"), normal(6, 4)
    y = layer(x)
    expected = np.maximum(x @ np.asarray(layer.kernel) * math.sqrt(2 / 4) + 1, 0)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


WRONG = [
    ({"gain": 1}, "gain 1 needs equalized", "/gain"),
    ({"lr_multiplier": 0.1}, "lr_multiplier 0.1 needs equalized", "/lr_multiplier"),
    ({"equalized": True, "spectral_norm": True}, "spectral_norm undoes every scale", "/spectral_norm"),
    (
        {"equalized": True, "kernel_initializer": "he_normal"},
        "an equalized kernel starts from N(0, 1)",
        "/kernel_initializer",
    ),
]


@pytest.mark.parametrize(("params", "message", "field"), WRONG)
@pytest.mark.parametrize("op", ["dense", "conv", "conv_transpose"])
def test_what_contradicts_it_is_refused(op: str, params: dict[str, Any], message: str, field: str) -> None:
    size = {"units": 2} if op == "dense" else {"filters": 2, "kernel_size": 3}
    with pytest.raises(Rejected) as caught:
        make(op, **size, **params).infer(Tensor((4, 4, 3)))
    assert caught.value.code == "AG210" and message in caught.value.message and caught.value.field == field


def test_a_table_of_connections_cannot_be_equalised() -> None:
    with pytest.raises(Rejected, match="connections cannot be combined with this equalized"):
        make("conv", filters=1, kernel_size=1, connections=[[0]], equalized=True).infer(Tensor((4, 4, 3)))


def test_the_mistake_is_found_in_a_file() -> None:
    with pytest.raises(GraphError, match="/nodes/d/gain: AG210 gain 1 needs equalized"):
        shaped(json.loads('{"d": {"op": "dense", "in": "x", "units": 2, "gain": 1}}'), "d")
