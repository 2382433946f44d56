"""Many small pictures as one PNG, without a drawing library."""

import math
import struct
import zlib
from collections.abc import Sequence

import numpy as np

from archgraph.training.data.base import Array

_GAP = 2
_GROUND = 208
_SMALLEST = 480
"""Pixels that the longer side of a mosaic has at least: small pictures are enlarged by a whole factor."""


def mosaic(pictures: Array, columns: int = 0, *, low: float = 0.0, high: float = 1.0) -> bytes:
    """A PNG of pictures (count, height, width, 1 or 3) in rows of `columns` (0: nearly square); `low` is black."""
    count = len(pictures)
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    shown = np.clip((np.asarray(pictures, np.float64) - low) / (high - low) * 255, 0, 255).round().astype(np.uint8)
    height, width, channels = shown.shape[1:]
    factor = max(1, math.ceil(_SMALLEST / max(rows * (height + _GAP), columns * (width + _GAP))))
    shown = shown.repeat(factor, 1).repeat(factor, 2)
    height, width = height * factor, width * factor
    sheet = np.full((rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, channels), _GROUND, np.uint8)
    for number, picture in enumerate(shown):
        row, column = divmod(number, columns)
        top, left = _GAP + row * (height + _GAP), _GAP + column * (width + _GAP)
        sheet[top : top + height, left : left + width] = picture
    return png(sheet)


def rows_of(*rows: Array) -> Array:
    """Rows of as many pictures each, one below the other, for a mosaic with that many columns."""
    return np.concatenate([np.asarray(row) for row in rows])


def png(sheet: Array) -> bytes:
    """The PNG file of a picture (height, width, 1 or 3) of bytes."""
    height, width, channels = sheet.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), sheet.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    parts: Sequence[tuple[bytes, bytes]] = (
        (b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""),
    )  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def as_pictures(values: Array) -> Array | None:
    """Samples as pictures (count, height, width, 1 or 3): as they are, or vectors of a square number of pixels."""
    if values.ndim == 4 and values.shape[-1] in (1, 3):
        return values
    if values.ndim == 3:
        return values[..., None]
    side = math.isqrt(values.shape[-1]) if values.ndim == 2 else 0
    return values.reshape(-1, side, side, 1) if side > 1 and side**2 == values.shape[-1] else None
