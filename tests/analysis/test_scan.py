"""A block applied step by step: what analysis knows of it, and what it refuses, where and why."""

import json
from typing import Any

import pytest

from archgraph.analysis import infer
from archgraph.analysis.cost import block_rows, cost, rows
from archgraph.analysis.receptive import receptive_fields
from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import GraphError
from archgraph.document.load import load_text
from archgraph.shapes import symbol

CELL = {
    "params": {"units": 4},
    "inputs": ["x", "note", "h"],
    "states": {"h": {"next": "new", "shape": ["=units"]}},
    "nodes": {
        "both": {"op": "concat", "in": ["x", "h", "note"]},
        "new": {"op": "dense", "in": "both", "units": "=units", "activation": "tanh"},
        "look": {"op": "dense", "in": "new", "units": 2},
    },
    "outputs": {"y": "look", "seen": "both"},
}
STEPS = {"block": "cell", "in": {"x": "x", "note": "note"}, "scan": "x"}
INPUTS = {"x": {"shape": [7, 5]}, "note": {"shape": [3]}}


def text(
    record: dict[str, Any] = STEPS, cell: dict[str, Any] = CELL, inputs: dict[str, Any] = INPUTS, output: str = "steps"
) -> str:
    value = {"archgraph": 1, "name": "t", "inputs": inputs, "blocks": {"cell": cell}, "nodes": {"steps": record}}
    return json.dumps({**value, "outputs": {"y": output}})


def shaped(*args: Any, **more: Any) -> ShapedGraph:
    return infer(load_text(text(*args, **more)))


WEIGHTS = (5 + 4 + 3) * 4 + 4 + 4 * 2 + 2
MACS = 7 * ((5 + 4 + 3) * 4 + 4 * 2)


def test_weights_count_once_and_work_at_every_step() -> None:
    graph = shaped()
    assert (graph.parameters, graph.macs, graph.count) == (WEIGHTS, MACS, 4)
    assert sum(row.macs for row in rows(graph)) == MACS  # type: ignore[misc]
    whole, *inside = block_rows(graph, depth=2)
    assert whole.total.macs == MACS == sum(row.total.macs for row in inside)  # type: ignore[misc]
    assert sum(share.macs for share in cost(graph).families.values()) == MACS  # type: ignore[misc]


@pytest.mark.parametrize(
    ("output", "scan", "shape"),
    [
        ("steps", "x", (7, 2)),
        ("steps.seen", ["x"], (7, 12)),
        ("steps.h", "x", (4,)),
        ("steps", {"over": "x", "return_sequences": False}, (2,)),
        ("steps", {"over": "x", "reverse": True}, (7, 2)),
    ],
)
def test_outputs_lie_along_the_steps_and_states_are_as_they_end(output: str, scan: Any, shape: Any) -> None:
    assert shaped({**STEPS, "scan": scan}, output=output).outputs["y"].shape == shape


def test_the_length_may_be_symbolic() -> None:
    graph = shaped(inputs={**INPUTS, "x": {"shape": ["T", 5]}})
    assert graph.outputs["y"].shape == (symbol("T"), 2)
    assert graph.macs == symbol("T") * (MACS // 7)


def test_a_state_may_be_fed() -> None:
    inputs = {**INPUTS, "start": {"shape": [4]}}
    fed = {**STEPS, "in": {**STEPS["in"], "h": "start"}}  # type: ignore[dict-item]
    assert shaped(fed, inputs=inputs).outputs == shaped().outputs
    assert shaped({**STEPS, "in": ["x", "note", "start"]}, inputs=inputs).outputs == shaped().outputs


def test_without_a_scan_a_block_with_states_is_one_step() -> None:
    inputs = {"x": {"shape": [5]}, "note": {"shape": [3]}, "h": {"shape": [4]}}
    step = {"block": "cell", "in": ["x", "note", "h"]}
    assert shaped(step, inputs=inputs, output="steps.h").outputs["y"].shape == (4,)


def test_every_step_sees_all_of_the_sequence() -> None:
    seen = receptive_fields(shaped())["y"]
    assert [axis.extent for axis in seen["x"]] == [7]


def test_what_only_a_state_needs_is_kept_and_the_rest_dropped() -> None:
    unused = {**CELL, "nodes": {**CELL["nodes"], "idle": {"op": "dense", "in": "x", "units": 9}}}  # type: ignore[dict-item]
    graph = shaped(cell=unused, output="steps.h")
    assert [node.path for node in graph.walk()] == ["steps/both", "steps/new", "steps/new/activation"]


def without(cell: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**cell, **changes}.items() if value is not None}


