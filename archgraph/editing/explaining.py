"""A node -> what it does, in words and in sums: the arithmetic behind its shape, its weights, how far it sees."""

import re
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

from archgraph.analysis.receptive import main_field, node_fields
from archgraph.analysis.shaped import Item, Leaf, ShapedGraph
from archgraph.editing.survey import Seen
from archgraph.shapes import Dim, Tensor
from archgraph.vocabulary.base import Window

MOST_WALKED = 20_000
"""Primitives of a graph up to which receptive fields are reckoned."""
_FORMULA = re.compile(r"[^=<>!]=[^=]")


class Explanation(NamedTuple):
    """What is told of one node."""

    summary: str
    doc: str
    formula: str
    paper: str
    arithmetic: tuple[str, ...]
    receptive: str
    weights: tuple[tuple[str, tuple[Any, ...], bool], ...]
    """Name, shape and whether training changes it."""


def explained(seen: Seen | None, doc: str, source: str) -> Explanation:
    """A node with the documentation of what it is."""
    summary, _, rest = doc.partition("\n")
    formula = "\n".join(line.strip() for line in rest.splitlines() if _FORMULA.search(line))
    items = seen.items if seen is not None else ()
    return Explanation(
        summary, " ".join(rest.split()), formula, source, tuple(arithmetic(items)), "", tuple(_weights(items)),
    )  # fmt: skip


def arithmetic(items: Sequence[Item]) -> Iterator[str]:
    """How the sizes and the number of weights of a node come about."""
    for item in items:
        if isinstance(item, Leaf):
            yield from _sizes(item)
            yield from _counts(item)
        elif len(item.copies) > 1:
            before, after = _shape(item.copies[0].inputs[0]), _shape(item.outputs[0])
            yield f"{len(item.copies)} copies in a chain: {before} → {after}"
            each = ", ".join(dict.fromkeys(f"{copy.parameters:,}" for copy in item.copies))
            if item.parameters:
                yield f"weights of a copy: {each}; together {item.parameters:,}"


def _sizes(leaf: Leaf) -> Iterator[str]:
    inputs = [tensor for tensor in leaf.inputs if tensor is not None]
    windows = leaf.primitive.window(*leaf.inputs)
    if not inputs or isinstance(windows, str) or not leaf.outputs:
        return
    told = list(zip(inputs[0].shape, leaf.outputs[0].shape, windows, strict=False))
    for before, after, window in dict.fromkeys(told):
        sum_ = _window_sum(before, after, window)
        if sum_:
            yield sum_


def _window_sum(before: Dim, after: Dim, window: Window) -> str:
    """The formula that gives the size behind a window, tried before it is told."""
    extent, stride = window.extent, window.stride
    if not all(isinstance(one, int) for one in (before, after, extent, stride)) or (extent, stride) == (1, 1):
        return ""
    assert isinstance(before, int) and isinstance(extent, int) and isinstance(stride, int)
    if (before - extent) // stride + 1 == after:
        return f"⌊({before} − {extent}) / {stride}⌋ + 1 = {after}"
    if -(-before // stride) == after:
        return f"⌈{before} / {stride}⌉ = {after}  (window of {extent}, padded)"
    return ""


def _counts(leaf: Leaf) -> Iterator[str]:
    if leaf.owner:
        yield f"weights of {leaf.owner}, applied again"
    elif leaf.weights:
        parts = [f"{'×'.join(map(str, one.shape)) or '1'} ({one.name})" for one in leaf.weights]
        total = sum(prod(size for size in one.shape if isinstance(size, int)) for one in leaf.weights)
        yield f"{' + '.join(parts)} = {total:,} weights"


def _weights(items: Sequence[Item]) -> Iterator[tuple[str, tuple[Any, ...], bool]]:
    for item in items:
        if isinstance(item, Leaf):
            for one in item.weights:
                prefix = item.name.partition("/")[2]
                yield f"{prefix}.{one.name}" if prefix else one.name, one.shape, one.trainable


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "one number"


def receptive_field(shaped: ShapedGraph, path: str) -> str:
    """How much of the input an element at `path` sees: of the last primitive there, in its first copy."""
    if shaped.count > MOST_WALKED:
        return ""
    told, found = "", False
    for node, seen in zip(shaped.walk(), node_fields(shaped), strict=False):
        steps = [step for step in node.path.split("/") if not step.isdecimal()]
        if "/".join(steps) == path or "/".join(steps).startswith(f"{path}/"):
            extents = main_field(seen)
            told = "×".join(map(str, extents)) if extents else told
            found = True
        elif found:  # what follows is behind it, or in the next copy of the block around it
            break
    return told
