"""Arrays -> batches: the order of an epoch is a function of seed and epoch alone, so a resumed run sees the same."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.training.augmentation.stages import Batch, Stage
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Part
from archgraph.training.data.stored import is_stored

if TYPE_CHECKING:
    from archgraph.training.spreading import Place

_READERS = 4
"""Batches that are read from disk at the same time."""


def order(seed: int, epoch: int, count: int, *, shuffle: bool) -> Array:
    """The order in which `count` samples are seen in `epoch` (from 0)."""
    return np.random.default_rng([seed, epoch]).permutation(count) if shuffle else np.arange(count)


def structure(arrays: Mapping[str, Any], *, single: bool) -> Any:
    """What Keras takes: the only value itself, several as a dict by name."""
    return next(iter(arrays.values())) if single else dict(arrays)


class Feed:
    """One part of the data as a ``tf.data`` pipeline. Arrays in memory are held once, batches are gathered from them;
    what is on disk is read batch by batch, ahead of the step that needs it.
    """

    def __init__(
        self, part: Part, batch_size: int, stages: tuple[Stage, ...] = (), seed: int = 0, place: "Place | None" = None
    ) -> None:
        """`stages` change every batch at random; what they draw follows from `seed`, epoch and sample.

        Where `place` has several devices, every batch is dealt out to them.
        """
        import tensorflow as tf

        self._tf, self.count, self.batch_size = tf, len(part), batch_size
        self._part, self._stages, self._seed = part, stages, seed
        self._groups = [dict(part.inputs), dict(part.targets), dict(part.weights)]
        with tf.device("CPU"):  # batches are gathered there, whatever they are fed to
            self._held = [{n: None if is_stored(a) else tf.constant(a) for n, a in g.items()} for g in self._groups]
        self._numbers = np.zeros((0, 2), np.int64)
        self._failure: Exception | None = None
        self._place = place if place is not None and place.strategy is not None else None
        slow = bool(stages) or any(is_stored(array) for group in self._groups for array in group.values())
        gathered = self._batched().map(self._gather, num_parallel_calls=_READERS if slow else None)
        self._dataset = gathered.prefetch(2)
        if self._place is not None:
            self._dataset = self._place.dealt(self._dataset)

    @property
    def steps(self) -> int:
        """Batches in an epoch, the last perhaps smaller."""
        if self._place is not None:
            return self._place.steps(self.count, self.batch_size)
        return -(-self.count // self.batch_size)

    def batches(self, indices: Array | None = None, epoch: int = 0) -> Any:
        """An iterator over the batches of the samples at `indices`, or of all in their own order.

        `epoch` (from 0) is what random changes are drawn for, beside the samples.
        """
        chosen = np.arange(self.count) if indices is None else np.asarray(indices, np.int64)
        self._numbers = np.stack([chosen, np.full(len(chosen), epoch)], axis=1)
        return iter(self._dataset)

    def raise_failure(self) -> None:
        """Raise what went wrong when samples were read from disk, if anything did: TensorFlow only says that it did.

        Raises:
            GraphError: a file of the data is damaged, or cannot be read any more.
        """
        if isinstance(self._failure, Rejected):
            one = self._failure
            raise GraphError([Diagnostic(one.code, "", one.message, one.hint)])
        if self._failure is not None:
            raise self._failure

    def _batched(self) -> Any:
        """The numbers of samples and epoch, batch by batch; of several devices, part by part."""
        data = self._tf.data.Dataset
        if self._place is None:
            numbers = data.range(1).flat_map(lambda _: data.from_tensor_slices(self._current()))
            return numbers.batch(self.batch_size)
        return data.range(1).flat_map(lambda _: data.from_tensor_slices(self._parts())).map(self._part_of)

    def _parts(self) -> Any:
        place = self._place
        assert place is not None  # this is asked for where batches are dealt out

        def bounds() -> Array:
            return place.shares(len(self._numbers), self.batch_size)

        return self._tf.ensure_shape(self._tf.numpy_function(bounds, [], self._tf.int64), [None, 2])

    def _part_of(self, bounds: Any) -> Any:
        def cut(bounds: Array) -> Array:
            return self._numbers[bounds[0] : bounds[1]]

        return self._tf.ensure_shape(self._tf.numpy_function(cut, [bounds], self._tf.int64), [None, 2])

    def _current(self) -> Any:
        numbers = self._tf.numpy_function(lambda: self._numbers, [], self._tf.int64)
        return self._tf.ensure_shape(numbers, [None, 2])

    def _gather(self, numbers: Any) -> Any:
        indices = numbers[:, 0]
        groups = [
            {name: self._taken(array, self._groups[place][name], indices) for name, array in group.items()}
            for place, group in enumerate(self._held)
        ]
        batch = Batch(*groups)
        for stage in self._stages:
            batch = stage.apply(self._tf, batch, self._drawn(stage, numbers))
        return self._structured(batch)

    def _taken(self, held: Any, array: Array, indices: Any) -> Any:
        tf = self._tf
        if held is not None:
            return tf.gather(held, indices)
        read = tf.numpy_function(self._reading(array), [indices], tf.dtypes.as_dtype(array.dtype))
        return tf.ensure_shape(read, [None, *array.shape[1:]])

    def _reading(self, array: Array) -> Any:
        def read(indices: Array) -> Array:
            try:
                return np.asarray(array[indices])
            except Exception as error:
                self._failure = error
                raise

        return read

    def _drawn(self, stage: Stage, numbers: Any) -> list[Any]:
        tf = self._tf
        found = tf.numpy_function(self._drawing(stage), [numbers], [tf.dtypes.as_dtype(one) for one, _ in stage.drawn])
        return [tf.ensure_shape(one, [None, *shape]) for one, (_, shape) in zip(found, stage.drawn, strict=True)]

    def _drawing(self, stage: Stage) -> Any:
        def draw(numbers: Array) -> list[Array]:
            return stage.draw(self._seed, int(numbers[0, 1]), numbers[:, 0])

        return draw

    def _structured(self, batch: Batch) -> Any:
        part = self._part
        inputs = structure(batch.inputs, single=len(part.inputs) == 1)
        targets = structure(batch.targets, single=len(part.targets) == 1)
        if not part.weights:
            return inputs, targets
        return inputs, targets, structure(batch.weights, single=len(part.targets) == 1)
