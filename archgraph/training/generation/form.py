"""How numbers of a network are pictures: their shape and the values of black and white."""

import math
from typing import NamedTuple

import numpy as np

from archgraph.training.data.base import Array


class PictureForm(NamedTuple):
    """Shape (height, width, channels) of a picture, and the values that are black and white."""

    shape: tuple[int, int, int]
    low: float
    high: float

    def unit(self, values: Array) -> Array:
        """Pictures (count, height, width, channels) from 0 to 1."""
        pictures = np.asarray(values, np.float32).reshape(-1, *self.shape)
        return np.asarray(((pictures - self.low) / (self.high - self.low)).clip(0, 1), np.float32)


def picture_form(values: Array, raw: tuple[int, ...]) -> PictureForm | None:
    """The form of preprocessed samples whose raw ones have the shape `raw`; None if they are no pictures."""
    shape = picture_shape(values.shape[1:], raw)
    if shape is None or not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    return PictureForm(shape, low, high if high > low else low + 1)


def picture_shape(shape: tuple[int, ...], raw: tuple[int, ...]) -> tuple[int, int, int] | None:
    """The shape of a sample as a picture: its own, that of the raw sample it was flattened from, or a square's."""
    if len(shape) == 3 and shape[-1] in (1, 3):
        return shape[0], shape[1], shape[2]
    if len(shape) == 2:
        return shape[0], shape[1], 1
    if len(shape) != 1:
        return None
    if len(raw) in (2, 3) and math.prod(raw) == shape[0]:
        return picture_shape(raw, ())
    side = math.isqrt(shape[0])
    return (side, side, 1) if side * side == shape[0] and side >= 4 else None
