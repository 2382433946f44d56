"""Charts of what generators and readers do: traversals, codes, alignments, outlines of what was segmented."""

import io
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from archgraph.training.data.base import Array

_INK, _GREY, _GREEN, _ORANGE = "#1f2937", "#6b7280", "#2f855a", "#d9652b"
_SMALL, _PLAIN, _TITLE = 8.5, 10, 12


def _figure(width: float, height: float, title: str) -> Figure:
    # A Figure of its own, not pyplot's: no global state, no display, no leak from run to run.
    figure = Figure(figsize=(width, height), dpi=130, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=_TITLE, color=_INK, fontweight="bold")
    return figure


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _bare(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def labelled_rows(title: str, labels: Sequence[str], pictures: Array, low: float, high: float) -> bytes:
    """Rows of pictures (rows · columns, …), each row joined, with its label before it."""
    columns = len(pictures) // len(labels)
    square = pictures.reshape(len(pictures), *_sides(pictures))
    shown = np.clip((square - low) / (high - low or 1), 0, 1)
    figure = _figure(0.62 * columns + 1.7, 0.66 * len(labels) + 0.5, title)
    grid = figure.subplots(len(labels), 1, squeeze=False)
    for number, (axes, label) in enumerate(zip(grid[:, 0], labels, strict=True)):
        apart = np.pad(
            shown[number * columns : (number + 1) * columns], ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=1
        )
        row = np.concatenate(list(apart), axis=1)
        axes.imshow(row.squeeze(-1) if row.shape[-1] == 1 else row, cmap="gray", vmin=0, vmax=1)
        _bare(axes)
        axes.set_ylabel(label, fontsize=_SMALL, color=_INK, rotation=0, ha="right", va="center")
    return _png(figure)


def _sides(pictures: Array) -> tuple[int, int, int]:
    if pictures.ndim == 4:
        return pictures.shape[1:]
    side = round(pictures[0].size ** 0.5)
    return side, side, 1


def scatter(
    title: str, axes_names: tuple[str, str], points: Array, classes: Array | None, names: Sequence[str]
) -> bytes:
    """Points of the plane, coloured by class where there are classes."""
    figure = _figure(6.4, 5.6, title)
    axes = figure.subplots()
    axes.set_xlabel(axes_names[0], fontsize=_PLAIN, color=_GREY)
    axes.set_ylabel(axes_names[1], fontsize=_PLAIN, color=_GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_GREY, labelsize=_SMALL)
    if classes is None:
        axes.scatter(points[:, 0], points[:, 1], s=9, color=_GREEN, alpha=0.7, linewidths=0)
    else:
        palette = colormaps["tab10" if len(names) <= 10 else "tab20"]
        for number, name in enumerate(names):
            chosen = points[classes == number]
            color = palette(number % palette.N)
            axes.scatter(chosen[:, 0], chosen[:, 1], s=9, color=color, alpha=0.75, linewidths=0, label=name)
        axes.legend(fontsize=_SMALL, frameon=False, markerscale=2, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _png(figure)


def alignments(title: str, maps: Sequence[tuple[Array, Sequence[str], Sequence[str]]]) -> bytes:
    """Where a reader looked: for each pair a map (written symbols, read symbols), dark where it looked most."""
    columns = min(3, len(maps))
    rows = -(-len(maps) // columns)
    figure = _figure(2.7 * columns + 0.3, 2.6 * rows + 0.5, title)
    places = figure.subplots(rows, columns, squeeze=False).flat
    for axes, drawn in itertools.zip_longest(places, maps):
        if drawn is None:
            axes.set_axis_off()
            continue
        values, written, read = drawn
        axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(read)), read)
        axes.set_yticks(range(len(written)), written)
        axes.tick_params(
            colors=_INK, labelsize=_SMALL, length=0, top=True, labeltop=True, bottom=False, labelbottom=False
        )
        axes.spines[:].set_color("#c4c9d1")
    return _png(figure)


def overlays(title: str, pictures: Array, truth: Array, guess: Array) -> bytes:
    """Pictures with the outline of what was to be marked (green) and of what was marked (orange).

    `truth` and `guess` are (count, height, width) of class numbers; every class but 0 is outlined.
    """
    count = len(pictures)
    columns = min(4, count)
    rows = -(-count // columns)
    figure = _figure(2.6 * columns, 2.65 * rows + 0.7, title)
    grid = figure.subplots(rows, columns, squeeze=False)
    for number, axes in enumerate(grid.flat):
        _bare(axes)
        if number >= count:
            continue
        picture = pictures[number]
        axes.imshow(picture.squeeze(-1) if picture.shape[-1] == 1 else picture, cmap="gray")
        for marked, color, style in ((truth, _GREEN, "solid"), (guess, _ORANGE, "dashed")):
            for one in range(1, int(max(truth[number].max(), guess[number].max())) + 1):
                inside = marked[number] == one
                if inside.any() and not inside.all():
                    axes.contour(inside, levels=[0.5], colors=color, linewidths=1.3, linestyles=style)
    figure.text(
        0.5, 0.0, "solid green: true    dashed orange: found", ha="center", va="bottom", fontsize=_PLAIN, color=_INK
    )
    return _png(figure)
