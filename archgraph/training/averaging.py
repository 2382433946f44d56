"""The mean of the weights at the ends of late epochs, and the moving statistics that fit it (Izmailov et al. 2018)."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.training import state
from archgraph.training.callbacks import StochasticWeightAveraging
from archgraph.training.trainees import Trainee

_STATISTICS = frozenset({"moving_mean", "moving_variance"})
_LARGE = 2.0**20
"""Far above what a batch adds to a statistic: little is then lost where the two are added in float32."""


class Averaging:
    """Keeps the mean in Keras variables, so that a run can be stopped anywhere."""

    def __init__(self, options: StochasticWeightAveraging, trainee: Trainee) -> None:
        keras = load_keras()
        self.options = options
        self.moved = [weight for role in trainee.optimizers for weight in trainee.moved(role)]
        self.means = [
            keras.Variable(np.zeros(weight.shape), dtype=weight.dtype, trainable=False, name=f"mean_{number}")
            for number, weight in enumerate(self.moved)
        ]
        self.count = keras.Variable(0, dtype="int64", trainable=False, name="averaged")

    @property
    def variables(self) -> Sequence[Any]:
        """All that must be kept."""
        return [*self.means, self.count]

    def take_in(self, done: int, epochs: int) -> None:
        """Let the weights after `done` of `epochs` epochs count, if it is their turn."""
        first = max(1, math.ceil(self.options.start * epochs))
        if done < first or (done - first) % self.options.every:
            return
        number = 1 if done == first else int(self.count) + 1  # who trains on, for more epochs, begins anew
        for mean, weight in zip(self.means, self.moved, strict=True):
            before = np.asarray(mean, np.float64) if number > 1 else 0.0
            mean.assign(before + (np.asarray(weight, np.float64) - before) / number)
        self.count.assign(number)

    def put(self) -> int:
        """Give the networks the mean, if there is one; of how many epochs it is."""
        if int(self.count):
            state.restore(self.moved, [np.asarray(mean) for mean in self.means])
        return int(self.count)


def renew_statistics(trainee: Trainee, batches: Iterable[Any]) -> int:
    """Take the statistics of batch normalisation anew, as means over all `batches`; how many variables they are.

    A batch changes a statistic from `old` to `kept * old + new`. So beginning with 0 shows `new`, beginning with
    `_LARGE` and the same random numbers shows `kept`, whatever the momentum is and however often a layer is used.
    """
    import tensorflow as tf

    every = [one for network in trainee.networks.values() for one in network.variables if one.name in _STATISTICS]
    if not every:
        return 0
    before, through = state.capture(every), tf.function(trainee.through, reduce_retracing=True)
    kept: list[Any] = []
    sums, total = [np.zeros(one.shape) for one in every], 0
    for batch in batches:
        kept = kept or _kept(trainee, every, through, batch)
        _fill(every, 0.0)
        through(batch)
        size = int(load_keras().tree.flatten(batch)[0].shape[0])
        sums = [given + size * np.asarray(one, np.float64) for given, one in zip(sums, every, strict=True)]
        total += size
    renewed = 0
    for one, given, share, old in zip(every, sums, kept, before, strict=True):
        moves = share < 1  # that of a frozen layer does not
        one.assign(np.where(moves, given / total / np.where(moves, 1 - share, 1.0), old))
        renewed += bool(moves.all())
    return renewed


def _kept(trainee: Trainee, every: Sequence[Any], through: Any, batch: Any) -> list[Any]:
    """For each statistic the share of its old value that a batch leaves."""
    states = [one for one in trainee.variables if one.name.endswith("seed_generator_state")]
    begun = state.capture(states)
    found = []
    for start in (0.0, _LARGE):
        _fill(every, start)
        state.restore(states, begun)
        through(batch)
        found.append([np.asarray(one, np.float64) for one in every])
    state.restore(states, begun)
    return [(high - low) / _LARGE for low, high in zip(*found, strict=True)]


def _fill(variables: Sequence[Any], value: float) -> None:
    for one in variables:
        one.assign(np.full(one.shape, value))
