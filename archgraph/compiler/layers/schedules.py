"""Learning-rate schedules that Keras lacks: functions of the number of the step, so that nothing has to be kept."""

import math
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


def _number(step: Any) -> Any:
    return ops.cast(step, keras.config.floatx())


@ours
class Cyclical(keras.optimizers.schedules.LearningRateSchedule):
    """Up and down between two rates, again and again (Smith 2017, section 3).

    Args:
        lowest: rate at which a cycle begins and ends.
        highest: rate in the middle of the first.
        step_size: steps of half a cycle.
        mode: whether the height of the triangles stays (``triangular``), halves from cycle to cycle (``triangular2``)
            or is multiplied by `gamma` at every step (``exp_range``).
        gamma: that factor.
    """

    def __init__(
        self, lowest: float, highest: float, step_size: int, mode: str = "triangular", gamma: float = 1.0
    ) -> None:
        super().__init__()
        self.lowest, self.highest, self.step_size, self.mode, self.gamma = lowest, highest, step_size, mode, gamma

    def __call__(self, step: Any) -> Any:
        number = _number(step)
        cycle = ops.floor(1 + number / (2 * self.step_size))
        height = ops.maximum(0.0, 1 - ops.abs(number / self.step_size - 2 * cycle + 1))
        if self.mode == "triangular2":
            height = height / ops.power(2.0, cycle - 1)
        elif self.mode == "exp_range":
            height = height * ops.power(self.gamma, number)
        return self.lowest + (self.highest - self.lowest) * height

    def get_config(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("lowest", "highest", "step_size", "mode", "gamma")}


@ours
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """One climb to a high rate and one long fall far below the start (1cycle, Smith & Topin 2018).

    Args:
        highest: the highest rate.
        decay_steps: steps of the whole cycle; afterwards the last rate stays.
        rising: share of them in which the rate climbs.
        start_divisor: the first rate is `highest` divided by it.
        end_divisor: the last rate is the first divided by it.
        shape: ``cosine`` or ``linear``.
    """

    def __init__(
        self,
        highest: float,
        decay_steps: int,
        rising: float = 0.3,
        start_divisor: float = 25.0,
        end_divisor: float = 10_000.0,
        shape: str = "cosine",
    ) -> None:
        super().__init__()
        self.highest, self.decay_steps, self.rising, self.shape = highest, decay_steps, rising, shape
        self.start_divisor, self.end_divisor = start_divisor, end_divisor

    def __call__(self, step: Any) -> Any:
        share = ops.minimum(_number(step) / self.decay_steps, 1.0)
        first = self.highest / self.start_divisor
        climb = self._between(first, self.highest, share / self.rising)
        fall = self._between(self.highest, first / self.end_divisor, (share - self.rising) / (1 - self.rising))
        return ops.where(share < self.rising, climb, fall)

    def _between(self, first: float, last: float, share: Any) -> Any:
        return first + (last - first) * (share if self.shape == "linear" else (1 - ops.cos(math.pi * share)) / 2)

    def get_config(self) -> dict[str, Any]:
        names = ("highest", "decay_steps", "rising", "start_divisor", "end_divisor", "shape")
        return {name: getattr(self, name) for name in names}


@ours
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """A straight climb to the start of the schedule that follows (Goyal et al. 2017, section 2.2).

    Args:
        steps: length of the climb; its last step already has the rate with which the rest begins.
        then: the schedule, or the rate, that follows; it counts its steps from the end of the climb.
        start: the rate from which it climbs.
    """

    def __init__(self, steps: int, then: Any, start: float = 0.0) -> None:
        super().__init__()
        self.steps, self.then, self.start = steps, then, start

    def _after(self, step: Any) -> Any:
        return self.then(step) if callable(self.then) else ops.convert_to_tensor(self.then, "float32")

    def __call__(self, step: Any) -> Any:
        number = _number(step)
        climb = self.start + (self._after(ops.zeros_like(number)) - self.start) * (number + 1) / self.steps
        return ops.where(number < self.steps, climb, self._after(ops.maximum(number - self.steps, 0.0)))

    def get_config(self) -> dict[str, Any]:
        return {"steps": self.steps, "then": keras.saving.serialize_keras_object(self.then), "start": self.start}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Warmup":
        return cls(**{**config, "then": keras.saving.deserialize_keras_object(config["then"])})
