"""Attention that Keras lacks, or computes without showing its weights rightly."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.kernels import Kernels
from archgraph.compiler.layers.registry import ours

Sizes = tuple[int | None, ...]


@ours
class AttentionWithScores(keras.layers.MultiHeadAttention):
    """Keras's multi-head attention (Vaswani et al. 2017, section 3.2.2) that always returns its weights too.

    Outputs: what `keras.layers.MultiHeadAttention` gives, and softmax(QKᵀ/√d) with shape (batch, heads, query axes…,
    value axes…). Keras states that shape wrongly where query and value differ in length.
    """

    def call(self, query: Any, value: Any, key: Any = None, **options: Any) -> Any:
        return super().call(query, value, key, **{**options, "return_attention_scores": True})

    def compute_output_shape(
        self, query_shape: Sizes, value_shape: Sizes, key_shape: Sizes | None = None
    ) -> tuple[Sizes, Sizes]:
        output = super().compute_output_shape(query_shape, value_shape, key_shape)
        return output, (query_shape[0], self.num_heads, *query_shape[1:-1], *value_shape[1:-1])

    def compute_output_spec(self, query: Any, value: Any, key: Any = None, **options: Any) -> Any:
        shapes = self.compute_output_shape(query.shape, value.shape)
        return tuple(keras.KerasTensor(shape, dtype=self.compute_dtype) for shape in shapes)


@ours
class BahdanauAttention(Kernels):
    """Additive attention: e_i = u·tanh(W_a·a_i + W_d·h + b), α = softmax(e), context = Σ α_i·a_i.

    `query` h is (batch, features) or (batch, queries, features), `value` a is (batch, places, channels).
    Outputs: context (batch, [queries,] channels) and α (batch, [queries,] places). Masked places get no weight.
    Source: Bahdanau, Cho & Bengio 2015, section 3.1 and A.1.2; Xu et al. 2015 ("Show, attend and tell"), section 3.1.2.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True

    def build(self, query_shape: Sizes, value_shape: Sizes) -> None:
        self.value_kernel = self.add_kernel("value_kernel", (value_shape[-1], self.units))
        self.query_kernel = self.add_kernel("query_kernel", (query_shape[-1], self.units))
        self.bias = self.add_bias("bias", (self.units,))
        self.score_kernel = self.add_kernel("score_kernel", (self.units, 1))

    def call(self, query: Any, value: Any, query_mask: Any = None, value_mask: Any = None) -> tuple[Any, Any]:
        single = len(query.shape) == 2
        queries = ops.expand_dims(query, 1) if single else query
        asked = ops.expand_dims(ops.matmul(queries, self.query_kernel), 2)
        found = ops.expand_dims(ops.matmul(value, self.value_kernel), 1)
        mixed = asked + found if self.bias is None else asked + found + self.bias
        energy = ops.squeeze(ops.matmul(ops.tanh(mixed), self.score_kernel), -1)
        if value_mask is not None:
            hidden = ops.logical_not(ops.cast(ops.expand_dims(value_mask, 1), "bool"))
            energy = energy - ops.cast(hidden, energy.dtype) * (3e4 if energy.dtype == "float16" else 1e9)
        scores = ops.softmax(energy, axis=-1)
        context = ops.matmul(scores, value)
        return (ops.squeeze(context, 1), ops.squeeze(scores, 1)) if single else (context, scores)

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """Nothing that comes out is masked."""

    def compute_output_shape(self, query_shape: Sizes, value_shape: Sizes) -> tuple[Sizes, Sizes]:
        return (*query_shape[:-1], value_shape[-1]), (*query_shape[:-1], value_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
