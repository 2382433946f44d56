"""The catalogue as the canvas reads it: with colours of the families."""

import functools
from typing import Any

from archgraph.drawing.palette import BLOCK, FAMILIES, TERMINAL
from archgraph.editing.catalogue import catalogue


@functools.cache
def catalogue_message() -> dict[str, Any]:
    """Everything that can be put into a graph, for palette, search and forms. Sent once."""
    shades = {**{family.value: shade for family, shade in FAMILIES.items()}, "block": BLOCK, "terminal": TERMINAL}
    return {**catalogue(), "colours": {name: {"dark": one.dark, "light": one.light} for name, one in shades.items()}}
