"""Networks whose recurrence is a block: PixelRNN, and attention asked at each step. Causality and counts by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model
from archgraph.document.load import load_graph

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {"size": 6, "colors": 3, "width": 12, "layers": 2, "maps": 24, "levels": 4, "around": 1}


def shaped(name: str, **params: Any) -> ShapedGraph:
    file, mark, variant = name.partition("#")
    return infer(load_graph(f"{EXAMPLES / file}.graph.json{mark}{variant}"), params)


def seen(model: Any, size: int, colors: int, row: int, column: int, color: int) -> np.ndarray:
    """Which cells (row, column, colour) of a picture change what is foretold of one cell."""
    random = np.random.default_rng(0)
    pictures = np.repeat(random.normal(size=(1, size, size, colors)), size * size * colors + 1, axis=0)
    flat = pictures.reshape(len(pictures), -1)
    for cell in range(flat.shape[1]):
        flat[cell + 1, cell] += 3
    made = np.asarray(model(pictures.astype("float32")))[:, row, column, color]
    return np.abs(made[1:] - made[0]).reshape(size, size, colors, -1).max(-1) > 1e-7


@pytest.mark.parametrize("unit", ["row_lstm", "diagonal_bilstm"])
def test_a_cell_is_foretold_from_those_before_it_alone(unit: str) -> None:
    model = compile_model(shaped("pixelrnn", unit=unit, **SMALL), seed=1)
    row, column, color = 3, 2, 1
    changed = seen(model, 6, 3, row, column, color)
    before = np.zeros((6, 6, 3), bool)
    before[:row] = before[row, :column] = before[row, column, :color] = True
    assert not (changed & ~before).any(), "it sees itself, or what comes later"
    assert changed[row, column, 0] and changed[row, column - 1].all() and changed[row - 1, column].all()


def test_the_diagonals_see_all_that_was_before() -> None:
    small = {**SMALL, "size": 9, "colors": 1, "around": 0, "layers": 1}
    model = compile_model(shaped("pixelrnn", unit="diagonal_bilstm", **small), seed=1)
    changed = seen(model, 9, 1, 7, 3, 0)
    assert changed[:6].all() and changed[7, :3].all(), "one layer should reach what a kernel of 7 does not"
    assert changed[6, :8].all()  # of the row above all but its last cell, whose own features mask A hides it from


def gates(kernel_inputs: int, kernel_before: int, width: int) -> int:
    """Van den Oord et al. 2016, equation 3: four masked convolutions of 2h maps with biases, and one of the state."""
    return 4 * (kernel_inputs * 2 * width * width + width) + kernel_before * width * 4 * width


@pytest.mark.parametrize(
    ("variant", "width", "layers", "maps", "colors", "levels", "per_layer"),
    [
        ("cifar10_row", 128, 12, 1024, 3, 256, gates(3, 3, 128)),
        ("cifar10_diagonal", 128, 12, 1024, 3, 256, 2 * gates(1, 2, 128)),
        ("mnist", 16, 7, 32, 1, 1, 2 * gates(1, 2, 16)),
        ("mnist_1_layer", 32, 1, 32, 1, 1, 2 * gates(1, 2, 32)),
        ("imagenet32", 384, 12, 1024, 3, 256, gates(3, 3, 384)),
    ],
)
def test_pixelrnn_has_the_weights_of_table_1(
    variant: str, width: int, layers: int, maps: int, colors: int, levels: int, per_layer: int
) -> None:
    first = 49 * colors * 2 * width + 2 * width
    widen = width * 2 * width + 2 * width
    head = 2 * width * maps + maps + maps * maps + maps + maps * colors * levels + colors * levels
    assert shaped(f"pixelrnn#{variant}").parameters == first + layers * (per_layer + widen) + head


def test_show_attend_and_tell_has_the_count_of_its_authors_code_and_works_for_any_length() -> None:
    graph = shaped("show_attend_tell")
    assert graph.parameters == 35_333_450
    small = shaped("show_attend_tell", words=20, places=5, channels=4, embedding=6, units=7)
    model = compile_model(small, seed=0)
    features = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    words = np.array([[1, 2, 3], [4, 5, 6]])
    whole = model({"features": features, "words": words})
    np.testing.assert_allclose(np.asarray(whole["alpha"]).sum(-1), 1, atol=1e-6)
    part = model({"features": features, "words": words[:, :2]})
    np.testing.assert_allclose(np.asarray(whole["next"])[:, :2], part["next"], atol=1e-6)


def test_the_first_word_is_told_from_the_picture_as_the_formulas_say() -> None:
    """Xu et al. 2015, section 3.1.2: one step by hand; the attention asks with the state before the step."""
    model = compile_model(
        shaped("show_attend_tell", words=9, places=5, channels=4, embedding=6, units=7, layers=1), seed=0
    )
    body = model.get_layer("tell").body

    def dense(x: Any, name: str) -> Any:
        layer = (body if name.startswith("tell.") else model).get_layer(name)
        kernel, *bias = (np.asarray(w) for w in layer.weights)
        return x @ kernel + (bias[0] if bias else 0)

    def squash(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    features, word = np.random.default_rng(0).normal(size=(1, 5, 4)).astype("float32"), np.array([[3]])
    mean = features.mean(1)
    h, c = np.tanh(dense(mean, "h")), np.tanh(dense(mean, "c"))
    e = dense(np.tanh(dense(features, "tell.look.places.0") + dense(h, "tell.look.state")[:, None]), "tell.look.score")
    alpha = np.exp(e[..., 0]) / np.exp(e[..., 0]).sum(-1, keepdims=True)
    z = squash(dense(h, "tell.beta")) * (alpha[..., None] * features).sum(1)
    y = np.asarray(model.get_layer("embed").weights[0])[word[0]]
    kernel, recurrent, bias = (np.asarray(w) for w in body.get_layer("tell.lstm").weights)
    i, f, g, o = np.split(np.concatenate([y, z], -1) @ kernel + h @ recurrent + bias, 4, -1)
    c = squash(f) * c + squash(i) * np.tanh(g)
    h = squash(o) * np.tanh(c)
    scores = dense(y + dense(h, "tell.l_h") + dense(z, "tell.l_z"), "next")
    found = model({"features": features, "words": word})
    np.testing.assert_allclose(found["alpha"][:, 0], alpha, atol=1e-5)
    np.testing.assert_allclose(found["next"][:, 0], np.exp(scores) / np.exp(scores).sum(), atol=1e-5)


def test_the_translator_has_the_weights_of_its_paper() -> None:
    """Bahdanau, Cho & Bengio 2015, appendix A and B.1: K = 30,000, m = 620, n = n' = 1000, l = 500.

    The paper writes most maps without biases; the gates, s0, the alignment and the last layer have them here.
    """
    words, m, n, aligned, half = 30_000, 620, 1000, 1000, 500
    embeddings = 2 * words * m
    encoder = 2 * (3 * n * (m + n) + 3 * n)
    start = n * n + n
    alignment = (2 * n * aligned + aligned) + n * aligned + (aligned + 1)
    decoder = 3 * n * (m + 2 * n + n) + 3 * n
    deep_output = (n + m + 2 * n) * 2 * half
    last = half * words + words
    assert shaped("seq2seq").parameters == embeddings + encoder + start + alignment + decoder + deep_output + last
