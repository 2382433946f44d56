"""The guided start: data, what they are in words, a question, two or three networks with reasons, training."""

import json
from pathlib import Path
from typing import Any

import streamlit as st

from archgraph.diagnostics import GraphError
from archgraph.document.layout import Layout
from archgraph.document.order import ORDER
from archgraph.document.writer import PLAIN_ORDER, canonical
from archgraph.drawing import render
from archgraph.drawing.words import count
from archgraph.editing.templates import EXPERIMENT, GRAPH
from archgraph.studio import running
from archgraph.studio.choosing import chosen_data
from archgraph.studio.desk import Desk, desk
from archgraph.studio.pictures import show_drawing
from archgraph.studio.profiling import Profile, profile
from archgraph.studio.screens.glossary import explained
from archgraph.studio.suggesting import Suggestion, experiment, suggestions
from archgraph.studio.wording import duration, finding, plain


def show() -> None:
    """Draw the page."""
    here = desk()
    st.title("From data to a trained network")
    st.markdown("Three steps: choose data, say what you want to know, pick a network. Everything can be changed later.")
    st.subheader("1 · Choose data", divider="gray")
    data = chosen_data(here.workspace, "guide")
    if data is None:
        st.info("Choose data to go on.")
        return
    known = _profile(here, data)
    if known is None:
        return
    with st.container(border=True):
        for sentence in known.sentences:
            st.markdown(plain(sentence))
        for hint in known.advice:
            st.markdown(f":orange[:material/lightbulb:] {plain(hint)}")
    st.subheader("2 · What do you want to predict?", divider="gray")
    st.markdown(_question(known))
    offered = suggestions(known)
    st.subheader("3 · Choose a network to begin with", divider="gray")
    if not offered:
        st.warning("There is no ready network for data of this kind. Begin with an example of the gallery.")
        return
    for column, one in zip(st.columns(len(offered), gap="medium"), offered, strict=True):
        with column, st.container(border=True):
            _offer(here, known, data, one, best=one is offered[0])
    explained(
        "class", "convolution", "dropout", "feature", "label", "layer", "network", "overfitting", "parameter",
        "probability", "recurrent layer", "residual connection", "sample", "sequence", "step", "symbol", "training",
        "weight",
    )  # fmt: skip


@st.cache_data(max_entries=20, show_spinner="Looking at the data …")
def _profiled(data: str, folder: str) -> Profile:
    return profile(json.loads(data), Path(folder))


def _profile(here: Desk, data: Any) -> Profile | None:
    try:
        return _profiled(json.dumps(data), str(here.workspace.root))
    except GraphError as error:
        st.error("These data cannot be used. " + " ".join(map(finding, error.diagnostics[:3])))
        return None


def _question(known: Profile) -> str:
    if not known.target:
        return "These data have nothing that could be predicted."
    if known.kind == "text" and all(len(one) == 1 for one in known.classes):
        return "Which character **comes next**? That is how machines learn to write."
    if known.classes:
        return f"Which **{plain(known.asked)}**? One answer of {len(known.classes)}, with a probability for each."
    return f"How much **{plain(known.asked)}**? The answer is a number."


def _offer(here: Desk, known: Profile, data: Any, one: Suggestion, *, best: bool) -> None:
    st.markdown(f"#### {plain(one.title)}" + ("  :green-badge[suggested]" if best else ""))
    st.markdown(plain(one.why))
    st.caption(f"{count(one.shaped.parameters)} parameters · learns in about {duration(one.seconds)}")
    show_drawing(render(one.shaped, format="svg", compact=True), f"{one.title}, drawn", highest=180)
    if st.button("Train this one", key=f"train {one.name}", type="primary" if best else "secondary",
                 icon=":material/play_arrow:", width="stretch"):  # fmt: skip
        _begin(here, known, data, one, train=True)
    if st.button("Look at it first", key=f"look {one.name}", icon=":material/account_tree:", width="stretch"):
        _begin(here, known, data, one, train=False)


def _begin(here: Desk, known: Profile, data: Any, one: Suggestion, *, train: bool) -> None:
    """Write graph and experiment, open the graph, and train where that is wanted."""
    stem = data if isinstance(data, str) else Path(str(data.get("file", data["name"]))).stem
    name = here.workspace.free(f"{stem}_{one.name.partition('_')[2]}")
    bare = name.removesuffix(GRAPH)
    try:
        here.workspace.save(name, canonical({**one.graph, "name": bare}, ORDER), Layout(), None)
        value = experiment(known, data, bare, name, one.epochs)
        here.workspace.write(bare + EXPERIMENT, canonical(value, PLAIN_ORDER))
        here.open(name)
    except GraphError as error:
        st.error(" ".join(map(finding, error.diagnostics[:3])))
        return
    if train:
        job = running.begin(here.workspace, bare + EXPERIMENT, bare)
        st.session_state["job"] = job.name
    st.session_state["go"] = "train" if train else "canvas"
    st.rerun()
