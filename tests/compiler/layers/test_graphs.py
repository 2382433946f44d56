"""Graph layers compute their papers' formulas. The oracle is NumPy, and Zachary's karate club worked out by hand."""

from pathlib import Path

import networkx
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.interpolate import BSpline

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor, symbol
from archgraph.vocabulary import REGISTRY
from tests.compiler.layers.single import again, draws, run, single

# figures.json, golden_numeric_checks.gcn_karate: entries of Â, its sums, and Â·1.
AHAT = {(0, 0): 0.05882352941, (0, 1): 0.07669649888, (33, 33): 0.05555555556}
TRACE, TOTAL, FROBENIUS = 8.034592205, 30.70205135, 2.423993001
OF_ONES = [1.870798213, 1.326770031, 1.297663625, 1.009562521, 0.8448746103]


def karate() -> np.ndarray:
    adjacency = networkx.to_numpy_array(networkx.karate_club_graph(), weight=None)
    assert adjacency.sum() == 156
    return adjacency


def renormalized(adjacency: np.ndarray) -> np.ndarray:
    """Kipf & Welling 2017, section 2.2."""
    looped = adjacency + np.eye(len(adjacency))
    scale = np.diag(looped.sum(1) ** -0.5)
    return scale @ looped @ scale


def test_the_renormalised_adjacency_of_the_karate_club_has_the_golden_numbers() -> None:
    model = single("graph_conv", {"units": 34, "use_bias": False, "renormalize": True}, (34, 34), (34, 34))
    model.set_weights([np.eye(34)])
    (ahat,) = run(model, [np.eye(34)], [karate()])[0]
    for place, value in AHAT.items():
        assert ahat[place] == pytest.approx(value, abs=1e-7)
    assert np.trace(ahat) == pytest.approx(TRACE, abs=1e-5)
    assert ahat.sum() == pytest.approx(TOTAL, abs=1e-4)
    assert np.linalg.norm(ahat) == pytest.approx(FROBENIUS, abs=1e-5)
    assert_allclose(ahat.sum(1)[:5], OF_ONES, atol=1e-5)


@pytest.mark.parametrize("renormalize", [True, False])
def test_graph_conv_is_the_formula_of_kipf(renormalize: bool, tmp_path: Path) -> None:
    params = {"units": 3, "renormalize": renormalize, "bias_initializer": "random_normal"}
    model = single("graph_conv", params, (34, 5), (34, 34))
    (x,), adjacency, (w, b) = draws((1, 34, 5)), karate(), model.get_weights()
    wanted = (renormalized(adjacency) if renormalize else adjacency) @ x[0] @ w + b
    assert_allclose(run(model, x, [adjacency])[0][0], wanted, atol=1e-4)
    assert_allclose(run(again(model, tmp_path), x, [adjacency])[0][0], wanted, atol=1e-4)


def test_a_node_without_edges_mixes_with_itself_alone() -> None:
    model = single("graph_conv", {"units": 2, "use_bias": False, "renormalize": True}, (3, 2), (3, 3))
    model.set_weights([np.eye(2)])
    (x,) = draws((1, 3, 2))
    assert_allclose(run(model, x, np.zeros((1, 3, 3)))[0], x, atol=1e-6)


@pytest.mark.parametrize(("bias", "count"), [(False, 576), (True, 594)])
def test_the_network_of_kipf_has_the_golden_number_of_parameters(bias: bool, count: int) -> None:
    edges, total = Tensor((34, 34)), 0
    for features, units in ((34, 16), (16, 2)):
        layer = REGISTRY["graph_conv"].make({"units": units, "use_bias": bias})
        total += sum(np.prod(weight.shape) for weight in layer.weights(Tensor((34, features)), edges))
    assert total == count


def test_multiply_adds_are_those_counted_by_hand() -> None:
    layer = REGISTRY["graph_conv"].make({"units": 3})
    assert layer.macs(Tensor((34, 5)), Tensor((34, 34))) == 34 * 5 * 3 + 34 * 34 * 3
    nodes = symbol("N")
    assert layer.infer(Tensor((nodes, 5)), Tensor((nodes, nodes))).shape == (nodes, 3)


X = np.array([[[1.0, -2.0], [3.0, 4.0], [-5.0, -6.0]]])
POOLED = [
    ("mean", None, [-1 / 3, -4 / 3]),
    ("max", None, [3, 4]),
    ("sum", None, [-1, -4]),
    ("mean", [1, 0, 1], [-2, -4]),
    ("max", [1, 0, 1], [1, -2]),
    ("sum", [1, 1, 0], [4, 2]),
    ("mean", [0, 0, 0], [0, 0]),
    ("max", [0, 0, 0], [0, 0]),
]


@pytest.mark.parametrize(("kind", "mask", "expected"), POOLED)
def test_graph_pool_sees_the_nodes_that_exist(kind: str, mask: list | None, expected: list) -> None:
    model = single("graph_pool", {"kind": kind}, (3, 2), *([(3,)] if mask else []))
    assert_allclose(run(model, X, *([[mask]] if mask else []))[0][0], expected, atol=1e-6)


