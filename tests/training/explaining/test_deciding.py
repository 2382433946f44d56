"""Grad-CAM is what Selvaraju et al. define, and finds what a network was built to look at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import archgraph as ag
from archgraph.diagnostics import Rejected
from archgraph.training.explaining.deciding import grad_cam, last_map, score_of
from archgraph.training.explaining.features import filters_of, kernels_of, maps_of
from archgraph.training.explaining.twin import Twin

EXAMPLES = Path(__file__).parents[3] / "examples"
DRAW = np.random.default_rng(0)


@pytest.fixture(scope="module")
def lenet() -> Twin:
    return Twin(ag.infer(ag.load(str(EXAMPLES / "lenet5.graph.json"))), seed=5)


def through(twin: Twin, *paths: str) -> Callable[[Any], Any]:
    """Some layers, one after the other."""

    def run(x: Any) -> Any:
        for path in paths:
            x = twin.layers[path](x)
        return x

    return run


def test_maps_are_weighed_by_the_mean_gradient_of_the_score(lenet: Twin) -> None:
    images, classes = DRAW.normal(size=(3, 32, 32, 1)).astype("f"), np.array([3, 1, 9])
    path, found = grad_cam(lenet, {"image": images}, "digit", classes)
    assert path == last_map(lenet) == "s4" and score_of(lenet, "digit") == "digit"
    maps_of_image = through(lenet, "c1", "c1/activation", "s2", "c3", "c3/activation", "s4")
    scores_of_maps = through(lenet, "c5", "c5/activation", "flat", "f6", "f6/activation", "digit")
    for number, one in enumerate(classes):
        maps = tf.Variable(maps_of_image(images[number : number + 1]))
        with tf.GradientTape() as tape:
            score = scores_of_maps(maps)[0, int(one)]
        slopes = tape.gradient(score, maps).numpy()[0].mean((0, 1))
        cam = np.maximum((maps.numpy()[0] * slopes).sum(-1), 0)
        np.testing.assert_allclose(found[number], cam / cam.max() if cam.max() else cam, rtol=1e-3, atol=1e-5)


def test_it_finds_the_corner_that_a_network_looks_at() -> None:
    shaped = ag.infer(ag.loads("""{
        "archgraph": 1, "name": "c", "inputs": {"image": {"shape": [8, 8, 1]}},
        "nodes": {"see": {"op": "conv", "in": "image", "filters": 2, "kernel_size": 1, "activation": "relu"},
                  "flat": {"op": "flatten", "in": "see"},
                  "label": {"op": "dense", "in": "flat", "units": 2, "activation": "softmax"}},
        "outputs": {"label": "label"}
    }"""))  # fmt: skip
    twin = Twin(shaped)
    values = {name: np.zeros_like(value) for name, value in ag.get_weights(twin.model).items()}
    values["see/kernel"][..., 0] = 1
    values["label/kernel"][0, 1] = 5  # the upper left cell of the first map speaks for class 1
    twin.set_weights(values)
    image = np.zeros((1, 8, 8, 1), "f")
    image[0, 0, 0] = 1
    path, found = grad_cam(twin, {"image": image}, "label", np.array([1]), "see/activation")
    assert path == "see/activation" and found[0].argmax() == 0 and found[0].sum() == 1


def test_nodes_without_maps_are_refused_with_one_that_has(lenet: Twin) -> None:
    image = {"image": np.zeros((1, 32, 32, 1), "f")}
    with pytest.raises(Rejected, match="'f6' gives no maps") as refused:
        grad_cam(lenet, image, "digit", np.array([0]), "f6")
    assert refused.value.hint == "s4"
    with pytest.raises(Rejected, match="no node 'c33'"):
        grad_cam(lenet, image, "digit", np.array([0]), "c33")


def test_filters_are_the_kernels_that_see_the_input(lenet: Twin) -> None:
    (one,) = filters_of(lenet)
    kernel = np.asarray(lenet.layers["c1"].kernel)
    assert one.path == "c1"
    np.testing.assert_array_equal(one.kernels[4, :, :, 0], kernel[:, :, 0, 4])
    deeper = kernels_of(lenet, "c3")
    assert deeper is not None and deeper.shape == (16, 5, 5, 6) and kernels_of(lenet, "s2") is None


def test_weights_of_a_dense_layer_on_a_flat_picture_are_pictures() -> None:
    twin = Twin(ag.infer(ag.load(str(EXAMPLES / "softmax_regression.graph.json"))))
    shape = next(iter(twin.shaped.inputs.values())).shape
    found = list(filters_of(twin))
    if len(shape) == 3:
        (one,) = found
        kernel = np.asarray(twin.layers[one.path].kernel)
        np.testing.assert_array_equal(one.kernels[1].ravel(), kernel[:, 1])
    else:
        assert found == []


def test_feature_maps_are_what_nodes_give_activations_rather_than_what_goes_into_them(lenet: Twin) -> None:
    look = lenet.look({"image": DRAW.normal(size=(2, 32, 32, 1)).astype("f")})
    maps = maps_of(lenet, look, 1)
    assert list(maps) == ["c1/activation", "s2", "c3/activation", "s4"]
    np.testing.assert_array_equal(maps["s2"], np.asarray(look.values["s2"][0])[1])
