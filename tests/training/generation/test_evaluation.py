"""How many subsets, samples and pairs the figures look at, as their records say."""

import numpy as np
import pytest

from archgraph.training.generation import distances
from archgraph.training.generation.evaluation import Evidence, measured
from archgraph.training.generation.eyes import Seen
from archgraph.training.generation.figures import figures_of


def seen(shift: float) -> Seen:
    features = np.random.default_rng(0).normal(shift, 1, (60, 4))
    return Seen(features, np.full((60, 3), 1 / 3))


@pytest.mark.parametrize("size", [5, 40])
def test_the_kernel_distance_is_of_subsets_of_the_size_that_is_asked_for(size: int) -> None:
    shown = Evidence(np.zeros((60, 8, 8, 1)), seen(0), seen(1))
    found = measured(figures_of(({"name": "kernel_distance", "subsets": 3, "subset_size": size},)), shown)
    by_hand = distances.kernel_distance(seen(0).features, seen(1).features, 3, size)
    assert found["kernel_distance"] == pytest.approx(by_hand)
    assert by_hand != pytest.approx(distances.kernel_distance(seen(0).features, seen(1).features, 3, 20))


def test_likeness_is_that_of_as_many_pairs_as_are_asked_for() -> None:
    pictures = np.random.default_rng(1).uniform(size=(12, 16, 16, 1)).astype("float32")
    few, many = (
        measured(figures_of(({"name": "structural_similarity", "pairs": pairs},)), Evidence(pictures, None, None))
        for pairs in (1, 50)
    )
    one = [
        float(distances.structural_similarity(pictures[[i]], pictures[[j]])[0])
        for i in range(12)
        for j in range(12)
        if i != j
    ]
    assert np.isclose(one, few["structural_similarity"], atol=1e-5).any()
    assert many["structural_similarity"] == pytest.approx(np.mean(one), abs=3 * np.std(one) / np.sqrt(50))
