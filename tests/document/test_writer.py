"""Writing: the canonical form is the documented one, never changes a value, and formatting twice is formatting once."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archgraph.diagnostics import GraphError
from archgraph.document.reader import read
from archgraph.document.scanner import DEEPEST
from archgraph.document.writer import GRAPH_ORDER, NODE_WIDTH, PLAIN_ORDER, WIDTH, canonical, format_document

RESNET = """{
  "$schema": "../schemas/graph.schema.json",
  "archgraph": 1,
  "name": "tiny",
  "doc": "After He et al. 2015.",
  "params": {"classes": 10},
  "inputs": {"image": {"shape": [32, 32, 3]}},
  "blocks": {
    "basic": {
      "params": {"width": {"type": "int"}, "strides": 1},
      "inputs": ["x"],
      "nodes": {
        "conv": {"op": "conv", "in": "x", "filters": "=width", "kernel_size": 3, "strides": "=strides"},

        "short": {"op": "conv", "in": "x", "when": "=strides > 1", "filters": "=width", "kernel_size": 1},

        "sum": {"op": "add", "in": ["conv", "short"]}
      },
      "output": "sum"
    },
    "empty": {
      "nodes": {}
    }
  },
  "nodes": {
    "stage": {"block": "basic", "in": "image", "width": 64, "repeat": 3, "first": {"strides": 2}, "doc": "three"},

    "fc": {"op": "dense", "in": "stage", "units": "=classes", "activation": "softmax"}
  },
  "outputs": {"label": "fc"},
  "expect": {"params": "<= 5e6"},
  "meta": {}
}
"""


def shuffled(value: Any, turn: int) -> Any:
    """The same value with the keys of all objects but the maps of nodes and blocks in another order."""
    if isinstance(value, list):
        return [shuffled(item, turn) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    if "archgraph" in value or "op" in value or "block" in value or "inputs" in value:
        keys = keys[turn % len(keys) :] + keys[: turn % len(keys)]
    return {key: shuffled(value[key], turn) for key in keys}


PARAMETERS = {"conv": ("filters", "kernel_size", "strides"), "dense": ("units", "activation"), None: ("width",)}
ORDER = replace(GRAPH_ORDER, parameters=lambda node: PARAMETERS.get(node.get("op"), ()))


@pytest.mark.parametrize("turn", range(12))
def test_however_a_graph_is_written_its_canonical_form_is_the_documented_one(turn: int) -> None:
    value = shuffled(json.loads(RESNET), turn)
    assert canonical(value, ORDER) == RESNET
    for indent in (None, 4):
        assert format_document(read(json.dumps(value, indent=indent)), ORDER) == RESNET


def test_the_example_in_the_documentation_is_canonical() -> None:
    page = Path(__file__).parents[2] / "docs" / "format.md"
    texts = (
        re.findall(r"```json\n(\{\n.*?\n\})\n```", page.read_text(encoding="utf-8"), re.DOTALL) if page.exists() else []
    )
    for text in [*texts, RESNET.removesuffix("\n")]:
        assert format_document(read(text)) == text + "\n"


SCALARS = st.none() | st.booleans() | st.integers(-(10**98), 10**98) | st.text() | st.floats(
    allow_nan=False, allow_infinity=False
)  # fmt: skip
KEYS = st.text(max_size=8) | st.sampled_from(
    ["nodes", "blocks", "inputs", "op", "in", "...", "*", "doc", "meta", "a/b", "~"]
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=40)
ORDERS = st.sampled_from([GRAPH_ORDER, PLAIN_ORDER, ORDER])


def exactly(value: Any) -> str:
    """A text that two values share only if they are equal in type as well; the order of keys does not count."""
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{key!r}:{exactly(item)}" for key, item in value.items())) + "}"
    return "[" + ",".join(map(exactly, value)) + "]" if isinstance(value, list) else repr(value)


@settings(max_examples=300, deadline=None)
@given(VALUES, ORDERS)
def test_writing_changes_no_value_and_is_idempotent(value: Any, order: Any) -> None:
    text = canonical(value, order)
    document = read(text)
    assert exactly(document.value) == exactly(value)
    assert canonical(document.value, order) == text
    assert format_document(document, order) == text
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert not re.search(r"[ \t]\n", text)


@settings(max_examples=200, deadline=None)
@given(VALUES, ORDERS, st.sampled_from([None, 0, 4, "\t"]), st.booleans())
def test_formatting_any_text_changes_no_value_and_is_idempotent(
    value: Any, order: Any, indent: Any, ascii: bool
) -> None:
    document = read(json.dumps(value, indent=indent, ensure_ascii=ascii))
    text = format_document(document, order)
    assert exactly(read(text).value) == exactly(value)
    assert format_document(read(text), order) == text


def test_formatting_keeps_how_numbers_and_strings_are_spelt() -> None:
    text = r'{"nodes":{"\u0061":{"b":1E-05,"c":1.50,"d":"\u00e9\/é","e":-0,"op":100e-2}}}'
    assert r'"\u0061": {"op": 100e-2, "b": 1E-05, "c": 1.50, "d": "\u00e9\/é", "e": -0}' in format_document(read(text))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "1e-5"),
        (1e22, "1e22"),
        (-1.5e-300, "-1.5e-300"),
        (0.1, "0.1"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (True, "true"),
        (None, "null"),
        ((1, 2), "[1, 2]"),
        ("é😀\u2028\n\"\\/\x00\x7f", '"é😀\u2028\\n\\"\\\\/\\u0000\x7f"'),
        ({}, "{}"),
        ([], "[]"),
    ],
)  # fmt: skip
def test_a_value_is_spelt(value: Any, text: str) -> None:
    assert canonical(value, PLAIN_ORDER) == text + "\n"


def test_a_node_that_is_too_long_has_one_key_a_line() -> None:
    inputs = [f"arm_{number}" for number in range(20)]
    text = canonical({"nodes": {"sum": {"op": "add", "in": inputs}, "x": {"op": "relu", "in": "sum"}}})
    assert text == (
        '{\n  "nodes": {\n    "sum": {\n      "op": "add",\n      "in": [\n'
        '        "arm_0", "arm_1", "arm_2", "arm_3", "arm_4", "arm_5", "arm_6", "arm_7", "arm_8", "arm_9", "arm_10", '
        '"arm_11",\n'
        '        "arm_12", "arm_13", "arm_14", "arm_15", "arm_16", "arm_17", "arm_18", "arm_19"\n'
        '      ]\n    },\n\n    "x": {"op": "relu", "in": "sum"}\n  }\n}\n'
    )


@pytest.mark.parametrize("length", range(120, 180))
def test_a_node_stays_on_its_line_as_long_as_it_fits(length: int) -> None:
    short = '    "n": {"op": "x", "doc": ""}'
    node = {"op": "x", "doc": "d" * (length - len(short) - 1)}
    text = canonical({"nodes": {"n": node, "m": {"op": "x"}}})
    assert (max(map(len, text.splitlines())) == length) == (length <= NODE_WIDTH)


def test_other_files_have_one_key_a_line_and_break_what_is_too_wide() -> None:
    wide = {f"key{number}": "v" * 10 for number in range(6)}
    text = canonical({"graph": "x.graph.json", "data": {"name": "digits"}, "wide": wide}, PLAIN_ORDER)
    assert text.splitlines()[:4] == ["{", '  "graph": "x.graph.json",', '  "data": {"name": "digits"},', '  "wide": {']
    assert text.splitlines()[4] == '    "key0": "vvvvvvvvvv",'
    assert all(len(line) <= WIDTH for line in text.splitlines())


def test_unknown_keys_come_last_in_their_own_order() -> None:
    assert list(read(canonical({"zeta": 1, "alpha": 2, "name": "n", "archgraph": 1})).value) == [
        "archgraph",
        "name",
        "zeta",
        "alpha",
    ]


def test_names_of_nodes_are_no_keywords() -> None:
    nodes = {"nodes": {"op": "x", "in": "y"}, "meta": {"op": "x"}, "archgraph": {"op": "x"}}
    text = canonical({"blocks": {"nodes": {"nodes": nodes}}, "nodes": nodes})
    assert list(read(text).value["nodes"]) == list(read(text).value["blocks"]["nodes"]["nodes"]) == list(nodes)
    assert text.count('"nodes": {"op": "x", "in": "y"}') == 2


class Colour:
    """No JSON value."""


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        ({"a/b": [math.nan]}, "AG103", "/a~1b/0"),
        ([math.inf], "AG103", "/0"),
        ({"a": "\ud800"}, "AG105", "/a"),
        ({"\ud800": 1}, "AG105", "/\ud800"),
        ([10**100], "AG106", "/0"),
        ([10**100_000], "AG106", "/0"),
        (deep(DEEPEST + 1), "AG107", "/a" * DEEPEST),
        ({"a": Colour()}, "AG202", "/a"),
        ({"a": b"x"}, "AG202", "/a"),
        ({1: 2}, "AG202", "/1"),
        ([{1, 2}], "AG202", "/0"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(value: Any, code: str, pointer: str) -> None:
    with pytest.raises(GraphError) as caught:
        canonical(value)
    assert [(one.code, one.pointer) for one in caught.value.diagnostics] == [(code, pointer)]


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(GraphError, match="AG107"):
        canonical(endless)


def test_the_deepest_and_longest_values_are_written_and_read_back() -> None:
    for value in (deep(DEEPEST), [10**99, -(10**98)]):
        assert read(canonical(value)).value == value