FAULTS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "no such input": ({"record": {**STEPS, "scan": "z"}}, "AG403", "/nodes/steps/scan", "not an input of block 'cell'"),
    "a state": ({"record": {**STEPS, "scan": "h"}}, "AG403", "/nodes/steps/scan", "is a state"),
    "nothing to cut": (
        {"inputs": {**INPUTS, "x": {"shape": []}}},
        "AG301",
        "/nodes/steps/in",
        "no axis to go along",
    ),
    "unequal lengths": (
        {"record": {**STEPS, "scan": ["x", "note"]}, "inputs": {"x": {"shape": [7, 5]}, "note": {"shape": [6, 3]}}},
        "AG303",
        "/nodes/steps",
        "7 and 6",
    ),
    "a state that grows": (
        {"cell": {**CELL, "states": {"h": {"next": "both", "shape": [4]}}}},
        "AG303",
        "/nodes/steps/in",
        "starts as (4,) and is (12,) after a step",
    ),
    "a state of another dtype": (
        {"cell": {**CELL, "states": {"h": {"next": "new", "shape": ["=units"], "dtype": "int32"}}}},
        "AG306",
        "/blocks/cell/nodes/both",
        "int32",
    ),
    "a state that nothing starts": (
        {"cell": {**CELL, "states": {"h": "new"}}},
        "AG403",
        "/nodes/steps/in",
        "needs the input 'h'",
    ),
    "an op": (
        {"record": {"op": "dense", "in": "x", "units": 2, "scan": "x"}},
        "AG210",
        "/nodes/steps/scan",
        "an op cannot have it",
    ),
    "copies and steps": ({"record": {**STEPS, "repeat": 2}}, "AG210", "/nodes/steps/scan", "either 'repeat'"),
    "a state that is no input": (
        {"cell": {**CELL, "states": {"hh": "new"}}},
        "AG401",
        "/blocks/cell/states/hh",
        "not an input",
    ),
    "a state that is an output": (
        {"cell": {**CELL, "outputs": {"h": "new"}}},
        "AG210",
        "/blocks/cell/states/h",
        "already",
    ),
    "a next value that is not there": (
        {"cell": {**CELL, "states": {"h": "knew"}}},
        "AG401",
        "/blocks/cell/states/h",
        "'knew'",
    ),
    "a flag that is none": (
        {"record": {**STEPS, "scan": {"over": "x", "reverse": "=1"}}},
        "AG202",
        "/nodes/steps/scan/reverse",
        "true or false",
    ),
    "an unknown key": (
        {"record": {**STEPS, "scan": {"over": "x", "backwards": True}}},
        "AG203",
        "/nodes/steps/scan/backwards",
        "unknown key",
    ),
    "nothing scanned": ({"record": {**STEPS, "scan": []}}, "AG201", "/nodes/steps/scan", "1 to 64 items"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_once_at_their_place(fault: str) -> None:
    changes, code, pointer, words = FAULTS[fault]
    with pytest.raises(GraphError) as caught:
        shaped(**changes)
    (found,) = caught.value.diagnostics
    assert (found.code, found.pointer) == (code, pointer)
    assert words in found.message


def test_a_second_use_must_be_fed_the_same_states() -> None:
    value = json.loads(text(inputs={**INPUTS, "start": {"shape": [4]}}))
    again = {"reuse": "steps", "in": {"x": "x", "note": "note", "h": "start"}}
    value = {**value, "nodes": {**value["nodes"], "again": again}, "outputs": {"y": "steps", "z": "again"}}
    with pytest.raises(GraphError, match="fed the same states"):
        infer(load_text(json.dumps(value)))
