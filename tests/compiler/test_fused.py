"""One kernel in the place of many computes what Keras's own formulas do."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler.layers.fused import FUSED, FusedBatchNormalization

SHAPES = [(16, 5), (6, 9, 5), (4, 6, 7, 5), (2, 3, 4, 5, 3)]


def pair(shape: tuple[int, ...], **more: Any) -> tuple[Any, Any]:
    made = []
    for cls in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = cls(**more)
        layer.build(shape)
        random = np.random.default_rng(0)
        for weight in layer.weights:
            weight.assign(random.uniform(0.5, 2, weight.shape))
        made.append(layer)
    return made[0], made[1]


def numbers(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(1).normal(1.0, 2.0, shape).astype("float32")


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_normalisation_and_its_running_statistics(shape: tuple[int, ...], training: bool) -> None:
    plain, fused = pair(shape, momentum=0.9)
    x = numbers(shape)
    for _ in range(3):
        np.testing.assert_allclose(plain(x, training=training), fused(x, training=training), atol=2e-5)
    for one, other in zip(plain.weights, fused.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_its_gradients_on_a_smooth_function(shape: tuple[int, ...]) -> None:
    import tensorflow as tf

    found = []
    for layer in pair(shape):
        x = tf.constant(numbers(shape))
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.tanh(layer(x, training=True)) * numbers(shape)[..., ::-1])
        found.append(tape.gradient(loss, [x, layer.gamma.value, layer.beta.value]))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * max(1.0, float(np.abs(one).max())))


@pytest.mark.parametrize(
    "more", [{"axis": 1}, {"center": False}, {"scale": False}, {"epsilon": 1e-6}, {"dtype": "mixed_float16"}]
)
def test_what_the_kernel_cannot_do_is_done_by_keras(more: dict[str, Any]) -> None:
    plain, fused = pair((4, 6, 7, 5), **more)
    x = numbers((4, 6, 7, 5))
    one, other = plain(x, training=True), fused(x, training=True)
    assert one.dtype == other.dtype
    np.testing.assert_allclose(one, other, atol=5e-3 if "dtype" in more else 2e-5)


def test_one_frozen_keeps_its_statistics() -> None:
    _, fused = pair((4, 6, 7, 5))
    fused.trainable = False
    before = [np.array(weight) for weight in fused.weights]
    fused(numbers((4, 6, 7, 5)), training=True)
    for one, other in zip(before, fused.weights, strict=True):
        np.testing.assert_array_equal(one, other)


OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "clipnorm": 1.0}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True}),
    ("Adam", {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), "use_ema": True}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.05, "global_clipnorm": 0.5}),
]


@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS)
def test_an_update_is_that_of_keras(name: str, arguments: dict[str, Any]) -> None:
    found = []
    for cls in (getattr(keras.optimizers, name), FUSED[name]):
        model = keras.Sequential([keras.layers.Input((7,)), keras.layers.Dense(5), keras.layers.Dense(3)])
        random = np.random.default_rng(0)
        for weight in model.weights:
            weight.assign(random.normal(size=weight.shape))
        start = model.get_weights()
        model.compile(cls(**arguments), "mse")
        x, y = random.normal(size=(16, 7)), random.normal(size=(16, 3))
        for _ in range(6):
            model.train_on_batch(x, y)
        found.append([now - before for now, before in zip(model.get_weights(), start, strict=True)])
    for one, other in zip(*found, strict=True):
        # Keras takes 1 - beta_2 of a double, the kernel of a float: that is 5e-5 of it
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def kernels(model: Any) -> set[str]:
    """Names of the operations of a training step."""
    import tensorflow as tf

    x, y = (tf.zeros((4, *size[1:])) for size in (model.input_shape, model.output_shape))
    step = tf.function(lambda x, y: model.train_step((x, y)))
    return {operation.type for operation in step.get_concrete_function(x, y).graph.get_operations()}


KERNELS = {"SGD": "ResourceApplyGradientDescent", "Adam": "ResourceApplyAdam", "AdamW": "ResourceApplyAdam"}


@pytest.mark.parametrize("name", FUSED)
def test_the_kernels_are_used(name: str) -> None:
    parts = [keras.layers.Input((6, 6, 3)), keras.layers.Conv2D(2, 3), FusedBatchNormalization(epsilon=1e-5)]
    model = keras.Sequential(parts)
    model.compile(FUSED[name](0.1), "mse")
    used = kernels(model)
    assert {KERNELS[name], "FusedBatchNorm", "FusedBatchNormGrad"} <= used
    assert "Rsqrt" not in used  # by which Keras's own code would divide


def test_momentum_is_part_of_the_kernel() -> None:
    model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(2)])
    model.compile(FUSED["SGD"](0.1, momentum=0.9, nesterov=True), "mse")
    assert "ResourceApplyKerasMomentum" in kernels(model)


def test_embeddings_are_still_updated_row_by_row() -> None:
    found = []
    for cls in (keras.optimizers.Adam, FUSED["Adam"]):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Input((4,), dtype="int32"), keras.layers.Embedding(9, 3)])
        model.compile(cls(0.1), "mse")
        words = np.array([[1, 2, 2, 5]])
        for _ in range(3):
            model.train_on_batch(words, np.ones((1, 4, 3)))
        found.append(model.get_weights()[0])
    np.testing.assert_allclose(*found, atol=1e-6)


def test_a_compiled_model_with_fused_parts_is_saved_and_loaded(tmp_path: Path) -> None:
    model = keras.Sequential([keras.layers.Input((6, 6, 3)), FusedBatchNormalization(), keras.layers.Conv2D(2, 3)])
    model.compile(FUSED["Adam"](0.01), "mse")
    x = numbers((4, 6, 6, 3))
    model.train_on_batch(x, np.zeros((4, 4, 4, 2)))
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert type(loaded.optimizer) is keras.optimizers.Adam  # a file names Keras's own classes
    assert type(loaded.layers[0]) is keras.layers.BatchNormalization
    np.testing.assert_allclose(model.predict(x, verbose=0), loaded.predict(x, verbose=0), atol=1e-5)
