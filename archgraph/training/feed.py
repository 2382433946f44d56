"""Arrays -> batches: the order of an epoch is a function of seed and epoch alone, so a resumed run sees the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Part


def order(seed: int, epoch: int, count: int, *, shuffle: bool) -> Array:
    """The order in which `count` samples are seen in `epoch` (from 0)."""
    return np.random.default_rng([seed, epoch]).permutation(count) if shuffle else np.arange(count)


def structure(arrays: Mapping[str, Any], *, single: bool) -> Any:
    """What Keras takes: the only value itself, several as a dict by name."""
    return next(iter(arrays.values())) if single else dict(arrays)


def as_keras(part: Part) -> tuple[Any, ...]:
    """Inputs, targets and, where there are any, weights of a part."""
    inputs = structure(part.inputs, single=len(part.inputs) == 1)
    targets = structure(part.targets, single=len(part.targets) == 1)
    if not part.weights:
        return inputs, targets
    return inputs, targets, structure(part.weights, single=len(part.targets) == 1)


class Feed:
    """One part of the data as a ``tf.data`` pipeline; the arrays are held once, batches are gathered from them."""

    def __init__(self, part: Part, batch_size: int) -> None:
        import tensorflow as tf

        self._tf, self.count, self.batch_size = tf, len(part), batch_size
        with tf.device("CPU"):  # batches are gathered there, whatever they are fed to
            self._arrays = tf.nest.map_structure(tf.constant, as_keras(part))
        self._indices = np.arange(self.count)
        numbers = tf.data.Dataset.range(1).flat_map(lambda _: tf.data.Dataset.from_tensor_slices(self._current()))
        self._dataset = numbers.batch(batch_size).map(self._gather).prefetch(2)

    @property
    def steps(self) -> int:
        """Batches in an epoch, the last perhaps smaller."""
        return -(-self.count // self.batch_size)

    def batches(self, indices: Array | None = None) -> Any:
        """An iterator over the batches of the samples at `indices`, or of all in their own order."""
        self._indices = np.arange(self.count) if indices is None else indices
        return iter(self._dataset)

    def _current(self) -> Any:
        indices = self._tf.numpy_function(lambda: self._indices, [], self._tf.int64)
        return self._tf.ensure_shape(indices, [None])

    def _gather(self, indices: Any) -> Any:
        return self._tf.nest.map_structure(lambda array: self._tf.gather(array, indices), self._arrays)
