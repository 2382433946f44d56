"""A cell does what one step of Keras's layer does."""

from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler.layers.cells import GruCell, LstmCell

RANDOM = np.random.default_rng(0)
X, H, C = (RANDOM.normal(size=(3, n)).astype("float32") for n in (5, 4, 4))


def stepped(layer: Any, cell: Any, states: list[Any]) -> None:
    found = cell(X, *states)
    layer.build((None, 1, 5))
    layer.set_weights(cell.get_weights())
    _, *wanted = layer(X[:, None], initial_state=states)
    for one, other in zip(found if isinstance(found, tuple) else (found,), wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_step_of_an_lstm(use_bias: bool) -> None:
    stepped(keras.layers.LSTM(4, use_bias=use_bias, return_state=True), LstmCell(4, use_bias=use_bias), [H, C])


@pytest.mark.parametrize("reset_after", [True, False])
def test_a_step_of_a_gru(reset_after: bool) -> None:
    stepped(keras.layers.GRU(4, reset_after=reset_after, return_state=True), GruCell(4, reset_after=reset_after), [H])
