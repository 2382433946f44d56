"""Whitening: turning and scaling samples until no two of their numbers go together."""

from collections.abc import Iterable

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, Integer, Number, optional
from archgraph.record import param
from archgraph.training.data.base import Array, Column
from archgraph.training.preprocessing.base import Learned, Step, floats, step
from archgraph.training.preprocessing.moments import covariance

_MOST_FEATURES = 8192
"""Covariances of more features would take more than half a gigabyte and many minutes."""


def _need_vector(column: Column) -> int:
    features = int(np.prod(column.shape))
    if features > _MOST_FEATURES:
        complaint = f"needs samples of at most {_MOST_FEATURES} numbers, got {features}"
        raise Rejected("AG703", complaint, hint='make the pictures smaller with "resize" before')
    return features


def _vectors(column: Column) -> Array:
    return floats(column).reshape(len(column.values), int(np.prod(column.shape)))


def _axes(chunks: Iterable[Column]) -> tuple[Array, Array, Array]:
    """Mean, variances and directions (columns) of the principal axes, the longest first.

    The largest entry of each direction is positive: an eigenvector has no sign of its own.
    """
    mean, spread = covariance(_checked(chunks))
    variances, directions = np.linalg.eigh(spread)
    variances, directions = np.maximum(variances[::-1], 0), directions[:, ::-1]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(len(variances))]
    return mean, variances, directions * np.sign(largest)


def _checked(chunks: Iterable[Column]) -> Iterable[Column]:
    for column in chunks:
        _need_vector(column)
        yield column


@step
class Pca(Step):
    """Each sample by its principal axes: directions in which the training part varies most, the longest first.

    Every sample becomes a vector. With `whiten` each axis is divided by its standard deviation, so that all matter
    alike: the covariance of the training part becomes the identity (Pearson 1901; LeCun et al. 1998, section 4.3).
    """

    name = "pca"
    learns = True

    components: int | None = param(optional(Integer(1)), "How many axes are kept. Default: all.", default=None)
    whiten: bool = param(Flag(), "Divide each axis by its standard deviation.", default=False)
    epsilon: float = param(
        Number(0), "Added to each variance before dividing: keeps axes of noise small.", default=1e-5
    )

    def learn(self, chunks: Iterable[Column]) -> Learned:
        mean, variances, directions = _axes(chunks)
        if self.components is not None and self.components > len(mean):
            complaint = f"must be at most {len(mean)}, the numbers in a sample, got {self.components}"
            raise Rejected("AG703", complaint, field="/components")
        kept = directions[:, : self.components]
        if self.whiten:
            kept = kept * _inverse_root(variances[: self.components] + self.epsilon)
        return {"mean": mean, "axes": kept}

    def apply(self, column: Column, learned: Learned) -> Column:
        centred = _vectors(column) - learned["mean"].astype(np.float32)
        return Column(centred @ learned["axes"].astype(np.float32))


@step
class Zca(Step):
    """Whitening that stays as near to the original as it can: pictures remain pictures, their edges stand out.

    W = E (D + epsilon)^(-1/2) E^T with E, D the axes and variances of the training part, whose covariance becomes the
    identity (Bell & Sejnowski 1997; Krizhevsky 2009, appendix A).
    """

    name = "zca"
    learns = True

    epsilon: float = param(
        Number(0), "Added to each variance before dividing: larger ones smooth away noise.", default=1e-2
    )

    def learn(self, chunks: Iterable[Column]) -> Learned:
        mean, variances, directions = _axes(chunks)
        return {"mean": mean, "matrix": (directions * _inverse_root(variances + self.epsilon)) @ directions.T}

    def apply(self, column: Column, learned: Learned) -> Column:
        flat = _vectors(column) - learned["mean"].astype(np.float32)
        return Column((flat @ learned["matrix"].astype(np.float32)).reshape(column.values.shape))


def _inverse_root(variances: Array) -> Array:
    """1/√v, and 0 along axes in which nothing varies at all."""
    return np.asarray(np.where(variances > 0, 1 / np.sqrt(np.where(variances > 0, variances, 1)), 0))
