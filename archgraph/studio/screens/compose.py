"""The canvas page: one row of buttons, and below it the canvas, which answers every edit without a reload."""

import time
from collections.abc import Mapping
from typing import Any, Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from archgraph.studio import dialogs, view
from archgraph.studio.calm import calmly
from archgraph.studio.canvas import canvas
from archgraph.studio.conversation import SAVE_AS, message, take
from archgraph.studio.desk import Desk, desk
from archgraph.studio.session import Session
from archgraph.studio.wording import plain

KEY: Final = "canvas"
SEARCHING: Final = "searching for fixes"
"""The key under which it is noted that the canvas was heard and nothing was pressed since."""
SLICE: Final = 0.02
"""Seconds of looking for fixes after which an edit that has come meanwhile is answered."""
LOOKING: Final = 0.1
"""Seconds for which fixes are looked for before those found are shown."""
BATCHES: Final = (1, 8, 16, 32, 64, 128, 256)


def show() -> None:
    """Draw the page."""
    here = desk()
    if here.session is None:
        _welcome()
        return
    board()


def _welcome() -> None:
    st.title("Build a neural network")
    st.markdown(
        "A network is drawn as boxes joined by wires. Each box is a step, each wire carries numbers to the next."
    )
    one, two, three = st.columns(3, gap="large")
    with one, st.container(border=True):
        st.subheader("I am new to this")
        st.markdown("Choose data, say what you want to know, and get a network that suits, ready to train.")
        if st.button("Show me the way", type="primary", icon=":material/explore:"):
            _go("start")
    with two, st.container(border=True):
        st.subheader("Begin with an example")
        st.markdown("Famous networks as they were published, to look into, change and train.")
        if st.button("Look at the gallery", icon=":material/grid_view:"):
            st.session_state["files tab"] = "Gallery of examples"
            _go("files")
    with three, st.container(border=True):
        st.subheader("Begin with nothing")
        st.markdown("An empty canvas, and every building block beside it.")
        if st.button("Empty canvas", icon=":material/add:"):
            desk().begin("", "untitled.graph.json")
            st.rerun()


def _go(page: str) -> None:
    st.session_state["go"] = page
    st.rerun()


@st.fragment
@calmly()
def board() -> None:
    """The toolbar and the canvas."""
    here = desk()
    assert here.session is not None
    _toolbar(here, here.session)
    canvas(message(here.session), key=KEY, on_edit=lambda said: _heard(here, said))
    dialogs.show_pending(here)
    if st.session_state.pop(SEARCHING, False) and _quiet() and _more_fixes(here.session):
        st.session_state[SEARCHING] = True
        st.rerun(scope="fragment")


def _heard(here: Desk, said: Mapping[str, Any]) -> None:
    st.session_state[SEARCHING] = True
    with calmly():
        take(here, said)


def _more_fixes(session: Session) -> bool:
    """Whether more fixes are found, now that the answer has gone out; an edit that comes meanwhile goes first."""
    known, until = session.search(0), time.perf_counter() + LOOKING
    found = known
    while not session.mended and (found == known or time.perf_counter() < until):
        found = session.search(SLICE)
        st.session_state.get(SEARCHING)  # here Streamlit ends this run if the browser has said something
    return found > known


def _quiet() -> bool:
    """Whether the board alone is drawn anew, and no window has opened above it."""
    context = get_script_run_ctx()
    return context is not None and bool(context.fragment_ids_this_run) and not context.has_dialog_opened


def _toolbar(here: Desk, session: Session) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="toolbar"):
        mark = " ●" if session.dirty else ""
        st.markdown(f"**{plain(session.name or session.title)}**{mark}", width="content",
                    help="● means: there are changes that are not saved yet." if session.dirty else None)  # fmt: skip
        if st.button(
            "Save", key="toolbar save", icon=":material/save:", type="primary" if session.dirty else "secondary"
        ):
            dialogs.save(here, session)
        if st.button("Save as", key="toolbar save as", icon=":material/save_as:") or st.session_state.pop(
            SAVE_AS, False
        ):
            dialogs.save_as(here)
        if st.button("Changes", icon=":material/difference:", help="What is different from the file on disk"):
            dialogs.changes(session)
        session.comparing = st.toggle(
            "Mark changes", session.comparing, help="Mark on the canvas what is not in the file"
        )
        if st.button("Export", icon=":material/ios_share:", help="Picture, page, Keras code, model file"):
            dialogs.export(session)
        if st.button("Train", icon=":material/model_training:"):
            _leave("train")
        variants = view.variants(session.value)
        if variants:
            chosen = st.selectbox("Variant", variants, label_visibility="collapsed", width=170,
                                  index=variants.index(session.variant) if session.variant in variants else 0,
            )  # fmt: skip
            session.variant = chosen
        session.batch_size = st.selectbox(
            "Samples at a time", BATCHES, index=BATCHES.index(session.batch_size), width=110,
            format_func=lambda size: f"batch {size}", label_visibility="collapsed",
            help="How many samples are held in memory at a time: the memory shown is for so many.",
        )  # fmt: skip


def _leave(page: str) -> None:
    st.session_state["go"] = page
    st.rerun(scope="app")
