"""Sketches: rows no wider than a page, shapes in the boxes, blocks once each, and always a picture."""

import re
from pathlib import Path

import pytest

import archgraph as ag
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.drawing import Sketch, render, sketch
from archgraph.drawing import __name__ as drawing
from archgraph.drawing.picture import Box
from archgraph.drawing.sketch import MOST_BOXES, WIDE, WIDEST, Frame

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.graph.json"))
HEAD = '{"archgraph": 1, "name": "net", "inputs": {"x": {"shape": [8]}}, "outputs": {"y": "%s"}, "nodes": {%s}, %s}'


def small(last: str, nodes: str, more: str = '"doc": ""') -> Sketch:
    """The sketch of a graph."""
    return sketch(ag.infer(ag.loads(HEAD % (last, nodes, more))))


def boxes(frame: Frame) -> dict[str, Box]:
    """The boxes of a frame by title."""
    return {box.title: box for row in frame.rows for box in row}


def chain(length: int) -> str:
    """Nodes n0, n1, …, each fed by the one before."""
    nodes = (f'"n{i}": {{"op": "dense", "in": "{f"n{i - 1}" if i else "x"}", "units": {i + 1}}}' for i in range(length))
    return ", ".join(nodes)


def test_a_box_tells_the_shape_that_leaves_it() -> None:
    (frame,) = small("n1", chain(2)).frames
    assert {title: (box.lines, box.footer) for title, box in boxes(frame).items()} == {
        "x 8": ((), ""), "n0": (("1 unit",), "1"), "n1": (("2 units",), "2"), "y": ((), ""),
    }  # fmt: skip


def test_a_long_chain_is_broken_into_rows_in_order() -> None:
    (frame,) = small("n29", chain(30)).frames
    titles = [box.title for row in frame.rows for box in row]
    assert titles == ["x 8", *(f"n{i}" for i in range(30)), "y"]
    assert 4 <= len(frame.rows) <= 6 and max(map(len, frame.rows)) - min(map(len, frame.rows)) <= 2


def test_a_graph_with_many_ways_past_a_place_is_drawn_downwards() -> None:
    joined = ", ".join(f'"n{i}"' for i in range(24))
    found = small("all", f'{chain(24)}, "all": {{"op": "concat", "in": [{joined}]}}')
    assert found.downwards and len(found.frames[0].rows) == 1


BLOCK = """"blocks": {
    "unit": {"inputs": ["x"], "nodes": {"a": {"op": "dense", "in": "x", "units": 8}, "b": {"block": "pair", "in": "a"},
             "sum": {"op": "add", "in": ["x", "b"]}}, "output": "sum"},
    "pair": {"inputs": ["x"], "nodes": {"c": {"op": "dense", "in": "x", "units": 8}}, "output": "c"}}"""


def test_blocks_stand_below_open_once_each() -> None:
    nodes = '"one": {"block": "unit", "in": "x", "repeat": 3}, "two": {"block": "unit", "in": "one"}'
    found = small("two", nodes, BLOCK)
    assert [frame.name for frame in found.frames] == ["", "unit", "pair"]
    assert [box.times for box in boxes(found.frames[0]).values()] == ["", "×3", "", ""]
    assert boxes(found.frames[1])["sum"].footer == "8"
    assert {(arrow.tail.split("/")[-1], arrow.head.split("/")[-1]) for arrow in found.frames[1].arrows} == {
        ("block unit", "a"), ("a", "b"), ("b", "sum"), ("block unit", "sum"),
    }  # fmt: skip


def test_what_is_repeated_no_times_is_left_out() -> None:
    nodes = '"one": {"block": "unit", "in": "x", "repeat": 0}, "two": {"op": "dense", "in": "one", "units": 2}'
    (frame,) = small("two", nodes, BLOCK).frames
    assert [(arrow.tail, arrow.head) for arrow in frame.arrows] == [("input x", "two"), ("two", "output y")]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.removesuffix(".graph.json"))
def test_the_examples_fit_a_page(path: Path) -> None:
    graph = ag.infer(ag.load(path))
    found = sketch(graph)
    assert sum(len(row) for frame in found.frames[1:] for row in frame.rows) <= MOST_BOXES
    svg = render(graph, format="svg", compact=True).decode()
    width = re.search(r'<svg width="(\d+)pt"', svg)
    assert width is not None and int(width[1]) <= 1.2 * WIDE * WIDEST


def test_where_graphviz_finds_no_way_for_curves_lines_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def fail_on_curves(text: str, chosen: str) -> bytes:
        drawn.append(text)
        if "splines=line" not in text:
            raise GraphError([Diagnostic("AG901", "", "triangulation failed")])
        return b"a picture"

    monkeypatch.setattr(f"{drawing}.drawn", fail_on_curves)
    assert render(ag.loads(HEAD % ("n1", chain(2), '"doc": ""')), compact=True) == b"a picture"
    assert len(drawn) == 2
