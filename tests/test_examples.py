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


# Source: the tables and papers named; counts checked against torchvision and Keras applications (see CHANGELOG).
PUBLISHED = {
    # LeCun et al. 1998 with full C3 and dense output: 156 + 2416 + 48120 + 10164 + 850
    "lenet5": {"parameters": 61_706, "trainable": 61_706, "macs": 416_520},
    # He et al. 2015, table 1; torchvision counts the trainable ones
    "resnet50": {"parameters": 25_610_152, "trainable": 25_557_032, "macs": 3_857_973_248},
    # Huang et al. 2017, table 1; torchvision
    "densenet121": {"parameters": 8_062_504, "trainable": 7_978_856, "macs": 2_834_161_664},
    # Kipf & Welling 2017, section 3.1, on 34 one-hot nodes: 34·16 + 16·2
    "gcn_karate": {"parameters": 576, "trainable": 576},
}

STAGES = {
    "resnet50": {"stem": (112, 112, 64), "pool": (56, 56, 64), "stage1/2/sum": (56, 56, 256),
                 "stage2/3/sum": (28, 28, 512), "stage3/5/sum": (14, 14, 1024), "stage4/2/sum": (7, 7, 2048)},
    "densenet121": {"stem": (112, 112, 64), "pool": (56, 56, 64), "dense1/5/cat": (56, 56, 256),
                    "trans1/pool": (28, 28, 128), "dense2/11/cat": (28, 28, 512), "trans2/pool": (14, 14, 256),
                    "dense3/23/cat": (14, 14, 1024), "trans3/pool": (7, 7, 512), "dense4/15/cat": (7, 7, 1024)},
    "lenet5": {"c1": (28, 28, 6), "s2": (14, 14, 6), "c3": (10, 10, 16), "s4": (5, 5, 16), "c5": (1, 1, 120),
               "f6": (84,)},
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_counts_are_met(name: str) -> None:
    shaped = infer(load_graph(EXAMPLES[NAMES.index(name)]))
    assert {key: getattr(shaped, key) for key in PUBLISHED[name]} == PUBLISHED[name]


@pytest.mark.parametrize("name", STAGES)
def test_the_published_shapes_are_met(name: str) -> None:
    shaped = infer(load_graph(EXAMPLES[NAMES.index(name)]))
    shapes = {node.path: node.leaf.outputs[0].shape for node in shaped.walk()}
    assert {path: shapes[path] for path in STAGES[name]} == STAGES[name]


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
