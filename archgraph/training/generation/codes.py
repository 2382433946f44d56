"""The two halves of a trained auto-encoder with a drawn code, and what one sees by moving through its codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.training.data.base import Array

_REACH = 2.5
"""How many standard deviations a traversal goes to either side."""
_BATCH = 256


@dataclass(frozen=True)
class Coder:
    """A variational auto-encoder cut at the node that draws its code."""

    encoder: Any
    """Input -> mean and logarithm of the variance."""
    decoder: Any
    """Code -> picture, as the graph gives it (chances, or raw scores)."""
    raw: bool
    """Whether the pictures are raw scores, to be squashed into chances."""
    code: tuple[int, ...]
    """Shape of a code."""

    @classmethod
    def cut(cls, model: Any, picture: str, mean: str, log_var: str, *, raw: bool) -> "Coder":
        """The halves of `model`; the weights are shared."""
        keras = load_keras()
        (drawn,) = (layer for layer in model.layers if type(layer).__name__ == "Sampling")
        outputs: Mapping[str, Any] = model.output
        encoder = keras.Model(model.input, [outputs[mean], outputs[log_var]])
        return cls(encoder, keras.Model(drawn.output, outputs[picture]), raw, tuple(drawn.output.shape[1:]))

    def encode(self, inputs: Array) -> tuple[Array, Array]:
        """Means and logarithms of the variances of the codes of inputs."""
        parts = [self.encoder(inputs[at : at + _BATCH], training=False) for at in range(0, len(inputs), _BATCH)]
        mean, log_var = (np.concatenate([np.asarray(part[number], np.float32) for part in parts]) for number in (0, 1))
        return mean, log_var

    def decode(self, codes: Array) -> Array:
        """What codes stand for."""
        parts = [
            np.asarray(self.decoder(codes[at : at + _BATCH].astype(np.float32), training=False), np.float32)
            for at in range(0, len(codes), _BATCH)
        ]
        return _squashed(np.concatenate(parts)) if self.raw else np.concatenate(parts)

    def drawn(self, count: int, seed: tuple[int, ...]) -> Array:
        """Pictures of codes drawn from the prior."""
        return self.decode(np.random.default_rng(seed).normal(size=(count, *self.code)))

    def divergences(self, inputs: Array) -> Array:
        """Mean divergence from the prior in nats of every number of the code: how much each is used."""
        mean, log_var = self.encode(inputs)
        return np.asarray(0.5 * (np.exp(log_var) + mean**2 - 1 - log_var).mean(axis=0))

    def traversal(self, at: Array, numbers: Array, steps: int) -> Array:
        """Pictures (numbers · steps, …): from the code `at`, one of its numbers at a time goes from low to high."""
        codes = np.repeat(at[None].astype(np.float32), len(numbers) * steps, axis=0)
        for row, number in enumerate(numbers):
            codes[row * steps : (row + 1) * steps, number] = np.linspace(-_REACH, _REACH, steps)
        return self.decode(codes)

    def interpolation(self, first: Array, last: Array, steps: int) -> Array:
        """Pictures on the straight line between two codes."""
        share = np.linspace(0, 1, steps)[:, None]
        return self.decode((1 - share) * first.ravel() + share * last.ravel())

    def plane(self, side: int) -> Array:
        """Pictures of a grid over a code of two numbers, at equal shares of the prior (figure 4 of the paper)."""
        points = [NormalDist().inv_cdf(share) for share in np.linspace(0.02, 0.98, side)]
        return self.decode(np.array([(x, y) for y in reversed(points) for x in points]))


def _squashed(scores: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-scores)))
