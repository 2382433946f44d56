"""Normalisations against formulas in numpy, published numbers and arithmetic by hand."""

from pathlib import Path

import numpy as np
import pytest

from archgraph.compiler.layers import LAYERS
from archgraph.diagnostics import Rejected
from archgraph.shapes import Shape, Tensor, symbol
from tests.compiler.layers.trial import check_half_precision, check_mask, check_saving, layer_for, make, run, symbolic

COUNT = np.array([[1.0], [2.0], [3.0], [4.0]], "float32")
SIX = np.array([[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]], "float32")
PICTURES = np.random.default_rng(1).normal(2, 3, (5, 4, 6, 8)).astype("float32")
CONDITIONS = np.random.default_rng(2).normal(0, 1, (5, 3)).astype("float32")


def normal(x: np.ndarray, axes: tuple[int, ...], epsilon: float = 1e-3) -> np.ndarray:
    """`x` with mean 0 and variance nearly 1 along `axes`, in double precision."""
    x = x.astype("float64")
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


# The numbers follow from Ioffe & Szegedy 2015, algorithm 1, for mean 2.5 and biased variance 1.25.
@pytest.mark.parametrize(
    ("epsilon", "expected"),
    [
        (1e-3, [-1.341104452, -0.4470348173, 0.4470348173, 1.341104452]),
        (1e-5, [-1.34163542, -0.4472118067, 0.4472118067, 1.34163542]),
    ],
)
def test_batch_norm_uses_the_batch_in_training(epsilon: float, expected: list[float]) -> None:
    y = run(make("batch_norm", epsilon=epsilon), COUNT, training=True)
    np.testing.assert_allclose(y[:, 0], expected, rtol=1e-6)


def test_batch_norm_uses_the_running_averages_afterwards() -> None:
    layer = layer_for(make("batch_norm", momentum=0.9), COUNT)
    layer(COUNT, training=True)
    mean, variance = 0.1 * 2.5, 0.9 * 1 + 0.1 * 1.25
    np.testing.assert_allclose(layer.moving_mean, [mean], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, [variance], rtol=1e-6)
    np.testing.assert_allclose(layer(COUNT), (COUNT - mean) / np.sqrt(variance + 1e-3), rtol=1e-5)


def test_batch_norm_passes_on_every_parameter() -> None:
    params = {
        "center": False,
        "momentum": 0.5,
        "gamma_initializer": {"name": "constant", "value": 3},
        "gamma_regularizer": {"l2": 0.5},
        "moving_mean_initializer": "ones",
        "moving_variance_initializer": {"name": "constant", "value": 4},
        "synchronized": True,
    }
    layer = layer_for(make("batch_norm", **params), COUNT)
    y = layer(COUNT)
    np.testing.assert_allclose(y, 3 * (COUNT - 1) / np.sqrt(4 + 1e-3), rtol=1e-5)
    assert (layer.beta, layer.momentum, layer.synchronized) == (None, 0.5, True)
    np.testing.assert_allclose(layer.losses[0], 0.5 * 9)


@pytest.mark.parametrize(
    ("op", "params", "axes"),
    [
        ("layer_norm", {}, (3,)),
        ("layer_norm", {"axis": 1}, (1,)),
        ("layer_norm", {"axis": [3, -3]}, (1, 3)),
        ("layer_norm", {"axis": [1, 2, 3], "epsilon": 1e-5}, (1, 2, 3)),
        ("instance_norm", {}, (1, 2)),
        ("group_norm", {"groups": 8}, (1, 2)),
        ("group_norm", {"groups": 1}, (1, 2, 3)),
    ],
)
def test_the_axes_are_brought_to_mean_0_and_spread_1(op: str, params: dict[str, object], axes: tuple[int, ...]) -> None:
    expected = normal(PICTURES, axes, float(params.get("epsilon", 1e-3)))  # type: ignore[arg-type]
    np.testing.assert_allclose(run(make(op, **params), PICTURES), expected, atol=2e-5)


def test_group_norm_measures_neighbouring_channels_together() -> None:
    groups = normal(PICTURES.reshape(5, 4, 6, 2, 4), (1, 2, 4)).reshape(PICTURES.shape)
    np.testing.assert_allclose(run(make("group_norm", groups=2), PICTURES), groups, atol=2e-5)


@pytest.mark.parametrize("axis", [(3,), (1,), (1, 3)])
def test_scale_and_offset_lie_along_the_measured_axes(axis: tuple[int, ...]) -> None:
    layer = layer_for(make("layer_norm", axis=list(axis)), PICTURES)
    layer(PICTURES)
    shape = [size if number in axis else 1 for number, size in enumerate(PICTURES.shape)]
    gamma = np.arange(np.prod(shape), dtype="float32")
    layer.set_weights([gamma.reshape(layer.gamma.shape), -gamma.reshape(layer.gamma.shape)])
    expected = gamma.reshape(shape) * (normal(PICTURES, axis) - 1)
    np.testing.assert_allclose(layer(PICTURES), expected, atol=1e-3)


