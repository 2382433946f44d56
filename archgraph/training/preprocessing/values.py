"""Steps that change values and keep shapes: ranges, means, deviations, thresholds, classes."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Integer, ListOf, Number, optional
from archgraph.record import param
from archgraph.training.data.base import Column
from archgraph.training.preprocessing.base import Learned, Step, floats, step
from archgraph.training.preprocessing.moments import moments

PER = Choice("feature", "channel", "all")
PER_DOC = "One mean for each element of a sample, for each index of the last axis, or for everything."


@step
class Rescale(Step):
    """Map one range of values linearly onto another: ``"from_range": [0, 255]`` gives 0 to 1."""

    name = "rescale"

    from_range: Any = param(ListOf(Number(), shortest=2, longest=2), "Lowest and highest raw value.")
    to_range: Any = param(ListOf(Number(), shortest=2, longest=2), "What they become.", default=(0.0, 1.0))

    def apply(self, column: Column, learned: Learned) -> Column:
        (low, high), (bottom, top) = self.from_range, self.to_range
        if high == low:
            raise Rejected("AG201", f"must hold two different values, got {low} twice", field="/from_range")
        return Column(
            (floats(column) - np.float32(low)) * np.float32((top - bottom) / (high - low)) + np.float32(bottom)
        )


@step
class Center(Step):
    """Subtract the mean of the training part, so that every value is around zero (LeCun et al. 1998, section 4.3)."""

    name = "center"
    learns = True

    per: str = param(PER, PER_DOC, default="feature")

    def learn(self, chunks: Iterable[Column]) -> Learned:
        return {"mean": moments(chunks, self.per).mean}

    def apply(self, column: Column, learned: Learned) -> Column:
        return Column(floats(column) - learned["mean"].astype(np.float32))


@step
class Standardize(Step):
    """Subtract the mean and divide by the standard deviation, both of the training part alone."""

    name = "standardize"
    learns = True

    per: str = param(PER, PER_DOC, default="feature")
    epsilon: float = param(Number(above=0), "Smallest standard deviation to divide by.", default=1e-6)

    def learn(self, chunks: Iterable[Column]) -> Learned:
        found = moments(chunks, self.per)
        return {"mean": found.mean, "deviation": np.maximum(np.sqrt(found.variance), self.epsilon)}

    def apply(self, column: Column, learned: Learned) -> Column:
        centred = floats(column) - learned["mean"].astype(np.float32)
        return Column(centred / learned["deviation"].astype(np.float32))


@step
class NormalizeContrast(Step):
    """Give every sample the mean 0 and the standard deviation 1 by itself: light and contrast of a picture vanish.

    Global contrast normalisation (Coates, Ng & Lee 2011, section 3.1). Mostly goes before `zca`.
    """

    name = "normalize_contrast"

    epsilon: float = param(
        Number(above=0), "Added to the variance, so that an even picture is not blown up.", default=1e-6
    )

    def apply(self, column: Column, learned: Learned) -> Column:
        values = floats(column)
        axes = tuple(range(1, values.ndim))
        if not axes:
            raise Rejected("AG703", "needs samples of several numbers, got one number each")
        centred = values - values.mean(axes, keepdims=True)
        variance = np.square(centred).mean(axes, keepdims=True)
        return Column(centred / np.sqrt(variance + np.float32(self.epsilon)))


@step
class Binarize(Step):
    """1 where a value is above the threshold, else 0."""

    name = "binarize"

    threshold: float = param(Number(), "Values above it become 1.")

    def apply(self, column: Column, learned: Learned) -> Column:
        return Column((column.values > self.threshold).astype(np.float32))


@step
class OneHot(Step):
    """Class numbers become vectors with a 1 at the class's place and 0 elsewhere."""

    name = "one_hot"
    of_targets = True

    classes: int | None = param(
        optional(Integer(2, 1_000_000)),
        "Length of the vectors. Default: the number of classes in the data.",
        default=None,
    )

    def apply(self, column: Column, learned: Learned) -> Column:
        count = self.classes or len(column.classes)
        if not count:
            raise Rejected("AG703", "the data does not say how many classes there are", hint='give "classes"')
        values = column.values
        if values.dtype.kind not in "iu":
            raise Rejected("AG703", f"needs whole numbers, got {values.dtype} values")
        if values.size and not 0 <= int(values.min()) <= int(values.max()) < count:
            lowest, highest = int(values.min()), int(values.max())
            raise Rejected("AG703", f"class numbers go from {lowest} to {highest}, which {count} classes do not hold")
        return Column((values[..., None] == np.arange(count)).astype(np.float32), column.classes)
