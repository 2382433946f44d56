"""Layers and updates that TensorFlow computes in one kernel where Keras writes many."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import LAYERS

SMALLEST_EPSILON = 1.001e-5
"""Below, cuDNN puts its own epsilon in the place of the one that is asked for."""


def on_tensorflow() -> bool:
    """Whether Keras runs on TensorFlow."""
    return bool(keras.config.backend() == "tensorflow")


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation, in one kernel of TensorFlow for the forward and one for the backward pass.

    The formulas are those of `keras.layers.BatchNormalization` (moving averages of the biased variance). Where the
    kernel cannot serve (other axes, masks, synchronised replicas, other backends), Keras's own code runs.
    """

    plain_start = True
    """Its weights start as Keras's do: the compiler may draw them itself."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if mask is not None or not self._fusible(inputs):
            return super().call(inputs, training=training, mask=mask)
        return self._fused(inputs, bool(training) and self.trainable)

    def _fusible(self, inputs: Any) -> bool:
        return (
            on_tensorflow()
            and self.axis in (-1, len(inputs.shape) - 1)
            and len(inputs.shape) > 1
            and self.center
            and self.scale
            and not self.synchronized
            and not getattr(self, "renorm", False)
            and self.epsilon >= SMALLEST_EPSILON
            and keras.backend.standardize_dtype(inputs.dtype) in ("float32", "float16", "bfloat16")
            and self.variable_dtype == "float32"
        )

    def _fused(self, inputs: Any, training: bool) -> Any:
        import tensorflow as tf

        def value(variable: Any) -> Any:
            return tf.cast(ops.convert_to_tensor(variable), "float32")

        shape = ops.shape(inputs)
        x = inputs if len(shape) == 4 else tf.reshape(inputs, (-1, 1, 1, shape[-1]))
        scale, offset = value(self.gamma), value(self.beta)
        if not training:
            mean, variance = value(self.moving_mean), value(self.moving_variance)
            y = tf.raw_ops.FusedBatchNormV3(
                x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=self.epsilon, is_training=False
            ).y
        else:
            y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=x, scale=scale, offset=offset, mean=[], variance=[], epsilon=self.epsilon, is_training=True
            )
            count = tf.cast(tf.size(x) // shape[-1], "float32")
            biased = variance * ((count - 1) / tf.maximum(count, 1))  # the kernel gives n / (n - 1) of it
            self.moving_mean.assign(value(self.moving_mean) * self.momentum + mean * (1 - self.momentum))
            self.moving_variance.assign(value(self.moving_variance) * self.momentum + biased * (1 - self.momentum))
        return tf.ensure_shape(tf.reshape(y, shape) if len(shape) != 4 else y, inputs.shape)


def _direct(gradient: Any, variable: Any) -> bool:
    """Whether an update may go straight to a variable of TensorFlow: a dense one, on one machine."""
    if not on_tensorflow():
        return False
    import tensorflow as tf

    plain = isinstance(variable.value, tf.Variable) and not isinstance(gradient, tf.IndexedSlices)
    return plain and variable.dtype == "float32" and not tf.distribute.has_strategy()


class FusedSGD(keras.optimizers.SGD):
    """Keras's SGD, each weight's update in one kernel of TensorFlow. The formulas are Keras's."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one weight."""
        if not _direct(gradient, variable):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        rate, gradient = tf.cast(learning_rate, "float32"), tf.cast(gradient, "float32")
        if self.momentum == 0:
            tf.raw_ops.ResourceApplyGradientDescent(var=variable.value.handle, alpha=rate, delta=gradient)
            return
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.value.handle,
            accum=self.momentums[self._get_variable_index(variable)].value.handle,
            lr=rate,
            grad=gradient,
            momentum=tf.constant(self.momentum, "float32"),
            use_nesterov=self.nesterov,
        )


class _FusedAdam:
    """The update of Adam in one kernel."""

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one weight."""
        if self.amsgrad or not _direct(gradient, variable):
            super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]
            return
        import tensorflow as tf

        number = self._get_variable_index(variable)
        step = tf.cast(ops.convert_to_tensor(self.iterations) + 1, "float32")
        first, second = tf.constant(self.beta_1, "float32"), tf.constant(self.beta_2, "float32")
        tf.raw_ops.ResourceApplyAdam(
            var=variable.value.handle,
            m=self._momentums[number].value.handle,
            v=self._velocities[number].value.handle,
            beta1_power=tf.pow(first, step),
            beta2_power=tf.pow(second, step),
            lr=tf.cast(learning_rate, "float32"),
            beta1=first,
            beta2=second,
            epsilon=tf.constant(self.epsilon, "float32"),
            grad=tf.cast(gradient, "float32"),
        )


class FusedAdam(_FusedAdam, keras.optimizers.Adam):
    """Keras's Adam, each weight's update in one kernel of TensorFlow. The formulas are Keras's."""


class FusedAdamW(_FusedAdam, keras.optimizers.AdamW):
    """Keras's AdamW, each weight's update in one kernel of TensorFlow. The formulas are Keras's."""


FUSED: dict[str, Any] = {"SGD": FusedSGD, "Adam": FusedAdam, "AdamW": FusedAdamW}
"""Optimisers with updates in one kernel, by the name of Keras's class."""

LAYERS["FusedBatchNormalization"] = FusedBatchNormalization

# A file tells what is computed, not by which kernel: it names Keras's own classes, and loads where archgraph is not.
FusedBatchNormalization.__name__, FusedBatchNormalization.__module__ = "BatchNormalization", "keras.layers"
for _name, _fused in FUSED.items():
    _fused.__name__, _fused.__module__ = _name, "keras.optimizers"
