"""What callbacks decide from epoch to epoch. The oracles are Keras's own callbacks."""

from typing import Any

import keras
import numpy as np
import pytest

from archgraph.training.callbacks import CALLBACK, Checkpoint
from archgraph.training.watch import Watches

LOSSES = [1.0, 0.9, 0.95, 0.94, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.79, 0.86, 0.87, 0.88, 0.89, 0.9, 0.91, 0.92]
EARLY: list[dict[str, Any]] = [
    {"patience": 2},
    {"patience": 4},
    {"patience": 3, "start_from_epoch": 6},
    {"patience": 2, "min_delta": 0.12},
    {"patience": 1, "start_from_epoch": 3, "mode": "min"},
    {"patience": 2, "mode": "max"},
]
PLATEAU: list[dict[str, Any]] = [
    {"patience": 2, "factor": 0.5},
    {"patience": 2, "factor": 0.1, "min_lr": 0.02},
    {"patience": 2, "factor": 0.5, "mode": "min", "min_delta": 0.12},
    {"patience": 1, "factor": 0.5, "mode": "max"},
]


def mine(name: str, options: dict[str, Any]) -> Watches:
    callback: Any = CALLBACK.make({"name": name, **options})
    return Watches((callback, Checkpoint()), validated=True)


def model() -> Any:
    made = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
    return made


@pytest.mark.parametrize("options", EARLY, ids=str)
def test_training_stops_in_the_epoch_in_which_keras_stops_it(options: dict[str, Any]) -> None:
    theirs = keras.callbacks.EarlyStopping(monitor="val_loss", **{"mode": "min", **options})
    trained = model()
    trained.stop_training = False
    theirs.set_model(trained)
    theirs.on_train_begin()
    watches, found, expected = mine("early_stopping", options), None, None
    for epoch, loss in enumerate(LOSSES):
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        if expected is None and trained.stop_training:
            expected = epoch
        if found is None and watches.take_in(epoch, {"val_loss": loss}, ())[1]:
            found = epoch
    assert found == expected and (found is not None)


@pytest.mark.parametrize("options", PLATEAU, ids=str)
def test_the_rate_falls_as_keras_lets_it(options: dict[str, Any]) -> None:
    theirs = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", **{"mode": "min", **options})
    trained, own = model(), keras.optimizers.SGD(0.1)
    theirs.set_model(trained)
    theirs.on_train_begin()
    watches, rates = mine("reduce_lr_on_plateau", options), []
    for epoch, loss in enumerate(LOSSES):
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        watches.take_in(epoch, {"val_loss": loss}, (own,))
        rates.append((float(own.learning_rate.numpy()), float(trained.optimizer.learning_rate.numpy())))
    ours, keras_rates = np.array(rates).T
    np.testing.assert_allclose(ours, keras_rates, rtol=1e-6)
    assert ours[-1] < 0.1


def test_epochs_right_after_a_reduction_do_not_count() -> None:
    """As PyTorch has it; in Keras the last of them counts, so that a cooldown of 1 does nothing."""
    watches, own = (
        mine("reduce_lr_on_plateau", {"patience": 1, "factor": 0.5, "cooldown": 2}),
        keras.optimizers.SGD(1.0),
    )
    rates = []
    for epoch in range(8):
        watches.take_in(epoch, {"val_loss": 1.0}, (own,))
        rates.append(float(own.learning_rate.numpy()))
    assert rates == [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
