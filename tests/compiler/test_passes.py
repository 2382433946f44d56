"""Passes change how a model computes, never what."""

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
from archgraph.compiler.emit import Emitter
from archgraph.compiler.passes import INFERENCE, PASSES, PIPELINES
from archgraph.compiler.passes.activations import FUSE_ACTIVATIONS
from archgraph.compiler.passes.calls import INLINE_CALLS
from archgraph.compiler.passes.conditions import SOUND
from archgraph.compiler.plan import Loop, Operation, Pass, PassError, Plan, lowered
from archgraph.compiler.plan import run as rewritten
from archgraph.compiler.printing import plan_text
from archgraph.diagnostics import GraphError
from archgraph.document.load import load_graph, load_text
from tests.compiler.build import arrays, run, shaped
from tests.generated import GraphMaker, folded
from tests.networks import EXAMPLES, NAMES


def built(graph: ShapedGraph, *passes: Pass, seed: int = 1) -> Any:
    return Emitter(graph, seed, None).model(rewritten(passes, lowered(graph.root)))


def fully(graph: ShapedGraph) -> Any:
    return built(graph, *PASSES)


def compared(graph: ShapedGraph, *passes: Pass, training: bool = False, about: str = "") -> None:
    """Assert that the model computes the same with and without the passes."""
    feeds = arrays(graph)
    plain, other = (run(model, feeds, training=training) for model in (built(graph), built(graph, *passes)))
    assert list(plain) == list(other)
    for name, expected in plain.items():
        np.testing.assert_allclose(other[name], expected, rtol=1e-4, atol=1e-5, err_msg=f"{about} {name}")


def generated(first: int, count: int) -> Iterator[tuple[int, ShapedGraph]]:
    """Graphs that analysis accepts, each with its seed."""
    found = 0
    for seed in itertools.count(first):
        with contextlib.suppress(GraphError):  # a draw that the rules refuse
            document = GraphMaker(seed).document()
            yield seed, infer(load_text(json.dumps(folded(document, seed) if seed % 2 else document)))
            found += 1
        if found == count:
            return


@pytest.mark.parametrize("first", range(20_000, 20_600, 100))
def test_generated_graphs_compute_the_same_with_and_without_passes(first: int) -> None:
    for seed, graph in generated(first, 10):
        compared(graph, *PASSES, about=f"seed {seed}")
        if not any(node.leaf.primitive.stochastic for node in graph.walk()):
            compared(graph, *PASSES, training=True, about=f"seed {seed}, training")


# ---- each pass by itself

DENSE = {"op": "dense", "units": 6}
RELU = {"op": "activation", "activation": "relu"}
LINEAR = {"op": "activation", "activation": "linear"}
IDLE = {"op": "dropout", "rate": 0}

CASES: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, Any]]] = {
    "shorthands": ({"a": {**DENSE, "in": "x", "activation": "tanh"}, "b": {**DENSE, "in": "a", "norm": "layer",
                    "activation": "relu"}}, {"y": "b"}, {}),
    "read before and after": ({"a": {**DENSE, "in": "x"}, "b": {**RELU, "in": "a"},
                               "c": {"op": "add", "in": ["a", "b"]}}, {"y": "c"}, {}),
    "given out before and after": ({"a": {**DENSE, "in": "x"}, "b": {**RELU, "in": "a"}}, {"y": "a", "z": "b"}, {}),
    "two activations of one layer": ({"a": {**DENSE, "in": "x"}, "b": {**RELU, "in": "a"},
                                      "c": {**RELU, "activation": "tanh", "in": "a"}}, {"y": "b", "z": "c"}, {}),
    "activations in a row": ({"a": {**DENSE, "in": "x"}, "b": {**RELU, "in": "a"},
                              "c": {**RELU, "activation": "sigmoid", "in": "b"}}, {"y": "c"}, {}),
    "idle layers in a row": ({"a": {**LINEAR, "in": "x"}, "b": {**IDLE, "in": "a"}, "c": {**DENSE, "in": "b"},
                              "d": {**IDLE, "in": "c"}, "e": {**RELU, "in": "d"}}, {"y": "e"}, {}),
    "nothing but idle layers": ({"a": {**LINEAR, "in": "x", "repeat": 3}, "b": {**IDLE, "in": "a"}}, {"y": "b"}, {}),
    "a reused layer": ({"a": {**DENSE, "in": "x"}, "b": {**RELU, "in": "a"}, "c": {"reuse": "a", "in": "b"}},
                       {"y": "c"}, {}),
    "a reused activation": ({"a": {**DENSE, "in": "x"}, "b": {**RELU, "in": "a"}, "c": {**DENSE, "in": "b"},
                             "d": {"reuse": "b", "in": "c"}}, {"y": "d"}, {}),
    "an activity penalty": ({"a": {**DENSE, "in": "x", "activity_regularizer": {"l2": 0.1}}, "b": {**RELU, "in": "a"}},
                            {"y": "b"}, {}),
    "in a block": ({"a": {"block": "b", "in": "x", "repeat": 2}}, {"y": "a"},
                   {"b": {"inputs": ["x"], "nodes": {"d": {**DENSE, "in": "x", "activation": "relu"},
                                                     "i": {**IDLE, "in": "d"}}, "output": "i"}}),
    "a block that is idle": ({"a": {"block": "b", "in": "x", "repeat": 2}, "d": {**DENSE, "in": "a"}}, {"y": "d"},
                             {"b": {"inputs": ["x"], "nodes": {"i": {**IDLE, "in": "x"}}, "output": "i"}}),
}  # fmt: skip


