"""Layers that disturb or punish a network in training, so that it learns what holds in general."""

import abc
from typing import ClassVar

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, Integer, Number
from archgraph.record import param, record
from archgraph.shapes import Dim, Tensor, prod
from archgraph.vocabulary.base import EVERYWHERE, Example, Family, Layer, Primitive, Weight, Window, primitive
from archgraph.vocabulary.rules import need_axes, need_float, need_size
from archgraph.vocabulary.weighted import Weighted


@record
class Disturbance(Primitive, abc.ABC):
    """A random change in training that does nothing afterwards."""

    family: ClassVar[Family] = Family.REGULARISATION
    stochastic: ClassVar[bool] = True

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        return Tensor(x.shape)


@record
class Dropping(Disturbance, abc.ABC):
    """A disturbance that removes a share of its input, and is described by that share."""

    rate: float = param(Number(0, below=1), "Share that is dropped in training.")


@primitive
class Dropout(Dropping):
    """In training, set a random share of the numbers to zero, so that no part of the network relies on one other.

    y = x·m/(1 - rate), where each m is 0 with probability `rate`, else 1. After training: y = x.
    """

    op = "dropout"
    icon = "⁙"
    source = "Srivastava et al. 2014, Dropout; keras.layers.Dropout"
    examples = (Example({"rate": 0.25}, inputs=[(8, 8, 3)], outputs=[(8, 8, 3)]),)

    def lower(self, x: Tensor) -> Layer:
        return Layer("Dropout", {"rate": self.rate})
