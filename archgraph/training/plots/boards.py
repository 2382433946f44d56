"""Many small pictures on one pair of axes: drawn in a tenth of the time that axes for each would take."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from archgraph.training.data.base import Array
from archgraph.training.plots.paper import EDGE, GREY, INK, SMALL, TITLE, png

GAP = 0.08
"""Between pictures, as a share of a picture's side."""
_INCH_PER_LINE = 0.17


class Board:
    """A sheet that pictures are put on; x and y count picture sides from the upper left corner, y downwards."""

    def __init__(self, title: str, width: float, height: float, side: float, *, left: float = 0.1) -> None:
        """`width` and `height` in sides of `side` inches; `left` inches are kept for names of rows."""
        head, margin = 0.42, 0.1
        # A long title must fit: letters of a bold heading are about this wide.
        inches = max(width * side + left + margin, 0.115 * (TITLE - 1) / 12 * len(title) + 0.3, 3.6)
        tall = height * side + head + margin
        self.figure = Figure(figsize=(inches, tall), dpi=130, facecolor="white")
        FigureCanvasAgg(self.figure)
        self.figure.text(
            0.5, 1 - 0.24 / tall, title, ha="center", va="center", fontsize=TITLE - 1, color=INK, fontweight="bold"
        )
        spare = (inches - width * side - left - margin) / 2
        self.axes: Any = self.figure.add_axes(
            ((left + spare) / inches, margin / tall, width * side / inches, height * side / tall)
        )
        self.axes.set_axis_off()
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self.axes.set_autoscale_on(False)
        self.line = _INCH_PER_LINE / side
        """Height of a line of text, in sides."""

    def put(
        self, picture: Array, x: float, y: float, *, height: float = 1.0, edge: str = EDGE, smooth: bool = False
    ) -> None:
        """A picture of colours (height, width, 3 or 4) or greys (height, width), 0 … 1, one side wide."""
        self.axes.imshow(
            picture, cmap="gray", vmin=0, vmax=1, extent=(x, x + 1, y + height, y), aspect="auto",
            interpolation="bilinear" if smooth else "nearest",
        )  # fmt: skip
        wide = 1.4 if edge != EDGE else 0.7
        corners = [x, x + 1, x + 1, x, x], [y, y, y + height, y + height, y]
        self.axes.plot(*corners, color=edge, linewidth=wide, clip_on=False)

    def write(
        self, text: str, x: float, y: float, *, right: bool = False, top: bool = True, size: float = SMALL - 0.5
    ) -> None:
        """Text below a place, or (`right`) ending there, in the middle of its height."""
        across, down = ("right", "center") if right else ("center", "top" if top else "bottom")
        self.axes.text(x, y, text, ha=across, va=down, fontsize=size, color=INK, clip_on=False)

    def scale(self, colours: str, low: str, high: str, x: float, y: float, width: float) -> None:
        """What colours mean: a bar between the words for its ends."""
        bar = colormaps[colours](np.linspace(0, 1, 128))[None, :, :3]
        self.axes.imshow(bar, extent=(x, x + width, y + 0.12, y), aspect="auto")
        self.axes.text(x - 0.06, y + 0.06, low, ha="right", va="center", fontsize=SMALL - 0.5, color=GREY)
        self.axes.text(x + width + 0.06, y + 0.06, high, ha="left", va="center", fontsize=SMALL - 0.5, color=GREY)

    def png(self) -> bytes:
        """The file."""
        return png(self.figure)


def coloured(values: Array, colours: str, low: float, high: float) -> Array:
    """Numbers as colours (…, 3)."""
    shares = np.clip((np.asarray(values, np.float64) - low) / (high - low or 1), 0, 1)
    return np.asarray(colormaps[colours](shares)[..., :3])
