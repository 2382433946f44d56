"""The paper that all figures are drawn on: size, colours, type, and how a figure becomes PNG bytes."""

import io
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREY, GREEN = "#2563a8", "#d9652b", "#6b7280", "#2f855a"
RED, PURPLE, TEAL, GOLD = "#b83246", "#7c4fa8", "#1f8a8a", "#b7860b"
LINES = (BLUE, ORANGE, GREEN, PURPLE, TEAL, RED, GOLD, GREY)
"""Colours of lines that are compared, in this order."""
INK, PALE, EDGE = "#1f2937", "#e7e9ee", "#c4c9d1"
SMALL, PLAIN, TITLE = 8.5, 10, 13
"""Sizes of type, in points."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches."""
    # A Figure of its own, not pyplot's: no global state, no display, no leak from run to run.
    figure = Figure(figsize=(width, height), dpi=130, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def tidy(axes: Any) -> None:
    """Axes with as little ink as will do."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(EDGE)
    axes.tick_params(colors=GREY, labelsize=SMALL)
    axes.grid(True, axis="y", color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)


def bare(axes: Any) -> None:
    """Axes of a picture: a thin frame and nothing else."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(EDGE)
