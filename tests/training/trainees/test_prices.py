"""Losses, penalties and codes of adversarial games, against formulas worked by hand."""

import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from archgraph.training.objectives.game import (
    GAME_LOSS,
    PENALTY,
    CategoryCode,
    GaussianCode,
    code_of,
)
from archgraph.training.trainees.prices import log_probability, middle, of_classes, prices, raw, steepness

OPS = keras.ops
REAL, FAKE = np.array([[2.0], [-1.0]], np.float32), np.array([[0.5], [-3.0]], np.float32)
D_REAL, D_FAKE = 1 / (1 + np.exp(-REAL)), 1 / (1 + np.exp(-FAKE))

CASES: list[tuple[Any, float, float]] = [
    ("minimax", -np.log(D_REAL).mean() - np.log(1 - D_FAKE).mean(), np.log(1 - D_FAKE).mean()),
    ("non_saturating", -np.log(D_REAL).mean() - np.log(1 - D_FAKE).mean(), -np.log(D_FAKE).mean()),
    (
        {"name": "non_saturating", "smoothing": 0.1},
        -(0.9 * np.log(D_REAL) + 0.1 * np.log(1 - D_REAL)).mean() - np.log(1 - D_FAKE).mean(),
        -np.log(D_FAKE).mean(),
    ),
    ("least_squares", 0.5 * (1 + 4) / 2 + 0.5 * (0.25 + 9) / 2, 0.5 * (0.25 + 16) / 2),
    ({"name": "least_squares", "drawn": -1, "real": 1, "wanted": 0}, 0.5 * 2.5 + 0.5 * (2.25 + 4) / 2, 0.5 * 9.25 / 2),
    ("hinge", (0 + 2) / 2 + (1.5 + 0) / 2, -(0.5 - 3) / 2),
    ("wasserstein", (0.5 - 3) / 2 - (2 - 1) / 2, -(0.5 - 3) / 2),
]


@pytest.mark.parametrize(("loss", "judged", "drawn"), CASES, ids=[str(case[0]) for case in CASES])
def test_losses_are_those_of_the_papers(loss: Any, judged: float, drawn: float) -> None:
    made: Any = GAME_LOSS.make(GAME_LOSS.check(loss))
    paid = prices(made, OPS)
    assert float(paid.judge(REAL, FAKE)) == pytest.approx(judged, rel=1e-5)
    assert float(paid.draw(FAKE)) == pytest.approx(drawn, rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "score"), [("least_squares", 0.5), ("hinge", 0), ("non_saturating", 0), ("wasserstein", (0.5 - 1.25) / 2)]
)
def test_the_verdict_turns_half_way_between_the_labels_or_the_means(loss: str, score: float) -> None:
    made: Any = GAME_LOSS.make(loss)
    assert float(middle(made, REAL, FAKE, OPS)) == pytest.approx(score)


def test_a_probability_is_turned_into_the_score_it_came_from() -> None:
    scores = np.array([-60.0, -9, -1, 0, 3, 9], np.float32)
    np.testing.assert_allclose(raw(tf.sigmoid(scores), OPS), scores, rtol=2e-3)
    assert np.isfinite(raw(tf.constant([0.0, 1.0]), OPS)).all()


def test_the_generator_still_feels_a_discriminator_that_is_sure() -> None:
    """The gradient of -log D by the score is D - 1, about -1, where D is 1e-20."""
    score = tf.Variable([[-46.0]])
    with tf.GradientTape() as tape:
        price = prices(GAME_LOSS.make("non_saturating"), OPS).draw(raw(tf.sigmoid(score), OPS))  # type: ignore[arg-type]
    np.testing.assert_allclose(tape.gradient(price, score), [[-1.0]], rtol=1e-5)


def test_penalties_are_of_the_length_of_the_gradient_of_each_picture() -> None:
    gradient = np.array([[[3.0], [4.0]], [[0.0], [1.0]]], np.float32)  # lengths 5 and 1
    cases: list[tuple[Any, float]] = [
        ({"name": "gradient_penalty", "weight": 10}, 10 * (16 + 0) / 2),
        ({"name": "gradient_penalty", "weight": 2, "target": 0}, 2 * (25 + 1) / 2),
        ({"name": "r1", "weight": 3}, 1.5 * (25 + 1) / 2),
    ]
    for value, expected in cases:
        made: Any = PENALTY.make(PENALTY.check(value))
        assert float(steepness(made, gradient, OPS)) == pytest.approx(expected, rel=1e-5)


SCORES = np.array([[1.0, 2.0, -1.0], [0.0, 0.5, 3.0]], np.float32)


def test_scores_of_classes_say_how_real_a_picture_is_and_which() -> None:
    """Two classes and one of drawn pictures: D = (e^1 + e^2)/(e^1 + e^2 + e^-1), and so on."""
    real = np.exp(SCORES[:, :2]).sum(-1)
    share = real / np.exp(SCORES).sum(-1)
    expected = SCORES[:, :2] - np.log(real)[:, None]
    for values, probabilities in ((SCORES, False), (np.asarray(tf.nn.softmax(SCORES)), True)):
        score, logs = of_classes(values, 2, OPS, probabilities=probabilities)
        np.testing.assert_allclose(tf.sigmoid(score)[:, 0], share, rtol=1e-5)
        np.testing.assert_allclose(logs, expected, rtol=1e-4, atol=1e-5)


def test_without_an_output_for_drawn_pictures_its_score_is_zero() -> None:
    score, _ = of_classes(SCORES[:, :2], 2, OPS, probabilities=False)
    np.testing.assert_allclose(score[:, 0], np.log(np.exp(SCORES[:, :2]).sum(-1)), rtol=1e-5)


def test_the_probability_of_a_category_is_read_from_scores_and_shares_alike() -> None:
    code = CategoryCode(output="c")
    shares = np.asarray(tf.nn.softmax(SCORES))
    for wanted in (np.array([1, 2]), np.eye(3, dtype=np.float32)[[1, 2]]):
        for values, probabilities in ((SCORES, False), (shares, True)):
            logs = log_probability(code, {"c": values}, wanted, OPS, probabilities=probabilities)
            np.testing.assert_allclose(logs, np.log(shares[[0, 1], [1, 2]]), rtol=1e-5)


@pytest.mark.parametrize("log_std", [None, 0.7, -5.0])
def test_the_probability_of_free_numbers_is_the_normal_density(log_std: float | None) -> None:
    code: Any = code_of({"name": "gaussian", "mean": "m", **({} if log_std is None else {"log_std": "s"})})
    assert isinstance(code, GaussianCode)
    mean, wanted = np.array([[0.2, -1.0]], np.float32), np.array([[0.5, 0.5]], np.float32)
    spread = math.exp(max(log_std or 0.0, -2.0))  # the floor
    density = np.exp(-0.5 * ((wanted - mean) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
    outputs = {"m": mean, "s": np.full_like(mean, log_std or 0.0)}
    logs = log_probability(code, outputs, wanted, OPS, probabilities=False)
    np.testing.assert_allclose(logs, np.log(density).sum(-1), rtol=1e-5)
