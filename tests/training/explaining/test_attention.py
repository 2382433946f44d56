"""Attention is read off the nodes that attend: their scores, in every form that the vocabulary has."""

from pathlib import Path

import keras
import numpy as np

import archgraph as ag
from archgraph.training.explaining.attention import attention_of, words
from archgraph.training.explaining.twin import Twin

EXAMPLES = Path(__file__).parents[3] / "examples"
DRAW = np.random.default_rng(0)


def test_multi_head_scores_are_those_that_keras_gives() -> None:
    shaped = ag.infer(ag.load(str(EXAMPLES / "attention_classifier.graph.json")))
    twin, rows = Twin(shaped, seed=1), DRAW.normal(size=(2, 8, 8)).astype("f")
    look = twin.look({"rows": rows})
    found = {one.path: one for one in attention_of(twin, look)}
    assert list(found) == ["encoder/0/look", "encoder/1/look"]
    assert found["encoder/0/look"].scores.shape == (2, 4, 8, 8)
    embedded = look.values["embed"][0]
    theirs = keras.layers.MultiHeadAttention(4, 8)
    theirs.build(embedded.shape, embedded.shape)
    theirs.set_weights(twin.layers["encoder/0/look"].get_weights())
    _, scores = theirs(embedded, embedded, return_attention_scores=True)
    np.testing.assert_allclose(found["encoder/0/look"].scores, scores, atol=1e-6)


def test_a_softmax_that_weighs_is_attention_inside_a_scan_too() -> None:
    sizes = {"source_words": 9, "target_words": 9, "embedding": 4, "units": 6, "alignment": 4, "maxout": 4}
    shaped = ag.infer(ag.load(str(EXAMPLES / "seq2seq.graph.json"), **sizes))
    twin = Twin(shaped, seed=1)
    look = twin.look({"source": DRAW.integers(0, 9, (2, 7), "int32"), "target": DRAW.integers(0, 9, (2, 5), "int32")})
    (one,) = attention_of(twin, look)  # the softmax over words is none: nothing is weighed with it
    assert one.path == "write/look/alpha" and one.scores.shape == (2, 1, 5, 7)
    np.testing.assert_allclose(one.scores[:, 0], look.outputs["alpha"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(one.scores.sum(-1), 1, rtol=1e-5)


def test_additive_and_spatial_attention() -> None:
    shaped = ag.infer(ag.loads("""{
        "archgraph": 1, "name": "a", "inputs": {"x": {"shape": [6, 8, 16]}, "q": {"shape": [5]}},
        "nodes": {"cells": {"op": "spatial_attention", "in": "x", "pool": 2},
                  "flat": {"op": "reshape", "in": "cells", "target_shape": [48, 16]},
                  "ask": {"op": "additive_attention", "in": ["q", "flat"], "units": 3},
                  "y": {"op": "dense", "in": "ask", "units": 2}}, "outputs": {"y": "y"}
    }"""))  # fmt: skip
    twin = Twin(shaped, seed=1)
    x = DRAW.normal(size=(2, 6, 8, 16)).astype("f")
    look = twin.look({"x": x, "q": DRAW.normal(size=(2, 5)).astype("f")})
    found = {one.path: one for one in attention_of(twin, look)}
    assert found["ask"].scores.shape == (2, 1, 1, 48)
    cells = found["cells"]
    assert cells.scores.shape == (2, 1, 48, 12) and cells.space == (6, 8, 3, 4)
    weights = {one.path.rpartition("/")[2]: np.asarray(one) for one in twin.layers["cells"].weights}
    asked = x.reshape(2, 48, 16) @ weights["query_kernel"]
    keys = (x @ weights["key_kernel"]).reshape(2, 3, 2, 4, 2, 2).max((2, 4)).reshape(2, 12, 2)
    powers = np.exp(asked @ keys.transpose(0, 2, 1))
    np.testing.assert_allclose(cells.scores[:, 0], powers / powers.sum(-1, keepdims=True), rtol=1e-4)


def test_positions_are_named_by_the_only_input_of_their_length() -> None:
    inputs = {"letters": np.array([[2, 0, 1]]), "sounds": np.array([[1, 1]])}
    names = {"letters": ("a", "b", "c"), "sounds": ("x", "y")}
    assert words(names, inputs, 0, 3) == ["c", "a", "b"] and words(names, inputs, 0, 2) == ["y", "y"]
    assert words(names, inputs, 0, 4) == [] and words({}, inputs, 0, 3) == []
    assert words(names, {**inputs, "more": np.array([[1, 0, 0]])}, 0, 3) == ["c", "a", "b"]
