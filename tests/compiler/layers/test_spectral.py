"""Spectral normalisation against published numbers, singular values by NumPy, and the gradient worked out by hand."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.compiler.layers.trial import check_half_precision, layer_for, make

# Miyato et al. 2018, algorithm 1, by hand for W = [[3, 0], [4, 5]]; Keras's kernels are the paper's W, transposed.
KERNEL = np.array([[3.0, 4.0], [0.0, 5.0]], "float32")
START = np.array([[1.0, 0.0]], "float32")
SIGMAS = [5.0, 6.671746032, 6.70774957, 6.708198322, 6.708203863]
EXACT = np.array([[0.4472135955, 0.596284794], [0.0, 0.7453559925]])
UNIT = np.eye(2, dtype="float32")
RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.normal(size=(2, 5, 6, 3)).astype("float32")
CLASSES = np.arange(6, dtype="int32")[None]


def dense(**params: Any) -> Any:
    """The layer of the golden numbers."""
    layer = layer_for(make("dense", units=2, use_bias=False, spectral_norm=True, **params), UNIT)
    layer(UNIT)
    layer.layer.kernel.assign(KERNEL)
    layer.vectors["kernel"].assign(START)
    return layer


@pytest.mark.parametrize("calls", range(1, 6))
def test_each_call_in_training_is_one_step_of_power_iteration(calls: int) -> None:
    layer = dense()
    for _ in range(calls):
        y = layer(UNIT, training=True)
    np.testing.assert_allclose(y, KERNEL / SIGMAS[calls - 1], rtol=1e-6)


def test_after_enough_steps_the_kernel_is_divided_by_its_largest_singular_value() -> None:
    layer = dense()
    for _ in range(30):
        y = layer(UNIT, training=True)
    np.testing.assert_allclose(y, EXACT, rtol=1e-6)


def test_the_kernel_itself_stays_as_it_is() -> None:
    layer = dense()
    layer(UNIT, training=True)
    np.testing.assert_array_equal(layer.layer.kernel, KERNEL)


def test_inference_changes_nothing() -> None:
    layer = dense()
    first, second = layer(UNIT), layer(UNIT)
    np.testing.assert_array_equal(layer.vectors["kernel"], START)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, KERNEL / SIGMAS[0], rtol=1e-6)


def test_a_kernel_of_zeros_stays_and_can_leave_zero() -> None:
    layer = dense()
    layer.layer.kernel.assign(np.zeros((2, 2)))
    np.testing.assert_array_equal(layer(UNIT, training=True), np.zeros((2, 2)))
    np.testing.assert_array_equal(layer.vectors["kernel"], START)
    layer.layer.kernel.assign(KERNEL)
    np.testing.assert_allclose(layer(UNIT, training=True), KERNEL / SIGMAS[0], rtol=1e-6)


def test_the_gradient_flows_through_the_singular_value() -> None:
    """Miyato et al. 2018, equation 8: for L = Σ G·W/σ, ∂L/∂W = (G - (Σ G·W/σ)·vᵀu)/σ, with v and u of this step."""
    layer, g = dense(), np.array([[1.0, -2.0], [3.0, 0.5]], "float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(UNIT, training=True) * g)
    (found,) = tape.gradient(loss, layer.trainable_weights)
    # From u = [1, 0]: u·Wᵀ = [3, 0], so v = [1, 0]; v·W = [3, 4], so u = [0.6, 0.8] and σ = 5.
    v, u, sigma = np.array([[1.0, 0.0]]), np.array([[0.6, 0.8]]), 5.0
    expected = (g - (g * KERNEL / sigma).sum() * v.T @ u) / sigma
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(layer.vectors["kernel"], u, rtol=1e-6)


def columns(kernel: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """`kernel` as a matrix of one column for each output channel."""
    last = np.moveaxis(kernel, axes, tuple(range(-len(axes), 0)))
    return last.reshape(-1, int(np.prod([kernel.shape[axis] for axis in axes])))


# The kernels, each with its axes of output channels: Miyato et al. 2018, section 3 (a filter is a row of d_out x rest).
FORMS = [
    ("conv", {"filters": 4, "kernel_size": 3}, PICTURES, {"kernel": (-1,)}),
    ("conv", {"filters": 6, "kernel_size": 3, "groups": 3}, PICTURES, {"kernel": (-1,)}),
    ("conv_transpose", {"filters": 4, "kernel_size": 3, "strides": 2}, PICTURES, {"kernel": (-2,)}),
    ("depthwise_conv", {"kernel_size": 3, "depth_multiplier": 2}, PICTURES, {"kernel": (-2, -1)}),
    ("separable_conv", {"filters": 4, "kernel_size": 3}, PICTURES,
     {"depthwise_kernel": (-2, -1), "pointwise_kernel": (-1,)}),
    ("dense", {"units": 4}, PICTURES, {"kernel": (-1,)}),
    ("embedding", {"input_dim": 6, "output_dim": 4}, CLASSES, {"embeddings": (-1,)}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "params", "x", "kernels"), FORMS, ids=lambda value: value if value is str else None)
def test_every_kernel_is_divided_as_a_matrix_with_a_column_for_each_output_channel(
    op: str, params: dict[str, Any], x: np.ndarray, kernels: dict[str, tuple[int, ...]]
) -> None:
    layer = layer_for(make(op, **params, spectral_norm=True), x)
    for _ in range(300):
        y = layer(x, training=True)
    plain = layer_for(make(op, **params), x)
    plain(x)
    plain.set_weights(layer.layer.get_weights())
    for name, axes in kernels.items():
        kernel = np.asarray(getattr(plain, name))
        getattr(plain, name).assign(kernel / np.linalg.svd(columns(kernel, axes), compute_uv=False)[0])
    np.testing.assert_allclose(y, plain(x), rtol=1e-4, atol=1e-5)


def test_penalties_are_on_the_kernel_itself_and_on_the_output() -> None:
    layer = dense(kernel_regularizer={"l2": 0.5}, activity_regularizer={"l1": 1.0})
    y = np.asarray(layer(UNIT, training=True))
    # Keras takes the mean over the batch of two.
    assert sorted(float(loss) for loss in layer.losses) == pytest.approx(sorted([0.5 * 50, np.abs(y).sum() / 2]))


@pytest.mark.parametrize("compiled", [False, True])
def test_it_trains_and_approaches_the_singular_value_meanwhile(compiled: bool) -> None:
    x = keras.Input((5, 6, 3))
    layer = layer_for(make("conv", filters=4, kernel_size=3, spectral_norm=True), PICTURES)
    model = keras.Model(x, keras.layers.GlobalAveragePooling2D()(layer(x)))
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=compiled)
    before = np.asarray(layer.layer.kernel)
    model.fit(PICTURES, np.ones((2, 4)), epochs=60, verbose=0)
    assert np.abs(np.asarray(layer.layer.kernel) - before).max() > 1e-4
    matrix = np.asarray(layer.layer.kernel).reshape(-1, 4)
    _, _, rows = np.linalg.svd(matrix)
    assert abs(np.asarray(layer.vectors["kernel"])[0] @ rows[0]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("op", ["dense", "separable_conv"])
def test_it_survives_saving(op: str, tmp_path: Path) -> None:
    params = {"dense": {"units": 2}, "separable_conv": {"filters": 2, "kernel_size": 3}}[op]
    layer = layer_for(make(op, **params, spectral_norm=True, activity_regularizer={"l2": 0.1}), PICTURES)
    x = keras.Input(PICTURES.shape[1:])
    model = keras.Model(x, layer(x))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(PICTURES), loaded(PICTURES))
    assert len(loaded.losses) == len(model.losses) == 1
    # A file knows lists only, where Keras keeps the shape that it built the inner layer for as a tuple.
    ours, theirs = (json.dumps(one.get_config()) for one in (layer, loaded.get_layer("layer")))
    assert ours == theirs


def test_half_precision_agrees() -> None:
    check_half_precision(make("conv", filters=4, kernel_size=3, spectral_norm=True), PICTURES)


def test_the_vector_stays_in_full_precision_under_a_mixed_policy() -> None:
    layer = layer_for(make("dense", units=2, spectral_norm=True), UNIT, dtype="mixed_float16")
    assert keras.backend.standardize_dtype(layer(UNIT, training=True).dtype) == "float16"
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    assert np.linalg.norm(layer.vectors["kernel"]) == pytest.approx(1, abs=1e-6)


def test_conditional_batch_norm_divides_both_maps() -> None:
    conditions = RANDOM.normal(size=(2, 4)).astype("float32")
    params = {"gamma_initializer": "orthogonal", "beta_initializer": {"name": "random_normal", "stddev": 3.0}}
    layer = layer_for(make("conditional_batch_norm", **params, spectral_norm=True), PICTURES, conditions)
    for _ in range(300):
        layer(PICTURES, conditions, training=True)
    plain = layer_for(make("conditional_batch_norm", **params), PICTURES, conditions)
    plain(PICTURES, conditions)
    gamma, beta, mean, variance = (np.asarray(weight) for weight in layer.weights[:4])
    norms = [np.linalg.svd(kernel, compute_uv=False)[0] for kernel in (gamma, beta)]
    plain.set_weights([gamma / norms[0], beta / norms[1], mean, variance])
    np.testing.assert_allclose(layer(PICTURES, conditions), plain(PICTURES, conditions), rtol=1e-4, atol=1e-5)
    assert norms[1] > 1.5
