"""Learning curves of several runs, one over the other."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from archgraph.training.plots.learning import legible
from archgraph.training.plots.paper import GREY, INK, LINES, PLAIN, SMALL, TITLE, new_figure, png, tidy

_DASHES: Any = ("solid", (0, (5, 2)), (0, (1.5, 1.5)))
MOST_RUNS = len(LINES) * len(_DASHES)
"""Runs that can still be told apart."""


def compared(title: str, runs: Mapping[str, Sequence[Mapping[str, Any]]], quantities: Sequence[str]) -> bytes:
    """A panel for each quantity, a line for each run, by its name."""
    columns = min(len(quantities), 3)
    rows = math.ceil(len(quantities) / columns)
    lines = math.ceil(len(runs) / 2)
    figure = new_figure(max(5.0 * columns + 0.4, 6.5), 3.6 * rows + 0.6 + 0.24 * lines)
    figure.suptitle(title, fontsize=TITLE, color=INK, fontweight="bold")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    drawn: dict[str, Any] = {}
    for axes, quantity in zip(grid, quantities, strict=False):
        tidy(axes)
        axes.set_title(legible(quantity), fontsize=PLAIN + 1, color=INK, loc="left")
        axes.set_xlabel("epoch", fontsize=PLAIN, color=GREY)
        values: list[float] = []
        for number, (name, history) in enumerate(runs.items()):
            points = [(row["epoch"], row[quantity]) for row in history if isinstance(row.get(quantity), int | float)]
            if not points:
                continue
            style = {"color": LINES[number % len(LINES)], "linestyle": _DASHES[number // len(LINES) % len(_DASHES)]}
            marker = "o" if len(points) <= 2 else None
            (line,) = axes.plot(*zip(*points, strict=True), linewidth=1.7, marker=marker, markersize=4, **style)
            drawn.setdefault(name, line)
            values += [value for _, value in points]
        if values and min(values) > 0 and max(values) / min(values) > 100:
            axes.set_yscale("log")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(x=0.02)
    for axes in grid[len(quantities) :]:
        axes.set_axis_off()
    if drawn:
        figure.legend(
            list(drawn.values()), list(drawn), loc="outside lower center", ncols=1 if len(drawn) == 1 else 2,
            fontsize=SMALL, frameon=False, labelcolor=INK,
        )  # fmt: skip
    return png(figure)


def usual(histories: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
    """What is worth comparing: losses and metrics, of validation where there is any."""
    keys = dict.fromkeys(key for history in histories for row in history[:1] for key in row)
    plain = [key for key in keys if key not in ("epoch", "seconds") and not key.endswith("learning_rate")]
    held = [key for key in plain if key.startswith("val_")]
    own = [key for key in plain if not key.startswith("val_") and f"val_{key}" not in held]
    return [*(["loss"] if "loss" in plain and "loss" not in own else []), *own, *held][:6]
