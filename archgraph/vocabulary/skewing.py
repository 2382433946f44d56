"""Slanting a picture, so that its diagonals become columns."""

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag
from archgraph.record import param
from archgraph.shapes import Tensor, need_positive, need_rank
from archgraph.vocabulary.base import (
    REARRANGES,
    Example,
    Family,
    Layer,
    Memory,
    Primitive,
    primitive,
)
from archgraph.vocabulary.sliding import moved


@primitive
class Skew(Primitive):
    """Move each row of a picture one cell further to the right than the row above it, with zeros around.

    (height, width, channels) becomes (height, width + height - 1, channels): what stood on a diagonal from the upper
    right to the lower left now stands in a column. With `inverse` the rows are moved back and the zeros cut off.
    """

    op = "skew"
    family = Family.SHAPE
    icon = "▱"
    source = "van den Oord, Kalchbrenner & Kavukcuoglu 2016 (Pixel Recurrent Neural Networks), section 3.2, figure 3"
    rearranges = True
    examples = (
        Example({}, inputs=[(4, 6, 3)], outputs=[(4, 9, 3)]),
        Example({"inverse": True}, inputs=[(4, 9, 3)], outputs=[(4, 6, 3)]),
    )

    inverse: bool = param(Flag(), "Move the rows back.", default=False)

    def infer(self, x: Tensor) -> Tensor:
        need_rank(x, 3)
        height, width, channels = x.shape
        if not self.inverse:
            return Tensor((height, width + height - 1, channels), moved(x))
        straight = width - height + 1
        try:
            need_positive(straight, "the width of the picture that was skewed")
        except Rejected as rejected:
            hint = f"a skewed picture of height {height} is at least as wide"
            raise Rejected(rejected.code, rejected.message, hint=hint) from None
        return Tensor((height, straight, channels), moved(x))

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        return Layer("Skew", {"inverse": self.inverse}, ours=True)
