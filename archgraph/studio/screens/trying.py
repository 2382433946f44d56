"""The results page: scores and pictures of a run, its model tried on one's own samples, several runs compared."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from archgraph.diagnostics import GraphError
from archgraph.studio import running
from archgraph.studio.charts import lines
from archgraph.studio.desk import Desk, desk
from archgraph.studio.drawing_pad import drawing_pad
from archgraph.studio.reacting import QUANTITIES, marks, numbered, row
from archgraph.studio.running import Job
from archgraph.studio.screens.glossary import explained
from archgraph.studio.uploads import need_picture
from archgraph.studio.wording import counted, plain
from archgraph.studio.worker import Worker
from archgraph.training.folder import read_json

PICTURE_MB: Final = 20
PICTURES: Final = (".png", ".jpg", ".jpeg", ".bmp")
WORDS: Final[Mapping[str, str]] = {
    "curves": "How it learned, epoch by epoch", "confusion_matrix": "Which class was taken for which",
    "samples": "What it makes", "predictions": "Predictions beside the truth",
}  # fmt: skip


def show() -> None:
    """Draw the page."""
    here = desk()
    st.title("Results and trying")
    known = [job for job in running.jobs(here.workspace) if job.state in ("finished", "stopped")]
    if not known:
        st.info("Nothing has been trained here yet.")
        return
    one, several = st.tabs(["One run", "Compare runs"])
    with one:
        names = [job.name for job in known]
        wanted = st.session_state.get("job")
        name = st.selectbox("Run", names, index=names.index(wanted) if wanted in names else 0, key="tried run")
        job = Job(here.workspace, name)
        left, right = st.columns(2, gap="large")
        with left:
            _scores(job)
        with right:
            _try(here, job)
    with several:
        _compare(known)
    explained(
        "accuracy", "activation", "class", "epoch", "gradient", "layer", "loss", "network", "overfitting",
        "probability", "run", "sample", "test part", "training", "validation part",
    )  # fmt: skip


# ---- scores


def _scores(job: Job) -> None:
    try:
        result = read_json(job.folder.result)
    except GraphError:
        result = {}
    test = result.get("test") or {}
    if test:
        st.subheader("On samples it has never seen")
        for column, (name, value) in zip(st.columns(max(1, len(test))), test.items(), strict=False):
            shown = f"{value:.1%}" if "accuracy" in name else f"{value:.4g}"
            column.metric(plain(name.replace("_", " ")), shown)
    if result.get("stopped"):
        st.caption(plain(result["stopped"]))
    for path in sorted(job.folder.path.glob("*.png")):
        st.image(str(path), caption=WORDS.get(path.stem, plain(path.stem.replace("_", " "))))


def _compare(known: list[Job]) -> None:
    names = [job.name for job in known]
    chosen = st.multiselect("Runs", names, default=names[:4])
    rows = {job.name: job.history for job in known if job.name in chosen}
    quantities = sorted({name for history in rows.values() for row in history for name, value in row.items()
                         if isinstance(value, int | float)} - {"epoch"})  # fmt: skip
    if not quantities:
        return
    preferred = next((one for one in ("val_accuracy", "val_loss", "loss") if one in quantities), quantities[0])
    quantity = st.selectbox("Quantity", quantities, index=quantities.index(preferred))
    longest = max(map(len, rows.values()), default=0)
    lines({name: [row.get(quantity) for row in history] for name, history in rows.items()}, range(1, longest + 1), 320)
    table = [{"run": name, "epochs": len(rows[name]), **_test(Job(known[0].workspace, name))} for name in rows]
    st.dataframe(table, hide_index=True)


def _test(job: Job) -> dict[str, Any]:
    try:
        return {f"test {name}": value for name, value in (read_json(job.folder.result).get("test") or {}).items()}
    except GraphError:
        return {}


# ---- one's own samples


def _try(here: Desk, job: Job) -> None:
    st.subheader("Try it")
    try:
        raw = read_json(job.folder.resolved)["raw"]
    except (GraphError, KeyError):
        st.caption("This run tells nothing of its data.")
        return
    if len(raw) != 1:
        st.caption("This network has several inputs; use `archgraph predict` with an npz file.")
        return
    name, about = next(iter(raw.items()))
    shape, highest = tuple(about["shape"]), float(about["highest"])
    question = _question(name, shape, highest, bool(about.get("integer")), job)
    if question is None:
        return
    with st.spinner("The model is thinking. The first time takes some seconds."):
        answer = _worker(job).ask(question)
    if "error" in answer:
        st.error(plain(answer["error"]))
        return
    _answer(answer["rows"][0])
    _overlay(here, job, answer["nodes"])


def _question(name: str, shape: tuple[int, ...], highest: float, whole: bool, job: Job) -> dict[str, Any] | None:
    if len(shape) == 3 and shape[-1] in (1, 3):
        return _picture(name, shape, highest, job)
    letters = alphabet(job) if whole and len(shape) == 1 else ()
    if letters:
        return _sentence(name, shape[0], letters, job)
    if len(shape) == 1:
        return _row(name, shape[0], job)
    st.caption(f"Samples of the form {'×'.join(map(str, shape))} can be tried with `archgraph predict`.")
    return None


def _picture(name: str, shape: tuple[int, ...], highest: float, job: Job) -> dict[str, Any] | None:
    grey = shape[-1] == 1 and shape[0] == shape[1]
    how = st.segmented_control("Your sample", ["Draw", "Upload a picture"] if grey else ["Upload a picture"],
                               default="Draw" if grey else "Upload a picture", key=f"how {job.name}")  # fmt: skip
    if how == "Draw":
        st.caption("Draw with the mouse; the answer comes when you let go.")
        pixels = drawing_pad(f"pad {job.name}", shape[0])
        if not pixels:
            return None
        side = shape[0]
        rows = [[[pixels[side * y + x] / 255 * highest] for x in range(side)] for y in range(side)]
        return {"inputs": {name: [rows]}}
    given = st.file_uploader("Picture", type=list(PICTURES), key=f"picture {job.name}", max_upload_size=PICTURE_MB)
    if given is None:
        return None
    need_picture(given.getvalue(), given.name)
    st.image(given.getvalue(), width=160)
    return {"inputs": {}, "picture": base64.b64encode(given.getvalue()).decode(),
            "ending": next((one for one in PICTURES if given.name.lower().endswith(one)), PICTURES[0])}  # fmt: skip


def alphabet(job: Job) -> tuple[str, ...]:
    """The characters that a run has learned from, in the order of their numbers; empty: it has not read text."""
    try:
        classes = read_json(job.folder.resolved)["data"]["classes"]
    except (GraphError, KeyError):
        return ()
    learned = next(iter(classes.values()), ()) if len(classes) == 1 else ()
    return tuple(learned) if learned and all(len(one) == 1 for one in learned) else ()


def _sentence(name: str, length: int, letters: tuple[str, ...], job: Job) -> dict[str, Any] | None:
    typed = st.text_input("A sentence, which the network goes on with", key=f"sentence {job.name}",
                          help=f"It reads the last {length} characters.")  # fmt: skip
    if not typed:
        return None
    unknown = sorted(set(typed) - set(letters))
    if unknown:
        st.error(f"It has never seen {plain(' '.join(unknown))}. Leave that out.")
        return None
    return {"inputs": {name: [numbered(typed, length, letters)]}, "dtype": "int32"}


def _row(name: str, width: int, job: Job) -> dict[str, Any] | None:
    try:
        about = read_json(job.folder.resolved).get("about") or {}
    except GraphError:
        about = {}
    categories = {str(key): [str(one) for one in found] for key, found in (about.get("categories") or {}).items()}
    features = [str(one) for one in about.get("features") or ()]
    if sum(len(categories.get(one, " ")) for one in features) != width:
        features, categories = [f"value {number + 1}" for number in range(width)], {}
    typed = st.text_input(
        f"{counted(len(features), 'value')} of a row, with commas between them", key=f"row {job.name}",
        help=", ".join(map(plain, features[:40])), placeholder=", ".join(features[:8]),
    )  # fmt: skip
    if not typed:
        return None
    try:
        return {"inputs": {name: [row(typed, features, categories)]}}
    except ValueError as error:
        st.error(f"{plain(error)}.")
        return None


def _answer(row: Mapping[str, Any]) -> None:
    for name, value in row.items():
        if name == "sample":
            continue
        if isinstance(value, Mapping) and "top" in value:
            st.markdown(f"### {plain(name)}: **{plain(value['class'])}**")
            for one in value["top"]:
                st.progress(min(1.0, max(0.0, one["probability"])), f"{plain(one['class'])}: {one['probability']:.1%}")
        else:
            st.markdown(f"### {plain(name)}")
            st.code(str(value)[:400], language=None)


def _worker(job: Job) -> Worker:
    """The worker of this page; a page has one, for the run that is tried."""
    known = st.session_state.get("worker")
    if isinstance(known, Worker) and known.run == job.folder.path:
        return known
    if isinstance(known, Worker) and known.process is not None and known.process.stdin is not None:
        known.process.stdin.close()
    made = st.session_state["worker"] = Worker(job.folder.path)
    return made


def _overlay(here: Desk, job: Job, nodes: Mapping[str, Mapping[str, float]]) -> None:
    """Offer to show on the canvas how each node reacts."""
    if not nodes:
        return
    shown = st.segmented_control("What to show on the canvas", list(QUANTITIES), default=next(iter(QUANTITIES)),
                                 key=f"shown {job.name}")  # fmt: skip
    st.caption(QUANTITIES[shown or next(iter(QUANTITIES))])
    if not st.button("Show on the canvas how each layer reacts", icon=":material/account_tree:"):
        return
    if not _opened(here, job):
        st.info("Another network is on the canvas, with changes that are not saved. Save it first.")
        return
    assert here.session is not None
    marked = marks(nodes, shown or next(iter(QUANTITIES)))
    here.session.overlay = {"title": f"{shown}: how {job.name} reacts to your sample", "nodes": marked}
    st.session_state["go"] = "canvas"
    st.rerun()


def _opened(here: Desk, job: Job) -> bool:
    """Whether the network of a run lies on the desk; it is put there unless something unsaved would be lost."""
    try:
        graph = str(read_json(here.workspace.path(job.source))["graph"]).partition("#")[0]
        name = (Path(job.source).parent / graph).as_posix()
        if here.session is not None and (here.session.name == name or here.session.dirty):
            return here.session.name == name
        here.open(name)
    except (GraphError, KeyError, TypeError):
        return here.session is not None
    return True
