"""Layers that bring numbers to a common scale."""

import abc
from typing import Any, ClassVar

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, Integer, Number
from archgraph.record import param, record
from archgraph.shapes import Shape, Tensor, prod, show
from archgraph.vocabulary.base import Example, Family, Layer, Port, Primitive, Weight, primitive
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER
from archgraph.vocabulary.rules import AXES, indices_of, need_axes, need_float, need_size


def channels(x: Tensor) -> int:
    """The size of the last axis."""
    need_float(x)
    need_axes(x, 1, hint="put a reshape to (1,) before it")
    return need_size(x.shape, len(x.shape) - 1, what="the last axis")


@record
class Affine(Primitive, abc.ABC):
    """A normalisation followed by a learned scale and a learned offset."""

    family: ClassVar[Family] = Family.NORMALISATION

    epsilon: float = param(Number(above=0), "Added to the variance, so that nothing is divided by zero.", default=1e-3)
    center: bool = param(Flag(), "Add a learned offset, beta.", default=True)
    scale: bool = param(Flag(), "Multiply by a learned factor, gamma.", default=True)
    beta_initializer: Any = param(INITIALIZER, "How beta starts.", default="zeros")
    gamma_initializer: Any = param(INITIALIZER, "How gamma starts.", default="ones")
    beta_regularizer: Any = param(REGULARIZER, "Penalty on beta, added to the loss.", default=None)
    gamma_regularizer: Any = param(REGULARIZER, "Penalty on gamma, added to the loss.", default=None)

    def gamma_and_beta(self, shape: Shape) -> tuple[Weight, ...]:
        """The learned weights, in Keras's order."""
        gamma = (Weight("gamma", shape),) if self.scale else ()
        return (*gamma, Weight("beta", shape)) if self.center else gamma

    def changed(self) -> dict[str, Any]:
        """Keras arguments of the fields that differ from Keras's defaults, which are ours."""
        return dict(self.given())


@primitive
class BatchNorm(Affine):
    """Bring every channel to mean 0 and spread 1, measured over the batch; training becomes faster and steadier.

    y = gamma·(x - mean)/√(variance + epsilon) + beta. In training, mean and variance are those of the batch (and of all
    positions); afterwards, running averages of them serve: average ← momentum·average + (1 - momentum)·value.
    """

    op = "batch_norm"
    icon = "≈"
    source = "Ioffe & Szegedy 2015, Batch Normalization, algorithms 1 and 2; keras.layers.BatchNormalization"
    examples = (
        Example({}, inputs=[(8, 8, 3)], outputs=[(8, 8, 3)]),
        Example({"scale": False, "momentum": 0.9, "epsilon": 1e-5}, inputs=[(10,)], outputs=[(10,)]),
    )

    momentum: float = param(Number(0, 1), "How slowly the running averages follow.", default=0.99)
    moving_mean_initializer: Any = param(INITIALIZER, "How the running mean starts.", default="zeros")
    moving_variance_initializer: Any = param(INITIALIZER, "How the running variance starts.", default="ones")
    synchronized: bool = param(
        Flag(), "Measure over all devices of a distributed training (TensorFlow only).", default=False
    )

    def infer(self, x: Tensor) -> Tensor:
        channels(x)
        return Tensor(x.shape)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        shape = (channels(x),)
        moving = (Weight("moving_mean", shape, trainable=False), Weight("moving_variance", shape, trainable=False))
        return (*self.gamma_and_beta(shape), *moving)

    def lower(self, x: Tensor) -> Layer:
        return Layer("BatchNormalization", self.changed())
