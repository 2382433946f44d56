"""Positional encoding against the formula of the paper."""

import numpy as np
import pytest

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor, symbol
from tests.compiler.layers.trial import layer_for, make, run, symbolic


@pytest.mark.parametrize(("features", "length"), [(8, 10_000), (5, 10_000), (6, 100)])
def test_waves_are_those_of_the_paper(features: int, length: float) -> None:
    x = np.random.default_rng(1).normal(size=(2, 50, features)).astype("float32")
    expected = np.zeros((50, features))
    for t in range(50):
        for c in range(features):  # Vaswani et al. 2017, section 3.5
            angle = t / length ** (2 * (c // 2) / features)
            expected[t, c] = np.cos(angle) if c % 2 else np.sin(angle)
    y = run(make("positional_encoding", max_wavelength=length), x)
    np.testing.assert_allclose(y - x, np.broadcast_to(expected, x.shape), atol=1e-4)


def test_learned_vectors_are_added_to_every_example() -> None:
    x = np.zeros((2, 3, 4), "float32")
    layer = layer_for(make("positional_encoding", kind="learned"), x)
    layer.build(x.shape)
    table = np.arange(12.0).reshape(3, 4)
    layer.set_weights([table])
    np.testing.assert_array_equal(layer(x), [table, table])


def test_waves_serve_any_number_of_steps_and_weights_one() -> None:
    steps = Tensor((symbol("T"), 4))
    assert make("positional_encoding").infer(steps) == steps
    assert symbolic(make("positional_encoding"), (None, 4)) == (None, 4)
    with pytest.raises(Rejected) as caught:
        make("positional_encoding", kind="learned").infer(steps)
    assert caught.value.code == "AG302"


def test_the_first_vectors_follow_from_the_seed_and_their_penalty_reaches_the_loss() -> None:
    x = np.zeros((1, 3, 4), "float32")
    primitive = make("positional_encoding", kind="learned", embeddings_regularizer={"l2": 1})
    one, same, other = (layer_for(primitive, x, seed=seed) for seed in (1, 1, 2))
    tables = [np.asarray(layer(x)) for layer in (one, same, other)]
    np.testing.assert_array_equal(tables[0], tables[1])
    assert np.abs(tables[0] - tables[2]).max() > 1e-3
    assert float(sum(one.losses)) == pytest.approx(float(np.sum(tables[0] ** 2)), rel=1e-5)
