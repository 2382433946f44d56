"""Picture or Sketch -> pydot.Dot: fonts, colours and shapes."""

from typing import Any

from archgraph.drawing.label import font, quoted, table, tooltip
from archgraph.drawing.palette import (
    BLOCK,
    FAINT,
    FAMILIES,
    GROUP_BORDER,
    GROUPS,
    INK,
    PAPER,
    TERMINAL,
    TIMES,
    Shade,
)
from archgraph.drawing.picture import Arrow, Box, Group, Picture
from archgraph.drawing.sketch import Frame, Sketch

FONT = "Helvetica"
"""Its widths are known to every Graphviz, so that text fits its box without the font being installed."""


def dot_graph(picture: Picture, *, direction: str = "TB", legend: bool = False) -> Any:
    """The picture as a `pydot.Dot`."""
    import pydot

    graph = pydot.Dot(
        "G", graph_type="digraph", rankdir=direction, bgcolor=quoted(PAPER), fontname=FONT, compound="true",
        nodesep="0.35", ranksep="0.32", pad="0.3", labelloc="t", label=_title(picture, legend), tooltip='" "',
    )  # fmt: skip
    graph.set_node_defaults(fontname=FONT, fontsize="11", fontcolor=quoted(INK), margin='"0.12,0.06"')
    graph.set_edge_defaults(
        fontname=FONT, fontsize="9", fontcolor=quoted(FAINT), color=quoted(FAINT), arrowsize="0.65", penwidth="1.1"
    )
    for member in picture.members:
        _add(graph, member, 0, pydot)
    for arrow in picture.arrows:
        graph.add_edge(_edge(arrow, pydot))
    return graph


def dot_sketch(sketch: Sketch) -> Any:
    """The sketch as a `pydot.Dot`: a cluster for each frame, and in it the boxes, row below row."""
    import pydot

    graph = pydot.Dot(
        "G", graph_type="digraph", rankdir="TB" if sketch.downwards else "LR", bgcolor=quoted(PAPER), fontname=FONT,
        nodesep="0.16", ranksep="0.2", pad="0.1",
    )  # fmt: skip
    graph.set_node_defaults(fontname=FONT, fontsize="11", fontcolor=quoted(INK), margin='"0.1,0.04"', height="0.3")
    graph.set_edge_defaults(
        fontname=FONT, fontsize="9", fontcolor=quoted(FAINT), color=quoted(FAINT), arrowsize="0.6", penwidth="1.1"
    )
    # From left to right, Graphviz puts what is named last on top, of clusters and of rows.
    for frame in sketch.frames if sketch.downwards else reversed(sketch.frames):
        graph.add_subgraph(_framed(frame, pydot))
    return graph


def _framed(frame: Frame, pydot: Any) -> Any:
    look = {"style": '"rounded,filled"', "fillcolor": quoted(GROUPS[0]), "color": quoted(GROUP_BORDER)}
    if not frame.name:
        look = {"peripheries": "0"}
    cluster = pydot.Subgraph(quoted(f"cluster {frame.name}"), margin="10", label='""', **look)
    row_of = {box.id: number for number, row in enumerate(frame.rows) for box in row}
    for row in reversed(frame.rows):
        for box in row:
            look = {name: value for name, value in _look(box).items() if name != "tooltip"}  # a page shows none
            if box.role == "block":
                look["margin"] = '"0.12,0.09"'  # its upper edge takes room
            cluster.add_node(pydot.Node(quoted(f"{frame.name} {box.id}"), **look))
    if len(frame.rows) > 1:
        left = pydot.Subgraph(rank="same")
        for row in reversed(frame.rows):
            left.add_node(pydot.Node(quoted(f"{frame.name} {row[0].id}")))
        cluster.add_subgraph(left)
    for arrow in frame.arrows:
        edge = _edge(arrow._replace(tail=f"{frame.name} {arrow.tail}", head=f"{frame.name} {arrow.head}"), pydot)
        if row_of[arrow.tail] == row_of[arrow.head]:
            edge.set_weight("10")
        else:
            edge.set_constraint("false")
            edge.set_headport("n")
        cluster.add_edge(edge)
    return cluster


def _title(picture: Picture, legend: bool) -> str:
    rows = [font(picture.title, size=18, bold=True), font(picture.subtitle, size=10, colour=FAINT)]
    if legend:
        families = dict.fromkeys(box.family for box in picture.boxes() if box.family is not None)
        marks = [font("■", size=12, colour=FAMILIES[one].dark) + " " + font(one.value, size=10) for one in families]
        rows.append("   ".join(marks))
    return table(*rows, align="CENTER", padding=2)


def _add(parent: Any, member: Box | Group, level: int, pydot: Any) -> None:
    if isinstance(member, Box):
        parent.add_node(pydot.Node(quoted(member.id), **_look(member)))
        return
    cluster = pydot.Subgraph(
        quoted(f"cluster {member.id}"), style='"rounded,filled"', margin="14", label='""',
        fillcolor=quoted(GROUPS[level % 2]), color=quoted(GROUP_BORDER), tooltip=tooltip(member.id),
    )  # fmt: skip
    for inner in member.members:
        _add(cluster, inner, level + 1, pydot)
    parent.add_subgraph(cluster)


def _look(box: Box) -> dict[str, str]:
    shade = _shade(box)
    look = {"tooltip": tooltip(box.doc or f"{box.op} {box.title}".strip()), "color": quoted(shade.dark)}
    if box.role in ("input", "output"):
        return look | {
            "shape": "oval", "style": "filled", "fillcolor": quoted(shade.light), "margin": '"0.08,0.04"',
            "height": "0.4", "label": table(font(box.title, bold=True), align="CENTER"),
            "peripheries": "1" if box.role == "input" else "2",
        }  # fmt: skip
    if box.role == "head":
        frame = {"shape": "box", "style": '"rounded,filled"', "color": quoted(GROUP_BORDER)}
        return look | frame | {"fillcolor": quoted(PAPER), "label": _card(box, shade)}
    style = "rounded,filled,dashed" if box.sometimes else "rounded,filled"
    return look | {
        "shape": "box3d" if box.role == "block" else "box", "style": quoted(style), "penwidth": "1.4",
        "fillcolor": quoted(shade.light), "label": _card(box, shade),
    }  # fmt: skip


def _card(box: Box, shade: Shade) -> str:
    title = font(box.title, size=12, bold=True)
    if box.op:
        title += "  " + font(box.op, size=11, colour=shade.dark)
    if box.times:
        title += "  " + font(box.times, size=13, colour=TIMES, bold=True)
    body = [font(line, size=9.5) for line in box.lines]
    return table(title, *body, font(box.footer, size=9, colour=FAINT) if box.footer else "")


def _shade(box: Box) -> Shade:
    if box.role in ("input", "output"):
        return TERMINAL
    return BLOCK if box.family is None else FAMILIES[box.family]


def _edge(arrow: Arrow, pydot: Any) -> Any:
    look = {"label": quoted(f" {arrow.label} "), "tooltip": quoted(arrow.label)} if arrow.label else {}
    if arrow.sometimes:
        look["style"] = "dashed"
    return pydot.Edge(quoted(arrow.tail), quoted(arrow.head), **look)
