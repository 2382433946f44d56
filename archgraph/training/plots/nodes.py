"""Figures of nodes over the epochs: what is loud, what is dead, where gradients fade."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.plots.paper import GREY, INK, PLAIN, SMALL, TITLE, new_figure, png

_LABELLED = 48
"""Nodes whose names still have room; of more, some are named."""


def nodes_over_epochs(title: str, log: Mapping[str, Any]) -> bytes:
    """Spread of what nodes give, lost units, and gradients of weights: a row for each node, from the input down."""
    nodes, epochs = log["nodes"], log["epochs"]
    several = len({node["role"] for node in nodes}) > 1
    panels = [
        ("spread of what nodes give", "log10 of the standard deviation", "viridis", _logarithm("deviation")),
        ("lost units", "share that is dead or saturated", "Reds", _lost),
        ("gradient of the weights", "log10 of its length", "magma", _logarithm("weight_gradient")),
    ]
    shown = [(panel, [(node, row) for node in nodes if (row := panel[3](node)) is not None]) for panel in panels]
    shown = [(panel, rows) for panel, rows in shown if rows]
    longest = max((len(rows) for _, rows in shown), default=1)
    figure = new_figure(4.6 * max(len(shown), 1) + 0.6, min(max(0.23 * longest, 2.6), 13) + 1.5)
    figure.suptitle(f"{title}: nodes", fontsize=TITLE, color=INK, fontweight="bold")
    for axes, ((name, words, colours, _), rows) in zip(
        figure.subplots(1, max(len(shown), 1), squeeze=False)[0], shown, strict=False
    ):
        values = np.array([row for _, row in rows], float)
        limits = {"vmin": 0, "vmax": 1} if colours == "Reds" else {}
        image = axes.imshow(values, aspect="auto", cmap=colours, interpolation="nearest", **limits)
        axes.set_title(name, fontsize=PLAIN + 1, color=INK, loc="left")
        axes.set_xlabel("epoch", fontsize=PLAIN, color=GREY)
        _name_rows(axes, [_label(node, several) for node, _ in rows])
        _name_epochs(axes, epochs)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
        bar.ax.tick_params(labelsize=SMALL, colors=GREY, length=0)
        bar.outline.set_visible(False)
        bar.set_label(words, fontsize=SMALL, color=GREY)
    return png(figure)


def _label(node: Mapping[str, Any], several: bool) -> str:
    path = str(node["path"])
    name = f"{node['role']}: {path}" if several else path
    return name if len(name) <= 30 else "…" + name[-29:]


def _logarithm(figure: str) -> Callable[[Mapping[str, Any]], list[float] | None]:
    def row(node: Mapping[str, Any]) -> list[float] | None:
        values = node["figures"].get(figure, ())
        if not any(isinstance(value, int | float) and value > 0 for value in values):
            return None
        return [math.log10(value) if isinstance(value, int | float) and value > 0 else math.nan for value in values]

    return row


def _lost(node: Mapping[str, Any]) -> list[float] | None:
    dead, saturated = (node["figures"].get(name, ()) for name in ("dead", "saturated"))
    if all(value is None for value in dead):
        return None
    pairs = zip(dead, saturated, strict=True)
    return [max((value for value in pair if value is not None), default=math.nan) for pair in pairs]


def _name_rows(axes: Any, names: Sequence[str]) -> None:
    every = math.ceil(len(names) / _LABELLED)
    places = range(0, len(names), every)
    axes.set_yticks(places, [names[n] for n in places])
    axes.tick_params(axis="y", colors=INK, labelsize=SMALL - 1, length=0)


def _name_epochs(axes: Any, epochs: Sequence[int]) -> None:
    every = math.ceil(len(epochs) / 8)
    places: Array = np.arange(0, len(epochs), every)
    axes.set_xticks(places, [str(epochs[n]) for n in places])
    axes.tick_params(axis="x", colors=GREY, labelsize=SMALL, length=0)
