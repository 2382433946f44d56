"""A run that is killed at any moment and resumed in a new process ends bit for bit as the one that was not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.conftest import DENSE, Write

ROOT = Path(__file__).parents[2]

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