@pytest.mark.parametrize("axis", [(3,), (2, 3), (1, 2, 3)])
def test_rms_norm_divides_by_the_root_of_the_mean_square(axis: tuple[int, ...]) -> None:
    layer = layer_for(make("rms_norm", axis=list(axis)), PICTURES)
    layer(PICTURES)
    shape = [size if number in axis else 1 for number, size in enumerate(PICTURES.shape)]
    scale = np.arange(np.prod(shape), dtype="float32")
    layer.set_weights([scale.reshape(layer.scale.shape)])
    root = np.sqrt((PICTURES.astype("float64") ** 2).mean(axis, keepdims=True) + 1e-6)
    np.testing.assert_allclose(layer(PICTURES), scale.reshape(shape) * PICTURES / root, rtol=1e-4)


@pytest.mark.parametrize("axis", [(3,), (1,), (1, 3)])
def test_unit_norm_gives_length_1(axis: tuple[int, ...]) -> None:
    length = np.sqrt((PICTURES**2).sum(axis, keepdims=True))
    np.testing.assert_allclose(run(make("unit_norm", axis=list(axis)), PICTURES), PICTURES / length, rtol=1e-5)


# Krizhevsky et al. 2012, section 3.3, for one pixel with channels 1 to 6; the averaged rows are the values of
# torch.nn.LocalResponseNorm(5, alpha, 0.75, 2).
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [0.5942915817, 1.187871011, 1.780140394, 2.370418559, 2.963465738, 3.55735442]),
        ({"average": True}, [0.5945411318, 1.188939614, 1.783075205, 2.376810064, 2.971101633, 3.565562431]),
        ({"alpha": 1}, [0.125, 0.1486508894, 0.1446155897, 0.1346539572, 0.1740235405, 0.2264284178]),
        (
            {"alpha": 1, "average": True},
            [0.3083678352, 0.4204482076, 0.4381912897, 0.4229485054, 0.5451224684, 0.704270203],
        ),
    ],
)
def test_local_response_normalisation_is_as_published(params: dict[str, object], expected: list[float]) -> None:
    np.testing.assert_allclose(run(make("lrn", **params), SIX)[0, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 3, 9, 21])
