"""The adversarial game of the zoo's tests: its prices, its steps and its distance, on cases with known answers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.zoo.adversarial import (
    HINGE,
    NON_SATURATING,
    Game,
    Network,
    Prices,
    Rules,
    batches,
    correlated,
    frechet,
    independent,
    latents,
    raw,
)

REAL, FAKE = tf.constant([[2.0], [-1.0]]), tf.constant([[0.5], [-3.0]])
LOG = {name: np.log(1 / (1 + np.exp(-np.array(scores)))) for name, scores in {
    "real": [2, -1], "not fake": [-0.5, 3], "fake": [0.5, -3],
}.items()}  # fmt: skip


@pytest.mark.parametrize(
    ("prices", "judged", "drawn"),
    [
        (NON_SATURATING, -LOG["real"].mean() - LOG["not fake"].mean(), -LOG["fake"].mean()),
        (HINGE, (0 + 2) / 2 + (1.5 + 0) / 2, -(0.5 - 3) / 2),
    ],
    ids=["non-saturating", "hinge"],
)
def test_the_prices_are_those_of_the_papers(prices: Prices, judged: float, drawn: float) -> None:
    assert float(prices.judge(REAL, FAKE)) == pytest.approx(judged, rel=1e-6)
    assert float(prices.draw(FAKE)) == pytest.approx(drawn, rel=1e-6)


def test_a_probability_is_turned_into_the_score_it_came_from() -> None:
    scores = np.array([-9.0, -1, 0, 3, 9])
    np.testing.assert_allclose(raw(tf.constant(1 / (1 + np.exp(-scores)))), scores, rtol=1e-6)
    assert np.isfinite(raw(tf.constant([0.0, 1.0]))).all()


def test_the_distance_of_shifted_and_stretched_features_is_that_of_the_formula() -> None:
    features = np.random.default_rng(0).normal(size=(500, 6)) @ np.random.default_rng(1).normal(size=(6, 6))
    shift = np.arange(6.0)
    assert frechet(features, features) == pytest.approx(0, abs=1e-6)
    assert frechet(features, features + shift) == pytest.approx(np.square(shift).sum(), rel=1e-6)
    stretched = features.mean(0) + 3 * (features - features.mean(0))
    assert frechet(features, stretched) == pytest.approx(4 * np.trace(np.cov(features, rowvar=False)), rel=1e-6)


def test_the_simple_models_have_the_moments_that_they_promise() -> None:
    grey = 0.5 + 0.1 * np.random.default_rng(0).normal(size=(400, 2, 2, 1))
    grey[:, 0, 0] = grey[:, 1, 1]
    for model, together in ((independent, 0.0), (correlated, 1.0)):
        drawn = model(grey, 20_000).reshape(-1, 4)
        np.testing.assert_allclose(drawn.mean(0), grey.mean(0).ravel(), atol=0.01)
        np.testing.assert_allclose(drawn.std(0), grey.std(0).ravel(), atol=0.01)
        assert np.corrcoef(drawn[:, 0], drawn[:, 3])[0, 1] == pytest.approx(together, abs=0.03)


def pair() -> tuple[Network, Network]:
    """A generator of one number, z·a + b, and a discriminator that also sees a class."""
    keras.utils.set_random_seed(1)
    z = keras.Input((1,), name="z")
    drawn = keras.layers.Dense(1, name="picture")(z)
    picture, label = keras.Input((1,), name="picture"), keras.Input((), name="label", dtype="int32")
    place = keras.layers.Concatenate()([picture, keras.layers.Embedding(2, 1)(label)])
    hidden = keras.layers.Dense(16, activation="relu")(place)
    judge = keras.Model({"picture": picture, "label": label}, {"real": keras.layers.Dense(1)(hidden)})
    return Network(keras.Model(z, drawn), ("z",), ("picture",)), Network(judge, ("picture", "label"), ("real",))


def draws(drawn: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    z = drawn.normal(size=(count, 1)).astype("float32")
    return {"z": z, "label": drawn.integers(0, 2, count).astype("int32")}


@pytest.mark.parametrize("prices", [NON_SATURATING, HINGE], ids=["non-saturating", "hinge"])
def test_a_generator_of_one_number_finds_where_the_real_ones_are(prices: Prices) -> None:
    generator, discriminator = pair()
    rules = Rules(prices, lambda outputs: outputs["real"])
    game = Game(generator, discriminator, rules, rates=(1e-2, 1e-2))
    real = {"picture": np.random.default_rng(0).normal(3, 0.5, (2000, 1)).astype("float32")}
    real["label"] = np.random.default_rng(1).integers(0, 2, 2000).astype("int32")
    latent = latents(draws, 64, 1)
    assert abs(game.draw(next(latent)).mean() - 3) > 2
    game.play(batches(real, 64, 1), latent, 2500)
    assert game.draw(next(latent)).mean() == pytest.approx(3, abs=0.4)


def test_each_side_moves_its_own_weights_and_pays_what_is_asked_aside() -> None:
    generator, discriminator = pair()
    real = next(batches({"picture": np.ones((8, 1), "float32"), "label": np.zeros(8, "int32")}, 4, 0))
    latent = next(latents(draws, 4, 0))
    held = [[np.array(w) for w in side.model.get_weights()] for side in (generator, discriminator)]
    score = {"score": lambda outputs: outputs["real"]}
    aside = Rules(**score, judge_aside=lambda *_: tf.constant(100.0), draw_aside=lambda *_: tf.constant(1000.0))
    game, dearer = (Game(generator, discriminator, rules, rates=(1e-9, 1e-9)) for rules in (Rules(**score), aside))
    judged, drawn = (float(price) for price in game.step(real, latent))
    more = [float(price) for price in dearer.step(real, latent)]
    assert more == [pytest.approx(judged + 100, abs=1e-3), pytest.approx(drawn + 1000, abs=1e-3)]
    Game(generator, discriminator, Rules(**score), rates=(1e-9, 1.0)).step(real, latent)
    now = [[np.array(w) for w in side.model.get_weights()] for side in (generator, discriminator)]
    moved = [max(np.abs(a - b).max() for a, b in zip(*pair, strict=True)) for pair in zip(held, now, strict=True)]
    assert moved[0] < 1e-6 and moved[1] > 0.1


def test_a_network_takes_the_inputs_that_it_has_and_gives_outputs_by_name() -> None:
    generator, discriminator = pair()
    inputs = {"z": tf.zeros((3, 1)), "label": tf.zeros(3, "int32"), "picture": tf.ones((3, 1)), "other": tf.zeros(7)}
    assert set(generator(inputs, training=False)) == {"picture"}
    assert discriminator(inputs, training=False)["real"].shape == (3, 1)
