"""How sure a classifier is against how often it is right, and the samples that it finds hardest."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.judging import Judged
from archgraph.training.plots.grids import tiles
from archgraph.training.plots.paper import BLUE, GREY, INK, ORANGE, PLAIN, SMALL, TITLE, new_figure, png, tidy

_WORST = 24


def calibration(title: str, bins: Sequence[Mapping[str, Any]], error: float, count: int) -> bytes:
    """A reliability diagram (Guo et al. 2017): accuracy over confidence, and below how many answers were how sure."""
    figure = new_figure(5.4, 6.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    for axes in (upper, lower):
        tidy(axes)
    middles = [(one["low"] + one["high"]) / 2 for one in bins]
    width = 0.92 * (bins[0]["high"] - bins[0]["low"]) if bins else 0.1
    heights = [one["accuracy"] for one in bins]
    upper.plot((0, 1), (0, 1), color=GREY, linestyle=(0, (4, 3)), linewidth=1.1, label="as sure as right")
    upper.bar(middles, heights, width, color=BLUE, label="share of right answers")
    sure = [one["confidence"] for one in bins]
    upper.vlines(middles, heights, sure, color=ORANGE, linewidth=2.2)
    upper.plot(middles, sure, "o", color=ORANGE, markersize=6, label="mean confidence")
    upper.set_xlim(0, 1)
    upper.set_ylim(0, 1)
    upper.set_title(
        f"{title}\ncalibration error {error:.1%} of {count:,} answers", fontsize=TITLE - 1, color=INK, pad=12
    )
    upper.set_ylabel("accuracy", fontsize=PLAIN, color=GREY)
    upper.legend(fontsize=SMALL, frameon=False, labelcolor=INK, loc="upper left")
    lower.bar(middles, [one["answers"] for one in bins], width, color=GREY)
    lower.set_xlabel("confidence", fontsize=PLAIN, color=GREY)
    lower.set_ylabel("answers", fontsize=PLAIN, color=GREY)
    return png(figure)


def worst_samples(title: str, pictures: Array, judged: Judged, names: Sequence[str]) -> bytes:
    """The pictures whose true class surprises the network most, each with that class, its answer and confidence."""
    surprise, guess, confidence = judged.surprise, judged.guess, judged.confidence
    hardest = np.argsort(-surprise, kind="stable")[: min(_WORST, len(surprise))]
    labels = [
        f"is {_short(names[judged.truth[n]])}, said {_short(names[guess[n]])}\n{confidence[n]:.0%} sure"
        if guess[n] != judged.truth[n]
        else f"{_short(names[guess[n]])}\nonly {confidence[n]:.0%} sure"
        for n in hardest
    ]
    wrong = int((~judged.right).sum())
    heading = f"{title}: the hardest of {len(surprise):,} test samples ({wrong:,} wrong)"
    return tiles(heading, pictures[hardest], labels, marked=[bool(guess[n] != judged.truth[n]) for n in hardest])


def _short(name: str) -> str:
    return name if len(name) <= 9 else name[:8] + "…"
