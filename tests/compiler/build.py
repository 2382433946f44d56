"""Graphs written as JSON text, compiled, and what comes out of them."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model
from archgraph.document.load import load_text

X = {"x": {"shape": [6]}}


def shaped(
    nodes: Mapping[str, Any], outputs: Mapping[str, str] | str, *, inputs: Mapping[str, Any] = X, **more: Any
) -> ShapedGraph:
    """A graph as analysed; one output may be given as the name of its node."""
    outputs = {"y": outputs} if isinstance(outputs, str) else outputs
    value = {"archgraph": 1, "name": "test", **more, "inputs": inputs, "nodes": nodes, "outputs": outputs}
    return infer(load_text(json.dumps(value)))


def model(nodes: Mapping[str, Any], outputs: Mapping[str, str] | str, *, seed: int | None = 1, **more: Any) -> Any:
    """The Keras model of a graph."""
    return compile_model(shaped(nodes, outputs, **more), seed=seed)


def weights(built: Any) -> dict[str, np.ndarray]:
    """Every weight by its path, without the states of random generators."""
    return {w.path: np.asarray(w) for w in built.weights if "seed_generator" not in w.path}


def size(built: Any) -> int:
    """Numbers in all weights."""
    return sum(array.size for array in weights(built).values())


def arrays(graph: ShapedGraph, *, batch: int = 2, seed: int = 0, **sizes: int) -> dict[str, np.ndarray]:
    """Numbers for every input: normal ones, small whole ones where whole numbers are due."""
    random = np.random.default_rng(seed)
    found = {}
    for name, x in graph.inputs.items():
        shape = (batch, *(dim if isinstance(dim, int) else sizes.get(str(dim), 8) for dim in x.shape))
        whole = "int" in x.dtype
        found[name] = random.integers(0, 2, shape).astype(x.dtype) if whole else random.normal(size=shape)
    return {name: array if "int" in str(array.dtype) else array.astype("float32") for name, array in found.items()}


def run(built: Any, feeds: Mapping[str, Any], *, training: bool = False) -> dict[str, np.ndarray]:
    """The outputs by name; a single one is called ``y``."""
    given = {name: np.asarray(array) for name, array in feeds.items()}
    outputs = built(next(iter(given.values())) if len(given) == 1 else given, training=training)
    named = outputs if isinstance(outputs, dict) else {"y": outputs}
    return {name: np.asarray(value) for name, value in named.items()}
