"""What is inside a network: filters, feature maps, where attention looks, what decided an answer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.plots.boards import GAP, Board, coloured
from archgraph.training.plots.grids import scaled
from archgraph.training.plots.paper import GREY, INK, PLAIN, SMALL, TITLE, new_figure, png

_MOST_FILTERS = 64
_MOST_CHANNELS = 10
_MOST_TICKS = 24
NAMELESS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {}


def filters(title: str, kernels: Array) -> bytes:
    """Kernels (filters, height, width, channels): grey ones red for positive and blue for negative weights."""
    number = min(len(kernels), _MOST_FILTERS)
    columns = min(math.ceil(math.sqrt(2 * number)), 16)
    rows, ratio = math.ceil(number / columns), kernels.shape[1] / kernels.shape[2]
    more = f", {number} of {len(kernels)}" if number < len(kernels) else ""
    step, most = ratio + GAP, float(np.abs(kernels[:number]).max()) or 1.0
    in_colours = kernels.shape[-1] == 3
    board = Board(f"{title}{more}", columns * (1 + GAP) - GAP, rows * step + 0.35, 0.9 if number <= 24 else 0.7)
    for place, kernel in enumerate(kernels[:number]):
        picture = 0.5 + kernel / (2 * most) if in_colours else coloured(kernel.mean(-1), "RdBu_r", -most, most)
        board.put(np.clip(picture, 0, 1), (place % columns) * (1 + GAP), (place // columns) * step, height=ratio)
    if not in_colours:
        wide = columns * (1 + GAP)
        board.scale("RdBu_r", f"{-most:.2g}", f"{most:.2g}", wide / 2 - 1, rows * step + 0.12, 2)
    return board.png()


def feature_maps(title: str, picture: Array | None, maps: Mapping[str, Array]) -> bytes:
    """What nodes make of a picture: a row for each node, (height, width, channels), the channels that vary most."""
    chosen = {name: values[..., _liveliest(values)] for name, values in maps.items()}
    columns = max((values.shape[-1] for values in chosen.values()), default=1)
    ratios = [values.shape[0] / values.shape[1] for values in maps.values()]
    begin, names = 1.15 if picture is not None else 0.0, 1.75
    width = begin + names + columns * (1 + GAP) - GAP
    board, y = Board(title, width, sum(ratios) + GAP * (len(ratios) - 1), 0.95), 0.0
    if picture is not None:
        board.put(scaled(picture[None])[0], 0, 0, height=picture.shape[0] / picture.shape[1])
    for (name, values), ratio in zip(chosen.items(), ratios, strict=True):
        height, across, channels = maps[name].shape
        board.write(f"{_ending(name)}\n{height}×{across}×{channels}", begin + names - 0.1, y + ratio / 2, right=True)
        for number, channel in enumerate(np.moveaxis(values, -1, 0)):
            shown = coloured(channel, "viridis", float(channel.min()), float(channel.max()))
            board.put(shown, begin + names + number * (1 + GAP), y, height=ratio)
        y += ratio + GAP
    return board.png()


def _liveliest(values: Array) -> Array:
    spread = values.reshape(-1, values.shape[-1]).std(0)
    return np.sort(np.argsort(-spread, kind="stable")[:_MOST_CHANNELS])


def _ending(name: str) -> str:
    return name if len(name) <= 20 else "…" + name[-19:]


def heat(title: str, pictures: Array, maps: Array, labels: Sequence[str]) -> bytes:
    """Pictures with what they are, and below each the same with a map of 0 … 1 laid over it."""
    shown, ratio = scaled(pictures, each=True), pictures.shape[1] / pictures.shape[2]
    lines = max((label.count("\n") + 1 for label in labels), default=0)
    side = 1.3
    top = lines * 0.17 / side
    board = Board(title, len(pictures) * (1 + GAP) - GAP, top + 2 * ratio + GAP + 0.32, side)
    for number, picture in enumerate(shown):
        x = number * (1 + GAP)
        board.write(labels[number], x + 0.5, top - 0.03, top=False)
        board.put(picture, x, top, height=ratio)
        grey = picture if picture.ndim == 2 else picture.mean(-1)
        lower = top + ratio + GAP
        board.put(0.65 * grey + 0.2, x, lower, height=ratio)
        over = np.dstack([coloured(maps[number], "inferno", 0, 1), 0.15 + 0.6 * maps[number]])
        board.put(over, x, lower, height=ratio, smooth=True)
    board.scale("inferno", "nothing", "most", len(pictures) * (1 + GAP) / 2 - 1, top + 2 * ratio + GAP + 0.13, 2)
    return board.png()


def attention(
    title: str, maps: Mapping[str, Array], names: Mapping[str, tuple[Sequence[str], Sequence[str]]] = NAMELESS
) -> bytes:
    """Maps (queries, places) by name, each row a distribution over the places: dark is 0, bright is the most.

    `names` are those of the queries and places of each map; without them, positions are counted.
    """
    number = len(maps)
    columns = min(number, 4)
    rows = math.ceil(number / columns)
    queries, places = next(iter(maps.values())).shape
    unit = min(max(0.26 * max(queries, places), 2.2), 6.0)
    wide, tall = unit * places / max(queries, places), unit * queries / max(queries, places)
    figure = new_figure(max(wide, 1.8) * columns + 1.6, max(tall, 1.3) * rows + 0.55 * rows + 0.7)
    figure.suptitle(title, fontsize=TITLE - 1, color=INK, fontweight="bold")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    image = None
    for axes, (name, scores) in zip(grid, maps.items(), strict=False):
        image = axes.imshow(scores, cmap="magma", vmin=0, vmax=max(float(scores.max()), 1e-6), interpolation="nearest")
        axes.set_title(name, fontsize=PLAIN - 0.5, color=INK)
        asking, seen = names.get(name, ((), ()))
        _ticks(axes.set_xticks, places, seen)
        _ticks(axes.set_yticks, queries, asking)
        axes.tick_params(colors=INK, labelsize=SMALL, length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("looked at", fontsize=SMALL, color=GREY)
        axes.set_ylabel("looking", fontsize=SMALL, color=GREY)
    for axes in grid[number:]:
        axes.set_axis_off()
    if image is not None:
        bar = figure.colorbar(image, ax=list(grid), fraction=0.03, pad=0.02)
        bar.set_ticks(list(image.get_clim()), labels=["0", "most"])
        bar.ax.tick_params(labelsize=SMALL, colors=GREY, length=0)
        bar.outline.set_visible(False)
    return png(figure)


def _ticks(place: Any, number: int, names: Sequence[str]) -> None:
    every = math.ceil(number / _MOST_TICKS)
    at = range(0, number, every)
    place(at, [names[n] if len(names) == number else str(n + 1) for n in at])
