"""What one person has on the desk: the workspace, the open document, the draft of it, notices to show."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import streamlit as st

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.layout import Layout
from archgraph.document.order import ORDER
from archgraph.document.reader import read
from archgraph.document.writer import canonical
from archgraph.editing.merging import Merged, merge, with_theirs
from archgraph.editing.templates import GRAPH, alone, templates
from archgraph.studio.drafts import Drafts, new_key, recovered
from archgraph.studio.session import Session
from archgraph.studio.wording import plain
from archgraph.studio.workspace import Changed, Workspace

ROOT: Final = "ARCHGRAPH_WORKSPACE"
"""The environment variable that names the workspace; the working folder without it."""
EMPTY: Final[Mapping[str, Any]] = {"archgraph": 1, "name": "untitled", "inputs": {}, "nodes": {}, "outputs": {}}


@dataclass
class Desk:
    """The state of one browser page; no other page sees it."""

    workspace: Workspace
    drafts: Drafts
    session: Session | None = None
    opened: int = 0
    """Documents opened so far: each has its number."""
    notices: list[tuple[str, str]] = field(default_factory=list)
    """Kind (success, warning, error) and Markdown, shown once."""
    conflict: Changed | None = None
    """What a save has run into."""

    def show(self, session: Session) -> None:
        """Put a document on the desk in place of the one that lies there."""
        self.session = session
        self.conflict = None
        self.drafts.keep(session)

    def number(self) -> int:
        """The number of the next document."""
        self.opened += 1
        return self.opened

    def open(self, name: str) -> None:
        """Open a file of the workspace. Raises `GraphError`."""
        document, layout = self.workspace.open(name)
        if not isinstance(document.value, Mapping):
            raise GraphError([Diagnostic("AG202", "", "a graph file holds one object")])
        folder = self.workspace.path(name).resolve().parent
        self.show(Session(document, layout, name, folder, self.number()))

    def begin(self, template: str, name: str) -> None:
        """A new document from a template; an empty one without."""
        value: Mapping[str, Any] = EMPTY
        if template:
            path = templates()[template]
            value = {key: item for key, item in alone(read(path.read_bytes(), str(path)).value, path).items()
                     if key != "$schema"}  # fmt: skip
        stem = name.rpartition("/")[2].removesuffix(GRAPH)
        text = canonical({**value, "name": stem or str(value["name"])}, ORDER)
        document = read(text, name)
        made = Session(document, Layout(), "", self.workspace.root, self.number())
        made.wish = name
        self.show(made)

    def receive(self, name: str, data: bytes) -> None:
        """A new document from an uploaded file. Raises `GraphError` with every fault of the text."""
        document = read(data, name)
        if not isinstance(document.value, Mapping):
            raise GraphError([Diagnostic("AG202", "", "a graph file holds one object")])
        made = Session(document, Layout(), "", self.workspace.root, self.number())
        made.wish = self.workspace.free(Path(name).name.removesuffix(".json").removesuffix(".graph"))
        self.show(made)

    def save(self, name: str = "") -> bool:
        """Write the document to its file, or to another; False where it has changed on disk meanwhile."""
        session = self.session
        assert session is not None
        target = name or session.name
        known = target == session.name
        try:
            document = self.workspace.save(
                target, session.text(), session.layout, session.saved if known else None,
                session.saved_layout if known else None,
            )  # fmt: skip
        except Changed as changed:
            self.conflict = changed
            session.changed_on_disk = known
            return False
        session.layout = self.workspace.layout(target)
        session.settle(document, target, self.workspace.path(target).resolve().parent)
        self.conflict = None
        self.drafts.keep(session)
        return True

    def contradictions(self) -> Merged:
        """My document and the one that the file holds by now, put together."""
        assert self.session is not None and self.conflict is not None and self.conflict.document is not None
        return merge(self.session.saved.value, self.session.value, self.conflict.document.value)

    def join(self, theirs: Sequence[str] = ()) -> bool:
        """Put both sets of changes together and save; of contradictions, those at `theirs` are settled their way."""
        value = with_theirs(self.contradictions(), theirs)
        assert self.session is not None and self.conflict is not None and self.conflict.document is not None
        self.session.saved = self.conflict.document
        self.session.replace(value)
        return self.save()

    def step_aside(self) -> None:
        """Leave the file to the others; mine will be saved under another name."""
        assert self.session is not None
        self.conflict = None
        self.session.wish = self.workspace.free(self.session.name.removesuffix(GRAPH).rpartition("/")[2])
        self.session.name, self.session.changed_on_disk = "", False

    def notify(self, kind: str, text: str) -> None:
        """Show a notice when the page is drawn next."""
        self.notices.append((kind, text))


def desk() -> Desk:
    """The desk of this page; a reloaded page finds its draft again by the key in its address."""
    state = st.session_state
    if "desk" not in state:
        workspace = Workspace(Path(os.environ.get(ROOT, ".")).resolve())
        key = st.query_params.get("draft", "")
        draft = recovered(workspace, key)
        known = draft.key if draft is not None else new_key()
        made = Desk(workspace, Drafts(workspace, known))
        if draft is not None:
            made.session = draft.session(workspace, made.number())
            made.notify("success", "Your unsaved changes are back.")
        else:
            _open_named(made)
        state["desk"] = made
        st.query_params["draft"] = known
    found = state["desk"]
    assert isinstance(found, Desk)
    return found


def _open_named(made: Desk) -> None:
    """Open the file that the address names, if it names one."""
    name = st.query_params.get("file", "")
    if not name:
        return
    try:
        made.open(name)
    except GraphError as error:
        made.notify("error", f"The file in the address could not be opened: {plain(error.diagnostics[0].message)}")
