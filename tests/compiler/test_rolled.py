"""Equal copies rolled into one layer compute, learn and start as the copies one after the other do."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler import compile_model, get_weights, load_model, set_weights
from archgraph.compiler.plan import lowered
from archgraph.compiler.rolling import WORTH, chosen
from archgraph.diagnostics import GraphError
from tests.compiler.build import arrays, run, shaped

X = {"x": {"shape": [8, 8, 6]}}
VECTOR = {"x": {"shape": [6]}}


def block(*nodes: dict[str, Any], output: str, **more: Any) -> dict[str, Any]:
    return {"inputs": ["x"], "nodes": {f"n{i}": node for i, node in enumerate(nodes)}, "output": output, **more}


def conv(feed: str, **more: Any) -> dict[str, Any]:
    return {"op": "conv", "in": feed, "filters": 6, "kernel_size": 3, **more}


def dense(feed: str, **more: Any) -> dict[str, Any]:
    return {"op": "dense", "in": feed, "units": 6, **more}


RESIDUAL = block(
    {"op": "batch_norm", "in": "x"}, {"op": "activation", "in": "n0", "activation": "tanh"}, conv("n1"),
    {"op": "add", "in": ["x", "n2"]}, output="n3",
)  # fmt: skip
CELL = {
    "inputs": ["x", "h"],
    "states": {"h": {"next": "new", "shape": [6]}},
    "nodes": {"both": {"op": "concat", "in": ["x", "h"]}, "new": dense("both", activation="tanh")},
    "output": "new",
}
ROLLED = {"block": "b", "in": "x", "repeat": 4}
# what is repeated, and on what
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "a residual block with batch norm": ({"b": RESIDUAL}, ROLLED, X),
    "plain layers": ({"b": block(dense("x", activation="tanh"), output="n0")}, ROLLED, VECTOR),
    "penalties on weights and outputs": (
        {"b": block(dense("x", kernel_regularizer={"l2": 0.1}, activity_regularizer={"l1": 0.01}), output="n0")},
        ROLLED,
        VECTOR,
    ),
    "dropout": ({"b": block(dense("x"), {"op": "dropout", "in": "n0", "rate": 0.4}, output="n1")}, ROLLED, VECTOR),
    "noise of a layer of ours": (
        {"b": block(conv("x"), {"op": "noise_injection", "in": "n0", "noise_at_inference": False}, output="n1")},
        ROLLED,
        X,
    ),
    "attention": (
        {"b": block({"op": "attention", "in": "x", "num_heads": 2, "key_dim": 3, "dropout": 0.1}, output="n0")},
        ROLLED,
        {"x": {"shape": [5, 6]}},
    ),
    "an lstm": (
        {"b": block({"op": "lstm", "in": "x", "units": 6, "return_sequences": True}, output="n0")},
        ROLLED,
        {"x": {"shape": [5, 6]}},
    ),
    "a scan": (
        {"cell": CELL, "b": block({"block": "cell", "in": {"x": "x"}, "scan": "x"}, output="n0")},
        ROLLED,
        {"x": {"shape": [5, 6]}},
    ),
    "spectral normalisation": ({"b": block(conv("x", spectral_norm=True), output="n0")}, ROLLED, X),
    "group norm and separable convolution": (
        {"b": block({"op": "separable_conv", "in": "x", "filters": 6, "kernel_size": 3,
                     "norm": {"op": "group_norm", "groups": 2}}, output="n0")},
        ROLLED,
        X,
    ),
    "shared weights": ({"b": RESIDUAL}, {**ROLLED, "share": True}, X),
    "shared weights with dropout and penalties": (
        {"b": block(dense("x", kernel_regularizer={"l2": 0.1}, activity_regularizer={"l1": 0.01}),
                    {"op": "dropout", "in": "n0", "rate": 0.4}, output="n1")},
        {**ROLLED, "share": True},
        VECTOR,
    ),
    "a first copy that differs": (
        {"b": {**RESIDUAL, "params": {"wide": 3},
               "nodes": {**RESIDUAL["nodes"], "n2": conv("n1", kernel_size="=wide")}}},
        {**ROLLED, "first": {"wide": 1}},
        X,
    ),
    "repeats in repeats": (
        {"a": RESIDUAL, "b": block({"block": "a", "in": "x", "repeat": 3}, conv("n0", norm="batch"), output="n1")},
        ROLLED,
        X,
    ),
    "a second input for all copies": (
        {"b": {"inputs": ["x", "y"], "nodes": {"d": dense("x"), "s": {"op": "add", "in": ["d", "y"]}}, "output": "s"}},
        {"block": "b", "in": ["x", "x"], "repeat": 4},
        VECTOR,
    ),
    "several outputs": (
        {"b": {"inputs": ["x"], "nodes": {"d": dense("x"), "e": dense("d")}, "outputs": {"d": "d", "e": "e"}}},
        ROLLED,
        VECTOR,
    ),
}  # fmt: skip


def graph(case: str) -> Any:
    blocks, record, inputs = CASES[case]
    return shaped({"r": record}, "r", inputs=inputs, blocks=blocks)


def both(case: str, **more: Any) -> tuple[Any, Any, Any]:
    made = graph(case)
    return (
        made,
        compile_model(made, seed=3, fused=False, **more),
        compile_model(made, seed=3, fused=False, rolled=True, **more),
    )


def close(one: Any, other: Any, tolerance: float = 1e-6) -> None:
    one, other = np.asarray(one), np.asarray(other)
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * max(1.0, float(np.abs(one).max())))


@pytest.mark.parametrize("case", CASES)
def test_it_starts_and_computes_as_the_copies_do(case: str) -> None:
    made, plain, rolled = both(case)
    assert any(type(layer).__name__ == "Repeated" for layer in rolled.layers)
    assert len(rolled.layers) < len(plain.layers)
    assert rolled.count_params() == plain.count_params() == made.parameters
    one, other = get_weights(plain), get_weights(rolled)
    assert list(one) == list(other)
    for path, value in one.items():
        np.testing.assert_array_equal(value, other[path], err_msg=path)
    feeds = arrays(made)
    for training in (False, True):
        close(run(plain, feeds, training=training)["y"], run(rolled, feeds, training=training)["y"])
    for path, value in get_weights(plain).items():  # running statistics
        close(value, get_weights(rolled)[path])


@pytest.mark.parametrize("case", CASES)
def test_it_learns_the_same(case: str, tmp_path: Path) -> None:
    made, plain, rolled = both(case)
    x = arrays(made, batch=8)["x"]
    y = np.random.default_rng(1).normal(size=(8, *made.outputs["y"].shape)).astype("float32")
    losses = []
    for model in (plain, rolled):
        model.compile(keras.optimizers.SGD(0.02, momentum=0.9), "mse")
        losses.append([float(model.train_on_batch(x, y)) for _ in range(20)])
    np.testing.assert_allclose(*losses, rtol=1e-4)
    assert losses[0][-1] != losses[0][0]
    for path, value in get_weights(plain).items():
        close(value, get_weights(rolled)[path], 1e-3)
    rolled.save(tmp_path / "rolled.keras")
    loaded = load_model(tmp_path / "rolled.keras")
    close(run(rolled, {"x": x})["y"], run(loaded, {"x": x})["y"])
    fresh = compile_model(made, seed=9, fused=False)
    set_weights(fresh, get_weights(loaded))
    close(run(fresh, {"x": x})["y"], run(loaded, {"x": x})["y"], 1e-5)


def gradients(model: Any, x: Any) -> dict[str, np.ndarray]:
    import tensorflow as tf

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x, training=True) ** 2) + sum(model.losses, tf.constant(0.0))
        return tape.gradient(loss, [weight.value for weight in model.trainable_weights])

    found = step()
    kept = get_weights(model)
    for weight, gradient in zip(model.trainable_weights, found, strict=True):
        weight.assign(gradient)
    named = get_weights(model)
    set_weights(model, kept)
    return named


@pytest.mark.parametrize("case", [name for name in CASES if "penalties" not in name and "shared" not in name])
def test_its_gradients_are_those_of_the_copies(case: str) -> None:
    made, plain, rolled = both(case)
    x = arrays(made)["x"]
    one, other = gradients(plain, x), gradients(rolled, x)
    for path in one:
        close(one[path], other[path], 1e-5)


AGAIN: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "a repeat": (
        {"b": RESIDUAL},
        {"r": ROLLED, "again": {"reuse": "r", "in": "r"}},
        ["again", "r"],
    ),
    "a repeat with penalties": (
        {"b": block(dense("x", kernel_regularizer={"l2": 0.1}, activity_regularizer={"l1": 0.01}), output="n0")},
        {"r": ROLLED, "again": {"reuse": "r", "in": "r"}},
        ["again", "r"],
    ),
    "a repeat in a block": (
        {"b": RESIDUAL, "tower": block({**ROLLED, "repeat": 3}, conv("n0", norm="batch"), output="n1")},
        {"r": {"block": "tower", "in": "x"}, "again": {"reuse": "r", "in": "r"}},
        ["again/n0", "r/n0"],
    ),
    "a repeat in a repeat with one set of weights": (
        {"b": RESIDUAL, "tower": block({**ROLLED, "repeat": 3}, output="n0")},
        {"again": {"block": "tower", "in": "x", "repeat": 2, "share": True}},
        ["again", "again/0/n0"],
    ),
    "a repeat with dropout in the weights' own layer": (
        {"b": block({"op": "attention", "in": "x", "num_heads": 2, "key_dim": 3, "dropout": 0.1}, output="n0")},
        {"r": ROLLED, "again": {"reuse": "r", "in": "r"}},
        ["again", "r"],
    ),
    "draws of its own at each place": (
        {"b": block(dense("x"), {"op": "dropout", "in": "n0", "rate": 0.4}, output="n1")},
        {"r": ROLLED, "again": {"reuse": "r", "in": "r"}},
        [],
    ),
    "another shape": (
        {"b": RESIDUAL},
        {"r": ROLLED, "p": {"op": "max_pool", "in": "r", "pool_size": 2}, "again": {"reuse": "r", "in": "p"}},
        [],
    ),
}
"""What is applied twice, and the repeats that are rolled for all that."""


@pytest.mark.parametrize("case", AGAIN)
def test_a_repeat_that_is_applied_again_is_one_layer_where_both_do_the_same(case: str, tmp_path: Path) -> None:
    blocks, nodes, repeats = AGAIN[case]
    inputs = {"x": {"shape": [5, 6]}} if "attention" in str(blocks) else VECTOR if "units" in str(blocks) else X
    made = shaped(nodes, "again", inputs=inputs, blocks=blocks)
    plain, rolled = (compile_model(made, seed=3, rolled=choice, fused=False) for choice in (False, True))
    assert sorted({path for path, _ in chosen(lowered(made.root), True)}) == repeats
    kinds = [type(layer).__name__ for layer in rolled.layers]
    assert kinds.count("Repeated") == bool(repeats)
    assert rolled.count_params() == plain.count_params() == made.parameters
    assert list(get_weights(plain)) == list(get_weights(rolled))
    for path, value in get_weights(plain).items():
        np.testing.assert_array_equal(value, get_weights(rolled)[path])
    feeds = arrays(made)
    for training in (False, True, True):
        close(run(plain, feeds, training=training)["y"], run(rolled, feeds, training=training)["y"])
    one, other = gradients(plain, feeds["x"]), gradients(rolled, feeds["x"])
    for path in one:
        close(one[path], other[path], 1e-5)
    rolled.save(tmp_path / "rolled.keras")
    loaded = load_model(tmp_path / "rolled.keras")
    close(run(rolled, feeds)["y"], run(loaded, feeds)["y"])
    assert list(get_weights(loaded)) == list(get_weights(plain))


def test_mixed_precision_leaves_the_last_copy_in_full() -> None:
    made, plain, rolled = both("a residual block with batch norm", dtype_policy="mixed_bfloat16")
    x = arrays(made)["x"]
    one, other = (run(model, {"x": x})["y"] for model in (plain, rolled))
    assert one.dtype == other.dtype == np.float32
    close(one, other)
    assert np.abs(one - run(compile_model(made, seed=3), {"x": x})["y"]).max() > 1e-6


def test_a_frozen_one_keeps_its_statistics() -> None:
    made, _, rolled = both("a residual block with batch norm")
    rolled.trainable = False
    before = get_weights(rolled)
    run(rolled, arrays(made), training=True)
    for path, value in get_weights(rolled).items():
        np.testing.assert_array_equal(value, before[path])


def test_other_seeds_start_otherwise_and_every_copy_on_its_own() -> None:
    made = graph("a residual block with batch norm")
    one, other = (get_weights(compile_model(made, seed=seed, rolled=True)) for seed in (1, 2))
    assert np.abs(one["r/0/n2/kernel"] - other["r/0/n2/kernel"]).max() > 0.01
    assert np.abs(one["r/0/n2/kernel"] - one["r/1/n2/kernel"]).max() > 0.01


def test_auto_rolls_what_is_worth_it_and_says_so() -> None:
    few, many = (shaped({"r": {**ROLLED, "repeat": n}}, "r", inputs=X, blocks={"b": RESIDUAL}) for n in (4, WORTH))
    assert [run.copies for _, run in chosen(lowered(few.root), "auto")] == []
    assert [(path, run.copies) for path, run in chosen(lowered(many.root), "auto")] == [("r", WORTH)]
    assert len(compile_model(many, rolled="auto").layers) == 2


def test_weights_that_do_not_fit_change_nothing() -> None:
    _, plain, rolled = both("plain layers")
    values = get_weights(plain)
    wrong = {**values, "r/1/n0/kernel": np.zeros((2, 2)), "r/9/n0/kernel": np.zeros((6, 6))}
    del wrong["r/0/n0/bias"]
    with pytest.raises(GraphError) as caught:
        set_weights(rolled, wrong)
    messages = sorted(one.message for one in caught.value.diagnostics)
    assert [("missing" in m, "shape" in m, "no weight" in m) for m in messages].count((True, False, False)) == 1
    assert len(messages) == 3
    for path, value in get_weights(rolled).items():
        np.testing.assert_array_equal(value, values[path])
