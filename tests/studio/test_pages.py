"""The pages as Streamlit runs them: each draws without an error, starts light, and shows no stack trace."""

import base64
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sklearn.datasets import load_digits
from streamlit.testing.v1 import AppTest

from archgraph.studio import running
from archgraph.studio.choosing import ready_sources
from archgraph.studio.conversation import message, take
from archgraph.studio.desk import Desk
from archgraph.studio.profiling import profile
from archgraph.studio.reacting import marks, numbered
from archgraph.studio.running import Job
from archgraph.studio.suggesting import experiment, starts, suggestions
from archgraph.studio.worker import Worker
from archgraph.studio.workspace import Workspace
from archgraph.training.experiment import make_experiment
from archgraph.training.planning import plan

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with one network and its experiment."""
    for name in ("lenet5.graph.json", "lenet5.train.json"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text("utf-8"), "utf-8")
    monkeypatch.setenv("ARCHGRAPH_WORKSPACE", str(tmp_path))
    return tmp_path


def app(go: str = "", **query: str) -> AppTest:
    """The studio on one of its pages."""
    made = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        made.query_params[name] = value
    if go:
        made.session_state["go"] = go
    return made.run()


def desk_of(made: AppTest) -> Desk:
    found = made.session_state["desk"]
    assert isinstance(found, Desk)
    return found


def said(made: AppTest) -> str:
    return "\n".join(one.value for one in [*made.markdown, *made.caption, *made.title, *made.subheader])


def test_the_first_page_offers_three_ways_to_begin(folder: Path) -> None:
    made = app()
    assert not made.exception
    labels = [button.label for button in made.button]
    assert labels == ["Show me the way", "Look at the gallery", "Empty canvas"]


def test_the_canvas_gets_document_view_and_catalogue(folder: Path) -> None:
    made = app(file="lenet5.graph.json")
    assert not made.exception
    (element,) = made.get("bidi_component")
    told = message(desk_of(made).session)  # type: ignore[arg-type]
    assert told["document"]["name"] == "lenet5" and len(told["catalogue"]["ops"]) > 80
    assert told["view"]["totals"]["params"] == 61_706 and json.dumps(told)
    assert "61706" in str(element.proto), "and that is what the browser is sent"


def test_saving_writes_the_edit_and_only_that(folder: Path) -> None:
    made = app(file="lenet5.graph.json")
    here = desk_of(made)
    session = here.session
    assert session is not None
    take(here, {"epoch": session.epoch, "patches": [
        {"id": 1, "patch": [{"at": "/nodes/c1/filters", "value": 8}]}]})  # fmt: skip
    next(button for button in made.button if button.label == "Save").click().run()
    assert not made.exception
    before = (EXAMPLES / "lenet5.graph.json").read_text("utf-8")
    assert (folder / "lenet5.graph.json").read_text("utf-8") == before.replace('"filters": 6', '"filters": 8')


def test_a_reload_brings_unsaved_changes_back(folder: Path) -> None:
    made = app(file="lenet5.graph.json")
    here = desk_of(made)
    session = here.session
    assert session is not None
    take(here, {"epoch": session.epoch, "patches": [{"id": 1, "patch": [{"at": "/doc", "value": "draft"}]}]})
    here.drafts.write()
    again = desk_of(app(draft=here.drafts.key))
    assert again.session is not None and again.session.value["doc"] == "draft" and again.session.name == session.name
    other = desk_of(app(file="lenet5.graph.json"))
    assert other.session is not None and other.session.value["doc"] != "draft", "nobody else sees it"


@pytest.mark.parametrize("page", ["files", "train", "words", "runs", "start"])
def test_every_page_draws(folder: Path, page: str) -> None:
    made = app(page)
    assert not made.exception and made.title


def test_a_file_that_is_no_graph_is_refused_in_words(folder: Path) -> None:
    (folder / "bad.graph.json").write_text('{"a": 1, "a": 2}')
    made = app(file="bad.graph.json")
    assert not made.exception and "could not be opened" in made.error[0].value
    made = app(file="../../etc/passwd")
    assert "could not be opened" in made.error[0].value and "root:" not in str(made)


def test_the_guided_start_describes_data_and_offers_networks(folder: Path) -> None:
    made = app("start")
    assert not made.exception
    assert "1,797 pictures: 8 by 8 pixels" in said(made).replace("\\", "")
    assert [button.label for button in made.button].count("Train this one") == 3


@pytest.mark.parametrize("name", ["digits", "iris", "diabetes", "digits_sequence"])
def test_every_network_that_is_offered_fits_its_data(name: str, tmp_path: Path) -> None:
    known = profile(name, tmp_path)
    for one in suggestions(known):
        (tmp_path / "g.graph.json").write_text(json.dumps(one.graph))
        plan(make_experiment(experiment(known, name, "x", "g.graph.json", one.epochs), tmp_path))


def test_there_are_networks_for_every_kind_of_data_and_each_says_why() -> None:
    assert {value["meta"]["for"] for value in starts().values()} == {"picture", "table", "sequence", "text"}
    assert all(value["meta"]["why"] for value in starts().values())
    assert "digits" in ready_sources() and "csv" not in ready_sources()


def test_marks_tell_of_activations_gradients_and_silent_units() -> None:
    nodes = {"a": {"strength": 2.0, "gradient": 0.0, "units": 4.0, "dead": 1.0},
             "b": {"strength": 0.5, "gradient": 3.0, "units": 2.0, "dead": 2.0}}  # fmt: skip
    assert marks(nodes, "Activations")["b"] == {"text": "activation 0.5", "level": 0.25, "tone": "good"}
    assert marks(nodes, "Gradients")["a"]["tone"] == "warning" and marks(nodes, "Gradients")["b"]["level"] == 1
    assert marks(nodes, "Silent units")["a"] == {"text": "1 of 4 silent", "level": 0.25, "tone": "warning"}
    assert marks(nodes, "Silent units")["b"]["tone"] == "bad"


def test_a_sentence_is_read_by_the_numbers_of_its_characters() -> None:
    assert numbered("abba", 3, (" ", "a", "b")) == [2, 2, 1], "the last three"
    assert numbered("b", 3, (" ", "a", "b")) == [0, 0, 2], "blanks before a short one"


START = """
import sys
from streamlit.testing.v1 import AppTest
made = AppTest.from_file(sys.argv[1], default_timeout=60).run()
assert not made.exception
for page in ("files", "words", "runs", "train", "start"):
    made.session_state["go"] = page
    made.run()
    assert not made.exception and not made.error, page
