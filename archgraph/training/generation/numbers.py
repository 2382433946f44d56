"""Pictures drawn number by number from a network that foretells each from those before it."""

from typing import Any

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.diagnostics import Rejected
from archgraph.training.data.base import Array

_TRIED = 24
"""Numbers of a sample that are changed to see what depends on them."""
_SLACK = 1e-5


class Foreteller:
    """A network that gives the chances of every number of a picture, given those before it in the order of reading."""

    def __init__(self, model: Any, levels: int) -> None:
        self.model, self.levels = model, levels
        self.shape = tuple(int(size) for size in model.input.shape[1:])
        self.count = int(np.prod(self.shape))
        self.keras = load_keras()
        import tensorflow as tf

        self._draw = tf.function(self._drawn)

    def draw(
        self, count: int, seed: tuple[int, ...], *, temperature: float = 1.0, begun: Array | None = None, kept: int = 0
    ) -> Array:
        """`count` pictures; the first `kept` numbers are those of `begun`, where pictures are to be completed."""
        noise = np.random.default_rng(seed).random((count, self.count), np.float32)
        start = np.zeros((count, self.count), np.float32) if begun is None else np.asarray(begun, np.float32)
        start = start.reshape(count, self.count).copy()
        start[:, kept:] = 0
        tensor = self.keras.ops.convert_to_tensor
        drawn = self._draw(tensor(start), tensor(noise), tensor(np.float32(temperature)), tensor(np.int32(kept)))
        return np.asarray(drawn).reshape(count, *self.shape)

    def _drawn(self, start: Any, noise: Any, temperature: Any, kept: Any) -> Any:
        ops = self.keras.ops

        def step(at: Any, numbers: Any) -> Any:
            value = self._value(self._chances(numbers, at), noise[:, at], temperature)
            here = ops.cast(ops.arange(self.count) == at, "float32")
            return numbers * (1 - here) + value[:, None] * here

        return ops.fori_loop(kept, self.count, step, start)

    def _chances(self, numbers: Any, at: Any) -> Any:
        """Chances of the levels of one number, (batch, levels)."""
        ops = self.keras.ops
        given = self.model(ops.reshape(numbers, (-1, *self.shape)), training=False)
        if self.levels > 2:
            return ops.cast(ops.reshape(given, (-1, self.count, self.levels))[:, at], "float32")
        ink = ops.cast(ops.reshape(given, (-1, self.count))[:, at], "float32")
        return ops.stack([1 - ink, ink], axis=-1)

    def _value(self, chances: Any, noise: Any, temperature: Any) -> Any:
        ops = self.keras.ops
        weights = ops.softmax(ops.log(ops.maximum(chances, 1e-12)) / temperature, axis=-1)
        below = ops.cumsum(weights, axis=-1)[:, :-1]
        return ops.sum(ops.cast(noise[:, None] >= below, "float32"), axis=-1) / (self.levels - 1)

    def need_order(self, sample: Array, seed: int) -> None:
        """Raises `Rejected`: some output changes with a number that is not before it."""
        drawn = np.random.default_rng(seed)
        inner = max(0, min(_TRIED, self.count) - 2)
        tried = np.unique([0, self.count - 1, *drawn.choice(self.count, inner, replace=False)])
        start = np.asarray(sample, np.float32).reshape(1, self.count)
        changed = np.repeat(start, len(tried), axis=0)
        changed[range(len(tried)), tried] = 1 - changed[range(len(tried)), tried]
        given = np.asarray(self.model(np.concatenate([start, changed]).reshape(-1, *self.shape), training=False))
        moved = np.abs(given[1:] - given[:1]).reshape(len(tried), self.count, -1).max(axis=-1)
        for row, number in zip(moved, tried, strict=True):
            early = np.flatnonzero(row[: number + 1] > _SLACK)
            if len(early):
                complaint = f"the output for number {early[0]} changes with number {number}, which is not before it"
                hint = "use masked convolutions or masked dense layers, the first of kind A or input"
                raise Rejected("AG701", complaint, hint=hint, field="/graph")
