"""What the training loop asks of networks in training, whatever they are trained for."""

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Dataset, Part
from archgraph.training.feed import Feed, order
from archgraph.training.planning import Plan


class Trainee(abc.ABC):
    """Networks in training. Everything that changes is a Keras variable, so that a run can be stopped anywhere.

    Random numbers are drawn by seeds worked out from the experiment's seed and the number of the step, or from the
    state of a Keras seed generator among `variables`: never from anywhere else.
    """

    def __init__(self, plan: Plan, dataset: Dataset, networks: Mapping[str, Any]) -> None:
        self.plan, self.experiment, self.settings = plan, plan.experiment, plan.experiment.settings
        self.dataset = dataset
        self.networks = networks
        """Keras models by role."""

    @property
    @abc.abstractmethod
    def variables(self) -> Sequence[Any]:
        """All that changes in training, each once, in a fixed order: weights, optimisers, figures of the epoch."""

    @property
    @abc.abstractmethod
    def optimizers(self) -> Mapping[str, Any]:
        """The Keras optimisers by the role of what they move."""

    @property
    def weights(self) -> list[Any]:
        """All variables of the networks."""
        found = {id(weight): weight for network in self.networks.values() for weight in network.weights}
        return list(found.values())

    @abc.abstractmethod
    def train(self, batches: Iterator[Any]) -> None:
        """Take ``steps_per_execution`` batches, or what is left of them, and learn."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Forget the figures of the epoch."""

    @abc.abstractmethod
    def measured(self) -> dict[str, float]:
        """The figures of the epoch so far."""

    @abc.abstractmethod
    def evaluate(self, feed: Feed) -> dict[str, float]:
        """The figures on other data; those of the epoch are forgotten."""

    def through(self, batch: Any) -> None:
        """Let a batch through the networks in training mode, and learn nothing; for trainees whose weights average."""
        raise NotImplementedError(f"{type(self).__name__} has no one network to let a batch through")

    def tested(self, feed: Feed) -> dict[str, float]:
        """The figures on the test part, at the very end: perhaps more than are worked out after every epoch."""
        return self.evaluate(feed)

    def outputs(self, part: Part) -> Mapping[str, Array]:
        """What the learned outputs are for a part; empty where outputs are not compared with targets one by one."""
        return {}

    def loss_of(self, outputs: Mapping[str, Any], part: Part) -> Any:
        """The loss of outputs for a part, as a tensor, penalties on weights apart; None: outputs alone do not tell.

        Changes nothing: onlookers ask for it between epochs.
        """
        return None

    def at_rest(self, count: int) -> Mapping[str, Array]:
        """What the networks take besides the data, for so many samples, before anything has happened: states."""
        return {}

    def average(self) -> bool:
        """Put the moving averages of weights, where the optimisers keep them, in the place of the weights."""
        averaged = False
        for role, optimizer in self.optimizers.items():
            inner = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
            if getattr(inner, "use_ema", False) or getattr(inner, "averages", False):
                inner.finalize_variable_values(self.moved(role))
                averaged = True
        return averaged

    def moved(self, role: str) -> list[Any]:
        """The variables that the optimiser of a role moves."""
        return list(self.networks[role].trainable_variables)

    def order(self, epoch: int) -> Array:
        """The order in which an epoch (from 0) sees the samples: a function of seed and epoch alone."""
        return order(self.settings.seed, epoch, len(self.dataset.train), shuffle=self.settings.shuffle)

    def shown(self, epoch: int) -> Iterator[tuple[str, bytes | str]]:
        """File name and content (PNG, text) of what the networks make after an epoch (from 1).

        Random numbers come from seeds of (experiment seed, epoch): a resumed run shows the same.
        """
        return iter(())

    def illustrate(self, title: str) -> Iterator[tuple[str, bytes]]:
        """Name and PNG of pictures of what was learned, drawn at the end."""
        return iter(())
