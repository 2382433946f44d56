"""Non-linear functions."""

from collections.abc import Mapping
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Flag, Integer, ListOf, Number, optional
from archgraph.record import param
from archgraph.shapes import Dim, Shape, Tensor, known, need_known, prod, show
from archgraph.vocabulary.base import (
    EVERYWHERE,
    Example,
    Family,
    Layer,
    Memory,
    Place,
    Primitive,
    Weight,
    Window,
    primitive,
)
from archgraph.vocabulary.parameters import ACTIVATIONS, REGULARIZER, VECTOR_INITIALIZER
from archgraph.vocabulary.rules import AXIS, index_of, indices_of, need_axes, need_float
from archgraph.vocabulary.weighted import SpectrallyNormalizable, Weighted

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "relu": ("negative_slope", "max_value", "threshold"),
    "leaky_relu": ("negative_slope",),
    "elu": ("alpha",),
    "celu": ("alpha",),
    "gelu": ("approximate",),
    "soft_shrink": ("threshold",),
    "hard_shrink": ("threshold",),
    "threshold": ("threshold", "default_value"),
    "squareplus": ("b",),
    "softmax": ("axis",),
    "log_softmax": ("axis",),
    "sparsemax": ("axis",),
}
"""The parameters that each function takes; the others take none."""

PARAMETERS = ("negative_slope", "max_value", "alpha", "threshold", "default_value", "approximate", "b", "axis")

OURS: Mapping[str, str] = {"scaled_tanh": "ScaledTanh", "step": "Step", "sparsemax": "Sparsemax"}
"""Functions that Keras lacks or computes wrongly, and our layers for them."""


