"""The pages in the hands of a person: uploads, forms, conflicts, failures, words; as Streamlit runs them."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from archgraph.studio.calm import SORRY
from archgraph.studio.conversation import take
from archgraph.studio.reacting import row
from archgraph.studio.running import Job
from archgraph.studio.workspace import Workspace
from archgraph.training.data import SOURCES
from archgraph.training.losses import LOSS
from archgraph.training.optimizer import OPTIMIZER
from tests.studio.test_pages import EXAMPLES, app, desk_of, said


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with one network, its experiment, and a run of a table."""
    for name in ("lenet5.graph.json", "lenet5.train.json"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text("utf-8"), "utf-8")
    run = tmp_path / "runs" / "iris-1"
    run.mkdir(parents=True)
    (run / "result.json").write_text(json.dumps({"test": {"accuracy": 0.96}}))
    (run / "metrics.json").write_text(json.dumps([{"epoch": 1, "loss": 1.0, "val_loss": 1.1, "seconds": 2.0}]))
    (run / "resolved.json").write_text(json.dumps({
        "raw": {"features": {"shape": [5], "highest": 7.9}}, "data": {"classes": {}},
        "about": {"features": ["size", "colour", "age"], "categories": {"colour": ["blue", "green", "red"]}},
    }))  # fmt: skip
    monkeypatch.setenv("ARCHGRAPH_WORKSPACE", str(tmp_path))
    return tmp_path


# ---- one's own data


def table() -> bytes:
    lines = [f"{n % 9};{['red', 'blue', ''][n % 3]};{n * 1.5};{'yes' if n % 2 else 'no'}" for n in range(60)]
    return "\n".join(["size;colour;price;buys", *lines]).encode()


def pictures() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(12):
            made = io.BytesIO()
            Image.new("RGB", (20, 16), (20 * number, 0, 0)).save(made, "PNG")
            archive.writestr(f"{['cats', 'dogs'][number % 2]}/{number}.png", made.getvalue())
    return stream.getvalue()


def arrays() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, x=np.random.default_rng(1).random((40, 6, 2), np.float32), y=np.arange(40) % 4)
    return stream.getvalue()


