"""Every example compiles, and its shapes, counts and multiply-adds are those of Keras and of the published tables."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model, layers_by_path
from archgraph.document.load import load_graph
from archgraph.shapes import substitute
from tests.networks import EXAMPLES, NAMES, cases

BUILT = cases(EXAMPLES)


@pytest.fixture(scope="module", params=BUILT)
def pair(request: pytest.FixtureRequest) -> tuple[ShapedGraph, Any]:
    """An example as analysed and as compiled."""
    shaped = infer(load_graph(request.param))
    return shaped, compile_model(shaped, seed=0)


def test_the_counts_are_those_of_keras(pair: tuple[ShapedGraph, Any]) -> None:
    shaped, model = pair
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert (shaped.parameters, shaped.trainable) == (model.count_params(), trainable)


def test_every_shape_is_that_of_keras(pair: tuple[ShapedGraph, Any]) -> None:
    shaped, model = pair
    layers = layers_by_path(model)
    compared = 0
    for node in shaped.walk():
        layer = layers.get(node.path)
        if layer is None or node.path != node.owner:
            continue
        outputs = layer.output if isinstance(layer.output, list | tuple) else [layer.output]
        inferred = [tuple(d if isinstance(d, int) else None for d in x.shape) for x in node.leaf.outputs]
        assert [tuple(y.shape[1:]) for y in outputs] == inferred, node.path
        compared += 1
    assert compared >= len(model.layers) - len(shaped.inputs)


def multiply_adds(layer: Any) -> int | None:
    """Multiply-adds of one call of a Keras layer, counted from its kernel and output: the oracle. None: not known."""
    inner = layer.layer if type(layer).__name__ == "SpectralNormalization" else layer
    name = type(inner).__name__.removeprefix("Equalized")
    if name in ("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D", "Dense", "MaskedConv", "MaskedDense"):
        return math.prod(inner.kernel.shape) * math.prod(layer.output.shape[1:-1])
    if name == "DynamicConv":
        return math.prod(inner.input[1].shape[1:]) * math.prod(layer.output.shape[1:-1])
    if name == "Conv2DTranspose":
        return math.prod(inner.kernel.shape) * math.prod(layer.input.shape[1:-1])
    if name == "SimpleRNN":
        return layer.input.shape[1] * sum(math.prod(w.shape) for w in layer.weights if w.name != "bias")
    if name == "MultiHeadAttention":
        steps = layer.output.shape[1]
        projections = sum(math.prod(w.shape) for w in layer.weights if w.name == "kernel") * steps
        return projections + 2 * steps * steps * layer.num_heads * layer.key_dim
    if name == "LstmCell":
        return sum(math.prod(w.shape) for w in layer.weights if w.name != "bias")
    if name in ("BatchNormalization", "LayerNormalization", "Embedding"):
        return 0
    return None if layer.weights or name == "Dot" else 0


def sized(path: Path, **sizes: int) -> ShapedGraph:
    """An example with numbers for its symbolic sizes."""
    graph = load_graph(path)
    inputs = {
        name: dataclasses.replace(entry, shape=tuple(sizes.get(str(size), size) for size in entry.shape))
        for name, entry in graph.inputs.items()
    }
    return infer(dataclasses.replace(graph, inputs=inputs))


@pytest.mark.parametrize("path", BUILT)
def test_the_multiply_adds_are_those_of_the_kernels(path: Path) -> None:
    sizes = {"H": 32, "W": 48, "S": 5, "T": 8, "N": 34}
    shaped = sized(path, **sizes)
    assert shaped.macs == substitute(infer(load_graph(path)).macs, sizes)
    layers = layers_by_path(compile_model(shaped))
    for node in shaped.walk():
        layer = layers.get(node.path)
        counted = None if layer is None else multiply_adds(layer)
        assert counted is None or node.leaf.macs == counted, node.path
    expected = BY_HAND.get(shaped.name)
    assert expected is None or shaped.macs == expected


BY_HAND = {
    # N = 34 nodes, 34 features, 16 hidden, 2 classes; X·W then A·(XW), in both layers
    "gcn_karate": 34 * 34 * 16 + 34 * 34 * 16 + 34 * 16 * 2 + 34 * 34 * 2,
    # 8 steps of 4 gates, each reading 8 inputs and 48 units, then 48 x 10
    "lstm_classifier": 8 * 4 * 48 * (8 + 48) + 480,
}


@pytest.mark.parametrize(("name", "lines"), [("lenet5", 20), ("resnet50", 35), ("densenet121", 55)])
def test_the_files_are_short(name: str, lines: int) -> None:
    text = EXAMPLES[NAMES.index(name)].read_text(encoding="utf-8")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= lines


@pytest.mark.parametrize(
    ("variant", "parameters", "macs"),
    # He et al. 2015, table 1, and torchvision (trainable); the paper rounds ResNet-152 to 11.3e9
    [("resnet50", 25_557_032, 3_857_973_248), ("resnet152", 60_192_808, 11_282_415_616)],
)
def test_deeper_variants_meet_the_published_counts(variant: str, parameters: int, macs: int) -> None:
    graph = Path(__file__).parents[1] / "benchmarks" / "graphs" / f"resnet.graph.json#{variant}"
    shaped = infer(load_graph(str(graph)))
    assert (shaped.trainable, shaped.macs) == (parameters, macs)


def test_the_preactivation_resnet_of_depth_1001_meets_its_published_counts() -> None:
    graph = Path(__file__).parents[1] / "benchmarks" / "graphs" / "preactivation_resnet.graph.json"
    shaped = infer(load_graph(graph))
    assert (shaped.trainable, shaped.macs) == (10_327_706, 1_487_849_984)
