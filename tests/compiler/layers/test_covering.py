"""A convolution whose kernel covers its input computes as Keras's does, by a product of matrices."""

from typing import Any

import keras
import numpy as np
import pytest

from archgraph import compile_model, infer, loads
from archgraph.compiler import layers_by_path
from archgraph.compiler.layers.covering import CoveringConv2D, CoveringConv3D

PAIRS = {2: CoveringConv2D, 3: CoveringConv3D}


def numbers(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def pair(rank: int, shape: tuple[int, ...], **more: Any) -> tuple[Any, Any]:
    made = []
    for cls in (getattr(keras.layers, f"Conv{rank}D"), PAIRS[rank]):
        layer = cls(7, **{"kernel_size": shape[:-1], **more})
        layer.build((None, *shape))
        for weight in layer.weights:
            weight.assign(numbers(*weight.shape))
        made.append(layer)
    return made[0], made[1]


def learnt(layer: Any, x: Any) -> list[Any]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        loss = tf.reduce_sum(tf.sin(y))
    return [y, *tape.gradient(loss, [x, *(weight.value for weight in layer.weights)])]


def products(layer: Any, shape: tuple[int, ...]) -> bool:
    """Whether TensorFlow is told a product of matrices."""
    import tensorflow as tf

    traced = tf.function(layer, autograph=False).get_concrete_function(tf.TensorSpec((None, *shape)))
    return "MatMul" in {operation.type for operation in traced.graph.get_operations()}


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ((5, 4, 3), {}),
        ((5, 4, 3), {"use_bias": False, "strides": 2}),
        ((5, 4, 3), {"activation": "tanh"}),
        ((1, 1, 3), {"padding": "same"}),
        ((1, 1, 3), {"dilation_rate": 2}),
        ((2, 3, 4, 2), {}),
    ],
)
def test_outputs_and_every_gradient_are_those_of_keras(shape: tuple[int, ...], more: dict[str, Any]) -> None:
    import tensorflow as tf

    keras_layer, ours = pair(len(shape) - 1, shape, **more)
    x = tf.constant(numbers(6, *shape))
    for expected, found in zip(learnt(keras_layer, x), learnt(ours, x), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-5)
    assert products(ours, shape) and not products(keras_layer, shape)


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ((5, 4, 4), {"groups": 2, "filters": 6}),
        ((5, 4, 3), {"padding": "same"}),
        ((5, 4, 3), {"kernel_size": 3}),
        ((5, 5, 3), {"kernel_size": 3, "dilation_rate": 2}),
    ],
)
def test_where_the_kernel_does_not_cover_the_input_keras_computes(shape: tuple[int, ...], more: dict[str, Any]) -> None:
    filters, more = more.get("filters", 7), {key: value for key, value in more.items() if key != "filters"}
    layer = CoveringConv2D(filters, **{"kernel_size": shape[:-1], **more})
    assert not products(layer, shape)


def test_a_size_that_is_not_known_is_left_to_keras() -> None:
    assert CoveringConv2D(7, 3)(numbers(2, 3, 3, 1)).shape == (2, 1, 1, 7)
    image = keras.Input((None, None, 1))
    model = keras.Model(image, CoveringConv2D(7, 3)(image))
    assert model(numbers(2, 5, 5, 1)).shape == (2, 3, 3, 7)


def test_a_compiled_graph_has_it_and_its_file_names_the_layer_of_keras() -> None:
    text = (
        '{"archgraph": 1, "name": "covered", "inputs": {"x": {"shape": [6, 6, 2]}}, "nodes": {'
        '"a": {"op": "conv", "in": "x", "filters": 3, "kernel_size": 6, "padding": "valid"}}, "outputs": {"y": "a"}}'
    )
    plain, fused = (compile_model(infer(loads(text)), seed=1, fused=fused) for fused in (False, True))
    assert products(layers_by_path(fused)["a"], (6, 6, 2)) and not products(layers_by_path(plain)["a"], (6, 6, 2))
    for model in (plain, fused):
        described = keras.saving.serialize_keras_object(layers_by_path(model)["a"])
        assert (described["module"], described["class_name"]) == ("keras.layers", "Conv2D")
    np.testing.assert_allclose(fused(numbers(3, 6, 6, 2)), plain(numbers(3, 6, 6, 2)), atol=1e-5)
