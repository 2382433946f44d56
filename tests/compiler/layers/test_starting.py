"""The initialisers of the context module and of enlargement, against formulas and pictures worked out by hand."""

from pathlib import Path

import keras
import numpy as np
import pytest

from archgraph.compiler.layers.starting import Bilinear, IdentityKernel
from tests.compiler.layers.trial import layer_for, make, run

PICTURE = np.random.default_rng(1).normal(size=(2, 5, 6, 3)).astype("float32")


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_convolution_begins_by_handing_its_maps_on(dilation: int) -> None:
    primitive = make("conv", filters=3, kernel_size=3, dilation_rate=dilation, kernel_initializer="identity_kernel")
    np.testing.assert_allclose(run(primitive, PICTURE), PICTURE, rtol=1e-6)


@pytest.mark.parametrize(
    ("groups", "taken", "given", "expected"),
    [
        (2, 2, 4, [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]),
        (None, 4, 2, [[1, 0], [1, 0], [0, 1], [0, 1]]),
        (2, 4, 4, [[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5]]),
        (None, 2, 2, [[1, 0], [0, 1]]),
    ],
)
def test_maps_of_a_group_share_its_value(groups: int | None, taken: int, given: int, expected: list[list[int]]) -> None:
    kernel = np.asarray(IdentityKernel(groups)((3, 3, taken, given)))
    np.testing.assert_allclose(kernel[1, 1], expected)
    assert np.count_nonzero(kernel) == np.count_nonzero(expected)


def test_the_noise_has_the_deviation_asked_for() -> None:
    kernel = np.array(IdentityKernel(stddev=0.1, seed=1)((5, 5, 20, 20)))
    kernel[2, 2] -= np.eye(20)
    assert abs(kernel.std() - 0.1) < 0.005


@pytest.mark.parametrize(
    ("size", "weights"),
    # Long et al. 2015, as in the authors' surgery.py
    [
        (4, [0.25, 0.75, 0.75, 0.25]),
        (3, [0.5, 1, 0.5]),
        (2, [0.5, 0.5]),
        (1, [1]),
        (6, [1 / 6, 0.5, 5 / 6, 5 / 6, 0.5, 1 / 6]),
    ],
)
def test_a_bilinear_kernel_is_a_tent_between_maps_that_are_the_same(size: int, weights: list[float]) -> None:
    kernel = np.asarray(Bilinear()((size, size, 2, 2)))
    np.testing.assert_allclose(kernel[:, :, 0, 0], np.outer(weights, weights), rtol=1e-6)
    np.testing.assert_array_equal(kernel[:, :, 1, 1], kernel[:, :, 0, 0])
    assert not kernel[:, :, 0, 1].any() and not kernel[:, :, 1, 0].any()


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_bilinear_transposed_convolution_enlarges_a_slope_to_a_slope(factor: int) -> None:
    primitive = make(
        "conv_transpose",
        filters=3,
        kernel_size=2 * factor,
        strides=factor,
        use_bias=False,
        kernel_initializer="bilinear",
    )
    rows, columns, maps = np.meshgrid(np.arange(6.0), np.arange(5.0), np.arange(3.0), indexing="ij")
    found = run(primitive, (rows + 2 * columns + maps)[None].astype("float32"))[0]
    # Cell i of the small picture is centred over cells f·i to f·i + f - 1 of the large one.
    places = np.meshgrid(
        *((np.arange(size * factor) + 0.5) / factor - 0.5 for size in (6, 5)), np.arange(3.0), indexing="ij"
    )
    inner = np.s_[factor:-factor, factor:-factor]
    np.testing.assert_allclose(found[inner], (places[0] + 2 * places[1] + places[2])[inner], rtol=1e-5)


def test_a_bilinear_kernel_treats_each_map_of_a_depthwise_convolution_alike() -> None:
    primitive = make("depthwise_conv", kernel_size=3, use_bias=False, depthwise_initializer="bilinear")
    found = run(primitive, np.ones((1, 5, 5, 3), "float32"))
    np.testing.assert_allclose(found[0, 1:-1, 1:-1], 4.0)


def test_it_survives_saving(tmp_path: Path) -> None:
    primitive = make("conv", filters=3, kernel_size=3, kernel_initializer={"name": "identity_kernel", "stddev": 0.1})
    layer = layer_for(primitive, PICTURE)
    source = keras.Input((5, 6, 3))
    keras.Model(source, layer(source)).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").get_layer(layer.name)
    assert loaded.kernel_initializer.get_config() == layer.kernel_initializer.get_config()
