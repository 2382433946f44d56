"""One network that learns targets: Keras's own training step."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archgraph.training import state
from archgraph.training.assemble import assemble
from archgraph.training.data.dataset import Dataset
from archgraph.training.evaluate import evaluate, illustrate
from archgraph.training.feed import Feed
from archgraph.training.planning import Plan
from archgraph.training.trainees.base import Trainee


class SupervisedTrainee(Trainee):
    """A model of the learned outputs, compiled."""

    def __init__(self, plan: Plan, dataset: Dataset, networks: Mapping[str, Any]) -> None:
        super().__init__(plan, dataset, networks)
        ((self.role, network),) = networks.items()
        self.trained = assemble(self.experiment, network, dataset)
        self.trained.make_train_function()

    @property
    def variables(self) -> Sequence[Any]:
        return state.variables(self.trained)

    @property
    def optimizers(self) -> Mapping[str, Any]:
        return {self.role: self.trained.optimizer}

    @property
    def weights(self) -> list[Any]:
        return list(self.trained.weights)

    def moved(self, role: str) -> list[Any]:
        return list(self.trained.trainable_variables)

    def train(self, batches: Iterator[Any]) -> None:
        self.trained.train_function(batches)

    def reset(self) -> None:
        self.trained.reset_metrics()

    def measured(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.trained.get_metrics_result().items()}

    def evaluate(self, feed: Feed) -> dict[str, float]:
        return evaluate(self.trained, feed)

    def illustrate(self, title: str) -> Iterator[tuple[str, bytes]]:
        return illustrate(title, self.trained, self.plan, self.dataset)
