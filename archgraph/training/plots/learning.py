"""Learning curves: every measured quantity over the epochs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from archgraph.training.plots.paper import BLUE, GREEN, GREY, INK, ORANGE, PLAIN, SMALL, TITLE, new_figure, png, tidy


def curves(title: str, history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> bytes:
    """Every measured quantity over the epochs, training and validation in one panel, the best epoch marked."""
    names = _panels(history)
    columns = min(len(names), 3)
    rows = math.ceil(len(names) / columns)
    figure = new_figure(5.0 * columns + 0.4, 3.5 * rows + 0.5)
    figure.suptitle(title, fontsize=TITLE, color=INK, fontweight="bold")
    epochs = [row["epoch"] for row in history]
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        _panel(axes, name, epochs, history, best_epoch)
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    return png(figure)


def _panels(history: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = dict.fromkeys(key for row in history for key in row)
    names = [key for key in keys if key not in ("epoch", "seconds", "learning_rate") and not key.startswith("val_")]
    rates = {row.get("learning_rate") for row in history}
    return [*names, "learning_rate"] if len(rates) > 1 else names


def _panel(axes: Any, name: str, epochs: Sequence[int], history: Sequence[Mapping[str, Any]], best: int | None) -> None:
    tidy(axes)
    axes.set_title(legible(name), fontsize=PLAIN + 1, color=INK, loc="left")
    axes.set_xlabel("epoch", fontsize=PLAIN, color=GREY)
    marker = "o" if len(epochs) <= 25 else None
    drawn = []
    for key, label, color in ((name, "training", BLUE), (f"val_{name}", "validation", ORANGE)):
        values = [_number(row.get(key)) for row in history]
        if any(math.isfinite(value) for value in values):
            axes.plot(epochs, values, color=color, label=label, linewidth=1.8, marker=marker, markersize=3.5)
            drawn += [value for value in values if math.isfinite(value)]
    if best is not None and name != "learning_rate":
        axes.axvline(best, color=GREEN, linestyle=(0, (4, 3)), linewidth=1.2, label=f"best epoch: {best}")
    if drawn and min(drawn) > 0 and max(drawn) / min(drawn) > 100:
        axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(x=0.02)
    if name != "learning_rate" and axes.get_lines():
        axes.legend(fontsize=SMALL, frameon=False, labelcolor=INK)


def legible(name: str) -> str:
    """A quantity's name as people write it."""
    words = name.removeprefix("val_").replace("io_u", "IoU").replace("_", " ")
    return f"validation {words}" if name.startswith("val_") else words


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
