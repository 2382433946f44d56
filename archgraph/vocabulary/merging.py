"""Several inputs become one."""

import abc
from typing import Any, ClassVar

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Choice, Flag, Integer, ListOf, optional
from archgraph.record import param, record
from archgraph.shapes import Dim, Shape, Tensor, ceil_div, need_known, prod, show
from archgraph.vocabulary.base import (
    REARRANGES,
    REGISTRY,
    Call,
    Composition,
    Example,
    Family,
    Layer,
    Memory,
    Place,
    Port,
    Primitive,
    Step,
    primitive,
)
from archgraph.vocabulary.parameters import INITIALIZER, NORM, NORMALISATION, REGULARIZER, PerAxis, each_axis, per_axis
from archgraph.vocabulary.rules import AXIS, broadcast, disagreement, index_of, need_axes, need_float
from archgraph.vocabulary.weighted import Dressed

TERMS = (Port("terms", "tensors of one shape, or of shapes that stretch to one", variadic=True),)
MAPS = (Port("maps", "tensors that agree on every axis but one", variadic=True),)


def need_count(terms: tuple[Tensor, ...], exactly: int | None = None) -> None:
    """Reject a merge of nothing, or of another number of inputs than `exactly`."""
    if not terms or (exactly is not None and len(terms) != exactly):
        wanted = "at least 1 input" if exactly is None else f"exactly {exactly} inputs"
        raise Rejected("AG403", f"needs {wanted}, got {len(terms)}", hint='list them: "in": ["a", "b"]')


@record
class Elementwise(Dressed, abc.ABC):
    """A merge that works element by element. Axes of size 1 stretch, aligned at the last axis, as in Keras."""

    family: ClassVar[Family] = Family.MERGING
    inputs: ClassVar[tuple[Port, ...]] = TERMS
    keras_layer: ClassVar[str]
    verb: ClassVar[str]
    remedy: ClassVar[str] = "bring them to one shape first, with conv, dense, reshape or resize"
    exactly: ClassVar[int | None] = None
    needs: ClassVar[Memory]

    def infer(self, *terms: Tensor) -> Tensor:
        need_count(terms, self.exactly)
        need_float(*terms)
        return Tensor(broadcast(terms, verb=self.verb, hint=self.remedy))

    def memory(self, *terms: Tensor) -> Memory:
        return self.needs

    def lower(self, *terms: Tensor) -> Layer:
        return Layer(self.keras_layer, {}, call=Call.LIST)


@primitive
class Add(Elementwise):
    """Sum the inputs, element by element; the way in which a residual connection rejoins the main path.

    y = x₁ + x₂ + …
    """

    op = "add"
    icon = "+"
    source = "He, Zhang, Ren & Sun 2015, Deep Residual Learning, section 3.2; keras.layers.Add"
    keras_layer = "Add"
    verb = "add"
    needs = Memory(Place.OVER, reads=(), through=True)
    remedy = "use skip, or project one side with a 1x1 conv"
    examples = (
        Example({}, inputs=[(8, 8, 3), (8, 8, 3)], outputs=[(8, 8, 3)]),
        Example({}, inputs=[(8, 8, 3), (1, 1, 3), (3,)], outputs=[(8, 8, 3)]),
    )


@primitive
class Multiply(Elementwise):
    """Multiply the inputs, element by element; one input can so switch parts of another on and off.

    y = x₁ · x₂ · …  A factor of shape (1, 1, channels) weighs whole feature maps, as in squeeze-and-excitation.
    """

    op = "multiply"
    icon = "×"
    source = "Hu, Shen & Sun 2018, Squeeze-and-Excitation Networks, section 3.2; keras.layers.Multiply"
    keras_layer = "Multiply"
    verb = "multiply"
    needs = Memory(Place.OVER)
    examples = (
        Example({}, inputs=[(8, 8, 3), (8, 8, 3)], outputs=[(8, 8, 3)]),
        Example({}, inputs=[(8, 8, 3), (1, 1, 3)], outputs=[(8, 8, 3)]),
    )