def test_local_response_normalisation_sums_the_channels_that_exist(n: int) -> None:
    total = np.zeros_like(PICTURES)
    for i in range(8):
        total[..., i] = (PICTURES[..., max(0, i - n // 2) : i + n // 2 + 1] ** 2).sum(-1)
    expected = PICTURES / (1.5 + 0.1 * total) ** 0.6
    np.testing.assert_allclose(run(make("lrn", n=n, k=1.5, alpha=0.1, beta=0.6), PICTURES), expected, rtol=1e-5)


def test_pixel_norm_has_the_published_values() -> None:
    y = run(make("pixel_norm"), np.array([[[1.0, 2.0, 3.0, 4.0]]], "float32"))  # 1/sqrt(7.5) times 1 to 4
    np.testing.assert_allclose(y[0, 0], [0.3651483714, 0.7302967429, 1.095445114, 1.460593486], rtol=1e-6)


def conditioned(x: np.ndarray, c: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Scale and offset of each example from its condition."""
    return (1 + c @ gamma)[:, None, None, :] * x + (c @ beta)[:, None, None, :]


def test_conditional_batch_norm_maps_the_condition_to_scale_and_offset() -> None:
    params = {"gamma_initializer": "random_normal", "beta_initializer": "random_normal", "momentum": 0.75}
    layer = layer_for(make("conditional_batch_norm", **params), PICTURES, CONDITIONS)
    y = layer(PICTURES, CONDITIONS, training=True)
    gamma, beta, mean, variance = (np.asarray(w) for w in layer.weights)
    expected = conditioned(normal(PICTURES, (0, 1, 2)), CONDITIONS, gamma, beta)
    np.testing.assert_allclose(y, expected, atol=2e-5)
    np.testing.assert_allclose(mean, 0.25 * PICTURES.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(variance, 0.75 + 0.25 * PICTURES.var((0, 1, 2)), rtol=1e-5)
    later = conditioned((PICTURES - mean) / np.sqrt(variance + 1e-3), CONDITIONS, gamma, beta)
    np.testing.assert_allclose(layer(PICTURES, CONDITIONS), later, atol=2e-5)


def test_conditional_batch_norm_starts_as_batch_norm() -> None:
    conditional = run(make("conditional_batch_norm"), PICTURES, CONDITIONS, training=True)
    np.testing.assert_allclose(conditional, run(make("batch_norm"), PICTURES, training=True), atol=1e-5)


def test_a_frozen_conditional_batch_norm_keeps_its_averages() -> None:
    layer = layer_for(make("conditional_batch_norm"), PICTURES, CONDITIONS)
    layer.trainable = False
    layer(PICTURES, CONDITIONS, training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(8))


SAVED = [
    ("ConditionalBatchNormalization", {"momentum": 0.5, "gamma_initializer": "ones", "beta_regularizer": "l2"}, 2),
    ("LocalResponseNormalization", {"k": 1.0, "n": 3, "alpha": 0.5, "beta": 0.5, "average": True}, 1),
    ("PixelNormalization", {"epsilon": 0.5}, 1),
]


@pytest.mark.parametrize(("name", "arguments", "inputs"), SAVED, ids=[case[0] for case in SAVED])
def test_our_layers_survive_saving(name: str, arguments: dict[str, object], inputs: int, tmp_path: Path) -> None:
    check_saving(LAYERS[name](name="layer", **arguments), (PICTURES, CONDITIONS)[:inputs], tmp_path)


@pytest.mark.parametrize("op", ["lrn", "pixel_norm", "batch_norm", "layer_norm", "instance_norm", "rms_norm"])
def test_half_precision_agrees(op: str) -> None:
    check_half_precision(make(op), PICTURES)


def test_half_precision_agrees_with_a_condition() -> None:
    check_half_precision(make("conditional_batch_norm", gamma_initializer="random_normal"), PICTURES, CONDITIONS)


def test_squares_do_not_overflow_in_half_precision() -> None:
    loud = np.full((1, 2, 2, 6), 1000.0, "float32")  # the square is beyond float16's 65,504
    check_half_precision(make("pixel_norm"), loud)
    check_half_precision(make("lrn", alpha=1.0), loud)


@pytest.mark.parametrize(
    "op", ["batch_norm", "layer_norm", "instance_norm", "rms_norm", "lrn", "pixel_norm", "unit_norm"]
)
def test_unknown_heights_and_widths_stay_unknown(op: str) -> None:
    height = symbol("H")
    assert make(op).infer(Tensor((height, height, 6))) == Tensor((height, height, 6))
    assert symbolic(make(op), (None, None, 6)) == (None, None, 6)


REFUSED = [
    ("batch_norm", {}, [()], "AG301", ""),
    ("batch_norm", {}, [(4, symbol("C"))], "AG302", ""),
    ("layer_norm", {"axis": 0}, [(4, 5)], "AG201", "/axis"),
    ("layer_norm", {"axis": 3}, [(4, 5)], "AG201", "/axis"),
    ("layer_norm", {"axis": [1, -3]}, [(4, 5)], "AG201", "/axis/1"),
    ("layer_norm", {"axis": [2, -1]}, [(4, 5)], "AG210", "/axis"),
    ("layer_norm", {"axis": 1}, [(symbol("T"), 5)], "AG302", ""),
    ("rms_norm", {"axis": 3}, [(4, 5)], "AG201", "/axis"),
    ("rms_norm", {"axis": 1}, [(5, 5)], "AG802", "/axis"),
    ("rms_norm", {"axis": [1, 3]}, [(4, 5, 6)], "AG802", "/axis"),
    ("unit_norm", {"axis": -3}, [(4, 5)], "AG201", "/axis"),
    ("unit_norm", {}, [()], "AG201", "/axis"),
    ("group_norm", {"groups": 3}, [(4, 4, 16)], "AG307", "/groups"),
    ("group_norm", {}, [(4, 4, 16)], "AG307", "/groups"),
    ("group_norm", {"groups": 16}, [(16,)], "AG303", ""),
    ("instance_norm", {}, [(16,)], "AG303", ""),
    ("instance_norm", {}, [(1, 1, 16)], "AG303", ""),
    ("lrn", {"n": 4}, [(4, 4, 16)], "AG201", "/n"),
    ("conditional_batch_norm", {}, [(4, 4, 16), (1, 10)], "AG301", ""),
    ("conditional_batch_norm", {}, [(4, 4, 16), (symbol("N"),)], "AG302", ""),
]


@pytest.mark.parametrize(("op", "params", "shapes", "code", "field"), REFUSED)
def test_bad_combinations_are_refused(
    op: str, params: dict[str, object], shapes: list[Shape], code: str, field: str
) -> None:
    with pytest.raises(Rejected) as caught:
        make(op, **params).infer(*map(Tensor, shapes))
    assert (caught.value.code, caught.value.field) == (code, field)


@pytest.mark.parametrize("op", ["batch_norm", "layer_norm", "group_norm", "rms_norm", "lrn", "pixel_norm", "unit_norm"])
def test_whole_numbers_are_refused(op: str) -> None:
    with pytest.raises(Rejected, match="must hold floating-point numbers, got int32"):
        make(op).infer(Tensor((4, 4, 32), "int32"))


def test_the_remedy_for_groups_is_a_number_that_works() -> None:
    with pytest.raises(Rejected) as caught:
        make("group_norm").infer(Tensor((4, 4, 48)))
    assert caught.value.hint == "24 groups would do"
    assert make("group_norm", groups=24).infer(Tensor((4, 4, 48))) == Tensor((4, 4, 48))


@pytest.mark.parametrize("op", ["lrn", "pixel_norm"])
def test_a_mask_over_steps_is_passed_on(op: str) -> None:
    check_mask(make(op), np.ones((2, 4, 5), "float32"))
