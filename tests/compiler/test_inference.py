"""Lowering for inference: fewer layers, the weights worked out anew, the same outputs."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model, get_weights, layers_by_path, load_model
from archgraph.compiler.emit import Emitter
from archgraph.compiler.inference import for_inference, lower_for_inference
from archgraph.compiler.instantiate import instantiate
from archgraph.compiler.passes import INFERENCE
from archgraph.compiler.plan import Loop, Plan, lowered
from archgraph.compiler.plan import run as rewritten
from archgraph.diagnostics import GraphError
from archgraph.document.load import load_graph, load_text
from archgraph.vocabulary import REGISTRY
from tests.compiler.build import arrays, run, shaped
from tests.generated import GraphMaker, NeighbourMaker, folded
from tests.networks import EXAMPLES, cases

PICTURE = {"x": {"shape": [9, 8, 6]}}
SEQUENCE = {"x": {"shape": [12, 6]}}
VOLUME = {"x": {"shape": [5, 4, 6, 4]}}
VECTOR = {"x": {"shape": [6]}}


def stirred(model: Any, seed: int = 0) -> Any:
    """The model as if it had been trained: no statistic, scale or offset is what it starts from."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        name = weight.name
        if name in ("moving_variance", "gamma"):
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
        elif name in ("moving_mean", "beta", "bias", "strength", "value"):
            weight.assign(random.normal(0, 0.3, weight.shape))
    return model


def same(graph: ShapedGraph, model: Any, other: Any, about: str = "", tolerance: float = 1e-5) -> None:
    """Assert that two models compute the same after training."""
    feeds = arrays(graph)
    found, wanted = run(other, feeds), run(model, feeds)
    assert list(found) == list(wanted), about
    for name, expected in wanted.items():
        scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
        np.testing.assert_allclose(found[name] / scale, expected / scale, atol=tolerance, rtol=0, err_msg=about)


def kinds(model: Any) -> dict[str, str]:
    """The class of each layer by the path of its node, those inside scans too, without inputs."""
    # The fused form of a normalisation is the same layer to a plan.
    found = {path: type(layer).__name__.removeprefix("Fused") for path, layer in layers_by_path(model).items()}
    return {path: kind for path, kind in found.items() if kind not in ("InputLayer", "Scan")}


def conv(**more: Any) -> dict[str, Any]:
    return {"op": "conv", "filters": 6, "kernel_size": 3, **more}


NORM: dict[str, Any] = {"op": "batch_norm"}
RELU = {"op": "activation", "activation": "relu"}

