"""Learning rates: how a schedule goes, and what a range test has found."""

import math
from collections.abc import Mapping, Sequence

from archgraph.training.plots.paper import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LINES,
    ORANGE,
    PLAIN,
    SMALL,
    TITLE,
    new_figure,
    png,
    tidy,
)

Line = tuple[Sequence[float], Sequence[float]]
"""Where, and what."""


def schedules(title: str, lines: Mapping[str, Line], reached: float, momenta: Line | None = None) -> bytes:
    """Rates over epochs, a line for each name, how far training has come, and a momentum that changes with the rate."""
    figure = new_figure(7.0, 3.6)
    axes = figure.subplots()
    tidy(axes)
    axes.set_title(f"{title}: learning rate", fontsize=TITLE - 1, color=INK, loc="left")
    axes.set_xlabel("epoch", fontsize=PLAIN, color=GREY)
    every: list[float] = []
    for color, (name, (epochs, rates)) in zip(LINES, lines.items(), strict=False):
        axes.plot(epochs, rates, color=color, linewidth=1.8, label=name)
        every += rates
    last = max(epochs[-1] for epochs, _ in lines.values())
    if reached < last:
        axes.axvline(reached, color=GREY, linestyle=(0, (4, 3)), linewidth=1.2, label="end of training")
    above = [rate for rate in every if rate > 0]
    if above and len(above) == len(every) and max(above) / min(above) > 100:
        axes.set_yscale("log")
    axes.margins(x=0.02)
    if momenta is not None:
        beside = axes.twinx()
        beside.plot(*momenta, color=GREEN, linewidth=1.4, linestyle=(0, (2, 1)))
        beside.set_ylabel("momentum (dashed)", fontsize=PLAIN, color=GREEN)
        beside.tick_params(labelsize=SMALL, colors=GREY)
        beside.spines[["top", "left"]].set_visible(False)
    if len(axes.get_lines()) > 1:
        axes.legend(fontsize=SMALL, frameon=False, labelcolor=INK)
    return png(figure)


def range_test(
    title: str, rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], marks: Mapping[str, float]
) -> bytes:
    """The loss over a rate that grows from batch to batch, and the rates that are worth a mark."""
    figure = new_figure(7.0, 4.2)
    axes = figure.subplots()
    tidy(axes)
    axes.set_title(title, fontsize=TITLE - 1, color=INK, loc="left")
    axes.plot(rates, losses, color=BLUE, alpha=0.3, linewidth=1.0, label="loss of each batch")
    axes.plot(rates, smoothed, color=BLUE, linewidth=2.0, label="smoothed")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate", fontsize=PLAIN, color=GREY)
    axes.set_ylabel("loss", fontsize=PLAIN, color=GREY)
    for color, (name, rate) in zip((GREEN, ORANGE, GREY), marks.items(), strict=False):
        axes.axvline(rate, color=color, linestyle=(0, (4, 3)), linewidth=1.4, label=f"{name}: {rate:.2g}")
    shown = [loss for loss in smoothed if math.isfinite(loss)]
    low, high = min(shown), max(shown[: max(1, len(shown) // 2)])
    margin = 0.25 * (high - low) or 0.1 * abs(high) or 1.0
    axes.set_ylim(low - margin, high + 2 * margin)  # where it diverges, it would hide all else
    axes.legend(fontsize=SMALL, frameon=False, labelcolor=INK)
    return png(figure)
