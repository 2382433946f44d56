"""Confidence is measured as scikit-learn and arithmetic by hand do, and the bounds of losses are Keras's own losses."""

import math

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from archgraph.training.data.dataset import Part
from archgraph.training.judging import (
    Bounds,
    bounds,
    calibration_error,
    described,
    judged,
    reliability,
    separation,
    together,
)

DRAW = np.random.default_rng(0)
NO_INPUTS = {"x": np.zeros((200, 1))}


def answers(classes: int = 4, count: int = 200) -> tuple["np.ndarray", "np.ndarray"]:
    probabilities = DRAW.dirichlet(np.ones(classes), count)
    return probabilities, DRAW.integers(0, classes, count)


def test_how_well_confidence_tells_is_the_area_under_the_roc_curve() -> None:
    confidence, right = DRAW.integers(0, 20, 300) / 20, DRAW.random(300) < 0.6
    assert separation(confidence, right) == pytest.approx(roc_auc_score(right, confidence))
    assert separation(confidence, np.ones(300, bool)) is None


def test_the_calibration_error_is_that_of_guo_et_al() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.65, 0.65])
    right = np.array([True, True, True, False, True, False])
    bins = reliability(confidence, right)
    assert [(round(one.low, 9), one.answers, one.accuracy) for one in bins] == [(0.6, 2, 0.5), (0.9, 4, 0.75)]
    assert calibration_error(bins) == pytest.approx((4 * abs(0.95 - 0.75) + 2 * abs(0.65 - 0.5)) / 6)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below_it() -> None:
    assert [one.high for one in reliability(np.array([0.5, 1.0, 0.0]), np.ones(3, bool))] == [0.1, 0.5, 1.0]


def test_what_is_told_of_answers() -> None:
    probabilities, truth = answers()
    one = judged(Part(NO_INPUTS, {"y": truth}), "y", probabilities, 4)
    assert one is not None
    about = described(one, ("a", "b", "c", "d"), "test")
    assert about["errors"] == int((probabilities.argmax(1) != truth).sum())
    assert about["negative_log_likelihood"] == pytest.approx(log_loss(truth, probabilities, labels=range(4)))
    thresholds = [probabilities[truth == k, k].mean() for k in range(4)]
    guess = probabilities.argmax(1)
    doubted = [n for n in range(200) if guess[n] != truth[n] and probabilities[n, guess[n]] >= thresholds[guess[n]]]
    assert len(about["suspects"]) == min(len(doubted), 50)
    assert {suspect["sample"] for suspect in about["suspects"]} <= set(doubted)


@pytest.mark.parametrize("squash", ["softmax", "sigmoid"])
def test_raw_scores_become_probabilities_as_the_loss_says(squash: str) -> None:
    scores = DRAW.normal(size=(200, 1 if squash == "sigmoid" else 3)) * 3
    truth = DRAW.integers(0, 2 if squash == "sigmoid" else 3, 200)
    target = truth[:, None].astype("float32") if squash == "sigmoid" else truth
    one = judged(Part(NO_INPUTS, {"y": target}), "y", scores, max(scores.shape[1], 2), squash)
    assert one is not None
    made = np.asarray(getattr(keras.ops, squash)(scores))
    expected = np.concatenate([1 - made, made], 1) if squash == "sigmoid" else made
    np.testing.assert_allclose(one.probabilities, expected, rtol=1e-6)
    np.testing.assert_array_equal(one.truth, truth)


def test_what_are_no_probabilities_is_not_judged() -> None:
    assert judged(Part(NO_INPUTS, {"y": np.zeros(200, int)}), "y", 9 * DRAW.normal(size=(200, 3)), 3) is None
    assert judged(Part(NO_INPUTS, {"y": np.zeros((200, 7))}), "y", np.zeros((200, 7)), 0) is None


def test_nodes_that_do_not_count_are_left_out() -> None:
    probabilities, truth = answers(3, 10)
    part = Part({"x": np.zeros((1, 10))}, {"y": truth[None]}, {"y": np.array([[1.0] * 4 + [0.0] * 6])})
    one = judged(part, "y", probabilities[None], 3)
    assert one is not None and len(one.truth) == 4 and one.places == 10


LABELS = DRAW.integers(0, 5, 400)
ONE_HOT = np.eye(5, dtype="float32")[LABELS]
PIXELS = DRAW.random((400, 6)).astype("float32")
LOSSES = {
    "sparse_categorical_crossentropy": (keras.losses.SparseCategoricalCrossentropy(), LABELS, 0.0),
    "categorical_crossentropy": (keras.losses.CategoricalCrossentropy(label_smoothing=0.2), ONE_HOT, 0.2),
    "binary_crossentropy": (keras.losses.BinaryCrossentropy(), PIXELS, 0.0),
    "mean_squared_error": (keras.losses.MeanSquaredError(), PIXELS, 0.0),
    "mean_absolute_error": (keras.losses.MeanAbsoluteError(), PIXELS, 0.0),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_bounds_are_what_keras_gives_a_constant_and_a_perfect_answer(name: str) -> None:
    loss, target, smoothing = LOSSES[name]
    found = bounds(name, target, smoothing)
    assert found is not None
    if name == "sparse_categorical_crossentropy":
        constant, perfect = ONE_HOT.mean(0), ONE_HOT
    elif name == "categorical_crossentropy":
        smooth = target * 0.8 + 0.2 / 5
        constant, perfect = smooth.mean(0), smooth
    else:
        constant = np.median(target, 0) if "absolute" in name else target.mean(0)
        perfect = target
    same = np.broadcast_to(constant, (400, constant.shape[-1])).astype("float32")
    assert found.constant == pytest.approx(float(loss(target, same)), rel=1e-4)
    assert found.floor == pytest.approx(float(loss(target, perfect)), abs=1e-4)


def test_bounds_of_several_outputs_add_up_by_their_weights() -> None:
    parts = {"a": Bounds(2.0, 0.5), "b": Bounds(3.0, 0.0)}
    assert together(parts, {"b": 0.5}) == Bounds(3.5, 0.5)
    assert together({**parts, "c": None}, {}) is None
    assert bounds("huber", PIXELS) is None and math.isfinite(bounds("mean_squared_error", PIXELS).constant)  # type: ignore[union-attr]
