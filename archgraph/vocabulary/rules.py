"""Rules about dtypes, axes and broadcasting that several families share."""

from collections.abc import Sequence

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Integer, Kind, ListOf
from archgraph.shapes import Dim, Shape, Tensor, equal, show

FLOATS = ("float32", "float16", "bfloat16", "float64")

AXIS = Integer(-8, 8)
AXES: Kind = AnyOf(AXIS, ListOf(AXIS, shortest=1, longest=8))
"""One axis or several, numbered as Keras numbers them: 0 is the batch, 1 the first axis of a shape, -1 the last."""


def need_float(*tensors: Tensor, what: str = "input") -> None:
    """Reject a tensor of whole numbers or truth values: Keras would compute on it without a warning, or not at all.

    What comes out of such a layer is float32 for every floating input, because Keras casts its inputs.
    """
    for tensor in tensors:
        if tensor.dtype not in FLOATS:
            hint = "put rescale before it, or embedding or one_hot if the numbers are labels"
            raise Rejected("AG306", f"the {what} must hold floating-point numbers, got {tensor.dtype}", hint=hint)


def need_axes(tensor: Tensor, least: int, *, what: str = "input", hint: str = "") -> None:
    """Reject `tensor` if it has fewer than `least` axes."""
    if len(tensor.shape) < least:
        axes = "1 axis" if least == 1 else f"{least} axes"
        raise Rejected("AG301", f"the {what} must have at least {axes}, got {show(tensor.shape)}", hint=hint)


def need_size(shape: Shape, index: int, *, what: str, hint: str = "") -> int:
    """The size at `index`, or `Rejected` where it is symbolic: weights cannot be made for an unknown number."""
    size = shape[index]
    if not isinstance(size, int):
        raise Rejected("AG302", f"{what} must have a known size, got {show(shape)}", hint=hint)
    return size


def index_of(axis: int, shape: Shape, *, field: str = "/axis") -> int:
    """Keras's number of an axis as an index into `shape`, counted from 0."""
    rank = len(shape)
    if axis == 0 or not -rank <= axis <= rank:
        allowed = f"1 to {rank} or -{rank} to -1" if rank else "none, for a scalar has no axis"
        hint = "0 is the batch, as in Keras" if axis == 0 else ""
        message = f"axis {axis} does not exist in {show(shape)}; expected {allowed}"
        raise Rejected("AG201", message, hint=hint, field=field)
    return axis - 1 if axis > 0 else axis + rank


def indices_of(axes: int | Sequence[int], shape: Shape, *, field: str = "/axis") -> tuple[int, ...]:
    """Keras's numbers of some axes as indices into `shape`, in ascending order, each once."""
    if isinstance(axes, int):
        return (index_of(axes, shape, field=field),)
    found = [index_of(axis, shape, field=f"{field}/{number}") for number, axis in enumerate(axes)]
    if len(set(found)) < len(found):
        raise Rejected("AG210", f"the axes {list(axes)} name one axis twice in {show(shape)}", field=field)
    return tuple(sorted(found))


def broadcast(tensors: Sequence[Tensor], *, verb: str, hint: str = "") -> Shape:
    """The shape of an element-by-element result: aligned at the last axis, a size of 1 stretches to any other."""
    shape: Shape = ()
    for tensor in tensors:
        shape = _pair(shape, tensor.shape, tensors, verb, hint)
    return shape


def _pair(one: Shape, two: Shape, tensors: Sequence[Tensor], verb: str, hint: str) -> Shape:
    if len(one) < len(two):
        one, two = two, one
    head = one[: len(one) - len(two)]
    return (*head, *(_stretch(a, b, tensors, verb, hint) for a, b in zip(one[len(head) :], two, strict=True)))


def _stretch(a: Dim, b: Dim, tensors: Sequence[Tensor], verb: str, hint: str) -> Dim:
    if a == b or b == 1:
        return a
    if a == 1:
        return b
    raise disagreement(a, b, tensors, verb=verb, hint=hint)


def disagreement(a: Dim, b: Dim, tensors: Sequence[Tensor], *, verb: str, hint: str = "") -> Rejected:
    """The complaint that sizes `a` and `b` differ, or cannot be proven equal where one is symbolic."""
    shapes = " and ".join(show(tensor.shape) for tensor in tensors)
    if equal(a, b) is False:
        return Rejected("AG303", f"cannot {verb} {shapes}: {a} and {b} differ", hint=hint)
    remedy = "give equal axes of the inputs the same name" + (f"; {hint}" if hint else "")
    return Rejected("AG305", f"cannot {verb} {shapes}: {a} and {b} may differ", hint=remedy)
