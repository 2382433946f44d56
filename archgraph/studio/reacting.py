"""Samples as numbers for a network, and what it makes of them as marks for the nodes of the canvas."""

from collections.abc import Mapping, Sequence
from math import isfinite
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


def row(typed: str, features: Sequence[str], categories: Mapping[str, Sequence[str]]) -> list[float]:
    """A row of a table as a network reads it, words as numbers. Raises `ValueError`, which says what is wrong."""
    cells = [cell.strip() for cell in typed.replace(";", ",").split(",")]
    if len(cells) != len(features):
        raise ValueError(f"{len(cells)} values were given, {len(features)} are needed")
    found: list[float] = []
    for name, cell in zip(features, cells, strict=True):
        if name in categories:
            if cell not in categories[name]:
                known = ", ".join(categories[name][:20])
                raise ValueError(f"{name} was never {cell!r} in the data; it was one of: {known}")
            found += [float(cell == one) for one in categories[name]]
        else:
            found.append(_number(name, cell))
    return found


def _number(name: str, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {cell[:40]!r}") from None
    if not isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {cell!r}")
    return number


def numbered(text: str, length: int, letters: tuple[str, ...]) -> list[int]:
    """The last characters of a text by their numbers; blanks stand before a short one."""
    blank = " " if " " in letters else letters[0]
    return [letters.index(one) for one in text.rjust(length, blank)[-length:]]
