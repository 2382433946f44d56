"""Figures of a run: learning curves, confusion matrix, samples. Each a function from numbers to PNG bytes."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from archgraph.training.data.base import Array

_BLUE, _ORANGE, _GREY, _GREEN = "#2563a8", "#d9652b", "#6b7280", "#2f855a"
_INK = "#1f2937"
_SMALL, _PLAIN, _TITLE = 8.5, 10, 13
_NUMBERED_UP_TO = 20
"""Classes of a confusion matrix whose cells still have room for a number."""


def _figure(width: float, height: float) -> Figure:
    # A Figure of its own, not pyplot's: no global state, no display, no leak from run to run.
    figure = Figure(figsize=(width, height), dpi=130, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _tidy(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#c4c9d1")
    axes.tick_params(colors=_GREY, labelsize=_SMALL)
    axes.grid(True, axis="y", color="#e7e9ee", linewidth=0.8)
    axes.set_axisbelow(True)


# ---- learning curves


def curves(title: str, history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> bytes:
    """Every measured quantity over the epochs, training and validation in one panel, the best epoch marked."""
    names = _panels(history)
    columns = min(len(names), 3)
    rows = math.ceil(len(names) / columns)
    figure = _figure(5.0 * columns + 0.4, 3.5 * rows + 0.5)
    figure.suptitle(title, fontsize=_TITLE, color=_INK, fontweight="bold")
    epochs = [row["epoch"] for row in history]
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        _panel(axes, name, epochs, history, best_epoch)
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    return _png(figure)


def _panels(history: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = dict.fromkeys(key for row in history for key in row)
    names = [key for key in keys if key not in ("epoch", "seconds", "learning_rate") and not key.startswith("val_")]
    rates = {row.get("learning_rate") for row in history}
    return [*names, "learning_rate"] if len(rates) > 1 else names


def _panel(axes: Any, name: str, epochs: Sequence[int], history: Sequence[Mapping[str, Any]], best: int | None) -> None:
    _tidy(axes)
    words = name.replace("io_u", "IoU").replace("_", " ")
    axes.set_title(words, fontsize=_PLAIN + 1, color=_INK, loc="left")
    axes.set_xlabel("epoch", fontsize=_PLAIN, color=_GREY)
    marker = "o" if len(epochs) <= 25 else None
    drawn = []
    for key, label, color in ((name, "training", _BLUE), (f"val_{name}", "validation", _ORANGE)):
        values = [_number(row.get(key)) for row in history]
        if any(math.isfinite(value) for value in values):
            axes.plot(epochs, values, color=color, label=label, linewidth=1.8, marker=marker, markersize=3.5)
            drawn += [value for value in values if math.isfinite(value)]
    if best is not None and name != "learning_rate":
        axes.axvline(best, color=_GREEN, linestyle=(0, (4, 3)), linewidth=1.2, label=f"best epoch: {best}")
    if drawn and min(drawn) > 0 and max(drawn) / min(drawn) > 100:
        axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(x=0.02)
    if name != "learning_rate" and axes.get_lines():
        axes.legend(fontsize=_SMALL, frameon=False, labelcolor=_INK)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


# ---- classes


def confusion(truth: Array, guess: Array, classes: int) -> Array:
    """Counts (classes, classes): row is the true class, column the predicted one."""
    return np.bincount(truth * classes + guess, minlength=classes**2).reshape(classes, classes)


def confusion_matrix(title: str, counts: Array, classes: Sequence[str]) -> bytes:
    """A confusion matrix: shade is the share of the true class, the numbers are samples."""
    number = len(classes)
    side = min(max(0.52 * number, 3.2), 14) + 1.8
    figure = _figure(side + 1.0, side)
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    axes.set_title(f"{title}\naccuracy {accuracy:.1%} of {counts.sum():,}", fontsize=_TITLE - 1, color=_INK, pad=12)
    axes.set_xlabel("predicted", fontsize=_PLAIN, color=_GREY)
    axes.set_ylabel("true", fontsize=_PLAIN, color=_GREY)
    size = min(_SMALL, max(3.0, 0.6 * 72 * (side - 1.8) / number))  # points that fit into a cell
    turned = 45 if max(map(len, classes), default=0) > 3 else 0
    ends = "right" if turned else "center"
    names = ["␣" if name == " " else name if name.isprintable() else repr(name)[1:-1] for name in classes]
    axes.set_xticks(range(number), names, rotation=turned, ha=ends, rotation_mode="anchor" if turned else "default")
    axes.set_yticks(range(number), names)
    axes.tick_params(colors=_INK, labelsize=size, length=0)
    if number <= _NUMBERED_UP_TO:
        for row, column in zip(*np.nonzero(counts), strict=True):
            color = "white" if shares[row, column] > 0.55 else _INK
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=size, color=color)
    axes.set_xticks(np.arange(number + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(number + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, fraction=0.045, pad=0.03)
    bar.ax.tick_params(labelsize=_SMALL, colors=_GREY, length=0)
    bar.outline.set_visible(False)
    bar.set_label("share of the true class", fontsize=_SMALL, color=_GREY)
    return _png(figure)


# ---- numbers


def predictions(title: str, truth: Array, guess: Array) -> bytes:
    """Predicted over true numbers, with the line on which they are equal."""
    figure = _figure(5.2, 5.0)
    axes = figure.subplots()
    _tidy(axes)
    truth, guess = truth.ravel(), guess.ravel()
    low, high = float(min(truth.min(), guess.min())), float(max(truth.max(), guess.max()))
    margin = 0.04 * (high - low) or 1.0
    line = (low - margin, high + margin)
    axes.plot(line, line, color=_GREY, linestyle=(0, (4, 3)), linewidth=1.1, label="predicted = true")
    axes.scatter(truth, guess, s=14, color=_BLUE, alpha=0.65, linewidths=0, label=f"{len(truth):,} test values")
    axes.set_xlim(line)
    axes.set_ylim(line)
    axes.set_aspect("equal")
    axes.set_title(title, fontsize=_TITLE - 1, color=_INK, loc="left")
    axes.set_xlabel("true", fontsize=_PLAIN, color=_GREY)
    axes.set_ylabel("predicted", fontsize=_PLAIN, color=_GREY)
    axes.legend(fontsize=_SMALL, frameon=False, labelcolor=_INK)
    return _png(figure)


# ---- pictures


def is_picture(shape: Sequence[int]) -> bool:
    """Whether samples of this shape can be shown: (height, width, 1 or 3)."""
    return len(shape) == 3 and shape[-1] in (1, 3) and min(shape[:2]) >= 4


def samples(title: str, rows: Mapping[str, Array]) -> bytes:
    """A grid with a labelled row of pictures for each entry; every row has its own range of grey."""
    count = min(len(pictures) for pictures in rows.values())
    figure = _figure(1.15 * count + 1.1, 1.2 * len(rows) + 0.6)
    figure.suptitle(title, fontsize=_TITLE - 1, color=_INK, fontweight="bold")
    grid = figure.subplots(len(rows), count, squeeze=False)
    for line, (name, pictures) in zip(grid, rows.items(), strict=True):
        values = np.asarray(pictures[:count], np.float64)
        low, high = float(values.min()), float(values.max())
        shown = np.clip((values - low) / (high - low or 1), 0, 1)
        for axes, picture in zip(line, shown, strict=True):
            axes.imshow(picture.squeeze(-1) if picture.shape[-1] == 1 else picture, cmap="gray", vmin=0, vmax=1)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_color("#c4c9d1")
        line[0].set_ylabel(name, fontsize=_PLAIN, color=_INK, rotation=0, ha="right", va="center", labelpad=8)
    return _png(figure)
