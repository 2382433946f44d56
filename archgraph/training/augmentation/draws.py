"""Random numbers that follow from (seed, epoch, sample) alone: there is no state to be saved or lost."""

import numpy as np

from archgraph.training.data.base import Array

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _mixed(numbers: Array) -> Array:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every bit of the result hangs on every bit given."""
    with np.errstate(over="ignore"):
        numbers = (numbers ^ (numbers >> np.uint64(30))) * _FIRST
        numbers = (numbers ^ (numbers >> np.uint64(27))) * _SECOND
        return np.asarray(numbers ^ (numbers >> np.uint64(31)))


class Draws:
    """The random numbers of some samples in an epoch, for one purpose."""

    def __init__(self, seed: int, epoch: int, samples: Array, purpose: int) -> None:
        key = np.zeros(1, np.uint64)
        for part in (seed, epoch, purpose):
            key = _mixed(key + np.array([part + 1], np.uint64) * _GOLDEN)
        self._keys = _mixed(key ^ _mixed(np.asarray(samples).astype(np.uint64) + _GOLDEN))

    def uniform(self, count: int) -> Array:
        """Numbers from 0 to below 1: (samples, count)."""
        steps = np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
        return np.asarray((_mixed(self._keys[:, None] + steps) >> np.uint64(11)) * 2.0**-53)

    def seeds(self) -> Array:
        """Two whole numbers for each sample, as TensorFlow's stateless functions take them: (samples, 2)."""
        return (_mixed(self._keys[:, None] + np.array([1, 2], np.uint64) * _SECOND) >> np.uint64(1)).astype(np.int64)
