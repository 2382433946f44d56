"""Weights that are applied again exist once; nodes that reach no output do not exist at all. Keras's counts decide."""

from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler import compile_model
from archgraph.diagnostics import GraphError
from tests.compiler.build import arrays, run, shaped, size

TWO = {"left": {"shape": [6]}, "right": {"shape": [6]}}
DENSE = {"op": "dense", "units": 6, "activation": "tanh"}
TOWER = {
    "inputs": ["x"],
    "nodes": {"a": {**DENSE, "in": "x"}, "b": {**DENSE, "in": "a", "norm": "layer"}},
    "output": "b",
}
FORK = {"inputs": ["x"],
        "nodes": {"d": {"op": "dense", "in": "x", "units": 6},
                  "act": {"op": "activation", "in": "d", "activation": "relu"},
                  "e": {"op": "dense", "in": "act", "units": 6, "use_bias": False}},
        "outputs": {"act": "act", "pre": "d", "far": "e"}}  # fmt: skip
BLOCKS = {"tower": TOWER, "fork": FORK}
DENSE_SIZE, TOWER_SIZE = 6 * 6 + 6, 2 * (6 * 6) + 6 + 2 * 6

# what is applied twice, and how many numbers it has
TWICE: dict[str, tuple[dict[str, Any], int]] = {
    "an op": ({"a": {**DENSE, "in": "left"}, "b": {"reuse": "a", "in": "right"}}, DENSE_SIZE),
    "an op with a norm": ({"a": {**DENSE, "in": "left", "norm": "batch"}, "b": {"reuse": "a", "in": "right"}}, 36 + 24),
    "a block": ({"a": {"block": "tower", "in": "left"}, "b": {"reuse": "a", "in": "right"}}, TOWER_SIZE),
    "a repeated block": (
        {"a": {"block": "tower", "in": "left", "repeat": 2}, "b": {"reuse": "a", "in": "right"}},
        2 * TOWER_SIZE,
    ),
    "a shared repeat": (
        {"a": {"block": "tower", "in": "left", "repeat": 3, "share": True}, "b": {"reuse": "a", "in": "right"}},
        TOWER_SIZE,
    ),
    "a repeated op": ({"a": {**DENSE, "in": "left", "repeat": 2}, "b": {"reuse": "a", "in": "right"}}, 2 * DENSE_SIZE),
    "a reuse": (
        {"a": {"block": "tower", "in": "left"}, "m": {"reuse": "a", "in": "left"}, "b": {"reuse": "m", "in": "right"}},
        TOWER_SIZE,
    ),
    "a composed op": (
        {"a": {"op": "conv", "in": "l", "filters": 2, "kernel_size": 3, "padding": 2, "activation": "relu"},
         "b": {"reuse": "a", "in": "r"}, "l": {"op": "reshape", "in": "left", "target_shape": [3, 2]},
         "r": {"op": "reshape", "in": "right", "target_shape": [3, 2]}},
        3 * 2 * 2 + 2,
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=TWICE)
def twice(request: pytest.FixtureRequest) -> tuple[Any, Any, int]:
    nodes, count = TWICE[request.param]
    graph = shaped(nodes, {"a": "a", "b": "b"}, inputs=TWO, blocks=BLOCKS)
    return graph, compile_model(graph, seed=1), count


def test_shared_weights_exist_once(twice: tuple[Any, Any, int]) -> None:
    graph, built, count = twice
    assert size(built) == graph.parameters == count


def test_equal_inputs_give_equal_outputs(twice: tuple[Any, Any, int]) -> None:
    graph, built, _ = twice
    x = arrays(graph)["left"]
    outputs = run(built, {"left": x, "right": x})
    np.testing.assert_allclose(outputs["a"], outputs["b"], rtol=1e-6)
    assert not np.allclose(outputs["a"], run(built, {"left": x, "right": -x})["b"])


def test_the_gradient_is_the_sum_over_the_uses(twice: tuple[Any, Any, int]) -> None:
    import tensorflow as tf

    graph, built, _ = twice
    feeds = {name: tf.constant(array) for name, array in arrays(graph).items()}
    with tf.GradientTape(persistent=True) as tape:
        outputs = built(feeds)
        one, two = (tf.reduce_sum(tf.square(outputs[key]) + outputs[key]) for key in "ab")
        both = one + two
    for weight in built.trainable_weights:
        parts = [tape.gradient(part, weight.value) for part in (one, two, both)]
        assert all(part is not None for part in parts), weight.path
        np.testing.assert_allclose(parts[0] + parts[1], parts[2], rtol=1e-4, atol=1e-5)


def test_shared_copies_are_one_layer_applied_often() -> None:
    graph = shaped({"a": {**DENSE, "in": "x", "repeat": 3, "share": True}}, "a")
    built = compile_model(graph, seed=1)
    assert size(built) == graph.parameters == DENSE_SIZE
    kernel, bias = built.get_layer("a.0").get_weights()
    x = expected = arrays(graph)["x"]
    for _ in range(3):
        expected = np.tanh(expected @ kernel + bias)
    np.testing.assert_allclose(run(built, {"x": x})["y"], expected, rtol=1e-5)


def test_sharing_inside_the_copies_of_a_block_stays_inside() -> None:
    inside = {"inputs": ["x"], "output": "c",
              "nodes": {"a": {**DENSE, "in": "x"}, "b": {"reuse": "a", "in": "a"},
                        "c": {**DENSE, "in": "b", "repeat": 2, "share": True}}}  # fmt: skip
    graph = shaped({"r": {"block": "inside", "in": "x", "repeat": 2}}, "r", blocks={"inside": inside})
    built = compile_model(graph, seed=1)
    assert size(built) == graph.parameters == 2 * 2 * DENSE_SIZE
    expected = x = arrays(graph)["x"]
    for copy in (0, 1):
        for name in ("a", "a", "c.0", "c.0"):
            kernel, bias = built.get_layer(f"r.{copy}.{name}").get_weights()
            expected = np.tanh(expected @ kernel + bias)
    np.testing.assert_allclose(run(built, {"x": x})["y"], expected, rtol=1e-5)


def fork(built: Any, prefix: str, x: np.ndarray) -> dict[str, np.ndarray]:
    """What the block `FORK` computes, from its weights."""
    kernel, bias = built.get_layer(f"{prefix}.d").get_weights()
    pre = x @ kernel + bias
    found = {"pre": pre, "act": np.maximum(pre, 0)}
    if any(layer.name == f"{prefix}.e" for layer in built.layers):
        found["far"] = found["act"] @ built.get_layer(f"{prefix}.e").get_weights()[0]
    return found


@pytest.mark.parametrize("first", ["act", "pre", "far"])
@pytest.mark.parametrize("second", ["act", "pre", "far"])
def test_two_uses_of_a_block_may_want_different_outputs(first: str, second: str) -> None:
    nodes = {"a": {"block": "fork", "in": "left"}, "b": {"reuse": "a", "in": "right"}}
    graph = shaped(nodes, {"a": f"a.{first}", "b": f"b.{second}"}, inputs=TWO, blocks=BLOCKS)
    built = compile_model(graph, seed=1)
    assert size(built) == graph.parameters == 42 + 36 * ("far" in (first, second))
    feeds = arrays(graph)
    outputs = run(built, feeds)
    np.testing.assert_allclose(outputs["a"], fork(built, "a", feeds["left"])[first], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(outputs["b"], fork(built, "a", feeds["right"])[second], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("activations", [("relu", "tanh"), (None, "tanh"), ("relu", None)])
def test_shared_copies_keep_their_own_activations(activations: tuple[str | None, str | None]) -> None:
    first, others = activations
    record = {"op": "dense", "in": "x", "units": 6, "repeat": 2, "share": True, "activation": others}
    graph = shaped({"a": {**record, "first": {"activation": first}}}, "a")
    built = compile_model(graph, seed=1)
    assert size(built) == graph.parameters == DENSE_SIZE
    functions = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, None: lambda x: x}
    kernel, bias = built.get_layer("a.0").get_weights()
    expected = x = arrays(graph)["x"]
    for name in activations:
        expected = functions[name](expected @ kernel + bias)
    np.testing.assert_allclose(run(built, {"x": x})["y"], expected, rtol=1e-4, atol=1e-6)


def test_layers_without_weights_are_each_their_own_when_shared() -> None:
    nodes = {"d": {**DENSE, "in": "x"}, "drop": {"op": "dropout", "in": "d", "rate": "=rate"}}
    block = {"params": {"rate": 0.5}, "inputs": ["x"], "nodes": nodes, "output": "drop"}
    call = {"block": "b", "in": "x", "repeat": 3, "share": True, "rate": "=i/10"}
    built = compile_model(shaped({"a": call}, "a", blocks={"b": block}), seed=1)
    rates = {layer.name: layer.rate for layer in built.layers if isinstance(layer, keras.layers.Dropout)}
    assert rates == {"a.1.drop": 0.1, "a.2.drop": 0.2}  # the first, of rate 0, is folded away
    assert size(built) == DENSE_SIZE


# ---- what no output needs


PRUNED: dict[str, tuple[dict[str, Any], dict[str, str], int]] = {
    "a dead node": ({"a": {**DENSE, "in": "left"}, "dead": {**DENSE, "in": "left"}}, {"y": "a"}, DENSE_SIZE),
    "a dead chain": (
        {"a": {**DENSE, "in": "left"}, "d1": {**DENSE, "in": "a"}, "d2": {"block": "tower", "in": "d1"}},
        {"y": "a"}, DENSE_SIZE,
    ),
    "an unused output of a block": ({"a": {"block": "fork", "in": "left"}}, {"y": "a.act"}, DENSE_SIZE),
    "an output that ends before": ({"a": {"block": "fork", "in": "left"}}, {"y": "a.pre"}, DENSE_SIZE),
    "the rest of the last copy": (
        {"a": {"block": "fork", "in": "left", "repeat": 3}}, {"y": "a.pre"}, 3 * DENSE_SIZE,
    ),
    "a dead owner": ({"a": {**DENSE, "in": "left"}, "b": {"reuse": "a", "in": "right"}}, {"y": "b"}, DENSE_SIZE),
    "a dead owner with outputs": (
        {"a": {"block": "fork", "in": "left"}, "b": {"reuse": "a", "in": "right"}}, {"y": "b.far"}, DENSE_SIZE + 36,
    ),
    "a dead owner of a reuse of a reuse": (
        {"a": {"block": "fork", "in": "left"}, "b": {"reuse": "a", "in": "right"}, "c": {"reuse": "b", "in": "b.act"}},
        {"y": "c.pre"}, DENSE_SIZE,
    ),
    "a dead shared repeat": (
        {"a": {"block": "fork", "in": "left", "repeat": 2, "share": True}, "b": {"reuse": "a", "in": "right"}},
        {"y": "b.far"}, DENSE_SIZE + 36,
    ),
    "a dead input": (
        {"a": {**DENSE, "in": "left"}, "b": {"op": "add", "in": ["right", "right"]}}, {"y": "a"}, DENSE_SIZE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PRUNED)
def test_what_no_output_needs_is_neither_counted_nor_built(name: str) -> None:
    nodes, outputs, count = PRUNED[name]
    graph = shaped(nodes, outputs, inputs=TWO, blocks=BLOCKS)
    built = compile_model(graph, seed=1)
    assert size(built) == graph.parameters == count
    assert set(built.input) == {"left", "right"}, "a file's inputs are the model's, read or not"
    run(built, arrays(graph))


# ---- what one Keras layer cannot do: be applied with different parameters


UNLIKE: dict[str, tuple[dict[str, Any], str, str]] = {
    "an op whose parameter counts up": (
        {"op": "conv", "filters": 2, "kernel_size": 3, "dilation_rate": "=1+i"}, "/nodes/a/share", "dilation_rate",
    ),
    "a first copy with another bias": (
        {"op": "conv", "filters": 2, "kernel_size": 1, "first": {"bias_regularizer": {"l2": 0.1}}},
        "/nodes/a/share", "bias_regularizer",
    ),
    "a wrapped layer": (
        {"op": "conv", "filters": 2, "kernel_size": 3, "spectral_norm": True, "dilation_rate": "=1+i"},
        "/nodes/a/share", "dilation_rate",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNLIKE)
def test_one_set_of_weights_has_one_set_of_parameters(name: str) -> None:
    record, pointer, parameter = UNLIKE[name]
    node = {**record, "in": "x", "repeat": 2, "share": True}
    with pytest.raises(GraphError) as caught:
        shaped({"a": node}, "a", inputs={"x": {"shape": [8, 2]}})
    (found,) = caught.value.diagnostics
    assert (found.code, found.pointer) == ("AG409", pointer) and parameter in found.message and found.line


def test_a_use_whose_shape_decides_a_parameter_is_refused_too() -> None:
    conv = {"op": "conv", "in": "x", "filters": 2, "kernel_size": 3, "dilation_rate": "=dim(x, 0)//8"}
    blocks = {"b": {"inputs": ["x"], "nodes": {"c": conv}, "output": "c"}}
    inputs = {"x": {"shape": [8, 2]}, "z": {"shape": [16, 2]}}
    nodes = {"a": {"block": "b", "in": "x"}, "again": {"reuse": "a", "in": "z"}}
    with pytest.raises(GraphError, match=r"/nodes/again/in: AG409 .*dilation_rate"):
        shaped(nodes, {"y": "a", "z": "again"}, inputs=inputs, blocks=blocks)
