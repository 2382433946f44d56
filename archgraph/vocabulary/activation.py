"""Non-linear functions, element by element."""

from typing import Any

from archgraph.kinds import Choice, ListOf, Integer, Number, optional
from archgraph.record import param
from archgraph.shapes import Tensor
from archgraph.vocabulary.base import Example, Family, Layer, Primitive, primitive
from archgraph.vocabulary.parameters import ACTIVATIONS


@primitive
class Activation(Primitive):
    """Apply a function to every element (softmax: to every vector along the last axis)."""

    op = "activation"
    family = Family.ACTIVATION
    icon = "ƒ"
    source = "keras.activations"
    examples = (Example({"activation": "relu"}, inputs=[(28, 28, 3)], outputs=[(28, 28, 3)]),)

    activation: str = param(Choice(*ACTIVATIONS), "Name of the function.")

    def infer(self, x: Tensor) -> Tensor:
        return x

    def lower(self, x: Tensor) -> Layer:
        return Layer("Activation", {"activation": self.activation})
