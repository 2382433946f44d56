"""Weights copied by path from keras.applications give its outputs: equal counts alone do not make layers equal."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model
from archgraph.document.load import load_graph
from tests.zoo.test_classifiers import EXAMPLES

Names = dict[str, str]
"""Our layer for each layer of Keras that has weights."""

apps = keras.applications


# ---- which layer is which


def resnet(*units: int) -> Names:
    """Units of each stage of ResNet50, 101 and 152."""
    names = {"conv1_conv": "stem.conv", "conv1_bn": "stem.norm", "predictions": "fc"}
    for stage, count in enumerate(units, 1):
        for unit in range(count):
            theirs, mine = f"conv{stage + 1}_block{unit + 1}_", f"stage{stage}.{unit}."
            for number, part in enumerate(("reduce", "conv", "last"), 1):
                names |= {f"{theirs}{number}_conv": f"{mine}{part}.conv", f"{theirs}{number}_bn": f"{mine}{part}.norm"}
        theirs, mine = f"conv{stage + 1}_block1_0_", f"stage{stage}.0.sum.shortcut"
        names |= {f"{theirs}conv": mine, f"{theirs}bn": f"{mine}_norm"}
    return names


def resnet_v2(*units: int) -> Names:
    """Units of each stage of ResNet50V2, 101V2 and 152V2."""
    names = {"conv1_conv": "stem", "post_bn": "post.norm", "predictions": "fc"}
    parts = {"1_conv": "reduce", "1_bn": "act1.norm", "2_conv": "conv", "2_bn": "act2.norm", "3_conv": "expand"}
    for stage, count in enumerate(units, 1):
        for unit in range(count):
            theirs, mine = f"conv{stage + 1}_block{unit + 1}_", f"stage{stage}.{unit}."
            names |= {theirs + their: mine + part for their, part in parts.items()}
            names[f"{theirs}preact_bn"] = f"{mine}own.norm" if unit else f"{mine}shared.norm"
        names[f"conv{stage + 1}_block1_0_conv"] = f"stage{stage}.0.short"
    return names


def vgg(late: int) -> Names:
    """Convolutions in each of the last three stages of VGG16 and VGG19."""
    convolutions = {
        f"block{stage}_conv{number + 1}": f"conv{stage}.{number}.conv"
        for stage, count in enumerate((2, 2, late, late, late), 1)
        for number in range(count)
    }
    return {**convolutions, "fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}


def densenet(*layers: int) -> Names:
    """Layers of each block of DenseNet121, 169 and 201."""
    names = {"conv1_conv": "stem", "conv1_bn": "stem.norm", "bn": "norm", "predictions": "label"}
    parts = {"0_bn": "norm", "1_conv": "narrow", "1_bn": "narrow.norm", "2_conv": "fresh"}
    for block, count in enumerate(layers, 1):
        for layer in range(count):
            theirs, mine = f"conv{block + 1}_block{layer + 1}_", f"dense{block}.{layer}."
            names |= {theirs + their: mine + part for their, part in parts.items()}
    for place in (1, 2, 3):
        names |= {f"pool{place + 1}_bn": f"trans{place}.norm", f"pool{place + 1}_conv": f"trans{place}.squeeze"}
    return names


def mobilenet() -> Names:
    """The thirteen separable layers of MobileNet."""
    names = {"conv1": "stem", "conv1_bn": "stem.norm", "conv_preds": "label"}
    blocks = [
        "sep1",
        "sep2.0",
        "sep2.1",
        "sep3.0",
        "sep3.1",
        "sep4",
        *(f"middle.{i}" for i in range(5)),
        "sep5.0",
        "sep5.1",
    ]
    for number, block in enumerate(blocks, 1):
        for theirs, mine in (("dw", "depthwise"), ("pw", "pointwise")):
            names |= {
                f"conv_{theirs}_{number}{end}": f"{block}.{mine}{ours}" for end, ours in (("", ""), ("_bn", ".norm"))
            }
    return names


def xception() -> Names:
    """The fourteen blocks of Xception. Its four shortcuts have no names of their own: they are numbered."""
    mine = [f"entry{block}.sep{number}.conv" for block in (1, 2, 3) for number in (1, 2)]
    mine += [f"middle.{block}.sep.{number}.conv" for block in range(8) for number in range(3)]
    mine += ["exit1.sep1.conv", "exit1.sep2.conv", "exit2", "exit3"]
    theirs = [f"block{block}_sepconv{number}" for block in range(2, 15) for number in (1, 2, 3)[: 2 + (4 < block < 13)]]
    names = {"predictions": "label"}
    for their, my in [("block1_conv1", "conv1"), ("block1_conv2", "conv2"), *zip(theirs, mine, strict=True)]:
        names |= {their: my, f"{their}_bn": f"{my}.norm"}
    for number, block in enumerate(("entry1", "entry2", "entry3", "exit1")):
        names |= {f"conv2d#{number}": f"{block}.sum.shortcut"}
        names |= {f"batch_normalization#{number}": f"{block}.sum.shortcut_norm"}
    return names


class Port(NamedTuple):
    """A network of Keras and ours."""

    application: Callable[..., keras.Model]
    example: str
    names: Names
    parameters: int
    """Of the network for 1000 classes, with moving statistics: Keras 3.15, `count_params()`."""
    size: int = 224
    settings: Mapping[str, Any] = MappingProxyType({})
    """Parameters of the example. MobileNet's `alpha` is Keras's as well."""

    @property
    def id(self) -> str:
        """Name of the case."""
        return "-".join(map(str, (self.application.__name__, self.size, *self.settings.values())))

    def at(self, size: int) -> "Port":
        """The same network for smaller pictures."""
        return self._replace(size=size)


RESNET50 = Port(apps.ResNet50, "resnet#resnet50_keras", resnet(3, 4, 6, 3), 25_636_712)
RESNET50V2 = Port(apps.ResNet50V2, "resnet_v2#resnet50_keras", resnet_v2(3, 4, 6, 3), 25_613_800)
VGG16 = Port(apps.VGG16, "vgg#D", vgg(3), 138_357_544)
DENSENET121 = Port(apps.DenseNet121, "densenet#densenet121_keras", densenet(6, 12, 24, 16), 8_062_504)
MOBILENET = Port(apps.MobileNet, "mobilenet#keras", mobilenet(), 4_253_864)
XCEPTION = Port(apps.Xception, "xception", xception(), 22_910_480, size=299)

KERAS = {"form": "keras"}
EPSILON = {"epsilon": 1.001e-5}
DEEP = (
    Port(apps.ResNet101, "resnet#resnet101", resnet(3, 4, 23, 3), 44_707_176, settings=KERAS),
    Port(apps.ResNet152, "resnet#resnet152", resnet(3, 8, 36, 3), 60_419_944, settings=KERAS),
    Port(apps.ResNet101V2, "resnet_v2#resnet101_keras", resnet_v2(3, 4, 23, 3), 44_675_560),
    Port(apps.ResNet152V2, "resnet_v2#resnet152_keras", resnet_v2(3, 8, 36, 3), 60_380_648),
    Port(apps.VGG19, "vgg#E", vgg(4), 143_667_240),
    Port(apps.DenseNet169, "densenet#densenet169", densenet(6, 12, 32, 32), 14_307_880, settings=EPSILON),
    Port(apps.DenseNet201, "densenet#densenet201", densenet(6, 12, 48, 32), 20_242_984, settings=EPSILON),
)
THIN = (
    Port(apps.MobileNet, "mobilenet#keras", mobilenet(), 2_601_976, 192, {"alpha": 0.75}),
    Port(apps.MobileNet, "mobilenet#keras", mobilenet(), 1_342_536, 160, {"alpha": 0.5}),
    Port(apps.MobileNet, "mobilenet#keras", mobilenet(), 475_544, 128, {"alpha": 0.25}),
)
FULL = (RESNET50, RESNET50V2, VGG16, DENSENET121, MOBILENET, XCEPTION)

# Five halvings of 64 pixels leave two; 71 is Xception's smallest, and odd.
QUICK = (*(port.at(64) for port in (RESNET50, RESNET50V2, VGG16, DENSENET121, MOBILENET)), XCEPTION.at(71), *THIN[2:])
SLOW = (*FULL, *(port.at(96) for port in DEEP), *THIN[:2])


# ---- their network with telling numbers, and ours with the same


def theirs_of(port: Port) -> keras.Model:
    """Keras's network, with numbers each of which matters.

    Scales, offsets and biases differ from channel to channel. The statistics are those of noise, as if it had been
    trained on that, and so small that the epsilon beside a variance counts.
    """
    width = {name: value for name, value in port.settings.items() if name == "alpha"}
    model = port.application(weights=None, input_shape=(port.size, port.size, 3), **width)
    random = np.random.default_rng(4)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    small = (10 * norms[0].epsilon) ** 0.5 if norms else 2**0.5
    for layer in model.layers:
        plain = layer in norms or layer.name in ("predictions", "conv_preds")
        layer.set_weights(drawn(layer.weights, 1.0 if plain else small, random))
    for norm in norms:
        norm.momentum = 0.0
    model(noise(port, pictures=16), training=True)
    return model


def drawn(weights: Sequence[Any], scale: float, random: np.random.Generator) -> list[Any]:
    """A kernel for inputs of variance 1, times `scale`; numbers of single channels that differ by up to a half."""
    values = []
    for weight in weights:
        if len(weight.shape) == 1:
            values.append((np.asarray(weight) + random.uniform(-0.5, 0.5, weight.shape)) * scale)
        else:
            *window, channels, _ = weight.shape
            inputs = math.prod(window) * (1 if "depthwise" in weight.path or "_dw_" in weight.path else channels)
            values.append(random.normal(size=weight.shape) * inputs**-0.5 * (1.0 if values else scale))
    return values


def noise(port: Port, pictures: int = 2) -> Any:
    """Pictures of noise."""
    return np.random.default_rng(5).normal(size=(pictures, port.size, port.size, 3)).astype("float32")


def numbered(layers: Sequence[keras.Layer]) -> dict[str, keras.Layer]:
    """Layers with weights by name; those that Keras named, by what was built before, by their turn."""
    turns: Counter[str] = Counter()
    names = {}
    for layer in layers:
        kind = layer.name.rstrip("0123456789_")
        if layer.weights and kind in ("conv2d", "batch_normalization"):
            names[f"{kind}#{turns[kind]}"] = layer
            turns[kind] += 1
        elif layer.weights:
            names[layer.name] = layer
    return names


def mine_of(port: Port, theirs: keras.Model, **others: object) -> keras.Model:
    """Our network, with their weights."""
    size = {"resolution" if "mobilenet" in port.example else "size": port.size}
    mine = compile_model(analysed(port.example, **size, **port.settings, **others), seed=1)
    layers = numbered(theirs.layers)
    assert layers.keys() == port.names.keys()
    for name, layer in layers.items():
        target = mine.get_layer(port.names[name])
        # Keras's MobileNet ends in a 1x1 convolution over one pixel.
        pairs = zip(layer.get_weights(), target.weights, strict=True)
        target.set_weights([weight.reshape(other.shape) for weight, other in pairs])
    assert mine.count_params() == theirs.count_params()
    return mine


def analysed(example: str, **settings: object) -> ShapedGraph:
    """The example, or its variant after `#`, for parameters."""
    file, mark, variant = example.partition("#")
    return infer(load_graph(f"{EXAMPLES / file}.graph.json{mark}{variant}", settings))


def predicted(model: keras.Model, port: Port) -> Any:
    """Probabilities of two pictures of noise."""
    found = model.predict_on_batch(noise(port))
    return found["label"] if isinstance(found, dict) else found


# ---- the comparison


@pytest.mark.parametrize(
    "port",
    [*(pytest.param(port, id=port.id) for port in QUICK),
     *(pytest.param(port, id=port.id, marks=pytest.mark.slow) for port in SLOW)],
)  # fmt: skip
def test_with_the_weights_of_keras_the_outputs_are_those_of_keras(port: Port) -> None:
    theirs = theirs_of(port)
    expected = predicted(theirs, port)
    assert np.abs(np.log(expected[0] / expected[1])).max() > 0.1, "the pictures must tell in the output"
    found = predicted(mine_of(port, theirs), port)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # Most of a thousand probabilities are small. Rounding by 1e-7 at the input comes out as 1e-4 here.
    np.testing.assert_allclose(np.log(found), np.log(expected), atol=1e-3)


@pytest.mark.parametrize("port", [*FULL, *DEEP, *THIN], ids=lambda port: port.id)
def test_the_counts_are_those_of_keras(port: Port) -> None:
    assert analysed(port.example, **port.settings).parameters == port.parameters


@pytest.mark.parametrize(
    ("port", "others"),
    [
        pytest.param(DENSENET121, {"epsilon": 1e-5}, id="epsilon", marks=pytest.mark.slow),
        pytest.param(MOBILENET, {"activation": "relu"}, id="activation"),
    ],
)
def test_another_form_of_the_same_count_gives_other_outputs(port: Port, others: dict[str, object]) -> None:
    small = port.at(64)
    theirs = theirs_of(small)
    found = predicted(mine_of(small, theirs, **others), small)
    assert np.abs(np.log(found / predicted(theirs, small))).max() > 5e-3
