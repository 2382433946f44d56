"""Changes of spatial size that Keras lacks, or offers for pictures only."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours

Sizes = tuple[int | None, ...]


@ours
class PixelShuffle(keras.layers.Layer):
    """Channels to space: y[r p + i, r q + j, c] = x[p, q, (i r + j) C + c]; with `direction` ``down`` the reverse.

    Input (batch, space…, channels) with one to three spatial axes. Source: Shi et al. 2016, section 3.2, equation 4.
    """

    def __init__(self, block_size: int, direction: str = "up", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.block_size, self.direction = block_size, direction

    def call(self, inputs: Any) -> Any:
        shape, block = ops.shape(inputs), self.block_size
        space, rank = shape[1:-1], len(shape) - 2
        batch = shape[0]
        if self.direction == "up":
            channels = inputs.shape[-1] // block**rank
            apart = ops.reshape(inputs, (batch, *space, *(block,) * rank, channels))
            cells = (axis for number in range(1, rank + 1) for axis in (number, number + rank))
            mixed = ops.transpose(apart, (0, *cells, 2 * rank + 1))
            return ops.reshape(mixed, (batch, *(size * block for size in space), channels))
        apart = ops.reshape(inputs, (batch, *(part for size in space for part in (size // block, block)), shape[-1]))
        mixed = ops.transpose(apart, (0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1))
        return ops.reshape(mixed, (batch, *(size // block for size in space), inputs.shape[-1] * block**rank))

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        space, channels, block = input_shape[1:-1], int(input_shape[-1] or 0), self.block_size
        if self.direction == "up":
            larger = (None if size is None else size * block for size in space)
            return (input_shape[0], *larger, channels // block ** len(space))
        smaller = (None if size is None else size // block for size in space)
        return (input_shape[0], *smaller, channels * block ** len(space))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "block_size": self.block_size, "direction": self.direction}


@ours
class Resize(keras.layers.Layer):
    """Interpolate (batch, space…, channels) to a `size`, or by a `scale` = ((numerator, denominator), …), rounded down.

    New cell i lies at (i + 1/2) n / m - 1/2 of the n old ones, m being the new number. One to three spatial axes: every
    interpolation here is a product over the axes, so a volume is resized in two turns.
    Source: keras.ops.image.resize.
    """

    def __init__(
        self,
        size: tuple[int, ...] | None = None,
        scale: tuple[tuple[int, int], ...] | None = None,
        interpolation: str = "bilinear",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size = None if size is None else tuple(size)
        self.scale = None if scale is None else tuple((above, below) for above, below in scale)
        self.interpolation = interpolation

    def call(self, inputs: Any) -> Any:
        batch, *space, _ = ops.shape(inputs)
        channels, new = inputs.shape[-1], self._new(tuple(space))
        if len(space) == 2:
            return self._plane(inputs, new)
        if len(space) == 1:
            row = self._plane(ops.reshape(inputs, (batch, space[0], 1, channels)), (new[0], 1))
            return ops.reshape(row, (batch, new[0], channels))
        slabs = self._plane(ops.reshape(inputs, (-1, space[1], space[2], channels)), new[1:])
        deep = ops.reshape(slabs, (batch, space[0], new[1] * new[2], channels))
        return ops.reshape(self._plane(deep, (new[0], new[1] * new[2])), (batch, *new, channels))

    def _plane(self, picture: Any, size: tuple[Any, ...]) -> Any:
        return ops.image.resize(picture, size, interpolation=self.interpolation, data_format="channels_last")

    def _new(self, space: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.size is not None:
            return self.size
        factors = zip(space, self.scale or (), strict=True)
        return tuple(None if size is None else size * above // below for size, (above, below) in factors)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return (input_shape[0], *self._new(input_shape[1:-1]), input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        own = {"size": self.size, "scale": self.scale, "interpolation": self.interpolation}
        return {**super().get_config(), **own}
