"""Revising: an edit changes the lines it is about, and no other byte."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archgraph.diagnostics import GraphError
from archgraph.document.reader import read
from archgraph.document.revise import revise
from archgraph.document.writer import GRAPH_ORDER, PLAIN_ORDER, canonical, format_document
from tests.document.test_writer import KEYS, VALUES, exactly

CANONICAL = """{
  "archgraph": 1,
  "name": "net",
  "inputs": {"x": {"shape": [8, 8, 1]}},
  "nodes": {
    "a": {"op": "conv", "in": "x", "filters": 8, "kernel_size": 3},

    "b": {"op": "dropout", "in": "a", "rate": 5e-1},

    "c": {"op": "dense", "in": "b", "units": 10}
  },
  "outputs": {"y": "c"}
}
"""

BY_HAND = """{ "name":"net", "archgraph": 1,
    "nodes" : {
        "a": {"in": "x",  "op": "conv", "filters": 8 },
        "b": { "op": "dropout",
               "in": "a", "rate": 5e-1 },
        "c": {"op":"dense","in":"b","units":1.0e1}
    },

    "outputs": {"y": "c"}  , "inputs":
       {"x": {"shape": [8, 8,
                        1]}}}"""


def edited(text: str, *changes: tuple[str, Any]) -> str:
    """The revised text after setting values at paths; None deletes."""
    document = read(text)
    value = copy.deepcopy(document.value)
    for path, item in changes:
        *parents, last = path.split("/")
        place = value
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place[parent]
        if item is None:
            del place[last]
        else:
            place[int(last) if isinstance(place, list) else last] = item
    revised = revise(document, value)
    assert exactly(read(revised).value) == exactly(value)
    return revised


def lines_changed(old: str, new: str) -> tuple[list[str], list[str]]:
    before, after = old.split("\n"), new.split("\n")
    return [line for line in before if line not in after], [line for line in after if line not in before]


@pytest.mark.parametrize("text", [CANONICAL, BY_HAND, BY_HAND.replace("\n", "\r\n"), json.dumps(json.loads(CANONICAL))])
def test_no_edit_changes_no_byte(text: str) -> None:
    document = read(text)
    assert revise(document, document.value) == text
    assert revise(document, json.loads(text)) == text
    assert revise(document, dict(reversed(document.value.items()))) == text


@pytest.mark.parametrize(
    ("changes", "gone", "new"),
    [
        ([("nodes/a/filters", 16)], ['"filters": 8'], ['"filters": 16']),
        ([("nodes/a/norm", "batch")], ['"kernel_size": 3}'], ['"kernel_size": 3, "norm": "batch"}']),
        ([("nodes/a/kernel_size", None)], [', "kernel_size": 3'], []),
        ([("nodes/b/when", "=deep")], ['"in": "a",'], ['"in": "a", "when": "=deep", "rate": 5e-1']),
        ([("inputs/x/shape/1", 9)], ["[8, 8, 1]"], ["[8, 9, 1]"]),
        ([("name", "other")], ['"net"'], ['"other"']),
        ([("doc", "why")], [], ['  "doc": "why",']),
        ([("nodes/d", {"in": "c", "op": "relu"})], [], ['    "d": {"op": "relu", "in": "c"}']),
        ([("nodes/b", None), ("nodes/c/in", "a")], ["dropout"], ['"in": "a", "units": 10']),
        ([("nodes/c", None), ("outputs/y", "b")], ["dense"], ['"rate": 5e-1}', '{"y": "b"}']),
        ([("nodes/a", None)], ["conv"], []),
    ],
)
def test_a_canonical_text_stays_canonical_and_changes_only_where_it_must(
    changes: list[tuple[str, Any]], gone: list[str], new: list[str]
) -> None:
    text = edited(CANONICAL, *changes)
    assert format_document(read(text)) == text
    removed, added = lines_changed(CANONICAL, text)
    assert len(removed) <= len(changes) + 1 and len(added) <= len(changes) + 1
    for part in gone:
        assert any(part in line for line in removed)
    for part in new:
        assert any(part in line for line in added)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([("nodes/a/filters", 16)], [('"filters": 8 }', '"filters": 16 }')]),
        ([("nodes/a/filters", None)], [(', "filters": 8 }', " }")]),
        ([("nodes/a/in", None)], [('{"in": "x",  "op"', '{"op"')]),
        ([("nodes/c/in", "a")], [('"in":"b"', '"in":"a"')]),
        ([("nodes/c/in", ["a", "b"])], [('"in":"b"', '"in":["a", "b"]')]),
        ([("nodes/b/rate", 0.25)], [("5e-1", "0.25")]),
        ([("inputs/x/shape/2", 3)], [(" 1]}}}", " 3]}}}")]),
        ([("nodes/b", None)], [('        "b": { "op": "dropout",\n               "in": "a", "rate": 5e-1 },\n', "")]),
        ([("nodes/c", None)], [(',\n        "c": {"op":"dense","in":"b","units":1.0e1}', "")]),
        ([("nodes/d", {"op": "relu", "in": "c"})], [("1.0e1}", '1.0e1},\n        "d": {"op": "relu", "in": "c"}')]),
        ([("nodes", {})], [(BY_HAND[BY_HAND.index('{\n        "a"') : BY_HAND.index(',\n\n    "out')], "{}")]),
        ([("outputs/z", "b")], [('{"y": "c"}', '{"y": "c", "z": "b"}')]),
        ([("name", None)], [('{ "name":"net", "arch', '{ "arch')]),
        ([("inputs", None)], [(BY_HAND[BY_HAND.index('  , "inputs"') :], "}")]),
    ],
)
def test_a_text_in_another_form_keeps_it(changes: list[tuple[str, Any]], expected: list[tuple[str, str]]) -> None:
    wanted = BY_HAND
    for old, new in expected:
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)
    assert edited(BY_HAND, *changes) == wanted


def test_line_ends_of_the_text_are_kept() -> None:
    text = edited(CANONICAL.replace("\n", "\r\n"), ("nodes/d", {"op": "add", "in": [f"branch{i}" for i in range(30)]}))
    assert text.count("\n") == text.count("\r\n") > CANONICAL.count("\n") + 5


def test_a_renamed_node_keeps_its_place() -> None:
    document = read(CANONICAL)
    nodes = {("B" if key == "b" else key): node for key, node in document.value["nodes"].items()}
    removed, added = lines_changed(CANONICAL, revise(document, {**document.value, "nodes": nodes}))
    assert removed == ['    "b": {"op": "dropout", "in": "a", "rate": 5e-1},']
    assert added == ['    "B": {"op": "dropout", "in": "a", "rate": 0.5},']


def test_one_and_true_are_two_values() -> None:
    assert edited('{"a": 1, "b": 0}', ("a", True), ("b", 0.0)) == '{"a": true, "b": 0.0}'


def test_what_a_file_cannot_hold_is_refused() -> None:
    with pytest.raises(GraphError, match="AG103"):
        revise(read(CANONICAL), {"nodes": {"a": {"rate": float("nan")}}})


@st.composite
def edits(draw: st.DrawFn) -> tuple[Any, Any]:
    """A value, and the same value with a few members and items put in, taken out or exchanged."""
    value = draw(VALUES)
    new = copy.deepcopy(value)
    for _ in range(draw(st.integers(0, 4))):
        place = new
        while isinstance(place, dict | list) and place and draw(st.booleans()):
            place = place[draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))]
        if isinstance(place, dict):
            place[draw(st.sampled_from(sorted(place)) if place and draw(st.booleans()) else KEYS)] = draw(VALUES)
            if draw(st.booleans()):
                del place[draw(st.sampled_from(sorted(place)))]
        elif isinstance(place, list):
            place.insert(draw(st.integers(0, len(place))), draw(VALUES))
    return value, new


@settings(max_examples=300, deadline=None)
@given(edits(), st.sampled_from([None, 0, 3, "\t", "canonical"]), st.sampled_from([GRAPH_ORDER, PLAIN_ORDER]))
def test_the_revised_text_holds_the_new_value(pair: tuple[Any, Any], indent: Any, order: Any) -> None:
    old, new = pair
    text = canonical(old, order) if indent == "canonical" else json.dumps(old, indent=indent)
    document = read(text)
    revised = revise(document, new, order)
    assert exactly(read(revised).value) == exactly(new)
    assert revise(document, old, order) == text
    if indent == "canonical":
        assert format_document(read(revised), order) == revised


NAMES = st.sampled_from("abcdefgh")
NODES = st.fixed_dictionaries(
    {"op": st.sampled_from(["conv", "add"]), "in": NAMES | st.lists(NAMES, max_size=5)},
    optional={"filters": st.integers(1, 64), "rate": st.floats(0, 1), "doc": st.text(max_size=5)},
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(NAMES, NODES), st.dictionaries(NAMES, st.none() | NODES), st.sampled_from(["canonical", "by hand"])
)
def test_untouched_nodes_stand_in_the_revised_text_verbatim(old: Any, changes: Any, form: str) -> None:
    graph = {"archgraph": 1, "nodes": old}
    lines = ",\n".join(f"   {json.dumps(name)} :{json.dumps(node, indent=None)} " for name, node in old.items())
    by_hand = '{"archgraph": 1,\n"nodes": {\n' + lines + "\n}}"
    text = canonical(graph) if form == "canonical" else by_hand
    new = {name: node for name, node in {**old, **changes}.items() if node is not None}
    revised = revise(read(text), {**graph, "nodes": new}).split("\n")
    for line in text.split("\n"):
        name = line.strip().partition('"')[2].partition('"')[0]
        if name in new and exactly(new[name]) == exactly(old.get(name)) and name in old:
            assert line.rstrip().removesuffix(",").rstrip() in [
                other.rstrip().removesuffix(",").rstrip() for other in revised
            ]
