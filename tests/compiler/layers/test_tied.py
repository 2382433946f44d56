"""The autoencoder with one matrix, against products worked out in NumPy."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor
from tests.compiler.layers.trial import layer_for, make

X = np.random.default_rng(1).normal(size=(4, 6)).astype("float32")
BENDS: Mapping[str, Callable[[Any], Any]] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "linear": lambda z: z,
}


@pytest.mark.parametrize("activation", BENDS)
def test_it_decodes_with_the_transposed_matrix(activation: str) -> None:
    layer = layer_for(make("tied_dense", units=3, code_activation=activation), X)
    layer.build(X.shape)
    rng = np.random.default_rng(2)
    kernel, bias, visible = (rng.normal(size=shape).astype("float32") for shape in ((6, 3), (3,), (6,)))
    layer.set_weights([kernel, bias, visible])
    reconstruction, code = layer(X)
    expected = BENDS[activation](X @ kernel + bias)
    np.testing.assert_allclose(code, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(reconstruction, expected @ kernel.T + visible, rtol=1e-4, atol=1e-5)


def test_one_matrix_and_two_biases_are_learned() -> None:
    primitive = make("tied_dense", units=1000)
    assert sum(math.prod(map(int, weight.shape)) for weight in primitive.weights(Tensor((784,)))) == 785_784
    assert primitive.macs(Tensor((784,))) == 2 * 784 * 1000


def test_a_scalar_is_refused() -> None:
    with pytest.raises(Rejected, match="at least one axis"):
        make("tied_dense", units=2).infer(Tensor(()))


def test_it_survives_saving(tmp_path: Path) -> None:
    source = keras.Input((6,))
    layer = layer_for(make("tied_dense", units=3, kernel_regularizer={"l2": 0.1}), X)
    model = keras.Model(source, list(layer(source)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for before, after in zip(model(X), loaded(X), strict=True):
        np.testing.assert_array_equal(before, after)
    assert loaded.get_layer(layer.name).get_config() == layer.get_config()
