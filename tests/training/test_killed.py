"""A run that is killed at any moment and resumed in a new process ends bit for bit as the one that was not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archgraph.diagnostics import Rejected
from archgraph.training import load_experiment, train
from archgraph.training.checkpoints import Checkpoints
from archgraph.training.report import Silent
from tests.training.conftest import DENSE, Write

ROOT = Path(__file__).parents[2]

OFTEN: list[Any] = [{"name": "checkpoint", "seconds": 0}]
RESTLESS: dict[str, Any] = {
    **DENSE,
    "nodes": {
        "noise": {"op": "gaussian_noise", "in": "image", "stddev": 0.1},
        "flat": {"op": "flatten", "in": "noise"},
        "hidden": {"op": "dense", "in": "flat", "units": 16},
        "norm": {"op": "batch_norm", "in": "hidden"},
        "drop": {"op": "dropout", "in": "norm", "rate": 0.25},
        "scores": {"op": "dense", "in": "drop", "units": 10, "activation": "softmax"},
    },
}
"""Everything in it draws numbers or remembers something."""
CHANGES: dict[str, Any] = {
    "data": {"name": "digits", "subset": 150},
    "epochs": 2,
    "augmentation": [{"name": "shift", "by": 0.1}, "noise"],
    "callbacks": [{"name": "checkpoint", "seconds": 0}, "reduce_lr_on_plateau"],
}


def killed(experiment: Path, kills: int) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.killing", str(experiment), "{}", str(kills)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_a_run_killed_five_times_ends_as_if_it_had_never_been(write: Write) -> None:
    told = killed(write(RESTLESS, **CHANGES), kills=5)
    assert told["struck"] == 5 and told["same"] >= 1


@pytest.mark.slow
def test_a_hundred_kills_leave_no_trace(write: Write) -> None:
    told = killed(write(RESTLESS, **CHANGES), kills=100)
    assert told["struck"] == 100 and told["same"] >= 2


def of_every_objective() -> list[Any]:
    """For each objective the experiments of the examples, those with the smallest graphs first."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted((ROOT / "examples").glob("*.train.json")):
        value = json.loads(path.read_text())
        objective = value.get("objective", "supervised")
        name = objective if isinstance(objective, str) else objective["name"]
        size = sum(len((path.parent / file).read_text()) for file in files(value) if (path.parent / file).is_file())
        found.setdefault(name, []).append((size, path))
    found.pop("distillation", None)  # it needs a teacher that has been trained
    return [pytest.param([path for _, path in sorted(sized)], id=name) for name, sized in found.items()]


def first_at_hand(paths: list[Path]) -> Path:
    """The first of the experiments whose data this machine has."""
    for path in paths:
        experiment = load_experiment(path)
        try:
            experiment.source.read(experiment.surroundings)
        except Rejected as rejected:
            assert rejected.code == "AG702", rejected
            continue
        return path
    pytest.skip("this machine has the data of none: " + ", ".join(path.name for path in paths))


def files(value: dict[str, Any]) -> list[str]:
    given = value.get("graphs") or {"": value["graph"]}
    names = [one["file"] if isinstance(one, dict) else one for one in given.values()]
    return [name.partition("#")[0] for name in names]


class Killed(BaseException):
    """Ends the training as a kill does: nothing is saved any more."""


class Kills(Silent):
    def __init__(self, last: int) -> None:
        self.last, self.count = last, 0

    def advance(self, step: int, measure: Any) -> None:
        self.count += 1
        if self.count == self.last:
            raise Killed


@pytest.mark.slow
@pytest.mark.parametrize("paths", of_every_objective())
def test_every_objective_is_resumed_to_the_same_end(paths: list[Path], tmp_path: Path) -> None:
    path = first_at_hand(paths)
    overrides = {"epochs": 2, "data.subset": 200, "batch_size": 16, "callbacks": OFTEN}
    train(path, run_dir=tmp_path / "whole", progress=False, overrides=overrides)
    counting = Kills(0)
    train(path, run_dir=tmp_path / "again", progress=counting, overrides=overrides)
    with pytest.raises(Killed):
        train(path, run_dir=tmp_path / "killed", progress=Kills(1 + counting.count // 2), overrides=overrides)
    train(path, run_dir=tmp_path / "killed", resume=True, progress=False, overrides=overrides)
    whole, again, killed = (moment(tmp_path / name) for name in ("whole", "again", "killed"))
    assert again == whole, "it is not even repeatable"
    assert killed == whole


def moment(run: Path) -> tuple[Any, ...]:
    """Everything that the last checkpoint of a run holds, but for times."""
    kept = Checkpoints(run / "checkpoints").newest(print)
    assert kept is not None
    history = [{key: value for key, value in row.items() if key != "seconds"} for row in kept.progress["history"]]
    return repr(history), [array.tobytes() for array in (*kept.arrays, *kept.best)]
