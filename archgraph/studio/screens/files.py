"""The files page: what is in the workspace, drafts that can be recovered, and the gallery of examples."""

import functools
import json
import time
from pathlib import Path
from typing import Any, Final

import streamlit as st

from archgraph.analysis import infer
from archgraph.diagnostics import GraphError
from archgraph.document.load import load_graph
from archgraph.drawing.words import count
from archgraph.editing.templates import EXPERIMENT, GRAPH, gallery, templates
from archgraph.studio import drafts
from archgraph.studio.desk import Desk, desk
from archgraph.studio.pictures import show_drawing
from archgraph.studio.wording import counted, finding, plain

LARGEST_UPLOAD_MB: Final = 16
_COLUMNS: Final = 4


def show() -> None:
    """Draw the page."""
    here = desk()
    st.title("Files and templates")
    tab = st.segmented_control("Which", ["My files", "Gallery of examples"], label_visibility="collapsed",
                               default=st.session_state.get("files tab", "My files"))  # fmt: skip
    if tab == "Gallery of examples":
        _gallery(here)
    else:
        _recover(here)
        _own(here)


def _recover(here: Desk) -> None:
    found = drafts.abandoned(here.workspace, here.drafts.key)
    if not found:
        return
    with st.expander(f"{counted(len(found), 'draft')} with unsaved changes", icon=":material/history:", expanded=True):
        for draft in found:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(draft.name or draft.title)}**, {_ago(draft.written)}", width="stretch")
                if st.button("Recover", key=f"recover {draft.key}", icon=":material/restore:"):
                    here.show(draft.session(here.workspace, here.number()))
                    drafts.discard(here.workspace, draft.key)
                    _to_canvas()
                if st.button("Throw away", key=f"discard {draft.key}", icon=":material/delete:"):
                    drafts.discard(here.workspace, draft.key)
                    st.rerun()


def _ago(moment: float) -> str:
    minutes = (time.time() - moment) / 60
    return f"{counted(round(minutes), 'minute')} ago" if minutes < 90 else f"{counted(round(minutes / 60), 'hour')} ago"


def _own(here: Desk) -> None:
    st.caption(f"Workspace: {plain(here.workspace.root)}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Empty canvas", icon=":material/add:"):
            here.begin("", here.workspace.free("untitled"))
            _to_canvas()
        _upload(here)
    names = here.workspace.files()
    if not names:
        st.info("There are no graph files here yet. Begin with an example from the gallery, or with an empty canvas.")
    for name in names:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            experiment = here.workspace.path(name.removesuffix(GRAPH) + EXPERIMENT).is_file()
            st.markdown(f"**{plain(name)}**" + (" · has an experiment" if experiment else ""), width="stretch")
            if st.button("Open", key=f"open {name}", icon=":material/edit:"):
                _open(here, name)


def _open(here: Desk, name: str) -> None:
    try:
        here.open(name)
    except GraphError as error:
        st.error(f"{plain(name)} cannot be opened. " + " ".join(map(finding, error.diagnostics[:3])))
        return
    _to_canvas()


def _upload(here: Desk) -> None:
    with st.popover("Upload a graph file", icon=":material/upload:"):
        given = st.file_uploader("Graph file", type=["json"], max_upload_size=LARGEST_UPLOAD_MB)
        if given is not None and st.button("Open it", type="primary"):
            try:
                here.receive(given.name, given.getvalue())
            except GraphError as error:
                st.error(" ".join(map(finding, error.diagnostics[:3])))
                return
            _to_canvas()


# ---- the gallery


def _gallery(here: Desk) -> None:
    families = _families()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input("Search", placeholder="picture, sequence, ResNet …", width=300)
        family = st.pills("Family", list(families), default=next(iter(families)))
    for name_of_family, names in families.items():
        if family and family != name_of_family and not wanted:
            continue
        shown = [name for name in names if wanted.casefold() in f"{name} {_card(name)['doc']}".casefold()]
        if not shown:
            continue
        st.subheader(name_of_family, divider="gray")
        for start in range(0, len(shown), _COLUMNS):
            for column, name in zip(st.columns(_COLUMNS), shown[start : start + _COLUMNS], strict=False):
                with column, st.container(border=True):
                    _shown(here, name)


def _shown(here: Desk, name: str) -> None:
    card = _card(name)
    picture = _picture(name)
    if picture:
        show_drawing(picture, f"{name}, drawn", highest=150)
    st.markdown(f"**{plain(card['title'])}**  \n{card['weights']} parameters")
    st.caption(plain(card["doc"]))
    if st.button("Use as a template", key=f"use {name}", icon=":material/content_copy:"):
        here.begin(name, here.workspace.free(name))
        _to_canvas()


@functools.cache
def _families() -> dict[str, list[str]]:
    """The examples by family, as the gallery's page has them."""
    path = gallery() / "published.json"
    listed = json.loads(path.read_text("utf-8")).get("families", {}) if path.is_file() else {}
    known = templates()
    found = {str(family): [name for name in names if name in known] for family, names in listed.items()}
    rest = [name for name in known if not any(name in names for names in found.values())]
    return {**{family: names for family, names in found.items() if names}, **({"More": rest} if rest else {})}


@functools.cache
def _card(name: str) -> dict[str, Any]:
    path = templates()[name]
    value = json.loads(path.read_text("utf-8"))
    shaped = infer(load_graph(str(path)))
    return {
        "title": str(value.get("name", name)),
        "doc": str(value.get("doc", "")),
        "weights": count(shaped.parameters),
    }


@functools.cache
def _picture(name: str) -> bytes:
    """The picture of an example; empty where there is none."""
    path: Path = gallery() / "pictures" / f"{name}.svg"
    return path.read_bytes() if path.is_file() else b""


def _to_canvas() -> None:
    st.session_state["go"] = "canvas"
    st.rerun()
