"""What the manual says of fine-tuning and of pre-training, on fewer epochs: docs/results/data.md."""

from pathlib import Path

import pytest

from archgraph.training import load_experiment, plan, train
from tests.networks import EXAMPLES

FOLDER = EXAMPLES[0].parent


READ_SLOWLY = [pytest.param(name, marks=pytest.mark.slow) for name in ("lenet5_mnist", "sigmoid_deep")]


@pytest.mark.parametrize("name", ["lenet5_few", *READ_SLOWLY])
def test_the_experiments_fit_their_graphs_and_data(name: str) -> None:
    assert plan(load_experiment(FOLDER / f"{name}.train.json")).warnings == ()


@pytest.mark.slow
def test_fine_tuning_beats_training_from_scratch_where_data_is_little(tmp_path: Path) -> None:
    train(FOLDER / "lenet5_mnist.train.json", run_dir=tmp_path / "base", progress=False, overrides={"epochs": 6})
    few = FOLDER / "lenet5_few.train.json"
    start = {"initial_weights": str(tmp_path / "base")}
    scratch = train(few, run_dir=tmp_path / "scratch", progress=False)
    tuned = train(few, run_dir=tmp_path / "tuned", progress=False, overrides=start)
    assert tuned.test["accuracy"] > scratch.test["accuracy"] + 0.02


@pytest.mark.slow
def test_pre_training_lets_a_deep_network_of_sigmoids_learn(tmp_path: Path) -> None:
    deep, fewer = FOLDER / "sigmoid_deep.train.json", {"epochs": 10}
    alone = train(deep, run_dir=tmp_path / "alone", progress=False, overrides={**fewer, "pretraining": None})
    begun = train(deep, run_dir=tmp_path / "begun", progress=False, overrides={**fewer, "pretraining.epochs": 8})
    assert alone.test["accuracy"] < 0.2
    assert begun.test["accuracy"] > 0.8
