"""The learning rate of every step, and a momentum that cycles with it, drawn at the end where there is a schedule."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archgraph.document.files import write_atomically
from archgraph.training.observers.base import Observer
from archgraph.training.optimizer import Optimizer, Sgd
from archgraph.training.plots.rates import schedules
from archgraph.training.schedules import ConstantRate, OneCycle, Schedule, as_schedule

if TYPE_CHECKING:
    from archgraph.training.loop import Training

MOST_POINTS = 2000
"""Of a line; Keras's figures of an epoch show only the rate at its end."""


class Rates(Observer):
    """Draws the schedule, from its formula, over all epochs that the experiment asks for."""

    def epoch_ended(self, training: "Training", row: Mapping[str, Any]) -> None:
        """Nothing: a schedule is known beforehand."""

    def ended(self, training: "Training") -> None:
        """Draw it, where one network is trained by steps that are counted here."""
        if len(training.trainee.optimizers) != 1:
            return
        (role,) = training.trainee.optimizers
        rule = training.experiment.rule(role)
        schedule = as_schedule(rule.learning_rate) if isinstance(rule, Optimizer) else None
        if schedule is None or isinstance(schedule, ConstantRate):
            return
        line = drawn(schedule, training.feed.steps, training.settings.epochs)
        momenta = cycled(rule, training.feed.steps, training.settings.epochs)
        picture = schedules(training.experiment.name, {"": line}, float(training.epoch), momenta)
        write_atomically(training.folder.picture("learning_rate"), picture)


def drawn(schedule: Schedule, steps: int, epochs: int) -> tuple[list[float], list[float]]:
    """Epochs, and the rate at each: of every step, or of as many as a line can show."""
    numbers, total = _shown(steps, epochs), steps * epochs
    return [number / steps for number in numbers], [schedule.rate(number, steps, total) for number in numbers]


def cycled(rule: Any, steps: int, epochs: int) -> tuple[list[float], list[float]] | None:
    """Epochs, and the momentum at each; None where it stays as it is."""
    schedule = as_schedule(rule.learning_rate)
    if not isinstance(rule, Sgd) or not isinstance(schedule, OneCycle) or schedule.lowest_momentum is None:
        return None
    numbers, total = _shown(steps, epochs), steps * epochs
    momenta = [schedule.momentum_at(number, rule.momentum, steps, total) for number in numbers]
    return [number / steps for number in numbers], momenta


def _shown(steps: int, epochs: int) -> range:
    """The steps that are drawn."""
    total = steps * epochs
    return range(0, total, max(1, -(-total // MOST_POINTS)))
