"""Adding and taking away cells at the borders of spatial axes."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Choice, Integer, ListOf, Number, optional
from archgraph.record import param
from archgraph.shapes import Dim, Shape, Tensor, at_least, need_rank, show
from archgraph.vocabulary.base import (
    REARRANGES,
    Example,
    Family,
    Layer,
    Memory,
    Port,
    Primitive,
    primitive,
)
from archgraph.vocabulary.parameters import EXPLICIT_PADDING, Padding, PerAxis, each_axis, explicit_padding
from archgraph.vocabulary.rules import FLOATS
from archgraph.vocabulary.sliding import moved, padded

SIDES = "one for all sides, one for each spatial axis, or [before, after] for each."


_LARGEST = {"bool": 0, "int8": 127, "uint8": 255, "int16": 2**15 - 1, "int32": 2**31 - 1, "int64": 2**31 - 1}


def need_room(spare: Dim, complaint: str, field: str) -> None:
    """Reject with `complaint` when the number of spare cells is negative (AG304), or may be (AG305)."""
    enough = at_least(spare, 0)
    if enough is False:
        raise Rejected("AG304", complaint, field=field)
    if enough is None:
        raise Rejected("AG305", f"{complaint}, which may be too small", hint="state a minimum under dims", field=field)


@primitive
class Pad(Primitive):
    """Add cells around the borders of a sequence, picture or volume.

    The new cells hold a constant, or mirror what is inside: `reflect` leaves the border cell out of the mirror
    (cba|abc becomes cb|abc), `symmetric` repeats it (ba|abc).
    """

    op = "pad"
    family = Family.SHAPE
    icon = "⊞"
    source = "keras.ops.pad; keras.layers.ZeroPadding1D, ZeroPadding2D, ZeroPadding3D"
    examples = (
        Example({"padding": 1}, inputs=[(28, 28, 1)], outputs=[(30, 30, 1)]),
        Example({"padding": [[1, 2], 0], "mode": "reflect"}, inputs=[(8, 8, 3)], outputs=[(11, 8, 3)]),
        Example({"padding": [[2, 0]], "value": -1.5}, inputs=[(10, 4)], outputs=[(12, 4)]),
    )

    padding: Padding = param(EXPLICIT_PADDING, f"Numbers of cells: {SIDES}", unit="cells")
    mode: str = param(Choice("constant", "reflect", "symmetric"), "What the new cells hold.", default="constant")
    value: Any = param(
        AnyOf(Number(), Choice("lowest")),
        "The constant; `lowest` is the smallest number of the type, which no maximum ever picks.",
        default=0,
    )

    def infer(self, x: Tensor) -> Tensor:
        need_rank(x, 2, 3, 4)
        if x.dtype not in FLOATS and not self._fits(x.dtype):
            complaint = (
                f"around {x.dtype} only whole numbers from 0 to {_LARGEST[x.dtype]} can be added, got {self.value}"
            )
            raise Rejected("AG306", complaint, field="/value")
        if self.mode != "constant":
            self._need_room(x.shape[:-1])
        return Tensor((*padded(x.shape[:-1], self.padding), x.shape[-1]), moved(x))

    def _fits(self, dtype: str) -> bool:
        value = self.value
        return isinstance(value, int | float) and value == int(value) and 0 <= value <= _LARGEST[dtype]

    def _need_room(self, space: Shape) -> None:
        for size, sides in zip(space, explicit_padding(self.padding, len(space)), strict=True):
            needed = max(sides) + (self.mode == "reflect" and max(sides) > 0)
            need_room(size - needed, f"{self.mode} needs {needed} cells to mirror, got {size}", "/padding")

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        rank = len(x.shape) - 1
        sides = explicit_padding(self.padding, rank)
        if self.mode == "constant" and self.value == 0 and x.dtype in FLOATS:
            return Layer(f"ZeroPadding{rank}D", {"padding": sides[0] if rank == 1 else sides})
        return Layer("Pad", {"padding": sides, "mode": self.mode, "value": self.value}, ours=True)


@primitive
class Crop(Primitive):
    """Cut cells away at the borders of a sequence, picture or volume.

    Either say how many cells (`cropping`), or connect a second input, `like`: then the middle part with the spatial
    size of that input is kept, or the part that begins at `offset`.
    """

    op = "crop"
    family = Family.SHAPE
    icon = "⊟"
    source = "Ronneberger, Fischer & Brox 2015 (U-Net), section 2; keras.layers.Cropping1D, Cropping2D, Cropping3D"
    inputs = (Port("x", "what is cut"), Port("like", "a tensor that has the wanted spatial size", optional=True))
    examples = (
        Example({"cropping": [[1, 0], 2]}, inputs=[(28, 28, 1)], outputs=[(27, 24, 1)]),
        Example({"cropping": 1}, inputs=[Tensor((9, 4), "int32")], outputs=[Tensor((7, 4), "int32")]),
        Example({}, inputs=[(64, 64, 512), (56, 56, 3)], outputs=[(56, 56, 512)]),
        Example({"offset": 19}, inputs=[(50, 40, 8), (20, 21, 4)], outputs=[(20, 21, 8)]),
    )

    cropping: Padding | None = param(
        optional(EXPLICIT_PADDING), f"Numbers of cells: {SIDES}", default=None, unit="cells"
    )
    offset: PerAxis | None = param(
        optional(AnyOf(Integer(0), ListOf(Integer(0), shortest=1, longest=3))),
        "First cell that is kept, where `like` gives the size. Default: the middle part.",
        default=None,
    )

    def infer(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        need_rank(x, 2, 3, 4)
        if (self.cropping is None) is (like is None):
            raise Rejected(
                "AG210",
                "needs either cropping or the input `like`, got " + ("neither" if like is None else "both"),
                hint='add "cropping": 1, or "in": {"x": …, "like": …}',
            )
        if like is None:
            return Tensor((*self._cut(x.shape[:-1]), x.shape[-1]), moved(x))
        need_rank(like, len(x.shape), what="input `like`")
        self._need_room(x.shape[:-1], like.shape[:-1])
        return Tensor((*like.shape[:-1], x.shape[-1]), moved(x))

    def _cut(self, space: Shape) -> Shape:
        if self.offset is not None:
            raise Rejected("AG210", "offset goes with the input `like`, not with cropping", field="/offset")
        sides = explicit_padding(self.cropping or 0, len(space))
        for size, (before, after) in zip(space, sides, strict=True):
            need_room(size - (before + after + 1), f"cannot cut {before} + {after} cells off {size}", "/cropping")
        return tuple(size - (before + after) for size, (before, after) in zip(space, sides, strict=True))

    def _need_room(self, space: Shape, kept: Shape) -> None:
        first = each_axis(0 if self.offset is None else self.offset, len(space), "offset")
        for size, wanted, start in zip(space, kept, first, strict=True):
            complaint = f"cannot cut {show(kept)} from cell {list(first)} on out of {show(space)}"
            need_room(size - wanted - start, complaint, "")

    def memory(self, x: Tensor, like: Tensor | None = None) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor, like: Tensor | None = None) -> Layer:
        rank = len(x.shape) - 1
        if like is not None:
            offset = None if self.offset is None else each_axis(self.offset, rank, "offset")
            return Layer("CropLike", {"offset": offset}, ours=True)
        sides = explicit_padding(self.cropping or 0, rank)
        if x.dtype in FLOATS:
            return Layer(f"Cropping{rank}D", {"cropping": sides[0] if rank == 1 else sides})
        return Layer("Crop", {"cropping": sides}, ours=True)
