"""Vectors that are written number by number: each output may look only at earlier inputs."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Integer
from archgraph.record import param
from archgraph.shapes import Dim, Tensor, need_rank, prod
from archgraph.vocabulary.base import EVERYWHERE, Example, Family, Layer, Memory, Weight, Window, primitive
from archgraph.vocabulary.convolution import need_groups
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER, VECTOR_INITIALIZER
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.sliding import channels_of
from archgraph.vocabulary.weighted import Dressed, Weighted


@primitive
class MaskedDense(Weighted):
    """A dense layer in a stack whose output number d sees none but the input numbers before d.

    Every unit has a degree: the numbers in and out have 1 … D in their order, hidden units are spread evenly over
    1 … D - 1 (the paper draws them). The kernel is multiplied by a mask of ones where the degrees allow it. `kind` says
    where the layer stands: `input` and `hidden` let a unit see degrees up to its own, `output` and `direct` (from the
    input past all hidden layers) only smaller ones. Where a layer has several times D numbers, equal runs of them stand
    for one each.
    """

    op = "masked_dense"
    family = Family.DENSE
    icon = "◺"
    source = "Germain, Gregor, Murray & Larochelle 2015 (MADE), sections 3 and 4, equations 12 and 13"
    examples = (
        Example({"units": 500, "steps": 784, "kind": "input"}, inputs=[(784,)], outputs=[(500,)]),
        Example({"units": 5, "steps": 4, "kind": "hidden"}, inputs=[(9,)], outputs=[(5,)]),
        Example({"units": 8, "steps": 4, "kind": "output", "use_bias": False}, inputs=[(7, 9)], outputs=[(7, 8)]),
        Example({"units": 3, "steps": 3, "kind": "direct"}, inputs=[(6,)], outputs=[(3,)]),
    )

    units: int = param(Integer(1), "Size of the last axis of the output.")
    steps: int = param(Integer(2), "Number D of what is written one after the other.")
    kind: str = param(Choice("input", "hidden", "output", "direct"), "Where the layer stands in the stack.")

    def infer(self, x: Tensor) -> Tensor:
        if not x.shape:
            raise Rejected("AG301", "needs at least one axis, got a scalar", hint="put a reshape to (1,) before it")
        need_float(x)
        size = channels_of(x)
        if self.kind in ("input", "direct"):
            need_groups(size, self.steps, "the size of the last axis", "steps")
        if self.kind in ("output", "direct"):
            need_groups(self.units, self.steps, "units", "steps")
        return Tensor((*x.shape[:-1], self.units))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return self.kernel_and_bias((channels_of(x), self.units), self.units)

    def macs(self, x: Tensor) -> Dim:
        return prod(x.shape) * self.units

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE if len(x.shape) == 1 else ()

    def lower(self, x: Tensor) -> Layer:
        own = {"units": self.units, "steps": self.steps, "kind": self.kind}
        return Layer("MaskedDense", {**own, **self.weight_arguments()}, ours=True)


@primitive
class Nade(Dressed):
    """Foretell each number of a vector from those before it, with one hidden layer that grows along the way.

    h_d = σ(W_1·x_1 + … + W_(d-1)·x_(d-1) + c), y_d = V_d·h_d + b_d, with a row of W and of V for each number. With
    `activation` "sigmoid", y_d is the probability that x_d is 1. Multiply-adds: 2 · numbers · units.
    """

    op = "nade"
    family = Family.GENERATIVE
    icon = "≺"
    source = "Larochelle & Murray 2011, The Neural Autoregressive Distribution Estimator, equations 10 and 11"
    examples = (
        Example({"units": 500}, inputs=[(784,)], outputs=[(784,)]),
        Example({"units": 4, "kernel_regularizer": {"l2": 1e-4}}, inputs=[(6,)], outputs=[(6,)]),
    )

    units: int = param(Integer(1), "Number of hidden units.")
    kernel_initializer: Any = param(INITIALIZER, "How W and V start.", default="glorot_uniform")
    bias_initializer: Any = param(VECTOR_INITIALIZER, "How b and c start.", default="zeros")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on W and V, added to the loss.", default=None)
    bias_regularizer: Any = param(REGULARIZER, "Penalty on b and c, added to the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        need_rank(x, 1)
        need_float(x)
        channels_of(x)
        return Tensor(x.shape)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        size = channels_of(x)
        kernels = Weight("kernel", (size, self.units)), Weight("output_kernel", (size, self.units))
        return (*kernels, Weight("bias", (self.units,)), Weight("output_bias", (size,)))

    def macs(self, x: Tensor) -> Dim:
        return 2 * channels_of(x) * self.units

    def window(self, x: Tensor) -> str:
        return EVERYWHERE

    def memory(self, x: Tensor) -> Memory:
        wide = Tensor((*x.shape, self.units))  # the hidden layer before each number
        return Memory(own=(wide,), scratch=3 * (wide,), back=3 * (wide,))

    def lower(self, x: Tensor) -> Layer:
        names = "units", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer"
        return Layer("NADE", {name: getattr(self, name) for name in names}, ours=True)
