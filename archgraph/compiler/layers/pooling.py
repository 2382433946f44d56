"""Pooling that Keras lacks."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class GlobalSumPooling(keras.layers.Layer):
    """Sum over all spatial axes: y[c] = sum over p of x[p, c].

    Input (batch, space…, channels), output (batch, channels), or with `keepdims` (batch, 1…, channels).
    Source: Miyato et al. 2018, appendix B.4.
    """

    def __init__(self, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keepdims = keepdims

    def call(self, inputs: Any) -> Any:
        return ops.sum(inputs, axis=tuple(range(1, len(inputs.shape) - 1)), keepdims=self.keepdims)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        kept = (1,) * (len(input_shape) - 2) if self.keepdims else ()
        return (input_shape[0], *kept, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "keepdims": self.keepdims}


@ours
class MeanOfRealCells(keras.layers.Layer):
    """Average pooling with explicit padding in which only the cells of the input count.

    y[p, c] = (sum of x[q, c] over the cells q of window p that lie in the input) / (their number).
    Input (batch, space…, channels). `padding` holds ``(before, after)`` for each spatial axis.
    Source: the rule of keras.layers.AveragePooling2D for ``padding="same"``, for any padding.
    """

    def __init__(
        self, pool_size: tuple[int, ...], strides: tuple[int, ...], padding: tuple[tuple[int, int], ...], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size, self.strides = tuple(pool_size), tuple(strides)
        self.padding = tuple((before, after) for before, after in padding)

    def call(self, inputs: Any) -> Any:
        return self._mean(inputs) / self._mean(ops.ones_like(inputs))

    def _mean(self, inputs: Any) -> Any:
        padded = ops.pad(inputs, ((0, 0), *self.padding, (0, 0)))
        return ops.average_pool(padded, self.pool_size, self.strides, "valid", data_format="channels_last")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        sizes = zip(input_shape[1:-1], self.pool_size, self.strides, self.padding, strict=True)
        space = [None if n is None else (n + sum(sides) - pool) // step + 1 for n, pool, step, sides in sizes]
        return (input_shape[0], *space, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        own = {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}
        return {**super().get_config(), **own}
