"""The zoo against examples/published.json, row by row: by analysis, and by the Keras models that it compiles to."""

import json
import math
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from archgraph.analysis import infer
from archgraph.analysis.published import agrees, chosen, measured, rounds_to
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model
from archgraph.document.load import load_graph
from archgraph.document.published import NAME, Figure, PublishedGraph, published_text, read_published
from archgraph.document.reader import read_file

EXAMPLES = Path(__file__).parents[2] / "examples"
PUBLISHED = read_published(EXAMPLES / NAME)

IDS = [
    "perceptron-rule", "mlp-784-300-10", "mlp-784-300-100-10", "mlp-784-512-512-10", "mlp-xor-2-2-1",
    "lenet5-original", "lenet5-full-c3", "lenet-caffe", "alexnet-two-tower", "alexnet-one-tower", "alexnet-owt",
    "vgg-a", "vgg-a-lrn", "vgg-d", "vgg-e", "vgg-16-bn", "resnet18-b", "resnet34-a", "plain34", "resnet50-v1",
    "resnet50-v1.5", "resnet50-keras", "resnet152", "resnet50v2", "resnet152v2", "resnet20-cifar-a",
    "resnet44-cifar-a", "resnet110-cifar-a", "resnet1202-cifar-a", "resnet20-cifar-b", "preresnet1001-cifar",
    "wrn-40-1", "wrn-40-4", "wrn-28-10", "wrn-22-8", "wrn-16-8", "wrn-16-10", "wrn-28-10-c100", "wrn-50-2",
    "densenet-40-12", "densenet-100-24", "densenet-bc-100-12", "densenet-bc-190-40", "densenet-121", "densenet-201",
    "densenet-161", "ae-hinton", "ae-784-32", "ae-deep", "dae-vincent", "dae-conv", "rnn-simple", "lstm",
    "lstm-imdb", "lstm-ptb-medium", "char-rnn-min", "3dcnn-ji", "fcn-32s", "fcn-8s", "unet-paper", "unet-milesial",
    "dilated-context-basic", "dilated-frontend", "xception", "mobilenet-1.0-224", "mobilenet-0.5-224",
    "mobilenet-1.0-192", "mobilenet-1.0-160", "mobilenet-1.0-128", "mobilenet-0.5-160", "mobilenet-shallow",
    "sat-coco", "sat-attention-block", "gcn-cora", "gcn-pubmed", "gcn-karate", "nade", "made", "pixelcnn-masks",
    "pixelcnn-mnist", "pixelrnn-table1", "vae-kingma", "vae-conv-keras", "gan-mnist", "dcgan-64-paper",
    "cgan-mnist", "sgan-odena", "infogan-mnist", "acgan-cifar", "sngan-cnn-32", "sngan-resnet-32",
    "sngan-imagenet-cond", "progan-1024", "stylegan-1024", "sagan-128", "biggan-128", "autogan-cifar", "nas-rl",
    "smash", "deepcomp-lenet-300-100", "deepcomp-lenet5", "deepcomp-alexnet", "distillation-mnist",
]  # fmt: skip
"""Every public row of the reference."""


class Case(NamedTuple):
    """One graph of a row."""

    row: str
    graph: PublishedGraph

    def __str__(self) -> str:
        name = self.graph.form.graph.replace(".graph.json", "")
        return ":".join([self.row, name, *(f"{key}={value}" for key, value in self.graph.params.items())])


CASES = [Case(row.form.id, graph) for row in PUBLISHED.rows for graph in row.graphs]


@cache
def _shaped(reference: str, params: str) -> ShapedGraph:
    return infer(load_graph(str(EXAMPLES / reference), json.loads(params)))


def shaped(graph: PublishedGraph) -> ShapedGraph:
    """The graph as analysed; once for all tests."""
    return _shaped(graph.form.graph, json.dumps(graph.params, default=list))


def _lists_all_work(case: Case) -> bool:
    """Whether the table of a graph has the multiply-adds of every layer."""
    return bool(case.graph.layers) and all(layer.macs is not None for layer in case.graph.layers)


# ---- the file itself


def test_no_public_row_is_missing() -> None:
    assert [row.form.id for row in PUBLISHED.rows] == IDS


def test_the_file_is_in_canonical_form() -> None:
    document = read_file(EXAMPLES / NAME)
    assert published_text(document) == document.text


def test_every_example_stands_in_one_family() -> None:
    listed = [name for names in PUBLISHED.families.values() for name in names]
    assert sorted(listed) == sorted(path.name.removesuffix(".graph.json") for path in EXAMPLES.glob("*.graph.json"))


# By hand: 23,079,115 prints as 23.1M; 290,675,200 is 291 million, and 290 where the paper cuts.
@pytest.mark.parametrize(
    ("number", "printed", "rounded", "holds"),
    [
        (23_079_115, "23.1M", "nearest", True),
        (23_149_999, "23.1M", "nearest", True),
        (23_150_001, "23.1M", "nearest", False),
        (23_049_999, "23.1M", "nearest", False),
        (290_675_200, "291 million", "nearest", True),
        (290_675_200, "290 million", "nearest", False),
        (290_675_200, "290 million", "down", True),
        (291_000_000, "290 million", "down", False),
        (289_999_999, "290 million", "down", False),
        (3_857_973_248, "3.8e9", "nearest", False),
        (3_857_973_248, "3.8e9", "down", True),
        (500, "0.5K", "nearest", True),
        (10_327_706, "10.2M", "nearest", False),
        (999, "1000", "nearest", False),
    ],
)
def test_a_printed_number_holds_after_its_rounding(number: int, printed: str, rounded: str, holds: bool) -> None:
    assert rounds_to(number, printed, rounded) is holds


