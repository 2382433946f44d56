"""Pictures in rows: samples, and what was made of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.plots.paper import INK, PLAIN, TITLE, bare, new_figure, png


def is_picture(shape: Sequence[int]) -> bool:
    """Whether samples of this shape can be shown: (height, width, 1 or 3)."""
    return len(shape) == 3 and shape[-1] in (1, 3) and min(shape[:2]) >= 4


def samples(title: str, rows: Mapping[str, Array]) -> bytes:
    """A grid with a labelled row of pictures for each entry; every row has its own range of grey."""
    count = min(len(pictures) for pictures in rows.values())
    figure = new_figure(1.15 * count + 1.1, 1.2 * len(rows) + 0.6)
    figure.suptitle(title, fontsize=TITLE - 1, color=INK, fontweight="bold")
    grid = figure.subplots(len(rows), count, squeeze=False)
    for line, (name, pictures) in zip(grid, rows.items(), strict=True):
        values = np.asarray(pictures[:count], np.float64)
        low, high = float(values.min()), float(values.max())
        shown = np.clip((values - low) / (high - low or 1), 0, 1)
        for axes, picture in zip(line, shown, strict=True):
            axes.imshow(picture.squeeze(-1) if picture.shape[-1] == 1 else picture, cmap="gray", vmin=0, vmax=1)
            bare(axes)
        line[0].set_ylabel(name, fontsize=PLAIN, color=INK, rotation=0, ha="right", va="center", labelpad=8)
    return png(figure)
