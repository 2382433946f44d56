"""The range test: which learning rates train a network, found by raising the rate from batch to batch.

Smith (2017), section 3.3: below some rate the loss hardly moves, then it falls, and at last it rises or diverges. The
rates between are those to train with; a cyclical schedule goes from one end to the other.
"""

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.training.beginning import begin
from archgraph.training.experiment import Experiment, load_experiment, read_experiment
from archgraph.training.folder import RunFolder
from archgraph.training.forms import is_per_output
from archgraph.training.loop import Training
from archgraph.training.optimizer import OPTIMIZER, Optimizer
from archgraph.training.planning import plan
from archgraph.training.plots.rates import range_test
from archgraph.training.report import Silent
from archgraph.training.spreading import Place

_KEPT = 0.9
"""Share of the smoothed loss that stays at each batch."""
_HOPELESS = 4.0
"""How often the lowest smoothed loss the loss may be before the test ends."""
_MARGIN = 0.1
"""The suggestion is this part of the rate at which the loss is lowest: there it is about to diverge."""
_EARLIEST = 5
"""Batches before which a smoothed loss says little."""

Progress = Callable[[int, int, float, float], None]
"""Takes the number of the batch, how many there are, the rate and the loss."""


@dataclass(frozen=True)
class RateRange:
    """What a range test has found. The rates are None where the loss never fell."""

    name: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    """Of each batch, before the step that it made."""
    smoothed: tuple[float, ...]

    @property
    def highest(self) -> float | None:
        """The rate at which the smoothed loss is lowest: above, it rises."""
        number = self._lowest()
        return None if number is None else self.rates[number]

    @property
    def steepest(self) -> float | None:
        """The rate at which the smoothed loss falls fastest over the logarithm of the rate."""
        lowest = self._lowest()
        if lowest is None:
            return None
        slopes = _slopes(self.rates, self.smoothed)
        return self.rates[min(range(_EARLIEST - 1, lowest + 1), key=slopes.__getitem__)]

    @property
    def suggestion(self) -> float | None:
        """The rate to begin with: a tenth of that at which the loss is lowest."""
        return None if self.highest is None else self.highest * _MARGIN

    @property
    def diverged(self) -> bool:
        """Whether the test was long enough to see the loss rise again."""
        return not math.isfinite(self.losses[-1]) or self.smoothed[-1] > _HOPELESS * self._best()

    def picture(self) -> bytes:
        """The plot, as PNG."""
        marks = {"suggestion": self.suggestion, "steepest": self.steepest, "lowest loss": self.highest}
        found = {name: rate for name, rate in marks.items() if rate is not None}
        return range_test(f"{self.name}: range test", self.rates, self.losses, self.smoothed, found)

    def _lowest(self) -> int | None:
        kept = range(_EARLIEST - 1, len(self.smoothed))
        number = min(kept, key=self.smoothed.__getitem__, default=None)
        return number if number is not None and self.smoothed[number] < self.smoothed[kept[0]] else None

    def _best(self) -> float:
        return min(value for value in self.smoothed if math.isfinite(value))


def find_rate(
    experiment: str | Path | Experiment,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    overrides: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> RateRange:
    """Train for `steps` batches while the rate grows by one factor from each to the next. Keeps nothing.

    Args:
        experiment: a ``.train.json`` file, or what `load_experiment` made of one. Its learning rate does not matter.
        lowest: the first rate.
        highest: the last rate; the test ends sooner where the loss diverges.
        steps: batches, with fresh ones when an epoch is over.
        overrides: entries of the file to replace, by dotted path.
        progress: told about every batch.

    Raises:
        GraphError: the experiment is refused, or there is no rate to be found (AG210).
        ValueError: the rates do not rise, or there are fewer than ten steps.
    """
    if not 0 < lowest < highest <= 1000 or steps < 10:
        raise ValueError(f"needs 0 < lowest < highest <= 1000 and 10 steps, got {lowest}, {highest} and {steps}")
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment, overrides)
    elif overrides:
        experiment = read_experiment(experiment.document, experiment.folder, overrides)
    tried = read_experiment(
        experiment.document,
        experiment.folder,
        {**(overrides or {}), "optimizer": _at(experiment, lowest), "steps_per_execution": 1, "callbacks": []},
    )
    rates = [lowest * (highest / lowest) ** (number / (steps - 1)) for number in range(steps)]
    losses: list[float] = []
    smoothed: list[float] = []
    for number, loss in enumerate(_losses(tried, rates)):
        losses.append(loss)
        smoothed.append(_smooth(losses))
        if progress is not None:
            progress(number + 1, steps, rates[number], loss)
        if not math.isfinite(loss) or (number + 1 >= _EARLIEST and smoothed[-1] > _HOPELESS * min(smoothed)):
            break
    return RateRange(tried.name, tuple(rates[: len(losses)]), tuple(losses), tuple(smoothed))


def _at(experiment: Experiment, rate: float) -> Any:
    """The optimiser of an experiment, at a fixed rate."""
    given = experiment.settings.optimizer
    if is_per_output(given):
        return {role: _one_at(experiment, value, rate, f"/optimizer/{role}") for role, value in given.items()}
    return _one_at(experiment, given, rate, "/optimizer")


def _one_at(experiment: Experiment, value: Any, rate: float, place: str) -> dict[str, Any]:
    if not isinstance(OPTIMIZER.make(value), Optimizer):
        (found,) = experiment.document.place([Diagnostic("AG210", place, "this optimiser has no learning rate")])
        raise GraphError([found])
    record = {"name": value} if isinstance(value, str) else dict(value)
    return {**record, "learning_rate": rate}


def _losses(experiment: Experiment, rates: Sequence[float]) -> Iterator[float]:
    """The loss of one batch after the other, each followed by a step at the next of `rates`."""
    planned = plan(experiment)
    with tempfile.TemporaryDirectory() as nowhere:
        training = Training(planned, RunFolder(Path(nowhere)), Silent(), {}, Place(planned.experiment, None))
        begin(training, lambda: False)
        epoch = left = 0
        for rate in rates:
            if not left:
                batches = training.feed.batches(training.trainee.order(epoch), epoch)
                epoch, left = epoch + 1, training.feed.steps
            for optimizer in training.trainee.optimizers.values():
                optimizer.learning_rate.assign(rate)
            training.trainee.reset()
            training.trainee.train(batches)
            left -= 1
            yield _loss(training.trainee.measured())


def _loss(measured: Mapping[str, float]) -> float:
    named = [value for name, value in measured.items() if name.endswith("loss")]
    return measured.get("loss", named[0] if named else math.nan)


def _smooth(losses: Sequence[float]) -> float:
    """The mean of the losses so far, the last counting most; corrected for the start, as in Adam."""
    weights = [_KEPT**age for age in range(len(losses))]
    return sum(weight * loss for weight, loss in zip(weights, reversed(losses), strict=True)) / sum(weights)


def _slopes(rates: Sequence[float], losses: Sequence[float]) -> list[float]:
    """Change of the loss over that of the logarithm of the rate, at every rate, from its two neighbours."""
    last = len(rates) - 1
    pairs = [(max(0, number - 1), min(last, number + 1)) for number in range(len(rates))]
    return [(losses[b] - losses[a]) / math.log(rates[b] / rates[a]) for a, b in pairs]
