"""Samples as numbers for a network, and what it makes of them as marks for the nodes of the canvas."""

from collections.abc import Mapping
from typing import Any, Final

ACTIVATION: Final = "Activations"
GRADIENT: Final = "Gradients"
DEAD: Final = "Silent units"
QUANTITIES: Final[Mapping[str, str]] = {
    ACTIVATION: "How large the numbers are that leave each layer.",
    GRADIENT: "How much the answer would change if the numbers of a layer changed: what it looks at.",
    DEAD: "Units of a layer that say nothing, 0 everywhere, to your sample. Silent to every sample, they are dead.",
}
"""What can be shown at the nodes, each in a sentence."""


def marks(nodes: Mapping[str, Mapping[str, float]], quantity: str) -> dict[str, dict[str, Any]]:
    """What the canvas shows at each node of one quantity: text, a level from 0 to 1, a tone."""
    if quantity == DEAD:
        return {
            name: {"text": f"{one['dead']:.0f} of {one['units']:.0f} silent", "level": one["dead"] / one["units"],
                   "tone": "bad" if one["dead"] > 0.9 * one["units"] else "warning" if one["dead"] else "good"}
            for name, one in nodes.items()
        }  # fmt: skip
    key, word = ("gradient", "gradient") if quantity == GRADIENT else ("strength", "activation")
    strongest = max((one[key] for one in nodes.values()), default=1.0) or 1.0
    return {
        name: {"text": f"{word} {one[key]:.2g}", "level": one[key] / strongest,
               "tone": "warning" if one[key] == 0 else "good"}
        for name, one in nodes.items()
    }  # fmt: skip


def numbered(text: str, length: int, letters: tuple[str, ...]) -> list[int]:
    """The last characters of a text by their numbers; blanks stand before a short one."""
    blank = " " if " " in letters else letters[0]
    return [letters.index(one) for one in text.rjust(length, blank)[-length:]]
