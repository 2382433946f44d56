"""Layers over graphs: node features beside a dense adjacency matrix."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.kernels import Kernels
from archgraph.compiler.layers.registry import ours

Sizes = tuple[int | None, ...]


@ours
class GraphConv(Kernels):
    """Graph convolution: y = Â·X·W + b, for features X (batch, nodes, features) and adjacency (batch, nodes, nodes).

    With `renormalize`, Â = D̃^(-1/2)·(A + I)·D̃^(-1/2), where D̃ is the diagonal of the row sums of A + I; otherwise the
    adjacency is taken as it is. Source: Kipf & Welling 2017, equations 2 and 8.
    """

    def __init__(self, units: int, renormalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.renormalize = units, renormalize

    def build(self, x_shape: Sizes, adjacency_shape: Sizes) -> None:
        self.kernel = self.add_kernel("kernel", (x_shape[-1], self.units))
        self.bias = self.add_bias("bias", (self.units,))

    def call(self, x: Any, adjacency: Any) -> Any:
        around = renormalized(adjacency) if self.renormalize else adjacency
        y = ops.matmul(around, ops.matmul(x, self.kernel))
        return y if self.bias is None else y + self.bias

    def compute_output_shape(self, x_shape: Sizes, adjacency_shape: Sizes) -> Sizes:
        return (*x_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "renormalize": self.renormalize}


def renormalized(adjacency: Any) -> Any:
    """D̃^(-1/2)·(A + I)·D̃^(-1/2); a node whose row sums to nothing is left without neighbours."""
    looped = adjacency + ops.eye(ops.shape(adjacency)[-1], dtype=adjacency.dtype)
    degree = ops.sum(looped, axis=-1)
    scale = ops.where(
        degree > 0, ops.rsqrt(ops.where(degree > 0, degree, ops.ones_like(degree))), ops.zeros_like(degree)
    )
    return ops.expand_dims(scale, -1) * looped * ops.expand_dims(scale, -2)


@ours
class GraphPool(keras.layers.Layer):
    """One vector for a graph: the mean, maximum or sum of its nodes, (batch, nodes, features) -> (batch, features).

    `present` (batch, nodes) is above 0 for nodes that exist; the others are left out. Without nodes there are zeros.
    Source: Xu et al. 2019 ("How powerful are graph neural networks?"), sections 4.2 and 5.
    """

    def __init__(self, kind: str = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def call(self, x: Any, present: Any = None) -> Any:
        if present is None:
            return {"mean": ops.mean, "max": ops.max, "sum": ops.sum}[self.kind](x, axis=1)
        exists = ops.expand_dims(ops.cast(present, x.dtype) > 0, -1)
        some = ops.any(exists, axis=1)
        if self.kind == "max":
            lowest = ops.cast(-6e4 if x.dtype == "float16" else -3e38, x.dtype)
            return ops.where(some, ops.max(ops.where(exists, x, lowest), axis=1), ops.zeros_like(x[:, 0]))
        total = ops.sum(ops.where(exists, x, ops.zeros_like(x)), axis=1)
        if self.kind == "sum":
            return total
        count = ops.sum(ops.cast(exists, x.dtype), axis=1)
        return total / ops.where(some, count, ops.ones_like(count))

    def compute_output_shape(self, x_shape: Sizes, present_shape: Sizes | None = None) -> Sizes:
        return (x_shape[0], x_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind}


@ours
class TopKPool(Kernels):
    """Keep the k nodes with the highest scores s = X·p/‖p‖: X' = X[kept]·σ(s[kept]), A' = A[kept, kept].

    Inputs (batch, nodes, features) and (batch, nodes, nodes); outputs (batch, k, features) and (batch, k, k), the nodes
    in the order of their scores. Source: Gao & Ji 2019 ("Graph U-Nets"), section 3.1.
    """

    def __init__(self, k: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "use_bias": False})
        self.k = k

    def build(self, x_shape: Sizes, adjacency_shape: Sizes) -> None:
        self.kernel = self.add_kernel("kernel", (x_shape[-1], 1))

    def call(self, x: Any, adjacency: Any) -> tuple[Any, Any]:
        length = ops.sqrt(ops.sum(ops.square(self.kernel)))
        scores = ops.squeeze(ops.matmul(x, self.kernel), -1) / length
        best, kept = ops.top_k(scores, self.k)
        rows = ops.expand_dims(kept, -1)
        features = ops.take_along_axis(x, rows, axis=1) * ops.expand_dims(ops.sigmoid(best), -1)
        edges = ops.take_along_axis(adjacency, rows, axis=1)
        return features, ops.take_along_axis(edges, ops.expand_dims(kept, 1), axis=2)

    def compute_output_shape(self, x_shape: Sizes, adjacency_shape: Sizes) -> tuple[Sizes, Sizes]:
        return (x_shape[0], self.k, x_shape[-1]), (x_shape[0], self.k, self.k)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}
