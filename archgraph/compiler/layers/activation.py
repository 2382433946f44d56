"""Functions that Keras lacks, or has only as functions."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.precision import at_least_float32
from archgraph.compiler.layers.registry import ours


class Pointwise(keras.layers.Layer):
    """A function of one tensor that keeps its shape and its mask."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@ours
class ScaledTanh(Pointwise):
    """f(x) = 1.7159·tanh(2x/3), so that f(1) = 1 and f(-1) = -1.

    Source: LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.4; LeNet-5 uses it.
    """

    def call(self, inputs: Any) -> Any:
        return 1.7159 * ops.tanh(inputs * (2 / 3))


@ours
class Step(Pointwise):
    """f(x) = 1 where x ≥ 0, else 0; in training its derivative is taken to be 1 (straight through).

    Descending the error ½(f - target)² then changes a weight by rate·(target - f)·input: the perceptron's rule.
    Source: Rosenblatt 1958; the straight-through derivative: Bengio, Léonard & Courville 2013, section 4.
    """

    def call(self, inputs: Any) -> Any:
        # The difference is exactly 0 and carries the derivative; x + stop(f - x) would round f where x is large.
        return ops.cast(inputs >= 0, inputs.dtype) + (inputs - ops.stop_gradient(inputs))


@ours
class Sparsemax(Pointwise):
    """f(x) = max(x - t, 0) along `axis`, with the t for which the outputs sum to 1; many of them are exactly 0.

    With z the inputs in falling order, t = (z₁ + … + zₖ - 1)/k for the largest k with 1 + k·zₖ > z₁ + … + zₖ.
    Source: Martins & Astudillo 2016, From Softmax to Sparsemax, algorithm 1.
    """

    # Not keras.activations.sparsemax: Keras 3.15 gives 0.2, 0.6 and 0.8 for -1, -0.6 and -0.4 among lower numbers.

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        x = ops.moveaxis(at_least_float32(inputs), self.axis, -1)
        falling = ops.flip(ops.sort(x, axis=-1), axis=-1)
        count = ops.arange(1, x.shape[-1] + 1, dtype=x.dtype)
        totals = ops.cumsum(falling, axis=-1)
        supported = ops.cast(1 + count * falling > totals, x.dtype)
        size = ops.sum(supported, axis=-1, keepdims=True)
        threshold = (ops.sum(supported * falling, axis=-1, keepdims=True) - 1) / size
        return ops.cast(ops.moveaxis(ops.relu(x - threshold), -1, self.axis), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


@ours
class FunctionActivation(Pointwise):
    """A function of ``keras.activations`` with arguments: f(x, **arguments).

    ``keras.layers.Activation`` stores the name of a function but none of its arguments.
    """

    def __init__(self, activation: str, arguments: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation, self.arguments = activation, dict(arguments)

    def call(self, inputs: Any) -> Any:
        return keras.activations.get(self.activation)(inputs, **self.arguments)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": self.activation, "arguments": self.arguments}


@ours
class Maxout(keras.layers.Layer):
    """yᵢ = maxⱼ (x·Wᵢⱼ + bᵢⱼ), j = 1 … `pieces`. The sums of output i are the columns i·pieces … (i + 1)·pieces - 1.

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, section 3.
    """

    def __init__(
        self,
        units: int,
        pieces: int = 2,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.units, self.pieces, self.use_bias = units, pieces, use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)

    def build(self, input_shape: Any) -> None:
        sums = self.units * self.pieces
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], sums),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(sums,), initializer=self.bias_initializer, regularizer=self.bias_regularizer
            )

    def call(self, inputs: Any) -> Any:
        sums = ops.matmul(inputs, self.kernel)
        if self.use_bias:
            sums = sums + self.bias
        return ops.max(ops.reshape(sums, (*ops.shape(inputs)[:-1], self.units, self.pieces)), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }
