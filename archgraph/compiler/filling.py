"""First values of weights, drawn with NumPy: a large model builds faster, and the numbers do not depend on the backend.

Each weight has a generator of its own, seeded from its layer's seed and its name, so its start depends on nothing else
in the graph. The distributions are Keras's; what is not listed here is left to Keras's own initialisers.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archgraph.compiler.backend import load_keras

Numbers = NDArray[np.float32]
Fill = Callable[[Any, tuple[int, ...], np.random.Generator], Numbers]

# The standard deviation of a standard normal cut off at two standard deviations.
CUT_DEVIATION = 0.87962566103423978


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Number of inputs and outputs of one unit of a kernel (Glorot & Bengio 2010; as Keras counts them)."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def normal(shape: tuple[int, ...], deviation: float, random: np.random.Generator) -> Numbers:
    """Normal numbers around 0."""
    numbers = random.standard_normal(shape, dtype=np.float32)
    numbers *= np.float32(deviation)
    return numbers


def cut_normal(shape: tuple[int, ...], deviation: float, random: np.random.Generator) -> Numbers:
    """Normal numbers around 0, those beyond two `deviation` drawn again."""
    numbers = random.standard_normal(math.prod(shape), dtype=np.float32)
    while (far := np.flatnonzero(np.abs(numbers) > 2)).size:
        numbers[far] = random.standard_normal(far.size, dtype=np.float32)
    numbers *= np.float32(deviation)
    return numbers.reshape(shape)


def uniform(shape: tuple[int, ...], low: float, high: float, random: np.random.Generator) -> Numbers:
    """Numbers spread evenly from `low` to `high`."""
    numbers = random.random(shape, dtype=np.float32)
    numbers *= np.float32(high - low)
    numbers += np.float32(low)
    return numbers


def _variance_scaling(initializer: Any, shape: tuple[int, ...], random: np.random.Generator) -> Numbers:
    fan_in, fan_out = fans(shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[initializer.mode]
    scale = initializer.scale / max(1.0, fan)
    if initializer.distribution == "truncated_normal":
        return cut_normal(shape, math.sqrt(scale) / CUT_DEVIATION, random)
    if initializer.distribution == "untruncated_normal":
        return normal(shape, math.sqrt(scale), random)
    limit = math.sqrt(3.0 * scale)
    return uniform(shape, -limit, limit, random)


def _random_normal(initializer: Any, shape: tuple[int, ...], random: np.random.Generator) -> Numbers:
    return normal(shape, initializer.stddev, random) + np.float32(initializer.mean)


def _truncated_normal(initializer: Any, shape: tuple[int, ...], random: np.random.Generator) -> Numbers:
    return cut_normal(shape, initializer.stddev, random) + np.float32(initializer.mean)


def _random_uniform(initializer: Any, shape: tuple[int, ...], random: np.random.Generator) -> Numbers:
    return uniform(shape, initializer.minval, initializer.maxval, random)


def _zeros(initializer: Any, shape: tuple[int, ...], random: np.random.Generator) -> Numbers:
    return np.zeros(shape, np.float32)


def _ones(initializer: Any, shape: tuple[int, ...], random: np.random.Generator) -> Numbers:
    return np.ones(shape, np.float32)


FILLS: dict[str, Fill] = {
    "VarianceScaling": _variance_scaling,
    **dict.fromkeys(
        ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"), _variance_scaling
    ),
    "RandomNormal": _random_normal,
    "TruncatedNormal": _truncated_normal,
    "RandomUniform": _random_uniform,
    "Zeros": _zeros,
    "Ones": _ones,
}
"""How each Keras initialiser's numbers are drawn, by the name of its class."""


class Filler:
    """Stands in for a Keras initialiser while a layer is built. Weights that share one start from different numbers."""

    __slots__ = ("calls", "fill", "initializer", "kept", "name", "seed")

    def __init__(self, initializer: Any, fill: Fill, seed: int, name: str, *, keep: bool = False) -> None:
        """With `keep`, what was drawn is kept, one array for each call."""
        self.initializer, self.fill, self.seed, self.name = initializer, fill, seed, name
        self.calls = 0
        self.kept: list[Numbers] | None = [] if keep else None

    def __call__(self, shape: Sequence[int], dtype: Any = None, **_: Any) -> Any:
        """The first values of a weight."""
        numbers = self.drawn(self.calls, tuple(int(size) for size in shape), self.seed)
        self.calls += 1
        if self.kept is not None:
            self.kept.append(numbers)
        return numbers if dtype in (None, "float32") else load_keras().ops.convert_to_tensor(numbers, dtype=dtype)

    def drawn(self, call: int, shape: tuple[int, ...], seed: int) -> Numbers:
        """The numbers of that call for another seed."""
        random = np.random.Generator(np.random.SFC64([seed, call, *self.name.encode()]))
        return self.fill(self.initializer, shape, random)

    @property
    def constant(self) -> bool:
        """Whether the numbers are the same for every seed."""
        return self.fill in (_zeros, _ones)


@contextlib.contextmanager
def filling(layer: Any, seed: int, *, keep: bool = False) -> Iterator[Mapping[str, Filler]]:
    """Let `Filler`s stand in for the initialisers of an unbuilt layer of Keras; afterwards it has its own again."""
    attributes = vars(layer)
    own = {
        name: value
        for name, value in attributes.items()
        if name.endswith("_initializer") and not name.startswith("_") and type(value).__name__ in FILLS
    }
    # Straight into the instance: Keras tracks every attribute that is set, and an initialiser is nothing to track.
    fillers = {name: Filler(value, FILLS[type(value).__name__], seed, name, keep=keep) for name, value in own.items()}
    attributes.update(fillers)
    try:
        yield fillers
    finally:
        attributes.update(own)
