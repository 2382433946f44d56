"""A network and a few samples -> pictures of what goes on inside: filters, feature maps, attention, Grad-CAM."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from archgraph.diagnostics import Rejected, nearest
from archgraph.training.data.base import Array
from archgraph.training.explaining.attention import Attention, attention_of, words
from archgraph.training.explaining.deciding import grad_cam, last_map
from archgraph.training.explaining.features import filters_of, kernels_of, maps_of
from archgraph.training.explaining.twin import Look, Twin
from archgraph.training.plots import insides
from archgraph.training.plots.grids import is_picture

_MOST_SAMPLES = 8
_MOST_MAPS = 8
_LONGEST = 400
"""Positions beyond which a map of attention could not be read."""


@dataclass(frozen=True)
class Samples:
    """A few samples as a network takes them, and what is known of them."""

    inputs: Mapping[str, Array]
    names: Sequence[str] = ()
    """A name for each sample."""
    truth: Mapping[str, Array] = field(default_factory=dict)
    """Targets by output, where they are known."""
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the classes of outputs, and of the numbers of inputs."""

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


def pictures_of(title: str, twin: Twin, samples: Samples, node: str = "") -> Iterator[tuple[str, bytes]]:
    """Name and PNG of every picture that makes sense; with `node`, of those that show this node.

    Raises:
        Rejected: there is no such node, or nothing of it can be shown (AG701).
    """
    if node and node not in twin.nodes:
        raise Rejected("AG701", f"there is no node {node!r}", hint=nearest(node, twin.nodes))
    look = twin.look(samples.inputs)
    found = [
        *_filters(title, twin, node),
        *_maps(title, twin, samples, look, node),
        *_attention(title, twin, samples, look, node),
        *_decided(title, twin, samples, look, node),
    ]
    if node and not found:
        op = twin.nodes[node].leaf.primitive.op
        raise Rejected("AG701", f"{node!r} ({op}) has no kernels, maps or attention to be shown", hint=_showable(twin))
    yield from found


def _showable(twin: Twin) -> str:
    try:
        return f"try {last_map(twin)}"
    except Rejected:
        return "leave out --node"


# ---- weights


def _filters(title: str, twin: Twin, node: str) -> Iterator[tuple[str, bytes]]:
    if node:
        kernels = kernels_of(twin, node)
        if kernels is not None:
            yield "filters", insides.filters(f"{title}: filters of {node}", kernels)
        return
    for number, found in enumerate(filters_of(twin)):
        if number == 0:  # further ones see the same input, and are shown on demand
            yield "filters", insides.filters(f"{title}: filters of {found.path}", found.kernels)


# ---- maps


def _maps(title: str, twin: Twin, samples: Samples, look: Look, node: str) -> Iterator[tuple[str, bytes]]:
    if node:
        given = look.values[node][0] if node in look.values else None
        maps = {node: np.asarray(given[0])} if given is not None and len(given.shape) == 4 else {}
        maps = {path: values for path, values in maps.items() if min(values.shape[:2]) > 1}
    else:
        maps = maps_of(twin, look)
    if maps:
        pictures = _picture(samples)
        picture = None if pictures is None else pictures[0]
        name = f" of {samples.names[0]}" if samples.names else ""
        yield "feature_maps", insides.feature_maps(f"{title}: feature maps{name}", picture, maps)


def _picture(samples: Samples) -> Array | None:
    return next((array for array in samples.inputs.values() if is_picture(array.shape[1:])), None)


# ---- attention


def _attention(title: str, twin: Twin, samples: Samples, look: Look, node: str) -> Iterator[tuple[str, bytes]]:
    found = [one for one in attention_of(twin, look) if not node or one.path == node]
    pictures = _picture(samples)
    cells = [one for one in found if one.space]
    if cells and pictures is not None and len(cells[0].space) == 4:
        yield "attention_cells", _cells(f"{title}: what cells of {cells[0].path} look at", cells[0], pictures)
    plain = [one for one in found if not one.space and max(one.scores.shape[2:]) <= _LONGEST]
    if plain and max(plain[0].scores.shape[2:]) > 1:
        yield "attention", _panels(title, plain, samples)


