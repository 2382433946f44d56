"""Layers without a notion of place: each output sees the whole last axis."""

from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer
from archgraph.record import param
from archgraph.shapes import Dim, Tensor, prod
from archgraph.vocabulary.base import (
    EVERYWHERE,
    Example,
    Family,
    Layer,
    Memory,
    Weight,
    Window,
    primitive,
)
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.sliding import channels_of
from archgraph.vocabulary.weighted import Equalizable, kernel_numbers


@primitive
class Dense(Equalizable):
    """Every output is a weighted sum of the whole last axis, plus a bias: y = x·W + b.

    On an input with more axes the same weights serve every position.
    """

    op = "dense"
    family = Family.DENSE
    icon = "▤"
    source = "Rumelhart, Hinton & Williams 1986; keras.layers.Dense"
    examples = (
        Example({"units": 10}, inputs=[(784,)], outputs=[(10,)]),
        Example({"units": 4, "use_bias": False}, inputs=[(7, 3)], outputs=[(7, 4)]),
        Example({"units": 5, "spectral_norm": True}, inputs=[(3,)], outputs=[(5,)]),
        Example({"units": 6, "equalized": True, "lr_multiplier": 0.01}, inputs=[(4,)], outputs=[(6,)]),
    )

    units: int = param(Integer(1), "Size of the last axis of the output.")

    def infer(self, x: Tensor) -> Tensor:
        if not x.shape:
            raise Rejected("AG301", "needs at least one axis, got a scalar", hint="put a reshape to (1,) before it")
        need_float(x)
        channels_of(x)
        self.need_one_scale()
        return Tensor((*x.shape[:-1], self.units))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (*self.vectors(vector_u=self.units), *self.kernel_and_bias((channels_of(x), self.units), self.units))

    def macs(self, x: Tensor) -> Dim:
        return prod(x.shape) * self.units

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE if len(x.shape) == 1 else ()

    def memory(self, x: Tensor) -> Memory:
        weights = self.weights(x)
        # Many rows at once are worth laying out the kernel anew.
        return self.with_copies(Memory(turned=kernel_numbers(weights) if len(x.shape) > 1 else 0), weights)

    def lower(self, x: Tensor) -> Layer:
        layer = Layer("Dense", {"units": self.units, **self.weight_arguments()})
        return self.scaled(layer, kernel=(-1,))
