"""Samples -> the numbers of those to train on, to validate on and to test on: a function of the data and a seed."""

import itertools
from typing import NamedTuple

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.training.data.base import Array, Samples, Source


class Parts(NamedTuple):
    """Indices of samples; no sample is in two parts, unless the data is one graph, whose masks tell its nodes apart."""

    train: Array
    validation: Array
    test: Array


def split(samples: Samples, source: Source, validation: float) -> Parts:
    """Draw the parts, every class in its share in each, by the source's own seed.

    `validation` is the share of what is left after the test part. Raises `Rejected` AG703 when a part that is wanted
    would be empty.
    """
    if samples.masks:
        whole = np.arange(len(samples))
        return Parts(whole, whole, whole)
    drawn = np.random.default_rng(source.split_seed)
    if samples.gap is not None:
        parts = _runs(len(samples), source, validation, samples.gap)
    elif samples.groups is not None:
        parts = _grouped(samples.groups, source, validation, drawn)
    else:
        strata = samples.columns[samples.strata].values if samples.strata else np.zeros(len(samples), int)
        rest, test = _test(samples, source, strata, drawn)
        train, validated = _share(rest, strata, round(validation * len(rest)), drawn)
        parts = Parts(train, validated, test)
    _need_samples(parts, len(samples), validation)
    return parts


def _test(samples: Samples, source: Source, strata: Array, drawn: np.random.Generator) -> tuple[Array, Array]:
    every = np.arange(len(samples))
    if samples.test is None:
        if source.subset is not None and source.subset < len(every):
            every, _ = _share(every, strata, len(every) - source.subset, drawn)
        return _share(every, strata, round(source.test * len(every)), drawn)
    rest, test = np.setdiff1d(every, samples.test), samples.test
    if source.subset is not None and source.subset < len(every):
        kept = round(source.subset * len(rest) / len(every))
        rest, _ = _share(rest, strata, len(rest) - kept, drawn)
        test, _ = _share(test, strata, len(test) - (source.subset - kept), drawn)
    return rest, test


def _share(indices: Array, strata: Array, count: int, drawn: np.random.Generator) -> tuple[Array, Array]:
    """`indices` without `count` of them, and those: from every class its share, by largest remainders."""
    classes, sizes = np.unique(strata[indices], return_counts=True)
    exact = sizes * count / max(len(indices), 1)
    wanted = np.floor(exact).astype(int)
    short = count - int(wanted.sum())
    wanted[np.argsort(wanted - exact, kind="stable")[:short]] += 1
    taken = [
        drawn.permutation(indices[strata[indices] == one])[:number] for one, number in zip(classes, wanted, strict=True)
    ]
    away = np.sort(np.concatenate(taken)) if taken else indices[:0]
    return np.setdiff1d(indices, away), away


def _runs(count: int, source: Source, validation: float, gap: int) -> Parts:
    """Train on the beginning, validate on what follows, test on the end, with a gap before each part."""
    count = min(count, source.subset or count)
    tested = round(source.test * count)
    rest = count - tested - gap
    validated = round(validation * rest)
    end = rest - validated - (gap if validated else 0)
    return Parts(
        np.arange(max(end, 0)), np.arange(max(rest - validated, 0), max(rest, 0)), np.arange(count - tested, count)
    )


def _grouped(groups: Array, source: Source, validation: float, drawn: np.random.Generator) -> Parts:
    """Whole groups into every part: as many as its share says, at least one where a part is wanted."""
    every = np.arange(len(groups))
    if source.subset is not None and source.subset < len(every):
        every = np.linspace(0, len(every) - 1, source.subset).round().astype(int)
    order = drawn.permutation(np.unique(groups[every]))
    tested = max(1, round(source.test * len(order)))
    validated = max(1, round(validation * (len(order) - tested))) if validation else 0
    ends = (0, tested, tested + validated, len(order))
    test, held, train = (every[np.isin(groups[every], order[a:b])] for a, b in itertools.pairwise(ends))
    return Parts(train, held, test)


def _need_samples(parts: Parts, count: int, validation: float) -> None:
    shares = {"train": 1.0, "validation": validation, "test": 1.0}
    for name, share in shares.items():
        if share and not len(getattr(parts, name)):
            raise Rejected("AG703", f"no sample is left for the {name} part of {count} samples")
