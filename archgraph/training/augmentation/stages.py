"""Augmentations in order -> stages, each a few operations on a whole batch: a row of geometric ones is one of them."""

import abc
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from archgraph.training.augmentation.base import Augmentation
from archgraph.training.augmentation.draws import Draws
from archgraph.training.augmentation.geometry import Geometric
from archgraph.training.augmentation.mixing import Mixing, Noise
from archgraph.training.data.base import Array

Tensors = dict[str, Any]
Size = tuple[int, int]


class Stage(abc.ABC):
    """Part of a chain. `draw` works out with NumPy what is to be done to each sample; `apply` does it."""

    @abc.abstractmethod
    def draw(self, seed: int, epoch: int, samples: Array) -> list[Array]:
        """Arrays for `apply`, of types that do not depend on the samples."""

    @abc.abstractmethod
    def apply(self, tf: Any, batch: "Batch", drawn: list[Any]) -> "Batch":
        """The changed batch; `drawn` are tensors of what `draw` gave."""

    @property
    @abc.abstractmethod
    def drawn(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Type, and shape for one sample, of the arrays that `draw` gives."""


class Batch:
    """Tensors of a batch by the names of the graph, and the numbers of its samples."""

    def __init__(self, inputs: Tensors, targets: Tensors, weights: Tensors) -> None:
        self.inputs, self.targets, self.weights = inputs, targets, weights


def picture_size(shape: Any) -> Size:
    """Height and width of samples of that shape."""
    return int(shape[0]), int(shape[1])


# ---- where things are


class Warp(Stage):
    """Geometric changes as one: their matrices are multiplied, and each picture is resampled once."""

    def __init__(
        self, changes: tuple[tuple[int, Geometric], ...], inputs: Mapping[str, Size], targets: Mapping[str, str]
    ) -> None:
        """`inputs` are the pictures to change, `targets` the interpolation of those that move with them."""
        self.changes, self.inputs, self.targets = changes, inputs, targets
        self.sizes = sorted(set(inputs.values()))
        self.first = changes[0][1]

    @property
    def drawn(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return (("float32", (8,)),) * len(self.sizes)

    def draw(self, seed: int, epoch: int, samples: Array) -> list[Array]:
        return [self._transforms(seed, epoch, samples, *size) for size in self.sizes]

    def _transforms(self, seed: int, epoch: int, samples: Array, height: int, width: int) -> Array:
        """The first eight numbers of each matrix: (samples, 8), as TensorFlow takes them."""
        whole = np.tile(np.eye(3), (len(samples), 1, 1))
        for purpose, change in self.changes:
            whole = whole @ change.drawn_matrices(Draws(seed, epoch, samples, purpose), height, width)
        return whole.reshape(-1, 9)[:, :8].astype(np.float32)

    def apply(self, tf: Any, batch: Batch, drawn: list[Any]) -> Batch:
        by_size = dict(zip(self.sizes, drawn, strict=True))
        inputs, targets = dict(batch.inputs), dict(batch.targets)
        for name, size in self.inputs.items():
            inputs[name] = self._warped(tf, inputs[name], by_size[size], "BILINEAR")
        for name, interpolation in self.targets.items():
            targets[name] = self._warped(
                tf, targets[name], by_size[picture_size(targets[name].shape[1:])], interpolation
            )
        return Batch(inputs, targets, batch.weights)

    def _warped(self, tf: Any, pictures: Any, transforms: Any, interpolation: str) -> Any:
        flat = len(pictures.shape) == 3
        pictures = pictures[..., None] if flat else pictures
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=pictures,
            transforms=transforms,
            output_shape=list(picture_size(pictures.shape[1:])),
            fill_value=float(self.first.fill_value),
            interpolation=interpolation,
            fill_mode=self.first.fill.upper(),
        )
        moved = tf.ensure_shape(moved, pictures.shape)
        return moved[..., 0] if flat else moved


# ---- values


class Noisy(Stage):
    """Normal noise, drawn for every sample by a seed of its own."""

    def __init__(self, purpose: int, noise: Noise, inputs: tuple[str, ...]) -> None:
        self.purpose, self.noise, self.inputs = purpose, noise, inputs

    @property
    def drawn(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return (("float32", ()), *(("int64", (2,)),) * len(self.inputs))

    def draw(self, seed: int, epoch: int, samples: Array) -> list[Array]:
        draws = Draws(seed, epoch, samples, self.purpose)
        seeds = draws.seeds()
        apart = [np.stack([seeds[:, 0], seeds[:, 1] ^ number], axis=1) for number in range(len(self.inputs))]
        return [self.noise.strengths(draws).astype(np.float32), *apart]

    def apply(self, tf: Any, batch: Batch, drawn: list[Any]) -> Batch:
        strengths, *seeds = drawn
        inputs = dict(batch.inputs)
        for name, own in zip(self.inputs, seeds, strict=True):
            values = inputs[name]
            inputs[name] = values + tf.cast(along(tf, strengths, values) * _normal(tf, own, values), values.dtype)
        return Batch(inputs, batch.targets, batch.weights)


def _normal(tf: Any, seeds: Any, values: Any) -> Any:
    shape = values.shape[1:]
    return tf.map_fn(
        lambda seed: tf.random.stateless_normal(shape, seed),
        seeds,
        fn_output_signature=tf.TensorSpec(shape, tf.float32),
    )


def along(tf: Any, numbers: Any, values: Any) -> Any:
    """One number for each sample, with the axes that `values` has."""
    return tf.reshape(numbers, [-1, *[1] * (len(values.shape) - 1)])


class Mixed(Stage):
    """Every sample with another of its batch mixed in, and its targets and weights likewise."""

    def __init__(self, purpose: int, mixing: Mixing, inputs: tuple[str, ...], size: Size | None) -> None:
        """`size` is that of the pictures of which boxes are pasted."""
        self.purpose, self.mixing, self.inputs, self.size = purpose, mixing, inputs, size

    @property
    def drawn(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return ("int32", ()), ("float32", ()), ("float32", (4,))

    def draw(self, seed: int, epoch: int, samples: Array) -> list[Array]:
        partners, kept, boxes = self.mixing.pairs(Draws(seed, epoch, samples, self.purpose))
        if self.size is not None:
            whole = np.round(boxes * np.tile(self.size, 2))
            area = (whole[:, 2] - whole[:, 0]) * (whole[:, 3] - whole[:, 1])
            kept, boxes = 1 - area / np.prod(self.size), whole / np.tile(self.size, 2)
        return [partners.astype(np.int32), kept.astype(np.float32), boxes.astype(np.float32)]

    def apply(self, tf: Any, batch: Batch, drawn: list[Any]) -> Batch:
        partners, kept, boxes = drawn

        def blended(values: Any) -> Any:
            share = tf.cast(along(tf, kept, values), values.dtype)
            return share * values + (1 - share) * tf.gather(values, partners)

        def pasted(values: Any) -> Any:
            return tf.where(_inside(tf, boxes, values), tf.gather(values, partners), values)

        def changed(values: Any) -> Any:
            as_picture = self.size is not None and len(values.shape) > 2 and picture_size(values.shape[1:]) == self.size
            return pasted(values) if as_picture else blended(values)

        inputs = {name: changed(values) if name in self.inputs else values for name, values in batch.inputs.items()}
        targets = {name: changed(values) for name, values in batch.targets.items()}
        return Batch(inputs, targets, {name: blended(values) for name, values in batch.weights.items()})


def _inside(tf: Any, boxes: Any, pictures: Any) -> Any:
    """Whether each place is in its sample's box: (samples, height, width, 1, …)."""
    height, width = picture_size(pictures.shape[1:])
    rows, columns = tf.range(height, dtype=tf.float32), tf.range(width, dtype=tf.float32)
    top, left, bottom, right = (boxes[:, side, None] for side in range(4))
    down = (rows >= tf.round(top * height)) & (rows < tf.round(bottom * height))
    across = (columns >= tf.round(left * width)) & (columns < tf.round(right * width))
    inside = down[:, :, None] & across[:, None, :]
    return tf.reshape(inside, [-1, height, width, *[1] * (len(pictures.shape) - 3)])


# ---- the chain


def stages(
    chain: tuple[Augmentation, ...], inputs: Mapping[str, Array], targets: Mapping[str, Array], same: Mapping[str, str]
) -> tuple[Stage, ...]:
    """The stages of a chain, for arrays of samples. `same` names, for some targets, the input of the same column."""
    made: list[Stage] = []
    numbered = list(enumerate(chain))
    for key, group in itertools.groupby(numbered, _together):
        members = tuple(group)
        for purpose, one in members[:1] if key else members:
            chosen = {name: array.shape[1:] for name, array in inputs.items() if changes(one, name, array)}
            if isinstance(one, Geometric):
                pictures = {name: picture_size(shape) for name, shape in chosen.items()}
                made.append(Warp(members, pictures, _moving(targets, pictures, same)))  # type: ignore[arg-type]
            elif isinstance(one, Noise):
                made.append(Noisy(purpose, one, tuple(chosen)))
            elif isinstance(one, Mixing):
                size = picture_size(next(iter(chosen.values()))) if one.needs_picture else None
                made.append(Mixed(purpose, one, tuple(chosen), size))
    return tuple(made)


def _together(numbered: tuple[int, Augmentation]) -> Any:
    """Geometric changes that can be one; a number of its own for anything else."""
    one = numbered[1]
    return (one.fill, one.fill_value, one.on) if isinstance(one, Geometric) else None


def changes(one: Augmentation, name: str, array: Array) -> bool:
    """Whether an augmentation changes an input."""
    if one.on is not None:
        return name in one.on
    return is_picture(array) if one.needs_picture else array.dtype.kind == "f"


def is_picture(array: Array) -> bool:
    """Whether samples may be pictures: (height, width), or with channels."""
    return array.ndim in (3, 4) and min(array.shape[1:3]) > 1


def _moving(targets: Mapping[str, Array], pictures: Mapping[str, Size], same: Mapping[str, str]) -> dict[str, str]:
    """The targets that move with the pictures, and how their values between pixels arise."""
    sizes = set(pictures.values())
    return {
        name: "BILINEAR" if same.get(name) in pictures else "NEAREST"
        for name, array in targets.items()
        if is_picture(array) and picture_size(array.shape[1:]) in sizes
    }
