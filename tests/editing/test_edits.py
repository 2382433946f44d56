"""Edits of whole examples: a rename, a group or a written-out block leaves the network what it was."""

import json
from pathlib import Path
from typing import Any

import pytest

from archgraph.diagnostics import Rejected
from archgraph.document.load import library
from archgraph.editing import renaming
from archgraph.editing.copying import duplicate, paste, piece, piece_text, read_piece
from archgraph.editing.grouping import group
from archgraph.editing.inlining import inline
from archgraph.editing.places import Place
from archgraph.editing.survey import survey

EXAMPLES = Path(__file__).parents[2] / "examples"
PATHS = sorted(EXAMPLES.glob("*.graph.json"))
EVERY = pytest.mark.parametrize("path", PATHS, ids=[path.name.partition(".")[0] for path in PATHS])


def network(path: Path) -> Any:
    """An example without its promises, some of which name nodes and receptive fields."""
    value = json.loads(path.read_text("utf-8"))
    value.pop("expect", None)
    return value


def totals(value: Any) -> Any:
    """What an edit that changes no meaning must keep."""
    found = survey(value, folder=EXAMPLES)
    assert found.shaped is not None, [str(one.diagnostic) for one in found.errors]
    return found.shaped.parameters, str(found.shaped.macs), [str(one) for one in found.shaped.outputs.values()]


@EVERY
def test_renaming_everything_keeps_the_network(path: Path) -> None:
    value = network(path)
    before = totals(value)
    for block in ("", *value.get("blocks", {})):
        for name in Place(value, block).names:
            value = renaming.rename_node(value, block, name, f"n_{name}")
        for name in Place(value, block).body.get("params") or {}:
            value = renaming.rename_parameter(value, block, name, f"p_{name}")
        for name in Place(value, block).body.get("outputs") or {}:
            value = renaming.rename_output(value, block, name, f"o_{name}")
    for block in value.get("blocks", {}):
        value = renaming.rename_block(value, block, f"b_{block}")
    assert totals(value) == before
    assert not set(Place(value).nodes) & set(network(path)["nodes"])


@EVERY
def test_a_group_and_writing_it_out_again_keep_the_network(path: Path) -> None:
    value = network(path)
    before, names = totals(value), list(value["nodes"])
    done = 0
    for start in range(0, len(names), 3):
        try:
            grouped = group(value, "", names[start : start + 3], "piece")
        except Rejected as rejected:
            assert rejected.message
            continue
        assert totals(grouped) == before
        call = next(name for name in grouped["nodes"] if name not in value["nodes"])
        try:
            written = inline(grouped, "", call, grouped["blocks"][grouped["nodes"][call]["block"]])
        except Rejected as rejected:
            assert "reads the size" in rejected.message
            continue
        assert totals(written) == before
        done += 1
    assert done or len(names) < 4


@EVERY
def test_writing_out_a_call_keeps_the_network(path: Path) -> None:
    value = network(path)
    before, known = totals(value), library()
    for name, record in value["nodes"].items():
        target = record.get("block", "")
        body = value.get("blocks", {}).get(target)
        if body is None and target in known:
            body = known[target].source.value["blocks"][target]  # type: ignore[union-attr]
        if body is None:
            continue
        try:
            assert totals(inline(value, "", name, body)) == before
        except Rejected as rejected:
            assert rejected.message


@EVERY
def test_a_copy_pasted_into_an_empty_file_has_its_blocks_and_parameters(path: Path) -> None:
    value = network(path)
    text = piece_text(value, "", list(value["nodes"]))
    empty = {"archgraph": 1, "name": "other", "inputs": value["inputs"], "nodes": {}, "outputs": {}}
    pasted = paste(empty, "", read_piece(text), links=True).value
    assert set(pasted["nodes"]) == set(value["nodes"])
    params = {**value.get("params", {}), **pasted.get("params", {})}
    blocks = {**value.get("blocks", {}), **pasted.get("blocks", {})}  # variants may name blocks that no node does
    whole = {**value, **pasted, "outputs": value["outputs"]}
    whole |= {key: one for key, one in (("params", params), ("blocks", blocks)) if one}
    if "imports" not in value:
        assert totals(whole) == totals(value)


