"""Colours of the families: dark enough to read on white, light enough to read on, apart from each other."""

from typing import Final, NamedTuple

from archgraph.vocabulary.base import Family


class Shade(NamedTuple):
    """A border and title colour, and the fill behind the text."""

    dark: str
    light: str


FAMILIES: Final[dict[Family, Shade]] = {
    Family.CONVOLUTION: Shade("#1d4ed8", "#e6edff"),
    Family.DENSE: Shade("#6d28d9", "#f0e8ff"),
    Family.SHAPE: Shade("#475569", "#eef1f5"),
    Family.POOLING: Shade("#b42318", "#feeceb"),
    Family.NORMALISATION: Shade("#0f766e", "#e0f6f3"),
    Family.ACTIVATION: Shade("#a14d06", "#fff2dc"),
    Family.REGULARISATION: Shade("#6b5b00", "#fbf6d3"),
    Family.MERGING: Shade("#15722f", "#e4f7e8"),
    Family.GATING: Shade("#4d6b00", "#f1f8dc"),
    Family.ATTENTION: Shade("#b01070", "#fde8f4"),
    Family.RECURRENT: Shade("#0369a1", "#e0f2fe"),
    Family.GRAPH: Shade("#8a3c10", "#fbeadf"),
    Family.GENERATIVE: Shade("#a21caf", "#fbe8fd"),
}
BLOCK: Final = Shade("#334155", "#ffffff")
"""A block that is drawn closed."""
TERMINAL: Final = Shade("#1f2937", "#e5e7eb")
"""Inputs and outputs of the network."""

INK: Final = "#1f2937"
"""Text."""
FAINT: Final = "#4b5563"
"""Text that is less important, and arrows."""
TIMES: Final = "#b42318"
"""How often a block is repeated."""
PAPER: Final = "#ffffff"
GROUPS: Final = ("#f6f8fa", "#eceff3")
"""Fills of clusters, by turns, so that one inside another can be seen."""
GROUP_BORDER: Final = "#aab4c0"


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, section 1.4.3)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
