"""Skewing moves rows as counted by hand, and back."""

import numpy as np

from archgraph.compiler.layers.skewing import Skew


def test_each_row_is_moved_one_cell_further() -> None:
    x = np.arange(1.0, 13.0).reshape(1, 3, 4, 1).astype("float32")
    y = np.asarray(Skew()(x))[0, ..., 0]
    assert y.tolist() == [[1, 2, 3, 4, 0, 0], [0, 5, 6, 7, 8, 0], [0, 0, 9, 10, 11, 12]]


def test_and_back() -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype("float32")
    np.testing.assert_array_equal(np.asarray(Skew(inverse=True)(Skew()(x))), x)
