"""An encoder and a decoder that share their weights."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Integer
from archgraph.record import param
from archgraph.shapes import Dim, Tensor, prod
from archgraph.vocabulary.base import EVERYWHERE, Example, Family, Layer, Primitive, Weight, Window, primitive
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER, VECTOR_INITIALIZER
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.sliding import channels_of


@primitive
class TiedDense(Primitive):
    """Encode into `units` numbers, and decode with the same matrix transposed: an autoencoder of half the weights.

    code = f(x·W + b), reconstruction = code·Wᵀ + c, where f is `code_activation`. A non-linearity of the reconstruction
    is a node of its own. On an input with more axes the same weights serve every position.
    """

    op = "tied_dense"
    family = Family.DENSE
    icon = "⋊"
    source = "Vincent, Larochelle, Bengio & Manzagol 2008, Denoising Autoencoders, section 2.2 (tied weights)"
    examples = (
        Example({"units": 500}, inputs=[(784,)], outputs=[(784,), (500,)]),
        Example({"units": 2, "code_activation": "tanh"}, inputs=[(7, 3)], outputs=[(7, 3), (7, 2)]),
    )

    units: int = param(Integer(1), "Size of the code.")
    code_activation: str = param(
        Choice("sigmoid", "tanh", "relu", "softplus", "linear"), "What bends the code.", default="sigmoid"
    )
    kernel_initializer: Any = param(INITIALIZER, "How W starts.", default="glorot_uniform")
    bias_initializer: Any = param(VECTOR_INITIALIZER, "How b and c start.", default="zeros")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on W, added to the loss.", default=None)
    bias_regularizer: Any = param(REGULARIZER, "Penalty on b and on c, added to the loss.", default=None)

    def infer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if not x.shape:
            raise Rejected("AG301", "needs at least one axis, got a scalar", hint="put a reshape to (1,) before it")
        need_float(x)
        channels_of(x)
        return Tensor(x.shape), Tensor((*x.shape[:-1], self.units))

    def outputs(self) -> tuple[str, ...]:
        return ("reconstruction", "code")

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        size = channels_of(x)
        return Weight("kernel", (size, self.units)), Weight("bias", (self.units,)), Weight("visible_bias", (size,))

    def macs(self, x: Tensor) -> Dim:
        return 2 * prod(x.shape) * self.units

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE if len(x.shape) == 1 else ()

    def lower(self, x: Tensor) -> Layer:
        return Layer("TiedDense", dict(self.given()), ours=True)