@primitive
class Activation(Primitive):
    """Bend every number with a simple function; without it, a stack of layers would be no stronger than one layer.

    relu: max(0, x). sigmoid: 1/(1+e⁻ˣ). softmax turns a vector into probabilities: eˣⁱ/Σeˣʲ. scaled_tanh:
    1.7159·tanh(2x/3) (LeCun et al. 1998, section 4.4). step: 1 where x ≥ 0, else 0; for training, its slope is taken to
    be 1, which with the squared error is Rosenblatt's learning rule. All others as in keras.activations. threshold: x
    where x is above `threshold`, else `default_value`.
    """

    op = "activation"
    family = Family.ACTIVATION
    icon = "ƒ"
    source = "keras.activations; LeCun et al. 1998, Efficient BackProp; Rosenblatt 1958"
    examples = (
        Example({"activation": "relu"}, inputs=[(28, 28, 3)], outputs=[(28, 28, 3)]),
        Example({"activation": "leaky_relu", "negative_slope": 0.1}, inputs=[(10,)], outputs=[(10,)]),
        Example({"activation": "softmax", "axis": 1}, inputs=[(4, 6)], outputs=[(4, 6)]),
    )

    activation: str = param(Choice(*ACTIVATIONS), "Name of the function.")
    negative_slope: float | None = param(
        optional(Number(0)), "relu, leaky_relu: the slope below zero. Default: 0 and 0.2.", default=None
    )
    max_value: float | None = param(optional(Number(0)), "relu: the largest output. Default: none.", default=None)
    alpha: float | None = param(
        optional(Number(above=0)), "elu, celu: minus the value far below zero. Default: 1.", default=None
    )
    threshold: float | None = param(
        optional(Number()),
        "relu, threshold: inputs below it are not passed on (default: 0 and 1); soft_shrink, hard_shrink: "
        "inputs smaller in magnitude become 0 (default: 0.5).",
        default=None,
    )
    default_value: float | None = param(
        optional(Number()), "threshold: the output for inputs at or below the threshold. Default: 0.", default=None
    )
    approximate: bool | None = param(
        optional(Flag()), "gelu: use the formula with tanh instead of the exact one. Default: false.", default=None
    )
    b: float | None = param(optional(Number(0)), "squareplus: roundness of the bend. Default: 4.", default=None)
    axis: int | None = param(
        optional(AXIS),
        "softmax, log_softmax, sparsemax: the axis whose outputs sum to 1, numbered as in Keras. Default: -1.",
        default=None,
    )

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        taken = ARGUMENTS.get(self.activation, ())
        for name in self.arguments():
            if name not in taken:
                hint = f"it takes {', '.join(taken)}" if taken else "it takes no parameters"
                raise Rejected("AG210", f"{self.activation} takes no {name}", hint=hint, field=f"/{name}")
        self.signs()
        if "axis" in taken:
            self.spread(x)
        return Tensor(x.shape)

    def signs(self) -> None:
        """Reject a negative threshold where the function is defined for positive ones alone."""
        if self.threshold is not None and self.threshold < 0 and self.activation != "threshold":
            message = f"the threshold of {self.activation} must be at least 0, got {self.threshold}"
            raise Rejected("AG201", message, field="/threshold")

    def spread(self, x: Tensor) -> None:
        """Reject an axis on which probabilities make no sense."""
        need_axes(x, 1, hint="put a reshape to (1,) before it, or use sigmoid")
        axis = -1 if self.axis is None else self.axis
        size = x.shape[index_of(axis, x.shape)]
        if self.activation == "sparsemax":
            need_known(size, "the axis of sparsemax, whose elements are sorted,")
        if size == 1:
            message = f"{self.activation} over one element of {show(x.shape)} is constant"
            hint = "use sigmoid for one output, or give the layer before it at least 2 units"
            raise Rejected("AG201", message, hint=hint, field="" if self.axis is None else "/axis")

    def arguments(self) -> dict[str, Any]:
        """The parameters that are given, in Keras's names."""
        return {name: getattr(self, name) for name in PARAMETERS if getattr(self, name) is not None}

    def memory(self, x: Tensor) -> Memory:
        if self.activation in FROM_OUTPUT:
            return Memory(Place.OVER, reads=(), output=True)
        if self.activation in FROM_INPUT:
            return Memory(Place.OVER)
        if self.activation in BENT_AND_SCALED:
            return Memory(Place.OVER, reads=(), own=(x,))
        own, back = BETWEEN.get(self.activation, (1, 1))
        return Memory(own=own * (x,), back=back * (x,))

    def lower(self, x: Tensor) -> Layer:
        arguments = self.arguments()
        if "axis" in arguments:
            arguments["axis"] = index_of(arguments["axis"], x.shape) + 1
        if self.activation in OURS:
            return Layer(OURS[self.activation], arguments, ours=True)
        if self.activation == "threshold":
            arguments = {"threshold": 1.0, "default_value": 0.0, **arguments}
        if not arguments:
            return Layer("Activation", {"activation": self.activation})
        if self.activation in KERAS_LAYERS:
            return Layer(KERAS_LAYERS[self.activation], arguments)
        return Layer("FunctionActivation", {"activation": self.activation, "arguments": arguments}, ours=True)


FROM_OUTPUT = frozenset({"relu", "relu6", "elu", "selu", "sigmoid", "tanh", "softmax", "log_softmax", "step"})
"""Functions whose slope follows from their output."""
FROM_INPUT = frozenset({"leaky_relu", "softplus", "softsign", "log_sigmoid", "linear"})
"""Functions whose slope follows from their input, and that write over it."""
BENT_AND_SCALED = frozenset({"scaled_tanh"})
"""Functions whose slope follows from what they are before the output is scaled."""
BETWEEN: Mapping[str, tuple[int, int]] = {"gelu": (2, 1), "silu": (0, 2), "exponential": (0, 0)}
"""What other functions keep in between, and what their slope needs, in tensors of their input's size."""

KERAS_LAYERS: Mapping[str, str] = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "softmax": "Softmax"}
"""Functions for which Keras has a layer with the parameters."""