# nodes, inputs, and the layers that are left by path
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    # a normalisation behind
    "conv 2-D": ({"a": conv(**{"in": "x"}, norm="batch", activation="relu")}, PICTURE, {"a": "Conv2D"}),
    "conv 1-D, causal": ({"a": conv(**{"in": "x"}, padding="causal", norm="batch")}, SEQUENCE, {"a": "Conv1D"}),
    "conv 3-D": ({"a": conv(**{"in": "x"}, norm="batch")}, VOLUME, {"a": "Conv3D"}),
    "grouped conv": ({"a": conv(**{"in": "x"}, groups=2, norm="batch")}, PICTURE, {"a": "Conv2D"}),
    "dense": ({"a": {"op": "dense", "in": "x", "units": 4, "norm": "batch", "activation": "tanh"}}, VECTOR,
              {"a": "Dense"}),
    "dense along a sequence": ({"a": {"op": "dense", "in": "x", "units": 4, "norm": "batch"}}, SEQUENCE,
                               {"a": "Dense"}),
    "depthwise": ({"a": {"op": "depthwise_conv", "in": "x", "kernel_size": 3, "depth_multiplier": 2, "norm": "batch",
                         "activation": "relu6"}}, PICTURE, {"a": "DepthwiseConv2D"}),
    "depthwise 1-D": ({"a": {"op": "depthwise_conv", "in": "x", "kernel_size": 3, "norm": "batch"}}, SEQUENCE,
                      {"a": "DepthwiseConv1D"}),
    "separable": ({"a": {"op": "separable_conv", "in": "x", "filters": 5, "kernel_size": 3, "depth_multiplier": 2,
                         "norm": "batch"}}, PICTURE, {"a": "SeparableConv2D"}),
    "transposed": ({"a": {"op": "conv_transpose", "in": "x", "filters": 5, "kernel_size": 4, "strides": 2,
                          "norm": "batch"}}, PICTURE, {"a": "Conv2DTranspose"}),
    "with a bias of its own": ({"a": conv(**{"in": "x"}), "b": {**NORM, "in": "a"}}, PICTURE, {"a": "Conv2D"}),
    "scale alone, another epsilon": ({"a": conv(**{"in": "x"}), "b": {**NORM, "in": "a", "center": False,
                                      "epsilon": 0.1}}, PICTURE, {"a": "Conv2D"}),
    "offset alone": ({"a": conv(**{"in": "x"}), "b": {**NORM, "in": "a", "scale": False}}, PICTURE, {"a": "Conv2D"}),
    "neither": ({"a": conv(**{"in": "x"}), "b": {**NORM, "in": "a", "scale": False, "center": False}}, PICTURE,
                {"a": "Conv2D"}),
    "padding of its own": ({"a": conv(**{"in": "x"}, padding=1, strides=2, norm="batch")}, PICTURE,
                           {"a/pad": "ZeroPadding2D", "a": "Conv2D"}),
    "another norm": ({"a": conv(**{"in": "x"}, norm="layer")}, PICTURE,
                     {"a": "Conv2D", "a/norm": "LayerNormalization"}),
    "an activation between": ({"a": conv(**{"in": "x"}, activation="relu"), "b": {**NORM, "in": "a"}}, PICTURE,
                              {"a": "Conv2D", "b": "BatchNormalization"}),
    "read elsewhere": ({"a": conv(**{"in": "x"}), "b": {**NORM, "in": "a"}, "c": {"op": "add", "in": ["a", "b"]}},
                       PICTURE, {"a": "Conv2D", "b": "BatchNormalization", "c": "Add"}),
    "a reused layer": ({"a": conv(**{"in": "x"}), "b": {**NORM, "in": "a"}, "c": {"reuse": "a", "in": "b"}}, PICTURE,
                       {"a": "Conv2D", "b": "BatchNormalization"}),
    "a reused norm": ({"a": conv(**{"in": "x"}), "b": {**NORM, "in": "a"}, "c": conv(**{"in": "b"}),
                       "d": {"reuse": "b", "in": "c"}}, PICTURE,
                      {"a": "Conv2D", "b": "BatchNormalization", "c": "Conv2D"}),
    # a normalisation before
    "before a dense layer": ({"a": {**NORM, "in": "x"}, "b": {"op": "dense", "in": "a", "units": 3}}, VECTOR,
                             {"b": "Dense"}),
    "before a conv without padding": ({"a": {**NORM, "in": "x"}, "b": conv(**{"in": "a"}, padding="valid")}, PICTURE,
                                      {"b": "Conv2D"}),
    "before a conv with padding": ({"a": {**NORM, "in": "x"}, "b": conv(**{"in": "a"})}, PICTURE,
                                   {"a": "BatchNormalization", "b": "Conv2D"}),
    "before a conv of kernel size 1": ({"a": {**NORM, "in": "x"}, "b": conv(**{"in": "a"}, kernel_size=1, strides=2)},
                                       PICTURE, {"b": "Conv2D"}),
    "before a grouped conv": ({"a": {**NORM, "in": "x"}, "b": conv(**{"in": "a"}, padding="valid", groups=3)}, PICTURE,
                              {"b": "Conv2D"}),
    "before a depthwise conv": ({"a": {**NORM, "in": "x"}, "b": {"op": "depthwise_conv", "in": "a", "kernel_size": 3,
                                 "padding": "valid", "depth_multiplier": 3}}, PICTURE, {"b": "DepthwiseConv2D"}),
    "before a separable conv": ({"a": {**NORM, "in": "x"}, "b": {"op": "separable_conv", "in": "a", "filters": 4,
                                 "kernel_size": 3, "padding": "valid", "depth_multiplier": 2, "use_bias": False}},
                                PICTURE, {"b": "SeparableConv2D"}),
    "before and behind": ({"a": {**NORM, "in": "x"}, "b": conv(**{"in": "a"}, padding="valid", norm="batch")}, PICTURE,
                          {"b": "Conv2D"}),
    "before two readers": ({"a": {**NORM, "in": "x"}, "b": conv(**{"in": "a"}, kernel_size=1),
                            "c": {"op": "add", "in": ["a", "b"]}}, PICTURE,
                           {"a": "BatchNormalization", "b": "Conv2D", "c": "Add"}),
    "in a row": ({"a": {**NORM, "in": "x"}, "b": {**NORM, "in": "a"}, "c": conv(**{"in": "b"}, kernel_size=1),
                  "d": {**NORM, "in": "c"}, "e": {**NORM, "in": "d"}}, PICTURE, {"c": "Conv2D"}),
    # what only training needs
    "noise and dropout": ({"a": {"op": "dropout", "in": "x", "rate": 0.5}, "b": conv(**{"in": "a"}),
                           "c": {"op": "spatial_dropout", "in": "b", "rate": 0.1}, "d": {**NORM, "in": "c"},
                           "e": {"op": "drop_path", "in": "d", "rate": 0.2},
                           "f": {"op": "gaussian_noise", "in": "e", "stddev": 0.1},
                           "g": {"op": "activity_regularization", "in": "f", "l1": 0.1}}, PICTURE, {"b": "Conv2D"}),
    "penalties": ({"a": conv(**{"in": "x"}, kernel_regularizer={"l2": 0.1}, activity_regularizer={"l1": 0.1},
                             activation="relu")}, PICTURE, {"a": "Conv2D"}),
    "dropped connections": ({"a": {"op": "drop_connect", "in": "x", "units": 3, "rate": 0.5, "activation": "relu"}},
                            VECTOR, {"a": "Dense"}),
    "dropout in a cell": ({"a": {"op": "gru", "in": "x", "units": 3, "dropout": 0.5, "recurrent_dropout": 0.1,
                                 "bidirectional": True}}, SEQUENCE, {"a": "Bidirectional"}),
    "a mean in place of a draw": ({"a": {"op": "dense", "in": "x", "units": 3},
                                   "b": {"op": "dense", "in": "x", "units": 3},
                                   "c": {"op": "sampling", "in": ["a", "b"], "noise_at_inference": False}}, VECTOR,
                                  {"a": "Dense"}),
    "a draw": ({"a": {"op": "sampling", "in": ["x", "x"]}}, VECTOR, {"a": "Sampling"}),
    "a second style": ({"a": {"op": "dense", "in": "x", "units": 3}, "b": {"op": "dense", "in": "x", "units": 3},
                        "c": {"op": "style_mixing", "in": ["a", "b"], "layers": 4}}, VECTOR,
                       {"a": "Dense", "c": "StyleMixing"}),
    # kernels that are worked out
    "spectral norm": ({"a": conv(**{"in": "x"}, spectral_norm=True, norm="batch")}, PICTURE, {"a": "Conv2D"}),
    "spectral norm, transposed": ({"a": {"op": "conv_transpose", "in": "x", "filters": 5, "kernel_size": 3,
                                         "spectral_norm": True}}, PICTURE, {"a": "Conv2DTranspose"}),
    "spectral norm of two kernels": ({"a": {"op": "separable_conv", "in": "x", "filters": 5, "kernel_size": 3,
                                            "spectral_norm": True}}, PICTURE, {"a": "SeparableConv2D"}),
    "equalized": ({"a": conv(**{"in": "x"}, equalized=True, lr_multiplier=0.1, activation="relu"),
                   "b": {"op": "conv_transpose", "in": "a", "filters": 3, "kernel_size": 3, "equalized": True},
                   "c": {"op": "dense", "in": "b", "units": 3, "equalized": True, "gain": 1}}, PICTURE,
                  {"a": "Conv2D", "b": "Conv2DTranspose", "c": "Dense"}),
    "masked": ({"a": {"op": "masked_conv", "in": "x", "filters": 4, "kernel_size": 3, "mask_type": "A",
                      "activation": "relu"},
                "b": {"op": "masked_dense", "in": "a", "units": 8, "steps": 4, "kind": "direct"}}, PICTURE,
               {"a": "Conv2D", "b": "Dense"}),
    # constants
    "a constant through layers": ({"a": {"op": "learned_constant", "in": "x", "shape": [4, 4, 3]},
                                   "b": conv(**{"in": "a"}, norm="batch", activation="relu"),
                                   "c": {"op": "upsample", "in": "b", "size": 2},
                                   "d": {"op": "add", "in": ["c", "c"]},
                                   "e": {"op": "reshape", "in": "x", "target_shape": [1, 1, 6]},
                                   "f": {"op": "multiply", "in": ["d", "e"]}}, VECTOR,
                                  {"d": "LearnedConstant", "e": "Reshape", "f": "Multiply"}),
    "a constant that is read as it is": ({"a": {"op": "learned_constant", "in": "x", "shape": [6]},
                                          "b": {"op": "add", "in": ["a", "x"]}}, VECTOR,
                                         {"a": "LearnedConstant", "b": "Add"}),
}  # fmt: skip


