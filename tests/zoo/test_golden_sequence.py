"""Compiled networks of the zoo against numbers worked out elsewhere and against what their papers forbid."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.compiler import compile_model
from archgraph.document.load import load_graph

EXAMPLES = Path(__file__).parents[2] / "examples"


def compiled(name: str, **params: object) -> Any:
    """The Keras model of the example of that name."""
    return compile_model(infer(load_graph(EXAMPLES / f"{name}.graph.json", params)), seed=1)


def test_soft_attention_gives_the_weights_and_the_mean_of_its_formula() -> None:
    model = compiled("soft_attention", places=3, channels=2, state=2, units=2)
    weights = {"look.places.0": np.eye(2), "look.state": np.eye(2) / 2, "look.score": [[1], [2]]}
    for name, kernel in weights.items():
        layer = model.get_layer(name)
        layer.set_weights([np.array(kernel), np.zeros(len(np.array(kernel)[0]))])
    places = np.array([[[1, 0], [0, 1], [1, 1]]], "float32")
    outputs = model({"features": places, "h": np.array([[0.5, -0.5]], "float32")})
    # e = u·tanh(W_a a + W_d h) = 0.3584463152, 1.515216567, 2.118581545, worked out in NumPy
    np.testing.assert_allclose(outputs["alpha"], [[0.1000713441, 0.3181915706, 0.5817370853]], atol=1e-5)
    np.testing.assert_allclose(outputs["context"], [[0.6818084294, 0.8999286559]], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "params", "shape"),
    [
        ("made", {"pixels": 12, "units": 20}, (12,)),
        ("made", {"pixels": 12, "units": 20, "layers": 3}, (12,)),
        ("nade", {"pixels": 12, "units": 5}, (12,)),
        ("pixelcnn", {"size": 4, "width": 2, "blocks": 2}, (4, 4, 1)),
    ],
)
def test_no_pixel_is_foretold_from_itself_or_a_later_one(
    name: str, params: dict[str, int], shape: tuple[int, ...]
) -> None:
    model = compiled(name, **params)
    random = np.random.default_rng(1)
    model.set_weights([random.normal(size=weight.shape) for weight in model.get_weights()])
    x = random.uniform(size=(1, *shape)).astype("float32")
    size = x.size
    changed = np.zeros((size, size), bool)
    before = np.asarray(model(x)).reshape(-1)
    for place in range(size):
        y = x.copy()
        y.reshape(-1)[place] += 3
        changed[place] = np.asarray(model(y)).reshape(-1) != before
    assert not np.tril(changed).any()
    assert changed.any()
