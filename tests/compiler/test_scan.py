"""A block applied step by step computes its formula, trains, saves and loads. NumPy and Keras are the oracle."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler import compile_model, load_model
from archgraph.diagnostics import GraphError
from tests.compiler.build import arrays, run, shaped, size

LSTM = {
    "params": {"units": 4},
    "inputs": ["x", "h", "c"],
    "states": {"h": {"next": "new_h", "shape": ["=units"]}, "c": {"next": "new_c", "shape": ["=units"]}},
    "nodes": {
        "both": {"op": "concat", "in": ["x", "h"]},
        "gates": {"op": "dense", "in": "both", "units": "=4*units"},
        "part": {"op": "split", "in": "gates", "sections": 4},
        "i": {"op": "activation", "in": "part.part0", "activation": "sigmoid"},
        "f": {"op": "activation", "in": "part.part1", "activation": "sigmoid"},
        "g": {"op": "activation", "in": "part.part2", "activation": "tanh"},
        "o": {"op": "activation", "in": "part.part3", "activation": "sigmoid"},
        "kept": {"op": "multiply", "in": ["f", "c"]},
        "written": {"op": "multiply", "in": ["i", "g"]},
        "new_c": {"op": "add", "in": ["kept", "written"]},
        "squashed": {"op": "activation", "in": "new_c", "activation": "tanh"},
        "new_h": {"op": "multiply", "in": ["o", "squashed"]},
    },
    "output": "new_h",
}
SUM = {
    "inputs": ["x", "k", "s"],
    "states": {"s": {"next": "sum", "shape": [3]}},
    "nodes": {"sum": {"op": "add", "in": ["x", "s"]}, "out": {"op": "multiply", "in": ["sum", "k"]}},
    "output": "out",
}
BLOCKS = {"lstm": LSTM, "sum": SUM}
SEQUENCE = {"x": {"shape": [9, 5]}}
SUMMED = {"x": {"shape": [6, 3]}, "k": {"shape": [3]}}


def lstm(scan: Any = "x", **more: Any) -> Any:
    nodes = {"steps": {"block": "lstm", "in": {"x": "x"}, "scan": scan}}
    return shaped(nodes, {"y": "steps", "h": "steps.h", "c": "steps.c"}, inputs=SEQUENCE, blocks=BLOCKS, **more)


def pair(scan: Any, go_backwards: bool) -> tuple[Any, Any]:
    """Our cell, and Keras's with the same weights."""
    ours = compile_model(lstm(scan), seed=1)
    sequences = not (isinstance(scan, dict) and scan.get("return_sequences") is False)
    theirs = keras.layers.LSTM(4, return_sequences=sequences, return_state=True, go_backwards=go_backwards)
    theirs.build((None, 9, 5))
    kernel, bias = (np.asarray(w) for w in ours.get_layer("steps").body.get_layer("steps.gates").weights)
    theirs.set_weights([kernel[:5], kernel[5:], bias])
    return ours, theirs


@pytest.mark.parametrize(
    ("scan", "backwards"),
    [
        ("x", False),
        ({"over": "x", "return_sequences": False}, False),
        ({"over": "x", "reverse": True}, True),
        ({"over": "x", "reverse": True, "return_sequences": False}, True),
    ],
)
def test_an_lstm_cell_spelt_out_is_that_of_keras(scan: Any, backwards: bool) -> None:
    ours, theirs = pair(scan, backwards)
    x = np.random.default_rng(0).normal(size=(3, 9, 5)).astype("float32")
    expected, h, c = (np.asarray(y) for y in theirs(x))
    if backwards and expected.ndim == 3:
        expected = expected[:, ::-1]  # Keras hands on what it saw last first
    found = run(ours, {"x": x})
    for name, wanted in {"y": expected, "h": h, "c": c}.items():
        np.testing.assert_allclose(found[name], wanted, atol=1e-6)


