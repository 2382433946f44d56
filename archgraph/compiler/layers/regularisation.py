"""Random disturbances that Keras lacks."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class DropPath(keras.layers.Layer):
    """In training y = x·m/(1 - rate), with one m for each example: 0 with probability `rate`, else 1. Later y = x.

    Source: Huang, Sun, Liu, Sedra & Weinberger 2016, section 3, scaled in training instead of afterwards.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        one_each = (ops.shape(inputs)[0], *(1,) * (len(inputs.shape) - 1))
        return keras.random.dropout(inputs, self.rate, noise_shape=one_each, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@ours
class MaskingNoise(keras.layers.Layer):
    """In training y = x·m, with each m 0 with probability `rate`, else 1. Afterwards y = x.

    Source: Vincent, Larochelle, Bengio & Manzagol 2008, section 2.3.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        chances = keras.random.uniform(ops.shape(inputs), dtype="float32", seed=self.seed_generator)
        return inputs * ops.cast(chances >= self.rate, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@ours
class DropConnect(keras.layers.Layer):
    """y = x·W + b; in training each weight and bias is 0 with probability `rate`, the others divided by 1 - rate.

    The choice differs between the examples of a batch (and serves all positions of one), unless `share_mask` is set.
    Source: Wan, Zeiler, Zhang, LeCun & Fergus 2013, sections 3 and 4.
    """

    def __init__(
        self,
        units: int,
        rate: float,
        share_mask: bool = False,
        seed: int | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.units, self.rate, self.share_mask, self.seed, self.use_bias = units, rate, share_mask, seed, use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.units,), initializer=self.bias_initializer, regularizer=self.bias_regularizer
            )

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            product = ops.matmul(inputs, self.kernel)
            return product + self.bias if self.use_bias else product
        masks = 1 if self.share_mask else ops.shape(inputs)[0]
        rows = ops.reshape(inputs, (ops.shape(inputs)[0], -1, inputs.shape[-1]))
        product = ops.matmul(rows, self._thinned(self.kernel, (masks, *self.kernel.shape)))
        if self.use_bias:
            product = product + self._thinned(self.bias, (masks, 1, self.units))
        return ops.reshape(product, (*ops.shape(inputs)[:-1], self.units))

    def _thinned(self, weight: Any, shape: Any) -> Any:
        return keras.random.dropout(ops.broadcast_to(weight, shape), self.rate, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "rate": self.rate,
            "share_mask": self.share_mask,
            "seed": self.seed,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }
