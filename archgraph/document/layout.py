"""NAME.layout.json: where the nodes that somebody has placed by hand stand on the canvas."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Final

from archgraph.diagnostics import Diagnostic, GraphError, Rejected, nearest
from archgraph.document.files import remove, write_atomically
from archgraph.document.form import IDENTIFIER
from archgraph.document.reader import Document, read_file
from archgraph.document.scanner import step
from archgraph.document.writer import KeyOrder, canonical
from archgraph.kinds import Integer, ListOf, shown

FARTHEST: Final = 1_000_000
"""Largest coordinate, in either direction."""
VERSION: Final = 1
"""The version of the form of layout files."""

Place = tuple[int, int]

_PATH = re.compile(rf"{IDENTIFIER}(/{IDENTIFIER})?")
_POSITION = ListOf(Integer(-FARTHEST, FARTHEST), shortest=2, longest=2)
_KEYS = ("layout", "pinned")
LAYOUT_ORDER: Final = KeyOrder(keys={"": _KEYS}, spread=frozenset({"", "/pinned"}))
"""One pinned node a line."""


@dataclass(frozen=True)
class Layout:
    """Pinned nodes by path: ``node``, or ``block/node`` inside a block; ``(x, y)`` on the integer grid, y downwards."""

    pinned: Mapping[str, Place] = field(default_factory=dict)

    def pin(self, path: str, place: Place) -> "Layout":
        """With the node at `path` pinned at `place`."""
        return Layout({**self.pinned, path: place})

    def unpin(self, path: str) -> "Layout":
        """With the node at `path` left to the automatic layout."""
        return Layout({other: place for other, place in self.pinned.items() if other != path})

    def prune(self, paths: Collection[str]) -> "Layout":
        """Without the nodes that are not among `paths`."""
        return Layout({path: place for path, place in self.pinned.items() if path in paths})

    def rename(self, old: str, new: str) -> "Layout":
        """With the node at `old` at the path `new`."""
        return Layout({new if path == old else path: place for path, place in self.pinned.items()})

    def rename_block(self, old: str, new: str) -> "Layout":
        """With the nodes inside the block `old` inside a block `new`."""
        inside = f"{old}/"
        return Layout(
            {
                f"{new}/{path.removeprefix(inside)}" if path.startswith(inside) else path: place
                for path, place in self.pinned.items()
            }
        )


def sidecar(graph: str | PathLike[str]) -> Path:
    """The layout file of a graph file: ``NAME.layout.json`` beside ``NAME.graph.json``."""
    path = Path(graph)
    return path.with_name(path.name.removesuffix(".json").removesuffix(".graph") + ".layout.json")


def read_layout(graph: str | PathLike[str]) -> Layout:
    """The layout of a graph file; empty where there is none. Raises `GraphError` with every fault of the file."""
    path = sidecar(graph)
    return parse_layout(read_file(path)) if path.exists() else Layout()


def write_layout(graph: str | PathLike[str], layout: Layout) -> None:
    """Write the layout of a graph file in canonical form; without pinned nodes the file goes. AG109 as `GraphError`."""
    path = sidecar(graph)
    if layout.pinned:
        write_atomically(path, layout_text(layout))
    else:
        remove(path)


def layout_text(layout: Layout) -> str:
    """The canonical text: one node a line, sorted by path, so that two people's pins merge."""
    pinned = {path: list(layout.pinned[path]) for path in sorted(layout.pinned)}
    return canonical({"layout": VERSION, "pinned": pinned}, LAYOUT_ORDER)


def parse_layout(document: Document) -> Layout:
    """The layout that a document holds. Raises `GraphError` with every fault."""
    found: list[Diagnostic] = []
    pinned = _pinned(_checked_top(document.value, found), found)
    if found:
        raise GraphError(document.place(found))
    return Layout(pinned)


def _checked_top(value: Any, found: list[Diagnostic]) -> Any:
    """The pinned nodes, unchecked."""
    if not isinstance(value, Mapping):
        found.append(Diagnostic("AG202", "", f"must be an object, got {shown(value)}"))
        return {}
    for key in value:
        if key not in _KEYS:
            found.append(Diagnostic("AG203", step(key), f"unknown key {shown(key)}", nearest(key, _KEYS)))
    if "layout" not in value:
        found.append(Diagnostic("AG204", "", "needs 'layout', the version of the form", f'write "layout": {VERSION}'))
    elif value["layout"] != VERSION or isinstance(value["layout"], bool):
        found.append(Diagnostic("AG207", "/layout", f"must be {VERSION}, got {shown(value['layout'])}"))
    return value.get("pinned", {})


def _pinned(value: Any, found: list[Diagnostic]) -> dict[str, Place]:
    if not isinstance(value, Mapping):
        found.append(Diagnostic("AG202", "/pinned", f"must be an object, got {shown(value)}"))
        return {}
    pinned = {}
    for path, place in value.items():
        pointer = "/pinned" + step(path)
        if not _PATH.fullmatch(path):
            message = f"must be the path of a node, node or block/node, got {shown(path)}"
            found.append(Diagnostic("AG206", pointer, message))
        try:
            pinned[path] = _POSITION.check(place)
        except Rejected as rejected:
            found.append(rejected.at(pointer))
    return pinned