def graph_of(name: str) -> ShapedGraph:
    nodes, inputs, _ = CASES[name]
    return shaped(nodes, list(nodes)[-1], inputs=inputs)


@pytest.mark.parametrize("name", CASES)
def test_what_is_left_computes_the_same(name: str) -> None:
    graph = graph_of(name)
    model = stirred(compile_model(graph, seed=1))
    lean = for_inference(graph, model)
    assert kinds(lean) == CASES[name][2]
    same(graph, model, lean, name)
    assert not lean.losses


def test_the_numbers_are_those_of_arithmetic_by_hand() -> None:
    graph = shaped({"a": {"op": "dense", "in": "x", "units": 1}, "b": {**NORM, "in": "a", "epsilon": 1.0}}, "b",
                   inputs={"x": {"shape": [2]}})  # fmt: skip
    model = compile_model(graph)
    for path, values in {"a": [[[2.0], [4.0]], [1.0]], "b": [[3.0], [5.0], [7.0], [8.0]]}.items():
        layers_by_path(model)[path].set_weights([np.array(value) for value in values])
    kernel, bias = layers_by_path(for_inference(graph, model))["a"].get_weights()
    # y = 3·(2·x₁ + 4·x₂ + 1 - 7)/√(8 + 1) + 5
    np.testing.assert_allclose(kernel, [[2.0], [4.0]], rtol=1e-6)
    np.testing.assert_allclose(bias, [-1.0], rtol=1e-6)