def test_top_k_keeps_the_best_nodes_and_the_edges_among_them(tmp_path: Path) -> None:
    params = {"kind": "top_k", "k": 2}
    model = single("graph_pool", params, (5, 3), None, (5, 5))
    x, adjacency = draws((2, 5, 3), (2, 5, 5))
    features, edges = run(again(model, tmp_path), x, adjacency)
    (p,) = model.get_weights()[0].T
    for graph in range(2):
        scores = x[graph] @ p / np.linalg.norm(p)
        kept = np.argsort(-scores)[:2]
        gates = 1 / (1 + np.exp(-scores[kept]))
        assert_allclose(features[graph], x[graph][kept] * gates[:, None], atol=1e-5)
        assert_allclose(edges[graph], adjacency[graph][np.ix_(kept, kept)], atol=0)
    pool, nodes = REGISTRY["graph_pool"].make(params), Tensor((5, 3))
    assert [t.shape for t in pool.infer(nodes, None, Tensor((5, 5)))] == [features.shape[1:], edges.shape[1:]]
    assert [w.shape for w in pool.weights(nodes)] == [w.shape for w in model.weights]
    assert pool.macs(nodes) == 15


REFUSED = [
    ("graph_conv", {"units": 2}, [(5, 3), (5, 4)], "AG303", "rows and columns"),
    ("graph_conv", {"units": 2}, [(5, 3), (4, 4)], "AG303", "adjacency and nodes"),
    ("graph_conv", {"units": 2}, [(5,), (5, 5)], "AG301", "axes"),
    ("graph_conv", {"units": 2}, [(symbol("N"), 3), (symbol("M"), symbol("M"))], "AG305", "cannot be proven"),
    ("spectral_graph_conv", {"filters": 2}, [(5, 3), (4, 4)], "AG303", "rows of the basis"),
    ("spectral_graph_conv", {"filters": 2}, [(5, 3), (5, symbol("K"))], "AG302", "frequencies"),
    ("spectral_graph_conv", {"filters": 2, "control_points": 6}, [(5, 3), (5, 5)], "AG201", "6 control points"),
    ("chebyshev_graph_conv", {"units": 2, "order": 3}, [(5, 3), (4, 4)], "AG303", "laplacian and nodes"),
    ("graph_pool", {}, [(5, 3), (4,)], "AG303", "mask and nodes"),
    ("graph_pool", {}, [(5, 3), None, None, (4, 2)], "AG303", "rows of clusters"),
    ("graph_pool", {"kind": "top_k", "k": 2}, [(5, 3), None, (5, 5), (5, 2)], "AG403", "clusters"),
    ("graph_pool", {}, [(5, 3), None, (5, 5)], "AG403", "edges"),
    ("graph_pool", {"k": 2}, [(5, 3)], "AG210", "k belongs"),
    ("graph_pool", {"kind": "top_k"}, [(5, 3), None, (5, 5)], "AG204", "needs k"),
    ("graph_pool", {"kind": "top_k", "k": 2}, [(5, 3)], "AG403", "x alone"),
    ("graph_pool", {"kind": "top_k", "k": 6}, [(5, 3), None, (5, 5)], "AG304", "6 nodes"),
    ("graph_pool", {"kind": "top_k", "k": 6}, [(symbol("N"), 3), None, (symbol("N"),) * 2], "AG305", "may have N"),
]