@primitive
class Average(Elementwise):
    """Take the mean of the inputs, element by element; the vote of several branches with equal weights.

    y = (x₁ + … + xₙ) / n
    """

    op = "average"
    icon = "x̄"
    source = "keras.layers.Average"
    keras_layer = "Average"
    verb = "average"
    needs = Memory(Place.OVER, reads=())
    examples = (Example({}, inputs=[(10,), (10,), (10,)], outputs=[(10,)]),)


@primitive
class Maximum(Elementwise):
    """Keep the larger value at each place: a feature counts if any of the inputs saw it.

    y = max(x₁, …, xₙ)
    """

    op = "maximum"
    icon = "⌈"
    source = "Goodfellow et al. 2013, Maxout Networks, section 3; keras.layers.Maximum"
    keras_layer = "Maximum"
    verb = "take the maximum of"
    needs = Memory(Place.OVER)
    examples = (Example({}, inputs=[(4, 6), (4, 6)], outputs=[(4, 6)]),)


@primitive
class Minimum(Elementwise):
    """Keep the smaller value at each place: a feature counts only if all inputs saw it.

    y = min(x₁, …, xₙ)
    """

    op = "minimum"
    icon = "⌊"
    source = "keras.layers.Minimum"
    keras_layer = "Minimum"
    verb = "take the minimum of"
    needs = Memory(Place.OVER)
    examples = (Example({}, inputs=[(4, 6), (4, 6)], outputs=[(4, 6)]),)


@primitive
class Subtract(Elementwise):
    """Take the second input from the first, element by element; what is left is how they differ.

    y = x₁ - x₂
    """

    op = "subtract"
    icon = "−"
    source = "keras.layers.Subtract"
    keras_layer = "Subtract"
    verb = "subtract"
    needs = Memory(Place.OVER, reads=(), through=True)
    exactly = 2
    examples = (
        Example({}, inputs=[(10,), (10,)], outputs=[(10,)]),
        Example({}, inputs=[(8, 8, 3), (3,)], outputs=[(8, 8, 3)]),
    )


def joined(maps: tuple[Tensor, ...], index: int, *, hint: str) -> Shape:
    """The shape of tensors laid end to end along the axis at `index`."""
    first = maps[0]
    total: Dim = first.shape[index]
    for other in maps[1:]:
        if len(other.shape) != len(first.shape):
            shapes = " and ".join(show(term.shape) for term in maps)
            raise Rejected("AG301", f"cannot concatenate {shapes}: they need the same number of axes", hint=hint)
        for position, (a, b) in enumerate(zip(first.shape, other.shape, strict=True)):
            if position != index and a != b:
                raise disagreement(a, b, maps, verb="concatenate", hint=hint)
        total = total + other.shape[index]
    return (*first.shape[:index], total, *first.shape[index + 1 :])


@primitive
class Concat(Dressed):
    """Lay the inputs end to end along one axis, by default the last (the channels), so that later layers see them all.

    All other axes must agree.
    """

    op = "concat"
    family = Family.MERGING
    icon = "⧺"
    source = "Szegedy et al. 2014, Going Deeper with Convolutions, section 4; keras.layers.Concatenate"
    inputs = MAPS
    examples = (
        Example({}, inputs=[(8, 8, 3), (8, 8, 5)], outputs=[(8, 8, 8)]),
        Example({"axis": 1}, inputs=[(4, 6), (1, 6)], outputs=[(5, 6)]),
    )

    axis: int = param(AXIS, "The axis that grows, numbered as in Keras: 1 is the first after the batch.", default=-1)

    def infer(self, *maps: Tensor) -> Tensor:
        need_count(maps)
        need_float(*maps)
        need_axes(maps[0], 1, hint="put a reshape to (1,) before it")
        index = index_of(self.axis, maps[0].shape)
        hint = "bring the other axes to one size first, with pooling, resize, crop or pad"
        return Tensor(joined(maps, index, hint=hint))

    def memory(self, *maps: Tensor) -> Memory:
        return REARRANGES

    def lower(self, *maps: Tensor) -> Layer:
        return Layer("Concatenate", {"axis": index_of(self.axis, maps[0].shape) + 1}, call=Call.LIST)


