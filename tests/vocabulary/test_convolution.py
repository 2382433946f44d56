"""Convolutions: costs by hand, receptive fields, explicit padding, and the transposed one as the adjoint."""

from typing import Any

import keras
import numpy as np
import pytest

from archgraph.diagnostics import Rejected
from archgraph.shapes import Shape, Tensor, prod, symbol
from archgraph.vocabulary.base import Window
from tests.compiler.layers.trial import layer_for, make, run, run_composed

H = symbol("H")


@pytest.mark.parametrize(
    ("op", "params", "shape", "parameters", "macs"),
    [
        # LeNet-5, C1: 6 maps of 28 x 28, kernels of 5 x 5 (LeCun et al. 1998, section II.B: 156 parameters).
        ("conv", {"filters": 6, "kernel_size": 5, "padding": "valid"}, (32, 32, 1), 156, 28 * 28 * 6 * 25),
        # The first layer of AlexNet as torchvision counts it: 23,296 parameters.
        (
            "conv",
            {"filters": 64, "kernel_size": 11, "strides": 4, "padding": 2},
            (224, 224, 3),
            23296,
            55 * 55 * 64 * 363,
        ),
        ("conv", {"filters": 8, "kernel_size": 3, "groups": 4}, (10, 8), 3 * 2 * 8 + 8, 10 * 8 * 3 * 2),
        ("conv", {"filters": 2, "kernel_size": [1, 2, 3], "use_bias": False}, (4, 4, 4, 5), 60, 64 * 60),
        ("conv", {"filters": 2, "kernel_size": 3, "norm": "batch"}, (4, 5), 30, 4 * 30),
        ("conv_transpose", {"filters": 3, "kernel_size": 4, "strides": 2}, (7, 7, 5), 16 * 15 + 3, 49 * 16 * 15),
        ("depthwise_conv", {"kernel_size": 3, "depth_multiplier": 2}, (6, 6, 5), 90 + 10, 36 * 90),
        ("separable_conv", {"filters": 7, "kernel_size": 3}, (6, 6, 5), 45 + 35 + 7, 36 * (45 + 35)),
        ("masked_conv", {"filters": 4, "kernel_size": 3, "mask_type": "A"}, (6, 6, 2), 72 + 4, 36 * 72),
        ("dense", {"units": 10}, (7, 84), 850, 7 * 840),
        ("embedding", {"input_dim": 100, "output_dim": 8}, (5,), 800, 0),
    ],
)
def test_weights_and_work_are_those_counted_by_hand(
    op: str, params: dict[str, Any], shape: Shape, parameters: int, macs: int
) -> None:
    primitive, x = make(op, **params), Tensor(shape, "int32" if op == "embedding" else "float32")
    primitive.infer(x)
    assert sum(prod(weight.shape) for weight in primitive.weights(x)) == parameters
    assert primitive.macs(x) == macs


@pytest.mark.parametrize(
    ("op", "params", "shape", "expected"),
    [
        ("conv", {"filters": 1, "kernel_size": [3, 5], "strides": [2, 1]}, (9, 9, 1), [(3, 2), (5, 1)]),
        ("conv", {"filters": 1, "kernel_size": 3, "dilation_rate": 4}, (9, 1), [(9, 1)]),
        ("max_pool", {"pool_size": 3, "strides": 2}, (9, 9, 1), [(3, 2), (3, 2)]),
        ("conv_transpose", {"filters": 1, "kernel_size": 4, "strides": 2}, (9, 1), [(2, 0.5)]),
        ("upsample", {"size": 2}, (9, 1), [(1, 0.5)]),
        ("pixel_shuffle", {"block_size": 2, "direction": "down"}, (8, 1), [(2, 2)]),
    ],
)
def test_windows_are_those_of_arithmetic(op: str, params: dict[str, Any], shape: Shape, expected: list[Any]) -> None:
    assert make(op, **params).window(Tensor(shape)) == tuple(Window(*axis) for axis in expected)


X = np.random.default_rng(2).normal(size=(2, 7, 6, 4)).astype("float32")


@pytest.mark.parametrize(
    ("op", "params"), [("conv", {"filters": 3}), ("depthwise_conv", {}), ("separable_conv", {"filters": 3})]
)
def test_padding_in_numbers_is_zeros_around_the_input(op: str, params: dict[str, Any]) -> None:
    given = {"kernel_size": 3, "strides": 2, **params}
    ours, layers = run_composed(make(op, padding=[[2, 1], 0], **given), X)
    framed = np.pad(X, [(0, 0), (2, 1), (0, 0), (0, 0)])
    assert layers[""].padding == "valid"
    np.testing.assert_allclose(ours, layers[""](framed), rtol=1e-5, atol=1e-6)


def test_no_padding_in_numbers_is_valid() -> None:
    primitive = make("conv", filters=3, kernel_size=3, padding=0)
    composition = primitive.compose(Tensor((7, 6, 4)))
    assert composition is not None and [step.name for step in composition.steps] == [""]
    assert primitive.infer(Tensor((7, 6, 4))).shape == (5, 4, 3)


