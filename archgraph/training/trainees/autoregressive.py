"""A network in training that foretells each number of a picture from those before it."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from archgraph.compiler.backend import load_keras
from archgraph.diagnostics import GraphError, Rejected
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import spread
from archgraph.training.generation.mosaic import as_pictures, mosaic, rows_of
from archgraph.training.generation.numbers import Foreteller
from archgraph.training.trainees.stepping import Judged, Stepping, only

_COMPLETED = 8
_DRAWS = 4
_PURPOSE = 42
"""Sets the seeds of pictures drawn here apart from others."""


class AutoregressiveTrainee(Stepping):
    """Learns from whole pictures at once, and draws them number by number."""

    figures = ("loss", "nats_per_number", "bits_per_number")

    def __init__(self, plan: Any, dataset: Any, networks: Mapping[str, Any]) -> None:
        super().__init__(plan, dataset, networks, next(iter(networks)))

    def prepare(self) -> None:
        self.foreteller = Foreteller(self.network, self.objective.levels)
        (given,) = self.dataset.train.inputs.values()
        try:
            self.foreteller.need_order(given[0], self.settings.seed)
        except Rejected as rejected:
            raise GraphError(self.experiment.document.place([rejected.at("")])) from None

    def weigh(
        self, inputs: Mapping[str, Any], targets: Mapping[str, Any], outputs: Mapping[str, Any], *, training: bool
    ) -> Judged:
        ops = self.keras.ops
        (given,) = inputs.values()
        chances = only(outputs, "")
        nats = ops.mean(unlikelihood(given, chances, self.objective.levels))
        count, numbers = ops.shape(given)[0], self.foreteller.count
        each = nats / numbers
        figures = {"loss": nats, "nats_per_number": each, "bits_per_number": each / math.log(2)}
        return Judged(nats, {name: (value, count) for name, value in figures.items()})

    def shown(self, epoch: int) -> Iterator[tuple[str, bytes | str]]:
        objective = self.objective
        seed = (self.settings.seed, _PURPOSE, epoch)
        drawn = as_pictures(self.foreteller.draw(objective.samples, seed, temperature=objective.temperature))
        if drawn is not None:
            yield "samples.png", mosaic(drawn)

    def illustrate(self, title: str) -> Iterator[tuple[str, bytes]]:
        for _, content in self.shown(self.settings.epochs):
            yield "samples", content if isinstance(content, bytes) else content.encode()
            yield "completions", self._completions()

    def _completions(self) -> bytes:
        """Unseen pictures, their upper halves, and several ways in which the network goes on from there."""
        (whole,) = spread(self.dataset.test, _COMPLETED).inputs.values()
        kept = self.foreteller.count // 2
        rows: list[Array] = [whole]
        for number in range(_DRAWS):
            seed = (self.settings.seed, _PURPOSE, 0, number)
            rows.append(self.foreteller.draw(len(whole), seed, begun=whole, kept=kept))
        pictures = as_pictures(rows_of(*rows))
        assert pictures is not None  # `shown` has drawn pictures of this shape
        return mosaic(pictures, len(whole))


def unlikelihood(given: Any, chances: Any, levels: int) -> Any:
    """-log p(given) in nats for each sample."""
    ops = load_keras().ops
    given, chances = ops.cast(given, "float32"), ops.cast(chances, "float32")
    if levels == 2:
        each = ops.binary_crossentropy(given, chances)
    else:
        numbers = ops.cast(ops.round(given * (levels - 1)), "int32")
        each = ops.sparse_categorical_crossentropy(numbers, chances)
    return ops.sum(ops.reshape(each, (ops.shape(given)[0], -1)), axis=-1)