def test_its_gradients_are_those_of_keras() -> None:
    import tensorflow as tf

    ours, theirs = pair("x", False)
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 9, 5)), tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(ours(x)["y"] ** 2)
    kernel, bias = tape.gradient(loss, [w.value for w in ours.trainable_weights])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(theirs(x)[0] ** 2)
    wanted = tape.gradient(loss, [w.value for w in theirs.trainable_weights])
    np.testing.assert_allclose(kernel, np.concatenate(wanted[:2]), atol=1e-4)
    np.testing.assert_allclose(bias, wanted[2], atol=1e-4)


def summed(record: dict[str, Any], inputs: dict[str, Any] = SUMMED) -> Any:
    return shaped({"steps": record}, {"y": "steps", "s": "steps.s"}, inputs=inputs, blocks=BLOCKS)


def test_constants_are_the_same_at_every_step() -> None:
    graph = summed({"block": "sum", "in": {"x": "x", "k": "k"}, "scan": "x"})
    feeds = arrays(graph)
    found = run(compile_model(graph, seed=0), feeds)
    np.testing.assert_allclose(found["y"], feeds["x"].cumsum(1) * feeds["k"][:, None], rtol=1e-5)
    np.testing.assert_allclose(found["s"], feeds["x"].sum(1), rtol=1e-5)


def test_a_fed_state_is_where_it_starts() -> None:
    inputs = {**SUMMED, "s0": {"shape": [3]}}
    graph = summed({"block": "sum", "in": {"x": "x", "k": "k", "s": "s0"}, "scan": "x"}, inputs)
    feeds = arrays(graph)
    found = run(compile_model(graph, seed=0), feeds)
    np.testing.assert_allclose(found["s"], feeds["x"].sum(1) + feeds["s0"], rtol=1e-5)


def test_several_sequences_go_along_together() -> None:
    inputs = {"x": {"shape": [6, 3]}, "k": {"shape": [6, 3]}}
    graph = summed({"block": "sum", "in": {"x": "x", "k": "k"}, "scan": ["x", "k"]}, inputs)
    feeds = arrays(graph)
    found = run(compile_model(graph, seed=0), feeds)
    np.testing.assert_allclose(found["y"], feeds["x"].cumsum(1) * feeds["k"], rtol=1e-5)


def test_a_block_without_states_is_mapped() -> None:
    blocks = {"each": {"inputs": ["x"], "nodes": {"d": {"op": "dense", "in": "x", "units": 2}}, "output": "d"}}
    graph = shaped({"steps": {"block": "each", "in": "x", "scan": "x"}}, "steps", inputs=SEQUENCE, blocks=blocks)
    model = compile_model(graph, seed=0)
    x = arrays(graph)["x"]
    kernel, bias = (np.asarray(w) for w in model.weights)
    np.testing.assert_allclose(run(model, {"x": x})["y"], x @ kernel + bias, atol=1e-5)


def test_a_scan_may_be_inside_a_scan_and_in_a_repeated_block() -> None:
    row = {**LSTM, "inputs": ["x", "h", "c"]}
    rows = {
        "inputs": ["x", "before"],
        "states": {"before": {"next": "mixed", "shape": [6, 4]}},
        "nodes": {
            "wide": {"op": "concat", "in": ["x", "before"]},
            "along": {"block": "row", "in": {"x": "wide"}, "scan": "x"},
            "mixed": {"op": "add", "in": ["along", "before"]},
        },
        "output": "mixed",
    }
    layer = {"inputs": ["x"], "nodes": {"s": {"block": "rows", "in": {"x": "x"}, "scan": "x"}}, "output": "s"}
    graph = shaped(
        {"stack": {"block": "layer", "in": "x", "repeat": 2}},
        "stack",
        inputs={"x": {"shape": [5, 6, 4]}},
        blocks={"row": row, "rows": rows, "layer": layer},
    )
    model = compile_model(graph, seed=0)
    assert graph.parameters == size(model) == 2 * ((8 + 4) * 16 + 16)
    assert run(model, arrays(graph))["y"].shape == (2, 5, 6, 4)


