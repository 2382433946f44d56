"""Layers that look at many places and weigh what they find."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Flag, Integer, ListOf, Number, optional
from archgraph.record import param
from archgraph.shapes import Dim, Shape, Tensor, need_equal, need_known, need_rank, prod, show, window_output
from archgraph.vocabulary.base import (
    EVERYWHERE,
    Example,
    Family,
    Layer,
    Memory,
    Port,
    Primitive,
    Weight,
    Window,
    primitive,
)
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER, VECTOR_INITIALIZER
from archgraph.vocabulary.rules import need_float


@primitive
class Attention(Primitive):
    """Every position of `query` looks at all positions of `value` and takes what fits, in several ways at once.

    Each head projects and weighs: softmax(QKᵀ/√key_dim)·V; the heads are joined and projected again. Fed one input
    alone it is self-attention. `key` defaults to `value`. With T queries and S values, multiply-adds: the four
    projections and heads · T · S · (key_dim + value_dim); masked products are counted too.
    """

    op = "attention"
    family = Family.ATTENTION
    icon = "◎"
    source = "Vaswani et al. 2017, section 3.2; keras.layers.MultiHeadAttention"
    inputs = (
        Port("query", "what asks: (positions…, features)"),
        Port("value", "what is taken: (positions…, features); the query if absent", optional=True),
        Port("key", "what the query is compared with, one for each value; the value if absent", optional=True),
    )
    stochastic = True
    examples = (
        Example({"num_heads": 2, "key_dim": 4}, inputs=[(7, 6)], outputs=[(7, 6)]),
        Example({"num_heads": 2, "key_dim": 4, "causal": True, "dropout": 0.1}, inputs=[(7, 6)], outputs=[(7, 6)]),
        Example({"num_heads": 3, "key_dim": 4, "value_dim": 5, "output_shape": 8}, [(7, 6), (9, 3)], [(7, 8)]),
        Example(
            {"num_heads": 2, "key_dim": 4, "use_bias": False, "return_attention_scores": True},
            inputs=[(7, 6), (9, 3), (9, 2)],
            outputs=[(7, 6), (2, 7, 9)],
        ),
        Example({"num_heads": 2, "key_dim": 4}, inputs=[(3, 4, 6)], outputs=[(3, 4, 6)]),
    )

    num_heads: int = param(Integer(1), "Number of heads, each with projections of its own.")
    key_dim: int = param(Integer(1), "Size of each head's queries and keys.")
    value_dim: int | None = param(optional(Integer(1)), "Size of each head's values. Default: `key_dim`.", default=None)
    dropout: float = param(Number(0, below=1), "Share of the attention weights dropped in training.", default=0.0)
    use_bias: bool = param(Flag(), "Add learned biases to all four projections.", default=True)
    output_shape: Any = param(
        optional(AnyOf(Integer(1), ListOf(Integer(1), shortest=1, longest=3))),
        "Size of the output's last axis (or axes). Default: that of the query.",
        default=None,
    )
    causal: bool = param(Flag(), "Let no position look at later ones (use_causal_mask in Keras).", default=False)
    return_attention_scores: bool = param(
        Flag(), "Give the attention weights too, on the port `scores`: (heads, query positions, value positions).",
        default=False,
    )  # fmt: skip
    kernel_initializer: Any = param(INITIALIZER, "How the projections start.", default="glorot_uniform")
    bias_initializer: Any = param(VECTOR_INITIALIZER, "How the biases start.", default="zeros")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on the projections, added to the loss.", default=None)
    bias_regularizer: Any = param(REGULARIZER, "Penalty on the biases, added to the loss.", default=None)

    def infer(self, query: Tensor, value: Tensor | None = None, key: Tensor | None = None) -> Any:
        if key is not None and value is None:
            raise Rejected(
                "AG403", "has a key but no value", hint='name both: "in": {"query": …, "value": …, "key": …}'
            )
        value = query if value is None else value
        key = value if key is None else key
        for name, tensor in (("query", query), ("value", value), ("key", key)):
            need_rank(tensor, 2, 3, 4, what=name)
            need_float(tensor, what=name)
            need_known(tensor.shape[-1], f"the last axis of the {name}")
        if prod(value.shape[:-1]) == 1:
            message = f"attention has nothing to choose from the one element of value {show(value.shape)}"
            raise Rejected("AG201", message, hint="use dense, or a value with at least 2 elements")
        self._need_agreement(query, value, key)
        output = Tensor((*query.shape[:-1], *self._projected(query)))
        if not self.return_attention_scores:
            return output
        return output, Tensor((self.num_heads, *query.shape[:-1], *value.shape[:-1]))

    def outputs(self) -> tuple[str, ...]:
        return ("output", "scores") if self.return_attention_scores else ("output",)

    def weights(self, query: Tensor, value: Tensor | None = None, key: Tensor | None = None) -> tuple[Weight, ...]:
        value = value or query
        heads, depth = self.num_heads, self._depth()
        found: list[Weight] = []
        for name, features, size in (
            ("query", query.shape[-1], self.key_dim),
            ("key", (key or value).shape[-1], self.key_dim),
            ("value", value.shape[-1], depth),
        ):
            found += self._pair(name, (features, heads, size), (heads, size))
        out = self._projected(query)
        return (*found, *self._pair("attention_output", (heads, depth, *out), out))

    def macs(self, query: Tensor, value: Tensor | None = None, key: Tensor | None = None) -> Dim:
        value = value or query
        asked, seen, heads = prod(query.shape[:-1]), prod(value.shape[:-1]), self.num_heads
        queries = asked * query.shape[-1] * heads * self.key_dim
        keys = seen * (key or value).shape[-1] * heads * self.key_dim
        values = seen * value.shape[-1] * heads * self._depth()
        products = asked * seen * heads * (self.key_dim + self._depth())
        return queries + keys + values + products + asked * heads * self._depth() * prod(self._projected(query))

    def window(self, query: Tensor, value: Tensor | None = None, key: Tensor | None = None) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def memory(self, query: Tensor, value: Tensor | None = None, key: Tensor | None = None) -> Memory:
        value, heads = value or query, self.num_heads
        asked, seen = query.shape[:-1], value.shape[:-1]
        queries, keys = Tensor((*asked, heads, self.key_dim)), Tensor((*seen, heads, self.key_dim))
        values, taken = Tensor((*seen, heads, self._depth())), Tensor((*asked, heads, self._depth()))
        scores = Tensor((heads, *asked, *seen))
        dropped = (scores, Tensor(scores.shape, "bool")) if self.dropout else ()
        between = (queries, keys, values)
        return Memory(
            own=(*between, scores, *dropped, taken),
            scratch=(queries, keys) if self.dropout else (*between, scores, queries),
            back=(scores, queries, keys),
        )

    def lower(self, query: Tensor, *others: Tensor | None) -> Layer:
        arguments = {k: v for k, v in self.given() if k not in ("causal", "return_attention_scores")}
        if self.dropout:
            arguments["seed"] = None
        alone = not others or others[0] is None
        names: tuple[str | tuple[str, ...], ...] = (("query", "value") if alone else "query", "value", "key")
        return Layer(
            "AttentionWithScores" if self.return_attention_scores else "MultiHeadAttention",
            arguments,
            ours=self.return_attention_scores,
            keywords=names[: 1 + len(others)],
            options={"use_causal_mask": True} if self.causal else {},
        )

    def _depth(self) -> int:
        return self.key_dim if self.value_dim is None else self.value_dim

    def _projected(self, query: Tensor) -> Shape:
        if self.output_shape is None:
            return (query.shape[-1],)
        return (self.output_shape,) if isinstance(self.output_shape, int) else tuple(self.output_shape)

    def _pair(self, name: str, kernel: Shape, bias: Shape) -> list[Weight]:
        biases = [Weight(f"{name}/bias", bias)] if self.use_bias else []
        return [Weight(f"{name}/kernel", kernel), *biases]

    def _need_agreement(self, query: Tensor, value: Tensor, key: Tensor) -> None:
        if len(query.shape) != len(value.shape) or len(key.shape) != len(value.shape):
            shapes = f"query {show(query.shape)}, value {show(value.shape)} and key {show(key.shape)}"
            raise Rejected("AG301", f"needs inputs with equally many axes, got {shapes}", hint="reshape one of them")
        for of_key, of_value in zip(key.shape[:-1], value.shape[:-1], strict=True):
            need_equal(of_key, of_value, "the positions of key and value")
        if self.causal and len(query.shape) != 2:
            raise Rejected(
                "AG802",
                f"causal needs one axis of positions, got {show(query.shape)}",
                hint="reshape the positions to one axis",
                field="/causal",
            )


@primitive
class AdditiveAttention(Primitive):
    """A query looks at a list of places, decides how much each matters, and gets their weighted mean.

    e_i = u·tanh(W_a·a_i + W_d·h + b), scores = softmax(e), output = Σ scores_i·a_i, for the query h and the places a_i.
    The query is one vector (features) or several (queries, features). For Q queries, S places of C channels and F
    features, multiply-adds: S·C·units + Q·F·units + Q·S·units + Q·S·C.
    """

    op = "additive_attention"
    family = Family.ATTENTION
    icon = "⊕"
    source = "Bahdanau, Cho & Bengio 2015, section 3.1; Xu et al. 2015, section 3.1.2"
    inputs = (
        Port("query", "what asks: (features,) or (queries, features)"),
        Port("value", "the places: (places, channels)"),
    )
    examples = (
        Example({"units": 16}, inputs=[(5,), (9, 8)], outputs=[(8,), (9,)]),
        Example({"units": 16, "use_bias": False}, inputs=[(4, 5), (9, 8)], outputs=[(4, 8), (4, 9)]),
    )

    units: int = param(Integer(1), "Size of the space in which query and places are compared.")
    use_bias: bool = param(Flag(), "Add the learned bias b.", default=True)
    kernel_initializer: Any = param(INITIALIZER, "How W_a, W_d and u start.", default="glorot_uniform")
    bias_initializer: Any = param(VECTOR_INITIALIZER, "How b starts.", default="zeros")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on W_a, W_d and u, added to the loss.", default=None)
    bias_regularizer: Any = param(REGULARIZER, "Penalty on b, added to the loss.", default=None)

    def infer(self, query: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        need_rank(query, 1, 2, what="query")
        if len(value.shape) > 2:
            hint = "flatten the places with a reshape to (places, channels)"
            raise Rejected("AG301", f"the value must be (places, channels), got {show(value.shape)}", hint=hint)
        need_rank(value, 2, what="value")
        for name, tensor in (("query", query), ("value", value)):
            need_float(tensor, what=name)
            need_known(tensor.shape[-1], f"the last axis of the {name}")
        asked = query.shape[:-1]
        return Tensor((*asked, value.shape[1])), Tensor((*asked, value.shape[0]))

    def outputs(self) -> tuple[str, ...]:
        return ("output", "scores")

    def weights(self, query: Tensor, value: Tensor) -> tuple[Weight, ...]:
        units = self.units
        bias = (Weight("bias", (units,)),) if self.use_bias else ()
        kernels = Weight("value_kernel", (value.shape[1], units)), Weight("query_kernel", (query.shape[-1], units))
        return (*kernels, *bias, Weight("score_kernel", (units, 1)))

    def macs(self, query: Tensor, value: Tensor) -> Dim:
        asked, pairs = prod(query.shape[:-1]), prod(query.shape[:-1]) * value.shape[0]
        projected = prod(value.shape) * self.units + asked * query.shape[-1] * self.units
        return projected + pairs * self.units + pairs * value.shape[1]

    def window(self, query: Tensor, value: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, query: Tensor, value: Tensor) -> Layer:
        return Layer("BahdanauAttention", dict(self.given()), ours=True, keywords=("query", "value"))


@primitive
class SpatialAttention(Primitive):
    """Let every cell of a picture look at all others, so that far parts can agree: y = x + γ·o, and γ starts at 0.

    With f = x·W_f, g = x·W_g, h = x·W_h at every cell: o_j = (Σ_i softmax_i(f_i·g_j)·h_i)·W_v. `pool` 2, as in the
    authors' code, max-pools f and h and so looks at a quarter of a picture's cells. For N cells, M after pooling, of C
    channels, K in f and g and V in h, multiply-adds: N·C·(2·K + V) + N·M·(K + V) + N·V·C.
    """

    op = "spatial_attention"
    family = Family.ATTENTION
    icon = "◉"
    source = "Zhang, Goodfellow, Metaxas & Odena 2019, section 3; Wang et al. 2018 (non-local block)"
    inputs = (Port("x", "the picture: (space…, channels)"),)
    examples = (
        Example({}, inputs=[(8, 8, 16)], outputs=[(8, 8, 16)]),
        Example({"pool": 2, "spectral_norm": True}, inputs=[(9, 8, 32)], outputs=[(9, 8, 32)]),
        Example({"key_reduction": 2, "use_bias": True}, inputs=[(10, 4)], outputs=[(10, 4)]),
    )

    key_reduction: int = param(Integer(1), "Channels are divided by this (rounded down) for f and g.", default=8)
    value_reduction: int = param(Integer(1), "Channels are divided by this (rounded down) for h.", default=2)
    pool: int = param(Integer(1), "Size of the max-pooling of f and h; 1: none.", default=1)
    spectral_norm: bool = param(
        Flag(), "Divide each weight matrix by its largest singular value, estimated by power iteration.", default=False
    )
    use_bias: bool = param(Flag(), "Add learned biases to the four projections.", default=False)
    kernel_initializer: Any = param(INITIALIZER, "How the projections start.", default="glorot_uniform")
    bias_initializer: Any = param(VECTOR_INITIALIZER, "How the biases start.", default="zeros")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on the projections, added to the loss.", default=None)
    bias_regularizer: Any = param(REGULARIZER, "Penalty on the biases, added to the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        need_rank(x, 2, 3, 4)
        need_float(x)
        channels = need_known(x.shape[-1], "the number of channels")
        for name, factor in (("key_reduction", self.key_reduction), ("value_reduction", self.value_reduction)):
            if channels < factor:
                complaint = f"{channels} channels divided by {factor} leave none"
                raise Rejected("AG304", complaint, hint=f"set {name} to at most {channels}", field=f"/{name}")
        self._seen(x)
        return Tensor(x.shape)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        trained, vectors = [Weight("gamma", ())], []
        channels, small, middle = self._widths(x)
        for name, shape in (
            ("key", (channels, small)),
            ("query", (channels, small)),
            ("value", (channels, middle)),
            ("output", (middle, channels)),
        ):
            trained.append(Weight(f"{name}_kernel", shape))
            if self.use_bias:
                trained.append(Weight(f"{name}_bias", shape[1:]))
            if self.spectral_norm:
                vectors.append(Weight(f"{name}_vector_u", (1, shape[1]), trainable=False))
        return (*trained, *vectors)

    def macs(self, x: Tensor) -> Dim:
        channels, small, middle = self._widths(x)
        cells = prod(x.shape[:-1])
        products = cells * prod(self._seen(x)) * (small + middle)
        return cells * channels * (2 * small + middle) + products + cells * middle * channels

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, x: Tensor) -> Layer:
        return Layer("SpatialAttention", dict(self.given()), ours=True)

    def _widths(self, x: Tensor) -> tuple[int, int, int]:
        channels = need_known(x.shape[-1], "the number of channels")
        return channels, channels // self.key_reduction, channels // self.value_reduction

    def _seen(self, x: Tensor) -> Shape:
        """Spatial sizes of keys and values."""
        return tuple(window_output(size, self.pool, self.pool, "valid") for size in x.shape[:-1])