@primitive
class DenseConcat(Dressed):
    """Stack all earlier feature maps of a block along the channels, so that every layer sees what all others found.

    x = [x₀, x₁, …, xₗ₋₁]. All maps must have the same height and width; a single one passes through.
    """

    op = "dense_concat"
    family = Family.MERGING
    icon = "⫴"
    source = "Huang, Liu, van der Maaten & Weinberger 2017, Densely Connected Networks, section 3"
    inputs = MAPS
    examples = (Example({}, inputs=[(8, 8, 16), (8, 8, 12), (8, 8, 12)], outputs=[(8, 8, 40)]),)

    def infer(self, *maps: Tensor) -> Tensor:
        need_count(maps)
        need_float(*maps)
        need_axes(maps[0], 1, hint="put a reshape to (1,) before it")
        hint = "maps of a dense block keep their height and width; pool only between blocks, in a transition layer"
        return Tensor(joined(maps, len(maps[0].shape) - 1, hint=hint))

    def memory(self, *maps: Tensor) -> Memory:
        return REARRANGES

    def lower(self, *maps: Tensor) -> Layer:
        return Layer("Concatenate", {}, call=Call.LIST)


@primitive
class Dot(Primitive):
    """Multiply two inputs and sum along one axis of each: how alike are they? With `normalize`, the angle's cosine.

    Two vectors give one number; (T, n) and (S, n) along n give the (T, S) table of all pairs.
    """

    op = "dot"
    family = Family.MERGING
    icon = "∙"
    source = "keras.layers.Dot; Koch, Zemel & Salakhutdinov 2015 (Siamese networks)"
    inputs = TERMS
    examples = (
        Example({}, inputs=[(8,), (8,)], outputs=[(1,)]),
        Example({"axes": [2, 2], "normalize": True}, inputs=[(5, 8), (7, 8)], outputs=[(5, 7)]),
        Example({"axes": [1, 2]}, inputs=[(8,), (7, 8)], outputs=[(7,)]),
    )

    axes: int | tuple[int, int] = param(
        AnyOf(AXIS, ListOf(AXIS, shortest=2, longest=2)),
        "The axis to sum over, or one for each input; numbered as in Keras: 1 is the first after the batch.",
        default=-1,
    )
    normalize: bool = param(Flag(), "Scale both inputs to length 1 along the axis first (cosine).", default=False)

    def infer(self, *terms: Tensor) -> Tensor:
        need_count(terms, 2)
        need_float(*terms)
        one, two = terms
        need_axes(one, 1, what="first input")
        need_axes(two, 1, what="second input")
        a, b = self.indices(one, two)
        if one.shape[a] != two.shape[b]:
            hint = "choose axes of one size, or put a dense before one input"
            raise disagreement(one.shape[a], two.shape[b], terms, verb="take the dot product of", hint=hint)
        rest = (*one.shape[:a], *one.shape[a + 1 :], *two.shape[:b], *two.shape[b + 1 :])
        return Tensor(rest or (1,))

    def indices(self, one: Tensor, two: Tensor) -> tuple[int, int]:
        """The summed axis of each input, counted from 0."""
        if isinstance(self.axes, int):
            return index_of(self.axes, one.shape, field="/axes"), index_of(self.axes, two.shape, field="/axes")
        first, second = self.axes
        return index_of(first, one.shape, field="/axes/0"), index_of(second, two.shape, field="/axes/1")

    def macs(self, *terms: Tensor) -> Dim:
        a, _ = self.indices(*terms)
        return prod(self.infer(*terms).shape) * terms[0].shape[a]

    def lower(self, *terms: Tensor) -> Layer:
        a, b = self.indices(*terms)
        return Layer("Dot", {"axes": [a + 1, b + 1], "normalize": self.normalize}, call=Call.LIST)


FARTHEST = 16
"""Largest stride that is tried when sizes are symbolic and a stride must be found by proof."""


