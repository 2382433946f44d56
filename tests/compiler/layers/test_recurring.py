"""An LSTM with its steps written out reads, learns and draws as Keras's own does."""

from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler.layers import recurring
from archgraph.compiler.layers.recurring import FusedLSTM
from archgraph.vocabulary import recurrent


def pair(**more: Any) -> tuple[Any, Any]:
    made = []
    for cls in (keras.layers.LSTM, FusedLSTM):
        layer = cls(6, seed=3, **more)
        layer.build((None, 7, 4))
        random = np.random.default_rng(0)
        for weight in layer.trainable_weights:
            weight.assign(random.normal(0, 0.6, weight.shape))
        made.append(layer)
    return made[0], made[1]


def numbers(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


SETTINGS = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "return_state": True},
    {"go_backwards": True, "return_sequences": True},
    {"use_bias": False},
    {"dropout": 0.3, "return_sequences": True},
]


@pytest.mark.parametrize("more", SETTINGS)
@pytest.mark.parametrize("training", [False, True])
def test_what_it_reads_and_every_gradient(more: dict[str, Any], training: bool) -> None:
    import tensorflow as tf

    x, state = tf.constant(numbers(5, 7, 4)), [tf.constant(numbers(5, 6)), tf.constant(numbers(5, 6) / 2)]

    def learn(layer: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, *state])
            outputs = keras.tree.flatten(layer(x, initial_state=state, training=training))
            loss = tf.add_n([tf.reduce_sum(tf.sin(output)) for output in outputs])
        return [*outputs, *tape.gradient(loss, [x, *state, *(w.value for w in layer.trainable_weights)])]

    plain, fused = pair(**more)
    for one, other in zip(learn(plain), tf.function(learn, autograph=False)(fused), strict=True):
        np.testing.assert_allclose(one, other, atol=3e-6)


def test_a_penalty_on_its_gradient() -> None:
    import tensorflow as tf

    x = tf.constant(numbers(5, 7, 4))

    def learn(layer: Any) -> Any:
        weights = [weight.value for weight in layer.trainable_weights]
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(layer(x) ** 2)
            penalty = tf.reduce_sum(inner.gradient(y, x) ** 2)
        return outer.gradient(penalty, weights)

    plain, fused = pair()
    expected = learn(plain)
    for one, other, traced in zip(expected, learn(fused), tf.function(learn, autograph=False)(fused), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
        np.testing.assert_allclose(one, traced, atol=2e-5)


@pytest.mark.parametrize("more", [{"recurrent_dropout": 0.5}, {"activation": "relu"}, {"dtype": "mixed_float16"}])
def test_what_it_cannot_do_is_done_by_keras(more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(recurring, "read")
    plain, fused = pair(**more)
    x = numbers(5, 7, 4)
    np.testing.assert_allclose(plain(x, training=True), fused(x, training=True), atol=1e-3)


def test_masked_steps_are_left_to_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(recurring, "read")
    plain, fused = pair()
    x, mask = numbers(5, 7, 4), np.arange(7) < np.arange(3, 8)[:, None]
    np.testing.assert_allclose(plain(x, mask=mask), fused(x, mask=mask), atol=1e-6)


def test_its_steps_are_written_out_and_long_ones_are_not() -> None:
    import tensorflow as tf

    def ops(steps: int) -> set[str]:
        layer = FusedLSTM(2)
        layer.build((None, steps, 3))
        read = tf.function(layer, autograph=False).get_concrete_function(tf.TensorSpec((None, steps, 3)))
        return {op.type for op in read.graph.get_operations()}

    assert not any("While" in op for op in ops(10))
    assert any("While" in op for op in ops(recurring.LONGEST + 1))


def test_a_file_names_keras_own_layer(tmp_path: Any) -> None:
    model = keras.Sequential([keras.layers.Input((7, 4)), FusedLSTM(6)])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.layers[0]) is keras.layers.LSTM
    x = numbers(5, 7, 4)
    np.testing.assert_allclose(model(x), again(x), atol=1e-6)


def test_analysis_knows_which_are_written_out() -> None:
    assert recurrent.WRITTEN_OUT == recurring.LONGEST
