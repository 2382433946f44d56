"""One folder of graphs, experiments and runs: nothing outside is read or written, no update of a file is lost."""

import fcntl
import hashlib
import itertools
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
LONGEST_NAME: Final = 200
"""Bytes of each part of a path; systems allow 255, and temporary files have longer names."""
LONGEST_STEM: Final = 100


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
        if not writable(name) or any(len(part.encode()) > LONGEST_NAME for part in given.parts):
            raise refused(name, f"a name has at most {LONGEST_NAME} bytes, all of them Unicode text")
        if any(part.startswith(".") for part in given.parts):
            raise refused(name, "hidden files and folders are not opened")
        found = self.root / given
        self._need_inside(found, name)
        if found.exists() and not (found.is_file() or found.is_dir()):
            raise refused(name, "it is a device or a pipe, no file")
        return found

    def _need_inside(self, path: Path, name: str) -> None:
        try:
            inside = path.resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError):  # links in a circle
            inside = False
        if not inside:
            raise refused(name, "it leads out of the workspace")

    def files(self, ending: str = GRAPH) -> list[str]:
        """Names of the files with that ending, those of runs left out."""
        found = itertools.islice(self._walk(self.root, ending, 0), MOST_FILES)
        return [path.relative_to(self.root).as_posix() for path in found]

    def runs(self) -> list[Path]:
        """The run folders, the newest first. Raises `GraphError` (AG109) where ``runs`` leads out of the root."""
        runs = self.path("runs")
        found = [path for path in runs.glob("*") if path.is_dir() and not path.is_symlink() and writable(path.name)]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)

    def _walk(self, folder: Path, ending: str, depth: int) -> Iterator[Path]:
        if depth > DEEPEST or (folder / RUN_MARK).is_file():
            return
        try:
            entries = sorted(folder.iterdir(), key=lambda one: (one.is_dir(), one.name))
        except OSError:  # it may not be read, or has just been removed
            return
        for entry in entries:
            if entry.name.startswith(".") or entry.name in SKIPPED or entry.is_symlink() or not writable(entry.name):
                continue
            if entry.is_dir():
                yield from self._walk(entry, ending, depth + 1)
            elif entry.name.endswith(ending) and entry.is_file():
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

    def save(
        self, name: str, text: str, layout: Layout, expected: Document | None, before: Layout | None = None
    ) -> Document:
        """Write a graph file and its layout, unless the file is not what `expected` says it is.

        Args:
            name: where to.
            text: the new content.
            layout: where nodes stand.
            expected: the file as it was opened or last saved; None: there must be none.
            before: where nodes stood then: what others have moved since stays where they put it.

        Raises:
            Changed: somebody else has written the file since, or removed it.
            GraphError: the file cannot be written (AG109).
        """
        path = self.path(name)
        if not path.name.endswith(GRAPH):
            raise refused(name, f"the name of a graph file ends in {GRAPH}")
        document = read(text, str(path))
        self._make_folder(path, name)
        with self.locked(name):
            self._need(path, expected)
            if expected is None or stamp(expected.text) != stamp(text):
                write_atomically(path, text)
            self._write_layout(path, layout if before is None else moved(before, layout, self.layout(name)))
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

    def write(self, name: str, content: bytes | str, expected: Document | None = None) -> Path:
        """Write an experiment or another file, whole; unless it is not what `expected` says it is. Raises `Changed`."""
        path = self.path(name)
        self._make_folder(path, name)
        with self.locked(name):
            if expected is not None:
                self._need(path, expected)
            write_atomically(path, content)
        return path

    def _make_folder(self, path: Path, name: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(name, f"its folder cannot be made: {error.strerror}") from None

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
        """A folder of the studio's own. Raises `GraphError` (AG109) where it leads out of the root."""
        folder = self.root / PRIVATE / name
        self._need_inside(folder, PRIVATE)
        folder.mkdir(parents=True, exist_ok=True)
        ignore = self.root / PRIVATE / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "utf-8")
        return folder

    def free(self, wish: str, ending: str = GRAPH) -> str:
        """A name like `wish` that no file has yet."""
        stem = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in wish).strip("_") or "graph"
        stem = stem[:LONGEST_STEM]
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


def moved(before: Layout, mine: Layout, theirs: Layout) -> Layout:
    """Their layout with everything moved that I have moved since `before`."""
    pinned = dict(theirs.pinned)
    for path in before.pinned.keys() | mine.pinned.keys():
        place = mine.pinned.get(path)
        if place == before.pinned.get(path):
            continue
        if place is None:
            pinned.pop(path, None)
        else:
            pinned[path] = place
    return Layout(pinned)


def writable(name: str) -> bool:
    """Whether a name is Unicode text; names on a disk need not be."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def stamp(text: str) -> str:
    """Tells one content from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def experiment_of(name: str) -> str:
    """The experiment that stands beside a graph."""
    return name.removesuffix(GRAPH) + EXPERIMENT


def refused(name: str, why: str) -> GraphError:
    """A complaint about the name of a file."""
    return GraphError([Diagnostic("AG109", "", f"cannot use the file: {why}", "", file=name)])
