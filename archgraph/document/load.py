"""Files -> Graph: variants, imports inside the project folder, and the block library."""

import functools
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from archgraph.diagnostics import Diagnostic, GraphError, Rejected, nearest
from archgraph.document import form
from archgraph.document.parse import Parser, Scope
from archgraph.document.reader import read, read_file
from archgraph.document.whole import block_file, whole_graph
from archgraph.graph import Block, Graph, Source
from archgraph.kinds import shown

MAXIMUM_IMPORTS = 64
"""Largest number of files that one graph may draw blocks from."""

PROJECT_MARKS = (".git", "pyproject.toml", ".archgraph")


def load_graph(reference: str | Path, params: Mapping[str, Any] | None = None) -> Graph:
    """The graph of a file, ``FILE`` or ``FILE#VARIANT``, with `params` set on top.

    Raises:
        GraphError: the file, one it imports, or the variant is refused; holds every finding.
    """
    path, _, variant = str(reference).partition("#")
    document = read_file(path)
    return chosen(parse(document, folder=Path(path).resolve().parent), document.file, variant, params or {})


def load_text(text: str | bytes, params: Mapping[str, Any] | None = None, *, file: str = "<graph>") -> Graph:
    """The graph of a text. Imports are refused, since a text has no folder."""
    return chosen(parse(read(text, file)), file, "", params or {})


def chosen(graph: Graph, file: str, variant: str, params: Mapping[str, Any]) -> Graph:
    """`graph` with a variant (the empty name: the first) and parameters set."""
    if variant:
        if variant not in graph.variants:
            known = ", ".join(graph.variants) or "none"
            hint = nearest(variant, graph.variants)
            raise GraphError(
                [Diagnostic("AG411", "/variants", f"no variant {shown(variant)}; known: {known}", hint, file=file)]
            )
        graph = graph.variant(variant)
    unknown = [name for name in params if name not in graph.params]
    if unknown:
        known = ", ".join(graph.params) or "none"
        raise GraphError(
            Diagnostic("AG401", "/params", f"the file has no parameter {shown(name)}; known: {known}",
                       nearest(name, graph.params), file=file)
            for name in unknown
        )  # fmt: skip
    return graph.bind(**params)


class Holder(Source, Protocol):
    """Whatever holds the value of a file: a document, or one that is being edited and has no text yet."""

    @property
    def value(self) -> Any:
        """The JSON value."""


def parse(document: Holder, *, folder: Path | None = None) -> Graph:
    """The graph that a document holds; `folder` is where its imports are looked for.

    Raises:
        GraphError: with every finding, placed.
    """
    parser = Parser(document, "")
    return whole_graph(parser, document.value, _reach(parser, document, folder))


def check_blocks(document: Holder, *, folder: Path | None = None) -> Mapping[str, Block]:
    """The blocks of a file that holds nothing else, or `GraphError` with every finding, placed."""
    parser = Parser(document, "")
    return block_file(parser, document.value, _reach(parser, document, folder))


def _reach(parser: Parser, document: Holder, folder: Path | None) -> Callable[[dict[str, Block]], Mapping[str, Scope]]:
    imports = Imports(folder)

    def scopes(blocks: dict[str, Block]) -> Mapping[str, Scope]:
        names = document.value.get("imports", []) if isinstance(document.value, dict) else []
        return imports.scopes(parser, names, blocks)

    return scopes


class Imports:
    """Follows the ``imports`` of files, each read once, all inside one project folder."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` holds the importing file; None forbids imports."""
        self.folder = folder
        self._reach: dict[str, Scope] = {}

    def scopes(self, parser: Parser, names: Any, blocks: dict[str, Block]) -> Mapping[str, Scope]:
        """All blocks in reach of `blocks`' file and of every file it draws on, by scope."""
        self._reach[""] = {**library(), **self._imported(parser, names, self.folder), **blocks}
        return {**library_scopes(), **self._reach}

    def _imported(self, parser: Parser, names: Any, folder: Path | None) -> dict[str, Block]:
        if not isinstance(names, list):
            parser.report(Rejected("AG202", f"must be a list of file names, got {shown(names)}"), "/imports")
            return {}
        found: dict[str, Block] = {}
        for position, name in enumerate(names):
            try:
                path = self._path(name, folder)
                fresh = self._file(path)
                for block in fresh:
                    if block in found:
                        raise Rejected("AG410", f"the block {block!r} is imported twice", hint="rename one of them")
                found |= fresh
            except Rejected as rejected:
                parser.report(rejected, f"/imports/{position}")
        return found

    def _path(self, name: Any, folder: Path | None) -> Path:
        relative = str(form.IMPORT.check(name))
        if folder is None or self.folder is None:
            raise Rejected("AG410", "a text without a folder cannot import", hint="save it to a file and load that")
        if Path(relative).is_absolute():
            raise Rejected("AG410", f"must be relative, got {shown(name)}")
        path = (folder / relative).resolve()
        root = project_folder(self.folder)
        if not path.is_relative_to(root):
            raise Rejected(
                "AG410", f"{shown(name)} lies outside the project folder", hint=f"the project is {root.name}/"
            )
        return path

    def _file(self, path: Path) -> dict[str, Block]:
        """The blocks that a file defines itself."""
        scope = str(path)
        if scope in self._reach:
            return {name: block for name, block in self._reach[scope].items() if block.scope == scope}
        if len(self._reach) >= MAXIMUM_IMPORTS:
            raise Rejected("AG410", f"more than {MAXIMUM_IMPORTS} files are imported")
        document = read_file(path)
        if not isinstance(document.value, dict):
            raise GraphError(document.place([Rejected("AG202", "a graph file holds one object").at("")]))
        parser = Parser(document, scope)
        blocks = parser.blocks(document.value.get("blocks", {}))
        self._reach[scope] = blocks  # before following its imports, so that a circle of imports ends
        imported = self._imported(parser, document.value.get("imports", []), path.parent)
        if parser.found:
            raise GraphError(document.place(parser.found))
        self._reach[scope] = {**library(), **imported, **blocks}
        return blocks


def project_folder(folder: Path) -> Path:
    """The nearest folder, from `folder` upwards, that holds a project mark; else `folder` itself."""
    for candidate in (folder, *folder.parents):
        if any((candidate / mark).exists() for mark in PROJECT_MARKS):
            return candidate
    return folder


@functools.cache
def library_scopes() -> Mapping[str, Scope]:
    """The scopes of the library's files. A library file sees its own blocks and the rest of the library."""
    files = sorted(
        (entry for entry in resources.files("archgraph.library").iterdir() if entry.name.endswith(".graph.json")),
        key=lambda entry: entry.name,
    )
    own: dict[str, dict[str, Block]] = {}
    for entry in files:
        document = read(entry.read_text(encoding="utf-8"), f"library/{entry.name}")
        parser = Parser(document, f"library/{entry.name}")
        own[parser.scope] = parser.blocks(document.value["blocks"])
        if parser.found:
            raise GraphError(document.place(parser.found))
    everything = {name: block for blocks in own.values() for name, block in blocks.items()}
    return {scope: {**everything, **blocks} for scope, blocks in own.items()}


@functools.cache
def library() -> Scope:
    """Every block that ships with the package."""
    scopes = library_scopes()
    return {name: block for scope, blocks in scopes.items() for name, block in blocks.items() if block.scope == scope}
