"""A learned factor and a learned offset, and nothing else."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag
from archgraph.record import param
from archgraph.shapes import Tensor
from archgraph.vocabulary.base import OVERWRITES, Example, Family, Layer, Memory, Place, Primitive, Weight, primitive
from archgraph.vocabulary.normalisation import keras_axes, measured_sizes
from archgraph.vocabulary.parameters import REGULARIZER, VECTOR_INITIALIZER
from archgraph.vocabulary.rules import AXES, need_float


@primitive
class Affine(Primitive):
    """Multiply every channel by a learned number and add another: a normalisation's second half, without its first.

    y = gamma·x + beta. There is one gamma and one beta for each place along `axis`; all other axes share them. Behind
    an average pooling it makes the subsampling layer of LeNet-5, whose coefficient and bias belong to a whole map.
    """

    op = "affine"
    family = Family.NORMALISATION
    icon = "⋇"
    source = "LeCun, Bottou, Bengio & Haffner 1998, section II.B (layer S2); Ji, Xu, Yang & Yu 2013, section 2.2 (S3)"
    examples = (
        Example({}, inputs=[(14, 14, 6)], outputs=[(14, 14, 6)]),
        Example({"axis": [1, -1], "scale": False}, inputs=[(5, 27, 17, 2)], outputs=[(5, 27, 17, 2)]),
    )

    axis: int | tuple[int, ...] = param(
        AXES, "The axis or axes that have numbers of their own, numbered as in Keras: 1 is the first after the batch.",
        default=-1,
    )  # fmt: skip
    center: bool = param(Flag(), "Add a learned offset, beta.", default=True)
    scale: bool = param(Flag(), "Multiply by a learned factor, gamma.", default=True)
    beta_initializer: Any = param(VECTOR_INITIALIZER, "How beta starts.", default="zeros")
    gamma_initializer: Any = param(VECTOR_INITIALIZER, "How gamma starts.", default="ones")
    beta_regularizer: Any = param(REGULARIZER, "Penalty on beta, added to the loss.", default=None)
    gamma_regularizer: Any = param(REGULARIZER, "Penalty on gamma, added to the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        measured_sizes(self.axis, x)
        if not (self.center or self.scale):
            message = "without scale and center nothing is left to do"
            raise Rejected("AG210", message, hint="leave the node out, or set one of them", field="/scale")
        return Tensor(x.shape)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        shape = measured_sizes(self.axis, x)
        gamma = (Weight("gamma", shape),) if self.scale else ()
        return (*gamma, Weight("beta", shape)) if self.center else gamma

    def memory(self, x: Tensor) -> Memory:
        return Memory(Place.OVER, back=(x,)) if self.scale else OVERWRITES

    def lower(self, x: Tensor) -> Layer:
        return Layer("Affine", {**dict(self.given()), "axis": keras_axes(self.axis, x)}, ours=True)