def small() -> Any:
    return {
        "archgraph": 1, "name": "small", "params": {"w": 4}, "inputs": {"x": {"shape": [8, 8, 3]}},
        "nodes": {
            "a": {"op": "conv", "in": "x", "filters": "=w", "kernel_size": 3},
            "b": {"op": "conv", "in": "a", "filters": 4, "kernel_size": 3},
            "c": {"op": "add", "in": ["a", "b"]},
            "d": {"reuse": "b", "in": "c"},
            "flat": {"op": "flatten", "in": "d"},
        },
        "outputs": {"y": "flat"},
    }  # fmt: skip


def test_a_rename_is_followed_by_feeds_reuses_and_outputs() -> None:
    value = renaming.rename_node(small(), "", "b", "beta")
    assert list(value["nodes"]) == ["a", "beta", "c", "d", "flat"], "in the same place"
    assert value["nodes"]["c"]["in"] == ["a", "beta"] and value["nodes"]["d"]["reuse"] == "beta"
    value = renaming.rename_node(value, "", "flat", "end")
    assert value["outputs"] == {"y": "end"}
    assert renaming.rename_output(value, "", "y", "z")["outputs"] == {"z": "end"}


def test_names_that_are_taken_or_no_names_are_refused() -> None:
    with pytest.raises(Rejected, match="taken"):
        renaming.rename_node(small(), "", "a", "b")
    with pytest.raises(Rejected, match="identifier"):
        renaming.rename_node(small(), "", "a", "<b>")


def test_a_parameter_rename_reaches_expressions_and_nothing_else() -> None:
    value = renaming.rename_parameter(small(), "", "w", "width")
    assert value["params"] == {"width": 4} and value["nodes"]["a"]["filters"] == "=width"


def test_a_group_hands_the_parameters_on_and_can_have_knobs_of_its_own() -> None:
    value = group(small(), "", ["a", "b", "c", "d"], "core", ["b/filters"])
    block = value["blocks"]["core"]
    assert block["params"] == {"w": {"type": "int"}, "filters": 4}
    assert value["nodes"]["core"] == {"block": "core", "in": "x", "w": "=w"}
    assert block["nodes"]["b"]["filters"] == "=filters" and block["output"] == "d"
    assert totals(value) == totals(small())


def test_a_group_with_something_between_is_refused_and_says_what() -> None:
    with pytest.raises(Rejected, match="'b'") as refused:
        group({**small(), "nodes": {**small()["nodes"], "d": {"op": "flatten", "in": "c"}}}, "", ["a", "c"], "core")
    assert "choose 'b' too" in refused.value.hint


def test_a_group_that_cuts_shared_weights_is_refused() -> None:
    with pytest.raises(Rejected, match="weights"):
        group(small(), "", ["b", "c"], "core")


def test_pasting_keeps_links_only_where_that_is_wanted() -> None:
    fragment = piece(small(), "", ["b", "c"])
    free = paste(small(), "", fragment)
    assert free.names == {"b": "b2", "c": "c2"}
    assert "in" not in free.value["nodes"]["b2"] and free.value["nodes"]["c2"]["in"] == ["b2"]
    linked = paste(small(), "", fragment, links=True)
    assert linked.value["nodes"]["b2"]["in"] == "a" and linked.value["nodes"]["c2"]["in"] == ["a", "b2"]


def test_a_duplicate_reads_what_the_original_reads() -> None:
    value = duplicate(small(), "", ["flat"]).value
    assert value["nodes"]["flat2"] == {"op": "flatten", "in": "d"}


def test_what_is_no_graph_is_not_pasted() -> None:
    for text in ("no json", "[1]", '{"a": 1}', '{"nodes": {"a": 3}}'):
        with pytest.raises(Rejected):
            read_piece(text)
