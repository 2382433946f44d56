"""Plots are whole PNG files, and what they show is counted right."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix

from archgraph.training import plots


def picture(png: bytes) -> "np.ndarray[Any, Any]":
    image = Image.open(io.BytesIO(png))
    image.load()
    return np.asarray(image.convert("RGB"))


def test_confusion_counts_as_scikit_learn_does() -> None:
    drawn = np.random.default_rng(0)
    truth, guess = drawn.integers(0, 5, 200), drawn.integers(0, 5, 200)
    np.testing.assert_array_equal(plots.confusion(truth, guess, 6), confusion_matrix(truth, guess, labels=range(6)))


@pytest.mark.parametrize("epochs", [1, 3, 200])
def test_curves_are_drawn_for_any_number_of_epochs(epochs: int) -> None:
    history = [
        {"epoch": n + 1, "seconds": 1.0, "learning_rate": 0.1 / (n + 1), "loss": 1 / (n + 1), "val_loss": float("nan")}
        for n in range(epochs)
    ]
    drawn = picture(plots.curves("a run", history, 1))
    assert min(drawn.shape[:2]) > 300 and len(np.unique(drawn.reshape(-1, 3), axis=0)) > 10


@pytest.mark.parametrize("classes", [2, 10, 73])
def test_matrices_of_any_number_of_classes_are_drawn(classes: int) -> None:
    counts = np.eye(classes, dtype=int) * 7
    assert picture(plots.confusion_matrix("a run", counts, [f"class {n}" for n in range(classes)])).std() > 5


def test_grids_and_scatter_plots_are_drawn() -> None:
    images = np.random.default_rng(0).uniform(0, 1, (8, 8, 8, 1))
    assert picture(plots.samples("a run", {"input": images, "output": np.repeat(images, 3, -1)})).std() > 5
    assert picture(plots.predictions("a run", np.arange(9.0), np.arange(9.0) ** 2)).std() > 5
    assert picture(plots.predictions("flat", np.ones(3), np.ones(3))).std() > 1
