"""Units that answer how far the input is from a code of theirs."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, Integer
from archgraph.record import param
from archgraph.shapes import Tensor
from archgraph.vocabulary.base import EVERYWHERE, Example, Family, Layer, Primitive, Weight, Window, primitive
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.sliding import channels_of


@primitive
class RadialBasis(Primitive):
    """Measure how far the last axis is from each unit's code: small where they agree. The output layer of LeNet-5.

    yᵢ = Σⱼ (xⱼ - codeᵢⱼ)². Unless `trainable`, the codes stay at -1 and 1, the signs of what the initialiser draws; the
    paper draws stylised letters, or suggests chance.
    """

    op = "radial_basis"
    family = Family.DENSE
    icon = "⌖"
    source = "LeCun, Bottou, Bengio & Haffner 1998, section II.B, equation 7"
    examples = (
        Example({"units": 10, "trainable": False}, inputs=[(84,)], outputs=[(10,)]),
        Example({"units": 4}, inputs=[(7, 3)], outputs=[(7, 4)]),
    )

    units: int = param(Integer(1), "Number of codes, which is the size of the last axis of the output.")
    trainable: bool = param(Flag(), "Let training move the codes.", default=True)
    codes_initializer: Any = param(INITIALIZER, "How the codes start.", default="random_normal")
    codes_regularizer: Any = param(REGULARIZER, "Penalty on the codes, added to the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        if not x.shape:
            raise Rejected("AG301", "needs at least one axis, got a scalar", hint="put a reshape to (1,) before it")
        need_float(x)
        channels_of(x)
        return Tensor((*x.shape[:-1], self.units))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("codes", (self.units, channels_of(x)), trainable=self.trainable),)

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE if len(x.shape) == 1 else ()

    def lower(self, x: Tensor) -> Layer:
        arguments = {name: value for name, value in self.given() if name != "trainable"}
        return Layer("RadialBasis", {**arguments, "fixed": not self.trainable}, ours=True)
