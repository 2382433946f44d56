"""A twin gives what the model gives, node by node, however the model was compiled, and leaves the model alone."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import archgraph as ag
from archgraph.training.explaining.statistics import affordable, of_nodes
from archgraph.training.explaining.twin import Twin

EXAMPLES = Path(__file__).parents[3] / "examples"
DRAW = np.random.default_rng(0)
SMALL = {"source_words": 20, "target_words": 30, "embedding": 8, "units": 12, "alignment": 8, "maxout": 8}
GRAPHS: dict[str, dict[str, Any]] = {
    "lenet5": {}, "attention_classifier": {}, "seq2seq": SMALL, "resnet_cifar": {}, "lstm_classifier": {},
}  # fmt: skip


def fed(shaped: ag.ShapedGraph, samples: int = 3) -> dict[str, Any]:
    found = {}
    for name, tensor in shaped.inputs.items():
        shape = (samples, *(size if isinstance(size, int) else 6 for size in tensor.shape))
        whole = "int" in tensor.dtype
        found[name] = DRAW.integers(0, 9, shape).astype(tensor.dtype) if whole else DRAW.normal(size=shape).astype("f")
    return found


def single(values: dict[str, Any]) -> Any:
    return values if len(values) > 1 else next(iter(values.values()))


@pytest.mark.parametrize("name", GRAPHS)
def test_outputs_are_the_models_and_every_node_is_seen(name: str) -> None:
    shaped = ag.infer(ag.load(str(EXAMPLES / f"{name}.graph.json"), **GRAPHS[name]))
    model = ag.compile_model(shaped, seed=3, rolled="auto", fused=True)
    twin, inputs = Twin(shaped), fed(shaped)
    twin.take_weights(model)
    look = twin.look(inputs)
    assert set(look.values) == set(twin.nodes) == {node.path for node in shaped.walk()}
    given = model(single(inputs))
    for output, value in (given if isinstance(given, dict) else {next(iter(shaped.outputs)): given}).items():
        np.testing.assert_allclose(look.outputs[output], value, rtol=1e-4, atol=1e-5)


def test_copies_of_a_rolled_repeat_are_seen_one_by_one() -> None:
    shaped = ag.infer(ag.loads("""{
        "archgraph": 1, "name": "deep", "inputs": {"x": {"shape": [4]}},
        "blocks": {"unit": {"inputs": ["x"], "output": "d",
                            "nodes": {"d": {"op": "dense", "in": "x", "units": 4, "activation": "tanh"}}}},
        "nodes": {"chain": {"block": "unit", "in": "x", "repeat": 9}}, "outputs": {"y": "chain"}
    }"""))  # fmt: skip
    model = ag.compile_model(shaped, seed=1, rolled=True)
    assert any(type(layer).__name__ == "Repeated" for layer in model.layers)
    twin, x = Twin(shaped), DRAW.normal(size=(5, 4)).astype("f")
    twin.take_weights(model)
    weights, value = ag.get_weights(model), x
    look = twin.look({"x": x})
    for number in range(9):
        value = np.tanh(value @ weights[f"chain/{number}/d/kernel"] + weights[f"chain/{number}/d/bias"])
        np.testing.assert_allclose(look.values[f"chain/{number}/d/activation"][0], value, rtol=1e-4, atol=1e-6)


def test_steps_of_a_scan_are_seen_one_by_one() -> None:
    shaped = ag.infer(ag.load(str(EXAMPLES / "seq2seq.graph.json"), **SMALL))
    twin, inputs = Twin(shaped, seed=2), fed(shaped)
    look = twin.look(inputs)
    np.testing.assert_allclose(look.values["write/look/alpha"][0], look.outputs["alpha"], rtol=1e-4, atol=1e-6)
    assert look.values["write/gru"][0].shape == (3, 6, 12)
    assert twin.look(inputs, steps=2).values["write/gru"][0].shape == (3, 2, 12)
    assert "write/gru" not in twin.look(inputs, steps=0).values


def dropping() -> ag.ShapedGraph:
    return ag.infer(ag.loads("""{
        "archgraph": 1, "name": "d", "inputs": {"x": {"shape": [6]}},
        "nodes": {"h": {"op": "dense", "in": "x", "units": 5, "activation": "relu"},
                  "drop": {"op": "dropout", "in": "h", "rate": 0.5},
                  "y": {"op": "dense", "in": "drop", "units": 1}}, "outputs": {"y": "y"}
    }"""))  # fmt: skip


def test_looking_draws_the_same_numbers_every_time() -> None:
    twin, x = Twin(dropping()), {"x": DRAW.normal(size=(8, 6)).astype("f")}
    first, again = (np.asarray(twin.look(x, training=True).values["drop"][0]) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first == 0).any()


def test_figures_are_those_of_arithmetic_by_hand() -> None:
    graph = ag.infer(ag.loads("""{
        "archgraph": 1, "name": "d", "inputs": {"x": {"shape": [3]}},
        "nodes": {"h": {"op": "dense", "in": "x", "units": 4, "activation": "relu"},
                  "y": {"op": "dense", "in": "h", "units": 1}}, "outputs": {"y": "y"}
    }"""))  # fmt: skip
    x, target = DRAW.normal(size=(20, 3)).astype("f"), DRAW.normal(size=(20, 1)).astype("f")
    twin = Twin(graph, seed=4)
    values = {name: value.copy() for name, value in ag.get_weights(twin.model).items()}
    values["h/bias"][1] = -50  # this unit never fires
    twin.set_weights(values)
    figures = of_nodes(twin, {"x": x}, lambda outputs: keras.losses.MeanSquaredError()(target, outputs["y"]))
    before = x @ values["h/kernel"] + values["h/bias"]
    fired = np.maximum(before, 0)
    slope = 2 * (fired @ values["y/kernel"] + values["y/bias"] - target) / 20
    by_fired = slope @ values["y/kernel"].T
    hidden = x.T @ (by_fired * (before > 0)), (by_fired * (before > 0)).sum(0)
    assert figures["h/activation"]["zero"] == pytest.approx((fired == 0).mean())
    assert (
        figures["h/activation"]["dead"] == pytest.approx((fired.max(0) == fired.min(0)).mean())
        and figures["h/activation"]["dead"] >= 0.25
    )
    assert figures["h"]["deviation"] == pytest.approx(before.std(), rel=1e-4)
    assert figures["h/activation"]["gradient"] == pytest.approx(np.sqrt((by_fired**2).mean()), rel=1e-4)
    length = np.sqrt((hidden[0] ** 2).sum() + (hidden[1] ** 2).sum())
    assert figures["h"]["weight_gradient"] == pytest.approx(length, rel=1e-4)
    norm = np.sqrt((values["h/kernel"] ** 2).sum() + (values["h/bias"] ** 2).sum())
    assert figures["h"]["weights"] == pytest.approx(norm, rel=1e-5)
    assert all(one["finite"] for one in figures.values()) and "saturated" not in figures["h/activation"]


def test_fewer_samples_are_looked_at_where_activations_are_large() -> None:
    large = ag.infer(ag.load(str(EXAMPLES / "resnet50.graph.json")))
    assert affordable(dropping(), 64) == 64
    assert 2 <= affordable(large, 64) < 64
