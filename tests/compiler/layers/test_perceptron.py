"""The perceptron's loss against the rule, applied by hand sample after sample to real flowers."""

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_iris

from archgraph.compiler.layers.perceptron import PerceptronLoss
from archgraph.training.assemble import make_optimizer
from archgraph.training.optimizer import OPTIMIZER

FLOWERS, SPECIES = load_iris(return_X_y=True)


def test_each_step_is_rosenblatts_rule_with_a_rate_of_1000_over_1000_plus_t() -> None:
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, kernel_initializer="zeros")])
    experiment: Any = SimpleNamespace(settings=SimpleNamespace(epochs=1))
    model.compile(make_optimizer(OPTIMIZER.make("perceptron"), experiment, 150), PerceptronLoss())  # type: ignore[arg-type]
    kernel, bias = np.zeros((4, 3)), np.zeros(3)
    changed = 0
    for t, place in enumerate(np.random.default_rng(0).permutation(150)[:40]):
        x, wanted = FLOWERS[place], np.eye(3)[SPECIES[place]]
        answer = (x @ kernel + bias >= 0).astype(float)
        rate = 1000 / (1000 + t)
        kernel += rate * np.outer(x, wanted - answer)
        bias += rate * (wanted - answer)
        changed += bool((wanted != answer).any())
        model.train_on_batch(x[None].astype("float32"), wanted[None])
        np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-5, atol=1e-4)
    assert 5 < changed < 40  # it was wrong at times, and at times it was right and nothing moved


@pytest.mark.parametrize(("score", "target", "loss"), [(2.0, 1, 0), (2.0, 0, 2), (-3.0, 1, 3), (-3.0, 0, 0)])
def test_the_loss_is_how_far_a_wrong_score_is_from_the_threshold(score: float, target: int, loss: float) -> None:
    assert float(PerceptronLoss()(np.array([[float(target)]]), np.array([[score]]))) == loss


def test_a_score_of_nothing_answers_yes_and_still_teaches() -> None:
    import tensorflow as tf

    score = tf.constant([[0.0]])
    with tf.GradientTape() as tape:
        tape.watch(score)
        loss = PerceptronLoss()(tf.constant([[0.0]]), score)
    assert float(tape.gradient(loss, score)[0, 0]) == 1


def test_it_goes_through_its_configuration() -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(PerceptronLoss()))
    assert type(again) is PerceptronLoss and again.reduction == "sum_over_batch_size"
