"""The parts of generative networks as compiled, against numbers worked out by their formulas."""

import keras
import numpy as np
import pytest

from tests.zoo.golden import compiled, told
from tests.zoo.test_golden_sequence import compiled as example

MEAN, LOG_VAR = [0.5, -1.0], [0.2, -0.3]
PARTS = {"in": {"mean": "x", "log_var": "spread"}}


def test_a_code_is_drawn_around_its_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    # Kingma & Welling 2014, section 2.4: mean + exp(log_var/2)·eps, here for eps = (1, -1)
    monkeypatch.setattr(keras.random, "normal", lambda *_, **__: keras.ops.array([[1.0, -1.0]]))
    model = compiled({"z": {"op": "sampling", **PARTS}}, {"z": "z"}, x=[2], spread=[2])
    np.testing.assert_allclose(told(model, MEAN, spread=LOG_VAR), [1.605170918, -1.860707976], atol=1e-5)


def test_the_draws_have_the_mean_and_the_spread() -> None:
    model = compiled({"z": {"op": "sampling", **PARTS}}, {"z": "z"}, x=[2], spread=[2])
    inputs = {
        name: np.tile(np.array([value], "float32"), (20_000, 1)) for name, value in (("x", MEAN), ("spread", LOG_VAR))
    }
    found = model.predict_on_batch(inputs)
    np.testing.assert_allclose(found.mean(0), MEAN, atol=0.03)
    np.testing.assert_allclose(found.std(0), np.exp(np.divide(LOG_VAR, 2)), atol=0.03)


def test_the_divergence_from_the_standard_normal() -> None:
    # Kingma & Welling 2014, appendix B: -1/2·sum(1 + log_var - mean² - exp(log_var))
    model = compiled({"kl": {"op": "gaussian_divergence", **PARTS}}, {"kl": "kl"}, x=[2], spread=[2])
    np.testing.assert_allclose(told(model, MEAN, spread=LOG_VAR), [0.6561104894], atol=1e-5)


def test_a_discriminator_that_knows_nothing_is_worth_minus_the_logarithm_of_four() -> None:
    # Goodfellow et al. 2014, theorem 1: V = log D(x) + log(1 - D(G(z))), at D = 1/2
    model = example("gan_mnist_discriminator")
    model.set_weights([np.zeros(weight.shape) for weight in model.get_weights()])
    real, drawn = model.predict_on_batch(np.random.default_rng(1).uniform(size=(2, 784)).astype("float32"))[:, 0]
    assert abs(np.log(real) + np.log(1 - drawn) + 1.386294361) < 1e-5