def _panels(title: str, found: Sequence[Attention], samples: Samples) -> bytes:
    shape = found[0].scores.shape[2:]
    alike = [one for one in found if one.scores.shape[2:] == shape]
    heads = sum(one.scores.shape[1] for one in alike)
    number = max(1, min(len(samples), _MOST_MAPS // max(heads, 1)))
    maps: dict[str, Array] = {}
    names: dict[str, tuple[list[str], list[str]]] = {}
    for sample in range(number):
        for one in alike:
            for head in range(one.scores.shape[1]):
                label = one.path if len(alike) > 1 or number == 1 else _named(samples, sample)
                label += f", head {head + 1}" if one.scores.shape[1] > 1 else ""
                maps[label], names[label] = one.scores[sample, head], _positions(samples, sample, *shape)
    shown = dict(list(maps.items())[:_MOST_MAPS])
    which = f"{alike[0].path}, {number} samples" if number > 1 else _named(samples, 0)
    return insides.attention(f"{title}: attention ({which})", shown, names)


def _positions(samples: Samples, sample: int, queries: int, places: int) -> tuple[list[str], list[str]]:
    """What stands at the positions that look, and at those that are looked at, where it has names."""
    asking = words(samples.classes, samples.truth, sample, queries)
    asking = asking or words(samples.classes, samples.inputs, sample, queries)
    return asking, words(samples.classes, samples.inputs, sample, places)


def _named(samples: Samples, sample: int) -> str:
    return samples.names[sample] if samples.names else f"sample {sample + 1}"


def _cells(title: str, one: Attention, pictures: Array) -> bytes:
    height, width, seen_height, seen_width = one.space
    rows, columns = (height // 4, height // 2, 3 * height // 4), (width // 4, width // 2, 3 * width // 4)
    asking = [(row, column) for row in rows for column in columns][::2]
    maps = np.stack([
        one.scores[0, 0, row * width + column].reshape(seen_height, seen_width) for row, column in asking
    ])  # fmt: skip
    maps = maps / np.maximum(maps.max((1, 2), keepdims=True), 1e-12)
    labels = [f"cell {row + 1}, {column + 1}" for row, column in asking]
    return insides.heat(title, np.repeat(pictures[:1], len(asking), 0), maps, labels)


# ---- what decided


def _decided(title: str, twin: Twin, samples: Samples, look: Look, node: str) -> Iterator[tuple[str, bytes]]:
    pictures = _picture(samples)
    if pictures is None:
        return
    for output, names in samples.classes.items():
        values = look.outputs.get(output)
        if values is None or len(values.shape) != 2 or len(names) < 2:
            continue
        if values.shape[-1] not in (1, len(names)):
            continue
        guess = answers(np.asarray(values))
        number = min(len(samples), _MOST_SAMPLES)
        inputs = {name: array[:number] for name, array in samples.inputs.items()}
        try:
            path, maps = grad_cam(twin, inputs, output, guess[:number], node)
        except Rejected:
            continue  # a network without maps, or a node that gives none
        labels = [_answer(samples, output, names, guess, n) for n in range(number)]
        heading = f"{title}: what speaks for the answer, seen by {path}"
        yield "grad_cam", insides.heat(heading, pictures[:number], maps, labels)
        return


def answers(values: Array) -> Array:
    """The class that outputs (samples, classes or 1) say; one number means yes above the middle of its range."""
    if values.shape[-1] > 1:
        return np.asarray(values.argmax(-1))
    middle = 0.5 if values.min() >= 0 and values.max() <= 1 else 0.0
    return (values[:, 0] > middle).astype(int)


def _answer(samples: Samples, output: str, names: Sequence[str], guess: Array, sample: int) -> str:
    said, truth = names[guess[sample]], samples.truth.get(output)
    if truth is None:
        return f"{samples.names[sample]}\n{said}" if samples.names else said
    one = truth[sample]
    right = int(one.argmax()) if one.ndim and len(one) == len(names) else int(np.ravel(one)[0])
    return said if right == guess[sample] else f"{said}\n(is {names[right]})"


def classes_of(columns: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Names of the numbers that inputs hold, where the data names them."""
    return {name: columns[column].classes for name, column in inputs.items() if columns[column].classes}
