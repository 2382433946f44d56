"""PCA and ZCA whitening. The oracles are scikit-learn and the definition: the covariance becomes the identity."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from archgraph.diagnostics import Rejected
from archgraph.training.data.base import Column
from archgraph.training.preprocessing import STEPS, Step

Array = np.ndarray[Any, Any]
MIXED = np.random.default_rng(0).normal(0, 1, (500, 6)) @ np.random.default_rng(1).normal(0, 1, (6, 6)) + 4


def fitted(values: Array, name: str, **options: Any) -> tuple[Step, Any, Array]:
    step = STEPS[name].make(options)
    learned = step.learn([Column(values)])
    return step, learned, step.apply(Column(values), learned).values


@pytest.mark.parametrize(("name", "options"), [("pca", {"whiten": True}), ("zca", {})])
def test_the_covariance_becomes_the_identity(name: str, options: dict[str, Any]) -> None:
    _, _, done = fitted(MIXED, name, epsilon=0, **options)
    np.testing.assert_allclose(np.cov(done.T, bias=True), np.eye(6), atol=1e-3)
    np.testing.assert_allclose(done.mean(0), 0, atol=1e-4)


def test_pca_agrees_with_scikit_learn_but_for_signs() -> None:
    _, _, done = fitted(MIXED, "pca", components=3)
    np.testing.assert_allclose(np.abs(done), np.abs(PCA(3).fit_transform(MIXED)), atol=1e-4)


def test_zca_keeps_the_shape_and_stays_nearest_to_the_original() -> None:
    pictures = load_digits().images[..., None]
    _, learned, done = fitted(pictures, "zca", epsilon=0.1)
    assert done.shape == pictures.shape
    np.testing.assert_allclose(learned["matrix"], learned["matrix"].T, atol=1e-9)
    pca = fitted(pictures, "pca", whiten=True, epsilon=0.1)[2].reshape(pictures.shape)
    original = pictures - pictures.mean(0)
    assert np.square(done - original).mean() < np.square(pca - original).mean()


def test_places_where_nothing_varies_do_no_harm() -> None:
    constant = np.concatenate([MIXED, np.full((500, 2), 3.0)], axis=1)
    for name, options in (("pca", {"whiten": True}), ("zca", {})):
        _, _, done = fitted(constant, name, epsilon=0, **options)
        assert np.isfinite(done).all() and np.abs(done).max() < 10


def test_only_the_training_part_teaches() -> None:
    step, learned, _ = fitted(MIXED, "zca")
    other = step.apply(Column(MIXED[:3] + 100), learned).values
    moved = other - step.apply(Column(MIXED[:3]), learned).values
    np.testing.assert_allclose(moved, np.tile(learned["matrix"].sum(0) * 100, (3, 1)), rtol=1e-3)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(Rejected, match="must be at most 6, the numbers in a sample, got 7"):
        fitted(MIXED, "pca", components=7)
    with pytest.raises(Rejected, match="at most 8192 numbers"):
        fitted(np.zeros((2, 100, 100)), "zca")