@pytest.mark.parametrize(("op", "params", "shapes", "code", "words"), REFUSED)
def test_what_cannot_be_computed_is_refused(op: str, params: dict, shapes: list, code: str, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        REGISTRY[op].make(params).infer(*[shape and Tensor(shape) for shape in shapes])
    assert caught.value.code == code and words in caught.value.message


def laplacian_basis(adjacency: np.ndarray) -> np.ndarray:
    """Eigenvectors of D - A as columns, smooth ones first (Bruna et al. 2014, section 3.1)."""
    return np.linalg.eigh(np.diag(adjacency.sum(1)) - adjacency)[1].astype("float32")


def test_a_free_spectral_filter_weighs_every_frequency_by_itself(tmp_path: Path) -> None:
    params = {"filters": 2, "bias_initializer": "random_normal"}
    model = single("spectral_graph_conv", params, (34, 3), (34, 20))
    (x,), basis, (w, b) = draws((2, 34, 3)), laplacian_basis(karate())[:, :20], model.get_weights()
    assert w.shape == (20, 3, 2)
    expected = np.stack(
        [sum(basis @ np.diag(w[:, i, j]) @ basis.T @ x[..., i, None] for i in range(3))[..., 0] for j in range(2)], -1
    )
    assert_allclose(run(again(model, tmp_path), x, np.stack([basis] * 2))[0], expected + b, atol=1e-5)


def test_the_multipliers_of_a_smooth_spectral_filter_are_a_spline() -> None:
    points, frequencies = 7, 34
    model = single("spectral_graph_conv", {"filters": 2, "control_points": points}, (34, 1), (34, frequencies))
    basis, (w, _) = laplacian_basis(karate()), model.get_weights()
    assert w.shape == (points, 1, 2)
    (y,) = run(model, basis.T[..., None], np.stack([basis] * frequencies))
    knots = [0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1]
    spline = BSpline(knots, w[:, 0], 3)(np.linspace(0, 1, frequencies))
    # an eigenvector comes back as itself, times the multiplier of its frequency
    assert_allclose(y, basis.T[..., None] * spline[:, None, :], atol=1e-5)
    assert_allclose(spline[[0, -1]], w[[0, -1], 0], atol=1e-6)


def test_a_filter_on_a_ring_commutes_with_turning_it() -> None:
    ring = np.roll(np.eye(12), 1, axis=1) + np.roll(np.eye(12), -1, axis=1)
    _, basis = np.linalg.eigh(2 * np.eye(12) - ring)
    model = single("spectral_graph_conv", {"filters": 1}, (12, 1), (12, 12))
    (kernel,) = draws((12, 1, 1))
    kernel[[2, 4, 6, 8, 10]] = kernel[[1, 3, 5, 7, 9]]  # both waves of a length alike
    model.set_weights([kernel, np.zeros(1)])
    (x,) = draws((1, 12, 1))
    straight, turned = (run(model, signal, basis[None])[0] for signal in (x, np.roll(x, 3, axis=1)))
    assert_allclose(turned, np.roll(straight, 3, axis=1), atol=1e-5)


def test_the_filters_of_different_frequencies_start_as_large_as_those_of_a_dense_layer() -> None:
    model = single("spectral_graph_conv", {"filters": 40}, (50, 60), (50, 50))
    kernel = model.get_weights()[0]
    assert kernel.std() == pytest.approx(np.sqrt(2 / 100), rel=0.02)  # Glorot & Bengio 2010, over 60 + 40
    assert len(np.unique(kernel[:, 0, 0])) == 50


@pytest.mark.parametrize("order", [1, 2, 6])
def test_a_polynomial_filter_is_the_sum_of_chebyshevs_polynomials(order: int, tmp_path: Path) -> None:
    params = {"units": 3, "order": order, "bias_initializer": "random_normal"}
    model = single("chebyshev_graph_conv", params, (34, 2), (34, 34))
    adjacency = karate()
    values, vectors = np.linalg.eigh(np.diag(adjacency.sum(1)) - adjacency)
    values = 2 * values / values.max() - 1
    laplacian = vectors @ np.diag(values) @ vectors.T
    (x,), (w, b) = draws((1, 34, 2)), model.get_weights()
    # T_k(cos t) = cos(k t), on the eigenvalues
    angles = np.arccos(np.clip(values, -1, 1))
    expected = sum(vectors @ np.diag(np.cos(k * angles)) @ vectors.T @ x[0] @ w[k] for k in range(order)) + b
    assert_allclose(run(again(model, tmp_path), x, laplacian[None])[0][0], expected, atol=1e-4)


def test_a_polynomial_filter_sees_no_further_than_its_order() -> None:
    path = np.eye(8, k=1) + np.eye(8, k=-1)
    model = single("chebyshev_graph_conv", {"units": 1, "order": 3, "use_bias": False}, (8, 1), (8, 8))
    impulse = np.zeros((1, 8, 1))
    impulse[0, 0] = 1
    (y,) = run(model, impulse, path[None])
    assert (np.flatnonzero(y[0]) <= 2).all() and y[0, 2] != 0


CLUSTERS = [[1, 0], [1, 1], [0, 1]]
COARSENED = [
    ("max", None, [[3, 1], [3, 4]]),
    ("mean", None, [[2, -1], [1, 2.5]]),
    ("sum", None, [[4, -2], [2, 5]]),
    ("max", [1, 0, 0], [[1, -3], [0, 0]]),
    ("mean", [1, 0, 0], [[1, -3], [0, 0]]),
]


@pytest.mark.parametrize(("kind", "mask", "expected"), COARSENED)
def test_graph_pool_coarsens_a_graph_to_its_clusters(
    kind: str, mask: list | None, expected: list, tmp_path: Path
) -> None:
    model = single("graph_pool", {"kind": kind}, (3, 2), (3,) if mask else None, None, (3, 2))
    nodes = [[[1, -3], [3, 1], [-1, 4]]]
    given = [nodes, *([[mask]] if mask else []), [CLUSTERS]]
    assert_allclose(run(again(model, tmp_path), *given)[0][0], expected, atol=1e-6)


def test_multiply_adds_of_a_spectral_filter_are_those_counted_by_hand() -> None:
    layer = REGISTRY["spectral_graph_conv"].make({"filters": 4, "control_points": 32})
    assert layer.macs(Tensor((400, 3)), Tensor((400, 300))) == 300 * 400 * 3 + 300 * 3 * 4 + 400 * 300 * 4
    layer = REGISTRY["chebyshev_graph_conv"].make({"units": 4, "order": 5})
    assert layer.macs(Tensor((34, 3)), Tensor((34, 34))) == 4 * 34 * 34 * 3 + 5 * 34 * 3 * 4
