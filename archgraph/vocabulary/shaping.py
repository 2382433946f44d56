"""The same numbers in another arrangement."""

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Choice, Integer, ListOf
from archgraph.record import param
from archgraph.shapes import Tensor, need_divisible, need_equal, need_rank, prod, show
from archgraph.vocabulary.base import (
    REARRANGES,
    VIEW,
    Example,
    Family,
    Layer,
    Memory,
    Primitive,
    primitive,
)
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.sliding import moved


@primitive
class Flatten(Primitive):
    """Write all numbers of a tensor into one row, the last axis running fastest."""

    op = "flatten"
    family = Family.SHAPE
    icon = "▭"
    source = "keras.layers.Flatten"
    rearranges = True
    examples = (
        Example({}, inputs=[(5, 5, 16)], outputs=[(400,)]),
        Example({}, inputs=[Tensor((3, 4), "int32")], outputs=[Tensor((12,), "int32")]),
    )

    def infer(self, x: Tensor) -> Tensor:
        return Tensor((prod(x.shape),), moved(x))

    def memory(self, x: Tensor) -> Memory:
        return VIEW

    def lower(self, x: Tensor) -> Layer:
        return Layer("Flatten", {})


@primitive
class Reshape(Primitive):
    """Cut the same row of numbers into axes of other sizes, the last axis running fastest."""

    op = "reshape"
    family = Family.SHAPE
    icon = "⇲"
    source = "keras.layers.Reshape"
    rearranges = True
    examples = (
        Example({"target_shape": [7, 7, 64]}, inputs=[(3136,)], outputs=[(7, 7, 64)]),
        Example({"target_shape": [-1, 8]}, inputs=[(4, 6)], outputs=[(3, 8)]),
    )

    target_shape: tuple[int, ...] = param(
        ListOf(AnyOf(Integer(1), Choice(-1)), shortest=1, longest=8),
        "The new sizes, without the batch; one of them may be -1 and is then worked out.",
    )

    def infer(self, x: Tensor) -> Tensor:
        count, free = prod(x.shape), self.target_shape.count(-1)
        if free > 1:
            raise Rejected("AG210", f"at most one size may be -1, got {free}", field="/target_shape")
        given = prod(tuple(size for size in self.target_shape if size != -1))
        what = f"the number of elements of {show(x.shape)}, arranged as {show(self.target_shape)},"
        try:
            if not free:
                need_equal(count, given, what)
                return Tensor(self.target_shape, moved(x))
            need_divisible(count, int(given), what)
        except Rejected as rejected:
            raise rejected.under("target_shape") from None
        return Tensor(tuple(count // given if size == -1 else size for size in self.target_shape), moved(x))

    def memory(self, x: Tensor) -> Memory:
        return VIEW

    def lower(self, x: Tensor) -> Layer:
        return Layer("Reshape", {"target_shape": self.target_shape})


@primitive
class Permute(Primitive):
    """Put the axes into another order; a picture's rows and columns change places, for example."""

    op = "permute"
    family = Family.SHAPE
    icon = "⤨"
    source = "keras.layers.Permute"
    rearranges = True
    examples = (Example({"dims": [2, 1, 3]}, inputs=[(10, 20, 3)], outputs=[(20, 10, 3)]),)

    dims: tuple[int, ...] = param(
        ListOf(Integer(1), shortest=1, longest=8),
        "For each axis of the output, the number of the input's axis; the first after the batch is 1.",
    )

    def infer(self, x: Tensor) -> Tensor:
        axes = tuple(range(1, len(x.shape) + 1))
        if tuple(sorted(self.dims)) != axes:
            complaint = f"must name each of the axes {list(axes)} of {show(x.shape)} once, got {list(self.dims)}"
            raise Rejected("AG303", complaint, field="/dims")
        return Tensor(tuple(x.shape[axis - 1] for axis in self.dims), moved(x))

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        return Layer("Permute", {"dims": self.dims})


@primitive
class RepeatVector(Primitive):
    """Repeat one vector n times, which makes it a sequence; a decoder can then read it at every step."""

    op = "repeat_vector"
    family = Family.SHAPE
    icon = "⧉"
    source = "keras.layers.RepeatVector"
    rearranges = True
    examples = (Example({"n": 5}, inputs=[(32,)], outputs=[(5, 32)]),)

    n: int = param(Integer(1), "Number of repetitions.")

    def infer(self, x: Tensor) -> Tensor:
        need_rank(x, 1)
        need_float(x)
        return Tensor((self.n, *x.shape))

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        return Layer("RepeatVector", {"n": self.n})
