"""Gates."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class Gate(keras.layers.Layer):
    """multiplicative: σ(gate)·x. highway: σ(gate)·h + (1 - σ(gate))·x. glu: a·σ(b), [a, b] = x along the last axis.

    Call it as ``layer(x, gate)``, ``layer(x, gate, h)`` or ``layer(x)``; σ is the function named by `activation`.
    Source: Srivastava, Greff & Schmidhuber 2015, section 2; Dauphin, Fan, Auli & Grangier 2017, section 2.
    """

    def __init__(self, kind: str = "multiplicative", activation: str = "sigmoid", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.kind, self.activation = kind, activation
        self.function = keras.activations.get(activation)

    def call(self, x: Any, gate: Any = None, h: Any = None) -> Any:
        if self.kind == "glu":
            passed, gate = ops.split(x, 2, axis=-1)
            return passed * self.function(gate)
        # Axes are aligned at the end, but the batch is the first of all.
        for _ in range(len(x.shape) - len(gate.shape)):
            gate = ops.expand_dims(gate, 1)
        share = self.function(gate)
        return share * h + (1 - share) * x if self.kind == "highway" else share * x

    def compute_output_shape(self, x_shape: Any, gate_shape: Any = None, h_shape: Any = None) -> Any:
        return (*x_shape[:-1], x_shape[-1] // 2) if self.kind == "glu" else x_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind, "activation": self.activation}
