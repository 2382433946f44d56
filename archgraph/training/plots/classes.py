"""Confusion matrices."""

from collections.abc import Sequence

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.plots.paper import GREY, INK, PLAIN, SMALL, TITLE, new_figure, png

_NUMBERED_UP_TO = 20
"""Classes of a confusion matrix whose cells still have room for a number."""


def confusion(truth: Array, guess: Array, classes: int) -> Array:
    """Counts (classes, classes): row is the true class, column the predicted one."""
    return np.bincount(truth * classes + guess, minlength=classes**2).reshape(classes, classes)


def confusion_matrix(title: str, counts: Array, classes: Sequence[str]) -> bytes:
    """A confusion matrix: shade is the share of the true class, the numbers are samples."""
    number = len(classes)
    side = min(max(0.52 * number, 3.2), 14) + 1.8
    figure = new_figure(side + 1.0, side)
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    axes.set_title(f"{title}\naccuracy {accuracy:.1%} of {counts.sum():,}", fontsize=TITLE - 1, color=INK, pad=12)
    axes.set_xlabel("predicted", fontsize=PLAIN, color=GREY)
    axes.set_ylabel("true", fontsize=PLAIN, color=GREY)
    size = min(SMALL, max(3.0, 0.6 * 72 * (side - 1.8) / number))  # points that fit into a cell
    turned = 45 if max(map(len, classes), default=0) > 3 else 0
    ends = "right" if turned else "center"
    names = ["␣" if name == " " else name if name.isprintable() else repr(name)[1:-1] for name in classes]
    axes.set_xticks(range(number), names, rotation=turned, ha=ends, rotation_mode="anchor" if turned else "default")
    axes.set_yticks(range(number), names)
    axes.tick_params(colors=INK, labelsize=size, length=0)
    if number <= _NUMBERED_UP_TO:
        for row, column in zip(*np.nonzero(counts), strict=True):
            color = "white" if shares[row, column] > 0.55 else INK
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=size, color=color)
    axes.set_xticks(np.arange(number + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(number + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, fraction=0.045, pad=0.03)
    bar.ax.tick_params(labelsize=SMALL, colors=GREY, length=0)
    bar.outline.set_visible(False)
    bar.set_label("share of the true class", fontsize=SMALL, color=GREY)
    return png(figure)
