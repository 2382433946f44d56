"""One folder of graphs, experiments and runs: nothing outside is read or written, no update of a file is lost."""

import fcntl
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import remove, write_atomically
from archgraph.document.layout import Layout, layout_text, parse_layout, sidecar
from archgraph.document.reader import LARGEST_FILE, Document, read, read_file
from archgraph.editing.templates import EXPERIMENT, GRAPH

PRIVATE: Final = ".archgraph"
"""The folder for drafts and locks, below the root."""
SKIPPED: Final = frozenset({"node_modules", "site-packages", "__pycache__"})
RUN_MARK: Final = "resolved.json"
DEEPEST: Final = 6
MOST_FILES: Final = 2_000


class Changed(Exception):  # noqa: N818 - it says what happened to the file
    """The file is not what it was when it was opened."""

    def __init__(self, document: Document | None) -> None:
        """`document` is what the file holds now; None: it is gone."""
        super().__init__("the file has changed on disk")
        self.document = document


@dataclass(frozen=True)
class Workspace:
    """A folder and all below it."""

    root: Path

    def path(self, name: str) -> Path:
        """The file called `name` below the root. Raises `GraphError` (AG109) for what would lead out of it."""
        given = Path(name)
        if not name or "\0" in name or "\\" in name or given.is_absolute() or ".." in given.parts:
            raise refused(name, "a path below the workspace is needed, without '..'")
        found = self.root / given
        if not found.resolve().is_relative_to(self.root.resolve()):
            raise refused(name, "it leads out of the workspace")
        if any(part.startswith(".") for part in given.parts):
            raise refused(name, "hidden files and folders are not opened")
        return found

    def files(self, ending: str = GRAPH) -> list[str]:
        """Names of the files with that ending, those of runs left out."""
        return [path.relative_to(self.root).as_posix() for path in self._walk(self.root, ending, 0)]

    def runs(self) -> list[Path]:
        """The run folders, the newest first."""
        found = [path for path in (self.root / "runs").glob("*") if path.is_dir() and not path.is_symlink()]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)

    def _walk(self, folder: Path, ending: str, depth: int) -> Iterator[Path]:
        if depth > DEEPEST or (folder / RUN_MARK).is_file():
            return
        for entry in sorted(folder.iterdir(), key=lambda one: (one.is_dir(), one.name)):
            if entry.name.startswith(".") or entry.name in SKIPPED or entry.is_symlink():
                continue
            if entry.is_dir():
                yield from self._walk(entry, ending, depth + 1)
            elif entry.name.endswith(ending):
                yield entry

    # ---- graphs

    def open(self, name: str) -> tuple[Document, Layout]:
        """A graph file and its layout. Raises `GraphError` with every fault of the text."""
        path = self.path(name)
        return read_file(path), self.layout(name)

    def layout(self, name: str) -> Layout:
        """The layout of a graph file; empty where it has none, or one that cannot be read."""
        path = sidecar(self.path(name))
        try:
            return parse_layout(read_file(path)) if path.is_file() else Layout()
        except GraphError:
            return Layout()

    def save(self, name: str, text: str, layout: Layout, expected: Document | None) -> Document:
        """Write a graph file and its layout, unless the file is not what `expected` says it is.

        Args:
            name: where to.
            text: the new content.
            layout: where nodes stand.
            expected: the file as it was opened or last saved; None: there must be none.

        Raises:
            Changed: somebody else has written the file since, or removed it.
            GraphError: the file cannot be written (AG109).
        """
        path = self.path(name)
        if not path.name.endswith(GRAPH):
            raise refused(name, f"the name of a graph file ends in {GRAPH}")
        document = read(text, str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.locked(name):
            self._need(path, expected)
            if expected is None or stamp(expected.text) != stamp(text):
                write_atomically(path, text)
            self._write_layout(path, layout)
        return document

    def _need(self, path: Path, expected: Document | None) -> None:
        if not path.exists():
            if expected is not None:
                raise Changed(None)
            return
        now = path.read_bytes()[: LARGEST_FILE + 1]
        if expected is None or stamp(expected.text) != hashlib.sha256(now).hexdigest():
            raise Changed(read_file(path))

    def _write_layout(self, path: Path, layout: Layout) -> None:
        target = sidecar(path)
        if not layout.pinned:
            remove(target)
        elif not target.is_file() or target.read_text("utf-8") != layout_text(layout):
            write_atomically(target, layout_text(layout))

    def changed(self, name: str, document: Document) -> bool:
        """Whether the file differs from `document`; gone counts as different."""
        try:
            return hashlib.sha256(self.path(name).read_bytes()).hexdigest() != stamp(document.text)
        except OSError:
            return True

    def write(self, name: str, text: str) -> Path:
        """Write an experiment or another file of the workspace, whole."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.locked(name):
            write_atomically(path, text)
        return path

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Nobody else writes the file called `name` meanwhile, in this process or another."""
        folder = self.private("locks")
        key = hashlib.sha256(str(self.path(name)).encode()).hexdigest()[:24]
        with _lock(key), (folder / key).open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(stream, fcntl.LOCK_UN)

    def private(self, name: str) -> Path:
        """A folder of the studio's own."""
        folder = self.root / PRIVATE / name
        folder.mkdir(parents=True, exist_ok=True)
        ignore = self.root / PRIVATE / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "utf-8")
        return folder

    def free(self, wish: str, ending: str = GRAPH) -> str:
        """A name like `wish` that no file has yet."""
        stem = "".join(c if c.isalnum() or c in "_-" else "_" for c in wish).strip("_") or "graph"
        number, name = 1, f"{stem}{ending}"
        while self.path(name).exists():
            number += 1
            name = f"{stem}_{number}{ending}"
        return name


_LOCKS: dict[str, threading.Lock] = {}
_LOCKS_GUARD = threading.Lock()


def _lock(key: str) -> threading.Lock:
    with _LOCKS_GUARD:
        return _LOCKS.setdefault(key, threading.Lock())


def stamp(text: str) -> str:
    """Tells one content from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def experiment_of(name: str) -> str:
    """The experiment that stands beside a graph."""
    return name.removesuffix(GRAPH) + EXPERIMENT


def refused(name: str, why: str) -> GraphError:
    """A complaint about the name of a file."""
    return GraphError([Diagnostic("AG109", "", f"cannot use the file: {why}", "", file=name)])