def stride_between(before: Dim, after: Dim) -> int | None:
    """The smallest stride that takes size `before` to exactly `after` (rounding up), or None if there is none."""
    if before == after:
        return 1
    if isinstance(before, int) and isinstance(after, int):
        # A larger stride gives a smaller or equal size, so only the first that is not too large can fit.
        stride = -(-before // after)
        return stride if ceil_div(before, stride) == after else None
    return next((stride for stride in range(2, FARTHEST + 1) if ceil_div(before, stride) == after), None)


@primitive
class IdentityShortcut(Primitive):
    """Carry a tensor past some layers without weights: keep every `strides`-th position and append channels of zeros.

    Element (i, j, c) of the output is x(i·s, j·s, c) for c below the input's channels, and 0 above.
    """

    op = "identity_shortcut"
    family = Family.MERGING
    icon = "⤼"
    source = "He, Zhang, Ren & Sun 2015, Deep Residual Learning, section 3.3, option A"
    examples = (
        Example({"filters": 32, "strides": 2}, inputs=[(7, 8, 16)], outputs=[(4, 4, 32)]),
        Example({"filters": 5}, inputs=[(3,)], outputs=[(5,)]),
    )

    filters: int = param(Integer(1), "Channels of the output, at least those of the input.")
    strides: PerAxis = param(per_axis(), "Keep every n-th position, for all spatial axes or for each.", default=1)

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        need_axes(x, 1)
        channels = need_known(x.shape[-1], "the last axis")
        if self.filters < channels:
            hint = 'use the shortcut "B" or "C" of skip, or a 1x1 conv'
            message = f"cannot drop channels: {channels} in, {self.filters} out"
            raise Rejected("AG303", message, hint=hint, field="/filters")
        strides = self.steps(x)
        spatial = (ceil_div(size, stride) for size, stride in zip(x.shape[:-1], strides, strict=True))
        return Tensor((*spatial, self.filters))

    def steps(self, x: Tensor) -> tuple[int, ...]:
        """The stride of each spatial axis."""
        return each_axis(self.strides, len(x.shape) - 1, "strides")

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        return Layer("IdentityShortcut", {"filters": self.filters, "strides": list(self.steps(x))}, ours=True)


@primitive
class Skip(Dressed):
    """Add a shortcut to what some layers computed, so that they need to learn only the difference to their input.

    y = residual + shortcut(x). Where the shapes differ, the shortcut is fitted by one of three options of the paper:
    A keeps every n-th position and appends zero channels (no weights); B is the identity where the shapes agree and a
    1x1 convolution where they differ; C is always a convolution. For vectors the convolution is a dense layer. Strides
    follow from the two shapes. With "none" there is no shortcut, y = residual: the plain network to compare with.
    """

    op = "skip"
    family = Family.MERGING
    icon = "⤺"
    source = "He, Zhang, Ren & Sun 2015, Deep Residual Learning, sections 3.2, 3.3 and 4.1"
    inputs = (Port("x", "the shortcut, from before the layers"), Port("residual", "what the layers computed"))
    examples = (
        Example({}, inputs=[(8, 8, 16), (8, 8, 16)], outputs=[(8, 8, 16)]),
        Example({}, inputs=[(8, 8, 16), (4, 4, 32)], outputs=[(4, 4, 32)]),
        Example({"shortcut": "A"}, inputs=[(8, 8, 16), (4, 4, 32)], outputs=[(4, 4, 32)]),
        Example({"shortcut": "C", "projection_norm": "batch"}, inputs=[(8, 8, 16), (8, 8, 16)], outputs=[(8, 8, 16)]),
    )

    shortcut: str = param(
        Choice("A", "B", "C", "none"),
        "How the shortcut is fitted: A zero channels, B a projection where shapes differ, C a projection always; none: "
        "left out.",
        default="B",
    )
    strides: PerAxis | None = param(
        optional(per_axis()), "Stride of the shortcut. Default: the smallest that fits the two shapes.", default=None
    )
    projection_norm: Any = param(NORM, "Normalisation after the projection.", default=None)
    use_bias: bool | None = param(
        optional(Flag()), "Bias of the projection. Default: true, or false where it is normalised.", default=None
    )
    kernel_initializer: Any = param(INITIALIZER, "How the projection's kernel starts.", default="glorot_uniform")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on the projection's kernel, added to the loss.", default=None)

    @property
    def biased(self) -> bool:
        """Whether the projection has a bias, once the default is resolved."""
        return self.projection_norm is None if self.use_bias is None else self.use_bias

    def infer(self, x: Tensor, residual: Tensor) -> Tensor:
        need_float(x, what="shortcut")
        need_float(residual, what="residual")
        if self.shortcut == "none":
            return Tensor(residual.shape)
        need_axes(residual, 1, what="residual")
        if len(x.shape) != len(residual.shape):
            message = (
                f"cannot skip between {show(x.shape)} and {show(residual.shape)}: they differ in the number of axes"
            )
            raise Rejected("AG301", message, hint="put a reshape before one of them")
        self.steps(x, residual)
        if self.fitting(x, residual):
            need_known(residual.shape[-1], "the last axis of the residual")
            need_known(x.shape[-1], "the last axis of the shortcut")
            self.reachable(x, residual)
        return Tensor(residual.shape)

    def fitting(self, x: Tensor, residual: Tensor) -> bool:
        """Whether the shortcut is more than the identity."""
        return self.shortcut == "C" or x.shape != residual.shape or any(step != 1 for step in self.steps(x, residual))

    def reachable(self, x: Tensor, residual: Tensor) -> None:
        """Reject what the chosen option cannot fit."""
        before, after = x.shape[-1], residual.shape[-1]
        if self.shortcut == "A" and before > after:
            hint = 'use the shortcut "B", which projects'
            message = f"zero padding cannot take {before} channels to {after}"
            raise Rejected("AG303", message, hint=hint, field="/shortcut")
        if self.shortcut != "A" and len(x.shape) > 4:
            hint = 'reshape to at most 4 axes, or use the shortcut "A"'
            raise Rejected("AG301", f"no convolution has {len(x.shape) - 1} spatial axes", hint=hint)

    def steps(self, x: Tensor, residual: Tensor) -> tuple[int, ...]:
        """The stride of each spatial axis, given or found, checked against both shapes."""
        rank = len(x.shape) - 1
        pairs = tuple(zip(x.shape[:rank], residual.shape[:rank], strict=True))
        if self.strides is None:
            return tuple(self.found(a, b, x, residual) for a, b in pairs)
        given = each_axis(self.strides, rank, "strides")
        for (a, b), stride in zip(pairs, given, strict=True):
            if ceil_div(a, stride) != b:
                verb, hint = f"skip with stride {stride} between", "leave strides out and they are found"
                raise disagreement(ceil_div(a, stride), b, (x, residual), verb=verb, hint=hint)
        return given

    @staticmethod
    def found(a: Dim, b: Dim, x: Tensor, residual: Tensor) -> int:
        """The stride that takes size `a` to `b`, or `Rejected`."""
        stride = stride_between(a, b)
        if stride is not None:
            return stride
        if isinstance(a, int) and isinstance(b, int) and a < b:
            hint = "upsample the shortcut first"
        else:
            hint = 'no whole stride fits; give the layers between padding "same", or crop or resize one side'
        raise disagreement(a, b, (x, residual), verb="skip between", hint=hint)

    def compose(self, x: Tensor, residual: Tensor) -> Composition:
        if self.shortcut == "none":
            return Composition((), (1,))
        if not self.fitting(x, residual):
            return Composition((Step("", Add(), (1, 0)),), ("",))
        fitted = self.fitted(x, residual)
        return Composition((*fitted, Step("", Add(), (1, fitted[-1].name))), ("",))

    def fitted(self, x: Tensor, residual: Tensor) -> tuple[Step, ...]:
        """The steps that bring `x` to the shape of `residual`."""
        filters, strides = need_known(residual.shape[-1], "the last axis of the residual"), self.steps(x, residual)
        if self.shortcut == "A":
            return (Step("shortcut", IdentityShortcut(filters=filters, strides=strides or 1), (0,)),)
        shared = {
            "use_bias": self.biased,
            "kernel_initializer": self.kernel_initializer,
            "kernel_regularizer": self.kernel_regularizer,
        }
        if strides:
            values = {"filters": filters, "kernel_size": 1, "strides": strides, **shared}
            project = Step("shortcut", REGISTRY["conv"].make(values), (0,))
        else:
            project = Step("shortcut", REGISTRY["dense"].make({"units": filters, **shared}), (0,))
        if self.projection_norm is None:
            return (project,)
        norm = NORMALISATION.make(self.projection_norm)
        assert isinstance(norm, Primitive)
        return (project, Step("shortcut_norm", norm, ("shortcut",)))

    def lower(self, x: Tensor, residual: Tensor) -> Layer:
        raise NotImplementedError("skip is spelt out in other primitives")
