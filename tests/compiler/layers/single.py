"""Models of one primitive, for tests that compare a layer with a formula."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from archgraph.compiler.instantiate import apply, instantiate, seeded
from archgraph.shapes import Shape, Tensor
from archgraph.vocabulary import REGISTRY


def single(
    op: str, params: dict[str, Any], *shapes: Shape | None, dtype: str | None = None, seed: int = 1
) -> keras.Model:
    """A model that is one layer, called ``node``, over inputs of these shapes; None is an optional input left out."""
    primitive, inputs = REGISTRY[op].make(params), [None if shape is None else Tensor(shape) for shape in shapes]
    primitive.infer(*inputs)
    layer = primitive.lower(*inputs)
    ports = [None if shape is None else keras.Input(shape) for shape in shapes]
    with seeded(seed):
        outputs = apply(layer, instantiate(layer, "node", dtype=dtype, seed=seed), ports)
    return keras.Model([port for port in ports if port is not None], outputs)


def run(model: keras.Model, *arrays: Any, training: bool = False) -> list[np.ndarray]:
    """The outputs as arrays, always as a list."""
    outputs = model([np.asarray(array, "float32") for array in arrays], training=training)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def draws(*shapes: Shape, seed: int = 0) -> list[np.ndarray]:
    """Normal numbers."""
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape).astype("float32") for shape in shapes]


def again(model: keras.Model, folder: Path) -> keras.Model:
    """The model after a trip to disk and back."""
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")
