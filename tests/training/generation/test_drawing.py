"""Drawing leaves random streams alone, and gives the same pictures whatever is drawn together."""

from typing import Any

import keras
import numpy as np

from archgraph.training.generation.drawing import Drawer, random_states, undisturbed


def noisy() -> Any:
    """A network with noise at inference, as a generator of styles has."""
    z = keras.Input((3,), name="z")

    class Noise(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.seed_generator = keras.random.SeedGenerator(7)

        def call(self, x: Any) -> Any:
            return x + keras.random.normal(keras.ops.shape(x), seed=self.seed_generator)

    return keras.Model(z, Noise()(keras.layers.Dense(2)(z)))


def test_states_are_as_they_were_after_drawing() -> None:
    network = noisy()
    (state,) = random_states(network)
    before = np.array(state.numpy())
    latents = {"z": np.ones((5, 3), np.float32)}
    one, again, other = (Drawer(network, ("z",), "out").draw(latents, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(state.numpy(), before)
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    try:
        with undisturbed(network):
            network(latents["z"])
            raise KeyError
    except KeyError:
        np.testing.assert_array_equal(state.numpy(), before)


def test_a_picture_does_not_depend_on_how_many_are_drawn() -> None:
    z = keras.Input((3,), name="z")
    network = keras.Model(z, {"a": keras.layers.Dense(2)(z), "b": keras.layers.Dense(4)(z)})
    latents = np.random.default_rng(0).normal(size=(601, 3)).astype(np.float32)
    drawn = Drawer(network, ("z",), "b").draw({"z": latents})
    assert drawn.shape == (601, 4)
    expected = latents @ network.weights[2].numpy() + network.weights[3].numpy()
    np.testing.assert_allclose(drawn, expected, rtol=1e-5, atol=1e-6)
