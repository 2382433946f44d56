"""The numbers that weights start from are distributed as Keras's own initialisers distribute them."""

import keras
import numpy as np
import pytest

from archgraph.compiler.filling import FILLS, Filler, fans

INITIALIZERS = [
    keras.initializers.GlorotUniform(),
    keras.initializers.GlorotNormal(),
    keras.initializers.HeUniform(),
    keras.initializers.HeNormal(),
    keras.initializers.LecunUniform(),
    keras.initializers.LecunNormal(),
    keras.initializers.VarianceScaling(2.5, "fan_out", "untruncated_normal"),
    keras.initializers.RandomNormal(0.5, 0.1),
    keras.initializers.TruncatedNormal(-0.5, 0.2),
    keras.initializers.RandomUniform(-0.3, 0.7),
    keras.initializers.Zeros(),
    keras.initializers.Ones(),
]
SHAPES = [(3, 3, 40, 64), (200, 300), (5000,)]


def drawn(
    initializer: keras.initializers.Initializer, shape: tuple[int, ...], seed: int, name: str = "w"
) -> np.ndarray:
    return Filler(initializer, FILLS[type(initializer).__name__], seed, name)(shape, "float32")


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_distribution_is_that_of_keras(initializer: keras.initializers.Initializer, shape: tuple[int, ...]) -> None:
    ours, theirs = drawn(initializer, shape, 1), np.asarray(initializer(shape, dtype="float32"))
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    deviation = theirs.std()
    assert ours.std() == pytest.approx(deviation, rel=0.05)
    assert abs(ours.mean() - theirs.mean()) <= 6 * deviation * (2 / ours.size) ** 0.5
    quantiles = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
    tolerance = 0.15 * deviation
    bounded = type(initializer).__name__ not in ("RandomNormal", "VarianceScaling")
    inner = quantiles if bounded else quantiles[1:-1]  # the extremes of an unbounded distribution vary
    assert np.allclose(np.quantile(ours, inner), np.quantile(theirs, inner), atol=tolerance)


def test_a_start_depends_on_the_seed_and_the_name_alone() -> None:
    initializer = keras.initializers.GlorotUniform()
    first = drawn(initializer, (4, 5), 1)
    assert np.array_equal(first, drawn(initializer, (4, 5), 1))
    assert not np.array_equal(first, drawn(initializer, (4, 5), 2))
    assert not np.array_equal(first, drawn(initializer, (4, 5), 1, "other"))


@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (3, 3, 8, 16)], ids=str)
def test_the_fans_are_those_of_keras(shape: tuple[int, ...]) -> None:
    from keras.src.initializers.random_initializers import compute_fans

    assert fans(shape) == tuple(map(int, compute_fans(shape)))
