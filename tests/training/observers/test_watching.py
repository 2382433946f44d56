"""Onlookers change nothing, see what is there, and are resumed as the run is."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archgraph as ag
from archgraph.diagnostics import GraphError
from archgraph.training import Run, observers, train
from archgraph.training import loop as training_loop
from archgraph.training.experiment import make_experiment
from archgraph.training.explaining.statistics import FIGURES
from archgraph.training.report import Silent
from archgraph.training.watching import WATCHERS
from tests.training.conftest import DENSE, DIGITS, Write

EVERYTHING = ["nodes", "tensorboard"]
NOISY = {
    **DENSE,
    "nodes": {
        **DENSE["nodes"],
        "flat": {"op": "flatten", "in": "noise"},
        "noise": {"op": "gaussian_noise", "in": "image", "stddev": 0.1},
        "hidden": {"op": "dense", "in": "flat", "units": 16, "activation": "relu", "norm": "batch"},
    },
}


def weights(run: Run) -> dict[str, np.ndarray[Any, Any]]:
    return dict(ag.get_weights(run.load_model()))


def test_a_run_that_is_watched_ends_bit_identical_to_one_that_is_not(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(NOISY, epochs=2)
    watched = train(path, progress=False, overrides={"watch": EVERYTHING})
    monkeypatch.setattr(training_loop, "observers", lambda plan: ())
    alone = train(path, progress=False)
    assert not (alone.path / "diagnosis.json").exists() and (watched.path / "nodes.json").exists()
    for one, other in zip(watched.history, alone.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert watched.test == alone.test
    for name, value in weights(alone).items():
        np.testing.assert_array_equal(weights(watched)[name], value)


class Stops(Silent):
    """Sends SIGINT, as Ctrl-C does, in the second epoch."""

    def __init__(self) -> None:
        self.epoch = 0

    def begin(self, epoch: int, epochs: int, steps: int) -> None:
        self.epoch = epoch

    def advance(self, step: int, measure: Any) -> None:
        if self.epoch == 1:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)
            self.epoch = -1


def test_a_resumed_run_has_seen_what_an_uninterrupted_one_has(write: Write) -> None:
    path = write(NOISY, epochs=3, watch=EVERYTHING)
    whole = train(path, progress=False)
    cut = train(path, progress=Stops())
    assert cut.interrupted
    resumed = train(path, progress=False, resume=True)
    assert (whole.path / "nodes.json").read_bytes() == (resumed.path / "nodes.json").read_bytes()
    assert scalars(whole.path) == scalars(resumed.path)
    assert {epoch for _, epoch, _ in scalars(whole.path)} == {1, 2, 3}


def events(run: Path) -> list[Any]:
    import tensorflow as tf

    files = sorted(path for path in (run / "tensorboard").iterdir())
    records = (record.numpy() for path in files for record in tf.data.TFRecordDataset(str(path)))
    return [tf.compat.v1.Event.FromString(record) for record in records]


def values(run: Path, plugin: str) -> list[tuple[str, int, Any]]:
    return [
        (value.tag, event.step, value)
        for event in events(run)
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == plugin
    ]


def scalars(run: Path) -> list[tuple[str, int, float]]:
    import tensorflow as tf

    found = [(tag, step, float(tf.make_ndarray(value.tensor))) for tag, step, value in values(run, "scalars")]
    return [one for one in found if one[0] != "seconds"]


def test_logs_hold_the_figures_the_weights_and_the_pictures(write: Write) -> None:
    import tensorflow as tf

    run = train(write(epochs=2, watch=["tensorboard"]), progress=False)
    written = {(tag, step): value for tag, step, value in scalars(run.path)}
    for row in run.history:
        for name in ("loss", "val_loss", "accuracy", "learning_rate"):
            assert written[name, row["epoch"]] == pytest.approx(row[name])
    histograms = {(tag, step): tf.make_ndarray(value.tensor) for tag, step, value in values(run.path, "histograms")}
    kernel = histograms["hidden/kernel", 2]
    assert kernel.shape == (30, 3) and kernel[:, 2].sum() == 64 * 32 and (kernel[:, 1] > kernel[:, 0]).all()
    images = {tag: tf.make_ndarray(value.tensor) for tag, _, value in values(run.path, "images")}
    assert set(images) == {path.stem for path in run.path.glob("*.png")} >= {"curves", "calibration", "worst"}
    assert images["curves"][2] == (run.path / "curves.png").read_bytes()
    assert int(images["curves"][0]) > 300
    (text,) = values(run.path, "text")
    assert '"name": "digits"' in tf.make_ndarray(text[2].tensor)[0].decode()


def test_nodes_are_written_as_json_and_as_a_table(write: Write) -> None:
    run = train(write(epochs=3, watch=[{"name": "nodes", "every": 2, "samples": 16}]), progress=False)
    log = json.loads((run.path / "nodes.json").read_text())
    assert log["epochs"] == [2, 3]  # the last always
    paths = [node["path"] for node in log["nodes"]]
    assert paths == ["flat", "hidden", "hidden/activation", "drop", "scores", "scores/activation"]
    rows = list(csv.DictReader((run.path / "nodes.csv").read_text().splitlines()))
    assert len(rows) == 2 * len(paths) and set(rows[0]) == {"epoch", "role", "path", "op", *FIGURES}
    scores = log["nodes"][4]["figures"]
    assert rows[-2]["path"] == "scores" and float(rows[-2]["weight_gradient"]) == scores["weight_gradient"][1]
    weight = np.sqrt(sum((value**2).sum() for name, value in weights(run).items() if name.startswith("scores/")))
    best = log["epochs"].index(run.best_epoch) if run.best_epoch in log["epochs"] else None
    if best is not None:
        assert scores["weights"][best] == pytest.approx(weight, rel=1e-5)
    assert (run.path / "nodes.png").read_bytes()[:4] == b"\x89PNG"


def test_what_is_held_out_is_judged_and_some_of_it_kept(write: Write) -> None:
    run = train(write(epochs=4), progress=False)
    about = json.loads((run.path / "held_out.json").read_text())
    label = about["outputs"]["label"]
    assert label["accuracy"] == pytest.approx(run.test["accuracy"])
    assert about["bounds"]["constant"] == pytest.approx(np.log(10), abs=0.02) and about["bounds"]["floor"] == 0
    with np.load(run.path / "examples.npz") as kept:
        assert kept["input/image"].shape == (16, 8, 8, 1) and kept["target/label"].shape == (16,)


def test_what_is_watched_is_named_or_given_with_its_options() -> None:
    made = make_experiment({**DIGITS, "watch": ["nodes", {"name": "tensorboard", "images": False}]})
    nodes, board = made.onlookers
    assert (nodes.every, getattr(nodes, "samples"), getattr(board, "images")) == (1, 64, False)  # noqa: B009
    assert set(WATCHERS) == {"nodes", "tensorboard"}
    assert made.resolved()["watch"][0] == {"name": "nodes", "every": 1, "samples": 64}


WRONG = [
    (["node"], "/watch/0: AG205"),
    ([{"name": "nodes", "every": 0}], "/watch/0/every: AG201"),
    ([{"name": "nodes", "samples": 1}], "/watch/0/samples: AG201"),
    ([{"name": "tensorboard", "histograms": 1}], "/watch/0/histograms: AG202"),
    ("nodes", "/watch: AG202"),
]


@pytest.mark.parametrize(("value", "message"), WRONG)
def test_wrong_values_are_one_located_line(value: Any, message: str) -> None:
    with pytest.raises(GraphError) as refused:
        make_experiment({**DIGITS, "watch": value})
    (one,) = refused.value.diagnostics
    assert message in str(one)


def test_onlookers_are_those_of_every_run_and_those_that_are_asked_for(write: Write) -> None:
    from archgraph.training.experiment import load_experiment
    from archgraph.training.planning import plan

    def names(**changes: Any) -> list[str]:
        return [type(one).__name__ for one in observers.observers(plan(load_experiment(write(**changes))))]

    always, asked = {"HeldOut", "Pictures", "Diagnosing"}, {"NodeFigures", "Events"}
    assert always <= set(names()) and not asked & set(names())
    every = names(watch=EVERYTHING)
    assert always | asked <= set(every)
    # What a diagnosis reads is written before it, and logs hold the pictures of all others.
    assert every.index("Diagnosing") > max(every.index("NodeFigures"), every.index("HeldOut"))
    assert every[-1] == "Events"
