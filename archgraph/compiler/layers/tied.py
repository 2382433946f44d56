"""An encoder and a decoder that share their weights."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class TiedDense(keras.layers.Layer):
    """code = f(x·W + b) and reconstruction = code·Wᵀ + c; returns the reconstruction, then the code.

    Input and reconstruction (batch, …, n), code (batch, …, units). Source: Vincent et al. 2008, section 2.2.
    """

    def __init__(
        self,
        units: int,
        code_activation: str = "sigmoid",
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.code_activation = units, code_activation
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)

    def build(self, input_shape: Any) -> None:
        size = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(size, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        biases = {"initializer": self.bias_initializer, "regularizer": self.bias_regularizer}
        self.bias = self.add_weight(name="bias", shape=(self.units,), **biases)
        self.visible_bias = self.add_weight(name="visible_bias", shape=(size,), **biases)

    def call(self, inputs: Any) -> Any:
        code = keras.activations.get(self.code_activation)(ops.matmul(inputs, self.kernel) + self.bias)
        return ops.matmul(code, ops.transpose(self.kernel)) + self.visible_bias, code

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape, (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "code_activation": self.code_activation,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }
