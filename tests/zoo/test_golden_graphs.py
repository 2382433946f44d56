"""Graph convolutions as compiled, on the karate club: its renormalised adjacency, worked out in NumPy."""

import networkx
import numpy as np

from tests.zoo.golden import compiled, told, weigh

CLUB = networkx.karate_club_graph()
# The edges carry weights, which the paper does not use.
ADJACENCY = networkx.to_numpy_array(CLUB, weight=None)


def smoothed(features: object) -> np.ndarray:
    """Â times the features: a graph convolution whose kernel is the unit matrix."""
    width = np.shape(features)[1]
    node = {"op": "graph_conv", "in": ["x", "a"], "units": width, "use_bias": False, "renormalize": True}
    model = compiled({"y": node}, {"y": "y"}, x=[34, width], a=[34, 34])
    weigh(model, "y", np.eye(width))
    return told(model, features, a=ADJACENCY)


def test_the_club_is_the_one_of_zachary() -> None:
    assert (len(CLUB), ADJACENCY.sum(), *ADJACENCY.sum(0)[[0, 33]]) == (34, 156, 16, 17)


def test_the_adjacency_is_renormalised() -> None:
    # Kipf & Welling 2017, section 2.2
    found = smoothed(np.eye(34))
    np.testing.assert_allclose(found[[0, 0, 33], [0, 1, 33]], [0.05882352941, 0.07669649888, 0.05555555556], atol=1e-5)
    totals = [np.trace(found), found.sum(), np.linalg.norm(found)]
    np.testing.assert_allclose(totals, [8.034592205, 30.70205135, 2.423993001], rtol=1e-5)
    values = np.linalg.eigvalsh(found)
    np.testing.assert_allclose(values[[-1, -2, 0]], [1, 0.8961420499, -0.4201102722], atol=1e-5)


def test_a_layer_sums_over_neighbours() -> None:
    expected = [1.870798213, 1.326770031, 1.297663625, 1.009562521, 0.8448746103]
    np.testing.assert_allclose(smoothed(np.ones((34, 1)))[:5, 0], expected, atol=1e-5)
