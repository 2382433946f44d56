"""Latents have the distribution that the graph names, and ways between them stay where latents are."""

from typing import Any

import numpy as np
import pytest

from archgraph.training.generation.latents import Latent, between, draw, drawn, spherical, traversal, ways

MANY = 20_000
CHANCE = np.random.default_rng(0)


def moments(distribution: str, truncation: float | None = None) -> tuple[float, float, float]:
    values = draw(Latent("z", (3,), distribution), MANY, np.random.default_rng(1), truncation)
    assert values.shape == (MANY, 3) and values.dtype == np.float32
    return float(values.mean()), float(values.std()), float(np.abs(values).max())


@pytest.mark.parametrize(
    ("distribution", "deviation", "most"),
    [
        ("normal", 1.0, 6.0),
        ("uniform", 1 / np.sqrt(3), 1.0),
        ("truncated_normal", 0.8796, 2.0),  # of a normal cut at two deviations: √(1 - 4·φ(2)/(2·Φ(2) - 1))
    ],
)
def test_draws_have_the_moments_of_their_distribution(distribution: str, deviation: float, most: float) -> None:
    mean, spread, largest = moments(distribution)
    assert mean == pytest.approx(0, abs=0.02)
    assert spread == pytest.approx(deviation, rel=0.01)
    assert largest <= most


def test_categories_are_one_hot_and_even_and_bits_are_fair() -> None:
    hot = draw(Latent("c", (4,), "categorical"), MANY, np.random.default_rng(1))
    np.testing.assert_array_equal(hot.sum(-1), 1)
    np.testing.assert_allclose(hot.mean(0), 0.25, atol=0.01)
    bits = draw(Latent("b", (2,), "bernoulli"), MANY, np.random.default_rng(1))
    assert set(np.unique(bits)) == {0, 1} and bits.mean() == pytest.approx(0.5, abs=0.01)


def test_truncation_keeps_what_lies_within() -> None:
    _, spread, largest = moments("normal", 0.5)
    assert largest <= 0.5 and spread < 0.3
    assert moments("uniform", 0.5)[2] <= 0.5


def test_a_seed_gives_the_same_draws_and_another_seed_others() -> None:
    latents = (Latent("z", (3,), "normal"), Latent("c", (4,), "categorical"))
    one, again, other = (drawn(latents, 5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one["z"], again["z"])
    assert not np.array_equal(one["z"], other["z"])


def test_the_way_on_the_sphere_turns_evenly() -> None:
    """A quarter turn in three steps: 0°, 30°, 60°, 90°."""
    way = spherical(np.array([1.0, 0]), np.array([0, 1.0]), np.linspace(0, 1, 4))
    angles = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(way, np.stack([np.cos(angles), np.sin(angles)], -1), atol=1e-12)
    np.testing.assert_allclose(spherical(np.ones(2), np.ones(2), np.array([0.5])), [[1, 1]])


@pytest.mark.parametrize("distribution", ["normal", "uniform", "categorical", "bernoulli", "truncated_normal"])
def test_every_way_begins_and_ends_at_its_ends(distribution: str) -> None:
    latent = Latent("z", (8,), distribution)
    ends = draw(latent, 4, np.random.default_rng(2))
    way = between(latent, ends[0], ends[1], 7)
    assert way.shape == (7, 8) and way.dtype == np.float32
    np.testing.assert_allclose(way[[0, -1]], ends[:2], atol=1e-6)
    np.testing.assert_array_equal(ways(latent, ends, 7)[:7], way)
    assert len(ways(latent, ends, 7)) == 14


def test_a_traversal_changes_one_number_alone() -> None:
    latents: Any = (Latent("z", (3,), "normal"), Latent("c", (4,), "categorical"))
    rest = drawn(latents, 1, 0)
    swept = traversal(latents[0], rest, 1, np.array([-2.0, 0, 2]))
    np.testing.assert_array_equal(swept["z"][:, 1], [-2, 0, 2])
    np.testing.assert_array_equal(swept["z"][:, [0, 2]], np.repeat(rest["z"][:, [0, 2]], 3, 0))
    np.testing.assert_array_equal(swept["c"], np.repeat(rest["c"], 3, 0))
    np.testing.assert_array_equal(traversal(latents[1], rest, 0, np.arange(4))["c"], np.eye(4))
