"""Embeddings that Keras lacks."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class OneHot(keras.layers.Layer):
    """Whole numbers to rows of zeros with a single one: y[p, k] = 1 where x[p] = k.

    Input (batch, …) of whole numbers, output (batch, …, num_classes) of the compute dtype. A number outside
    0 … num_classes - 1 gives zeros. Source: keras.ops.one_hot.
    """

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def call(self, inputs: Any) -> Any:
        return ops.one_hot(ops.cast(inputs, "int32"), self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.num_classes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}


@ours
class SpectralEmbedding(keras.layers.Layer):
    """An embedding whose table is divided by its largest singular value: y = (E / sigma(E))[x].

    sigma = v E u^T with v = norm(u E^T), u = norm(v E): one step of power iteration each time it trains, from the
    stored row vector `vector_u`; u and v count as constants in the gradient. Input (batch, …) of whole numbers, output
    (batch, …, output_dim). Source: Miyato, Kataoka, Koyama & Yoshida 2018, section 2.1 and algorithm 1.
    """

    # Not keras.layers.SpectralNormalization: it casts its output to its input's dtype, which is a whole number here.

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim, self.output_dim = input_dim, output_dim
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        self.embeddings_regularizer = keras.regularizers.get(embeddings_regularizer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
        )
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, self.output_dim),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
        )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        table = ops.cast(self.embeddings, "float32")
        v = _unit(ops.matmul(ops.cast(self.vector_u, "float32"), ops.transpose(table)))
        u = _unit(ops.matmul(v, table))
        v, u = ops.stop_gradient(v), ops.stop_gradient(u)
        if training:
            self.vector_u.assign(ops.cast(u, self.vector_u.dtype))
        sigma = ops.reshape(ops.matmul(ops.matmul(v, table), ops.transpose(u)), ())
        rows = ops.take(table, ops.cast(inputs, "int32"), axis=0)
        return ops.cast(rows / ops.maximum(sigma, keras.config.epsilon()), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        own = {
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": keras.regularizers.serialize(self.embeddings_regularizer),
        }
        return {**super().get_config(), **own}


def _unit(x: Any) -> Any:
    return x / ops.maximum(ops.norm(x), keras.config.epsilon())
