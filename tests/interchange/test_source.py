"""Keras source: what it builds when it is run is the model that the compiler builds, weight by weight."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archgraph as ag
from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import GraphError
from archgraph.interchange.source import keras_source

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = [
    "lenet5", "resnet_small", "lstm_classifier", "autoencoder", "made", "char_rnn", "gcn_karate",
    "attention_classifier", "mlp", "highway_mlp", "unet", "nas_cnn",
]  # fmt: skip
SLOW = [
    "smash", "densenet_cifar", "mobilenet", "inception_v1", "squeeze_excite_resnet", "preactivation_resnet", "xception",
    "dcgan_generator", "resnet50", "stylegan_generator",
]  # fmt: skip


def built(source: str) -> Any:
    """The model that the source builds, as a person would get it by running the file."""
    space: dict[str, Any] = {"__name__": "network"}
    exec(compile(source, "network.py", "exec"), space)
    return space["build"]()


def sample(shaped: ShapedGraph) -> Any:
    """Two samples."""
    drawn = np.random.default_rng(0)
    fed = {}
    for name, tensor in shaped.inputs.items():
        shape = (2, *(size if isinstance(size, int) else 32 for size in tensor.shape))
        whole = "int" in tensor.dtype
        fed[name] = (
            drawn.integers(0, 2, shape).astype(tensor.dtype) if whole else drawn.normal(size=shape).astype("float32")
        )
    return fed if len(fed) > 1 else next(iter(fed.values()))


def outputs(model: Any, fed: Any) -> list[Any]:
    given = model(fed, training=False)
    return [np.asarray(one) for one in (given.values() if isinstance(given, dict) else [given])]


def need_the_same(shaped: ShapedGraph) -> None:
    """Reject source whose model differs from the compiled one in weights or outputs."""
    model, compiled = built(keras_source(shaped)), ag.compile_model(shaped, seed=1)
    assert model.count_params() == compiled.count_params() == shaped.parameters
    layers = {layer.name: layer for layer in model.layers}
    for layer in compiled.layers:
        if layer.weights:
            layers[layer.name].set_weights(layer.get_weights())
    fed = sample(shaped)
    for one, other in zip(outputs(model, fed), outputs(compiled, fed), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", QUICK)
def test_the_source_builds_the_same_model(name: str) -> None:
    need_the_same(ag.infer(ag.load(EXAMPLES / f"{name}.graph.json")))


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_the_source_of_large_networks_builds_the_same_model(name: str) -> None:
    need_the_same(ag.infer(ag.load(EXAMPLES / f"{name}.graph.json")))


TWINS = """{"archgraph": 1, "name": "twins", "inputs": {"left": {"shape": [6]}, "right": {"shape": [6]}},
 "blocks": {"tower": {"inputs": ["x"], "output": "a",
  "nodes": {"a": {"op": "dense", "in": "x", "units": 4, "activation": "relu"}}}},
 "nodes": {"one": {"block": "tower", "in": "left"}, "two": {"reuse": "one", "in": "right"},
  "three": {"op": "dense", "in": "one", "units": 4}, "four": {"reuse": "three", "in": "two"},
  "again": {"op": "dense", "in": "four", "units": 4, "repeat": 3, "share": true},
  "alike": {"op": "dot", "in": ["three", "again"], "axes": -1}}, "outputs": {"alike": "alike"}}"""


def test_shared_weights_are_shared() -> None:
    shaped = ag.infer(ag.loads(TWINS))
    assert shaped.parameters == (6 * 4 + 4) + 2 * (4 * 4 + 4)
    need_the_same(shaped)


GROWING = """{"archgraph": 1, "name": "growing", "inputs": {"x": {"shape": [8, 8, 3]}},
 "nodes": {"widen": {"op": "conv", "in": "x", "filters": "=4*2**i", "kernel_size": 3, "norm": "batch", "repeat": 3},
  "same": {"op": "conv", "in": "widen", "filters": 16, "kernel_size": 1, "repeat": 4}}, "outputs": {"y": "same"}}"""


def test_a_repeated_op_is_a_loop_even_where_it_grows() -> None:
    shaped = ag.infer(ag.loads(GROWING))
    source = keras_source(shaped)
    assert source.count("for i") == 2 and source.count("layers.Conv2D(") == 2
    need_the_same(shaped)


def test_a_block_is_a_function_and_a_repeat_a_loop() -> None:
    source = keras_source(ag.infer(ag.load(EXAMPLES / "resnet50.graph.json")))
    functions = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    assert functions == ["bottleneck", "bottleneck_2", "build"], "with and without a projection"
    assert source.count("for i in range(1, 6):") == 1, "the six copies of stage 3, the first apart"
    assert len(source.splitlines()) < 90 < ag.infer(ag.load(EXAMPLES / "resnet50.graph.json")).count


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.graph.json")), ids=lambda path: path.name.partition(".")[0])
def test_every_example_has_source_or_is_refused_with_a_reason(path: Path) -> None:
    shaped = ag.infer(ag.load(path))
    try:
        source = keras_source(shaped)
    except GraphError as error:
        assert [one.code for one in error.diagnostics] == ["AG804"]
        return
    compile(source, path.name, "exec")
    assert max(map(len, source.splitlines())) <= 200


KEPT = """{"archgraph": 1, "name": "kept", "inputs": {"x": {"shape": [8, 8, 3]}},
 "blocks": {"unit": {"params": {"width": 4}, "inputs": ["x"], "output": "join",
  "nodes": {"twice": {"op": "conv", "in": "x", "filters": "=width", "kernel_size": 3, "repeat": 2},
   "join": {"op": "concat", "in": ["twice", "x"]}}}},
 "nodes": {"a": {"block": "unit", "in": "x", "width": 4}, "b": {"block": "unit", "in": "a", "width": 6}},
 "outputs": {"y": "b"}}"""


def test_a_loop_inside_a_function_leaves_the_input_as_it_was() -> None:
    shaped = ag.infer(ag.loads(KEPT))
    source = keras_source(shaped)
    assert source.count("for i in range(2):") == 1 and source.count("layers.Conv2D(") == 1, source
    need_the_same(shaped)


def test_the_source_reads_as_a_person_writes_it() -> None:
    for name in ("lenet5", "resnet50", "densenet_cifar", "unet", "attention_classifier"):
        source = keras_source(ag.infer(ag.load(EXAMPLES / f"{name}.graph.json")))
        assert "'" not in source.replace("4·growth", ""), "one kind of quotes"
        assert "zip(range(12), )" not in source and "(2, 2)" not in source and "dilation_rate=1" not in source
    assert "for i in range(12):" in keras_source(ag.infer(ag.load(EXAMPLES / "densenet_cifar.graph.json")))


def test_hostile_names_and_docs_do_not_become_code() -> None:
    text = GROWING.replace('"name": "growing"', '"name": "growing", "doc": "\\"\\"\\"\\nimport os\\n\\\\"')
    tree = ast.parse(keras_source(ag.infer(ag.loads(text))))
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert modules == ["keras"]
