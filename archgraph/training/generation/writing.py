"""Texts written symbol by symbol from a network that foretells the next."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.diagnostics import Rejected
from archgraph.training.data.base import Array

_WIDEST = 256
"""Symbols that a network without carried states looks back at, at most."""


class Writer:
    """A network that foretells symbols, and the alphabet that they are of."""

    def __init__(
        self, model: Any, alphabet: Sequence[str], *, carry: Mapping[str, str], output: str, window: int
    ) -> None:
        """`window` is how many symbols a network without carried states is shown at a time."""
        self.model, self.alphabet, self.carry, self.output = model, tuple(alphabet), dict(carry), output
        self.window = min(window, _WIDEST)
        self.numbers = {symbol: number for number, symbol in enumerate(self.alphabet)}
        self.keras = load_keras()
        import tensorflow as tf

        self._step = tf.function(self._foretold, reduce_retracing=True)

    def write(
        self, prompt: str, count: int, seed: tuple[int, ...], *, temperature: float = 1.0, top_k: int | None = None
    ) -> str:
        """`count` symbols that go on from `prompt`. Raises `Rejected`: it holds an unknown symbol, or nothing."""
        read = self.read(prompt)
        drawn = np.random.default_rng(seed)
        written: list[int] = []
        states = self._zeros()
        chances, states = self._chances(read, states)
        for _ in range(count):
            written.append(chosen(chances, drawn, temperature, top_k))
            follows = written[-1:] if self.carry else [*read, *written]
            chances, states = self._chances(follows, states)
        return "".join(self.alphabet[number] for number in written)

    def read(self, prompt: str) -> list[int]:
        """The numbers of the symbols of a text."""
        unknown = sorted({symbol for symbol in prompt if symbol not in self.numbers})
        if unknown or not prompt:
            what = f"the text was learned without {unknown[0]!r}" if unknown else "a text must begin with something"
            raise Rejected("AG703", what, hint="known: " + "".join(filter(str.isprintable, self.alphabet)))
        return [self.numbers[symbol] for symbol in prompt]

    def _zeros(self) -> dict[str, Any]:
        ops = self.keras.ops
        entries = self.model.input if self.carry else {}
        return {name: ops.zeros((1, *entries[name].shape[1:]), entries[name].dtype) for name in self.carry}

    def _chances(self, numbers: Sequence[int], states: Mapping[str, Any]) -> tuple[Array, dict[str, Any]]:
        """Chances of the symbol after `numbers`: all of them with carried states, else the last of them."""
        ops = self.keras.ops
        if self.carry:
            shown, last = np.asarray([numbers], np.int32), len(numbers) - 1
        else:
            shown, last = self._window(numbers)
        tensor = ops.convert_to_tensor
        chances, after = self._step(tensor(shown), tensor(np.int32(last)), dict(states))
        return np.asarray(chances, np.float64), after

    def _window(self, numbers: Sequence[int]) -> tuple[Array, int]:
        """What is shown, and the place that is read. Behind that place may stand anything, before it only the text."""
        kept = list(numbers)[-self.window :]
        if len(self._outputs()[self.output].shape) == 3:  # chances at every place, each from what is before it
            return np.asarray([kept + [0] * (self.window - len(kept))], np.int32), len(kept) - 1
        again = (kept * (-(-self.window // len(kept))))[-self.window :]
        return np.asarray([again], np.int32), 0

    def _outputs(self) -> Mapping[str, Any]:
        given = self.model.output
        return given if isinstance(given, Mapping) else {self.output: given}

    def _foretold(self, shown: Any, last: Any, states: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        (text,) = (name for name in self._inputs() if name not in states)
        given = self.model({text: shown, **states} if states else shown, training=False)
        outputs = given if isinstance(given, Mapping) else {self.output: given}
        chances = outputs[self.output][0]
        row = chances[last] if len(chances.shape) == 2 else chances
        return self.keras.ops.cast(row, "float32"), {name: outputs[after] for name, after in self.carry.items()}

    def _inputs(self) -> tuple[str, ...]:
        return tuple(self.model.input) if isinstance(self.model.input, Mapping) else ("",)


def chosen(chances: Array, drawn: np.random.Generator, temperature: float, top_k: int | None) -> int:
    """A number drawn by its chance to the power 1/temperature, from the `top_k` likeliest."""
    weights = np.log(np.maximum(chances, 1e-12)) / temperature
    if top_k is not None and top_k < len(weights):
        weights[np.argsort(-weights, kind="stable")[top_k:]] = -np.inf
    shares = np.exp(weights - weights.max())
    below = np.cumsum(shares / shares.sum())
    return int(min(np.searchsorted(below, drawn.random(), side="right"), np.flatnonzero(shares)[-1]))
