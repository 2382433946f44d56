"""One network that learns targets, compiled by Keras; and Keras's own training step."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archgraph.training import state
from archgraph.training.assemble import assemble, make_losses
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Dataset, Part
from archgraph.training.evaluate import evaluate, illustrate, outputs
from archgraph.training.feed import Feed
from archgraph.training.planning import Plan
from archgraph.training.trainees.base import Trainee


class CompiledTrainee(Trainee):
    """A model of the learned outputs, compiled: all but how it learns."""

    def __init__(self, plan: Plan, dataset: Dataset, networks: Mapping[str, Any]) -> None:
        super().__init__(plan, dataset, networks)
        ((self.role, network),) = networks.items()
        self.trained = assemble(self.experiment, network, dataset)

    @property
    def weights(self) -> list[Any]:
        return list(self.trained.weights)

    def moved(self, role: str) -> list[Any]:
        return list(self.trained.trainable_variables)

    def reset(self) -> None:
        self.trained.reset_metrics()

    def measured(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.trained.get_metrics_result().items()}

    def evaluate(self, feed: Feed) -> dict[str, float]:
        return evaluate(self.trained, feed)

    def outputs(self, part: Part) -> Mapping[str, Array]:
        return outputs(self.trained, part, self.settings.batch_size)

    def loss_of(self, outputs: Mapping[str, Any], part: Part) -> Any:
        weights = self.settings.loss_weights or {}
        losses = make_losses(self.experiment, self.dataset)
        factors = {name: weights.get(name, 1.0) if len(losses) > 1 else 1.0 for name in losses}
        return sum(
            factors[name] * loss(part.targets[name], outputs[name], part.weights.get(name))
            for name, loss in losses.items()
        )

    def illustrate(self, title: str) -> Iterator[tuple[str, bytes]]:
        return illustrate(title, self.trained, self.plan, self.dataset)


class SupervisedTrainee(CompiledTrainee):
    """Learns batch by batch, as Keras does."""

    def __init__(self, plan: Plan, dataset: Dataset, networks: Mapping[str, Any]) -> None:
        super().__init__(plan, dataset, networks)
        self.trained.make_train_function()

    @property
    def variables(self) -> Sequence[Any]:
        return state.variables(self.trained)

    @property
    def optimizers(self) -> Mapping[str, Any]:
        return {self.role: self.trained.optimizer}

    def train(self, batches: Iterator[Any]) -> None:
        self.trained.train_function(batches)