def test_it_is_saved_and_loaded_whole(tmp_path: Path) -> None:
    graph = lstm()
    model = compile_model(graph, seed=1)
    model.save(tmp_path / "m.keras")
    feeds = arrays(graph)
    before, after = run(model, feeds), run(load_model(tmp_path / "m.keras"), feeds)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_it_learns() -> None:
    graph = shaped(
        {"steps": {"block": "lstm", "in": {"x": "x"}, "scan": {"over": "x", "return_sequences": False}, "units": 12},
         "out": {"op": "dense", "in": "steps", "units": 1}},
        "out", inputs=SEQUENCE, blocks=BLOCKS,
    )  # fmt: skip
    model = compile_model(graph, seed=1)
    x = np.random.default_rng(0).normal(size=(256, 9, 5)).astype("float32")
    y = x[:, :3, 0].sum(1, keepdims=True)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    losses = model.fit(x, y, epochs=25, batch_size=64, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * losses[0]


def test_equal_seeds_give_equal_models_and_other_seeds_others() -> None:
    one, same, other = (compile_model(lstm(), seed=seed).get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_dropout_draws_anew_at_every_step() -> None:
    blocks = {"each": {"inputs": ["x"], "nodes": {"d": {"op": "dropout", "in": "x", "rate": 0.5}}, "output": "d"}}
    graph = shaped(
        {"steps": {"block": "each", "in": "x", "scan": "x"}}, "steps", inputs={"x": {"shape": [8, 64]}}, blocks=blocks
    )
    y = run(compile_model(graph, seed=0), {"x": np.ones((1, 8, 64), "float32")}, training=True)["y"][0]
    assert len({tuple(step) for step in (y > 0).astype(int).tolist()}) == 8


def test_mixed_precision_keeps_the_outputs_in_full() -> None:
    graph = lstm()
    found = run(compile_model(graph, seed=1, dtype_policy="mixed_float16"), arrays(graph))
    full = run(compile_model(graph, seed=1), arrays(graph))
    assert found["y"].dtype == np.float32
    np.testing.assert_allclose(found["y"], full["y"], atol=5e-3)


def test_a_second_use_has_the_same_weights() -> None:
    nodes = {
        "a": {"block": "lstm", "in": {"x": "x"}, "scan": "x"},
        "b": {"reuse": "a", "in": {"x": "z"}},
    }
    graph = shaped(nodes, {"a": "a", "b": "b"}, inputs={**SEQUENCE, "z": {"shape": [9, 5]}}, blocks=BLOCKS)
    model = compile_model(graph, seed=0)
    assert graph.parameters == size(model) == (5 + 4) * 16 + 16
    feeds = arrays(graph)
    found = run(model, {"x": feeds["x"], "z": feeds["x"]})
    np.testing.assert_array_equal(found["a"], found["b"])


def mapped(op: dict[str, Any]) -> Any:
    blocks = {"each": {"inputs": ["x"], "nodes": {"d": {**op, "in": "x"}}, "output": "d"}}
    inputs = {"x": {"shape": [8, "W", 3]}}
    return shaped({"steps": {"block": "each", "in": "x", "scan": "x"}}, "steps", inputs=inputs, blocks=blocks)


def test_sizes_at_each_step_may_be_symbolic() -> None:
    graph = mapped({"op": "dense", "units": 2})
    model = compile_model(graph)
    for width in (5, 9):
        x = arrays(graph, W=width)["x"]
        kernel, bias = (np.asarray(w) for w in model.weights)
        np.testing.assert_allclose(run(model, {"x": x})["y"], x @ kernel + bias, atol=1e-5)


def test_a_size_that_no_input_has_is_refused_with_a_remedy() -> None:
    graph = mapped({"op": "conv", "filters": 2, "kernel_size": 3, "strides": 2})
    with pytest.raises(GraphError, match="AG802"):
        compile_model(graph)
