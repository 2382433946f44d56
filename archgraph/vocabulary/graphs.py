"""Layers over graphs, whose nodes have features and whose edges are a matrix."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Choice, Constant, Flag, Integer, optional
from archgraph.record import param
from archgraph.shapes import Dim, Tensor, at_least, need_equal, need_known, need_rank, prod
from archgraph.vocabulary.base import EVERYWHERE, Example, Family, Layer, Port, Primitive, Weight, Window, primitive
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.weighted import Weighted

NODES = Port("x", "the nodes: (nodes, features)")


def _need_square(x: Tensor, matrix: Tensor, name: str = "adjacency") -> None:
    need_rank(matrix, 2, what=name)
    need_float(matrix, what=name)
    need_equal(matrix.shape[0], matrix.shape[1], f"the rows and columns of the {name}")
    need_equal(matrix.shape[0], x.shape[0], f"the sizes of {name} and nodes")


@primitive
class GraphConv(Weighted):
    """Every node mixes its neighbours' features and its own, then one weight matrix transforms the mixture.

    y = Â·X·W + b. The adjacency is taken as given; with `renormalize` it holds plain edges A, and the layer computes
    Â = D̃^(-1/2)·(A + I)·D̃^(-1/2), where D̃ holds the row sums of A + I. For N nodes multiply-adds:
    N · features · units + N² · units, zeros of the adjacency included.
    """

    op = "graph_conv"
    family = Family.GRAPH
    icon = "⚭"
    source = "Kipf & Welling 2017, section 2"
    inputs = (NODES, Port("adjacency", "the edges: (nodes, nodes)"))
    examples = (
        Example({"units": 16}, inputs=[(34, 34), (34, 34)], outputs=[(34, 16)]),
        Example({"units": 2, "use_bias": False, "renormalize": True}, inputs=[(34, 16), (34, 34)], outputs=[(34, 2)]),
    )

    units: int = param(Integer(1), "Number of features of each node in the output.")
    renormalize: bool = param(
        Flag(), "Add each node to its own neighbours and weigh edges by degrees; false: use the adjacency as it is.",
        default=False,
    )  # fmt: skip

    def infer(self, x: Tensor, adjacency: Tensor) -> Tensor:
        need_rank(x, 2)
        need_float(x)
        need_known(x.shape[-1], "the number of features")
        _need_square(x, adjacency)
        return Tensor((x.shape[0], self.units))

    def weights(self, x: Tensor, adjacency: Tensor) -> tuple[Weight, ...]:
        return self.kernel_and_bias((x.shape[1], self.units), self.units)

    def macs(self, x: Tensor, adjacency: Tensor) -> Dim:
        return prod(x.shape) * self.units + x.shape[0] * x.shape[0] * self.units

    def window(self, x: Tensor, adjacency: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, x: Tensor, adjacency: Tensor) -> Layer:
        arguments = {"units": self.units, "renormalize": self.renormalize, **self.weight_arguments()}
        return Layer("GraphConv", arguments, ours=True)


@primitive
class SpectralGraphConv(Weighted):
    """Filter signals on a graph by frequency: write them in the Laplacian's eigenvectors, weigh those, and write back.

    y_j = V·Σ_i F_ij·Vᵀ·x_i + b_j, where the columns of V, the port `basis`, are eigenvectors in the order of their
    eigenvalues, and the F_ij are diagonal. With `control_points` a filter is smooth along the frequencies, and so local
    on the graph: its multipliers lie on a cubic spline (B-splines, clamped at both ends, evenly spaced), and there
    are as many weights for every graph. For N nodes and K frequencies multiply-adds:
    K · (N · features + features · filters + N · filters); the spline is worked out once for all samples.
    """

    op = "spectral_graph_conv"
    family = Family.GRAPH
    icon = "♒"
    source = "Bruna, Zaremba, Szlam & LeCun 2014, section 3; B-splines: Defferrard et al. 2016, section 2.1"
    inputs = (NODES, Port("basis", "eigenvectors of the graph's Laplacian, smooth ones first: (nodes, frequencies)"))
    examples = (
        Example({"filters": 4, "control_points": 32}, inputs=[(400, 1), (400, 300)], outputs=[(400, 4)]),
        Example({"filters": 2, "use_bias": False}, inputs=[(34, 3), (34, 10)], outputs=[(34, 2)]),
    )

    filters: int = param(Integer(1), "Number of signals on the graph in the output.")
    control_points: int = param(
        AnyOf(Constant(0), Integer(4)),
        "Weights of a smooth filter, for each signal in and out. 0: a free multiplier for each frequency.",
        default=0,
    )

    def infer(self, x: Tensor, basis: Tensor) -> Tensor:
        need_rank(x, 2)
        need_rank(basis, 2, what="basis")
        need_float(x)
        need_float(basis, what="basis")
        need_known(x.shape[1], "the number of features")
        frequencies = need_known(basis.shape[1], "the number of frequencies")
        need_equal(basis.shape[0], x.shape[0], "the rows of the basis and the number of nodes")
        if self.control_points > frequencies:
            message = f"{self.control_points} control points cannot be told apart at {frequencies} frequencies"
            hint = "0 gives each frequency a multiplier of its own"
            raise Rejected("AG201", message, hint=hint, field="/control_points")
        return Tensor((x.shape[0], self.filters))

    def weights(self, x: Tensor, basis: Tensor) -> tuple[Weight, ...]:
        points = self.control_points or basis.shape[1]
        return self.kernel_and_bias((points, x.shape[1], self.filters), self.filters)

    def macs(self, x: Tensor, basis: Tensor) -> Dim:
        features = x.shape[1]
        return prod(basis.shape) * (features + self.filters) + basis.shape[1] * features * self.filters

    def window(self, x: Tensor, basis: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, x: Tensor, basis: Tensor) -> Layer:
        arguments = {"filters": self.filters, "control_points": self.control_points, **self.weight_arguments()}
        return Layer("SpectralGraphConv", arguments, ours=True)


@primitive
class ChebyshevGraphConv(Weighted):
    """Mix what is up to `order` - 1 edges away by polynomials of the Laplacian: spectral filters without eigenvectors.

    y = Σ_k T_k(L̃)·X·W_k + b with T_0 = 1, T_1 = L̃ and T_k = 2·L̃·T_(k-1) - T_(k-2). L̃, the port `laplacian`, is the
    Laplacian shifted and scaled to eigenvalues from -1 to 1: 2·L/λ_max - I. For N nodes multiply-adds:
    (order - 1) · N² · features + order · N · features · units, zeros of the Laplacian included.
    """

    op = "chebyshev_graph_conv"
    family = Family.GRAPH
    icon = "⏚"
    source = "Defferrard, Bresson & Vandergheynst 2016, section 2.1, equation 4"
    inputs = (NODES, Port("laplacian", "the scaled Laplacian: (nodes, nodes)"))
    examples = (
        Example({"units": 16, "order": 3}, inputs=[(34, 34), (34, 34)], outputs=[(34, 16)]),
        Example({"units": 2, "order": 1, "use_bias": False}, inputs=[(34, 3), (34, 34)], outputs=[(34, 2)]),
    )

    units: int = param(Integer(1), "Number of features of each node in the output.")
    order: int = param(Integer(1, 1000), "Number of polynomials; the nodes seen are less than this many edges away.")

    def infer(self, x: Tensor, laplacian: Tensor) -> Tensor:
        need_rank(x, 2)
        need_float(x)
        need_known(x.shape[1], "the number of features")
        _need_square(x, laplacian, "laplacian")
        return Tensor((x.shape[0], self.units))

    def weights(self, x: Tensor, laplacian: Tensor) -> tuple[Weight, ...]:
        return self.kernel_and_bias((self.order, x.shape[1], self.units), self.units)

    def macs(self, x: Tensor, laplacian: Tensor) -> Dim:
        return prod(x.shape) * ((self.order - 1) * x.shape[0] + self.order * self.units)

    def window(self, x: Tensor, laplacian: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, x: Tensor, laplacian: Tensor) -> Layer:
        arguments = {"units": self.units, "order": self.order, **self.weight_arguments()}
        return Layer("ChebyshevGraphConv", arguments, ours=True)


@primitive
class GraphPool(Primitive):
    """Sum up a whole graph in one vector, coarsen it, or keep only its most telling nodes.

    `kind` mean, max and sum give one vector over the nodes; with `mask`, only nodes where it is above 0 count, so that
    graphs of different sizes can share a batch. With `clusters` they give one vector for each cluster, over the nodes
    whose entry is above 0: the nodes of a coarser graph. `top_k` keeps the `k` nodes with the highest scores
    s = X·p/‖p‖, p learned: X' = X[kept]·σ(s[kept]), and the port `adjacency` gives the edges among them. Multiply-adds
    of top_k: nodes · features.
    """

    op = "graph_pool"
    family = Family.GRAPH
    icon = "⊙"
    source = (
        "Xu et al. 2019, sections 4.2 and 5; clusters: Bruna et al. 2014, section 2; top_k: Gao & Ji 2019, section 3.1"
    )
    inputs = (
        NODES,
        Port("mask", "which nodes exist: (nodes,), above 0 where one does", optional=True),
        Port("adjacency", "the edges, for top_k: (nodes, nodes)", optional=True),
        Port("clusters", "which nodes are in which cluster: (nodes, clusters), above 0 where one is", optional=True),
    )
    examples = (
        Example({}, inputs=[(34, 16)], outputs=[(16,)]),
        Example({"kind": "max"}, inputs=[(34, 16), (34,)], outputs=[(16,)]),
    )

    kind: str = param(Choice("mean", "max", "sum", "top_k"), "How nodes are pooled.", default="mean")
    k: int | None = param(optional(Integer(1)), "Number of nodes that top_k keeps.", default=None)

    def infer(
        self, x: Tensor, mask: Tensor | None = None, adjacency: Tensor | None = None, clusters: Tensor | None = None
    ) -> Any:
        need_rank(x, 2)
        need_float(x)
        if self.kind == "top_k":
            if clusters is not None:
                raise Rejected("AG403", 'kind "top_k" keeps nodes and knows no clusters', hint="leave out clusters")
            return self._infer_top_k(x, mask, adjacency)
        if self.k is not None:
            raise Rejected("AG210", f'k belongs to kind "top_k", not to "{self.kind}"', hint="leave it out", field="/k")
        if adjacency is not None:
            raise Rejected("AG403", f'kind "{self.kind}" does not look at edges', hint="leave out adjacency")
        if mask is not None:
            need_rank(mask, 1, what="mask")
            need_equal(mask.shape[0], x.shape[0], "the sizes of mask and nodes")
        if clusters is None:
            return Tensor((x.shape[1],))
        need_rank(clusters, 2, what="clusters")
        need_equal(clusters.shape[0], x.shape[0], "the rows of clusters and the number of nodes")
        return Tensor((clusters.shape[1], x.shape[1]))

    def _infer_top_k(self, x: Tensor, mask: Tensor | None, adjacency: Tensor | None) -> tuple[Tensor, Tensor]:
        if self.k is None:
            raise Rejected("AG204", 'kind "top_k" needs k, the number of nodes to keep', field="/kind")
        if adjacency is None or mask is not None:
            given = "x and mask" if mask is not None else "x alone"
            hint = 'name both: "in": {"x": …, "adjacency": …}'
            raise Rejected("AG403", f'kind "top_k" reads x and adjacency, got {given}', hint=hint)
        need_known(x.shape[1], "the number of features")
        _need_square(x, adjacency)
        enough = at_least(x.shape[0], self.k)
        if not enough:
            code, words = ("AG304", "has") if enough is False else ("AG305", "may have")
            raise Rejected(code, f"cannot keep {self.k} nodes of a graph that {words} {x.shape[0]}", field="/k")
        return Tensor((self.k, x.shape[1])), Tensor((self.k, self.k))

    def outputs(self) -> tuple[str, ...]:
        return ("output", "adjacency") if self.kind == "top_k" else ("output",)

    def weights(self, x: Tensor, *others: Tensor | None) -> tuple[Weight, ...]:
        return (Weight("kernel", (x.shape[1], 1)),) if self.kind == "top_k" else ()

    def macs(self, x: Tensor, *others: Tensor | None) -> Dim:
        return prod(x.shape) if self.kind == "top_k" else 0

    def window(self, x: Tensor, *others: Tensor | None) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, x: Tensor, *others: Tensor | None) -> Layer:
        if self.kind == "top_k":
            return Layer("TopKPool", {"k": self.k}, ours=True)
        names = ("x", "present", "adjacency", "clusters")[: 1 + len(others)]
        return Layer("GraphPool", {"kind": self.kind}, ours=True, keywords=names)
