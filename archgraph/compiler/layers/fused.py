"""Layers and updates that TensorFlow computes in one kernel where Keras writes many."""

import functools
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import LAYERS

SMALLEST_EPSILON = 1.001e-5
"""Below, cuDNN puts its own epsilon in the place of the one that is asked for; other kernels take any."""


def on_tensorflow() -> bool:
    """Whether Keras runs on TensorFlow."""
    return bool(keras.config.backend() == "tensorflow")


@functools.cache
def on_cuda() -> bool:
    """Whether TensorFlow computes on a GPU."""
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


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
            and (self.epsilon >= SMALLEST_EPSILON or not on_cuda())
            and keras.backend.standardize_dtype(inputs.dtype) in ("float32", "float16", "bfloat16")
            and self.variable_dtype == "float32"
        )

    def _fused(self, inputs: Any, training: bool) -> Any:
        import tensorflow as tf

        shape = inputs.shape
        x = inputs if len(shape) == 4 else tf.reshape(inputs, (-1, 1, 1, shape[-1]))
        weights = {
            "scale": self._number(self.gamma),
            "offset": self._number(self.beta),
            "mean": self._number(self.moving_mean),
            "variance": self._number(self.moving_variance),
        }
        if not training:
            y = tf.raw_ops.FusedBatchNormV3(x=x, **weights, epsilon=self.epsilon, is_training=False).y
        elif x.dtype == "float32" and not on_cuda():
            y = self._learn_on_cpu(tf, x, weights)
        else:
            y = self._learn(tf, x, weights)
        return y if len(shape) == 4 else tf.ensure_shape(tf.reshape(y, tf.shape(inputs)), shape)

    def _learn_on_cpu(self, tf: Any, x: Any, weights: dict[str, Any]) -> Any:
        # The oldest of the kernels: its gradient needs no zeros in the place of outputs that nothing depends on, and
        # its last output is, but for CUDA, the biased variance of the batch.
        share = 1 - self.momentum
        y, mean, _, _, biased = tf.raw_ops.FusedBatchNorm(
            x=x, **weights, epsilon=self.epsilon, is_training=True, exponential_avg_factor=share
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(weights["variance"] * self.momentum + biased * share)
        return y

    def _learn(self, tf: Any, x: Any, weights: dict[str, Any]) -> Any:
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x, **{**weights, "mean": [], "variance": []}, epsilon=self.epsilon, is_training=True
        )
        count = tf.cast(tf.size(x) // x.shape[-1], "float32")
        biased = variance * ((count - 1) / tf.maximum(count, 1))  # the kernel gives n / (n - 1) of it
        share = 1 - self.momentum
        self.moving_mean.assign(weights["mean"] * self.momentum + mean * share)
        self.moving_variance.assign(weights["variance"] * self.momentum + biased * share)
        return y

    @staticmethod
    def _number(variable: Any) -> Any:
        return ops.cast(ops.convert_to_tensor(variable), "float32")


class _Fused:
    """One kernel of TensorFlow for each weight's update, where there is one; Keras's own code where there is not."""

    def _backend_update_step(self: Any, gradients: Any, variables: Any, learning_rate: Any) -> None:
        """Move all weights: dense ones of one machine in one kernel each."""
        if not self._fusible():
            super()._backend_update_step(gradients, variables, learning_rate)  # type: ignore[misc]
            return
        import tensorflow as tf

        arguments = self._shared(tf, tf.cast(learning_rate, "float32"))
        for gradient, variable in zip(gradients, variables, strict=True):
            held = getattr(variable, "value", variable)
            held = variable if callable(held) else held  # Keras's variable holds TensorFlow's; here both are met
            if isinstance(gradient, tf.IndexedSlices) or held.dtype != tf.float32:
                self.update_step(gradient, variable, learning_rate)
            else:
                number = self._get_variable_index(variable)
                self._move(tf, held.handle, tf.cast(gradient, "float32"), number, arguments)

    def _fusible(self: Any) -> bool:
        if not on_tensorflow():
            return False
        import tensorflow as tf

        return not tf.distribute.has_strategy()

    def _shared(self: Any, tf: Any, rate: Any) -> dict[str, Any]:
        """Arguments that are the same for every weight, made once."""
        raise NotImplementedError

    def _move(self: Any, tf: Any, handle: Any, gradient: Any, number: int, arguments: dict[str, Any]) -> None:
        raise NotImplementedError


class FusedSGD(_Fused, keras.optimizers.SGD):
    """Keras's SGD, each weight's update in one kernel of TensorFlow. The formulas are Keras's."""

    def _shared(self, tf: Any, rate: Any) -> dict[str, Any]:
        if self.momentum == 0:
            return {"alpha": rate}
        return {"lr": rate, "momentum": tf.constant(self.momentum, "float32"), "use_nesterov": self.nesterov}

    def _move(self, tf: Any, handle: Any, gradient: Any, number: int, arguments: dict[str, Any]) -> None:
        if self.momentum == 0:
            tf.raw_ops.ResourceApplyGradientDescent(var=handle, delta=gradient, **arguments)
        else:
            momentum = self.momentums[number].value.handle
            tf.raw_ops.ResourceApplyKerasMomentum(var=handle, accum=momentum, grad=gradient, **arguments)


class _FusedAdam(_Fused):
    """The update of Adam in one kernel."""

    def _fusible(self: Any) -> bool:
        return super()._fusible() and not self.amsgrad

    def _shared(self: Any, tf: Any, rate: Any) -> dict[str, Any]:
        step = tf.cast(ops.convert_to_tensor(self.iterations) + 1, "float32")
        first, second = tf.constant(self.beta_1, "float32"), tf.constant(self.beta_2, "float32")
        powers = {"beta1_power": tf.pow(first, step), "beta2_power": tf.pow(second, step)}
        epsilon = tf.constant(self.epsilon, "float32")
        return {"lr": rate, "beta1": first, "beta2": second, "epsilon": epsilon, **powers}

    def _move(self: Any, tf: Any, handle: Any, gradient: Any, number: int, arguments: dict[str, Any]) -> None:
        first, second = self._momentums[number].value.handle, self._velocities[number].value.handle
        tf.raw_ops.ResourceApplyAdam(var=handle, m=first, v=second, grad=gradient, **arguments)


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
