"""Squared distances to codes."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class RadialBasis(keras.layers.Layer):
    """yᵢ = Σⱼ (xⱼ - codeᵢⱼ)². Input (batch, …, features), output (batch, …, units); the codes are (units, features).

    `fixed` codes are -1 and 1, the signs of what the initialiser draws, and are not trained.
    Source: LeCun, Bottou, Bengio & Haffner 1998, section II.B, equation 7.
    """

    def __init__(
        self,
        units: int,
        fixed: bool = False,
        codes_initializer: Any = "random_normal",
        codes_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.fixed = units, fixed
        self.codes_initializer = keras.initializers.get(codes_initializer)
        self.codes_regularizer = keras.regularizers.get(codes_regularizer)

    def build(self, input_shape: Sequence[int | None]) -> None:
        def signs(shape: Any, dtype: Any = None) -> Any:
            drawn = self.codes_initializer(shape, dtype=dtype)
            return ops.where(drawn < 0, -ops.ones_like(drawn), ops.ones_like(drawn))

        self.codes = self.add_weight(
            name="codes",
            shape=(self.units, input_shape[-1]),
            initializer=signs if self.fixed else self.codes_initializer,
            regularizer=self.codes_regularizer,
            trainable=not self.fixed,
        )

    def call(self, inputs: Any) -> Any:
        return ops.sum(ops.square(ops.expand_dims(inputs, -2) - ops.cast(self.codes, inputs.dtype)), axis=-1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "fixed": self.fixed,
            "codes_initializer": keras.initializers.serialize(self.codes_initializer),
            "codes_regularizer": keras.regularizers.serialize(self.codes_regularizer),
        }
