"""Changes of values: noise, and two samples that become one together with their targets."""

import abc
import importlib
from typing import NamedTuple

import numpy as np

from archgraph.kinds import Number
from archgraph.record import param, record
from archgraph.training.augmentation.base import Augmentation, augmentation
from archgraph.training.augmentation.draws import Draws
from archgraph.training.data.base import Array


@augmentation
class Noise(Augmentation):
    """Add normal noise to every number of an input; targets stay clean, so an auto-encoder learns to take it away.

    Near to a penalty on large weights where the noise is small (Bishop 1995).
    """

    name = "noise"

    stddev: float = param(Number(above=0), "Standard deviation, in the units of the preprocessed data.", default=0.1)

    def strengths(self, draws: Draws) -> Array:
        """The deviation for each sample: (samples,)."""
        return np.where(draws.uniform(1)[:, 0] < self.share, self.stddev, 0.0)


class Pairs(NamedTuple):
    """Which sample of the batch is mixed into each, and how."""

    partners: Array
    """(samples,): positions in the batch."""
    kept: Array
    """(samples,): share of the sample itself."""
    boxes: Array
    """(samples, 4): top, left, bottom and right of what is pasted, as shares of the size; all 0 where none is."""


@record
class Mixing(Augmentation, abc.ABC):
    """Two samples become one. Targets must be numbers that can be mixed, such as one-hot vectors."""

    mixes = True

    alpha: float = param(
        Number(above=0, maximum=1000), "The share is drawn from Beta(alpha, alpha): small ones mix little.", default=0.2
    )

    def pairs(self, draws: Draws) -> Pairs:
        """Partners are the samples of the batch in a random order, so they too follow from (seed, epoch)."""
        drawn = draws.uniform(5)
        inverse = importlib.import_module("scipy.special").betaincinv
        kept = np.where(drawn[:, 1] < self.share, inverse(self.alpha, self.alpha, drawn[:, 0]), 1.0)
        return self._placed(np.argsort(drawn[:, 2], kind="stable"), kept, drawn[:, 3:])

    @abc.abstractmethod
    def _placed(self, partners: Array, kept: Array, places: Array) -> Pairs:
        """The pairs, given the shares that were drawn."""


@augmentation
class Mixup(Mixing):
    """Add two samples, and their targets, in random shares: λ·x + (1-λ)·x' (Zhang et al. 2018)."""

    name = "mixup"

    def _placed(self, partners: Array, kept: Array, places: Array) -> Pairs:
        return Pairs(partners, kept, np.zeros((len(kept), 4)))


@augmentation
class CutMix(Mixing):
    """Paste a box of another picture into each; targets are mixed by the areas (Yun et al. 2019)."""

    name = "cutmix"
    needs_picture = True

    alpha: float = param(
        Number(above=0, maximum=1000), "The area left is drawn from Beta(alpha, alpha); 1: any is as likely.",
        default=1.0,
    )  # fmt: skip

    def _placed(self, partners: Array, kept: Array, places: Array) -> Pairs:
        side = np.sqrt(1 - kept)[:, None]
        low, high = np.clip(places - side / 2, 0, 1), np.clip(places + side / 2, 0, 1)
        return Pairs(partners, kept, np.where(side > 0, np.concatenate([low, high], axis=1), 0.0))
