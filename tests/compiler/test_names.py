"""Layers are named by their expanded paths, models by their graphs, ports by the file."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model, load_model
from tests.compiler.build import model, run, shaped

PAIR = {"inputs": ["x"], "nodes": {"d": {"op": "dense", "in": "x", "units": 6, "norm": "batch"},
                                   "again": {"op": "dense", "in": "d", "units": 6, "repeat": 2}},
        "output": "again"}  # fmt: skip
NEST = {"inputs": ["x"], "nodes": {"one": {"block": "pair", "in": "x"},
                                   "two": {"block": "pair", "in": "one", "repeat": 2}},
        "output": "two"}  # fmt: skip


def test_layers_are_named_by_their_paths_with_dots() -> None:
    built = model({"a": {"block": "nest", "in": "x", "repeat": 2}}, "a", blocks={"pair": PAIR, "nest": NEST})
    inside = ["d", "d.norm", "again.0", "again.1"]
    places = [f"a.{n}.{p}" for n in "01" for p in ("one", "two.0", "two.1")]
    assert sorted(layer.name for layer in built.layers) == sorted(
        ["x", *(f"{place}.{name}" for place in places for name in inside)]
    )


def test_the_names_of_a_large_nested_graph_are_unique() -> None:
    blocks = {"pair": PAIR, "nest": NEST, "outer": {**NEST, "nodes": {
        "one": {"block": "nest", "in": "x"}, "two": {"block": "nest", "in": "one", "repeat": 3}}}}  # fmt: skip
    graph = shaped({"a": {"block": "outer", "in": "x", "repeat": 2}}, "a", blocks=blocks)
    names = [layer.name for layer in compile_model(graph).layers]
    assert len(names) == len(set(names)) == graph.count + 1 == 2 * 4 * 3 * 4 + 1


@pytest.mark.parametrize("name", ["net", "_net", "net 2", "ResNet-50 (v1.5)", "1", "a+b"])
def test_whatever_a_graph_is_called_its_model_runs_as_a_function(name: str) -> None:
    graph = shaped({"_a": {"op": "dense", "in": "_x", "units": 2}}, "_a", inputs={"_x": {"shape": [3]}}, name=name)
    built = compile_model(graph)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", built.name)
    assert built.predict(np.ones((2, 3)), verbose=0).shape == (2, 2)  # TensorFlow refuses some names only here


TWO = {"left": {"shape": [3]}, "right": {"shape": [4]}}


def test_several_inputs_and_outputs_are_dicts_by_name() -> None:
    nodes = {"l": {"op": "dense", "in": "left", "units": 2}, "r": {"op": "dense", "in": "right", "units": 5}}
    built = model(nodes, {"b": "l", "a": "r"}, inputs=TWO)
    assert set(built.input) == {"left", "right"} and [x.name for x in built.inputs] == ["left", "right"]
    given = {"right": np.ones((7, 4)), "left": np.ones((7, 3))}
    assert {key: value.shape for key, value in built.predict(given, verbose=0).items()} == {"a": (7, 5), "b": (7, 2)}


def test_a_single_input_and_output_are_plain() -> None:
    built = model({"l": {"op": "dense", "in": "x", "units": 2}}, "l")
    assert built.input.name == "x" and tuple(built.output.shape) == (None, 2)


def test_one_node_may_give_two_outputs() -> None:
    outputs = run(model({"l": {"op": "dense", "in": "x", "units": 2}}, {"a": "l", "b": "l"}), {"x": np.ones((1, 6))})
    np.testing.assert_array_equal(outputs["a"], outputs["b"])


def test_an_input_may_be_an_output() -> None:
    built = model({"l": {"op": "activation", "in": "x", "activation": "linear"}}, {"a": "l", "b": "x"})
    outputs = run(built, {"x": np.arange(6.0)[None]})
    np.testing.assert_array_equal(outputs["a"], [np.arange(6.0)])


def test_labels_come_in_as_whole_numbers() -> None:
    nodes = {"e": {"op": "embedding", "in": "words", "input_dim": 4, "output_dim": 3}}
    built = model(nodes, "e", inputs={"words": {"shape": [2], "dtype": "int32"}})
    assert built.input.dtype == "int32"
    table = built.get_layer("e").get_weights()[0]
    np.testing.assert_array_equal(built(np.array([[1, 3]]))[0], table[[1, 3]])


def test_symbolic_sizes_are_open() -> None:
    nodes = {"c": {"op": "conv", "in": "x", "filters": 2, "kernel_size": 3, "strides": 2},
             "g": {"op": "global_avg_pool", "in": "c"}}  # fmt: skip
    built = model(nodes, {"map": "c", "all": "g"}, inputs={"x": {"shape": ["H", "W", 1]}})
    assert tuple(built.input.shape) == (None, None, None, 1)
    for height, width in ((9, 9), (20, 5)):
        outputs = run(built, {"x": np.ones((1, height, width, 1), "float32")})
        assert outputs["map"].shape == (1, -(-height // 2), -(-width // 2), 2)
        np.testing.assert_allclose(outputs["all"], outputs["map"].mean((1, 2)), rtol=1e-5)


def test_a_latent_vector_is_an_input_like_any_other() -> None:
    built = model(
        {"d": {"op": "dense", "in": "z", "units": 2}}, "d", inputs={"z": {"shape": [5], "kind": "vector_latent"}}
    )
    assert tuple(built.input.shape) == (None, 5) and built.input.dtype == "float32"


# ---- depth: Keras recurses over chains, and Python stops it at about a thousand


def chain(length: int, op: str = "activation", **params: object) -> ShapedGraph:
    record = {"op": op, "in": "x", **(params or {"activation": "tanh"}), "repeat": length}
    return shaped({"a": record}, "a", inputs={"x": {"shape": [1]}})


def test_a_chain_of_5000_layers_compiles_and_computes() -> None:
    limit = sys.getrecursionlimit()
    built = compile_model(chain(5_000))
    assert len(built.layers) == 5_001 and sys.getrecursionlimit() == limit
    expected = 1.0
    for _ in range(5_000):
        expected = np.tanh(expected)
    assert float(built(np.ones((1, 1)))[0, 0]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
def test_a_chain_of_5000_layers_with_weights_compiles_and_computes() -> None:
    built = compile_model(chain(5_000, "dense", units=1, kernel_initializer="ones", bias_initializer="ones"))
    assert float(built(np.ones((1, 1)))[0, 0]) == 5_001


def test_a_deep_chain_predicts_and_loads_again(tmp_path: Path) -> None:
    limit = sys.getrecursionlimit()
    built = compile_model(chain(1_200))
    before = built.predict(np.ones((1, 1)), verbose=0)
    built.save(tmp_path / "deep.keras")
    assert load_model(tmp_path / "deep.keras").predict(np.ones((1, 1)), verbose=0) == before
    assert sys.getrecursionlimit() == limit


def test_a_graph_that_is_refused_leaves_the_limit_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = sys.getrecursionlimit()
    monkeypatch.setattr("archgraph.compiler.emit.instantiate", lambda *_, **__: 1 / 0)
    with pytest.raises(Exception, match="AG801"):
        compile_model(chain(2_000))
    assert sys.getrecursionlimit() == limit
