"""Vectors that tell the steps of a sequence apart."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class PositionalEncoding(keras.layers.Layer):
    """y = x + P, with P of waves (sinusoidal) or of weights (learned). Input and output (batch, steps, features).

    P[t, 2i] = sin(t / L^(2i/C)), P[t, 2i+1] = cos(t / L^(2i/C)), L the `max_wavelength`, C the features. The waves are
    computed in float32, whatever the layer computes in. Source: Vaswani et al. 2017, section 3.5.
    """

    def __init__(
        self,
        kind: str = "sinusoidal",
        max_wavelength: float = 10_000,
        embeddings_initializer: Any = "random_uniform",
        embeddings_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind, self.max_wavelength = kind, max_wavelength
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        self.embeddings_regularizer = keras.regularizers.get(embeddings_regularizer)
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if self.kind == "learned":
            self.embeddings = self.add_weight(
                name="embeddings",
                shape=input_shape[1:],
                initializer=self.embeddings_initializer,
                regularizer=self.embeddings_regularizer,
            )

    def call(self, inputs: Any) -> Any:
        vectors = self.embeddings if self.kind == "learned" else self._waves(ops.shape(inputs)[1], inputs.shape[2])
        return inputs + ops.cast(vectors, inputs.dtype)

    def _waves(self, steps: Any, features: int) -> Any:
        feature = ops.arange(features)
        powers = ops.cast(2 * (feature // 2), "float32") / features
        rates = ops.power(ops.cast(float(self.max_wavelength), "float32"), -powers)
        angles = ops.expand_dims(ops.cast(ops.arange(steps), "float32"), -1) * rates
        return ops.where(feature % 2 == 0, ops.sin(angles), ops.cos(angles))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kind": self.kind,
            "max_wavelength": self.max_wavelength,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": keras.regularizers.serialize(self.embeddings_regularizer),
        }