def graph_of(name: str) -> ShapedGraph:
    nodes, outputs, blocks = CASES[name]
    return shaped(nodes, outputs, **({"blocks": blocks} if blocks else {}))


@pytest.mark.parametrize("number", range(len(PASSES)), ids=[one.name for one in PASSES])
@pytest.mark.parametrize("name", CASES)
def test_each_pass_keeps_the_function(name: str, number: int) -> None:
    compared(graph_of(name), *PASSES[: number + 1])
    compared(graph_of(name), *PASSES[: number + 1], training=True)


# what is left after both passes: for each operation its path and, where it was given one, its activation
LEFT = {
    "shorthands": {"a": "tanh", "b": None, "b/norm": None, "b/activation": None},
    "read before and after": {"a": None, "b": None, "c": None},
    "given out before and after": {"a": None, "b": None},
    "two activations of one layer": {"a": None, "b": None, "c": None},
    "activations in a row": {"a": "relu", "c": None},
    "idle layers in a row": {"c": "relu"},
    "nothing but idle layers": {},
    "a reused layer": {"a": None, "b": None, "c": None},
    "a reused activation": {"a": "relu", "c": None, "d": None},
    "an activity penalty": {"a": None, "b": None},
    "in a block": {"a/d": "relu"},
    "a block that is idle": {"d": None},
}


def operations(plan: Plan, prefix: str = "") -> dict[str, str | None]:
    """Every operation by its path, copies of a loop as one, and the activation that was handed to it."""
    found: dict[str, str | None] = {}
    for step in plan.steps:
        if isinstance(step, Loop):
            for copy in step.copies:
                found |= operations(copy, f"{prefix}{step.name}/")
        elif isinstance(step, Operation):
            own = step.layer.name != "Activation"
            found[prefix + step.name] = step.layer.arguments.get("activation") if own else None
    return found


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_after_the_passes(name: str) -> None:
    assert operations(rewritten(PASSES, lowered(graph_of(name).root))) == LEFT[name]


def test_an_activity_penalty_is_on_what_the_layer_gave_before_its_activation() -> None:
    graph = graph_of("an activity penalty")
    model, x = fully(graph), arrays(graph)["x"]
    model(x)
    kernel, bias = model.get_layer("a").get_weights()
    # Keras's rule: the sum of squares, divided by the batch size
    assert float(sum(model.losses)) == pytest.approx(0.1 * np.sum((x @ kernel + bias) ** 2) / len(x), rel=1e-5)


def test_equal_copies_stay_one_object_through_the_passes() -> None:
    body = {"inputs": ["x"], "nodes": {"d": {**DENSE, "in": "x", "activation": "relu"}}, "output": "d"}
    plan = rewritten(
        PASSES, lowered(shaped({"a": {"block": "b", "in": "x", "repeat": 9}}, "a", blocks={"b": body}).root)
    )
    (loop,) = plan.steps
    assert isinstance(loop, Loop) and len({id(copy) for copy in loop.copies}) == 1


