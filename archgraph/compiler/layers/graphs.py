"""Layers over graphs: node features beside a dense adjacency matrix."""

from typing import Any

import keras
import numpy as np
from keras import ops

from archgraph.compiler.layers.kernels import Kernels, numbered
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
class SpectralGraphConv(Kernels):
    """Filters by frequency: y_j = V·Σ_i F_ij·Vᵀ·x_i + b_j, the F_ij diagonal.

    Inputs x (batch, nodes, features) and V (batch, nodes, frequencies), output (batch, nodes, filters). The kernel is
    (frequencies, features, filters), or with `control_points` (control_points, features, filters) of which B-splines
    make the multipliers at every frequency. Source: Bruna, Zaremba, Szlam & LeCun 2014, equation 3.2.
    """

    def __init__(self, filters: int, control_points: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.control_points = filters, control_points

    def build(self, x_shape: Sizes, basis_shape: Sizes) -> None:
        frequencies = int(basis_shape[-1] or 0)
        if self.control_points:
            self._splines = splines(self.control_points, frequencies)

        def begin(shape: Any, dtype: Any = None) -> Any:
            # Each frequency by itself: Keras would take the first axis for space and count it among the inputs.
            return ops.stack([numbered(self.kernel_initializer, row)(shape[1:], dtype) for row in range(shape[0])])

        shape = (self.control_points or frequencies, x_shape[-1], self.filters)
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=begin, regularizer=self.kernel_regularizer
        )
        self.bias = self.add_bias("bias", (self.filters,))

    def call(self, x: Any, basis: Any) -> Any:
        multipliers = ops.convert_to_tensor(self.kernel)
        if self.control_points:
            multipliers = ops.tensordot(ops.convert_to_tensor(self._splines, dtype=multipliers.dtype), multipliers, 1)
        spectrum = ops.einsum("bnk,bnf->bkf", basis, x)
        y = ops.matmul(basis, ops.einsum("bkf,kfo->bko", spectrum, multipliers))
        return y if self.bias is None else y + self.bias

    def compute_output_shape(self, x_shape: Sizes, basis_shape: Sizes) -> Sizes:
        return (*x_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "control_points": self.control_points}


def splines(points: int, places: int) -> Any:
    """Cubic B-splines, one for each of at least 4 control points, at places evenly spaced from end to end.

    Shape (places, points); each row sums to 1. Knots are evenly spaced, and fourfold at both ends. The recursion is
    that of de Boor 1972 and Cox 1972.
    """
    knots = np.concatenate([np.zeros(3), np.linspace(0, 1, points - 2), np.ones(3)])
    at = np.linspace(0, 1, places)[:, None]
    inside = (knots[:-1] <= at) & (at < knots[1:])
    inside[-1, points - 1] |= at[-1, 0] == 1  # the last interval has an end of its own
    values = inside.astype("float64")
    for degree in (1, 2, 3):
        rising, falling = knots[degree:-1] - knots[: -degree - 1], knots[degree + 1 :] - knots[1:-degree]
        left = np.divide(at - knots[: -degree - 1], rising, where=rising > 0, out=np.zeros_like(values[:, :-1]))
        right = np.divide(knots[degree + 1 :] - at, falling, where=falling > 0, out=np.zeros_like(values[:, 1:]))
        values = left * values[:, :-1] + right * values[:, 1:]
    return values.astype("float32")


@ours
class ChebyshevGraphConv(Kernels):
    """Polynomial filters: y = Σ_k T_k(L̃)·X·W_k + b, with T_k = 2·L̃·T_(k-1) - T_(k-2), T_1 = L̃ and T_0 = 1.

    Inputs X (batch, nodes, features) and L̃ (batch, nodes, nodes), output (batch, nodes, units); the kernel is
    (order, features, units). Source: Defferrard, Bresson & Vandergheynst 2016, section 2.1, equation 4.
    """

    def __init__(self, units: int, order: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.order = units, order

    def build(self, x_shape: Sizes, laplacian_shape: Sizes) -> None:
        self.kernel = self.add_kernel("kernel", (self.order, x_shape[-1], self.units))
        self.bias = self.add_bias("bias", (self.units,))

    def call(self, x: Any, laplacian: Any) -> Any:
        terms = [x]
        for degree in range(1, self.order):
            next_one = ops.matmul(laplacian, terms[-1])
            terms.append(next_one if degree == 1 else 2 * next_one - terms[-2])
        y = ops.einsum("kbnf,kfo->bno", ops.stack(terms), self.kernel)
        return y if self.bias is None else y + self.bias

    def compute_output_shape(self, x_shape: Sizes, laplacian_shape: Sizes) -> Sizes:
        return (*x_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "order": self.order}


@ours
class GraphPool(keras.layers.Layer):
    """One vector for a graph: the mean, maximum or sum of its nodes, (batch, nodes, features) -> (batch, features).

    `present` (batch, nodes) is above 0 for nodes that exist; the others are left out. Without nodes there are zeros.
    `clusters` (batch, nodes, clusters) is above 0 for the nodes of each cluster; the output is then
    (batch, clusters, features). Sources: Xu et al. 2019 ("How powerful are graph neural networks?"), sections 4.2 and
    5; Bruna et al. 2014, section 2.
    """

    def __init__(self, kind: str = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def call(self, x: Any, present: Any = None, clusters: Any = None) -> Any:
        if present is None and clusters is None:
            return {"mean": ops.mean, "max": ops.max, "sum": ops.sum}[self.kind](x, axis=1)
        belongs = None if clusters is None else ops.cast(clusters, x.dtype) > 0
        if present is not None:
            exists = ops.expand_dims(ops.cast(present, x.dtype) > 0, -1)
            belongs = exists if belongs is None else ops.logical_and(belongs, exists)
        pooled = self.pooled(ops.expand_dims(x, 2), ops.expand_dims(belongs, -1))
        return ops.squeeze(pooled, 1) if clusters is None else pooled

    def pooled(self, x: Any, belongs: Any) -> Any:
        """`x` (batch, nodes, 1, features), pooled where `belongs` (batch, nodes, clusters, 1) is true."""
        some = ops.any(belongs, axis=1)
        if self.kind == "max":
            lowest = ops.cast(-6e4 if x.dtype == "float16" else -3e38, x.dtype)
            highest = ops.max(ops.where(belongs, x, lowest), axis=1)
            return ops.where(some, highest, ops.zeros_like(highest))
        total = ops.sum(ops.where(belongs, x, ops.zeros_like(x)), axis=1)
        if self.kind == "sum":
            return total
        count = ops.sum(ops.cast(belongs, x.dtype), axis=1)
        return total / ops.where(some, count, ops.ones_like(count))

    def compute_output_shape(
        self, x_shape: Sizes, present_shape: Sizes | None = None, clusters_shape: Sizes | None = None
    ) -> Sizes:
        return (x_shape[0], x_shape[-1]) if clusters_shape is None else (x_shape[0], clusters_shape[-1], x_shape[-1])

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
