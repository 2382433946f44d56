"""How the weights of a rewritten layer follow from the trained ones: data, worked out for each copy."""

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archgraph.compiler.instantiate import apply, instantiate
from archgraph.vocabulary.base import Layer

Arrays = dict[str, NDArray[Any]]
"""The weights of one layer, by their names."""
Read = Callable[[str], Arrays]
"""Gives the trained weights of the node at a path below the scope."""


@dataclass(frozen=True)
class Recipe(abc.ABC):
    """The weights of one layer, as a formula. Paths are relative to the scope, so one recipe serves all copies."""

    @abc.abstractmethod
    def arrays(self, read: Read) -> Arrays:
        """The weights, by Keras's names for them, in float64 where anything was computed."""

    @abc.abstractmethod
    def text(self) -> str:
        """The formula in words, for a printed plan."""


@dataclass(frozen=True)
class Own(Recipe):
    """The trained weights of a node, as they are."""

    path: str

    def arrays(self, read: Read) -> Arrays:
        return dict(read(self.path))

    def text(self) -> str:
        return self.path or "it"


@dataclass(frozen=True)
class Equalized(Recipe):
    """A kernel W and a bias b as c·W and m·b, c = m·gain/√fan_in (Karras et al. 2018, section 4.1)."""

    layer: Recipe
    gain: float
    multiplier: float
    fan_axes: tuple[int, ...]
    """The axes of the kernel whose sizes make up the number of inputs of one output."""

    def arrays(self, read: Read) -> Arrays:
        found = self.layer.arrays(read)
        kernel = wide(found["kernel"])
        inputs = math.prod(kernel.shape[axis] for axis in self.fan_axes)
        found["kernel"] = kernel * (self.multiplier * self.gain / math.sqrt(inputs))
        if "bias" in found:
            found["bias"] = wide(found["bias"]) * self.multiplier
        return found

    def text(self) -> str:
        return f"equalized({self.layer.text()})"


