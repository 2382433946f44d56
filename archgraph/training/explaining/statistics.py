"""What a node gives, and what its weights get, in a few figures."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from archgraph.analysis.shaped import FlatNode, ShapedGraph
from archgraph.training.data.base import Array
from archgraph.training.explaining.twin import Twin
from archgraph.training.watching import FIGURES_OF_NODES

FIGURES = tuple(FIGURES_OF_NODES)
_BENDS = frozenset({"activation", "prelu", "maxout"})
_FLAT = {"sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softsign": (-1.0, 1.0)}
_NEAR = 0.01
_LONGEST_SCAN = 32
"""Steps of a scan that are looked into."""


def of_nodes(twin: Twin, inputs: Mapping[str, Any], loss: Any) -> dict[str, dict[str, Any]]:
    """The figures of every node, by path, for samples in training mode.

    `loss` makes a number of the outputs, that gradients flow through; None: there are no gradients to look at.
    """
    import tensorflow as tf

    with tf.GradientTape() as tape:
        look = twin.look(inputs, training=True, steps=0)
        total = None if loss is None else loss(look.outputs)
        if total is not None and twin.model.losses:
            total = total + sum(twin.model.losses)
    firsts = {path: found[0] for path, found in look.values.items()}
    by_value: dict[str, Any] = {}
    by_weight: list[Any] = [None] * len(twin.variables)
    if total is not None:
        given, by_weight = tape.gradient(total, (firsts, twin.variables))
        by_value = {path: _array(found) for path, found in given.items()}
    if twin.scans:
        firsts |= {
            path: found[0] for path, found in twin.look(inputs, training=True, steps=_LONGEST_SCAN).values.items()
        }
    last = {result.path for result in twin.shaped.results().values()}
    weights = _weights(twin, by_weight)
    return {
        path: _figures(node, _array(firsts.get(path)), by_value.get(path), weights.get(path), path in last)
        for path, node in twin.nodes.items()
    }


def _array(value: Any) -> Array | None:
    import tensorflow as tf

    if value is None:
        return None
    if isinstance(value, tf.IndexedSlices):
        value = tf.convert_to_tensor(value)
    return np.asarray(value)


def _weights(twin: Twin, gradients: Iterable[Any]) -> dict[str, tuple[float, float | None]]:
    """The length of each node's weights and of their gradient, for the nodes that own weights."""
    of = {id(variable): _array(gradient) for variable, gradient in zip(twin.variables, gradients, strict=True)}
    found = {}
    for path, home in twin.homes.items():
        layer = twin.layers.get(home)
        if path != home or layer is None or not layer.trainable_weights:
            continue
        slopes = [of.get(id(variable)) for variable in layer.trainable_weights]
        known = [slope for slope in slopes if slope is not None]
        found[path] = (
            _length([np.asarray(one) for one in layer.trainable_weights]),
            _length(known) if known else None,
        )
    return found


def _length(arrays: Iterable[Array]) -> float:
    return math.sqrt(sum(float(np.square(array, dtype=np.float64).sum()) for array in arrays))


def _figures(
    node: FlatNode, values: Array | None, slope: Array | None, weights: tuple[float, float | None] | None, last: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if values is not None and values.dtype.kind == "f" and values.size:
        found |= {"mean": float(values.mean(dtype=np.float64)), "deviation": float(values.std(dtype=np.float64))}
        found["zero"] = float((values == 0).mean())
        if node.leaf.primitive.op in _BENDS and not last:
            found |= _bent(node, values)
    if slope is not None:
        found["gradient"] = _length([slope]) / math.sqrt(max(slope.size, 1))
    if weights is not None:
        found["weights"], gradient = weights
        if gradient is not None:
            found["weight_gradient"] = gradient
    found["finite"] = all(math.isfinite(value) for value in found.values())
    return found


def _bent(node: FlatNode, values: Array) -> dict[str, float]:
    units = values.reshape(-1, values.shape[-1])
    found = {"dead": float((units.max(0) == units.min(0)).mean())}
    ends = _FLAT.get(str(getattr(node.leaf.primitive, "activation", "")))
    if ends is not None:
        low, high = ends
        near = _NEAR * (high - low)
        found["saturated"] = float(((values < low + near) | (values > high - near)).mean())
    return found


def affordable(shaped: ShapedGraph, samples: int, room_bytes: float = 2**30) -> int:
    """How many samples can be looked at: at most `samples`, and what fits with values and gradients; at least 2."""
    each = sum(
        math.prod(size if isinstance(size, int) else 64 for size in tensor.shape)
        for node in shaped.walk()
        for tensor in node.leaf.outputs
    )
    return min(samples, max(2, int(room_bytes / (12 * max(each, 1)))))
