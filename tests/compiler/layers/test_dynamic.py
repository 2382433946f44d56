"""A convolution with a kernel from outside computes what Keras's does with a kernel of its own, sample by sample."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from archgraph.compiler.layers import LAYERS
from archgraph.diagnostics import Rejected
from archgraph.shapes import Shape, Tensor, symbol
from archgraph.vocabulary import REGISTRY
from tests.compiler.layers.single import again, draws, run, single

USES: list[tuple[dict[str, Any], Shape, Shape]] = [
    ({}, (6, 5, 3), (1, 1, 3, 4)),
    ({}, (6, 5, 3), (3, 2, 3, 4)),
    ({"padding": "valid", "strides": 2}, (8, 7, 2), (3, 3, 2, 5)),
    ({"strides": [3, 2]}, (8, 7, 2), (2, 5, 2, 3)),
    ({"strides": 3}, (7, 2), (1, 2, 3)),
    ({"dilation_rate": [2, 1]}, (9, 6, 2), (3, 3, 2, 2)),
    ({"padding": "valid", "dilation_rate": 3}, (10, 2), (3, 2, 4)),
    ({"padding": "valid"}, (4, 5, 6, 2), (2, 3, 2, 2, 3)),
]


@pytest.mark.parametrize(("params", "shape", "kernel"), USES)
def test_each_sample_is_convolved_with_its_own_kernel(
    params: dict[str, Any], shape: Shape, kernel: Shape, tmp_path: Path
) -> None:
    model = again(single("dynamic_conv", params, shape, kernel, kernel[-1:]), tmp_path)
    x, w, b = draws((3, *shape), (3, *kernel), (3, kernel[-1]))
    (y,) = run(model, x, w, b)
    for sample in range(3):
        expected = keras.ops.conv(
            x[sample : sample + 1], w[sample], params.get("strides", 1), params.get("padding", "same"),
            data_format="channels_last", dilation_rate=params.get("dilation_rate", 1),
        )  # fmt: skip
        assert_allclose(y[sample], np.asarray(expected)[0] + b[sample], atol=1e-4)


def test_gradients_reach_the_kernel() -> None:
    import tensorflow as tf

    model = single("dynamic_conv", {}, (4, 4, 2), (3, 3, 2, 1))
    x, w = (tf.constant(array) for array in draws((1, 4, 4, 2), (1, 3, 3, 2, 1)))
    with tf.GradientTape() as tape:
        tape.watch(w)
        loss = tf.reduce_sum(model([x, w]))
    # the kernel's middle sees every cell once, so its gradient is the sum of the picture
    assert_allclose(tape.gradient(loss, w)[0, 1, 1, :, 0], np.asarray(x).sum((0, 1, 2)), rtol=1e-4)


def test_a_side_of_unknown_size_is_padded_too() -> None:
    layer, height = REGISTRY["dynamic_conv"].make({"dilation_rate": 2}), symbol("H")
    picture, kernel = Tensor((height, 8, 3)), Tensor((3, 3, 3, 5))
    assert layer.infer(picture, kernel).shape == (height, 8, 5)
    assert layer.macs(picture, kernel) == height * 8 * 9 * 3 * 5
    ports = keras.Input((None, 8, 3)), keras.Input((3, 3, 3, 5))
    outputs = LAYERS["DynamicConv"](strides=(1, 1), dilation_rate=(2, 2))(*ports)
    assert outputs.shape == (None, None, 8, 5)
    model = keras.Model(ports, outputs)
    x, w = draws((1, 7, 8, 3), (1, 3, 3, 3, 5))
    expected = keras.ops.conv(x, w[0], padding="same", dilation_rate=2, data_format="channels_last")
    assert_allclose(run(model, x, w)[0], expected, atol=1e-4)


REFUSED: list[tuple[dict[str, Any], list[Shape], str, str]] = [
    ({}, [(8, 8, 3), (3, 3, 4, 2)], "AG303", "channels of kernel and input"),
    ({}, [(8, 8, 3), (3, 3, 2)], "AG301", "kernel must have 4 axes"),
    ({}, [(8, 8, 3), (3, symbol("K"), 3, 2)], "AG302", "every size of the kernel"),
    ({}, [(8, 8, 3), (3, 3, 3, 2), (3,)], "AG303", "bias"),
    ({"padding": "valid"}, [(2, 8, 3), (3, 3, 3, 2)], "AG304", "window of 3"),
    ({"strides": 2}, [(symbol("H"), 8, 3), (3, 3, 3, 2)], "AG302", "stride above 1"),
]


@pytest.mark.parametrize(("params", "shapes", "code", "words"), REFUSED)
def test_what_cannot_be_computed_is_refused(params: dict, shapes: list, code: str, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        REGISTRY["dynamic_conv"].make(params).infer(*map(Tensor, shapes))
    assert caught.value.code == code and words in caught.value.message
