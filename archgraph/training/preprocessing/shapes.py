"""Steps that change shapes: pictures to a size, samples to vectors, channels."""

from typing import Any

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Choice, Integer, ListOf, Number
from archgraph.record import param
from archgraph.training.data.base import Array, Column
from archgraph.training.preprocessing.base import Learned, Step, floats, step


def _need_image(column: Column, name: str) -> tuple[int, int]:
    if len(column.shape) < 2:
        raise Rejected("AG703", f"{name} needs samples of shape (height, width, …), got {column.shape}")
    return column.shape[0], column.shape[1]


SIZE = AnyOf(Integer(1, 65_536), ListOf(Integer(1, 65_536), shortest=2, longest=2))


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


@step
class Pad(Step):
    """Set pictures in the middle of a larger ground: 28x28 to 32x32 puts two pixels on every side."""

    name = "pad"

    size: Any = param(SIZE, "New height and width, or one number for both.", unit="pixels")
    value: float = param(Number(), "Value of the ground.", default=0.0)

    def apply(self, column: Column, learned: Learned) -> Column:
        have, want = _need_image(column, self.name), _pair(self.size)
        if any(w < h for h, w in zip(have, want, strict=True)):
            raise Rejected("AG703", f"cannot pad {have} to the smaller {want}", hint="use resize", field="/size")
        sides = [((w - h) // 2, w - h - (w - h) // 2) for h, w in zip(have, want, strict=True)]
        width = [(0, 0), *sides, *[(0, 0)] * (column.values.ndim - 3)]
        return Column(np.pad(column.values, width, constant_values=self.value), column.classes)


@step
class Resize(Step):
    """Scale pictures to another size; pixel centres as in Keras (half-pixel), without smoothing before shrinking."""

    name = "resize"

    size: Any = param(SIZE, "New height and width, or one number for both.", unit="pixels")
    interpolation: str = param(Choice("bilinear", "nearest"), "How values between pixels arise.", default="bilinear")

    def apply(self, column: Column, learned: Learned) -> Column:
        have, want = _need_image(column, self.name), _pair(self.size)
        if self.interpolation == "nearest":
            rows, columns = (
                np.floor((np.arange(w) + 0.5) * h / w).astype(int) for h, w in zip(have, want, strict=True)
            )
            return Column(column.values[:, rows][:, :, columns], column.classes)
        rows, columns = (_bilinear(h, w) for h, w in zip(have, want, strict=True))
        wide = np.tensordot(floats(column), columns, axes=(2, 1))
        tall = np.tensordot(wide, rows, axes=(1, 1))
        return Column(np.ascontiguousarray(np.moveaxis(tall, (-1, -2), (1, 2))))


def _bilinear(have: int, want: int) -> Array:
    """Weights (want, have) of each old pixel in each new one."""
    centres = np.clip((np.arange(want) + 0.5) * have / want - 0.5, 0, have - 1)
    distance = np.abs(centres[:, None] - np.arange(have)[None, :])
    return np.asarray(np.maximum(0, 1 - distance), np.float32)


@step
class Flatten(Step):
    """Each sample becomes one vector."""

    name = "flatten"

    def apply(self, column: Column, learned: Learned) -> Column:
        return Column(column.values.reshape(len(column.values), int(np.prod(column.shape))))


@step
class Reshape(Step):
    """Each sample gets another shape with as many elements."""

    name = "reshape"

    shape: Any = param(ListOf(Integer(1), shortest=1, longest=8), "Shape of one sample.")

    def apply(self, column: Column, learned: Learned) -> Column:
        if np.prod(self.shape) != np.prod(column.shape):
            raise Rejected("AG703", f"cannot reshape {column.shape} to {self.shape}", field="/shape")
        return Column(column.values.reshape(-1, *self.shape), column.classes)


@step
class ExpandChannels(Step):
    """Give samples without a channel axis one channel, or repeat their one channel: grey to RGB with 3."""

    name = "expand_channels"

    channels: int = param(Integer(1, 1024), "How many equal channels.", default=1)
    new_axis: bool = param(Choice(True, False), "Whether the channels are a new last axis.", default=True)

    def apply(self, column: Column, learned: Learned) -> Column:
        values = column.values[..., None] if self.new_axis else column.values
        if values.shape[-1] != 1:
            raise Rejected("AG703", f"the last axis must have the size 1, got {values.shape[1:]}", field="/new_axis")
        return Column(np.repeat(values, self.channels, axis=-1))
