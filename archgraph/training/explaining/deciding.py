"""Which parts of a picture decided an answer: Grad-CAM (Selvaraju et al. 2017)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from archgraph.analysis.shaped import FlatNode
from archgraph.diagnostics import Rejected, nearest
from archgraph.training.data.base import Array
from archgraph.training.explaining.twin import Twin

_SMALLEST = 4
"""Cells along the shorter side of a map from which it tells places apart."""
_SQUASHES = frozenset({"softmax", "sigmoid", "log_softmax", "sparsemax"})


def grad_cam(twin: Twin, inputs: Mapping[str, Any], output: str, classes: Array, node: str = "") -> tuple[str, Array]:
    """For every sample a map of what speaks for its class: maps of `node`, weighed by the mean gradient of the score.

    Without `node` it is the last whose maps have at least four cells a side. Scores are taken before a softmax or
    sigmoid, as in the paper. Each map is brought to 0 … 1.

    Returns:
        the node's path, and maps (samples, height, width).

    Raises:
        Rejected: the node gives no maps, or none does (AG701).
    """
    import tensorflow as tf

    path = node or last_map(twin)
    if path not in twin.nodes:
        raise Rejected("AG701", f"there is no node {path!r}", hint=nearest(path, twin.nodes))
    score = score_of(twin, output)
    with tf.GradientTape() as tape:
        tape.watch(inputs := {name: tf.convert_to_tensor(value) for name, value in inputs.items()})
        look = twin.look(inputs, steps=0)
        if path not in look.values or len(look.values[path][0].shape) != 4:
            raise Rejected("AG701", f"{path!r} gives no maps of (height, width, channels)", hint=last_map(twin))
        scores = look.values[score][0]
        flat = tf.reshape(scores, (len(classes), -1, scores.shape[-1]))
        one = tf.gather(flat, tf.constant(classes % flat.shape[-1], tf.int32), axis=2, batch_dims=1)
        sign = tf.constant(np.where((classes == 0) & (flat.shape[-1] == 1), -1.0, 1.0), flat.dtype)
        total = tf.reduce_sum(tf.reduce_sum(one, axis=tuple(range(1, len(one.shape)))) * sign)
    maps = look.values[path][0]
    slopes = tape.gradient(total, maps)
    if slopes is None:
        raise Rejected("AG701", f"{path!r} has no part in {output!r}", hint=last_map(twin))
    weights = tf.reduce_mean(slopes, (1, 2), keepdims=True)
    found = np.maximum(np.asarray(tf.reduce_sum(weights * maps, -1)), 0)
    most = found.max((1, 2), keepdims=True)
    return path, np.asarray(found / np.where(most > 0, most, 1))


def last_map(twin: Twin) -> str:
    """The last node that gives maps fine enough to tell places apart, and in front of which are weights."""
    fine = [node.path for node in twin.nodes.values() if is_map(node)]
    if not fine:
        raise Rejected("AG701", "no node gives maps of at least 4 by 4 cells", hint="Grad-CAM needs convolutions")
    return fine[-1]


def is_map(node: FlatNode, smallest: int = _SMALLEST) -> bool:
    """Whether a node gives maps (height, width, channels) of at least so many cells a side, outside scans."""
    shape = node.leaf.outputs[0].shape
    known = all(isinstance(size, int) for size in shape)
    return known and len(shape) == 3 and node.steps == 1 and min(shape[:2]) >= smallest


def score_of(twin: Twin, output: str) -> str:
    """The node that gives the scores of an output, before they are made probabilities."""
    path = twin.shaped.results()[output].path
    node = twin.nodes[path]
    primitive, feed = node.leaf.primitive, node.feeds[0]
    squashes = primitive.op == "activation" and getattr(primitive, "activation", "") in _SQUASHES
    return feed.path if squashes and feed is not None and feed.path in twin.nodes else path
