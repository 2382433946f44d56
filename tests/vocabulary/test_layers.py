"""Every Keras layer of ours is documented, configurable, saveable and works in half precision."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler.instantiate import apply, instantiate
from archgraph.compiler.layers import LAYERS
from archgraph.shapes import Tensor
from archgraph.vocabulary import REGISTRY, Layer, Primitive
from tests.vocabulary.oracle import Part, numbers, spelt_out

MORE_USES = (
    ("activation", {"activation": "sparsemax"}, ((5,),)),
    ("activation", {"activation": "scaled_tanh"}, ((5,),)),
    ("activation", {"activation": "step"}, ((5,),)),
    ("activation", {"activation": "soft_shrink", "threshold": 0.1}, ((5,),)),
    ("graph_pool", {"kind": "top_k", "k": 2}, ((6, 4), None, (6, 6))),
    *(
        (op, {"filters": 2, "kernel_size": 3, "equalized": True}, ((6,) * rank + (2,),))
        for op in ("conv", "conv_transpose")
        for rank in (1, 2, 3)
    ),
)
"""Uses of layers that no documented example shows."""


def names_within(value: Any) -> Iterator[str]:
    """Names of our layers in a lowered layer, however deep."""
    if isinstance(value, Layer):
        if value.ours:
            yield value.name
        for argument in value.arguments.values():
            yield from names_within(argument)


def uses() -> Iterator[tuple[Primitive, tuple[Tensor | None, ...]]]:
    """Primitives and inputs in which our layers occur."""
    for kind in REGISTRY.values():
        for example in kind.examples:
            yield kind.make(example.params), example.input_tensors()
    for op, params, shapes in MORE_USES:
        yield REGISTRY[op].make(params), tuple(None if shape is None else Tensor(shape) for shape in shapes)


def parts_with_our_layers() -> dict[str, Part]:
    """For each of our layers, one step that uses it."""
    found: dict[str, Part] = {}
    for primitive, inputs in uses():
        for part in spelt_out(primitive, inputs):
            for name in names_within(part.layer):
                found.setdefault(name, part)
    return found


PARTS = parts_with_our_layers()
OURS = pytest.mark.parametrize("part", PARTS.values(), ids=list(PARTS))


def outputs_of(results: Any) -> list[Any]:
    """One result or several, as a list."""
    return list(results) if isinstance(results, list | tuple) else [results]


def arrays_for(part: Part) -> list[Any]:
    """Numbers for the inputs of a step, absent ones left out as None."""
    random = np.random.default_rng(7)
    return [None if x is None else numbers(random, x) for x in part.inputs]


BY_THE_COMPILER = {"Scan", "Repeated", "FusedBatchNormalization", "FusedLSTM", "CoveringConv2D", "CoveringConv3D"}
"""Layers that no primitive asks for; tests/compiler tests them."""


def test_every_layer_occurs_in_an_example() -> None:
    layers = {name for name, cls in LAYERS.items() if issubclass(cls, keras.layers.Layer)}
    assert layers - set(PARTS) == BY_THE_COMPILER


@pytest.mark.parametrize("name", LAYERS)
def test_its_docstring_names_a_source(name: str) -> None:
    assert re.search(r"\b(19|20)\d\d\b|[Kk]eras", LAYERS[name].__doc__ or "")


@OURS
def test_its_configuration_makes_the_same_layer(part: Part) -> None:
    config = part.built.get_config()
    assert unbuilt(type(part.built).from_config(dict(config)).get_config()) == unbuilt(config)


def unbuilt(config: Any) -> Any:
    """A configuration without what it says of layers inside that are built."""
    if isinstance(config, dict):
        return {key: unbuilt(value) for key, value in config.items() if key != "build_config"}
    return config


@OURS
def test_a_loaded_model_computes_the_same(part: Part, tmp_path: Path) -> None:
    layer = instantiate(part.layer, "layer", seed=3)
    inputs = [None if x is None else keras.Input(x.shape, dtype=x.dtype) for x in part.inputs]
    present = [x for x in inputs if x is not None]
    model = keras.Model(present, outputs_of(apply(part.layer, layer, inputs)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    arrays = [array for array in arrays_for(part) if array is not None]
    for before, after in zip(outputs_of(model(arrays)), outputs_of(loaded(arrays)), strict=True):
        np.testing.assert_array_equal(np.asarray(before), np.asarray(after))


@OURS
def test_it_computes_in_half_precision(part: Part) -> None:
    layer = instantiate(part.layer, "layer", seed=3, dtype="mixed_float16")
    for expected, output in zip(part.outputs, outputs_of(apply(part.layer, layer, arrays_for(part))), strict=True):
        half = "float16" if expected.dtype == "float32" else expected.dtype
        assert keras.backend.standardize_dtype(output.dtype) == half
        assert np.all(np.isfinite(np.asarray(output, "float32")))
    assert all(weight.dtype == "float32" for weight in layer.trainable_weights)
