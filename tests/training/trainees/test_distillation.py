"""The loss of distillation: its gradient is the closed form, and it is not what Keras's default gives."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from archgraph.training import predict, train
from archgraph.training.trainees.distillation import correction, raised, raw, softened
from tests.training.learners import make

Z = np.random.default_rng(0).normal(0, 3, (6, 5)).astype("float32")
V = np.random.default_rng(1).normal(0, 3, (6, 5)).astype("float32")


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_the_gradient_is_that_of_hinton_vinyals_and_dean(temperature: float) -> None:
    """Section 2, equation 2: dC/dz = (q - p)/T, here times T^2."""
    scores = tf.Variable(Z)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(softened(tf.constant(V), scores, temperature))
    closed = temperature * (softmax(Z / temperature) - softmax(V / temperature))
    np.testing.assert_allclose(tape.gradient(loss, scores), closed, atol=1e-5 * temperature)


def test_at_a_high_temperature_it_matches_scores_without_their_means() -> None:
    """Equation 4: dC/dz is (z - v)/(N T^2), the scores without their means; here times T^2."""
    scores = tf.Variable(Z)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(softened(tf.constant(V), scores, 1000.0))
    centred = (Z - Z.mean(-1, keepdims=True)) - (V - V.mean(-1, keepdims=True))
    np.testing.assert_allclose(tape.gradient(loss, scores), centred / Z.shape[1], atol=0.01)


def test_it_is_nothing_where_student_and_teacher_agree_and_else_the_divergence() -> None:
    np.testing.assert_allclose(softened(Z, Z + 7, 3.0), 0, atol=1e-4)
    p, q = softmax(V / 3.0), softmax(Z / 3.0)
    np.testing.assert_allclose(softened(V, Z, 3.0), 9 * (p * np.log(p / q)).sum(-1), rtol=1e-4)


def test_the_default_of_keras_is_another_loss() -> None:
    """What keras.distillation gives without a loss instance: no softmax and no T^2, so it is not used here."""
    distillation = pytest.importorskip("keras.distillation")
    given = float(np.mean(distillation.LogitsDistillation(temperature=3.0).compute_loss(V, Z)))
    assert abs(given - float(np.mean(softened(V, Z, 3.0)))) > 0.1


def test_chances_and_raw_scores_say_the_same() -> None:
    chances = keras.ops.softmax(Z)
    from_chances, from_scores = softened(raw(chances, squashed=True), Z, 4.0), softened(raw(Z, squashed=False), Z, 4.0)
    np.testing.assert_allclose(from_chances, from_scores, atol=1e-4)
    certain = np.array([[1.0, 0.0, 0.0]], "float32")
    assert np.isfinite(softened(raw(certain, squashed=True), Z[:1, :3], 1.0)).all()


def test_the_correction_is_the_middle_of_the_best_rises() -> None:
    scores = np.array([[5.0, 1.0], [4.0, 1.0], [3.0, 2.0]])
    truth = np.array([0, 1, 1])
    assert raised(scores, np.array([1]), 2.0)[2].tolist() == [3.0, 4.0]
    assert correction(scores, truth, np.array([1])) == pytest.approx(3.5, abs=0.06)  # between 3 and 4 all are right


@pytest.mark.slow
def test_a_finished_student_predicts_and_can_teach_in_its_turn(project: Path) -> None:
    run = train(make(project, "distillation", epochs=3), run_dir="runs/student", progress=False)
    assert run.load_model().get_layer("hidden").units == 12
    pictures = load_digits().images[:5, :, :, None]
    given = predict(run.path, {"image": pictures})
    assert given.outputs["label"].shape == (5, 10)
    assert given.rows()[0]["label"]["class"] in map(str, range(10))
    again = make(project, "distillation", epochs=1, objective={"teacher": "runs/student"})
    assert train(again, run_dir="runs/next", progress=False).test["agreement"] > 0
    graphs = {"student": "net.graph.json", "teacher": "teacher.graph.json"}
    named = make(project, "distillation", epochs=1, graphs=graphs)
    by_graph, by_run = (
        train(named, run_dir="a", progress=False),
        train(make(project, "distillation", epochs=1), run_dir="b"),
    )
    assert by_graph.test["soft"] == pytest.approx(by_run.test["soft"], rel=1e-5)
    parts = {"soft": 0.9, "hard": 0.1, "matching": 0.5}  # hard and matching_weight of the experiment
    assert by_run.test["loss"] == pytest.approx(sum(by_run.test[name] * share for name, share in parts.items()))
    bare = make(project, "distillation", epochs=1, objective={"teacher": "runs/teacher/model.keras"})
    assert train(bare, run_dir="c", progress=False).test["accuracy"] == pytest.approx(by_run.test["accuracy"], abs=0.2)
