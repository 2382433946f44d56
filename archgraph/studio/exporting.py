"""The window with everything that the open network can be handed on as."""

import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import streamlit as st

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.drawing import render
from archgraph.editing.templates import GRAPH
from archgraph.interchange.page import html_page
from archgraph.interchange.source import keras_source
from archgraph.studio.calm import calmly
from archgraph.studio.session import Session
from archgraph.studio.wording import finding

Maker = Callable[[], str | bytes]
LONGEST_BUILD: Final = 180
"""Seconds that building a model file may take."""


@st.dialog("Export", width="medium")
@calmly()
def export(session: Session) -> None:
    """Offer the formats; each is made when it is asked for."""
    shaped = session.survey.shaped
    stem = (session.name or session.title).rpartition("/")[2].removesuffix(GRAPH) or "graph"
    _offer("Graph file (JSON)", f"{stem}{GRAPH}", "The file itself, as saving would write it.", session.text)
    if shaped is None:
        st.warning("The network has errors. Everything else needs one without.")
        return
    _offer("Picture (SVG)", f"{stem}.svg", "Sharp at every size.", lambda: render(shaped, format="svg"))
    _offer("Picture (PNG)", f"{stem}.png", "For slides and documents.", lambda: render(shaped, format="png"))
    _offer("Page (HTML)", f"{stem}.html", "One file that shows the network to anybody, without any program.",
           lambda: html_page(shaped, session.text()))  # fmt: skip
    _offer("Keras code (Python)", f"{stem}.py", "What a person would write: a block is a function, a repeat a loop.",
           lambda: keras_source(shaped))  # fmt: skip
    _offer("Keras model", f"{stem}.keras", "Built, with weights as they are drawn; takes some seconds.",
           lambda: keras_model(session, shaped), ready=False)  # fmt: skip


def _offer(label: str, name: str, told: str, make: Maker, *, ready: bool = True) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{label}**  \n:gray[{told}]", width="stretch")
        key = f"export {name}"
        if not ready and key not in st.session_state:
            if not st.button("Build", key=f"{key} build", icon=":material/build:"):
                return
            with st.spinner("Building …"):
                st.session_state[key] = _made(make)
        content = _made(make) if ready else st.session_state.pop(key)
        if content is not None:
            st.download_button("Download", content, name, key=f"{key} get", icon=":material/download:",
                               on_click="ignore")  # fmt: skip


def _made(make: Maker) -> bytes | None:
    try:
        content = make()
    except GraphError as error:
        st.error(" ".join(map(finding, error.diagnostics[:2])))
        return None
    return content.encode() if isinstance(content, str) else content


def keras_model(session: Session, shaped: ShapedGraph) -> bytes:
    """The ``.keras`` file of the open network, built by a process of its own. Raises `GraphError`."""
    with tempfile.TemporaryDirectory(prefix="archgraph-") as name:
        folder = Path(name)
        # Imports are looked for beside the file, so it is built where it lies; the text may not be saved yet.
        source = (session.folder or folder) / f".{secrets.token_hex(8)}-export{GRAPH}"
        target = folder / "model.keras"
        try:
            source.write_text(session.text(), "utf-8")
            variant = f"#{session.variant}" if session.variant else ""
            done = subprocess.run(
                [sys.executable, "-m", "archgraph", "compile", f"{source}{variant}", "-o", str(target)],
                capture_output=True, text=True, timeout=LONGEST_BUILD, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise GraphError([Diagnostic("AG804", "", f"building took longer than {LONGEST_BUILD} seconds")]) from None
        finally:
            source.unlink(missing_ok=True)
        if done.returncode or not target.is_file():
            said = done.stderr.strip().splitlines()
            raise GraphError([Diagnostic("AG804", "", said[-1][:300] if said else f"{shaped.name} could not be built")])
        return target.read_bytes()
