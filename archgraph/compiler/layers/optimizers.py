"""Optimisers that Keras lacks, or whose update it gets wrong on TensorFlow."""

import math
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours

# Older releases of Keras lack the last two: then whoever asks for them is told so.


@ours
class NesterovRMSprop(keras.optimizers.RMSprop):
    """RMSProp with Nesterov's look-ahead (Goodfellow, Bengio & Courville 2016, algorithm 8.6).

    The network holds the weights at which the gradient is to be taken, w + momentum * velocity, as in Keras's SGD; both
    come to the same point when the velocity dies away.

        mean_square = rho * mean_square + (1 - rho) * gradient^2
        velocity    = momentum * velocity - rate * gradient / sqrt(mean_square + epsilon)
        weight     += momentum * velocity - rate * gradient / sqrt(mean_square + epsilon)
    """

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.9, **kwargs: Any) -> None:
        if kwargs.pop("centered", False):
            raise ValueError("NesterovRMSprop has no centered form")
        super().__init__(learning_rate=learning_rate, rho=rho, momentum=momentum, **kwargs)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one weight."""
        number = self._get_variable_index(variable)
        gradient = ops.cast(gradient, variable.dtype)
        mean_square = self._velocities[number]
        self.assign(mean_square, self.rho * mean_square + (1 - self.rho) * ops.square(gradient))
        step = ops.cast(learning_rate, variable.dtype) * gradient / ops.sqrt(mean_square + self.epsilon)
        if self.momentum == 0:
            self.assign_sub(variable, step)
            return
        velocity = self._momentums[number]
        self.assign(velocity, self.momentum * velocity - step)
        self.assign_add(variable, self.momentum * velocity - step)


@ours
class CycledSGD(keras.optimizers.SGD):
    """Descent with a momentum that falls and rises against a one-cycle rate (Smith 2018, section 4.3).

    Args:
        momentum: the highest, at both ends of the cycle and afterwards.
        lowest_momentum: that where the rate is highest.
        decay_steps: batches of the whole cycle.
        rising: share of them in which the rate climbs, so that momentum falls.
        shape: ``cosine`` or ``linear``.
        kwargs: what `keras.optimizers.SGD` takes besides.
    """

    def __init__(
        self,
        momentum: float = 0.95,
        lowest_momentum: float = 0.85,
        decay_steps: int = 1000,
        rising: float = 0.3,
        shape: str = "cosine",
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum=momentum, **kwargs)
        self.lowest_momentum, self.decay_steps, self.rising, self.shape = lowest_momentum, decay_steps, rising, shape

    def current_momentum(self) -> Any:
        """That of the next step."""
        # Batches are counted, as the rate counts them, also where several make a step.
        share = ops.minimum(ops.cast(self._iterations, "float32") / self.decay_steps, 1.0)
        fallen = ops.where(share < self.rising, share / self.rising, (1 - share) / (1 - self.rising))
        if self.shape == "cosine":
            fallen = (1 - ops.cos(math.pi * fallen)) / 2
        return self.momentum + (self.lowest_momentum - self.momentum) * fallen

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one weight."""
        velocity = self.momentums[self._get_variable_index(variable)]
        momentum = ops.cast(self.current_momentum(), variable.dtype)
        step = ops.cast(learning_rate, variable.dtype) * ops.cast(gradient, variable.dtype)
        after = momentum * velocity - step
        self.assign(velocity, after)
        self.assign_add(variable, momentum * after - step if self.nesterov else after)

    def get_config(self) -> dict[str, Any]:
        own = ("lowest_momentum", "decay_steps", "rising", "shape")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


if hasattr(keras.optimizers, "ScheduleFreeAdamW"):

    @ours
    class ScheduleFreeAdamW(keras.optimizers.ScheduleFreeAdamW):
        """Keras's Schedule-Free AdamW (Defazio et al. 2024), with the averaged weights at the end.

        Keras 3.15 works on TensorFlow with the way after a step where the formula has that before it; this does not.

            way     -= rate * gradient / (sqrt(mean_square / (1 - beta_2^t)) + epsilon)
            mean     = (1 - 1/t) * mean + way / t
            weight   = (1 - beta_1) * way + beta_1 * mean
        """

        averages = True
        """The finished model is to have other weights than those that were trained."""

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            """Move one weight."""
            number = self._get_variable_index(variable)
            way, mean_square = self._momentums[number], self._velocities[number]
            gradient = ops.cast(gradient, variable.dtype)
            step = ops.cast(self.iterations + 1, variable.dtype)
            rate = ops.cast(learning_rate, variable.dtype)
            if self.warmup_steps:
                rate = rate * ops.minimum(step / self.warmup_steps, 1.0)
            # The way begins where the weights are now: they may have been loaded since it was made.
            self.assign(way, ops.where(step < 2, variable, way))
            mean = self._mean(variable, way)  # before `way` moves
            self.assign(mean_square, self.beta_2 * mean_square + (1 - self.beta_2) * ops.square(gradient))
            corrected = mean_square / (1 - ops.power(ops.convert_to_tensor(self.beta_2, variable.dtype), step))
            self.assign_sub(way, rate * gradient / (ops.sqrt(corrected) + self.epsilon))
            mean = mean + (way - mean) / step
            self.assign(variable, (1 - self.beta_1) * way + self.beta_1 * mean)

        def _mean(self, variable: Any, way: Any) -> Any:
            return (variable - (1 - self.beta_1) * way) / self.beta_1

        def finalize_variable_values(self, var_list: Any) -> None:
            """Give the network the averaged weights."""
            for variable in var_list:
                way = self._momentums[self._get_variable_index(variable)]
                variable.assign(self._mean(variable, way))
            super().finalize_variable_values(var_list)


if hasattr(keras.optimizers, "Muon"):

    @ours
    class Muon(keras.optimizers.Muon):
        """Keras's Muon (Jordan et al. 2024) for weights of any precision; that of Keras 3.15 takes float32 only."""

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            """Move one weight."""
            rate = ops.cast(learning_rate, variable.dtype)
            super().update_step(ops.cast(gradient, variable.dtype), variable, rate)

        def lr_adjust(self, x: Any) -> Any:
            """A step of the size that Adam's have (Liu et al. 2025, equation 4)."""
            return x if self.rms_rate is None else x * (math.sqrt(max(x.shape)) * self.rms_rate)
