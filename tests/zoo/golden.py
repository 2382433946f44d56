"""Small graphs for golden numbers: from JSON text to a Keras model, with weights set by path."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

import archgraph as ag
from archgraph.analysis.shaped import ShapedGraph

Records = Mapping[str, Mapping[str, Any]]


def analysed(nodes: Records, outputs: Mapping[str, str], **shapes: Any) -> ShapedGraph:
    """The graph of these nodes, as a file would give it, with inputs of these shapes."""
    inputs = {name: {"shape": shape} for name, shape in shapes.items()}
    value = {"archgraph": 1, "name": "golden", "inputs": inputs, "nodes": nodes, "outputs": outputs}
    return ag.infer(ag.loads(json.dumps(value)))


def compiled(nodes: Records, outputs: Mapping[str, str], **shapes: Any) -> Any:
    """The Keras model of these nodes."""
    return ag.compile_model(analysed(nodes, outputs, **shapes), seed=1)


def single(x: Any, **record: Any) -> Any:
    """The Keras model of one node, `y`, over inputs of the shape of `x`."""
    return compiled({"y": {"in": "x", **record}}, {"y": "y"}, x=list(np.shape(x)))


def weigh(model: Any, path: str, *arrays: Any) -> None:
    """Give the layer at `path` these weights."""
    layer = model.get_layer(path.replace("/", "."))
    pairs = zip(arrays, layer.weights, strict=True)
    layer.set_weights([np.asarray(array, "float32").reshape(weight.shape) for array, weight in pairs])


def told(model: Any, x: Any, **others: Any) -> Any:
    """What the model says of one example, given its input `x` and others by name: an array, or arrays by output."""
    inputs = {name: np.asarray(one, "float32")[None] for name, one in {"x": x, **others}.items()}
    found = model.predict_on_batch(inputs if others else inputs["x"])
    return {name: y[0] for name, y in found.items()} if isinstance(found, dict) else found[0]