# ---- scopes

BODY = {
    "inputs": ["x"],
    "nodes": {
        "c": conv(**{"in": "x"}, norm="batch", activation="relu"),
        "o": {"op": "dropout", "in": "c", "rate": 0.5},
        "s": {"op": "add", "in": ["o", "x"]},
    },
    "output": "s",
}
CELL = {
    "inputs": ["x", "h"],
    "states": {"h": {"next": "n", "shape": [6]}},
    "nodes": {
        "d": {"op": "dense", "in": "x", "units": 6, "norm": "batch"},
        "o": {"op": "dropout", "in": "d", "rate": 0.5},
        "n": {"op": "add", "in": ["o", "h"], "activation": "tanh"},
    },
    "output": "n",
}
SCOPES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], set[str]]] = {
    "a repeat": ({"r": {"block": "b", "in": "x", "repeat": 3}}, PICTURE, BODY, {"r/0/c", "r/0/s", "r/1/c", "r/1/s",
                                                                               "r/2/c", "r/2/s"}),
    "a repeat with one set of weights": ({"r": {"block": "b", "in": "x", "repeat": 2, "share": True}}, PICTURE, BODY,
                                         {"r/0/c", "r/0/c/norm", "r/0/c/activation", "r/0/s", "r/1/c/activation",
                                          "r/1/s"}),
    "a block that is reused": ({"r": {"block": "b", "in": "x"}, "t": {"reuse": "r", "in": "r"}}, PICTURE, BODY,
                               {"r/c", "r/c/norm", "r/c/activation", "r/s", "t/c/activation", "t/s"}),
    "across the border of a block": ({"p": conv(**{"in": "x"}), "q": {"block": "n", "in": "p"}}, PICTURE,
                                     {"inputs": ["x"], "nodes": {"n": {**NORM, "in": "x"}}, "output": "n"}, {"p"}),
    "a scan": ({"r": {"block": "b", "in": "x", "scan": "x"}}, SEQUENCE, CELL, {"r", "r/d", "r/n", "r/n/activation"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SCOPES)
def test_scopes_are_lowered_too(name: str) -> None:
    nodes, inputs, body, left = SCOPES[name]
    block = "n" if name.startswith("across") else "b"
    graph = shaped(nodes, list(nodes)[-1], inputs=inputs, blocks={block: body})
    model = stirred(compile_model(graph, seed=1))
    lean = for_inference(graph, model)
    inputs_too = {path for path, layer in layers_by_path(lean).items() if type(layer).__name__ == "InputLayer"}
    assert set(layers_by_path(lean)) - inputs_too == left
    same(graph, model, lean, name)


def test_a_repeat_stays_rolled() -> None:
    graph = shaped({"r": {"block": "b", "in": "x", "repeat": 9}}, "r", inputs=PICTURE, blocks={"b": BODY})
    (loop,) = rewritten(INFERENCE, lowered(graph.root)).steps
    assert isinstance(loop, Loop) and len({id(copy) for copy in loop.copies}) == 1
    assert [step.name for step in loop.copies[0].steps] == ["c", "s"]


# ---- every pass, over generated graphs

FOLDING = ("conv", "conv", "batch_norm", "batch_norm", "batch_norm", "depthwise_conv", "separable_conv", "dense",
           "conv_transpose", "activation", "dropout", "add", "learned_constant", "upsample", "masked_conv")  # fmt: skip
"""Ops of which passes are likely to find neighbours."""
PAIRS = {"fold-kernels": ("masked_conv", "conv"), "fold-norms-behind": ("depthwise_conv", "batch_norm"),
         "fold-norms-ahead": ("conv", "batch_norm"), "fuse-activations": ("conv", "activation")}  # fmt: skip
"""Ops that a pass has to do with, alone."""


def generated(first: int, ops: tuple[str, ...] = ()) -> Iterator[tuple[int, ShapedGraph]]:
    """Graphs that analysis accepts, each with its seed."""
    for seed in itertools.count(first):
        with contextlib.suppress(GraphError):  # a draw that the rules refuse
            document = (NeighbourMaker if ops else GraphMaker)(seed, ops).document()
            yield seed, infer(load_text(json.dumps(folded(document, seed) if seed % 2 else document)))


def described(plan: Plan) -> Any:
    """All that a plan says, to be compared."""
    steps = [
        (step.name, step.feeds, [described(copy) for copy in step.copies])
        if isinstance(step, Loop)
        else (step.name, step.feeds, step.layer, step.recipe)
        for step in plan.steps
    ]
    return steps, plan.results


def changed_by(number: int, ops: tuple[str, ...]) -> Iterator[tuple[int, ShapedGraph]]:
    """Generated graphs whose plan the pass of this number changes, each with its seed."""
    for seed, graph in itertools.islice(generated(40_000, ops), 800):
        before = rewritten(INFERENCE[:number], lowered(graph.root))
        if described(rewritten((INFERENCE[number],), before)) != described(before):
            yield seed, graph


@pytest.mark.parametrize("number", range(len(INFERENCE)), ids=lambda number: INFERENCE[number].name)
def test_every_pass_keeps_what_generated_graphs_compute(number: int) -> None:
    found = [*itertools.islice(changed_by(number, ()), 3), *itertools.islice(changed_by(number, FOLDING), 3)]
    found += itertools.islice(changed_by(number, PAIRS.get(INFERENCE[number].name, FOLDING)), 8)
    assert len(found) >= 6, "this tests little"
    for seed, graph in found:
        model = stirred(Emitter(graph, seed, None).model(lowered(graph.root)), seed)
        before, after = (lower_for_inference(graph, model, passes=INFERENCE[:end]) for end in (number, number + 1))
        same(graph, before, after, f"seed {seed}", tolerance=1e-4)


@pytest.mark.parametrize("first", range(50_000, 50_400, 100))
@pytest.mark.parametrize("ops", [(), FOLDING], ids=["all", "folding"])
def test_generated_graphs_compute_the_same_after_all_passes(ops: tuple[str, ...], first: int) -> None:
    for seed, graph in itertools.islice(generated(first, ops), 8):
        model = stirred(Emitter(graph, seed, None).model(lowered(graph.root)), seed)
        same(graph, model, for_inference(graph, model), f"seed {seed}", tolerance=1e-4)


# ---- what the passes rely on


@pytest.mark.parametrize("op", REGISTRY)
def test_what_is_for_training_alone_hands_on_its_first_input(op: str) -> None:
    kind = REGISTRY[op]
    for example in kind.examples:
        primitive, inputs = kind.make(example.params), example.input_tensors()
        if not primitive.training_only():
            continue
        random = np.random.default_rng(0)
        fed = [random.normal(size=(2, *map(int, x.shape))).astype("float32") for x in inputs]
        layer = instantiate(primitive.lower(*inputs), "layer")
        np.testing.assert_array_equal(np.asarray(layer(*fed, training=False)), fed[0])


def test_all_that_drops_or_disturbs_is_known_to_be_for_training_alone() -> None:
    idle = {op for op, kind in REGISTRY.items() for x in kind.examples if kind.make(x.params).training_only()}
    assert idle == {"dropout", "spatial_dropout", "gaussian_dropout", "alpha_dropout", "drop_path", "masking_noise",
                    "gaussian_noise", "activity_regularization", "sampling"}  # fmt: skip


# ---- the model


def test_it_saves_loads_and_leaves_the_trained_model_as_it_was(tmp_path: Path) -> None:
    graph = shaped({"r": {"block": "b", "in": "x", "repeat": 2}}, "r", inputs=PICTURE, blocks={"b": BODY})
    model = stirred(compile_model(graph, seed=1))
    before = run(model, arrays(graph))["y"]
    model.save(tmp_path / "trained.keras")
    lean = for_inference(graph, tmp_path / "trained.keras")
    lean.save(tmp_path / "lean.keras")
    loaded = load_model(tmp_path / "lean.keras")
    np.testing.assert_array_equal(run(loaded, arrays(graph))["y"], run(lean, arrays(graph))["y"])
    np.testing.assert_array_equal(run(model, arrays(graph))["y"], before)
    same(graph, model, lean)


def test_a_model_that_was_trained_rolled_gives_its_weights(tmp_path: Path) -> None:
    graph = shaped({"r": {"block": "b", "in": "x", "repeat": 4}}, "r", inputs=PICTURE, blocks={"b": BODY})
    model = stirred(compile_model(graph, seed=1, rolled=True))
    assert "Repeated" in {type(layer).__name__ for layer in model.layers}
    for weight in model.weights:  # each copy its own
        weight.assign(np.random.default_rng(0).uniform(0.1, 0.5, weight.shape))
    lean = for_inference(graph, model)
    assert list(kinds(lean)) == [f"r/{number}/{name}" for number in range(4) for name in "cs"]
    same(graph, model, lean)


@pytest.mark.parametrize(("share", "trained_rolled"), [(False, False), (False, True), (True, False)])
def test_it_is_rolled_where_that_is_asked_for(share: bool, trained_rolled: bool, tmp_path: Path) -> None:
    body = {**BODY, "nodes": {**BODY["nodes"], "n": {"op": "gaussian_noise", "in": "c", "stddev": 0.1},
                              "z": {"op": "noise_injection", "in": "n"}, "o": {"op": "add", "in": ["z", "x"]}},
            "output": "o"}  # fmt: skip
    nodes = {"r": {"block": "b", "in": "x", "repeat": 4, "share": share}}
    graph = shaped(nodes, "r", inputs=PICTURE, blocks={"b": body})
    model = stirred(compile_model(graph, seed=1, rolled=trained_rolled))
    for weight in model.weights:  # each copy its own
        weight.assign(np.random.default_rng(0).uniform(0.1, 0.5, weight.shape))
    run(model, arrays(graph))  # its random generators have moved on
    plain, lean = (for_inference(graph, model, rolled=rolled) for rolled in (False, True))
    assert [type(layer).__name__ for layer in lean.layers] == ["InputLayer", "Repeated"]
    assert list(get_weights(plain)) == list(get_weights(lean))
    for path, value in get_weights(plain).items():
        np.testing.assert_array_equal(get_weights(lean)[path], value)
    expected = run(model, arrays(graph))["y"]
    for other in (lean, plain):
        np.testing.assert_allclose(run(other, arrays(graph))["y"], expected, atol=1e-6 * np.abs(expected).max())
    lean.save(tmp_path / "lean.keras")
    loaded = get_weights(load_model(tmp_path / "lean.keras"))
    assert all(np.array_equal(loaded[path], value) for path, value in get_weights(plain).items())


def test_several_inputs_and_outputs_keep_their_names() -> None:
    nodes = {"a": {"op": "add", "in": ["u", "v"]}, "b": {"op": "dense", "in": "a", "units": 2, "norm": "batch"}}
    graph = shaped(nodes, {"sum": "a", "score": "b"}, inputs={"u": {"shape": [3]}, "v": {"shape": [3]}})
    model = stirred(compile_model(graph, seed=1))
    same(graph, model, for_inference(graph, model))


def test_an_input_that_nothing_reads_any_more_stays_an_input() -> None:
    graph = shaped({"a": {"op": "style_mixing", "in": ["u", "v"], "layers": 3}}, "a",
                   inputs={"u": {"shape": [3]}, "v": {"shape": [3]}})  # fmt: skip
    model = compile_model(graph, seed=1)
    same(graph, model, for_inference(graph, model))


@pytest.mark.parametrize("units", [3, 5])
def test_weights_of_another_graph_are_refused_with_the_place(units: int) -> None:
    graph = shaped({"a": {"op": "dense", "in": "x", "units": 4}}, "a")
    name = "a" if units == 5 else "z"
    other = compile_model(shaped({name: {"op": "dense", "in": "x", "units": units}}, name))
    with pytest.raises(GraphError) as refused:
        for_inference(graph, other)
    (finding,) = refused.value.diagnostics
    assert finding.code == "AG803" and finding.pointer == "/nodes/a"
    assert "[(6, 4), (4,)]" in finding.message and ("(6, 5)" if units == 5 else "got none") in finding.message


def test_mixed_precision_is_kept_up() -> None:
    graph = graph_of("conv 2-D")
    model = stirred(compile_model(graph, seed=1))
    lean = for_inference(graph, model, dtype_policy="mixed_bfloat16")
    same(graph, model, lean, tolerance=0.05)


# ---- the zoo


def convolutional() -> list[Any]:
    """The examples with convolutions; those without batch normalisation, too, are slow, for there is little to fold."""
    found = []
    for case in cases(EXAMPLES):
        ops = {node.leaf.primitive.op for node in infer(load_graph(case.values[0])).walk()}
        if "batch_norm" in ops or "conv" in ops:
            marks = case.marks if "batch_norm" in ops else (pytest.mark.slow,)
            found.append(pytest.param(*case.values, id=case.id, marks=marks))
    return found


@pytest.mark.parametrize("path", convolutional())
def test_the_zoo_computes_the_same(path: Path) -> None:
    graph = infer(load_graph(path))
    model = stirred(compile_model(graph, seed=1))
    lean = for_inference(graph, model)
    assert len(lean.layers) <= len(model.layers)
    same(graph, model, lean, path.name, tolerance=1e-4)
