"""Stochastic weight averaging: the mean of whole runs' weights, statistics by hand, and nothing lost when resumed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archgraph as ag
from archgraph.training import Run, plan, train
from archgraph.training.experiment import load_experiment
from archgraph.training.feed import order
from archgraph.training.report import Silent
from tests.training.conftest import DENSE, Write

NORMED = {
    **DENSE,
    "nodes": {
        "flat": {"op": "flatten", "in": "image"},
        "hidden": {"op": "dense", "in": "flat", "units": 12},
        "norm": {"op": "batch_norm", "in": "hidden"},
        "bent": {"op": "activation", "in": "norm", "activation": "relu"},
        "drop": {"op": "dropout", "in": "bent", "rate": 0.25},
        "scores": {"op": "dense", "in": "drop", "units": 10, "activation": "softmax"},
    },
}
LAST = {"name": "checkpoint", "restore_best": False, "seconds": 0}
AVERAGED = {"name": "stochastic_weight_averaging", "start": 0.5}
STATISTICS = ("moving_mean", "moving_variance")


def weights(run: Run) -> dict[str, np.ndarray[Any, Any]]:
    return dict(ag.get_weights(run.load_model()))


def kept(run: Run) -> Any:
    return json.loads((run.path / "result.json").read_text())["weights"]


def averaged(write: Write, **changes: Any) -> Path:
    return write(NORMED, epochs=4, callbacks=[LAST, AVERAGED], **changes)


def test_the_finished_weights_are_the_mean_of_those_of_shorter_runs(write: Write) -> None:
    path = averaged(write)
    run = train(path, progress=False)
    shorter = [
        weights(train(path, progress=False, overrides={"callbacks": [LAST], "epochs": epochs})) for epochs in (2, 3, 4)
    ]
    found = weights(run)
    for name, value in found.items():
        if not name.endswith(STATISTICS):
            np.testing.assert_allclose(value, np.mean([one[name] for one in shorter], 0), rtol=1e-5, atol=1e-7)
    assert kept(run) == "average"


def test_the_statistics_are_those_of_the_mean_weights_on_all_training_data(write: Write) -> None:
    path = averaged(write)
    run = train(path, progress=False)
    planned = plan(load_experiment(path))
    (images,) = planned.dataset().train.inputs.values()
    found = {name.rpartition("/")[2]: value for name, value in weights(run).items() if name.startswith("norm")}
    kernel, bias = (value for name, value in weights(run).items() if name.startswith("hidden"))
    if kernel.ndim == 1:
        kernel, bias = bias, kernel
    hidden = images.reshape(len(images), -1) @ kernel + bias
    np.testing.assert_allclose(found["moving_mean"], hidden.mean(0), rtol=1e-3, atol=1e-5)
    batches = np.split(hidden[order(0, 4, len(hidden), shuffle=True)], range(32, len(hidden), 32))
    variance = sum(len(one) * one.var(0) for one in batches) / len(hidden)
    np.testing.assert_allclose(found["moving_variance"], variance, rtol=1e-3)


class Stops(Silent):
    """Ends the training as a kill does, in the fourth epoch."""

    def begin(self, epoch: int, epochs: int, steps: int) -> None:
        self.epoch = epoch

    def advance(self, step: int, measure: Any) -> None:
        if self.epoch == 3:
            raise KeyboardInterrupt


def test_a_run_that_was_killed_ends_with_the_same_mean(write: Write, tmp_path: Path) -> None:
    path = averaged(write)
    whole = weights(train(path, progress=False, run_dir=tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        train(path, progress=Stops(), run_dir=tmp_path / "cut")
    resumed = weights(train(path, progress=False, run_dir=tmp_path / "cut", resume=True))
    for name, value in whole.items():
        np.testing.assert_array_equal(resumed[name], value)


def test_only_ends_of_cycles_count_and_nothing_where_training_ends_before(write: Write) -> None:
    path = averaged(write)
    cycles = {**AVERAGED, "start": 0, "every": 3}
    run = weights(train(path, progress=False, overrides={"callbacks": [LAST, cycles]}))
    ends = [weights(train(path, progress=False, overrides={"callbacks": [LAST], "epochs": n})) for n in (1, 4)]
    kernel = next(name for name, value in run.items() if value.ndim == 2)
    np.testing.assert_allclose(run[kernel], (ends[0][kernel] + ends[1][kernel]) / 2, rtol=1e-5, atol=1e-7)
    early = {"name": "early_stopping", "patience": 1, "min_delta": 1e9}
    late = {**AVERAGED, "start": 0.99}
    stopped = train(path, progress=False, overrides={"callbacks": [LAST, early, late], "epochs": 50})
    assert stopped.stopped and kept(stopped) == "last"


def test_a_layer_that_is_frozen_keeps_its_statistics(write: Write) -> None:
    run = train(averaged(write, freeze=["norm"]), progress=False)
    found = {name.rpartition("/")[2]: value for name, value in weights(run).items() if name.startswith("norm")}
    np.testing.assert_array_equal(found["moving_mean"], np.zeros(12))
    np.testing.assert_array_equal(found["moving_variance"], np.ones(12))