@dataclass(frozen=True)
class Divided(Recipe):
    """Kernels divided by their largest singular values, as estimated (Miyato et al. 2018, algorithm 1)."""

    layer: Recipe
    kernels: tuple[tuple[str, tuple[int, ...]], ...]
    """Each kernel's name, and the axes of its output channels."""

    def arrays(self, read: Read) -> Arrays:
        found = self.layer.arrays(read)
        for name, axes in self.kernels:
            prefix = name.removesuffix("embeddings").removesuffix("kernel")
            found[name] = self.divided(wide(found[name]), wide(found.pop(f"{prefix}vector_u")), axes)
        return found

    @staticmethod
    def divided(kernel: NDArray[Any], vector: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
        """W/σ(W), σ = v·W·u'ᵀ with v = unit(u·Wᵀ), u' = unit(v·W), and W as a matrix of a column for each output."""
        last = [axis % kernel.ndim for axis in axes]
        order = [axis for axis in range(kernel.ndim) if axis not in last] + last
        matrix = kernel.transpose(order).reshape(-1, vector.shape[-1])
        v = unit(vector @ matrix.T)
        sigma = float(np.sum((v @ matrix) * unit(v @ matrix)))
        return kernel / sigma if sigma > 0 else kernel

    def text(self) -> str:
        return f"divided({self.layer.text()})"


@dataclass(frozen=True)
class Masked(Recipe):
    """A kernel multiplied by the mask that one of our layers makes when it is built."""

    layer: Recipe
    masking: Layer

    def arrays(self, read: Read) -> Arrays:
        found = self.layer.arrays(read)
        kernel = found["kernel"]
        built = instantiate(self.masking, "masking")
        built.build((None,) * (kernel.ndim - 1) + (kernel.shape[-2],))
        found["kernel"] = kernel * built.mask
        return found

    def text(self) -> str:
        return f"masked({self.layer.text()})"


@dataclass(frozen=True)
class Norm:
    """A batch normalisation after training: y = x·g + s, g = gamma/√(variance + epsilon), s = beta - mean·g."""

    path: str
    epsilon: float

    def scale_and_shift(self, read: Read) -> tuple[NDArray[Any], NDArray[Any]]:
        """g and s, a number for each channel."""
        found = {name: wide(array) for name, array in read(self.path).items()}
        scale = found.get("gamma", 1.0) / np.sqrt(found["moving_variance"] + self.epsilon)
        return scale, found.get("beta", 0.0) - found["moving_mean"] * scale


@dataclass(frozen=True)
class Behind(Recipe):
    """A layer with the batch normalisation behind it: its kernel times g along the outputs, its bias times g plus s."""

    layer: Recipe
    norm: Norm
    kernel: str
    """The name of the kernel that gives the outputs."""
    axes: tuple[int, ...]
    """The axes of its output channels, as negative numbers in ascending order."""

    def arrays(self, read: Read) -> Arrays:
        found = self.layer.arrays(read)
        scale, shift = self.norm.scale_and_shift(read)
        kernel = wide(found[self.kernel])
        along = [size if axis - kernel.ndim in self.axes else 1 for axis, size in enumerate(kernel.shape)]
        found[self.kernel] = kernel * scale.reshape(along)
        found["bias"] = wide(found.get("bias", np.zeros(scale.shape))) * scale + shift
        return found

    def text(self) -> str:
        return f"{self.layer.text()} * {self.norm.path}"


@dataclass(frozen=True)
class Ahead(Recipe):
    """A layer with the batch normalisation before it: kernel rows times g, and what s adds up to in the bias.

    Exact where every output sees the whole kernel: without padding.
    """

    layer: Recipe
    norm: Norm
    kind: str
    """How the kernel reads channels: ``full`` (…, channels of a group, outputs), ``depthwise`` (…, channels, kernels),
    or ``separable``, one of each."""

    def arrays(self, read: Read) -> Arrays:
        found = {name: wide(array) for name, array in self.layer.arrays(read).items()}
        scale, shift = self.norm.scale_and_shift(read)
        if self.kind == "full":
            kernel = found["kernel"]
            g, s = (self.rows(one, kernel) for one in (scale, shift))
            found["kernel"] = kernel * g
            added = np.sum(kernel * s, axis=tuple(range(kernel.ndim - 1)))
        else:
            name = "kernel" if self.kind == "depthwise" else "depthwise_kernel"
            kernel = found[name]
            found[name] = kernel * scale[:, None]
            added = np.sum(kernel * shift[:, None], axis=tuple(range(kernel.ndim - 2))).ravel()
            if self.kind == "separable":
                mixture = found["pointwise_kernel"]
                added = added @ mixture.reshape(mixture.shape[-2:])
        found["bias"] = found.get("bias", 0.0) + added
        return found

    @staticmethod
    def rows(vector: NDArray[Any], kernel: NDArray[Any]) -> NDArray[Any]:
        """The number for each row of a kernel and each output: outputs of group i read the channels of group i."""
        channels, outputs = kernel.shape[-2:]
        grouped = vector.reshape(-1, channels)
        return np.repeat(grouped.T, outputs // len(grouped), axis=1)

    def text(self) -> str:
        return f"{self.norm.path} * {self.layer.text()}"


def wide(array: Any) -> NDArray[Any]:
    """In float64, so that folding rounds once, at the end."""
    return np.asarray(array, "float64")


def unit(vector: NDArray[Any]) -> NDArray[Any]:
    """A row of length 1, or as near as its own length allows."""
    return vector / max(math.sqrt(float(np.sum(vector * vector))), 1e-12)


class Computation(NamedTuple):
    """One layer in a chain of layers that no input reaches."""

    layer: Layer
    weights: Recipe
    feeds: tuple[int | None, ...]
    """The numbers of earlier computations, or None where a port is not connected."""


@dataclass(frozen=True)
class Computed(Recipe):
    """The constant that layers give whose first ones are constants: the weight ``value``."""

    steps: tuple[Computation, ...]
    """Each after what feeds it; the last gives the value. A constant has no feeds."""

    def arrays(self, read: Read) -> Arrays:
        values: list[Any] = []
        for step in self.steps:
            held = step.weights.arrays(read)
            if not step.feeds:
                values.append(np.asarray(held["value"], "float32")[None])
                continue
            feeds = [None if feed is None else values[feed] for feed in step.feeds]
            layer = instantiate(step.layer, "constant", dtype="float32")
            outputs = apply(step.layer, layer, feeds)
            if held:
                place(step.weights, held, layer)
                outputs = apply(step.layer, layer, feeds)
            values.append(np.asarray(outputs))
        return {"value": values[-1][0]}

    def text(self) -> str:
        return f"constant({', '.join(step.weights.text() for step in self.steps)})"


def place(recipe: Recipe, arrays: Arrays, layer: Any) -> None:
    """Put what a recipe gave into a Keras layer: trained weights stand in Keras's order, others are found by name."""
    owned = [weight for weight in layer.weights if "seed_generator" not in weight.path]
    values = list(arrays.values()) if isinstance(recipe, Own) else [arrays[weight.name] for weight in owned]
    for weight, value in zip(owned, values, strict=True):
        weight.assign(np.asarray(value, str(weight.dtype) if "float16" not in str(weight.dtype) else "float32"))
