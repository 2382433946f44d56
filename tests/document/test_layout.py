"""The layout file holds what was placed by hand, and nothing about nodes that are gone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archgraph.diagnostics import GraphError
from archgraph.document.layout import (
    FARTHEST,
    Layout,
    layout_text,
    parse_layout,
    read_layout,
    sidecar,
    write_layout,
)
from archgraph.document.reader import read

LAYOUT = Layout({"stem": (0, 4), "bottleneck/conv": (-12, 30), "pool": (8, 4)})
TEXT = """{
  "layout": 1,
  "pinned": {
    "bottleneck/conv": [-12, 30],
    "pool": [8, 4],
    "stem": [0, 4]
  }
}
"""


@pytest.mark.parametrize(
    ("graph", "name"),
    [
        ("net.graph.json", "net.layout.json"),
        ("a.b.graph.json", "a.b.layout.json"),
        ("net.json", "net.layout.json"),
        ("graph", "graph.layout.json"),
    ],
)
def test_the_layout_lies_beside_its_graph(graph: str, name: str) -> None:
    assert sidecar(Path("folder") / graph) == Path("folder") / name


def test_the_text_is_canonical_and_sorted() -> None:
    assert layout_text(LAYOUT) == TEXT
    assert parse_layout(read(TEXT)) == LAYOUT


PATHS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}(/[A-Za-z_][A-Za-z0-9_]{0,9})?", fullmatch=True)
COORDINATES = st.integers(-FARTHEST, FARTHEST)


@given(st.dictionaries(PATHS, st.tuples(COORDINATES, COORDINATES)))
def test_what_is_written_is_read_back(pinned: dict[str, tuple[int, int]]) -> None:
    layout = Layout(pinned)
    assert parse_layout(read(layout_text(layout))) == layout


def test_a_layout_file_is_written_and_read_and_goes_with_the_last_pin(tmp_path: Path) -> None:
    graph = tmp_path / "net.graph.json"
    assert read_layout(graph) == Layout()
    write_layout(graph, LAYOUT)
    assert (tmp_path / "net.layout.json").read_text() == TEXT
    assert read_layout(graph) == LAYOUT
    write_layout(graph, Layout())
    write_layout(graph, Layout())
    assert list(tmp_path.iterdir()) == []


def test_edits_return_new_layouts() -> None:
    assert LAYOUT.pin("fc", (1, 2)).unpin("stem").pinned == {"bottleneck/conv": (-12, 30), "pool": (8, 4), "fc": (1, 2)}
    assert LAYOUT.prune({"stem", "fc"}).pinned == {"stem": (0, 4)}
    assert LAYOUT.rename("stem", "entry").pinned == {"entry": (0, 4), "bottleneck/conv": (-12, 30), "pool": (8, 4)}
    assert parse_layout(read(TEXT)) == LAYOUT


def test_a_block_and_a_node_of_one_name_are_renamed_apart() -> None:
    layout = Layout({"unit": (1, 1), "unit/conv": (2, 2), "units/conv": (3, 3)})
    assert layout.rename("unit", "x").pinned == {"x": (1, 1), "unit/conv": (2, 2), "units/conv": (3, 3)}
    assert layout.rename_block("unit", "x").pinned == {"unit": (1, 1), "x/conv": (2, 2), "units/conv": (3, 3)}


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("[]", [("AG202", "", 1)]),
        ("{}", [("AG204", "", 1)]),
        ('{"layout": 2,\n"pinned": {}}', [("AG207", "/layout", 1)]),
        ('{"layout": true}', [("AG207", "/layout", 1)]),
        ('{"layout": 1,\n"pined": {}}', [("AG203", "/pined", 2)]),
        ('{"layout": 1,\n"pinned": []}', [("AG202", "/pinned", 2)]),
        (
            '{"layout": 1, "pinned": {\n"a": [1],\n"b": [1, 2.5],\n"c": [1, 1e9],\n"d": "x",\n"e/f/g": [1, 2],\n'
            '"1": [0, 0]}}',
            [
                ("AG201", "/pinned/a", 2),
                ("AG202", "/pinned/b/1", 3),
                ("AG201", "/pinned/c/1", 4),
                ("AG202", "/pinned/d", 5),
                ("AG206", "/pinned/e~1f~1g", 6),
                ("AG206", "/pinned/1", 7),
            ],
        ),
    ],
)
def test_every_fault_is_reported_at_its_place(text: str, findings: list[tuple[str, str, int]]) -> None:
    with pytest.raises(GraphError) as caught:
        parse_layout(read(text))
    assert [(one.code, one.pointer, one.line) for one in caught.value.diagnostics] == findings


def test_a_layout_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.layout.json").write_text("{")
    with pytest.raises(GraphError, match=r"net\.layout\.json:1:2"):
        read_layout(tmp_path / "net.graph.json")


def test_whole_floats_are_integers() -> None:
    assert parse_layout(read('{"layout": 1, "pinned": {"a": [3.0, 1e1]}}')) == Layout({"a": (3, 10)})
