"""An LSTM whose steps TensorFlow is told one by one, with the gradient that follows from its formula."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras

from archgraph.compiler.layers.fused import on_cuda, on_tensorflow
from archgraph.compiler.layers.registry import LAYERS

LONGEST = 100
"""Steps that are written out at most: tracing takes longer with each, and a loop does not."""


class FusedLSTM(keras.layers.LSTM):
    """Keras's LSTM, its steps written out and its gradient in closed form: a training step takes a fifth less.

    The formulas are those of `keras.layers.LSTM`. Where this cannot serve (masks, dropout of the state, other functions
    than tanh and sigmoid, sequences of unknown length or of more than `LONGEST` steps, GPUs, where Keras has cuDNN's
    kernel, other backends), Keras's own code runs.
    """

    plain_start = True
    """Its weights start as Keras's do: the compiler may draw them itself."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        if any(one is not None for one in keras.tree.flatten(mask)) or not self._fusible(sequences, bool(training)):
            return super().inner_loop(sequences, initial_state, mask, training=training)
        import tensorflow as tf

        cell = self.cell
        if training and cell.dropout:
            sequences = sequences * cell.get_dropout_mask(sequences[:, 0, :])[:, None, :]
        x = tf.transpose(sequences, (1, 0, 2))
        x = x[::-1] if self.go_backwards else x
        ahead = tf.tensordot(x, tf.convert_to_tensor(cell.kernel), 1)
        ahead = ahead if cell.bias is None else ahead + tf.convert_to_tensor(cell.bias)
        outputs, h, c = read(ahead, tf.convert_to_tensor(cell.recurrent_kernel), *initial_state)
        every = tf.transpose(outputs, (1, 0, 2)) if self.return_sequences else h[:, None]
        return h, every, [h, c]

    def _fusible(self, sequences: Any, training: bool) -> bool:
        cell, steps = self.cell, sequences.shape[1]
        return (
            on_tensorflow()
            and not on_cuda()
            and steps is not None
            and steps <= LONGEST
            and cell.implementation == 2
            and cell.activation is keras.activations.tanh
            and cell.recurrent_activation is keras.activations.sigmoid
            and not (training and cell.recurrent_dropout)
            and self.compute_dtype == self.variable_dtype == "float32"
        )


class _Step(NamedTuple):
    """What one step works out: the gates, the candidate, the state, and the function of it that is given out."""

    i: Any
    f: Any
    g: Any
    o: Any
    c: Any
    shown: Any
    h: Any


def _steps(ahead: Any, recurrent: Any, h: Any, c: Any) -> list[_Step]:
    import tensorflow as tf

    done = []
    for z in tf.unstack(ahead):
        i, f, g, o = tf.split(z + tf.matmul(h, recurrent), 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * c + i * g
        shown = tf.tanh(c)
        h = o * shown
        done.append(_Step(i, f, g, o, c, shown, h))
    return done


def _results(steps: Sequence[_Step]) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    return tf.stack([step.h for step in steps]), steps[-1].h, steps[-1].c


def read(ahead: Any, recurrent: Any, h: Any, c: Any) -> tuple[Any, Any, Any]:
    """Read a sequence: h after every step, and h and c after the last.

    Args:
        ahead: (time, batch, 4 units): the inputs' part of i, f, g, o, with the bias.
        recurrent: (units, 4 units): the weights of the state.
        h: (batch, units): the state to start from.
        c: likewise.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def run(ahead: Any, recurrent: Any, h: Any, c: Any) -> Any:
        steps = _steps(ahead, recurrent, h, c)

        def gradient(*upstream: Any) -> Any:
            return _gradient(tf, steps, (ahead, recurrent, h, c), upstream)

        return _results(steps), gradient

    found: tuple[Any, Any, Any] = run(ahead, recurrent, h, c)
    return found


def _gradient(tf: Any, steps: Sequence[_Step], inputs: Sequence[Any], upstream: Sequence[Any]) -> Any:
    """The gradient, which has a gradient of its own: penalties on gradients ask for it."""

    @tf.custom_gradient
    def first(*given: Any) -> Any:
        def second(*above: Any) -> Any:
            with tf.GradientTape() as outer:
                outer.watch(given)
                with tf.GradientTape() as inner:
                    inner.watch(given[:4])
                    results = _results(_steps(*given[:4]))
                found = inner.gradient(results, given[:4], given[4:], unconnected_gradients="zero")
            return outer.gradient(found, given, above, unconnected_gradients="zero")

        return _backwards(tf, steps, given), second

    return first(*inputs, *upstream)


def _backwards(tf: Any, steps: Sequence[_Step], given: Sequence[Any]) -> tuple[Any, ...]:
    """From the last step to the first; the weights' gradient is one product in the end."""
    _, recurrent, h, c, every, dh, dc = given
    raw, along = tf.raw_ops, []
    before = [c, *(step.c for step in steps[:-1])]
    for step, held, out in zip(reversed(steps), reversed(before), reversed(tf.unstack(every)), strict=True):
        dh = dh + out
        dc = dc + raw.TanhGrad(y=step.shown, dy=dh * step.o)
        parts = [
            raw.SigmoidGrad(y=step.i, dy=dc * step.g),
            raw.SigmoidGrad(y=step.f, dy=dc * held),
            raw.TanhGrad(y=step.g, dy=dc * step.i),
            raw.SigmoidGrad(y=step.o, dy=dh * step.shown),
        ]
        along.append(tf.concat(parts, 1))
        dh = tf.matmul(along[-1], recurrent, transpose_b=True)
        dc = dc * step.f
    ahead = tf.stack(along[::-1])
    states = tf.stack([h, *(step.h for step in steps[:-1])])
    return ahead, tf.tensordot(states, ahead, ((0, 1), (0, 1))), dh, dc


LAYERS["FusedLSTM"] = FusedLSTM
FusedLSTM.__name__, FusedLSTM.__module__ = "LSTM", "keras.layers"  # what a file names
