"""Normalisations as compiled, against numbers worked out by their formulas."""

from typing import Any

import numpy as np
import pytest

from tests.zoo.golden import compiled, single, told, weigh

SCALAR = [[1], [2], [3], [4]]
"""One channel at four places."""


@pytest.mark.parametrize(
    ("epsilon", "expected"),
    # Ioffe & Szegedy 2015, algorithm 1; the variance is that of the batch, 1.25
    [(1e-3, [-1.341104452, -0.4470348173, 0.4470348173, 1.341104452]),
     (1e-5, [-1.34163542, -0.4472118067, 0.4472118067, 1.34163542])],
)  # fmt: skip
def test_batch_normalisation_in_training_and_after_it(epsilon: float, expected: list[float]) -> None:
    model = single([0], op="batch_norm", epsilon=epsilon, momentum=0)
    batch = np.array(SCALAR, "float32")
    np.testing.assert_allclose(np.asarray(model(batch, training=True))[:, 0], expected, atol=1e-5)
    # With momentum 0 the statistics kept are those of the batch.
    np.testing.assert_allclose(model.predict_on_batch(batch)[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # Krizhevsky et al. 2012, section 3.3: alpha times the sum
        ({}, [0.5942915817, 1.187871011, 1.780140394, 2.370418559, 2.963465738, 3.55735442]),
        # Caffe and PyTorch: alpha times the mean
        ({"average": True}, [0.5945411318, 1.188939614, 1.783075205, 2.376810064, 2.971101633, 3.565562431]),
        ({"alpha": 1}, [0.125, 0.1486508894, 0.1446155897, 0.1346539572, 0.1740235405, 0.2264284178]),
        ({"alpha": 1, "average": True},
         [0.3083678352, 0.4204482076, 0.4381912897, 0.4229485054, 0.5451224684, 0.704270203]),
    ],
)  # fmt: skip
def test_responses_are_damped_by_their_neighbours(settings: dict[str, Any], expected: list[float]) -> None:
    pixel = [[[1, 2, 3, 4, 5, 6]]]
    np.testing.assert_allclose(told(single(pixel, op="lrn", **settings), pixel)[0, 0], expected, atol=1e-5)


def test_a_pixel_is_divided_by_the_length_of_its_features() -> None:
    # Karras et al. 2018, section 4.2
    pixel = [[[1, 2, 3, 4]]]
    found = told(single(pixel, op="pixel_norm"), pixel)
    np.testing.assert_allclose(found[0, 0], [0.3651483714, 0.7302967429, 1.095445114, 1.460593486], atol=1e-5)


STYLED = [-3.012461172, -1.670820391, -0.3291796094, 1.012461172]
"""Scale 0.5 and offset -1 on 1, 2, 3, 4: n·(0.5 + 1) - 1."""


def test_a_style_scales_by_one_more_than_it_says() -> None:
    # Karras et al. 2019; networks_stylegan.py of the authors: x·(scale + 1) + offset
    model = compiled({"y": {"op": "adain", "in": {"x": "x", "style": "w"}}}, {"y": "y"}, x=[4, 1], w=[3])
    weigh(model, "y", np.zeros((3, 2)), [0.5, -1])
    np.testing.assert_allclose(told(model, SCALAR, w=np.ones(3))[:, 0], STYLED, atol=1e-5)
    # a style that comes through the weights in the place of the bias
    weigh(model, "y", [[0.5, 0], [0, -1], [0, 0]], [0, 0])
    np.testing.assert_allclose(told(model, SCALAR, w=[1, 1, 7])[:, 0], STYLED, atol=1e-5)


def test_instance_normalisation_with_a_fixed_style() -> None:
    model = single(SCALAR, op="instance_norm", epsilon=1e-8)
    weigh(model, "y", [1.5], [-1])
    np.testing.assert_allclose(told(model, SCALAR)[:, 0], STYLED, atol=1e-5)


def test_the_spread_of_a_batch_is_one_more_channel() -> None:
    # Karras et al. 2018, section 3: one feature, one pixel, a group of two
    model = single([[[0]]], op="minibatch_stddev", group_size=2)
    found = model.predict_on_batch(np.array([[[[1]]], [[[3]]]], "float32"))
    np.testing.assert_allclose(found[:, 0, 0], [[1, 1.000000005], [3, 1.000000005]], atol=1e-5)


def test_an_equalised_kernel_is_scaled_by_its_inputs() -> None:
    # Karras et al. 2018, section 4.1: √2 / √(3·3·512)
    model = single(np.zeros((3, 3, 512)), op="conv", filters=1, kernel_size=3, padding="valid", equalized=True)
    weigh(model, "y", np.eye(9 * 512)[0], [0])
    picture = np.zeros((3, 3, 512))
    picture[0, 0, 0] = 1
    np.testing.assert_allclose(told(model, picture), [[[0.02083333333]]], rtol=1e-5)


W = [[3, 0], [4, 5]]
"""Rows are outputs. Singular values 3√5 = 6.708203932 and √5."""


def test_a_dense_kernel_is_divided_by_its_largest_singular_value() -> None:
    # Miyato et al. 2018, algorithm 1, from u = (1, 0); one iteration for each step of training
    model = single([0, 0], op="dense", units=2, use_bias=False, spectral_norm=True)
    layer = model.get_layer("y")
    kernel, direction = (next(w for w in layer.weights if w.name == name) for name in ("kernel", "vector_u"))
    kernel.assign(np.transpose(W))
    direction.assign([[1, 0]])
    unit = np.eye(2, dtype="float32")
    for sigma in (5.0, 6.671746032, 6.70774957, 6.708198322, 6.708203863):
        np.testing.assert_allclose(np.transpose(model(unit, training=True)), np.divide(W, sigma), atol=1e-5)
    found = np.transpose(model.predict_on_batch(unit))
    np.testing.assert_allclose(found, [[0.4472135955, 0], [0.596284794, 0.7453559925]], atol=1e-5)


def test_a_convolution_is_normalised_over_all_that_one_output_sees() -> None:
    # Miyato et al. 2018, section 2.1: a row for each output channel, its columns the window and the input channels
    model = single(np.zeros((5, 5, 3)), op="conv", filters=4, kernel_size=3, use_bias=False, spectral_norm=True)
    layer = model.get_layer("y")
    random = np.random.default_rng(1)
    kernel = random.normal(size=(3, 3, 3, 4)).astype("float32")
    next(w for w in layer.weights if w.name == "kernel").assign(kernel)
    x = random.normal(size=(1, 5, 5, 3)).astype("float32")
    plain = single(np.zeros((5, 5, 3)), op="conv", filters=4, kernel_size=3, use_bias=False)
    weigh(plain, "y", kernel / np.linalg.svd(kernel.reshape(-1, 4), compute_uv=False)[0])
    for _ in range(200):
        found = model(x, training=True)
    np.testing.assert_allclose(found, plain(x), atol=1e-5)
