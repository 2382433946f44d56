"""A network in training that foretells symbols of a text, its states carried from piece to piece if wanted."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.feed import Feed
from archgraph.training.generation.writing import Writer
from archgraph.training.trainees.stepping import Judged, Stepping, only

_PROMPT = 32
_PURPOSE = 43
"""Sets the seeds of texts written here apart from others."""


class LanguageTrainee(Stepping):
    """Learns from windows in any order, or, with carried states, from streams in theirs."""

    figures = ("loss", "nats_per_symbol", "accuracy")

    def __init__(self, plan: Any, dataset: Any, networks: Mapping[str, Any]) -> None:
        super().__init__(plan, dataset, networks, next(iter(networks)))

    def prepare(self) -> None:
        (self.output,) = self.dataset.train.targets
        (text,) = self.dataset.train.inputs.values()
        size, shaped = self.settings.batch_size, self.plan.shaped
        self.states = {
            name: self.keras.Variable(
                np.zeros((size, *shaped.inputs[name].shape)), trainable=False, name=f"state_{name}"
            )
            for name in self.objective.carry
        }
        alphabet = self.dataset.classes[self.output]
        carry = self.objective.carry
        self.writer = Writer(self.network, alphabet, carry=carry, output=self.output, window=text.shape[1])

    @property
    def extra(self) -> Sequence[Any]:
        return tuple(self.states.values())

    def order(self, epoch: int) -> Array:
        if not self.states:
            return super().order(epoch)
        return streams(len(self.dataset.train), self.settings.batch_size)

    def fed(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**inputs, **self.states}

    def at_rest(self, count: int) -> Mapping[str, Array]:
        return {name: np.zeros((count, *state.shape[1:]), np.float32) for name, state in self.states.items()}

    def judge(self, inputs: Mapping[str, Any], targets: Mapping[str, Any], *, training: bool) -> Judged:
        outputs = self.call(self.fed(inputs), training=training)
        for name, after in self.objective.carry.items():
            if not self.objective.reset:
                self.states[name].assign(outputs[after])
        return self.weigh(inputs, targets, outputs, training=training)

    def weigh(
        self, inputs: Mapping[str, Any], targets: Mapping[str, Any], outputs: Mapping[str, Any], *, training: bool
    ) -> Judged:
        ops = self.keras.ops
        (follows,) = targets.values()
        chances = ops.cast(only(outputs, self.output), "float32")
        nats = ops.mean(ops.sparse_categorical_crossentropy(follows, chances))
        right = ops.mean(ops.cast(ops.equal(ops.argmax(chances, axis=-1), ops.cast(follows, "int32")), "float32"))
        count = ops.prod(ops.shape(follows))
        return Judged(nats, {"loss": (nats, count), "nats_per_symbol": (nats, count), "accuracy": (right, count)})

    def derived(self, figures: dict[str, float]) -> dict[str, float]:
        return {**figures, "perplexity": math.exp(min(figures["nats_per_symbol"], 700.0))}

    def reset(self) -> None:
        super().reset()
        for state in self.states.values():
            state.assign(np.zeros(state.shape, np.float32))

    def evaluate(self, feed: Feed) -> dict[str, float]:
        if not self.states:
            return super().evaluate(feed)
        return self.scores(feed, feed.batches(streams(feed.count, self.settings.batch_size)))

    def shown(self, epoch: int) -> Iterator[tuple[str, bytes | str]]:
        objective = self.objective
        (begun,) = self.dataset.test.inputs.values()
        prompt = objective.prompt or "".join(self.writer.alphabet[number] for number in begun[0][:_PROMPT])
        seed = (self.settings.seed, _PURPOSE, epoch)
        text = self.writer.write(
            prompt, objective.symbols, seed, temperature=objective.temperature, top_k=objective.top_k
        )
        yield "text.txt", f"[{prompt}]{text}\n"


def streams(count: int, size: int) -> Array:
    """The order in which `size` streams are read side by side, each of equally many of `count` pieces."""
    return np.arange(count // size * size).reshape(size, -1).T.ravel()