@pytest.mark.parametrize("params", [{"padding": 1}, {"padding": [[2, 1], 0]}, {"padding": 0}, {"padding": "same"}])
@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (3, 1), (2, 2)])
def test_the_transposed_convolution_is_the_adjoint_of_the_convolution(params: Any, kernel: int, stride: int) -> None:
    """<conv(x), y> = <x, conv_transpose(y)> where both have one kernel (Dumoulin & Visin 2016, section 4.1)."""
    y = np.random.default_rng(1).normal(size=(1, 4, 3, 5)).astype("float32")
    up = make("conv_transpose", filters=2, kernel_size=kernel, strides=stride, use_bias=False, **params)
    back, layer = _with_layer(up, y)
    x = np.random.default_rng(3).normal(size=back.shape).astype("float32")
    framed = x
    if not isinstance(params["padding"], str):
        sides = params["padding"] if isinstance(params["padding"], list) else [params["padding"]] * 2
        pairs = [(side, side) if isinstance(side, int) else tuple(side) for side in sides]
        framed = np.pad(x, [(0, 0), *pairs, (0, 0)])
    rule = "same" if params["padding"] == "same" else "valid"
    forward = keras.ops.conv(framed, layer.kernel, strides=stride, padding=rule)
    np.testing.assert_allclose(np.vdot(forward, y), np.vdot(x, back), rtol=1e-4)


def _with_layer(primitive: Any, y: np.ndarray) -> tuple[np.ndarray, Any]:
    if primitive.compose(*[Tensor(y.shape[1:])]) is not None:
        out, layers = run_composed(primitive, y)
        return out, layers[""]
    layer = layer_for(primitive, y)
    return keras.ops.convert_to_numpy(layer(y)), layer


@pytest.mark.parametrize(
    ("op", "params", "shape", "code", "field"),
    [
        ("conv", {"kernel_size": 3, "strides": 2, "dilation_rate": 2}, (8, 8, 4), "AG802", "/dilation_rate"),
        ("conv", {"kernel_size": 3, "groups": 3}, (8, 8, 4), "AG307", "/groups"),
        ("conv", {"kernel_size": 3, "groups": 8}, (8, 8, 4), "AG307", "/groups"),
        ("conv", {"kernel_size": 9, "padding": "valid"}, (8, 8, 4), "AG304", ""),
        ("conv", {"kernel_size": 3, "padding": "causal"}, (8, 8, 4), "AG802", "/padding"),
        ("conv", {"kernel_size": [3, 3]}, (8, 4), "AG301", "/kernel_size"),
        ("conv", {"kernel_size": 3, "padding": [1]}, (8, 8, 4), "AG301", "/padding"),
        ("conv", {"kernel_size": 3}, (8,), "AG301", ""),
        ("conv", {"kernel_size": 3}, (8, 8, H), "AG302", ""),
        ("conv", {"kernel_size": 3, "padding": "valid"}, (H, 8, 4), "AG305", ""),
        ("conv_transpose", {"kernel_size": 3, "output_padding": 1}, (8, 8, 4), "AG201", "/output_padding"),
        ("conv_transpose", {"kernel_size": 2, "strides": 2, "output_padding": 0}, (8, 4), "AG201", "/output_padding"),
        ("conv_transpose", {"kernel_size": 3, "padding": 3}, (2, 4), "AG304", ""),
        ("separable_conv", {"kernel_size": 3}, (4, 4, 4, 4), "AG301", ""),
    ],
)
def test_what_keras_would_refuse_is_refused_before(
    op: str, params: dict[str, Any], shape: Shape, code: str, field: str
) -> None:
    with pytest.raises(Rejected) as caught:
        make(op, filters=4, **params).infer(Tensor(shape))
    assert (caught.value.code, caught.value.field) == (code, field)


@pytest.mark.parametrize("op", ["conv", "dense", "max_pool", "repeat_vector"])
def test_whole_numbers_are_refused(op: str) -> None:
    params = {"conv": {"filters": 1, "kernel_size": 1}, "dense": {"units": 1}, "repeat_vector": {"n": 2}}.get(op, {})
    with pytest.raises(Rejected) as caught:
        make(op, **params).infer(Tensor((3,) if op == "repeat_vector" else (4, 4, 1), "int32"))
    assert caught.value.code == "AG306"


def test_symbolic_sizes_are_carried_through() -> None:
    x = Tensor((4 * H, 2 * H, 3))
    assert make("conv", filters=8, kernel_size=3, strides=2).infer(x).shape == (2 * H, H, 8)
    assert make("conv_transpose", filters=8, kernel_size=4, strides=2, padding=1).infer(x).shape == (8 * H, 4 * H, 8)


def test_one_hot_rows_are_those_of_the_unit_matrix() -> None:
    labels = np.array([[2, 0, 3, 7]], "int32")
    expected = [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    np.testing.assert_array_equal(run(make("one_hot", num_classes=4), labels)[0], expected)
