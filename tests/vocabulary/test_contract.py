"""Every primitive keeps the contract; a new primitive is tested by existing. The oracle is Keras."""

import keras
import pytest

from archgraph.compiler.instantiate import apply, instantiate
from archgraph.shapes import Tensor
from archgraph.vocabulary import REGISTRY, Example, Primitive

CASES = [
    pytest.param(kind, example, id=f"{op}-{number}")
    for op, kind in REGISTRY.items()
    for number, example in enumerate(kind.examples)
]


def inferred(primitive: Primitive, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The output tensors of `primitive`, always as a tuple of `Tensor`."""
    outputs = primitive.infer(*inputs)
    return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)


@pytest.mark.parametrize(("kind", "example"), CASES)
def test_the_documented_output_is_inferred(kind: type[Primitive], example: Example) -> None:
    assert inferred(kind.make(example.params), example.input_tensors()) == example.output_tensors()


@pytest.mark.parametrize(("kind", "example"), CASES)
def test_keras_agrees_on_shape_dtype_and_weights(kind: type[Primitive], example: Example) -> None:
    primitive, inputs = kind.make(example.params), example.input_tensors()
    if primitive.compose(*inputs) is not None:
        pytest.skip("spelt out in other primitives, which are tested")
    layer = primitive.lower(*inputs)
    built = instantiate(layer, "layer", seed=1)
    tensors = [keras.KerasTensor((None, *x.shape), dtype=x.dtype) for x in inputs]
    outputs = apply(layer, built, tensors)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    assert [Tensor(tuple(y.shape[1:]), y.dtype) for y in outputs] == list(inferred(primitive, inputs))
    weights = [(tuple(w.shape), bool(w.trainable)) for w in built.weights if "seed" not in w.path]
    assert weights == [(w.shape, w.trainable) for w in primitive.weights(*inputs)]


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=list(REGISTRY))
def test_it_is_documented_and_has_an_example(kind: type[Primitive]) -> None:
    assert kind.doc() and kind.source and kind.icon and kind.examples
