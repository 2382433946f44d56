"""A network in training that reads one sequence and writes another."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Part, spread
from archgraph.training.feed import Feed
from archgraph.training.generation import charts
from archgraph.training.generation.beam import distance, forwards, write
from archgraph.training.trainees.stepping import Judged, Stepping, only, outputs_of

_SHOWN = 20
_DRAWN = 6
_ROWS = 512
"""Sequences that go through the network at a time."""


class TranslationTrainee(Stepping):
    """Learns with the true symbols before each, and counts the errors of what it writes without them."""

    figures = ("loss", "accuracy")

    def __init__(self, plan: Any, dataset: Any, networks: Mapping[str, Any]) -> None:
        super().__init__(plan, dataset, networks, next(iter(networks)))

    def prepare(self) -> None:
        import tensorflow as tf

        (self.output,) = self.dataset.train.targets
        (self.read,) = (name for name in self.dataset.train.inputs if name != self.objective.written)
        self.given = tf.function(lambda inputs: outputs_of(self.network, inputs), reduce_retracing=True)

    def weigh(
        self, inputs: Mapping[str, Any], targets: Mapping[str, Any], outputs: Mapping[str, Any], *, training: bool
    ) -> Judged:
        ops = self.keras.ops
        chances = ops.cast(only(outputs, self.output), "float32")
        (truth,) = targets.values()
        counted = ops.cast(ops.not_equal(truth, self.objective.padding), "float32")
        count = ops.sum(counted)
        nats = ops.sum(ops.sparse_categorical_crossentropy(truth, chances) * counted) / count
        right = ops.cast(ops.equal(ops.argmax(chances, axis=-1), ops.cast(truth, "int32")), "float32")
        return Judged(nats, {"loss": (nats, count), "accuracy": (ops.sum(right * counted) / count, count)})

    def evaluate(self, feed: Feed) -> dict[str, float]:
        return {**super().evaluate(feed), **self._errors(self.dataset.validation, self.objective.decoded)}

    def tested(self, feed: Feed) -> dict[str, float]:
        return {**super().evaluate(feed), **self._errors(self.dataset.test, len(self.dataset.test))}

    def _errors(self, part: Part | None, count: int) -> dict[str, float]:
        if part is None or not count:
            return {}
        part = _first(part, count)
        truths = self.truths(part)
        found = [best[0][0] for best in self.write(part.inputs[self.read])]
        wrong = [distance(one, truth) for one, truth in zip(found, truths, strict=True)]
        errors = {
            "symbol_error_rate": sum(wrong) / max(1, sum(map(len, truths))),
            "sequence_error_rate": float(np.mean([number > 0 for number in wrong])),
        }
        if self.objective.alignment is not None:
            errors["alignment_forwards"] = self.forwards(part)
        return errors

    def truths(self, part: Part) -> list[tuple[int, ...]]:
        """The true sequences without marks."""
        objective = self.objective
        marks = (objective.padding, objective.end)
        return [tuple(int(one) for one in row if one not in marks) for row in part.targets[self.output]]

    def write(self, read: Array) -> list[list[tuple[tuple[int, ...], float]]]:
        """What is written for each sequence, best first, with its log-chance."""
        objective, longest = self.objective, self.dataset.train.targets[self.output].shape[1]
        names = (self.read, objective.written, self.output)
        marks = (objective.padding, objective.begin, objective.end)
        return write(self._outputs, read, names, marks, longest, objective.beam, objective.length_penalty)

    def _outputs(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        count = len(next(iter(inputs.values())))
        parts = []
        for at in range(0, count, _ROWS):
            piece = {name: values[at : at + _ROWS] for name, values in inputs.items()}
            parts.append({name: np.asarray(value) for name, value in self.given(piece).items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def forwards(self, part: Part) -> float:
        """How steadily attention goes forwards, with the truth before each symbol; the mark of the end is left out."""
        alignments = self._outputs(part.inputs)[self.objective.alignment]
        truth = part.targets[self.output]
        written = (truth != self.objective.padding) & (truth != self.objective.end)
        return forwards(alignments, written, part.inputs[self.read] != self.objective.padding)

    def shown(self, epoch: int) -> Iterator[tuple[str, bytes | str]]:
        part = spread(self.dataset.test, _SHOWN)
        lines, read_of = [], part.inputs[self.read]
        for read, truth, found in zip(read_of, self.truths(part), self.write(read_of), strict=True):
            said = " ".join(self._symbols(found[0][0]))
            mark = "" if found[0][0] == truth else f"   ({' '.join(self._symbols(truth))})"
            lines.append(f"{self._word(read)}: {said}{mark}")
        yield "written.txt", "\n".join(lines) + "\n"

    def illustrate(self, title: str) -> Iterator[tuple[str, bytes]]:
        name = self.objective.alignment
        if name is None:
            return
        part = spread(self.dataset.test, _DRAWN)
        maps = []
        for number, alignment in enumerate(self._outputs(part.inputs)[name]):
            said = [*self._symbols(part.targets[self.output][number])]
            word = self._letters(part.inputs[self.read][number])
            maps.append((alignment[: len(said), : len(word)], said, word))
        yield "alignments", charts.alignments(f"{title}: where it looked for each symbol", maps)

    def _symbols(self, numbers: Any) -> list[str]:
        names = self.dataset.classes.get(self.output, ())
        kept = [int(number) for number in numbers if number != self.objective.padding]
        return [names[number] if names else str(number) for number in kept]

    def _letters(self, numbers: Array) -> list[str]:
        column = self.plan.samples.columns[self.plan.binding.inputs[self.read]]
        kept = [int(number) for number in numbers if number != self.objective.padding]
        return [column.classes[number] if column.classes else str(number) for number in kept]

    def _word(self, numbers: Array) -> str:
        letters = self._letters(numbers)
        return ("" if all(letter.isalpha() and len(letter) == 1 for letter in letters) else " ").join(letters)


def _first(part: Part, count: int) -> Part:
    inputs = {name: np.asarray(values[:count]) for name, values in part.inputs.items()}
    return Part(inputs, {name: np.asarray(values[:count]) for name, values in part.targets.items()})