@primitive
class PReLU(Primitive):
    """Like relu, but below zero the line has a slope that is learned, one for each element or shared along axes.

    y = x for x > 0, and α·x below.
    """

    op = "prelu"
    family = Family.ACTIVATION
    icon = "ⱱ"
    source = "He, Zhang, Ren & Sun 2015, Delving Deep into Rectifiers, section 2.1; keras.layers.PReLU"
    examples = (
        Example({}, inputs=[(10,)], outputs=[(10,)]),
        Example({"shared_axes": [1, 2]}, inputs=[(8, 8, 3)], outputs=[(8, 8, 3)]),
    )

    alpha_initializer: Any = param(
        VECTOR_INITIALIZER, "How the slopes start; 0.25 in the paper, 0 in Keras.", default="zeros"
    )
    alpha_regularizer: Any = param(REGULARIZER, "Penalty on the slopes, added to the loss.", default=None)
    shared_axes: tuple[int, ...] | None = param(
        optional(ListOf(AXIS, shortest=1, longest=8)),
        "Axes along which one slope serves all, numbered as in Keras; [1, 2] after a 2-D convolution.",
        default=None,
    )

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        self.slopes(x)
        return Tensor(x.shape)

    def shared(self, x: Tensor) -> tuple[int, ...]:
        """The shared axes, counted from 0."""
        return () if self.shared_axes is None else indices_of(self.shared_axes, x.shape, field="/shared_axes")

    def slopes(self, x: Tensor) -> Shape:
        """The shape of the learned slopes."""
        shared = self.shared(x)
        slopes = tuple(1 if index in shared else size for index, size in enumerate(x.shape))
        if not known(slopes):
            hint = "share the slopes along the symbolic axes: set shared_axes"
            raise Rejected("AG302", f"every axis that is not shared must be known, got {show(x.shape)}", hint=hint)
        return slopes

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("alpha", self.slopes(x)),)

    def memory(self, x: Tensor) -> Memory:
        return Memory(own=(x,), back=(x,))

    def lower(self, x: Tensor) -> Layer:
        changed = {
            name: getattr(self, name)
            for name in ("alpha_initializer", "alpha_regularizer")
            if getattr(self, name) != self.fields()[name].default
        }
        axes = [index + 1 for index in self.shared(x)]
        return Layer("PReLU", {**changed, "shared_axes": axes} if axes else changed)


@primitive
class Maxout(SpectrallyNormalizable, Weighted):
    """Compute several weighted sums for each output and keep the largest: the bend itself is learned.

    yᵢ = maxⱼ (x·Wᵢⱼ + bᵢⱼ), j = 1 … `pieces`. On an input with more axes the same weights serve every position.
    """

    op = "maxout"
    family = Family.ACTIVATION
    icon = "⋀"
    source = "Goodfellow et al. 2013, Maxout Networks, section 3"
    examples = (
        Example({"units": 4}, inputs=[(10,)], outputs=[(4,)]),
        Example({"units": 4, "pieces": 3, "use_bias": False}, inputs=[(7, 5)], outputs=[(7, 4)]),
        Example({"units": 3, "spectral_norm": True}, inputs=[(5,)], outputs=[(3,)]),
    )

    units: int = param(Integer(1), "Size of the last axis of the output.")
    pieces: int = param(Integer(2), "Weighted sums to choose from, for each output.", default=2)

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        need_axes(x, 1, hint="put a reshape to (1,) before it")
        need_known(x.shape[-1], "the last axis")
        return Tensor((*x.shape[:-1], self.units))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        sums = self.units * self.pieces
        return (*self.vectors(vector_u=sums), *self.kernel_and_bias((x.shape[-1], sums), sums))

    def macs(self, x: Tensor) -> Dim:
        return prod(x.shape) * self.units * self.pieces

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE if len(x.shape) == 1 else ()

    def memory(self, x: Tensor) -> Memory:
        sums = Tensor((*x.shape[:-1], self.units * self.pieces))
        return self.with_copies(Memory(output=True, own=(sums,), scratch=(sums,)), self.weights(x))

    def lower(self, x: Tensor) -> Layer:
        arguments = {"units": self.units, "pieces": self.pieces, **self.weight_arguments()}
        return self.with_spectral_norm(Layer("Maxout", arguments, ours=True), kernel=(-1,))
