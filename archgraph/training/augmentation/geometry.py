"""Changes of where things are in a picture, as matrices: several in a row cost no more than one."""

import abc
from typing import Any, ClassVar

import numpy as np

from archgraph.kinds import AnyOf, Choice, Integer, ListOf, Number
from archgraph.record import param, record
from archgraph.training.augmentation.base import Augmentation, augmentation
from archgraph.training.augmentation.draws import Draws
from archgraph.training.data.base import Array


@record
class Geometric(Augmentation, abc.ABC):
    """A change of where things are. Targets that are pictures of the same size move with the input."""

    needs_picture = True
    numbers: ClassVar[int]
    """Random numbers that one sample needs."""

    fill: str = param(
        Choice("nearest", "reflect", "wrap", "constant"),
        "What comes in over the edge: the edge's own pixels, the picture mirrored, its other side, or one value.",
        default="nearest",
    )
    fill_value: float = param(Number(), "With fill constant: that value.", default=0.0)

    @abc.abstractmethod
    def matrices(self, drawn: Array, height: int, width: int) -> Array:
        """(samples, 3, 3): where in the old picture each (column, row, 1) of the new one comes from."""

    def drawn_matrices(self, draws: Draws, height: int, width: int) -> Array:
        """The matrices of some samples; the identity for those that the change leaves out."""
        drawn = draws.uniform(self.numbers + 1)
        chosen = drawn[:, -1] < self.share
        return np.where(chosen[:, None, None], self.matrices(drawn, height, width), np.eye(3))


def _matrices(a: Any, b: Any, x: Any, c: Any, d: Any, y: Any, count: int) -> Array:
    """Rows (a b x), (c d y), (0 0 1) for each sample."""
    made = np.zeros((count, 3, 3))
    for place, value in {(0, 0): a, (0, 1): b, (0, 2): x, (1, 0): c, (1, 1): d, (1, 2): y, (2, 2): 1}.items():
        made[:, place[0], place[1]] = value
    return made


def _about_the_middle(a: Any, b: Any, c: Any, d: Any, height: int, width: int, count: int) -> Array:
    """The linear map (a b), (c d) with the picture's middle in its place."""
    x, y = (width - 1) / 2, (height - 1) / 2
    return _matrices(a, b, x - a * x - b * y, c, d, y - c * x - d * y, count)


def _between(drawn: Array, low: float, high: float) -> Array:
    return low + drawn * (high - low)


@augmentation
class Flip(Geometric):
    """Mirror half of the pictures: left becomes right (horizontal), or top becomes bottom (vertical)."""

    name = "flip"
    numbers = 2

    axis: str = param(
        Choice("horizontal", "vertical", "both"), "What is swapped: left and right, top and bottom, or each at random.",
        default="horizontal",
    )  # fmt: skip

    def matrices(self, drawn: Array, height: int, width: int) -> Array:
        # With share 1, half of the pictures: a flip of all would be no augmentation.
        across = np.where((drawn[:, 0] < 0.5) & (self.axis != "vertical"), -1.0, 1.0)
        down = np.where((drawn[:, 1] < 0.5) & (self.axis != "horizontal"), -1.0, 1.0)
        return _about_the_middle(across, 0.0, 0.0, down, height, width, len(drawn))

    def turns(self) -> dict[str, str]:
        across = {"mirrored": "swapping left and right"}
        down = {"upside_down": "swapping top and bottom"}
        both = {**across, **down, "half_turn": "swapping both left and right, top and bottom"}
        return {"horizontal": across, "vertical": down, "both": both}[self.axis]


@augmentation
class Crop(Geometric):
    """Cut a part of the old size out of the picture with a margin around it, at a random place (He et al. 2016).

    With a padding of 4, pictures move by up to 4 whole pixels in each direction.
    """

    name = "crop"
    numbers = 2

    padding: Any = param(
        AnyOf(Integer(1, 4096), ListOf(Integer(0, 4096), shortest=2, longest=2)),
        "Width of the margin: one number, or one for the rows and one for the columns.",
        default=4,
        unit="pixels",
    )

    def matrices(self, drawn: Array, height: int, width: int) -> Array:
        rows, columns = (self.padding,) * 2 if isinstance(self.padding, int) else self.padding
        x = np.floor(drawn[:, 0] * (2 * columns + 1)) - columns
        y = np.floor(drawn[:, 1] * (2 * rows + 1)) - rows
        return _matrices(1.0, 0.0, x, 0.0, 1.0, y, len(drawn))


@augmentation
class Rotate(Geometric):
    """Turn pictures about their middle by a random angle."""

    name = "rotate"
    numbers = 1

    degrees: float = param(Number(above=0, maximum=180), "Largest angle, either way.", unit="degrees")

    def matrices(self, drawn: Array, height: int, width: int) -> Array:
        angle = np.radians(_between(drawn[:, 0], -self.degrees, self.degrees))
        cosine, sine = np.cos(angle), np.sin(angle)
        return _about_the_middle(cosine, -sine, sine, cosine, height, width, len(drawn))

    def turns(self) -> dict[str, str]:
        words = f"rotating by up to {self.degrees:g} degrees"
        found = {"quarter_turn": words} if self.degrees >= 45 else {}
        return {**found, "half_turn": words} if self.degrees > 90 else found


SHARES = AnyOf(Number(0, 1), ListOf(Number(0, 1), shortest=2, longest=2))


@augmentation
class Shift(Geometric):
    """Move pictures by a random share of their size."""

    name = "shift"
    numbers = 2

    by: Any = param(SHARES, "Largest share: one number, or one of the height and one of the width.", default=0.1)

    def matrices(self, drawn: Array, height: int, width: int) -> Array:
        down, across = self.by if isinstance(self.by, tuple) else (self.by, self.by)
        x = _between(drawn[:, 0], -across, across) * width
        y = _between(drawn[:, 1], -down, down) * height
        return _matrices(1.0, 0.0, x, 0.0, 1.0, y, len(drawn))


@augmentation
class Zoom(Geometric):
    """Make pictures larger or smaller about their middle; their size in pixels stays the same."""

    name = "zoom"
    numbers = 1

    by: Any = param(
        AnyOf(Number(above=0, below=1), ListOf(Number(above=0, maximum=100), shortest=2, longest=2)),
        "Largest change (0.1: from 0.9 to 1.1 times the size), or the smallest and the largest factor.",
        default=0.1,
    )

    def matrices(self, drawn: Array, height: int, width: int) -> Array:
        low, high = self.by if isinstance(self.by, tuple) else (1 - self.by, 1 + self.by)
        scale = 1 / _between(drawn[:, 0], low, high)
        return _about_the_middle(scale, 0.0, 0.0, scale, height, width, len(drawn))
