"""Kernels that start with one number everywhere. The oracle is training itself: what is called dead does not move."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.analysis.check import check
from archgraph.document.load import load_text


def network(**nodes: Any) -> dict[str, Any]:
    fed = "x"
    for name, node in nodes.items():
        nodes[name] = {"in": fed, **node}
        fed = name
    return {"archgraph": 1, "name": "n", "inputs": {"x": {"shape": [3]}}, "nodes": nodes, "outputs": {"y": fed}}


def dense(units: int, activation: str | None = None, start: Any = None, **more: Any) -> dict[str, Any]:
    node: dict[str, Any] = {"op": "dense", "units": units, **more}
    if activation:
        node["activation"] = activation
    return {**node, "kernel_initializer": start} if start else node


DEAD = network(one=dense(4, "relu", "zeros"), two=dense(1))
ALIKE = network(one=dense(4, "tanh", "zeros"), two=dense(1, start="zeros"))
ONES = network(one=dense(4, "tanh", "ones"), two=dense(1, start={"name": "constant", "value": 0.5}))
NORMED = network(one=dense(4, "relu", "zeros", norm="batch"), two=dense(1))
LATE = network(one=dense(4, "tanh", "zeros"), two=dense(1))
LEAKY = network(one=dense(4, {"op": "activation", "activation": "leaky_relu"}, "zeros"), two=dense(1))
LAST = network(one=dense(4, "relu"), two=dense(2, start="zeros"))
LINEAR = network(one=dense(2, start="zeros"))
RANDOM = network(one=dense(4, "relu", "he_normal", bias_initializer="zeros"), two=dense(1))
BIASED = network(one=dense(4, "relu", "zeros", bias_initializer="random_normal"), two=dense(1))
BRANCH: dict[str, Any] = {
    **network(first=dense(3), one=dense(3, start="zeros"), sum={"op": "add", "in": ["one", "first"]},
              out={"op": "activation", "activation": "relu", "in": "sum"}, two=dense(1)),
}  # fmt: skip


def findings(value: dict[str, Any], tmp_path: Path) -> list[tuple[str, str, str]]:
    path = tmp_path / "n.graph.json"
    path.write_text(json.dumps(value, indent=1))
    found = check(path)
    assert all(one.line for one in found)
    return [(one.code, one.severity, one.pointer) for one in found]


ERROR = [("AG602", "error", "/nodes/one/kernel_initializer")]
WARNING = [("AG602", "warning", "/nodes/one/kernel_initializer")]
CASES = [
    ("zeros before relu", DEAD, ERROR),
    ("all zeros", ALIKE, ERROR),
    ("one number each", ONES, ERROR),
    ("zeros, norm, relu", NORMED, ERROR),
    ("only those behind differ", LATE, WARNING),
    ("a slope at zero", LEAKY, WARNING),
    ("random biases", BIASED, WARNING),
    ("the last layer", LAST, []),
    ("no hidden layer", LINEAR, []),
    ("random kernels", RANDOM, []),
    ("a branch that is added", BRANCH, []),
]


@pytest.mark.parametrize(("value", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_kernels_of_one_number(value: dict[str, Any], expected: list[Any], tmp_path: Path) -> None:
    assert findings(value, tmp_path) == expected


def test_a_kernel_inside_a_block_is_told_at_the_record_of_the_block(tmp_path: Path) -> None:
    inside = {"one": dense(4, "relu", "zeros", **{"in": "x"}), "two": dense(3, **{"in": "one"})}
    block = {"inputs": ["x"], "nodes": inside, "output": "two"}
    value = {**network(many={"block": "b", "repeat": 3}), "blocks": {"b": block}}
    assert findings(value, tmp_path) == [("AG602", "error", "/blocks/b/nodes/one/kernel_initializer")]


@pytest.mark.parametrize(
    ("value", "learns"), [(DEAD, False), (ALIKE, False), (ONES, False), (LATE, True), (LAST, True), (BRANCH, True)]
)
def test_training_agrees(value: dict[str, Any], learns: bool) -> None:
    import keras

    from archgraph.compiler import compile_model

    model = compile_model(infer(load_text(json.dumps(value))), seed=0)
    drawn = np.random.default_rng(0)
    x = drawn.normal(0, 1, (200, 3)).astype("float32")
    y = drawn.normal(0, 1, (200, model.output.shape[-1])).astype("float32")
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(x, y, epochs=5, verbose=0)
    name = "two" if value is LAST else "one"
    kernel = np.asarray(model.get_layer(name).kernel)
    columns = {tuple(column) for column in kernel.T.round(6)}
    assert (len(columns) > 1) == learns
