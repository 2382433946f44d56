"""Batches: in the order that is asked for, changed as augmentation says, and the same again after a resumption."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.training import train
from archgraph.training.data.dataset import Part
from archgraph.training.feed import Feed, order
from tests.training.conftest import Write
from tests.training.test_loop import PressesCtrlC, figures, same

AUGMENTED = [
    {"name": "rotate", "degrees": 15},
    {"name": "crop", "padding": 1},
    {"name": "noise", "stddev": 0.2},
    {"name": "mixup", "alpha": 0.5},
    {"name": "cutmix", "share": 0.5},
]
ONE_HOT: dict[str, Any] = {
    "preprocessing": [{"name": "rescale", "from_range": [0, 16]}, "one_hot"],
    "loss": "categorical_crossentropy",
    "augmentation": AUGMENTED,
}


def test_every_epoch_has_another_order_that_follows_from_the_seed() -> None:
    first, second = order(1, 0, 50, shuffle=True), order(1, 1, 50, shuffle=True)
    assert sorted(first) == sorted(second) == list(range(50)) and list(first) != list(second)
    np.testing.assert_array_equal(first, order(1, 0, 50, shuffle=True))
    assert list(order(1, 3, 4, shuffle=False)) == [0, 1, 2, 3]


def test_batches_hold_the_samples_that_are_asked_for() -> None:
    part = Part({"x": np.arange(20.0)}, {"y": np.arange(20)}, {"y": np.arange(20.0) / 2})
    chosen = np.array([3, 1, 4, 1, 5, 9, 2])
    batches = [tuple(np.asarray(group) for group in batch) for batch in Feed(part, 3).batches(chosen)]
    assert [len(batch[0]) for batch in batches] == [3, 3, 1]
    for place, scale in ((0, 1), (1, 1), (2, 0.5)):
        np.testing.assert_array_equal(np.concatenate([batch[place] for batch in batches]), chosen * scale)


def test_augmented_training_is_the_same_again_and_goes_on_where_it_stopped(write: Write) -> None:
    path = write(epochs=3, **ONE_HOT)
    whole = train(path, progress=False)
    run = train(path, progress=PressesCtrlC(1, 4))
    assert run.interrupted
    same(whole, train(path, run_dir=run.path, resume=True, progress=False))
    plain = train(path, progress=False, overrides={"augmentation": []})
    assert figures(plain) != figures(whole)


def test_only_training_batches_are_changed(write: Write) -> None:
    wild = [{"name": "noise", "stddev": 1000.0}]
    still = {"name": "sgd", "learning_rate": 1e-30}  # the network stays as it is
    path = write(epochs=1, optimizer=still)
    plain = train(path, progress=False)
    noisy = train(path, progress=False, overrides={"augmentation": wild})
    assert noisy.history[0]["val_loss"] == pytest.approx(plain.history[0]["val_loss"], rel=1e-5)
    assert noisy.test["loss"] == pytest.approx(plain.test["loss"], rel=1e-5)
    assert noisy.history[0]["loss"] > 10 * plain.history[0]["loss"]
    assert Path(noisy.path / "resolved.json").read_text().count('"stddev": 1000.0') == 1
