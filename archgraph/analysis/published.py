"""A published figure against a graph: what the graph has for it, and whether the two agree."""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from math import prod
from types import MappingProxyType
from typing import Final

from archgraph.analysis.shaped import FlatNode, Leaf, ShapedGraph, total
from archgraph.document.published import Figure, LayerRow, PublishedGraph
from archgraph.shapes import Dim

_SCALES: Final[Mapping[str, int]] = MappingProxyType(
    {"": 1, "K": 10**3, "M": 10**6, "million": 10**6, "G": 10**9, "billion": 10**9}
)

_PRINTED: Final = re.compile(r"(\d+)(?:\.(\d+))?(?:e(\d+))? ?(\w*)")


def under(path: str, pattern: str) -> bool:
    """Whether the primitive at `path` is what `pattern` names, or stands below it; ``maps?/c2`` names several."""
    wanted = pattern.split("/")
    steps = path.split("/")[: len(wanted)]
    return len(steps) == len(wanted) and all(map(fnmatchcase, steps, wanted))


def chosen(figure: Figure) -> Callable[[str], bool]:
    """Which paths a figure counts."""
    of, without = figure.form.of, figure.form.without
    return lambda path: (not of or under(path, of)) and not (without and under(path, without))


def measured(shaped: ShapedGraph, figure: Figure) -> Dim | None:
    """What the graph has for the quantity of a figure, without the second graph of a figure that names one."""
    if figure.quantity != "kernels" and not figure.form.of and not figure.form.without:
        return {"trainable": shaped.trainable, "parameters": shaped.parameters, "macs": shaped.macs}[figure.quantity]
    counts = chosen(figure)
    return total(_share(node, figure.quantity) for node in shaped.walk() if counts(node.path))


def _share(node: FlatNode, quantity: str) -> Dim:
    leaf = node.leaf
    if quantity == "macs":
        return leaf.macs
    if node.owner != node.path:
        return 0
    if quantity == "kernels":
        return sum(prod(map(int, weight.shape)) for weight in leaf.weights if len(weight.shape) > 1)
    return leaf.parameters if quantity == "parameters" else leaf.trainable


def other_layers(shaped: ShapedGraph, graph: PublishedGraph) -> list[LayerRow]:
    """The lines of a published table of layers that do not agree with the graph, or name no primitive of it."""
    wanted = {line.path for line in graph.layers}
    leaves = {node.path: node.leaf for node in shaped.walk() if node.path in wanted}
    return [line for line in graph.layers if not _as_stated(line, leaves.get(line.path), graph.form.layers_count)]


def _as_stated(line: LayerRow, leaf: Leaf | None, count: str) -> bool:
    if leaf is None:
        return False
    ours = (leaf.outputs[0].shape, leaf.trainable if count == "trainable" else leaf.parameters, leaf.macs)
    stated = (line.shape, line.parameters, line.macs)
    return all(one is None or one == other for one, other in zip(stated, ours, strict=True))


def agrees(figure: Figure, ours: Dim | None) -> bool:
    """Whether a number is the published one: exactly, or after the rounding of the print."""
    if not isinstance(ours, int):
        return False
    if isinstance(figure.value, int):
        return ours == figure.value
    return rounds_to(ours, figure.value, figure.form.rounded)


def rounds_to(number: int, printed: str, rounded: str = "nearest") -> bool:
    """Whether `number` is ``23.1M``, ``60 million`` or ``3.8e9`` to the digits printed. Halves round either way."""
    match = _PRINTED.fullmatch(printed)
    if match is None:
        return False
    digits, fraction, exponent, unit = match[1], match[2] or "", int(match[3] or 0), match[4]
    step = _SCALES[unit] * int("1" + "0" * exponent)
    shown, scale = int(digits + fraction), int("1" + "0" * len(fraction))
    low, value = 2 * shown * step, 2 * number * scale  # doubled, so that halves are whole: integers, exact at any size
    return low <= value < low + 2 * step if rounded == "down" else abs(value - low) <= step
