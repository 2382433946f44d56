"""Weights copied by path from keras.applications give its outputs: equal counts alone do not make layers equal."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.compiler import compile_model
from archgraph.document.load import load_graph
from tests.zoo.test_classifiers import EXAMPLES

UNITS = (3, 4, 6, 3)
"""Units of the stages of ResNet-50."""


def resnet50() -> dict[str, str]:
    """Our layer for each layer of keras.applications.ResNet50 that has weights."""
    names = {"conv1_conv": "stem.conv", "conv1_bn": "stem.norm", "predictions": "fc"}
    for stage, units in enumerate(UNITS, 1):
        for unit in range(units):
            theirs, mine = f"conv{stage + 1}_block{unit + 1}_", f"stage{stage}.{unit}."
            for number, part in enumerate(("reduce", "conv", "last"), 1):
                names |= {f"{theirs}{number}_conv": f"{mine}{part}.conv", f"{theirs}{number}_bn": f"{mine}{part}.norm"}
        shortcut = f"conv{stage + 1}_block1_0_"
        names |= {
            f"{shortcut}conv": f"stage{stage}.0.sum.shortcut",
            f"{shortcut}bn": f"stage{stage}.0.sum.shortcut_norm",
        }
    return names


def resnet50v2() -> dict[str, str]:
    """Our layer for each layer of keras.applications.ResNet50V2 that has weights."""
    names = {"conv1_conv": "stem", "post_bn": "post.norm", "predictions": "fc"}
    parts = {"1_conv": "reduce", "1_bn": "act1.norm", "2_conv": "conv", "2_bn": "act2.norm", "3_conv": "expand"}
    for stage, units in enumerate(UNITS, 1):
        for unit in range(units):
            theirs, mine = f"conv{stage + 1}_block{unit + 1}_", f"stage{stage}.{unit}."
            names |= {theirs + their: mine + part for their, part in parts.items()}
            names[f"{theirs}preact_bn"] = f"{mine}own.norm" if unit else f"{mine}shared.norm"
        names[f"conv{stage + 1}_block1_0_conv"] = f"stage{stage}.0.short"
    return names


def vgg16() -> dict[str, str]:
    """Our layer for each layer of keras.applications.VGG16 that has weights."""
    convolutions = {
        f"block{stage}_conv{number + 1}": f"conv{stage}.{number}.conv"
        for stage, count in enumerate((2, 2, 3, 3, 3), 1)
        for number in range(count)
    }
    return {**convolutions, "fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("application", "example", "names"),
    [
        (keras.applications.ResNet50, "resnet.graph.json#resnet50_keras", resnet50()),
        (keras.applications.ResNet50V2, "resnet_v2.graph.json#resnet50_keras", resnet50v2()),
        (keras.applications.VGG16, "vgg.graph.json#D", vgg16()),
    ],
    ids=["ResNet50", "ResNet50V2", "VGG16"],
)
def test_with_the_weights_of_keras_the_outputs_are_those_of_keras(
    application: Callable[..., keras.Model], example: str, names: dict[str, str]
) -> None:
    keras.utils.set_random_seed(3)
    theirs = application(weights=None)
    mine = compile_model(infer(load_graph(str(EXAMPLES / example))), seed=1)
    # Statistics and biases that differ from channel to channel, so that a lost bias or a swapped layer shows.
    random = np.random.default_rng(4)
    for layer in theirs.layers:
        layer.set_weights([w + random.uniform(0, 0.5, w.shape) * (w.ndim == 1) for w in layer.get_weights()])
        if layer.weights:
            mine.get_layer(names.pop(layer.name)).set_weights(layer.get_weights())
    assert names == {}
    x = random.normal(size=(2, 224, 224, 3)).astype("float32")
    expected = theirs.predict_on_batch(x)
    found = mine.predict_on_batch(x)
    np.testing.assert_allclose(found["label"] if isinstance(found, dict) else found, expected, rtol=1e-3, atol=1e-6)
    assert np.ptp(expected) > 1e-3