def test_repeats_that_do_nothing_are_dropped() -> None:
    body = {"inputs": ["x"], "nodes": {"i": {**IDLE, "in": "x"}}, "output": "i"}
    nodes = {"a": {"block": "b", "in": "x", "repeat": 3}, "z": {**DENSE, "in": "a", "repeat": 0},
             "d": {**DENSE, "in": "z"}}  # fmt: skip
    plan = rewritten(PASSES, lowered(shaped(nodes, "d", blocks={"b": body}).root))
    assert [step.name for step in plan.steps] == ["d"]


@pytest.mark.parametrize("passes", PIPELINES.values(), ids=list(PIPELINES))
def test_passes_are_named_and_told_and_checked(passes: tuple[Pass, ...]) -> None:
    assert len({one.name for one in passes}) == len(passes)
    assert all(one.doc and SOUND in one.requires and SOUND in one.ensures for one in passes)
    assert all(set(one.ensures) - {SOUND} for one in passes), "each promises something of its own"


BODY = {"inputs": ["x"], "nodes": {"d": {**DENSE, "in": "x"}, "e": {**DENSE, "in": "d"}}, "output": "e"}
REPEATED = ({"a": {"block": "b", "in": "x", "repeat": 3}}, "a", {"b": BODY})


def reversed_steps(plan: Plan) -> Plan:
    return plan.replaced(reversed(plan.steps))


def one_name(plan: Plan) -> Plan:
    return plan.replaced(s._replace(name="same") if isinstance(s, Operation) else s for s in plan.steps)


def no_results(plan: Plan) -> Plan:
    return plan.replaced(plan.steps, ())


def nothing(plan: Plan) -> Plan:
    return plan.replaced(())


@pytest.mark.parametrize(
    ("rewrite", "complaint"),
    [
        (reversed_steps, r"in a: \w reads output 0 of step \d, which is not there before it"),
        (one_name, "in a: two steps are called 'same'"),
        (nothing, "result 0 is output 0 of step \\d, which does not exist"),
        (no_results, "changed the number of results from 1"),
    ],
)
def test_a_pass_that_breaks_a_plan_is_named_with_the_place(rewrite: Any, complaint: str) -> None:
    nodes, output, blocks = REPEATED
    plan = lowered(shaped(nodes, output, blocks=blocks).root)
    wrong = Pass("wrong", "breaks plans", rewrite, ensures=(SOUND,))
    with pytest.raises(PassError, match=rf"the pass wrong .*{complaint}"):
        rewritten((wrong,), plan)


def test_a_pass_out_of_its_place_is_refused() -> None:
    plan = lowered(graph_of("idle layers in a row").root)
    with pytest.raises(PassError, match="fuse-activations needs: nothing hands on its input unchanged"):
        rewritten((FUSE_ACTIVATIONS,), plan)
    folded = rewritten(INFERENCE, lowered(shaped({"a": {**DENSE, "in": "x", "norm": "batch"}}, "a").root))
    with pytest.raises(PassError, match="inline-calls needs: all weights are those that the graph was trained with"):
        rewritten((INLINE_CALLS,), folded)


def test_the_plan_can_be_watched_after_each_pass() -> None:
    seen: list[tuple[str, int]] = []
    plan = lowered(graph_of("idle layers in a row").root)
    rewritten(PASSES, plan, lambda one, after: seen.append((one.name, len(after.steps))))
    assert seen == [("fold-identities", 2), ("fuse-activations", 1)]


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
@pytest.mark.parametrize("passes", PIPELINES.values(), ids=list(PIPELINES))
def test_every_example_passes_all_conditions_and_can_be_printed(passes: tuple[Pass, ...], path: Path) -> None:
    graph = infer(load_graph(path))
    plan = rewritten(passes, lowered(graph.root))
    lines = plan_text(plan, graph).splitlines()
    assert sum(" <- " in line for line in lines) == steps_in(plan)
    assert [line for line in lines if line.startswith("-> ")] != [] and len(graph.outputs) == len(plan.results)


def steps_in(plan: Plan) -> int:
    """Operations and loops, neighbouring equal copies as one."""
    loops = [step for step in plan.steps if isinstance(step, Loop)]
    inside = [copy for loop in loops for copy, _ in itertools.groupby(loop.copies)]
    return len(plan.steps) + sum(map(steps_in, inside))
