"""What Keras refuses after all is told with its place, and leaves nothing behind."""

import gc
import random
import sys
from pathlib import Path
from typing import Any

import keras
import pytest

from archgraph import infer, load
from archgraph.cli import main
from archgraph.compiler import compile_model
from archgraph.diagnostics import GraphError
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Layer
from tests.compiler.build import model, shaped, weights

BODY = {"inputs": ["x"], "nodes": {"one": {"op": "dense", "in": "x", "units": 3},
                                   "bad": {"op": "conv", "in": "one", "filters": 2, "kernel_size": 3}},
        "output": "bad"}  # fmt: skip
TEXT = """{
  "archgraph": 1, "name": "net",
  "inputs": {"x": {"shape": [8, 3]}},
  "blocks": {"b": {"inputs": ["x"], "output": "bad", "nodes": {
    "one": {"op": "dense", "in": "x", "units": 3},
    "bad": {"op": "conv", "in": "one", "filters": 2, "kernel_size": 3}}}},
  "nodes": {
    "a": {"block": "b", "in": "x", "repeat": 2}
  },
  "outputs": {"y": "a"}
}
"""

# Layers that Keras refuses: when made, when built, when called, and deep inside a wrapper
FAULTS: dict[str, Layer] = {
    "an argument": Layer("Conv1D", {"filters": 2, "kernel_size": 3, "flavour": "sweet"}),
    "a value": Layer("Conv1D", {"filters": -2, "kernel_size": 3}),
    "a shape": Layer("Conv2D", {"filters": 2, "kernel_size": 3}),
    "a size": Layer("Conv1D", {"filters": 2, "kernel_size": 99, "padding": "valid"}),
    "a call": Layer("MultiHeadAttention", {"num_heads": 2, "key_dim": 2}),
    "a wrapped layer": Layer("Bidirectional", {"layer": Layer("LSTM", {"units": 2, "activation": "sour"})}),
    "a wrapped shape": Layer("TimeDistributed", {"layer": Layer("Conv2D", {"filters": 2, "kernel_size": 3})}),
    "a name": Layer("NoSuchLayer", {}),
    "a layer of ours": Layer("Gate", {"activation": "sour"}, ours=True),
}


@pytest.fixture(params=FAULTS)
def faulty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """`conv` is lowered to something that Keras refuses."""
    monkeypatch.setattr(REGISTRY["conv"], "lower", lambda self, x: FAULTS[request.param])
    return str(request.param)


def graph() -> Any:
    return shaped(
        {"a": {"block": "b", "in": "x", "repeat": 2}}, "a", inputs={"x": {"shape": [8, 3]}}, blocks={"b": BODY}
    )


def test_the_finding_has_the_place_of_the_record(faulty: str, tmp_path: Path) -> None:
    path = tmp_path / "net.graph.json"
    path.write_text(TEXT)
    with pytest.raises(GraphError) as caught:
        compile_model(infer(load(path)), seed=1)
    (found,) = caught.value.diagnostics
    assert (found.code, found.pointer) == ("AG801", "/blocks/b/nodes/bad")
    assert (found.file, found.line, found.column) == (str(path), 6, 12)
    assert "a/0/bad" in found.message and "(8, 3)" in found.message and found.hint


def test_the_command_line_tells_it_in_lines_not_in_a_traceback(
    faulty: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = tmp_path / "net.graph.json", tmp_path / "net.keras"
    path.write_text(TEXT)
    assert main(["compile", str(path), "-o", str(target)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{path}:6:12 /blocks/b/nodes/bad: AG801 ") and "Traceback" not in error
    assert len(error.splitlines()) == 2 and "\033" not in error and "Exception encountered" not in error
    assert list(tmp_path.iterdir()) == [path], "nothing is written"


def test_the_next_model_is_as_if_nothing_had_happened(faulty: str) -> None:
    nodes = {"one": {"op": "dense", "in": "x", "units": 3}, "two": {"op": "dense", "in": "one", "units": 2}}
    before, state = weights(model(nodes, "two")), random.getstate()
    limit, collecting, policy = sys.getrecursionlimit(), gc.isenabled(), keras.config.dtype_policy()
    for mixed in (None, "mixed_float16"):
        with pytest.raises(GraphError):
            compile_model(graph(), seed=1, dtype_policy=mixed)
    after = weights(model(nodes, "two"))
    # a name scope that Keras had left open would stand before the names
    assert list(after) == list(before) == ["one/kernel", "one/bias", "two/kernel", "two/bias"]
    assert all(after[path].tobytes() == before[path].tobytes() for path in before)
    assert (random.getstate(), sys.getrecursionlimit(), gc.isenabled()) == (state, limit, collecting)
    assert keras.config.dtype_policy() == policy


def test_an_interruption_is_not_taken_for_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("archgraph.compiler.emit.apply", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compile_model(graph())
    assert list(weights(compile_model(graph())))[:2] == ["a.0.one/kernel", "a.0.one/bias"]
