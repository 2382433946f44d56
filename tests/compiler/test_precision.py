"""Under a mixed policy weights and outputs are float32; what lies between is half as wide."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.compiler import compile_model
from archgraph.document.load import load_graph
from tests.compiler.build import arrays, run, shaped, weights
from tests.networks import EXAMPLES, TRAINED

LARGE = ("resnet50", "densenet121")
NAMES = [path.name.partition(".")[0] for path in TRAINED]
MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


@pytest.mark.parametrize("policy", MIXED)
@pytest.mark.parametrize("path", TRAINED, ids=NAMES)
def test_examples_compute_in_half_precision_between_whole_weights_and_outputs(path: Path, policy: str) -> None:
    graph = infer(load_graph(path))
    built = compile_model(graph, seed=1, dtype_policy=policy)
    assert {str(w.dtype) for w in built.weights if "seed_generator" not in w.path} <= {"float32"}
    kinds = {layer.compute_dtype for layer in built.layers if layer.weights}
    assert MIXED[policy] in kinds or len(built.layers) == len(graph.inputs) + len(graph.outputs)
    feeds = arrays(graph)
    whole, half = (run(model, feeds) for model in (compile_model(graph, seed=1), built))
    for name, expected in whole.items():
        assert half[name].dtype == np.float32
        np.testing.assert_allclose(half[name], expected, atol=0.05 * max(1.0, np.abs(expected).max()))


@pytest.mark.slow
@pytest.mark.parametrize("policy", MIXED)
@pytest.mark.parametrize("name", LARGE)
def test_large_examples_give_whole_outputs(name: str, policy: str) -> None:
    path = next(path for path in EXAMPLES if path.name == f"{name}.graph.json")
    built = compile_model(infer(load_graph(path)), seed=1, dtype_policy=policy)
    assert built.output.dtype == "float32" and {w.dtype for w in built.weights} == {"float32"}


@pytest.mark.parametrize("path", TRAINED, ids=NAMES)
def test_examples_compute_in_double_precision(path: Path) -> None:
    graph = infer(load_graph(path))
    built = compile_model(graph, seed=1, dtype_policy="float64")
    assert {str(w.dtype) for w in built.weights if "seed_generator" not in w.path} <= {"float64"}
    whole = compile_model(graph, seed=1)
    built.set_weights([np.asarray(w, "float64") for w in whole.get_weights()])
    feeds = arrays(graph)
    for (name, double), single in zip(run(built, feeds).items(), run(whole, feeds).values(), strict=True):
        assert double.dtype == np.float64, name
        np.testing.assert_allclose(double, single, rtol=1e-3, atol=1e-4)


DENSE = {"op": "dense", "units": 6}
PAIR = {"inputs": ["x"], "nodes": {"one": {**DENSE, "in": "x"}, "two": {**DENSE, "in": "one", "activation": "softmax"}},
        "outputs": {"two": "two", "one": "one"}}  # fmt: skip

# nodes, outputs, and which layers work in full precision
LAST: dict[str, tuple[dict[str, Any], dict[str, str], set[str]]] = {
    "a plain end": ({"a": {**DENSE, "in": "x"}, "b": {**DENSE, "in": "a"}}, {"y": "b"}, {"b"}),
    "an activation of its own": (
        {"a": {**DENSE, "in": "x"}, "n": {"op": "layer_norm", "in": "a"},
         "b": {"op": "activation", "in": "n", "activation": "softmax"}}, {"y": "b"}, {"b"},
    ),
    "several ends": ({"a": {**DENSE, "in": "x"}, "b": {**DENSE, "in": "a"}}, {"y": "b", "z": "a"}, {"a", "b"}),
    "the last copy": ({"a": {"block": "pair", "in": "x", "repeat": 3}}, {"y": "a"}, {"a.2.two"}),
    "another output of the last copy": ({"a": {"block": "pair", "in": "x", "repeat": 3}}, {"y": "a.one"}, {"a.2.one"}),
    "shared copies": (
        {"a": {"block": "pair", "in": "x", "repeat": 3, "share": True}}, {"y": "a"}, {"a.2.two.activation"},
    ),
    "a reused end": (
        {"a": {"block": "pair", "in": "x"}, "b": {"reuse": "a", "in": "a"}}, {"y": "b"}, {"b.two.activation"},
    ),
    "an idle end": ({"a": {**DENSE, "in": "x"}, "b": {"op": "dropout", "in": "a", "rate": 0}}, {"y": "b"}, {"a"}),
    "a copy that hands on": (
        {"a": {**DENSE, "in": "x"}, "b": {"op": "dropout", "in": "a", "rate": 0, "repeat": 3}}, {"y": "b"}, {"a"},
    ),
    "no copy at all": ({"a": {**DENSE, "in": "x"}, "b": {"block": "pair", "in": "a", "repeat": 0}}, {"y": "b"}, {"a"}),
}  # fmt: skip


@pytest.mark.parametrize("name", LAST)
def test_the_layers_that_give_the_outputs_work_in_full_precision(name: str) -> None:
    nodes, outputs, expected = LAST[name]
    built = compile_model(shaped(nodes, outputs, blocks={"pair": PAIR}), seed=1, dtype_policy="mixed_float16")
    layers = [layer for layer in built.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert {layer.name for layer in layers if layer.compute_dtype == "float32"} == expected
    assert {x.dtype for x in built.outputs} == {"float32"}


def test_a_policy_that_is_not_mixed_is_kept_to_the_end() -> None:
    built = compile_model(shaped({"a": {**DENSE, "in": "x"}}, "a"), dtype_policy="float16")
    assert built.output.dtype == "float16"


def test_the_global_policy_of_keras_holds_where_none_is_given() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        built = compile_model(shaped({"a": {**DENSE, "in": "x"}, "b": {**DENSE, "in": "a"}}, "b"))
    finally:
        keras.config.set_dtype_policy("float32")
    assert [layer.compute_dtype for layer in built.layers[1:]] == ["bfloat16", "float32"]


def test_a_policy_that_keras_lacks_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="float17"):
        compile_model(shaped({"a": {**DENSE, "in": "x"}}, "a"), dtype_policy="float17")


def test_a_seed_gives_the_same_weights_in_mixed_precision() -> None:
    graph = shaped({"a": {**DENSE, "in": "x"}, "b": {**DENSE, "in": "a"}}, "b")
    whole, half = (weights(compile_model(graph, seed=1, dtype_policy=policy)) for policy in (None, "mixed_float16"))
    assert all(whole[path].tobytes() == half[path].tobytes() for path in whole)
