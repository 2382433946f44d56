"""What has been edited and not yet saved, kept in the workspace so that a reload or a crash loses nothing."""

import json
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archgraph.diagnostics import GraphError
from archgraph.document.files import remove, write_atomically
from archgraph.document.layout import Layout
from archgraph.document.reader import Document, read, read_file
from archgraph.studio.session import Session
from archgraph.studio.workspace import Workspace

SECONDS: Final = 1.0
"""At most this long after an edit its draft is written."""
LIVING: Final = 20.0
"""A draft written at most this many seconds ago may be that of a page that is still open."""
OLDEST: Final = 30 * 86_400
MOST: Final = 50
_KEY = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Draft:
    """An unsaved document."""

    key: str
    name: str
    title: str
    saved: str
    """The text it began from."""
    value: Any
    layout: Layout
    written: float

    def session(self, workspace: Workspace, identity: int) -> Session:
        """The document, open as it was."""
        folder = workspace.path(self.name).resolve().parent if self.name else workspace.root
        made = Session(read(self.saved, self.name), self.layout, self.name, folder, identity, self.value)
        made.saved_layout = workspace.layout(self.name) if self.name else Layout()
        return made


def new_key() -> str:
    """A name for a person's drafts that nobody guesses."""
    return secrets.token_hex(8)


@dataclass
class Drafts:
    """The drafts of one person: the last edit wins, and is written soon after it was made."""

    workspace: Workspace
    key: str

    def __post_init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: str | None = None
        self._timer: threading.Timer | None = None

    def keep(self, session: Session) -> None:
        """Remember the document as it is now; forget it if it is as saved."""
        untouched = not session.dirty or (not session.name and session.value is session.saved.value)
        content = "" if untouched else _content(session)
        with self._guard:
            self._waiting = content
            if self._timer is None:
                self._timer = threading.Timer(SECONDS, self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Write what was kept last, now."""
        with self._guard:
            content, self._waiting, self._timer = self._waiting, None, None
        if content is None:
            return
        path = _path(self.workspace, self.key)
        if content:
            write_atomically(path, content)
        else:
            remove(path)

    def forget(self) -> None:
        """There is nothing to recover any more."""
        with self._guard:
            self._waiting = None
        remove(_path(self.workspace, self.key))


def recovered(workspace: Workspace, key: str) -> Draft | None:
    """The draft of that key; None where there is none that can be read."""
    if not _KEY.fullmatch(key):
        return None
    path = _path(workspace, key)
    try:
        draft = _read(path) if path.is_file() else None
        if draft is not None:
            draft.session(workspace, 0)
    except (GraphError, AttributeError, KeyError, TypeError, ValueError, OSError):
        return None
    return draft


def abandoned(workspace: Workspace, mine: str) -> list[Draft]:
    """Drafts that no open page is likely to write to, the newest first. Very old ones are removed."""
    now = time.time()
    found = []
    for path in sorted(workspace.private("drafts").glob("*.json"), key=lambda one: -one.stat().st_mtime)[:MOST]:
        age = now - path.stat().st_mtime
        if age > OLDEST:
            remove(path)
        elif path.stem != mine and age > LIVING:
            draft = recovered(workspace, path.stem)
            found += [draft] if draft is not None else []
    return found


def discard(workspace: Workspace, key: str) -> None:
    """Remove a draft for good."""
    if _KEY.fullmatch(key):
        remove(_path(workspace, key))


def _path(workspace: Workspace, key: str) -> Path:
    return workspace.private("drafts") / f"{key}.json"


def _content(session: Session) -> str:
    pinned = {path: list(place) for path, place in session.layout.pinned.items()}
    return json.dumps(
        {"name": session.name, "title": session.title, "saved": session.saved.text, "value": session.value,
         "pinned": pinned},
        ensure_ascii=False,
    )  # fmt: skip


def _read(path: Path) -> Draft:
    document: Document = read_file(path)
    held = document.value
    if not isinstance(held["value"], Mapping):
        raise TypeError("no graph file")
    pinned = {str(key): (int(x), int(y)) for key, (x, y) in held["pinned"].items()}
    return Draft(
        path.stem, str(held["name"]), str(held["title"]), str(held["saved"]), held["value"], Layout(pinned),
        path.stat().st_mtime,
    )  # fmt: skip