# ---- by analysis


def added(figure: Figure) -> int:
    """What the second graph of a figure adds, without what the figure leaves out."""
    if not figure.form.plus:
        return 0
    other = _shaped(figure.form.plus, "{}")
    return int({"trainable": other.trainable, "parameters": other.parameters}[figure.quantity])


def told(figure: Figure) -> str:
    """A figure for a message."""
    return f"{figure.quantity} {figure.value} ({'; '.join(f'{k}: {text}' for k, text in figure.sources.items())})"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_analysis_finds_every_published_figure(case: Case) -> None:
    found = []
    for figure in case.graph.figures:
        ours = measured(shaped(case.graph), figure)
        assert isinstance(ours, int), told(figure)
        if agrees(figure, ours + added(figure)) is bool(figure.form.differs):
            found.append(f"{told(figure)}: the graph has {ours:,}")
    assert found == []


STATE = ("moving_mean", "moving_variance", "average", "alpha", "vector_u", "codes")
"""Ends of the names of weights that no training changes: running statistics, how far a size has faded in, singular
vectors, and fixed codes."""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_not_trained_is_state(case: Case) -> None:
    weights = [weight for node in shaped(case.graph).walk() for weight in node.leaf.weights]
    assert {weight.name for weight in weights if not weight.trainable and not weight.name.endswith(STATE)} == set()


@pytest.mark.parametrize("case", [case for case in CASES if case.graph.layers], ids=str)
def test_analysis_finds_every_published_layer(case: Case) -> None:
    leaves = {node.path: node.leaf for node in shaped(case.graph).walk()}
    found = []
    for layer in case.graph.layers:
        leaf = leaves[layer.path]
        ours = (leaf.outputs[0].shape, getattr(leaf, case.graph.form.layers_count), leaf.macs)
        stated = (layer.shape, layer.parameters, layer.macs)
        if any(one is not None and one != other for one, other in zip(stated, ours, strict=True)):
            found.append((layer, ours))
    assert found == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_analysis_finds_the_published_shapes_of_inputs_and_outputs(case: Case) -> None:
    graph = shaped(case.graph)
    for stated, ours in ((case.graph.form.inputs, graph.inputs), (case.graph.form.outputs, graph.outputs)):
        assert {name: ours[name].shape for name in stated or {}} == dict(stated or {})


@pytest.mark.parametrize("case", [case for case in CASES if _lists_all_work(case)], ids=str)
def test_no_layer_beside_those_published_does_any_work(case: Case) -> None:
    assert shaped(case.graph).macs == sum(layer.macs or 0 for layer in case.graph.layers)


# ---- by the Keras models, each built once for all that is published of it


def models() -> Iterator[Any]:
    """The graphs, with all that is published of each; the large and the deep ones are marked slow."""
    together: dict[tuple[str, str], list[Case]] = {}
    for case in CASES:
        together.setdefault((case.graph.form.graph, json.dumps(case.graph.params, default=list)), []).append(case)
    for cases in together.values():
        made = shaped(cases[0].graph)
        marks = [pytest.mark.slow] if made.parameters > 30_000_000 or made.count > 2_000 else []
        yield pytest.param([case.graph for case in cases], id=str(cases[0]).partition(":")[2], marks=marks)


def weights(model: Any, figure: Figure) -> int:
    """The quantity of a figure, counted from the weights of the layers that it is about."""
    counts = chosen(figure)
    found = {
        id(weight): math.prod(weight.shape)
        for layer in model.layers
        if counts(layer.name.replace(".", "/"))
        for weight in (layer.weights if figure.quantity == "parameters" else layer.trainable_weights)
        if figure.quantity != "kernels" or len(weight.shape) > 1
    }
    return sum(found.values())


def other_layers(model: Any, graph: PublishedGraph) -> Iterator[Any]:
    """The layers whose output shape or weights are not those published, with what Keras has."""
    layers = {layer.name: layer for layer in model.layers}
    for line in graph.layers:
        layer = layers[line.path.replace("/", ".")]
        counted = layer.trainable_weights if graph.form.layers_count == "trainable" else layer.weights
        ours = (tuple(layer.output.shape[1:]), sum(math.prod(weight.shape) for weight in counted))
        stated = (line.shape, line.parameters)
        if any(one is not None and one != other for one, other in zip(stated, ours, strict=True)):
            yield line, ours


def ends(model: Any, names: Iterable[str]) -> dict[str, tuple[int | None, ...]]:
    """The shapes of the outputs, of which there may be one."""
    outputs = model.output if isinstance(model.output, dict) else dict.fromkeys(names, model.output)
    return {name: tuple(outputs[name].shape[1:]) for name in names}


@pytest.mark.parametrize("graphs", list(models()))
def test_keras_finds_every_published_count_and_shape(graphs: list[PublishedGraph]) -> None:
    model = compile_model(shaped(graphs[0]))
    for graph in graphs:
        counts = [figure for figure in graph.figures if figure.quantity != "macs"]
        agreeing = {told(one): agrees(one, weights(model, one) + added(one)) for one in counts}
        assert agreeing == {told(one): not one.form.differs for one in counts}
        assert list(other_layers(model, graph)) == []
        assert ends(model, graph.form.outputs or {}) == dict(graph.form.outputs or {})
        fed = {
            layer.name: tuple(layer.output.shape[1:])
            for layer in model.layers
            if layer.name in (graph.form.inputs or {})
        }
        assert fed == dict(graph.form.inputs or {})
    assert model.count_params() == shaped(graphs[0]).parameters
