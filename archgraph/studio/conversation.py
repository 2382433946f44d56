"""What the canvas says to a desk, and what it is told."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from archgraph.diagnostics import GraphError
from archgraph.editing import catalogue as editing_catalogue
from archgraph.editing.places import OUTPUT
from archgraph.studio.answers import ANSWERS, marked
from archgraph.studio.cards import catalogue_message
from archgraph.studio.desk import Desk
from archgraph.studio.inspecting import inspected
from archgraph.studio.session import Reply, Session
from archgraph.studio.view import view

SAVE_AS: Final = "save as"
"""The key under which it is noted that a name for the file must be asked for."""


def take(here: Desk, said: Mapping[str, Any]) -> None:
    """Take in what the canvas says."""
    session = here.session
    if session is None or said.get("file", session.identity) != session.identity:
        return
    before = session.value, session.layout
    session.receive(said, {**ANSWERS, "save": lambda session, ask: _saved(here, session)})
    if before[0] is not session.value or before[1] is not session.layout:
        here.drafts.keep(session)


def _saved(here: Desk, session: Session) -> Reply:
    """Save where a name is known; the window for a name cannot open from here, so the toolbar is asked to."""
    if not session.name:
        st.session_state[SAVE_AS] = True
        return {"done": False, "label": ""}
    try:
        return {"done": here.save(), "label": ""}
    except GraphError as error:
        first = error.diagnostics[0]
        return {"error": {"message": first.message, "hint": first.hint, "field": first.pointer}}


def _compared(session: Session, nodes: dict[str, Any]) -> dict[str, Any]:
    """Mark what differs from the file; returns what is on the canvas no more, and the change in parameters."""
    removed = []
    for name, change in marked(session, session.opened).items():
        if change["change"] == "removed":
            removed.append({"name": name.removeprefix(OUTPUT), "text": change["changeText"]})
        elif name in nodes and change["change"] != "follows":
            nodes[name] |= change
    before, after = session.before.shaped, session.survey.shaped
    delta = None if before is None or after is None else after.parameters - before.parameters
    return {"removed": removed, "params": delta}


def message(session: Session) -> dict[str, Any]:
    """What the canvas is told."""
    opened = session.opened
    shown = view(session.survey, opened, batch_size=session.batch_size)
    if len(session.selection) == 1:
        shown["inspect"] = inspected(session.survey, opened, session.selection[0])
    session.mend(shown)
    if session.comparing:
        shown["changes"] = _compared(session, shown["nodes"])
    if session.overlay is not None:
        shown["overlay"] = session.overlay
    told = session.data(shown)
    if session.catalogue != editing_catalogue.fingerprint():
        told["catalogue"] = catalogue_message()
    return told
