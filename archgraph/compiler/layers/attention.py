"""Attention that Keras lacks, or computes without showing its weights rightly."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.kernels import Kernels
from archgraph.compiler.layers.registry import ours
from archgraph.compiler.layers.spectral import add_vector, divided

Sizes = tuple[int | None, ...]


@ours
class AttentionWithScores(keras.layers.MultiHeadAttention):
    """Keras's multi-head attention (Vaswani et al. 2017, section 3.2.2) that always returns its weights too.

    Outputs: what `keras.layers.MultiHeadAttention` gives, and softmax(QKᵀ/√d) with shape (batch, heads, query axes…,
    value axes…). Keras states that shape wrongly where query and value differ in length.
    """

    def call(self, query: Any, value: Any, key: Any = None, **options: Any) -> Any:
        output, scores = super().call(query, value, key, **{**options, "return_attention_scores": True})
        # A new tensor: Keras leaves the attention mask on the scores, where a loss would take it for a mask of theirs.
        return output, ops.multiply(scores, 1)

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
        scores = _weighed(energy)
        context = ops.matmul(scores, value)
        return (ops.squeeze(context, 1), ops.squeeze(scores, 1)) if single else (context, scores)

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """Nothing that comes out is masked."""

    def compute_output_shape(self, query_shape: Sizes, value_shape: Sizes) -> tuple[Sizes, Sizes]:
        return (*query_shape[:-1], value_shape[-1]), (*query_shape[:-1], value_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@ours
class SpatialAttention(Kernels):
    """Self-attention over the cells of a picture (batch, space…, channels): y = x + γ·o.

    With f = x·W_f, g = x·W_g, h = x·W_h at every cell: β_j = softmax of f_i·g_j over the cells i, and o_j = (Σ_i
    β_ji·h_i)·W_v. γ is one number that starts at 0, so the layer starts as the identity. f and g have channels //
    `key_reduction` channels, h has channels // `value_reduction`. With `pool` above 1 the cells i are those of f
    and h after max-pooling. With `spectral_norm` each W is divided by its largest singular value, see
    `spectral.divided`. Sources: Zhang et al. 2019 ("Self-Attention GANs"), section 3; its authors' code for the
    reduction of h and the pooling.
    """

    def __init__(
        self,
        key_reduction: int = 8,
        value_reduction: int = 2,
        pool: int = 1,
        spectral_norm: bool = False,
        use_bias: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(use_bias=use_bias, **kwargs)
        self.key_reduction, self.value_reduction = key_reduction, value_reduction
        self.pool, self.spectral_norm = pool, spectral_norm

    def build(self, x_shape: Sizes) -> None:
        channels = x_shape[-1]
        assert channels is not None
        small, middle = channels // self.key_reduction, channels // self.value_reduction
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros")
        widths = {"key": (channels, small), "query": (channels, small), "value": (channels, middle)}
        widths["output"] = (middle, channels)
        self.maps = {name: (self.add_kernel(f"{name}_kernel", w), self.add_bias(f"{name}_bias", w[1:]))
                     for name, w in widths.items()}  # fmt: skip
        divided_by = widths if self.spectral_norm else {}
        self.vectors = {name: add_vector(self, f"{name}_vector_u", shape[1]) for name, shape in divided_by.items()}

    def call(self, x: Any, training: bool | None = None) -> Any:
        weights = self.weigh(x, training)
        value = _cells(self._pooled(self._mapped("value", x, training)))
        found = self._mapped("output", ops.matmul(weights, value), training)
        return x + self.gamma * ops.reshape(found, ops.shape(x))

    def weigh(self, x: Any, training: bool | None = None) -> Any:
        """β: for every cell, how much each cell that is seen matters: (batch, cells, cells that are seen)."""
        query = _cells(self._mapped("query", x, training))
        key = _cells(self._pooled(self._mapped("key", x, training)))
        return _weighed(ops.matmul(query, ops.swapaxes(key, 1, 2)))

    def _mapped(self, name: str, x: Any, training: bool | None) -> Any:
        kernel, bias = self.maps[name]
        if self.spectral_norm:
            kernel = ops.cast(divided(kernel, self.vectors[name], training), self.compute_dtype)
        y = ops.matmul(x, kernel)
        return y if bias is None else y + bias

    def _pooled(self, x: Any) -> Any:
        return x if self.pool == 1 else ops.max_pool(x, self.pool, self.pool, padding="valid")

    def compute_output_shape(self, x_shape: Sizes) -> Sizes:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "key_reduction": self.key_reduction,
            "value_reduction": self.value_reduction,
            "pool": self.pool,
            "spectral_norm": self.spectral_norm,
        }


def _weighed(energy: Any) -> Any:
    """Softmax over the last axis; Keras would warn of one place, among which there is nothing to choose."""
    return ops.ones_like(energy) if energy.shape[-1] == 1 else ops.softmax(energy, axis=-1)


def _cells(x: Any) -> Any:
    """(batch, space…, channels) -> (batch, cells, channels)."""
    return ops.reshape(x, (ops.shape(x)[0], -1, x.shape[-1]))
