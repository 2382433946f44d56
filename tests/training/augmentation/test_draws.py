"""Stateless draws: the same for the same sample, independent otherwise. The oracle is statistics."""

import numpy as np

from archgraph.training.augmentation.draws import Draws

MANY = np.arange(20_000)


def test_a_sample_draws_the_same_whatever_is_drawn_beside_it() -> None:
    whole = Draws(3, 5, MANY, 1).uniform(4)
    np.testing.assert_array_equal(Draws(3, 5, MANY[[7, 19_000]], 1).uniform(4), whole[[7, 19_000]])


def test_numbers_are_spread_evenly_and_go_together_with_nothing() -> None:
    drawn = Draws(0, 0, MANY, 0).uniform(3)
    assert drawn.min() >= 0 and drawn.max() < 1
    counts = np.histogram(drawn[:, 0], 20, (0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 50  # chi-squared with 19 degrees: 50 is beyond 1 in 5000
    others = [Draws(1, 0, MANY, 0), Draws(0, 1, MANY, 0), Draws(0, 0, MANY, 1), Draws(0, 0, MANY + 1, 0)]
    columns = [drawn[:, 0], drawn[:, 1], drawn[:, 2], *(other.uniform(1)[:, 0] for other in others)]
    correlations = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlations).max() < 0.03


def test_seeds_are_distinct_and_not_negative() -> None:
    seeds = Draws(0, 0, MANY, 0).seeds()
    assert seeds.shape == (20_000, 2) and seeds.min() >= 0
    assert len(np.unique(seeds)) == seeds.size