next(one for one in made.button if one.label == "Look at it first").click().run()
assert not made.exception and made.get("bidi_component")
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"tensorflow", "keras", "torch", "jax"}))
"""


def test_no_page_imports_tensorflow(folder: Path) -> None:
    run = folder / "runs" / "digits-1"
    run.mkdir(parents=True)
    (run / "result.json").write_text('{"test": {"accuracy": 0.9}}')
    (run / "resolved.json").write_text('{"raw": {"image": {"shape": [8, 8, 1], "highest": 16}}}')
    done = subprocess.run(
        [sys.executable, "-c", START, str(ROOT / "app.py")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr[-800:]


# ---- training in a process of its own


def wait(job: Job, *states: str, seconds: float = 120) -> str:
    end = time.time() + seconds
    while job.state not in states and time.time() < end:
        time.sleep(0.3)
    return job.state


def quick(folder: Path, epochs: int) -> str:
    value: dict[str, Any] = json.loads((EXAMPLES / "mlp.train.json").read_text("utf-8"))
    (folder / "mlp.graph.json").write_text((EXAMPLES / "mlp.graph.json").read_text("utf-8"))
    value = {key: one for key, one in value.items() if key not in ("$schema", "callbacks")} | {"epochs": epochs}
    (folder / "mlp.train.json").write_text(json.dumps(value))
    return "mlp.train.json"


@pytest.mark.slow
def test_a_run_outlives_the_page_stops_and_goes_on(folder: Path) -> None:
    place = Workspace(folder)
    job = running.begin(place, quick(folder, 400), "mlp")
    assert wait(job, "running", "failed") == "running", job.log()
    found = running.jobs(Workspace(folder))[0]  # another page, later
    assert found.name == job.name and found.alive and found.epochs == 400
    found.stop()
    assert wait(found, "stopped", "finished", "failed") == "stopped", found.log()
    reached = len(found.history)
    running.resume(found)
    wait(found, "running")
    end = time.time() + 60
    while len(found.history) <= reached and time.time() < end:
        time.sleep(0.3)
    assert len(found.history) > reached
    found.stop()
    assert wait(found, "stopped", "finished") in ("stopped", "finished")


def test_a_process_of_the_same_number_is_not_taken_for_the_run(folder: Path) -> None:
    place = Workspace(folder)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        (place.private("jobs") / "x-1.json").write_text(json.dumps({"pid": other.pid, "began": "1"}))
        assert not Job(place, "x-1").alive and Job(place, "x-1").state == "failed"
    finally:
        other.kill()
        other.wait()


@pytest.mark.slow
def test_the_worker_answers_for_a_trained_run_and_tells_how_layers_react(folder: Path) -> None:
    job = running.begin(Workspace(folder), quick(folder, 12), "mlp")
    assert wait(job, "finished", "failed", seconds=180) == "finished", job.log()
    worker = Worker(job.folder.path)
    sample = load_digits().images[:1, ..., None].tolist()
    answer = worker.ask({"inputs": {"image": sample}})
    assert "error" not in answer, answer
    assert answer["rows"][0]["digit"]["class"] == "0"
    assert set(answer["nodes"]) >= {"digit"} and 0 <= answer["nodes"]["digit"]["silent"] <= 1
    assert "error" in worker.ask({"inputs": {"image": [[1, 2]]}})
    picture = io.BytesIO()
    Image.fromarray((load_digits().images[0] * 15.9).astype("uint8")).save(picture, "PNG")
    uploaded = worker.ask({"inputs": {}, "picture": base64.b64encode(picture.getvalue()).decode(), "ending": ".png"})
    assert uploaded["rows"][0]["digit"]["class"] == "0" and set(uploaded["nodes"]) == set(answer["nodes"])
    assert worker.process is not None and worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait(20) == 0, "it ends with the page that asked"
    assert worker.process.stdout is not None
    worker.process.stdout.close()
