"""Digits on a graph: the pixels are those of the pictures, and the basis is the graph's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from archgraph.diagnostics import Rejected
from archgraph.training.data import SOURCES, Samples, Surroundings
from archgraph.training.data.pixels import laplacian_basis


def read(**options: Any) -> Samples:
    return SOURCES["pixel_graph"].make(options).read(Surroundings(Path(), None))


def test_the_digits_keep_some_of_their_pixels_and_share_one_basis() -> None:
    samples, again = read(), read()
    shapes = {name: column.values.shape for name, column in samples.columns.items()}
    assert shapes == {"pixels": (1797, 48, 1), "basis": (1797, 48, 36), "label": (1797,)}
    pixels, basis = samples.columns["pixels"].values, samples.columns["basis"].values
    np.testing.assert_array_equal(pixels, again.columns["pixels"].values)
    np.testing.assert_array_equal(basis, again.columns["basis"].values)
    assert not np.any(basis - basis[:1])
    np.testing.assert_allclose(basis[0].T @ basis[0], np.eye(36), atol=1e-5)
    whole = {tuple(column) for column in load_digits().images.reshape(1797, 64).T}
    assert all(tuple(column) in whole for column in pixels[..., 0].T)


def test_the_basis_of_a_path_is_that_worked_out_by_hand() -> None:
    # Three points in a row, each joined to its nearest: both edges weigh exp(-1), the degrees are 1, 2 and 1 of it.
    # The normalised Laplacian has the eigenvalues 0, 1 and 2.
    basis = laplacian_basis(np.array([[0], [1], [2]]), 1, 3)
    half, root = 0.5, np.sqrt(0.5)
    np.testing.assert_allclose(np.abs(basis), [[half, root, half], [root, 0, root], [half, root, half]], atol=1e-6)
    assert (basis[:, 0] > 0).all()  # the smoothest: the roots of the degrees
    assert basis[0, 1] * basis[2, 1] < 0 and basis[0, 2] * basis[1, 2] < 0


def test_more_frequencies_than_pixels_are_refused() -> None:
    with pytest.raises(Rejected, match="no 20 eigenvectors") as caught:
        read(pixels=16, frequencies=20)
    assert (caught.value.code, caught.value.field) == ("AG703", "/frequencies")
