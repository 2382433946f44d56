"""Drawn pictures beside real ones -> the figures that an objective asks for."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.generation import distances
from archgraph.training.generation.eyes import Eye, Seen
from archgraph.training.generation.figures import Figure, KernelDistance, StructuralSimilarity


class Asked(NamedTuple):
    """What pictures were asked to show: class numbers, or numbers of a code without known meaning."""

    numbers: Array
    of_classes: bool


class Evidence(NamedTuple):
    """All that figures are made of."""

    drawn: Array
    """Pictures from 0 to 1."""
    seen: Seen | None
    """What the feature network makes of them; None where no figure needs one."""
    real: Seen | None
    """And of real pictures."""
    asked: Asked | None = None


def evidence(drawn: Array, real: Array, eye: Eye | None, asked: Asked | None) -> Evidence:
    """Have the feature network look at both."""
    if eye is None:
        return Evidence(drawn, None, None, asked)
    return Evidence(drawn, eye.see(drawn), eye.see(real), asked)


def measured(figures: Mapping[str, Figure], shown: Evidence) -> dict[str, float]:
    """The figures by name; an agreement only where something was asked for."""
    found = {name: _measure(name, figure, shown) for name, figure in figures.items()}
    return {name: value for name, value in found.items() if value is not None}


def _measure(name: str, figure: Figure, shown: Evidence) -> float | None:
    if isinstance(figure, StructuralSimilarity):
        return _alike(shown.drawn, figure.pairs)
    assert shown.seen is not None and shown.real is not None  # the figures that are left need features
    seen, real = shown.seen, shown.real
    if name == "frechet_distance":
        return distances.frechet(seen.features, real.features)
    if isinstance(figure, KernelDistance):
        return distances.kernel_distance(seen.features, real.features, figure.subsets, figure.subset_size)
    if name == "inception_score":
        return distances.inception_score(seen.probabilities)
    if name == "coverage":
        return distances.coverage(seen.labels, real.labels, seen.probabilities.shape[-1])
    if name == "pairwise_distance":
        return distances.spread(seen.features) / max(distances.spread(real.features), 1e-12)
    if shown.asked is None:
        return None
    if name == "variety_within":
        return _variety(seen, real, shown.asked)
    compare = distances.agreement if shown.asked.of_classes else distances.purity
    return compare(seen.labels, shown.asked.numbers)


def _variety(seen: Seen, real: Seen, asked: Asked) -> float | None:
    """How far pictures of one class are apart, beside real ones that are seen as that class; a mean over classes."""
    if not asked.of_classes:
        return None
    shares = []
    for one in np.unique(asked.numbers):
        drawn, known = seen.features[asked.numbers == one], real.features[real.labels == one]
        if len(drawn) > 1 and len(known) > 1:
            shares.append(distances.spread(drawn) / max(distances.spread(known), 1e-12))
    return float(np.mean(shares)) if shares else None


def _alike(drawn: Array, pairs: int) -> float:
    chance = np.random.default_rng(0)
    one = chance.integers(0, len(drawn), pairs)
    other = (one + chance.integers(1, len(drawn), pairs)) % len(drawn)
    return float(distances.structural_similarity(drawn[one], drawn[other]).mean())


def nearest(drawn: Array, known: Array, count: int) -> Array:
    """Indices (drawn, count) of the samples in `known` that are nearest to each of `drawn`, the nearest first."""
    x, y = (np.asarray(values, np.float64).reshape(len(values), -1) for values in (drawn, known))
    squares = np.square(x).sum(-1)[:, None] + np.square(y).sum(-1) - 2 * x @ y.T
    return np.argsort(squares, axis=-1, kind="stable")[:, :count]
