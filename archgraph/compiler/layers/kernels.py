"""What our layers with several kernels share: each kernel starts with random numbers of its own."""

from collections.abc import Sequence
from typing import Any

import keras


class Kernels(keras.layers.Layer):
    """A layer that makes its kernels with `add_kernel` and its biases with `add_bias`.

    All kernels start and are penalised alike, and so are all biases. With a seeded initialiser each array gets a seed
    of its own: Keras initialisers repeat themselves, and kernels that start equal could stay equal in training.
    """

    def __init__(
        self,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)

    def add_kernel(self, name: str, shape: Sequence[int | None]) -> Any:
        """A trainable array of weights."""
        initializer = numbered(self.kernel_initializer, len(self.weights))
        return self.add_weight(name=name, shape=shape, initializer=initializer, regularizer=self.kernel_regularizer)

    def add_bias(self, name: str, shape: Sequence[int | None]) -> Any:
        """A trainable array of biases, or None where there shall be none."""
        if not self.use_bias:
            return None
        initializer = numbered(self.bias_initializer, len(self.weights))
        return self.add_weight(name=name, shape=shape, initializer=initializer, regularizer=self.bias_regularizer)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }


def numbered(initializer: Any, position: int) -> Any:
    """A copy of `initializer` for the array at `position`, with other random numbers than for any other position."""
    config = initializer.get_config()
    if isinstance(config.get("seed"), int):
        config["seed"] += position
    return type(initializer).from_config(config)
