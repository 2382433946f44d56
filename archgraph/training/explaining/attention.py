"""Where attention looks: the weights that attention nodes give to places, read off a network at work."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from archgraph.analysis.shaped import FlatNode
from archgraph.training.data.base import Array
from archgraph.training.explaining.twin import Look, Twin

_CHOOSING = frozenset({"softmax", "sparsemax"})
_WEIGHING = frozenset({"dot", "multiply"})
_PASSING = frozenset({"reshape", "flatten", "permute", "repeat_vector", "dropout"})


class Attention(NamedTuple):
    """What one node looked at."""

    path: str
    scores: Array
    """(samples, heads, queries, places); along the last axis they sum to 1."""
    space: tuple[int, ...] = ()
    """Of cells of a picture: its height and width, and those of the places, which may be pooled."""


def attention_of(twin: Twin, look: Look) -> Iterator[Attention]:
    """The weights of every attention node, and of every softmax whose result weighs what another node gives.

    Nodes: `attention` (Vaswani et al. 2017), `additive_attention` (Bahdanau et al. 2015), `spatial_attention` (Zhang
    et al. 2019). Inside a scan the queries are the steps.
    """
    weighing = _weighing(twin)
    for path, node in twin.nodes.items():
        found = look.values.get(path)
        if found is None:
            continue
        op = node.leaf.primitive.op
        if op == "attention" and len(found) > 1:
            yield Attention(path, _by_head(node, np.asarray(found[1])))
        elif op == "additive_attention":
            yield Attention(path, _with_queries(np.asarray(found[1])))
        elif op == "spatial_attention":
            fed = _fed(node, look)
            if fed is not None:
                yield _spatial(twin, path, fed)
        elif path in weighing:
            yield Attention(path, _with_queries(np.asarray(found[0])))


def _by_head(node: FlatNode, scores: Array) -> Array:
    """(samples, [steps,] heads, queries…, places…) with the axes of positions joined."""
    query = node.leaf.inputs[0]
    assert query is not None  # an attention node has a query
    axes = len(query.shape) - 1
    heads = scores.ndim - 1 - 2 * axes
    if heads > 1:  # inside a scan: each step asks once more
        scores = np.moveaxis(scores, 1, 2)
        return scores.reshape(*scores.shape[:2], -1, int(np.prod(scores.shape[-axes:])))
    queries = int(np.prod(scores.shape[2 : 2 + axes]))
    return scores.reshape(*scores.shape[:2], queries, -1)


def _with_queries(scores: Array) -> Array:
    """(samples, places), (samples, queries, places) or (samples, steps, queries, places), as one head's."""
    places = scores.shape[-1]
    return scores.reshape(len(scores), 1, -1, places)


def _weighing(twin: Twin) -> frozenset[str]:
    """Paths of the functions that choose among places, and whose result a product takes in."""
    found = set()
    for node in twin.nodes.values():
        if node.leaf.primitive.op not in _WEIGHING:
            continue
        for feed in node.feeds:
            source = _source(twin, feed.path) if feed is not None else None
            if source is not None and _chooses(source):
                found.add(source.path)
    return frozenset(found)


def _source(twin: Twin, path: str) -> FlatNode | None:
    """The node at `path`, or the one before it that has worked out its numbers."""
    node = twin.nodes.get(_inner(twin, path))
    while node is not None and node.leaf.primitive.op in _PASSING and node.feeds[0] is not None:
        node = twin.nodes.get(_inner(twin, node.feeds[0].path))
    return node


def _inner(twin: Twin, path: str) -> str:
    return path if path in twin.nodes else f"{path}/activation"


def _chooses(node: FlatNode) -> bool:
    primitive, output = node.leaf.primitive, node.leaf.outputs[0]
    if primitive.op != "activation" or getattr(primitive, "activation", "") not in _CHOOSING:
        return False
    axis = getattr(primitive, "axis", None)
    return axis in (None, -1, len(output.shape)) and len(output.shape) >= 1


def _fed(node: FlatNode, look: Look) -> Any:
    feed = node.feeds[0]
    if feed is None:
        return None
    if feed.path in look.inputs:
        return np.asarray(look.inputs[feed.path])
    return look.values[feed.path][feed.port] if feed.path in look.values else None


def _spatial(twin: Twin, path: str, fed: Any) -> Attention:
    layer = twin.layers[twin.homes[path]]
    scores = np.asarray(layer.weigh(fed))
    space = tuple(int(size) for size in fed.shape[1:-1])
    return Attention(path, scores[:, None], (*space, *(size // layer.pool for size in space)))


def words(names: Mapping[str, tuple[str, ...]], inputs: Mapping[str, Array], sample: int, length: int) -> list[str]:
    """Names for `length` positions: those of the only input of class numbers that is so long; empty: none is."""
    fitting = [
        name
        for name, values in inputs.items()
        if values.dtype.kind in "iu" and values.ndim == 2 and values.shape[1] == length and names.get(name)
    ]
    if len(fitting) != 1:
        return []
    known = names[fitting[0]]
    return [known[number] if 0 <= number < len(known) else str(number) for number in inputs[fitting[0]][sample]]