TALE = "once upon a time there was a net. " * 40
OWN = {
    "buyers.csv": (table(), "40 rows of numbers: 4 columns each", "Which buys?"),
    "pets.zip": (pictures(), "12 pictures: 32 by 32 pixels, in colour", "Which label?"),
    "steps.npz": (arrays(), "40 sequences of numbers: 6 steps of 2 numbers each", "Which y?"),
    "tale.txt": (TALE.encode(), f"40 characters each, of {len(set(TALE))} different", "Which character comes next?"),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_the_guided_start_leads_from_ones_own_file_to_a_network_and_an_experiment(folder: Path, name: str) -> None:
    data, profile, question = OWN[name]
    made = app("start")
    made.button_group[0].set_value("My own files").run()
    made.file_uploader[0].upload(name, data).run()
    assert not made.exception and not made.error
    told = said(made).replace("\\", "").replace("**", "")
    assert profile in told and question in told
    assert (
        ("Some values are missing: colour (20)" in made.warning[0].value.replace("\\", "")) if "csv" in name else True
    )
    offered = [button for button in made.button if button.label == "Look at it first"]
    assert len(offered) in (2, 3) and told.count("learns in about") == len(offered)
    offered[0].click().run()
    assert not made.exception and not made.error
    session = desk_of(made).session
    assert session is not None and not session.survey.errors and session.name.startswith(Path(name).stem)
    written = json.loads((folder / session.name.replace(".graph.", ".train.")).read_text())
    assert (folder / written["data"]["file"]).exists()


@pytest.mark.parametrize(("name", "data"), [
    ("x.csv", b"\xff\xfe"), ("x.npz", b"PK"), ("x.zip", b"PK"), ("x.txt", b"\xff" * 900), ("x.txt", b"short"),
    ("x.csv", b"a,b\n1,1\n2,1\n"), ("x.csv", b"a,b\n,\n,\n"),
])  # fmt: skip
def test_data_that_cannot_be_used_are_refused_in_a_line(folder: Path, name: str, data: bytes) -> None:
    made = app("start")
    made.button_group[0].set_value("My own files").run()
    made.file_uploader[0].upload(name, data).run()
    assert not made.exception and len(made.error) == 1 and "Traceback" not in made.error[0].value
    assert SORRY not in made.error[0].value and [button.label for button in made.button] == []


def test_a_row_is_typed_as_the_table_has_it() -> None:
    features, categories = ("size", "colour", "age"), {"colour": ("blue", "green", "red")}
    assert row("3, red ,40", features, categories) == [3, 0, 0, 1, 40]
    for typed, complaint in (("3,red", "2 values"), ("3,pink,4", "it was one of: blue"), ("x,red,4", "size must be"),
                             ("nan,red,4", "finite"), ("1;red;inf", "finite")):  # fmt: skip
        with pytest.raises(ValueError, match=complaint):
            row(typed, features, categories)


def test_the_results_page_asks_for_a_row_by_the_names_of_its_columns(folder: Path) -> None:
    made = app("runs")
    assert not made.exception and made.metric[0].value == "96.0%"
    (asked,) = [one for one in made.text_input if one.label == "3 values of a row, with commas between them"]
    asked.set_value("1,pink,3").run()
    assert "it was one of: blue, green, red" in made.error[0].value.replace("\\", "")


# ---- experiments


FEW = (
    "acgan",
    "progan",
    "lenet5",
    "dilated_frontend",
    "perceptron",
    "softmax_regression_lbfgs",
    "student",
    "vae_mnist",
)


def forms() -> None:
    """A page with the forms of the experiments of a folder, and what they make of them."""
    import os
    from pathlib import Path

    import streamlit as st

    from archgraph.document.reader import read_file
    from archgraph.studio.screens.train import edited  # here, as Streamlit must know its components first

    changed = []
    for path in sorted(Path(os.environ["ARCHGRAPH_WORKSPACE"]).glob("*.train.json")):
        value = read_file(path).value
        if edited(dict(value), path.name) != value:
            changed.append(path.name)
    st.session_state["changed"] = changed


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_an_experiment_that_is_only_looked_at_stays_as_it_is(
    every: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [path for path in EXAMPLES.glob("*.train.json") if every or path.name.split(".")[0] in FEW]
    assert len(paths) > (60 if every else 5)
    for path in paths:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("ARCHGRAPH_WORKSPACE", str(tmp_path))
    made = AppTest.from_function(forms, default_timeout=120).run()
    assert not made.exception and made.session_state["changed"] == []


def test_a_form_writes_what_was_touched_and_takes_over_what_others_write(folder: Path) -> None:
    path = folder / "lenet5.train.json"
    before = path.read_text("utf-8")
    made = app("train")
    assert path.read_text("utf-8") == before
    number = json.loads(before)["epochs"]
    next(one for one in made.number_input if one.label == "Epochs").set_value(number + 1).run()
    after = before.replace(f'"epochs": {number}', f'"epochs": {number + 1}')
    assert path.read_text("utf-8") == after != before
    path.write_text(after.replace(f'"epochs": {number + 1}', f'"epochs": {number + 7}'))
    made.run()
    assert next(one for one in made.number_input if one.label == "Epochs").value == number + 7
    assert json.loads(path.read_text())["epochs"] == number + 7, "the form does not bring back what it showed"
    (typed,) = made.text_area
    typed.set_value(str(typed.value).replace(f'"epochs": {number + 7}', f'"epochs": {number + 9}')).run()
    path.write_text(before)  # somebody else, in this moment
    next(button for button in made.button if button.label == "Save this text").click().run()
    assert path.read_text("utf-8") == before, "nobody's text is written over"


# ---- conflicts


def test_a_conflict_opens_a_window_in_which_both_are_put_together(folder: Path) -> None:
    made = app(file="lenet5.graph.json")
    here = desk_of(made)
    session = here.session
    assert session is not None
    take(here, {"epoch": session.epoch, "patches": [
        {"id": 1, "patch": [{"at": "/nodes/c1/filters", "value": 8}]},
        {"id": 2, "patch": [{"at": "/nodes/c3/filters", "value": 20}]}]})  # fmt: skip
    path = folder / "lenet5.graph.json"
    path.write_text(path.read_text().replace('"filters": 6', '"filters": 9').replace('"units": 84', '"units": 90'))
    next(button for button in made.button if button.label == "Save").click().run()
    assert not made.exception and "was saved by somebody else" in said(made)
    (side,) = [one for one in made.radio if one.key == "conflict /nodes/c1/filters"]
    assert side.options == ["mine: 8", "theirs: 9"]
    side.set_value("theirs: 9").run()
    next(button for button in made.button if button.label == "Put both together and save").click().run()
    found = json.loads(path.read_text())["nodes"]
    assert (found["c1"]["filters"], found["c3"]["filters"], found["f6"]["units"]) == (9, 20, 90)
    assert not session.dirty and here.conflict is None


# ---- failures


PLACES = {
    "start": "guide.chosen_data", "train": "train._experiment", "files": "files._own", "runs": "trying._scores",
    "words": "glossary.WORDS", "canvas": "compose.message",
}  # fmt: skip


def broken(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("/home/secret/path <script>")


class Broken(dict[str, str]):
    def items(self) -> Any:
        return broken()


@pytest.mark.parametrize("where", PLACES)
def test_whatever_fails_on_a_page_is_told_in_one_plain_line(
    where: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app()  # the pages are imported
    path = f"archgraph.studio.screens.{PLACES[where]}"
    monkeypatch.setattr(path, Broken() if where == "words" else broken)
    made = app("" if where == "canvas" else where, file="lenet5.graph.json")
    assert not made.exception and [one.value for one in made.error] == [SORRY]
    assert not re.search("secret|Traceback|ZeroDivision", str(made))


def test_signals_of_streamlit_are_no_failures() -> None:
    def page() -> None:
        import streamlit as st

        from archgraph.studio.calm import calmly

        with calmly():
            st.write("before")
            st.stop()

    made = AppTest.from_function(page).run()
    assert not made.error and made.markdown[0].value == "before"


@pytest.mark.parametrize("address", [
    {"file": "../../etc/passwd"}, {"file": "x" * 5_000}, {"file": "\0"}, {"file": "/etc/passwd"}, {"file": "."},
    {"draft": "../../x"}, {"draft": "0" * 16}, {"file": "runs"}, {"file": "lenet5.graph.json/x"}, {"file": "~root"},
])  # fmt: skip
def test_addresses_that_lead_nowhere_do_no_harm(folder: Path, address: dict[str, str]) -> None:
    made = app(**address)
    assert not made.exception and SORRY not in [one.value for one in made.error]
    assert "root:" not in str(made) and desk_of(made).session is None


def test_the_time_that_is_left_is_that_of_the_epochs_so_far(folder: Path) -> None:
    job = Job(Workspace(folder), "iris-1")
    (job.folder.path / "experiment.train.json").write_text('{"epochs": 5}')
    (folder / ".archgraph" / "jobs").mkdir(parents=True)
    (folder / ".archgraph" / "jobs" / "iris-1.json").write_text('{"pid": 1, "began": "x", "time": 0}')
    assert (job.epochs, job.seconds_left()) == (5, 8.0)


# ---- words


TERMS = [
    "accuracy",
    "activation",
    "adversarial",
    "augmentation",
    "autoencoder",
    "backpropagation",
    "batch",
    "bottleneck",
    "categorical",
    "channel",
    "checkpoint",
    "class",
    "clip",
    "clipping",
    "convergence",
    "convolution",
    "convolutional",
    "crossentropy",
    "cross-entropy",
    "curve",
    "decay",
    "decoder",
    "deconvolution",
    "derivative",
    "dilation",
    "discriminator",
    "divergence",
    "dropout",
    "embedding",
    "encoder",
    "ensemble",
    "entropy",
    "epoch",
    "experiment",
    "feature",
    "filter",
    "gan",
    "gaussian",
    "generator",
    "gradient",
    "graph",
    "hinge",
    "hyperparameter",
    "inference",
    "initialiser",
    "kernel",
    "kl",
    "label",
    "latent",
    "layer",
    "logit",
    "logits",
    "loss",
    "lstm",
    "gru",
    "mask",
    "matrix",
    "metric",
    "minibatch",
    "momentum",
    "multiply-adds",
    "network",
    "neuron",
    "node",
    "norm",
    "normalisation",
    "one-hot",
    "optimiser",
    "outlier",
    "overfitting",
    "padding",
    "parameter",
    "penalty",
    "perceptron",
    "pooling",
    "preprocessing",
    "probability",
    "quantile",
    "recurrent",
    "regularisation",
    "relu",
    "residual",
    "sample",
    "scalar",
    "schedule",
    "seed",
    "sequence",
    "sigmoid",
    "softmax",
    "sparse",
    "standardise",
    "stochastic",
    "stride",
    "symbol",
    "tanh",
    "tensor",
    "token",
    "training",
    "transformer",
    "validation",
    "variance",
    "vector",
    "weight",
]
"""Words of the trade that somebody new to it does not know."""
SAME = {"crossentropy": "cross-entropy", "entropy": "cross-entropy", "convolutional": "convolution", "logit": "logits",
        "clip": "clipping", "kl": "divergence"}  # fmt: skip


def spoken(made: AppTest) -> Iterator[str]:
    """What a page says, but for its explanations."""
    for kind in ("markdown", "caption", "title", "subheader", "info", "warning", "error", "success"):
        yield from (one.value for one in getattr(made, kind))
    for kind in ("button", "selectbox", "radio", "number_input", "checkbox", "text_input", "select_slider", "tabs"):
        yield from (one.label for one in getattr(made, kind))


def terms(text: str) -> set[str]:
    found = {one for one in TERMS if re.search(rf"\b{re.escape(one)}s?\b", text.lower().replace("\\", ""))}
    return {SAME.get(one, one) for one in found}


def explained(made: AppTest) -> str:
    """The explanations on a page: in its window of words, and at its fields."""
    texts = [one.value for one in made.markdown if re.match(r"\*\*[a-z- ]+\*\*: ", one.value)]
    return " ".join(re.findall(r"\*\*([a-z- ]+)\*\*: ", "\n".join(texts)))


@pytest.mark.parametrize("where", ["start", "train", "runs"])
def test_every_word_of_the_trade_has_an_explanation_at_hand(folder: Path, where: str) -> None:
    made = app(where)
    text = "\n".join(one for one in spoken(made) if not re.match(r"\*\*[a-z- ]+\*\*: ", one))
    if where == "start":
        for name in ("iris", "python topics"):
            made.selectbox[0].set_value(name.replace(" ", "_")).run()
            text += "\n".join(one for one in spoken(made) if not re.match(r"\*\*[a-z- ]+\*\*: ", one))
        text += "\n".join(f"{kind.doc()} {kind.shape}".partition("\n")[0] for kind in SOURCES.values()
                          if kind.name in ("digits", "iris", "diabetes", "python_topics"))  # fmt: skip
    if where == "train":
        for table in (LOSS.table, OPTIMIZER.table):
            text += "\n".join((kind.__doc__ or "").strip().partition("\n")[0] for kind in table.values())
    known = explained(made)
    assert terms(text)
    assert {one for one in terms(text) if one not in known} == set()
