"""A learned factor and a learned offset."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class Affine(keras.layers.Layer):
    """y = gamma·x + beta, with one gamma and one beta for each place along `axis`, shared along all other axes.

    Input and output of any shape (batch, …). Source: LeCun, Bottou, Bengio & Haffner 1998, section II.B, layer S2.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.axis, self.center, self.scale = axis if isinstance(axis, int) else list(axis), center, scale
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.beta_regularizer = keras.regularizers.get(beta_regularizer)
        self.gamma_regularizer = keras.regularizers.get(gamma_regularizer)

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        own = sorted(axis % rank for axis in ([self.axis] if isinstance(self.axis, int) else self.axis))
        self._stretched = tuple(input_shape[axis] if axis in own else 1 for axis in range(rank))
        shape = tuple(input_shape[axis] for axis in own)
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma", shape=shape, initializer=self.gamma_initializer, regularizer=self.gamma_regularizer
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta", shape=shape, initializer=self.beta_initializer, regularizer=self.beta_regularizer
            )

    def call(self, inputs: Any) -> Any:
        y = inputs
        if self.gamma is not None:
            y = y * ops.reshape(self.gamma, self._stretched)
        return y if self.beta is None else y + ops.reshape(self.beta, self._stretched)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": keras.initializers.serialize(self.beta_initializer),
            "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
            "beta_regularizer": keras.regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": keras.regularizers.serialize(self.gamma_regularizer),
        }
