"""One network that learns targets, compiled by Keras; and Keras's own training step."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from archgraph.training import state
from archgraph.training.assemble import assemble, make_losses
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Dataset, Part, spread
from archgraph.training.evaluate import evaluate, illustrate, outputs
from archgraph.training.feed import Feed
from archgraph.training.generation.mosaic import as_pictures, mosaic, rows_of
from archgraph.training.outlines import outlines
from archgraph.training.planning import Plan
from archgraph.training.trainees.base import Trainee
from archgraph.training.trainees.stepping import only, outputs_of

_PICTURES = 10
"""Pictures that are shown after an epoch."""
_OUTLINED = 8


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

    def through(self, batch: Any) -> None:
        self.trained(batch[0], training=True)

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
        yield from illustrate(title, self.trained, self.plan, self.dataset)
        part = spread(self.dataset.test, _OUTLINED)
        yield from outlines(title, part, self._looked_at(part))

    def shown(self, epoch: int) -> Iterator[tuple[str, bytes | str]]:
        """Pictures that the network makes of unseen ones: below each what was asked for, where that is another."""
        test = spread(self.dataset.test, _PICTURES)
        given = self._looked_at(test)
        (seen, *_), several = test.inputs.values(), len(test.targets) > 1
        for output, target in test.targets.items():
            rows = [seen, given[output], target]
            if any(row.shape != rows[1].shape for row in rows) or as_pictures(rows[1][:1]) is None:
                continue
            rows = rows[:2] if np.array_equal(rows[0], rows[2]) else rows
            pictures, low, high = as_pictures(rows_of(*rows)), float(rows[-1].min()), float(rows[-1].max())
            if pictures is not None:
                name = f"pictures_{output}.png" if several else "pictures.png"
                yield name, mosaic(pictures, len(rows[0]), low=low, high=high if high > low else low + 1)

    def _looked_at(self, part: Part) -> Mapping[str, Array]:
        """What the network makes of a few samples; what draws random numbers draws the same ones later."""
        kept = [one for one in self.trained.variables if not one.trainable]
        before = state.capture(kept)
        given = outputs_of(self.trained, part.inputs)
        state.restore(kept, before)
        return {name: np.asarray(only(given, name)) for name in part.targets}


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
