"""Compiled networks of the zoo against numbers worked out elsewhere and against what their papers forbid."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.compiler import compile_model
from archgraph.document.load import load_graph
from tests.zoo import golden

EXAMPLES = Path(__file__).parents[2] / "examples"


def compiled(name: str, **params: object) -> Any:
    """The Keras model of the example of that name."""
    return compile_model(infer(load_graph(EXAMPLES / f"{name}.graph.json", params)), seed=1)


X = [[1.0, 2.0], [-1.0, 0.5], [0.3, -0.7]]
"""Three steps of two numbers."""


def test_an_lstm_gives_the_states_of_its_formula_at_every_step() -> None:
    record = {"op": "lstm", "in": "x", "units": 2, "return_sequences": True, "return_state": True}
    model = golden.compiled({"y": record}, {"h": "y", "last": "y.state_h", "c": "y.state_c"}, x=["T", 2])
    # Gates i, f, g, o, two columns each; a bias of 1 on f. Gers et al. 2000, without peepholes
    kernel = [[-0.2, -0.1, 0.0, 0.1, 0.2, -0.2, -0.1, 0.0], [-0.1, 0.0, 0.1, 0.2, -0.2, -0.1, 0.0, 0.1]]
    states = [[-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, -0.15], [0.0, 0.05, 0.1, 0.15, -0.15, -0.1, -0.05, 0.0]]
    golden.weigh(model, "y", kernel, states, [0, 0, 1, 1, 0, 0, 0, 0])
    h = [[-0.03754750291, -0.09817239514], [-0.1081957306, -0.02577303393], [-0.02484525116, -0.01686314931]]
    c = [[-0.0792091516, -0.1804836648], [-0.2091639593, -0.05019352261], [-0.05087638603, -0.03467174853]]
    for steps in (1, 2, 3):
        found = golden.told(model, X[:steps])
        np.testing.assert_allclose(found["h"], h[:steps], atol=1e-5)
        np.testing.assert_allclose(found["last"], h[steps - 1], atol=1e-5)
        np.testing.assert_allclose(found["c"], c[steps - 1], atol=1e-5)


def test_a_simple_recurrent_layer_gives_the_states_of_its_formula() -> None:
    model = golden.single(X, op="rnn", units=2, return_sequences=True)
    # Elman 1990: h = tanh(x·W + h·U + b)
    golden.weigh(model, "y", [[-0.2, -0.1], [-0.1, 0.0]], [[-0.15, -0.1], [0.0, 0.05]], [0.1, 0.1])
    expected = [[-0.2913126125, 0.0], [0.285533871, 0.2252038347], [0.0670690823, 0.05265805218]]
    np.testing.assert_allclose(golden.told(model, X), expected, atol=1e-5)


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
