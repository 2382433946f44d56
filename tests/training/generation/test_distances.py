"""Formulas of figures, against closed forms, SciPy's matrix roots and TensorFlow's structural similarity."""

import itertools

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from archgraph.training.generation.distances import (
    agreement,
    coverage,
    frechet,
    frechet_of_gaussians,
    inception_score,
    kernel_distance,
    purity,
    spread,
    squared_mmd,
    structural_similarity,
)

CHANCE = np.random.default_rng(0)
FEATURES = CHANCE.normal(size=(400, 6)) @ CHANCE.normal(size=(6, 6)) + 1


def test_gaussians_on_a_line_are_as_far_apart_as_the_closed_form_says() -> None:
    """(m - n)² + (s - t)² for N(m, s²) and N(n, t²)."""
    one = frechet_of_gaussians(np.array([1.0]), np.array([[4.0]]), np.array([-2.0]), np.array([[25.0]]))
    assert one == pytest.approx(9 + 9)


def test_correlated_gaussians_are_as_far_apart_as_scipys_matrix_root_says() -> None:
    root = np.random.default_rng(1).normal(size=(2, 5, 5))
    c, d = (one @ one.T for one in root)
    m, n = np.arange(5.0), np.ones(5)
    expected = np.square(m - n).sum() + np.trace(c + d - 2 * scipy.linalg.sqrtm(c @ d).real)
    assert frechet_of_gaussians(m, c, n, d) == pytest.approx(expected, rel=1e-9)


def test_a_covariance_without_full_rank_has_a_distance_too() -> None:
    flat = FEATURES.copy()
    flat[:, 3:] = 0
    assert frechet(flat, flat) == pytest.approx(0, abs=1e-6)
    assert frechet(flat, FEATURES) > 1


def test_the_distance_of_shifted_and_stretched_features_is_that_of_the_formula() -> None:
    shift = np.arange(6.0)
    assert frechet(FEATURES, FEATURES + shift) == pytest.approx(np.square(shift).sum(), rel=1e-6)
    stretched = FEATURES.mean(0) + 3 * (FEATURES - FEATURES.mean(0))
    assert frechet(FEATURES, stretched) == pytest.approx(4 * np.trace(np.cov(FEATURES, rowvar=False)), rel=1e-6)


def test_the_kernel_distance_is_the_sum_over_all_pairs() -> None:
    """Bińkowski et al. 2018, equation 4, written out for three samples and two."""
    x, y = np.array([[1.0, 2.0], [0.0, 1.0], [3.0, -1.0]]), np.array([[1.0, 1.0], [2.0, 0.0]])

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 2 + 1) ** 3)

    of_x = sum(kernel(x[i], x[j]) for i, j in itertools.permutations(range(3), 2)) / 6
    of_y = sum(kernel(y[i], y[j]) for i, j in itertools.permutations(range(2), 2)) / 2
    across = sum(kernel(a, b) for a in x for b in y) / 6
    assert squared_mmd(x, y) == pytest.approx(of_x + of_y - 2 * across)


def test_the_kernel_distance_of_one_distribution_is_about_zero_and_of_two_it_is_not() -> None:
    other = np.random.default_rng(2).normal(size=(400, 6))
    alike = kernel_distance(np.random.default_rng(3).normal(size=(400, 6)), other, 20, 200)
    apart = kernel_distance(other + 1, other, 20, 200)
    assert abs(alike) < 0.15 < 1 < apart


@pytest.mark.parametrize(
    ("probabilities", "score"),
    [
        (np.eye(5), 5.0),  # each picture clear, all classes
        (np.eye(5)[[0, 0, 0]], 1.0),  # clear, but always the same
        (np.full((7, 4), 0.25), 1.0),  # never clear
        # half of two clear classes: p(y) = ½, ½; every KL is log 2
        (np.eye(4)[[0, 1, 0, 1]], 2.0),
    ],
)
def test_the_inception_score_of_cases_worked_by_hand(probabilities: np.ndarray, score: float) -> None:
    assert inception_score(probabilities) == pytest.approx(score, rel=1e-6)


def test_coverage_counts_the_classes_that_occur_often_enough() -> None:
    real = np.repeat(np.arange(4), 25)
    assert coverage(np.array([0] * 50 + [1] * 48 + [2] * 2), real, 4) == 0.5  # 2 % is less than a tenth of 25 %
    assert coverage(real, real, 5) == 1  # a fifth class that the data has not


def test_the_spread_is_the_mean_distance_of_pairs() -> None:
    assert spread(np.array([[0.0, 0], [3, 4], [0, 0]])) == pytest.approx((5 + 0 + 5) / 3)


def test_agreement_and_purity_of_few_pictures() -> None:
    assert agreement(np.array([1, 2, 3, 3]), np.array([1, 2, 0, 3])) == 0.75
    # code 0 shows 7, 7, 1 and code 1 shows 2, 2
    assert purity(np.array([7, 7, 1, 2, 2]), np.array([0, 0, 0, 1, 1])) == pytest.approx(4 / 5)


@pytest.mark.parametrize(("size", "scales"), [(16, 1), (28, 2), (64, 3)])
def test_the_structural_similarity_is_tensorflows(size: int, scales: int) -> None:
    pictures = np.random.default_rng(4).uniform(size=(2, 3, size, size, 1)).astype(np.float32)
    one = pictures[0]
    other = 0.8 * one + 0.2 * pictures[1]
    powers = np.array([0.0448, 0.2856, 0.3001][:scales])
    expected = tf.image.ssim_multiscale(one, other, 1.0, power_factors=(powers / powers.sum()).tolist())
    np.testing.assert_allclose(structural_similarity(one, other), expected, rtol=2e-4)


def test_a_picture_is_wholly_similar_to_itself_however_small() -> None:
    pictures = np.random.default_rng(5).uniform(size=(2, 8, 8, 1))
    np.testing.assert_allclose(structural_similarity(pictures, pictures), 1)
