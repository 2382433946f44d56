"""Windows that slide over spatial axes: the sizes that come out, and what a window needs of its input."""

from archgraph.kinds import AnyOf, Choice
from archgraph.record import param
from archgraph.shapes import Dim, Shape, Tensor, need_known, need_rank, window_output
from archgraph.vocabulary.base import Window
from archgraph.vocabulary.parameters import EXPLICIT_PADDING, Padding, explicit_padding
from archgraph.vocabulary.rules import FLOATS, need_float


def sliding_padding(*, causal: bool = False) -> Padding:
    """The ``padding`` parameter of a layer whose window slides."""
    words = ("same", "valid", "causal") if causal else ("same", "valid")
    past = ", `causal` (only before, so that no output sees a later input; one spatial axis)" if causal else ""
    doc = (
        "Cells added around the input: `same` (the output has the size of the input, divided by the stride and rounded "
        f"up), `valid` (none){past}, or numbers: one for all sides, one per axis, or [before, after] per axis."
    )
    return param(AnyOf(Choice(*words), EXPLICIT_PADDING), doc, default="same")  # type: ignore[no-any-return]


def need_picture(x: Tensor, *ranks: int) -> int:
    """The number of spatial axes of a tensor (space…, channels) of real numbers: one of `ranks`."""
    need_rank(x, *(rank + 1 for rank in ranks))
    need_float(x)
    channels_of(x)
    return len(x.shape) - 1


def channels_of(x: Tensor) -> int:
    """The size of the last axis, which must be known."""
    return need_known(x.shape[-1], "the size of the last axis (the channels)")


def moved(x: Tensor) -> str:
    """The dtype of numbers that are only moved: Keras casts floating ones to its own float, and keeps the others."""
    return "float32" if x.dtype in FLOATS else x.dtype


def span(kernel: int, dilation: int = 1) -> int:
    """How many input cells a window covers from end to end."""
    return dilation * (kernel - 1) + 1


def slid(space: Shape, spans: tuple[int, ...], strides: tuple[int, ...], padding: Padding) -> Shape:
    """Spatial sizes after sliding windows over `space`, which is padded first where `padding` is in numbers."""
    if padding == "same" or padding == "causal":
        return tuple([-(-size // stride) for size, stride in zip(space, strides, strict=True)])
    sizes = space if padding == "valid" else padded(space, padding)
    return tuple([window_output(*axis, "valid") for axis in zip(sizes, spans, strides, strict=True)])


def padded(space: Shape, padding: Padding) -> Shape:
    """Spatial sizes with explicit numbers of cells added."""
    sides = explicit_padding(padding, len(space))
    return tuple(before + size + after for size, (before, after) in zip(space, sides, strict=True))


def windows(spans: tuple[Dim, ...], strides: tuple[int, ...]) -> tuple[Window, ...]:
    """Receptive field of a sliding window, one entry for each spatial axis."""
    return tuple(Window(extent, stride) for extent, stride in zip(spans, strides, strict=True))


def adds_nothing(padding: Padding, rank: int) -> bool:
    """Whether explicit `padding` is zero on every side."""
    return not any(cells for sides in explicit_padding(padding, rank) for cells in sides)
