"""What a network has learned to see: filters of first layers, and what nodes make of a picture."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from archgraph.analysis.shaped import FlatNode
from archgraph.training.data.base import Array
from archgraph.training.explaining.deciding import is_map
from archgraph.training.explaining.twin import Look, Twin

_MOST_NODES = 7


class Filters(NamedTuple):
    """The kernels of a node, one for each of its outputs."""

    path: str
    kernels: Array
    """(filters, height, width, channels)."""


def filters_of(twin: Twin) -> Iterator[Filters]:
    """Kernels that can be read as pictures: of convolutions and dense layers that see the input picture itself."""
    for node in twin.nodes.values():
        found = kernels_of(twin, node.path)
        if found is not None and found.shape[-1] in (1, 3) and min(found.shape[1:3]) >= 3 and _sees_input(twin, node):
            yield Filters(node.path, found)


def kernels_of(twin: Twin, path: str) -> Array | None:
    """The kernels of a node (filters, height, width, channels); None where it has none over pictures."""
    node, layer = twin.nodes[path], twin.layers.get(twin.homes[path])
    kernel = next((one for one in getattr(layer, "weights", ()) if one.path.endswith("kernel")), None)
    if kernel is None:
        return None
    values = np.asarray(kernel)
    if values.ndim == 4 and node.leaf.primitive.op == "conv":
        return np.moveaxis(values, -1, 0)
    if values.ndim == 4 and node.leaf.primitive.op == "depthwise_conv":
        return np.moveaxis(values.reshape(*values.shape[:2], -1), -1, 0)[..., None]
    if values.ndim == 2 and node.leaf.primitive.op == "dense":
        return _as_pictures(twin, node, values)
    return None


def _as_pictures(twin: Twin, node: FlatNode, kernel: Array) -> Array | None:
    """The weights of a dense layer behind a flattened input picture, as pictures."""
    feed = node.feeds[0]
    before = twin.nodes.get(feed.path) if feed is not None else None
    while before is not None and before.leaf.primitive.op in ("flatten", "reshape", "dropout", "masking_noise"):
        feed = before.feeds[0]
        before = twin.nodes.get(feed.path) if feed is not None else None
    if feed is None or feed.path not in twin.shaped.inputs:
        return None
    shape = twin.shaped.inputs[feed.path].shape
    if len(shape) != 3 or not all(isinstance(size, int) for size in shape):
        return None
    sizes = [int(str(size)) for size in shape]
    return np.moveaxis(kernel.reshape(*sizes, -1), -1, 0) if kernel.shape[0] == np.prod(sizes) else None


def _sees_input(twin: Twin, node: FlatNode) -> bool:
    """Whether nothing with weights stands between a node and an input."""
    feed = node.feeds[0]
    while feed is not None and feed.path in twin.nodes:
        before = twin.nodes[feed.path]
        if before.leaf.weights or not before.feeds:
            return False
        feed = before.feeds[0]
    return feed is not None


def maps_of(twin: Twin, look: Look, sample: int = 0) -> dict[str, Array]:
    """What up to seven nodes along the network make of one picture: (height, width, channels) by path."""
    behind = [node for node in twin.nodes.values() if is_map(node, 3) and node.path in look.values]
    kept = [node for node in behind if not _only_bent(twin, node, behind)]
    chosen = np.unique(np.linspace(0, len(kept) - 1, min(_MOST_NODES, len(kept))).round().astype(int)) if kept else ()
    return {kept[n].path: np.asarray(look.values[kept[n].path][0][sample]) for n in chosen}


def _only_bent(twin: Twin, node: FlatNode, others: list[FlatNode]) -> bool:
    """Whether an activation or a normalisation follows that shows the same more clearly."""
    followers = [one for one in others if any(feed is not None and feed.path == node.path for feed in one.feeds)]
    return bool(followers) and all(
        one.leaf.primitive.op in ("activation", "batch_norm", "prelu", "layer_norm") for one in followers
    )
