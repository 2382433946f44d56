"""Pictures in rows: samples, and what was made of them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.plots.boards import GAP, Board
from archgraph.training.plots.paper import EDGE, PLAIN, RED


def is_picture(shape: Sequence[int]) -> bool:
    """Whether samples of this shape can be shown: (height, width, 1 or 3)."""
    return len(shape) == 3 and shape[-1] in (1, 3) and min(shape[:2]) >= 4


def samples(title: str, rows: Mapping[str, Array]) -> bytes:
    """A grid with a labelled row of pictures for each entry; every row has its own range of grey."""
    count = min(len(pictures) for pictures in rows.values())
    ratios = [pictures.shape[1] / pictures.shape[2] for pictures in rows.values()]
    tall = sum(ratios) + GAP * (len(ratios) - 1)
    left = 0.15 + 0.085 * max(map(len, rows), default=0)
    board, y = Board(title, count * (1 + GAP) - GAP, tall, 1.1, left=left), 0.0
    for (name, pictures), ratio in zip(rows.items(), ratios, strict=True):
        for number, picture in enumerate(scaled(pictures[:count])):
            board.put(picture, number * (1 + GAP), y, height=ratio)
        board.write(name, -0.1, y + ratio / 2, right=True, size=PLAIN)
        y += ratio + GAP
    return board.png()


def scaled(pictures: Array, *, each: bool = False) -> Array:
    """Pictures with their numbers brought to 0 … 1, all together or each by itself; grey ones without channel axis."""
    values = np.asarray(pictures, np.float64)
    axes = tuple(range(1, values.ndim)) if each else None
    low, high = values.min(axis=axes, keepdims=True), values.max(axis=axes, keepdims=True)
    shown = np.clip((values - low) / np.where(high > low, high - low, 1), 0, 1)
    return np.asarray(shown[..., 0] if shown.shape[-1] == 1 else shown)


def tiles(
    title: str, pictures: Array, labels: Sequence[str], *, columns: int = 8, marked: Sequence[bool] = ()
) -> bytes:
    """Pictures in rows, each above its label; those that are `marked` have a coloured frame."""
    shown = scaled(pictures, each=True)
    columns = min(columns, max(len(shown), 1))
    rows = math.ceil(len(shown) / columns)
    ratio = shown.shape[1] / shown.shape[2] if len(shown) else 1.0
    lines = max((label.count("\n") + 1 for label in labels), default=0)
    side = 1.25
    step = ratio + GAP + 0.05 + lines * 0.17 / side
    board = Board(title, columns * (1 + GAP) - GAP, rows * step, side)
    for number, picture in enumerate(shown):
        x, y = (number % columns) * (1 + GAP), (number // columns) * step
        edge = RED if number < len(marked) and marked[number] else EDGE
        board.put(picture, x, y, height=ratio, edge=edge)
        board.write(labels[number], x + 0.5, y + ratio + 0.04)
    return board.png()
