"""Several devices and processes take the steps of one, to rounding; and go on when one of them dies.

The bound: float32 sums of a batch in another order, over some thirty steps, 1e-5 at most (4e-7 was measured).
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archgraph.diagnostics import GraphError
from archgraph.training import make_experiment, open_run
from archgraph.training.checkpoints import Checkpoints
from archgraph.training.spreading import Place
from tests.training.conftest import DENSE, DIGITS, Write

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
BOUND = 1e-5

NORMED: dict[str, Any] = {
    **DENSE,
    "nodes": {
        "conv": {"op": "conv", "in": "image", "filters": 4, "kernel_size": 3},
        "norm": {"op": "batch_norm", "in": "conv"},
        "act": {"op": "activation", "in": "norm", "activation": "tanh"},
        "flat": {"op": "flatten", "in": "act"},
        "scores": {
            "op": "dense", "in": "flat", "units": 10, "activation": "softmax", "kernel_regularizer": {"l2": 1e-3},
        },
    },
}  # fmt: skip
CHANGES: dict[str, Any] = {
    # The last batch of an epoch has 25 samples, which cannot be divided equally.
    "data": {"name": "digits", "subset": 390},
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "clipnorm": 0.5},
    "epochs": 2,
}

BOTH = """
import json, sys
from archgraph.training import train
several = {"hardware": {"name": "several_devices", "devices": ["cpu:0", "cpu:1"]}}
train(sys.argv[1], run_dir="several", progress=False, overrides=several)  # first: the processor must not be in use
train(sys.argv[1], run_dir="one", progress=False)
"""


def python(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def ended(process: "subprocess.Popen[str]", status: int = 0) -> str:
    text = process.communicate(timeout=300)[0]
    assert process.returncode == status, text[-3000:]
    return text


def assert_same_steps(one: str, several: str) -> None:
    first, second = open_run(one), open_run(several)
    assert len(first.history) == len(second.history) > 1
    for a, b in zip(first.history, second.history, strict=True):
        assert {key: value for key, value in a.items() if key != "seconds"} == pytest.approx(
            {key: value for key, value in b.items() if key != "seconds"}, abs=BOUND
        )
    assert first.test == pytest.approx(second.test, abs=BOUND)


def test_two_devices_take_the_steps_of_one_and_two_processes_do_even_when_one_is_killed(write: Write) -> None:
    path = write(NORMED, **CHANGES, callbacks=[{"name": "checkpoint", "seconds": 0}])
    ended(python("-c", BOTH, str(path)))
    assert_same_steps("one", "several")

    launcher = python("-m", "archgraph", "train", str(path), "--workers", "2", "--run-dir", "two")
    kept = Checkpoints(Path("two/checkpoints"))
    deadline = time.monotonic() + 240
    while len(kept.files()) < 2:
        assert launcher.poll() is None and time.monotonic() < deadline, ended(launcher)
        time.sleep(0.02)
    os.kill(second_of(launcher.pid), signal.SIGKILL)
    told = ended(launcher)
    assert "process 1 was killed by signal 9: starting all 2 again from the last checkpoint" in told
    assert "resuming two at epoch" in told
    assert_same_steps("one", "two")


def second_of(launcher: int) -> int:
    """The process with the number 1 among the children of the launcher."""
    for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        variables = Path(f"/proc/{child}/environ").read_text().split("\0")
        configuration = next(text.partition("=")[2] for text in variables if text.startswith("TF_CONFIG="))
        if json.loads(configuration)["task"]["index"] == 1:
            return int(child)
    raise AssertionError("the launcher has no second process")


def test_a_device_that_there_is_not_is_one_located_line(write: Write) -> None:
    devices = {"name": "several_devices", "devices": ["gpu:7", "gpu:8"]}
    path = write(hardware=devices)
    told = ended(python("-m", "archgraph", "train", str(path)), status=1)
    assert "/hardware/devices/0: AG210 there is no gpu:7" in told and "Traceback" not in told


def test_a_process_that_is_gone_is_one_line_with_the_way_on() -> None:
    import tensorflow as tf

    place = Place(make_experiment(DIGITS), None)
    place.workers = 2
    with pytest.raises(GraphError) as error, place.together():
        raise tf.errors.UnavailableError(None, None, "Connection reset by peer\nmore lines")
    (one,) = error.value.diagnostics
    assert one.code == "AG706" and "\n" not in str(one.message) and "Connection reset" in one.message
    assert "--resume" in one.hint
