"""The learning rate of every step, drawn at the end where it follows a schedule."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archgraph.document.files import write_atomically
from archgraph.training.observers.base import Observer
from archgraph.training.optimizer import Optimizer
from archgraph.training.plots.rates import schedules
from archgraph.training.schedules import ConstantRate, Schedule, as_schedule

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
        picture = schedules(training.experiment.name, {"": line}, float(training.epoch))
        write_atomically(training.folder.picture("learning_rate"), picture)


def drawn(schedule: Schedule, steps: int, epochs: int) -> tuple[list[float], list[float]]:
    """Epochs, and the rate at each: of every step, or of as many as a line can show."""
    total = steps * epochs
    every = max(1, -(-total // MOST_POINTS))
    numbers = range(0, total, every)
    return [number / steps for number in numbers], [schedule.rate(number, steps, total) for number in numbers]
