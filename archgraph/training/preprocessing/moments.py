"""Means, variances and covariances of samples that come some at a time, merged in float64 (Chan et al. 1979)."""

from collections.abc import Iterable

import numpy as np

from archgraph.training.data.base import Array, Column


class Moments:
    """Mean and variance of each place of a sample, or of all numbers along some axes."""

    def __init__(self, mean: Array, variance: Array) -> None:
        self.mean, self.variance = mean, variance


def moments(chunks: Iterable[Column], per: str) -> Moments:
    """The moments for each ``feature``, for each ``channel`` (the last axis), or of ``all`` numbers together."""
    count = 0
    mean = spread = np.zeros(())
    for column in chunks:
        values = np.asarray(column.values, np.float64)
        axes = {"feature": (0,), "channel": tuple(range(values.ndim - 1)), "all": tuple(range(values.ndim))}[per]
        fresh = int(np.prod([values.shape[axis] for axis in axes]))
        middle = values.mean(axes)
        off = np.square(values - middle).sum(axes)
        total = count + fresh
        apart = middle - mean
        mean, spread = mean + apart * (fresh / total), spread + off + np.square(apart) * (count * fresh / total)
        count = total
    return Moments(mean, spread / max(count, 1))


def covariance(chunks: Iterable[Column]) -> tuple[Array, Array]:
    """Mean (features,) and covariance (features, features) of the samples as vectors, divided by their number."""
    count = 0
    mean = spread = np.zeros(())
    for column in chunks:
        values = np.asarray(column.values, np.float64).reshape(len(column.values), -1)
        middle = values.mean(0)
        centred = values - middle
        total = count + len(values)
        apart = middle - mean
        spread = spread + centred.T @ centred + np.outer(apart, apart) * (count * len(values) / total)
        mean, count = mean + apart * (len(values) / total), total
    return mean, spread / max(count, 1)
