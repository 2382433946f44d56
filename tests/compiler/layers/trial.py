"""What the tests of layers share: run a primitive, save and load a layer, and try it in half precision."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from archgraph.compiler.instantiate import apply, instantiate, seeded
from archgraph.shapes import Tensor
from archgraph.vocabulary import REGISTRY, Primitive


def make(op: str, **params: Any) -> Primitive:
    """The primitive that a file describes by `op` and `params`."""
    return REGISTRY[op].make(params)


def tensors_of(arrays: Sequence[Any]) -> list[Tensor]:
    """Arrays with a batch axis as the tensors that analysis sees."""
    return [Tensor(tuple(array.shape[1:]), str(array.dtype)) for array in arrays]


def layer_for(primitive: Primitive, *arrays: Any, seed: int = 1, dtype: Any = None, name: str = "layer") -> Any:
    """The Keras layer for inputs like `arrays`, after the shape rule has accepted them."""
    inputs = tensors_of(arrays)
    primitive.infer(*inputs)
    with seeded(seed):
        return instantiate(primitive.lower(*inputs), name, seed=seed, dtype=dtype)


def run(primitive: Primitive, *arrays: Any, **options: Any) -> np.ndarray:
    """What the primitive's Keras layer makes of `arrays`."""
    description = primitive.lower(*tensors_of(arrays))
    layer = layer_for(primitive, *arrays)
    if options:
        layer = WithOptions(layer, options)
    return keras.ops.convert_to_numpy(apply(description, layer, arrays))


class WithOptions:
    """A layer whose call gets further arguments, such as ``training=True``."""

    def __init__(self, layer: Any, options: Mapping[str, Any]) -> None:
        self.layer, self.options = layer, options

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return self.layer(*inputs, **named, **self.options)


def run_composed(primitive: Primitive, *arrays: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """What a composition makes of `arrays`, and the layers of its steps by name."""
    composition = primitive.compose(*tensors_of(arrays))
    assert composition is not None
    values: dict[int | str, Any] = dict(enumerate(arrays))
    layers = {}
    for step in composition.steps:
        feeds = [np.asarray(values[feed]) for feed in step.feeds]
        layers[step.name] = layer_for(step.primitive, *feeds)
        values[step.name] = apply(step.primitive.lower(*tensors_of(feeds)), layers[step.name], feeds)
    return keras.ops.convert_to_numpy(values[composition.outputs[0]]), layers


def check_saving(layer: Any, arrays: Sequence[Any], folder: Path) -> None:
    """Assert that a functional model with `layer` computes the same after saving and loading, and is configured so."""
    inputs = [keras.Input(array.shape[1:]) for array in arrays]
    model = keras.Model(inputs, layer(*inputs))
    model.save(folder / "model.keras")
    loaded = keras.models.load_model(folder / "model.keras")
    before, after = model(list(arrays)), loaded(list(arrays))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(before), keras.ops.convert_to_numpy(after))
    assert loaded.get_layer(layer.name).get_config() == layer.get_config()


def check_half_precision(primitive: Primitive, *arrays: Any) -> None:
    """Assert that the layer computes in float16 under a mixed policy, and nearly the same."""
    description = primitive.lower(*tensors_of(arrays))
    layer, halved = layer_for(primitive, *arrays), layer_for(primitive, *arrays, dtype="mixed_float16")
    whole = apply(description, layer, arrays)
    apply(description, halved, arrays)  # makes the weights
    halved.set_weights(layer.get_weights())
    inputs = [keras.Input(array.shape[1:]) for array in arrays]
    half = keras.Model(inputs, apply(description, halved, inputs)).predict_on_batch(
        list(arrays)
    )  # as a traced function
    assert keras.backend.standardize_dtype(half.dtype) == "float16"
    np.testing.assert_allclose(np.asarray(half, "float32"), np.asarray(whole), rtol=2e-2, atol=2e-2)


def symbolic(primitive: Primitive, *shapes: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """The output shape that Keras gives for inputs with unknown (None) sizes; the lowering sees 8 in their place."""
    sizes = [Tensor(tuple(8 if size is None else size for size in shape)) for shape in shapes]
    layer = primitive.lower(*sizes)
    built = instantiate(layer, "layer", seed=1)
    return tuple(apply(layer, built, [keras.KerasTensor((None, *shape)) for shape in shapes]).shape[1:])


def check_mask(primitive: Primitive, *arrays: Any) -> None:
    """Assert that a mask over the steps of the first input is still there after the layer."""
    steps = np.array(arrays[0])
    steps[:, 2:] = 0  # what Masking takes for padding
    first = keras.layers.Masking()(steps)
    y = apply(primitive.lower(*tensors_of(arrays)), layer_for(primitive, *arrays), (first, *arrays[1:]))
    expected = np.broadcast_to(np.arange(steps.shape[1]) < 2, steps.shape[:2])
    np.testing.assert_array_equal(y._keras_mask, expected)
