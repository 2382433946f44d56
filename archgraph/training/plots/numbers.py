"""Predicted numbers beside true ones."""

from archgraph.training.data.base import Array
from archgraph.training.plots.paper import BLUE, GREY, INK, PLAIN, SMALL, TITLE, new_figure, png, tidy


def predictions(title: str, truth: Array, guess: Array) -> bytes:
    """Predicted over true numbers, with the line on which they are equal."""
    figure = new_figure(5.2, 5.0)
    axes = figure.subplots()
    tidy(axes)
    truth, guess = truth.ravel(), guess.ravel()
    low, high = float(min(truth.min(), guess.min())), float(max(truth.max(), guess.max()))
    margin = 0.04 * (high - low) or 1.0
    line = (low - margin, high + margin)
    axes.plot(line, line, color=GREY, linestyle=(0, (4, 3)), linewidth=1.1, label="predicted = true")
    axes.scatter(truth, guess, s=14, color=BLUE, alpha=0.65, linewidths=0, label=f"{len(truth):,} test values")
    axes.set_xlim(line)
    axes.set_ylim(line)
    axes.set_aspect("equal")
    axes.set_title(title, fontsize=TITLE - 1, color=INK, loc="left")
    axes.set_xlabel("true", fontsize=PLAIN, color=GREY)
    axes.set_ylabel("predicted", fontsize=PLAIN, color=GREY)
    axes.legend(fontsize=SMALL, frameon=False, labelcolor=INK)
    return png(figure)
