"""Functions that Keras lacks, or has only as functions."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


class Pointwise(keras.layers.Layer):  # type: ignore[misc]
    """A function of one tensor that keeps its shape and its mask."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.built = True

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
        # The difference is exactly 0 and carries the derivative; f + (x - stop(x)) keeps f exact, stop(f - x) + x would not.
        return ops.cast(inputs >= 0, inputs.dtype) + (inputs - ops.stop_gradient(inputs))


@ours
class FunctionActivation(Pointwise):
    """A function of ``keras.activations`` with arguments: f(x, **arguments).

    ``keras.layers.Activation`` stores the name of a function but none of its arguments.
    """

    def __init__(self, activation: str, arguments: Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.activation, self.arguments = activation, dict(arguments)

    def call(self, inputs: Any) -> Any:
        return keras.activations.get(self.activation)(inputs, **self.arguments)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": self.activation, "arguments": self.arguments}
