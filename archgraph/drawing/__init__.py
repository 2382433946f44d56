"""ShapedGraph -> a picture (SVG, PNG or DOT), rolled or expanded, without TensorFlow."""

from os import PathLike
from typing import Any, Final, Literal

from archgraph.analysis import ShapedGraph, infer
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.drawing.dot import dot_graph, dot_sketch
from archgraph.drawing.graphviz import drawn
from archgraph.drawing.picture import Picture, picture
from archgraph.drawing.sketch import Sketch, sketch
from archgraph.graph import Graph

__all__ = ["FORMATS", "Picture", "Sketch", "picture", "render", "sketch"]

Format = Literal["svg", "png", "dot"]
Direction = Literal["TB", "LR"]
FORMATS: Final[tuple[Format, ...]] = ("svg", "png", "dot")
_SHARPNESS: Final = {"png": "144"}
"""Dots an inch; other formats have none."""


def render(
    graph: Graph | ShapedGraph,
    path: str | PathLike[str] | None = None,
    *,
    format: Format | None = None,
    expanded: bool = False,
    depth: int | None = None,
    once: bool = True,
    direction: Direction = "TB",
    legend: bool = False,
    compact: bool = False,
) -> bytes:
    """Draw a graph: one box a node with what distinguishes it, every edge with its shape, blocks as frames.

    The same graph always gives the same picture. Names and docs of the file appear as text, never as markup.

    Args:
        graph: a graph; shapes are inferred if that has not been done.
        path: a file to write as well, whole or not at all.
        format: ``svg``, ``png`` or ``dot``; by default the ending of `path`, else ``svg``.
        expanded: draw every primitive and every copy; otherwise a repeated block is drawn once, with ``×n``.
        depth: how many levels of blocks to draw open; None: all. With 0 each block is one box.
        once: draw a block open only where it is used first, and as one box elsewhere; means nothing with `expanded`.
        direction: ``TB`` from top to bottom, ``LR`` from left to right.
        legend: name the colours of the families below the title.
        compact: draw small, in rows as wide as a page: closed boxes with the shape that leaves them, and below them
            each block once, open. `expanded`, `depth`, `once`, `direction` and `legend` then mean nothing.

    Returns:
        The content of the file.

    Raises:
        GraphError: the graph is refused, the picture would be too large (AG501), Graphviz is missing or fails (AG901),
            or `path` cannot be written (AG109).
        ValueError: `format` or `direction` is none of these.
    """
    chosen = format or _format(path)
    if chosen not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {chosen!r}")
    if direction not in ("TB", "LR"):
        raise ValueError(f"direction must be TB or LR, got {direction!r}")
    shaped = graph if isinstance(graph, ShapedGraph) else infer(graph)
    if compact:
        dot = dot_sketch(sketch(shaped))
    else:
        dot = dot_graph(picture(shaped, expanded=expanded, depth=depth, once=once), direction=direction, legend=legend)
    if chosen in _SHARPNESS:
        dot.set_dpi(_SHARPNESS[chosen])
    content = dot.to_string().encode() if chosen == "dot" else _drawn(dot, chosen)
    if path is not None:
        from archgraph.document.files import write_atomically

        write_atomically(path, content)
    return content


def _drawn(dot: Any, chosen: str) -> bytes:
    """The picture. Graphviz sometimes finds no way for a curve ("triangulation failed"), but always for a line."""
    try:
        return drawn(dot.to_string(), chosen)
    except GraphError:
        dot.set_splines("line")
        return drawn(dot.to_string(), chosen)


def _format(path: str | PathLike[str] | None) -> str:
    if path is None:
        return "svg"
    from pathlib import Path

    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        hint = f"end the name in {', '.join('.' + one for one in FORMATS)}, or say which format"
        raise GraphError([Diagnostic("AG109", "", f"no picture format is called {ending!r}", hint, file=str(path))])
    return ending
