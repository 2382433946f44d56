"""Compiled examples train: every weight gets a gradient, and Keras's own `fit` takes a step."""

import math
from typing import Any

import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model
from archgraph.document.load import load_graph
from tests.compiler.build import arrays
from tests.networks import EXAMPLES, NAMES, TRAINED, cases

BATCH = 4
LARGE = [
    pytest.param(path, id=name, marks=pytest.mark.slow)
    for path, name in zip(EXAMPLES, NAMES, strict=True)
    if name in ("resnet50", "densenet121")
]
ALIKE = "key/bias"
"""A constant added to all keys moves all scores of a query alike, and softmax forgets it: its gradient is nothing."""


def task(graph: ShapedGraph) -> tuple[Any, Any]:
    """Random inputs and targets, as Keras takes them."""
    feeds = arrays(graph, batch=BATCH, H=16, W=16, N=34)
    random = np.random.default_rng(1)
    sizes = {"H": 16, "W": 16, "N": 34}
    targets = {
        name: random.random((BATCH, *(dim if isinstance(dim, int) else sizes.get(str(dim), 8) for dim in tensor.shape)))
        for name, tensor in graph.outputs.items()
    }
    return tuple(next(iter(part.values())) if len(part) == 1 else part for part in (feeds, targets))  # type: ignore[return-value]


@pytest.fixture(scope="module", params=[*cases(TRAINED), *LARGE])
def example(request: pytest.FixtureRequest) -> ShapedGraph:
    return infer(load_graph(request.param))


def test_a_gradient_reaches_every_weight(example: ShapedGraph) -> None:
    import tensorflow as tf

    model = compile_model(example, seed=1)
    x, y = task(example)
    with tf.GradientTape() as tape:
        given = model(x, training=True)
        pairs = [(given[name], y[name]) for name in y] if isinstance(y, dict) else [(given, y)]
        loss = tf.add_n([tf.reduce_mean(tf.square(one - other)) for one, other in pairs])
    weights = [weight for weight in model.trainable_weights if ALIKE not in weight.path]
    gradients = tape.gradient(loss, [weight.value for weight in weights])
    still = [w.path for w, g in zip(weights, gradients, strict=True) if g is None or not np.any(np.asarray(g))]
    assert weights and still == []


@pytest.mark.parametrize("eagerly", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["eager", "traced"])
def test_keras_fits_it(example: ShapedGraph, eagerly: bool) -> None:
    model = compile_model(example, seed=1)
    x, y = task(example)
    before = {weight.path: np.asarray(weight) for weight in model.weights}
    model.compile(optimizer="adam", loss="mse", run_eagerly=eagerly)
    history = model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    assert math.isfinite(history.history["loss"][0])
    changed = {weight.path for weight in model.weights if np.any(before[weight.path] != np.asarray(weight))}
    # Adam moves what has any gradient by about its rate; running statistics move too, generators count on
    assert {weight.path for weight in model.weights if ALIKE not in weight.path} <= changed
