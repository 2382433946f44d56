"""Windows that slide over spatial axes: the sizes that come out, and what a window needs of its input."""

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Choice, Kind
from archgraph.record import param
from archgraph.shapes import Dim, Shape, Tensor, need_rank, show
from archgraph.vocabulary.base import Window
from archgraph.vocabulary.parameters import EXPLICIT_PADDING, Padding, explicit_padding

FLOATS = ("float32", "float16", "bfloat16", "float64")
WHOLE = ("int8", "int16", "int32", "int64", "uint8")

SAME_OR_VALID: Kind = AnyOf(Choice("same", "valid"), EXPLICIT_PADDING)
PADDING_DOC = (
    "Cells added around the input: `same` (the output has the size of the input, divided by the stride and rounded up), "
    "`valid` (none)"
)


def sliding_padding(*, causal: bool = False) -> Padding:
    """The ``padding`` parameter of a layer whose window slides."""
    words = "same", "valid", *(("causal",) if causal else ())
    past = ", `causal` (only before, so that no output sees a later input; one spatial axis)" if causal else ""
    doc = f"{PADDING_DOC}{past}, or numbers of cells: one for all sides, one per axis, or [before, after] per axis."
    return param(AnyOf(Choice(*words), EXPLICIT_PADDING), doc, default="same")  # type: ignore[no-any-return]


def need_float(x: Tensor, what: str = "input") -> None:
    """Reject a tensor of whole numbers or truth values."""
    if x.dtype not in FLOATS:
        raise Rejected("AG306", f"the {what} must hold real numbers, got {x.dtype}", hint="put a rescale before it")


def need_whole(x: Tensor, what: str = "input") -> None:
    """Reject a tensor that does not hold whole numbers."""
    if x.dtype not in WHOLE:
        raise Rejected(
            "AG306", f"the {what} must hold whole numbers, got {x.dtype}", hint='give the input "dtype": "int32"'
        )


def need_picture(x: Tensor, *ranks: int) -> int:
    """The number of spatial axes of a float tensor (space…, channels), one of `ranks`, with known channels."""
    need_rank(x, *(rank + 1 for rank in ranks))
    need_float(x)
    need_channels(x)
    return len(x.shape) - 1


def need_channels(x: Tensor) -> int:
    """The size of the last axis, which must be known."""
    if not isinstance(x.shape[-1], int):
        raise Rejected("AG302", f"the last axis (channels) must have a known size, got {show(x.shape)}")
    return x.shape[-1]


def span(kernel: int, dilation: int = 1) -> int:
    """How many input cells a window covers from end to end."""
    return dilation * (kernel - 1) + 1


def slid(space: Shape, spans: tuple[int, ...], strides: tuple[int, ...], padding: Padding) -> Shape:
    """Spatial sizes after sliding windows over `space`; `padding` is ``same``, ``causal`` or ``valid``."""
    if padding != "valid":
        return tuple(-(-size // stride) for size, stride in zip(space, strides, strict=True))
    for size, covered in zip(space, spans, strict=True):
        if size < covered:
            raise Rejected(
                "AG304",
                f"a window of {covered} cells does not fit into {size}, in {show(space)}",
                hint='use padding "same", a smaller kernel, or less pooling before it',
            )
    return tuple((size - covered) // stride + 1 for size, covered, stride in zip(space, spans, strides, strict=True))


def padded(space: Shape, padding: Padding) -> Shape:
    """Spatial sizes with explicit numbers of cells added."""
    sides = explicit_padding(padding, len(space))
    return tuple(before + size + after for size, (before, after) in zip(space, sides, strict=True))


def windows(spans: tuple[Dim, ...], strides: tuple[int, ...]) -> tuple[Window, ...]:
    """Receptive field of a sliding window, one entry for each spatial axis."""
    return tuple(Window(extent, stride) for extent, stride in zip(spans, strides, strict=True))


def zeros(padding: Padding, rank: int) -> bool:
    """Whether explicit `padding` adds nothing."""
    return not any(cells for sides in explicit_padding(padding, rank) for cells in sides)
