"""Keras's recurrent cells as layers of a graph: states are inputs and outputs like any other."""

from typing import Any

import keras

from archgraph.compiler.layers.registry import ours

Sizes = tuple[int | None, ...]


@ours
class LstmCell(keras.layers.LSTMCell):
    """One step of an LSTM: (x, h, c) to the next (h, c); the formula is that of `keras.layers.LSTMCell`."""

    def call(self, x: Any, state_h: Any, state_c: Any, training: bool = False) -> Any:
        _, (h, c) = super().call(x, [state_h, state_c], training=training)
        return h, c

    def build(self, x_shape: Sizes, state_h_shape: Sizes | None = None, state_c_shape: Sizes | None = None) -> None:
        super().build(x_shape)

    def compute_output_spec(self, x: Any, state_h: Any, state_c: Any, training: bool = False) -> Any:
        return tuple(keras.KerasTensor((x.shape[0], self.units), dtype=self.compute_dtype) for _ in range(2))


@ours
class GruCell(keras.layers.GRUCell):
    """One step of a GRU: (x, h) to the next h; the formula is that of `keras.layers.GRUCell`."""

    def call(self, x: Any, state_h: Any, training: bool = False) -> Any:
        return super().call(x, [state_h], training=training)[0]

    def build(self, x_shape: Sizes, state_h_shape: Sizes | None = None) -> None:
        super().build(x_shape)

    def compute_output_spec(self, x: Any, state_h: Any, training: bool = False) -> Any:
        return keras.KerasTensor((x.shape[0], self.units), dtype=self.compute_dtype)
