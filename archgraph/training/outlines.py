"""Segmentations as pictures: what was to be marked and what was marked, outlined on what was seen."""

from collections.abc import Iterator, Mapping

import numpy as np

from archgraph.training import plots
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Part
from archgraph.training.generation import charts

_MOST_CLASSES = 12
"""Outlines of more classes could not be told apart."""


def outlines(title: str, part: Part, given: Mapping[str, Array]) -> Iterator[tuple[str, bytes]]:
    """Name and PNG for every output that marks the places of a picture of the same size."""
    for output, target in part.targets.items():
        picture = next((values for values in part.inputs.values() if plots.is_picture(values.shape[1:])), None)
        if picture is None or output not in given:
            continue
        marked = _marks(np.asarray(target), np.asarray(given[output]))
        if marked is not None and marked[0].shape[1:] == picture.shape[1:3]:
            ending = f"_{output}" if len(part.targets) > 1 else ""
            yield f"outlines{ending}", charts.overlays(title, np.asarray(picture), *marked)


def _marks(target: Array, given: Array) -> tuple[Array, Array] | None:
    """True and found class numbers of every place, (count, height, width); None where the output marks no places."""
    if target.ndim == 4 and target.shape == given.shape and target.shape[-1] == 1:
        if not np.isin(target, (0, 1)).all() or given.min() < 0 or given.max() > 1:
            return None
        return target[..., 0].astype(int), (given[..., 0] > 0.5).astype(int)
    if target.ndim == 3 and target.dtype.kind in "iu" and given.ndim == 4 and given.shape[:3] == target.shape:
        return (target, given.argmax(axis=-1)) if given.shape[-1] <= _MOST_CLASSES else None
    return None
