"""Keras as the judge of a primitive: its layers on symbolic tensors, compositions spelt out step by step."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from archgraph.compiler.instantiate import apply, instantiate, seeded
from archgraph.shapes import Tensor, show
from archgraph.vocabulary import Primitive
from archgraph.vocabulary.base import EVERYWHERE


class Part(NamedTuple):
    """One elementary step as Keras sees it."""

    primitive: Primitive
    inputs: tuple[Tensor | None, ...]
    layer: Any
    built: Any
    outputs: tuple[Tensor, ...]


def inferred(primitive: Primitive, inputs: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
    """The output tensors of `primitive`, always as a tuple of `Tensor`."""
    outputs = primitive.infer(*inputs)
    return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)


def spelt_out(primitive: Primitive, inputs: tuple[Tensor | None, ...]) -> list[Part]:
    """Build everything that `primitive` stands for and assert that Keras agrees at every step."""
    parts: list[Part] = []
    _build(primitive, inputs, tuple(map(_keras_tensor, inputs)), parts)
    return parts


def _keras_tensor(x: Tensor | None) -> Any:
    if x is None:
        return None
    return keras.KerasTensor((None, *(dim if isinstance(dim, int) else None for dim in x.shape)), dtype=x.dtype)


def _build(primitive: Primitive, inputs: tuple[Any, ...], given: tuple[Any, ...], parts: list[Part]) -> tuple[Any, ...]:
    expected = inferred(primitive, inputs)
    assert len(expected) == len(primitive.outputs())
    composition = primitive.compose(*inputs)
    if composition is None:
        got = _elementary(primitive, inputs, given, expected, parts)
    else:
        made: dict[int | str, tuple[Any, Any]] = dict(enumerate(zip(inputs, given, strict=True)))
        for step in composition.steps:
            fed = [made[feed] for feed in step.feeds]
            tensors = tuple(x for x, _ in fed)
            outputs = _build(step.primitive, tensors, tuple(y for _, y in fed), parts)
            made[step.name] = (inferred(step.primitive, tensors)[0], outputs[0])
        assert [made[output][0] for output in composition.outputs] == list(expected), "the steps end elsewhere"
        got = tuple(made[output][1] for output in composition.outputs)
    return got


def _elementary(
    primitive: Primitive,
    inputs: tuple[Any, ...],
    given: tuple[Any, ...],
    expected: tuple[Tensor, ...],
    parts: list[Part],
) -> tuple[Any, ...]:
    layer = primitive.lower(*inputs)
    with seeded(1):
        built = instantiate(layer, "layer", seed=1)
        outputs = apply(layer, built, given)
    got = tuple(outputs) if isinstance(outputs, list | tuple) else (outputs,)
    assert len(got) == len(expected)
    for ours, theirs in zip(expected, got, strict=True):
        assert agrees(ours, tuple(theirs.shape[1:])), (
            f"{layer.name}: inferred {show(ours.shape)}, Keras says {theirs.shape[1:]}"
        )
        assert ours.dtype == theirs.dtype, f"{layer.name}: inferred {ours.dtype}, Keras says {theirs.dtype}"
    weights = [(tuple(w.shape), bool(w.trainable)) for w in built.weights if "seed" not in w.path]
    assert weights == [(w.shape, w.trainable) for w in primitive.weights(*inputs)]
    _plausible_cost(primitive, inputs)
    parts.append(Part(primitive, inputs, layer, built, expected))
    return got


def agrees(tensor: Tensor, theirs: tuple[int | None, ...]) -> bool:
    """Whether Keras's shape is the inferred one: a symbolic size must be unknown to Keras."""
    return len(tensor.shape) == len(theirs) and all(
        their is None or (isinstance(our, int) and our == their)
        for our, their in zip(tensor.shape, theirs, strict=True)
    )


def _plausible_cost(primitive: Primitive, inputs: tuple[Any, ...]) -> None:
    macs, window = primitive.macs(*inputs), primitive.window(*inputs)
    assert not isinstance(macs, int) or macs >= 0
    assert window == EVERYWHERE or all(not isinstance(axis.extent, int) or axis.extent >= 1 for axis in window)


def computed(part: Part) -> None:
    """Run a built step on two samples of numbers and assert that what comes out is as inferred."""
    random = np.random.default_rng(1)
    arrays = [None if x is None else numbers(random, x) for x in part.inputs]
    outputs = apply(part.layer, part.built, arrays)
    got = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    shapes = [Tensor(tuple(y.shape[1:]), keras.backend.standardize_dtype(y.dtype)) for y in got]
    assert shapes == list(part.outputs)


def numbers(random: np.random.Generator, x: Tensor) -> Any:
    """Two samples for an input: normal numbers, or zeros where whole ones or truth values are due."""
    if "float" in x.dtype:
        return keras.ops.cast(random.normal(size=(2, *x.shape)), x.dtype)
    return keras.ops.zeros((2, *x.shape), x.dtype)  # 0 is the one index that every table has
