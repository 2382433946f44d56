"""Pooling against numpy and Keras."""

from typing import Any

import numpy as np
import pytest

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor
from tests.compiler.layers.trial import make, run, run_composed

X = np.random.default_rng(3).normal(size=(2, 5, 6, 3)).astype("float32") - 5
"""Negative numbers, so that a maximum over padding of 0 would show."""


def pooled(x: np.ndarray, size: int, stride: int, pad: int, reduce: Any) -> np.ndarray:
    """Each window of the padded picture, without its padding, reduced to a number."""
    height, width = ((n + 2 * pad - size) // stride + 1 for n in x.shape[1:3])
    out = np.zeros((x.shape[0], height, width, x.shape[3]), "float64")
    for i in range(height):
        for j in range(width):
            rows = slice(max(0, i * stride - pad), max(0, i * stride - pad + size))
            columns = slice(max(0, j * stride - pad), max(0, j * stride - pad + size))
            out[:, i, j] = reduce(x[:, rows, columns], axis=(1, 2))
    return out


@pytest.mark.parametrize(("size", "stride", "pad"), [(3, 2, 1), (2, 2, 1), (3, 1, 2), (5, 3, 4)])
def test_padding_never_wins_a_maximum(size: int, stride: int, pad: int) -> None:
    y, _ = run_composed(make("max_pool", pool_size=size, strides=stride, padding=pad), X)
    np.testing.assert_allclose(y, pooled(X, size, stride, pad, np.max), rtol=1e-6)


@pytest.mark.parametrize(("size", "stride", "pad"), [(3, 2, 1), (2, 2, 1), (3, 1, 2)])
def test_padding_does_not_count_in_a_mean(size: int, stride: int, pad: int) -> None:
    y = run(make("avg_pool", pool_size=size, strides=stride, padding=pad), X)
    np.testing.assert_allclose(y, pooled(X, size, stride, pad, np.mean), rtol=1e-5)


def test_padding_counts_in_a_mean_on_request() -> None:
    y, _ = run_composed(make("avg_pool", pool_size=3, strides=2, padding=1, count_include_pad=True), X)
    np.testing.assert_allclose(y, pooled(X, 3, 2, 1, np.sum) / 9, rtol=1e-5)


def test_the_mean_agrees_with_keras_where_same_padding_is_even() -> None:
    ours = run(make("avg_pool", pool_size=3, strides=1, padding=1), X)
    np.testing.assert_allclose(ours, run(make("avg_pool", pool_size=3, strides=1), X), rtol=1e-5)


@pytest.mark.parametrize("shape", [(7, 3), (5, 6, 3), (2, 3, 4, 3)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_the_global_sum_is_a_sum_over_space(shape: tuple[int, ...], keepdims: bool) -> None:
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    expected = x.sum(tuple(range(1, len(shape))), keepdims=keepdims)
    np.testing.assert_allclose(run(make("global_sum_pool", keepdims=keepdims), x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("op", "params", "shape", "code"),
    [
        ("max_pool", {"pool_size": 2, "padding": 2}, (8, 8, 1), "AG201"),
        ("avg_pool", {"pool_size": 3, "padding": [[0, 3], 0]}, (8, 8, 1), "AG201"),
        ("avg_pool", {"count_include_pad": True}, (8, 8, 1), "AG210"),
        ("max_pool", {"pool_size": 9, "padding": "valid"}, (8, 8, 1), "AG304"),
        ("max_pool", {"pool_size": [2, 2]}, (8, 1), "AG301"),
        ("global_avg_pool", {}, (8,), "AG301"),
    ],
)
def test_windows_that_hold_nothing_are_refused(op: str, params: Any, shape: tuple[int, ...], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        make(op, **params).infer(Tensor(shape))
    assert caught.value.code == code


def test_whole_numbers_are_not_pooled() -> None:
    with pytest.raises(Rejected, match="int32"):
        make("max_pool").infer(Tensor((4, 4, 1), "int32"))
