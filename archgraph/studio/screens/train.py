"""The training page: an experiment made by form or by hand, and the run that it starts, watched live."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from archgraph.analysis import infer
from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.document.load import load_graph
from archgraph.document.reader import Document, read, read_file
from archgraph.document.revise import revise
from archgraph.document.writer import PLAIN_ORDER, canonical
from archgraph.editing.templates import EXPERIMENT, GRAPH
from archgraph.studio import running
from archgraph.studio.calm import calmly
from archgraph.studio.charts import lines
from archgraph.studio.choosing import chosen_data
from archgraph.studio.desk import Desk, desk
from archgraph.studio.forms import named_form, number_form
from archgraph.studio.profiling import profile
from archgraph.studio.running import Job
from archgraph.studio.screens.glossary import explained, hint
from archgraph.studio.suggesting import experiment as suggested
from archgraph.studio.wording import duration, finding, plain
from archgraph.studio.workspace import Changed
from archgraph.training.experiment import Settings, read_experiment
from archgraph.training.losses import LOSS
from archgraph.training.optimizer import OPTIMIZER
from archgraph.training.planning import plan

COMMON_LOSSES: Final = (
    "sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy", "mean_squared_error",
    "mean_absolute_error",
)  # fmt: skip
"""Losses that are listed first."""
ACTIVE: Final = ("starting", "running")
EACH: Final = 1.5
"""Seconds after which a run that goes on is drawn again."""


def show() -> None:
    """Draw the page."""
    here = desk()
    st.title("Train")
    left, right = st.columns([1, 1], gap="large")
    with left:
        _experiment(here)
    with right:
        _runs(here)


# ---- the experiment


def _experiment(here: Desk) -> None:
    names = here.workspace.files(EXPERIMENT)
    own = here.session.name.removesuffix(GRAPH) + EXPERIMENT if here.session is not None and here.session.name else ""
    options = list(dict.fromkeys([*([own] if own else []), *names]))
    if not options:
        st.info("There is nothing to train yet. Draw a network and save it, or let “Start here” lead you.")
        return
    name = st.selectbox(
        "Experiment", options, help="A file that says what to train on and how.",
        format_func=lambda one: one if one in names else f"{one} (new)",
    )  # fmt: skip
    if name == own and here.session is not None and here.session.dirty:
        st.warning("The network has changes that are not saved. Training reads the file: save it first.")
    if name in names:
        _edit(here, name)
    else:
        _new(here, name)


def _new(here: Desk, name: str) -> None:
    st.markdown("There is no experiment beside this network yet. Choose what it is to learn from.")
    data = chosen_data(here.workspace, "train")
    if data is None or not st.button("Make an experiment", type="primary", icon=":material/science:"):
        return
    graph = name.removesuffix(EXPERIMENT) + GRAPH
    try:
        known = profile(data, here.workspace.root)
        network = infer(load_graph(here.workspace.path(graph)))
        bare = graph.rpartition("/")[2]
        value = suggested(known, _beside(data, name), bare.removesuffix(GRAPH), bare, 20, read=network)
        here.workspace.write(name, canonical(value, PLAIN_ORDER))
    except GraphError as error:
        st.error(" ".join(map(finding, error.diagnostics[:3])))
        return
    st.rerun()


def _beside(data: Any, experiment: str) -> Any:
    """Data whose file is named as the experiment finds it: from its own folder."""
    if not isinstance(data, Mapping) or "file" not in data:
        return data
    return {**data, "file": "../" * experiment.count("/") + str(data["file"])}


def _edit(here: Desk, name: str) -> None:
    try:
        document = read_file(here.workspace.path(name))
    except GraphError as error:
        st.error(" ".join(map(finding, error.diagnostics[:3])))
        return
    value = document.value if isinstance(document.value, Mapping) else {}
    as_form, as_text = st.tabs(["Form", "File"])
    with as_form:
        made = edited(dict(value), f"{name} {_generation(name, document.text)}")
    with as_text:
        typed = st.text_area("The file itself", document.text, height=420, key=f"text {name} {hash(document.text)}",
                             label_visibility="collapsed")  # fmt: skip
        if typed != document.text and st.button("Save this text", icon=":material/save:"):
            _write(here, name, typed, document)
            st.rerun()
    if made != value:
        text = revise(document, made, PLAIN_ORDER)
        if not _write(here, name, text, document):
            st.rerun()
        _remember(name, text)
        document = read(text, name)
    found = _checked(document.text, str(here.workspace.path(name)), _surroundings(here))
    for one in found[:5]:
        st.error(finding(one))
    if st.button("Start training", type="primary", icon=":material/play_arrow:", disabled=bool(found)):
        job = running.begin(here.workspace, name, str(made.get("name", "run")))
        st.session_state["job"] = job.name
        st.rerun()
    explained(
        "batch", "class", "cross-entropy", "curve", "data set", "epoch", "experiment", "gradient", "gradient descent",
        "label", "layer", "learning rate", "logits", "loss", "mask", "matrix", "momentum", "network", "node", "norm",
        "one-hot", "optimiser", "overfitting", "penalty", "perceptron", "probability", "run", "sample", "schedule",
        "sequence", "sigmoid", "softmax", "sparse", "step", "stochastic", "training", "validation part", "weight",
        "weight decay",
    )  # fmt: skip


def _generation(name: str, text: str) -> int:
    """Grows when the file says what this form has not written: then the form is made anew."""
    number, known = st.session_state.get(f"form {name}", (0, text))
    if known != text:
        number += 1
    st.session_state[f"form {name}"] = number, text
    return int(number)


def _remember(name: str, text: str) -> None:
    number, _ = st.session_state[f"form {name}"]
    st.session_state[f"form {name}"] = number, text


def _write(here: Desk, name: str, text: str, before: Document) -> bool:
    """Write the experiment unless somebody else has meanwhile; then the page is to show what they wrote."""
    try:
        here.workspace.write(name, text, before)
    except Changed:
        here.notify("warning", f"{plain(name)} was changed by somebody else. Here is what it says now.")
        return False
    return True


def _surroundings(here: Desk) -> int:
    """Grows when a graph file is written: whether an experiment fits depends on it."""
    return max((here.workspace.path(one).stat().st_mtime_ns for one in here.workspace.files(GRAPH)), default=0)


@st.cache_data(max_entries=50, ttl=60, show_spinner="Looking whether network and data fit each other …")
def _checked(text: str, path: str, surroundings: int) -> list[Diagnostic]:
    try:
        plan(read_experiment(read(text, path), Path(path).parent))
    except GraphError as error:
        return list(error.diagnostics)
    except Rejected as rejected:
        return [rejected.at("")]
    return []


def edited(value: dict[str, Any], key: str) -> dict[str, Any]:
    """A form of what is set most often; returns the experiment as it is to be, the same where nothing was touched."""
    made = dict(value)
    data = value.get("data")
    st.markdown(f"**Data**: {plain(data if isinstance(data, str) else (data or {}).get('name', '?'))}",
                help="Change it under “File”, or make a new experiment.")  # fmt: skip
    if "loss" in value and isinstance(value["loss"], str | dict) and "name" in (_as_object(value["loss"]) or {}):
        order = [*COMMON_LOSSES, *(name for name in LOSS.table if name not in COMMON_LOSSES)]
        made["loss"] = named_form("Loss", LOSS, value["loss"], f"{key} loss", order=order, told=hint("loss"), first=0)
    given = value.get("optimizer", "adam")
    if isinstance(given, str) or (isinstance(given, Mapping) and "name" in given):
        made["optimizer"] = named_form("Optimiser", OPTIMIZER, given, f"{key} optimizer", told=hint("optimiser"))
        if "optimizer" not in value and made["optimizer"] == "adam":
            del made["optimizer"]
    else:
        st.caption("Each part of the network has an optimiser of its own; change them under “File”.")
    one, two, three = st.columns(3)
    with one:
        made = _optional(made, "epochs", 10, key, hint("epoch"))
    with two:
        made = _optional(made, "batch_size", 32, key, hint("batch"))
    with three:
        return _optional(made, "validation", 0.1, key, hint("validation part"))


def _optional(made: dict[str, Any], name: str, default: Any, key: str, told: str) -> dict[str, Any]:
    """A number that need not stand in the file while it is at its default."""
    if isinstance(made.get(name, default), str):
        return made
    label = name.replace("_", " ").capitalize()
    number = number_form(label, Settings.fields()[name], made.get(name, default), f"{key} {name}", told)
    if number == default and name not in made:
        return made
    return {**made, name: number}


def _as_object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {"name": value}


# ---- runs


def _runs(here: Desk) -> None:
    known = running.jobs(here.workspace)
    if not known:
        st.info("Runs will be shown here, with their curves, while they train.")
        return
    names = [job.name for job in known]
    wanted = st.session_state.get("job")
    name = st.selectbox("Run", names, index=names.index(wanted) if wanted in names else 0)
    st.session_state["job"] = name
    active = Job(here.workspace, name).state in ACTIVE
    st.fragment(watched, run_every=EACH if active else None)(here, name, active)


@calmly()
def watched(here: Desk, name: str, active: bool) -> None:
    """One run, drawn again and again while it goes on; once more when it has ended."""
    job = Job(here.workspace, name)
    state, rows, wanted = job.state, job.history, job.epochs
    if active and state not in ACTIVE:
        st.rerun(scope="app")
    badges = {"starting": ":blue-badge[getting ready]", "running": ":blue-badge[training]",
              "finished": ":green-badge[finished]", "stopped": ":orange-badge[stopped]",
              "failed": ":red-badge[failed]"}  # fmt: skip
    st.markdown(f"### {plain(name)} {badges[state]}")
    if state in ACTIVE:
        left = job.seconds_left()
        told = f"epoch {len(rows)} of {wanted or '?'}" + (f", about {duration(left)} left" if left else "")
        if state == "starting":
            told = "reading the data and building the network …"
        st.progress(min(1.0, len(rows) / wanted) if wanted else 0.0, told)
    with st.container(horizontal=True):
        if state in ACTIVE and st.button("Stop", icon=":material/stop:", key=f"stop {name}"):
            job.stop()
            st.toast("It stops behind the present step, and keeps everything.")
        if state == "stopped" and st.button("Go on", icon=":material/resume:", key=f"resume {name}"):
            running.resume(job)
            st.rerun(scope="app")
        if state in ("finished", "stopped") and st.button("Results and trying", icon=":material/monitoring:",
                                                           key=f"results {name}"):  # fmt: skip
            st.session_state["go"] = "runs"
            st.rerun(scope="app")
    curves(rows)
    with st.expander("What it has printed", expanded=state == "failed"):
        st.code(job.log() or "nothing yet", language=None)


def curves(rows: list[Mapping[str, Any]]) -> None:
    """The quantities of each epoch, training and validation in one chart."""
    if not rows:
        return
    latest = rows[-1]
    quantities = [name for name, value in latest.items() if isinstance(value, int | float)
                  and f"val_{name}" in latest] or ["loss"]  # fmt: skip
    quantities.sort(key=lambda name: name == "loss")
    for name in quantities[:3]:
        shown = {"training": [row.get(name) for row in rows]}
        if f"val_{name}" in latest:
            shown["validation"] = [row.get(f"val_{name}") for row in rows]
        last = latest.get(f"val_{name}", latest.get(name))
        st.markdown(f"**{plain(name.replace('_', ' '))}**" + (f": {last:.4g}" if isinstance(last, int | float) else ""))
        lines(shown, [row.get("epoch", number + 1) for number, row in enumerate(rows)], height=220)
