"""Training itself: real data, real signals, real kills."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.diagnostics import GraphError
from archgraph.training import Run, open_run, train
from archgraph.training.checkpoints import Checkpoints
from archgraph.training.feed import order
from archgraph.training.report import Silent
from archgraph.training.state import State
from tests.training.conftest import DENSE, Write, vector_graph

ROOT = Path(__file__).parents[2]
KEPT = "best.keras checkpoints manifest.json model.keras"
WRITTEN = "expanded.json experiment.train.json model.graph.json preprocessing.json resolved.json result.json train.log"
SHOWN = "calibration.png confusion_matrix.png curves.png filters.png worst.png metrics.csv metrics.json"
TOLD = "diagnosis.json examples.npz held_out.json"
FILES = {*KEPT.split(), *WRITTEN.split(), *SHOWN.split(), *TOLD.split()}


class PressesCtrlC(Silent):
    """Sends this process SIGINT after a given batch, as a user would."""

    def __init__(self, epoch: int, step: int) -> None:
        self.when, self.epoch = (epoch, step), 0

    def begin(self, epoch: int, epochs: int, steps: int) -> None:
        self.epoch = epoch

    def advance(self, step: int, measure: Any) -> None:
        if (self.epoch, step) == self.when:
            os.kill(os.getpid(), signal.SIGINT)


def weights(run: Run) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(value) for value in run.load_model().get_weights()]


def figures(run: Run) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in run.history]


def same(first: Run, second: Run) -> None:
    assert figures(first) == figures(second)
    assert first.test == second.test
    for a, b in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_learns_and_leaves_everything_in_its_folder(write: Write) -> None:
    run = train(write(data="digits", epochs=12), progress=False)
    assert run.test["accuracy"] > 0.9
    assert run.path == Path("runs/digits-1")
    assert {path.name for path in run.path.iterdir()} == FILES
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in run.path.glob("*.png"))
    rows = list(csv.DictReader((run.path / "metrics.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 13))
    assert json.loads((run.path / "metrics.json").read_text()) == [dict(row) for row in run.history]
    result = json.loads((run.path / "result.json").read_text())
    assert (result["test"], result["weights"], result["interrupted"]) == (run.test, "best", False)
    losses = [row["val_loss"] for row in run.history]
    assert run.best_epoch == 1 + losses.index(min(losses))
    resolved = json.loads((run.path / "resolved.json").read_text())
    assert resolved["settings"]["optimizer"]["beta_2"] == 0.999
    assert resolved["versions"]["keras"] and resolved["platform"]["python"] and resolved["settings"]["seed"] == 0
    paths = [node["path"] for node in json.loads((run.path / "expanded.json").read_text())]
    assert paths == ["flat", "hidden", "hidden/activation", "drop", "scores", "scores/activation"]
    assert open_run(run.path) == run


def test_a_parameter_that_is_a_block_is_written_down_by_its_name(write: Write) -> None:
    wide = {"inputs": ["x"], "nodes": {"more": {"op": "dense", "in": "x", "units": 16}}, "output": "more"}
    graph = {
        **DENSE, "params": {"unit": {"type": "block", "default": "wide"}}, "blocks": {"wide": wide},
        "nodes": {**DENSE["nodes"], "hidden": {"block": "=unit", "in": "flat"}},
    }  # fmt: skip
    run = train(write(graph, epochs=1), progress=False)
    resolved = json.loads((run.path / "resolved.json").read_text())
    assert resolved["graphs"]["model"]["parameters_used"] == {"unit": "wide"}


def test_the_same_seed_gives_the_same_run_and_another_seed_another(write: Write) -> None:
    path = write(epochs=2)
    first, again = (train(path, progress=False) for _ in range(2))
    same(first, again)
    other = train(path, progress=False, overrides={"seed": 1})
    assert figures(other) != figures(first)


def test_ctrl_c_stops_after_the_batch_and_resuming_ends_as_if_it_had_never_been(write: Write) -> None:
    path = write(epochs=4, callbacks=["reduce_lr_on_plateau", {"name": "early_stopping", "patience": 9}])
    whole = train(path, progress=False)
    run = train(path, progress=PressesCtrlC(1, 4))
    assert run.interrupted and not run.test
    assert json.loads((run.path / "result.json").read_text())["interrupted"]
    assert [row["epoch"] for row in run.history] == [1]
    again = train(path, resume=True, progress=PressesCtrlC(2, 9))  # the last batch of an epoch
    assert again.interrupted
    resumed = train(path, resume=True, progress=False)
    assert resumed.path == run.path
    same(whole, resumed)


QUICK = {"name": "adam", "learning_rate": 0.05}
COSINE = {"name": "cosine_decay", "initial_learning_rate": 0.01}


def newest(run: Path) -> State:
    kept = Checkpoints(run / "checkpoints").newest(print)
    assert kept is not None
    return kept


def start(path: Path) -> "subprocess.Popen[bytes]":
    """Train in another process, and wait until it has saved something."""
    code = (
        "import sys; from archgraph.training import train; "
        f"sys.exit(130 * train({str(path)!r}, run_dir='run').interrupted)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes)
    deadline = time.monotonic() + 120
    while not Checkpoints(Path("run/checkpoints")).files():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    return process


def test_a_run_killed_in_another_process_is_resumed_to_the_same_end(write: Write) -> None:
    path = write(epochs=400, callbacks=[{"name": "checkpoint", "seconds": 0}])
    process = start(path)
    process.kill()
    process.communicate(timeout=60)
    enough = {"epochs": newest(Path("run")).progress["epoch"] + 2}
    resumed = train(path, run_dir="run", resume=True, progress=False, overrides=enough)
    same(train(path, run_dir="whole", progress=False, overrides=enough), resumed)


def test_ctrl_c_in_another_process_ends_it_without_a_traceback_and_with_status_130(write: Write) -> None:
    process = start(write(epochs=4000, callbacks=[{"name": "checkpoint", "seconds": 0}]))
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert b"interrupted in epoch" in output
    kept = open_run("run")
    assert kept.interrupted and len(kept.history) == newest(Path("run")).progress["epoch"]


def test_a_finished_run_goes_on_when_it_gets_more_epochs(write: Write) -> None:
    path = write(epochs=2)
    train(path, progress=False)
    longer = train(path, resume=True, progress=False, overrides={"epochs": 3})
    same(train(path, progress=False, overrides={"epochs": 3}), longer)


RESUMING: list[tuple[str, Mapping[str, Any], str]] = [
    ("finished", {}, "it has finished its 1 epochs"),
    ("another optimiser", {"epochs": 2, "optimizer": "sgd"}, "optimizer changed since the run began"),
    ("other data", {"epochs": 2, "data.subset": 300}, "data changed since"),
]


@pytest.mark.parametrize(("overrides", "message"), [case[1:] for case in RESUMING], ids=[case[0] for case in RESUMING])
def test_resuming_something_else_is_refused(overrides: Mapping[str, Any], message: str, write: Write) -> None:
    path = write(epochs=1)
    train(path, progress=False)
    with pytest.raises(GraphError, match=message) as error:
        train(path, resume=True, progress=False, overrides=overrides)
    assert error.value.diagnostics[0].code == "AG704"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def test_a_damaged_checkpoint_gives_way_to_the_one_before_it_and_the_end_is_the_same(write: Write) -> None:
    path = write(epochs=3, callbacks=[{"name": "checkpoint", "seconds": 0}])
    whole = train(path, progress=False)
    interrupted = train(path, progress=PressesCtrlC(1, 4)).path
    last, before = Checkpoints(interrupted / "checkpoints").files()
    cut(last)
    resumed = train(path, resume=True, progress=False)
    told = (interrupted / "train.log").read_text()
    assert f"{last.name}: the checkpoint cannot be read: it is cut off in array" in told
    assert f"going on from {before.name}, which is whole" in told
    same(whole, resumed)
    assert last not in Checkpoints(interrupted / "checkpoints").files()


def test_a_run_whose_checkpoints_are_all_damaged_is_refused_with_a_line_for_each(write: Write) -> None:
    path = write(epochs=1, callbacks=[{"name": "checkpoint", "seconds": 0}])
    kept = train(path, progress=False).path / "checkpoints"
    for file in kept.iterdir():
        cut(file)
    with pytest.raises(GraphError, match="AG704 the checkpoint cannot be read") as error:
        train(path, resume=True, progress=False, overrides={"epochs": 2})
    assert sorted(Path(one.file).name for one in error.value.diagnostics) == sorted(p.name for p in kept.iterdir())


def test_folders_that_cannot_be_used_are_refused(write: Write, project: Path) -> None:
    path = write(epochs=1)
    for options in (
        {"run_dir": project},
        {"resume": True},
        {"run_dir": "nowhere", "resume": True},
        {"run_dir": path / "x"},
    ):
        with pytest.raises(GraphError) as error:
            train(path, progress=False, **options)
        assert error.value.diagnostics[0].code == "AG704"


def test_training_stops_early_and_keeps_the_best_weights(write: Write) -> None:
    run = train(write(epochs=200, callbacks=[{"name": "early_stopping", "patience": 3}]), progress=False)
    assert run.stopped.startswith("val_loss has not got better for 3 epochs")
    assert len(run.history) == (run.best_epoch or 0) + 3
    best = run.history[(run.best_epoch or 0) - 1]
    assert best["val_loss"] == min(row["val_loss"] for row in run.history)
    assert json.loads((run.path / "result.json").read_text())["weights"] == "best"


def test_the_rate_falls_on_a_plateau(write: Write) -> None:
    plateau = {"name": "reduce_lr_on_plateau", "patience": 1, "min_delta": 10, "factor": 0.5, "min_lr": 0.002}
    run = train(write(epochs=5, callbacks=[plateau]), progress=False)
    rates = [round(row["learning_rate"], 6) for row in run.history]
    assert rates == [0.005, 0.005, 0.0025, 0.002, 0.002]


def test_schedules_may_count_epochs(write: Write) -> None:
    rate = {"name": "piecewise_constant", "boundaries": [1, 2], "values": [0.1, 0.01, 0.001], "per": "epoch"}
    run = train(write(epochs=3, optimizer={"name": "sgd", "learning_rate": rate}), progress=False)
    assert [round(row["learning_rate"], 6) for row in run.history] == [0.1, 0.01, 0.001]


def test_a_loss_that_is_not_finite_ends_the_run_and_says_why(write: Write) -> None:
    path = write(
        vector_graph(10, 1),
        data="diabetes",
        preprocessing=[],
        loss="mean_squared_error",
        metrics=[],
        optimizer={"name": "sgd", "learning_rate": 1000},
        epochs=50,
    )
    run = train(path, progress=False)
    assert "the loss is not finite" in run.stopped
    assert len(run.history) < 50
    assert json.loads((run.path / "metrics.json").read_text())[-1]["loss"] is None


def test_class_weights_lift_the_rare_class(write: Write, project: Path) -> None:
    drawn = np.random.default_rng(0)
    x = np.concatenate([drawn.normal(-0.5, 1, 950), drawn.normal(0.5, 1, 50)])[:, None]
    np.savez(project / "rare.npz", x=x, y=np.repeat([0, 1], [950, 50]))
    changes = {
        "data": {"name": "npz", "file": "rare.npz"},
        "preprocessing": [],
        "loss": "binary_crossentropy",
        "metrics": ["recall"],
        "epochs": 15,
        "batch_size": 100,
        "optimizer": QUICK,
    }
    path = write(vector_graph(1, 1, "sigmoid"), **changes)
    plain = train(path, progress=False)
    weighted = train(path, progress=False, overrides={"class_weights": "balanced"})
    assert weighted.test["recall"] > plain.test["recall"] + 0.4


def convolution(of: str) -> dict[str, Any]:
    return {"op": "graph_conv", "in": {"x": of, "adjacency": "adjacency"}}


def test_the_karate_club_is_told_apart_from_two_labels(write: Write) -> None:
    graph = {
        "archgraph": 1,
        "name": "gcn",
        "inputs": {"features": {"shape": [34, 34]}, "adjacency": {"shape": [34, 34]}},
        "nodes": {
            "hidden": {**convolution("features"), "units": 16, "activation": "relu"},
            "label": {**convolution("hidden"), "units": 2, "activation": "softmax"},
        },
        "outputs": {"label": "label"},
    }
    changes = {"data": "karate_club", "preprocessing": [], "epochs": 120, "validation": 0, "batch_size": 1}
    run = train(write(graph, optimizer={"name": "adam", "learning_rate": 0.02}, **changes), progress=False)
    assert run.test["accuracy"] >= 30 / 32  # only nodes that were not learned from count
    assert run.history[-1]["accuracy"] == 1


def test_several_outputs_have_their_own_losses_and_an_output_without_target_stays(write: Write) -> None:
    nodes = {
        **DENSE["nodes"],
        "back": {"op": "dense", "in": "hidden", "units": 64, "activation": "sigmoid"},
        "picture": {"op": "reshape", "in": "back", "target_shape": [8, 8, 1]},
    }
    graph = {**DENSE, "nodes": nodes, "outputs": {"label": "scores", "again": "picture", "code": "hidden"}}
    losses = {"label": "sparse_categorical_crossentropy", "again": "binary_crossentropy"}
    path = write(
        graph,
        loss=losses,
        targets={"label": "label", "again": "image"},
        metrics={"label": ["accuracy"]},
        loss_weights={"again": 0.5},
        epochs=1,
    )
    run = train(path, progress=False)
    row = run.history[0]
    assert row["loss"] == pytest.approx(row["label_loss"] + 0.5 * row["again_loss"], rel=1e-3)
    assert set(row) > {"label_accuracy", "val_label_accuracy"}
    assert set(run.load_model().output) == {"label", "again", "code"}
    assert {"confusion_matrix_label.png", "samples_again.png"} <= {path.name for path in run.path.iterdir()}


@pytest.mark.parametrize(
    "changes",
    [
        {"steps_per_execution": 4},
        {"dtype_policy": "bfloat16", "validation": 0},
        {"dtype_policy": "mixed_float16", "optimizer": {"name": "sgd", "use_ema": True, "learning_rate": COSINE}},
    ],
    ids=json.dumps,
)
def test_settings_survive_an_interruption(changes: dict[str, Any], write: Write) -> None:
    path = write(epochs=2, **{"data": {"name": "digits", "subset": 200}, "batch_size": 20, **changes})
    whole = train(path, progress=False)
    train(path, progress=PressesCtrlC(1, 4))
    same(whole, train(path, resume=True, progress=False))


def test_the_order_of_an_epoch_follows_from_seed_and_epoch() -> None:
    assert (order(1, 2, 50, shuffle=True) == order(1, 2, 50, shuffle=True)).all()
    assert (order(1, 2, 50, shuffle=True) != order(1, 3, 50, shuffle=True)).any()
    assert sorted(order(1, 2, 50, shuffle=True)) == order(1, 2, 50, shuffle=False).tolist() == list(range(50))


def test_plain_lines_are_printed_where_there_is_no_terminal(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(write(epochs=2))
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("digits: 2,410 parameters; samples: 288 train, 32 validation, 80 test")
    assert printed[1] == f"run folder: {run.path}"
    assert printed[2].startswith("epoch 1/2  loss ")
    assert printed[-2].startswith("test: loss ")
    assert "epoch 2/2" in (run.path / "train.log").read_text()


@pytest.mark.parametrize("policy", ["float64", "bfloat16", "mixed_float16"])
def test_penalties_are_part_of_the_loss_whatever_the_precision(policy: str, write: Write) -> None:
    nodes = {**DENSE["nodes"], "scores": {**DENSE["nodes"]["scores"], "kernel_regularizer": {"l2": 10.0}}}
    path = write({**DENSE, "nodes": nodes}, epochs=1, dtype_policy=policy)
    assert train(path, progress=False).history[0]["loss"] > 10


def test_the_average_is_what_a_run_in_half_precision_ends_with(write: Write) -> None:
    averaged = {"name": "sgd", "learning_rate": 0.1, "use_ema": True}
    path = write(epochs=1, dtype_policy="mixed_float16", optimizer=averaged)
    run = train(path, progress=False)
    assert json.loads((run.path / "result.json").read_text())["weights"] == "average"
