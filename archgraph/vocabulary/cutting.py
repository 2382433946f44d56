"""Taking a tensor apart along one axis."""

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Integer, ListOf, optional
from archgraph.record import param
from archgraph.shapes import Dim, Tensor, at_least, ceil_div, need_divisible, need_equal, show
from archgraph.vocabulary.base import (
    REARRANGES,
    Example,
    Family,
    Layer,
    Memory,
    Primitive,
    primitive,
)
from archgraph.vocabulary.rules import AXIS, index_of
from archgraph.vocabulary.sliding import moved

AXIS_DOC = "Number of the axis: 1 is the first after the batch, -1 the last."


@primitive
class Slice(Primitive):
    """Keep a part of one axis: from `start` up to, but without, `stop`, every `step`-th element.

    Negative numbers count from the end, as in Python: start -1 keeps the last element only. A negative `step` goes
    backwards.
    """

    op = "slice"
    family = Family.SHAPE
    icon = "✂"
    source = "Python's slices, keras.ops.slice"
    examples = (
        Example({"axis": 1, "start": -1}, inputs=[(20, 8)], outputs=[(1, 8)]),
        Example({"axis": -1, "stop": 2}, inputs=[(28, 28, 3)], outputs=[(28, 28, 2)]),
        Example({"axis": 1, "start": 1, "stop": -1, "step": 3}, inputs=[(12, 4)], outputs=[(4, 4)]),
        Example({"axis": 1, "step": -1}, inputs=[Tensor((9,), "int32")], outputs=[Tensor((9,), "int32")]),
    )

    axis: int = param(AXIS, AXIS_DOC)
    start: int | None = param(
        optional(Integer()), "First element that is kept. Default: the first (backwards: the last).", default=None
    )
    stop: int | None = param(
        optional(Integer()), "First element that is left out again. Default: none is.", default=None
    )
    step: int = param(Integer(), "Distance of the elements that are kept; negative: backwards. Never 0.", default=1)

    def infer(self, x: Tensor) -> Tensor:
        index = index_of(self.axis, x.shape)
        if self.step == 0:
            raise Rejected("AG201", "must not be 0", hint="1 keeps every element", field="/step")
        size = x.shape[index]
        kept = self._of_known(size) if isinstance(size, int) else self._of_symbolic(size)
        return Tensor((*x.shape[:index], kept, *x.shape[index + 1 :]), moved(x))

    def _of_known(self, size: int) -> int:
        for name, value in (("start", self.start), ("stop", self.stop)):
            if value is not None and not -size <= value <= size:
                raise Rejected(
                    "AG201", f"must be -{size} to {size} on an axis of {size}, got {value}", field=f"/{name}"
                )
        kept = len(range(size)[self.start : self.stop : self.step])
        if not kept:
            complaint = f"{self._written()} keeps nothing of an axis of {size}"
            raise Rejected("AG304", complaint, hint="start must come before stop", field="/start")
        return kept

    def _of_symbolic(self, size: Dim) -> Dim:
        start, stop = self.start or 0, self.stop or 0
        if start < 0 or stop < 0 > self.step or self.step < 0 or (self.stop is not None and stop >= 0):
            complaint = f"the size of axis {self.axis} must be known for {self._written()}, got {size}"
            raise Rejected("AG302", complaint, hint="count start from 0, stop from the end, and forwards")
        span = size - (start - stop)
        enough = at_least(span, 1)
        if enough is not True:
            code = "AG305" if enough is None else "AG304"
            raise Rejected(
                code, f"{self._written()} keeps {span} of {size} elements, which may be none", field="/start"
            )
        return ceil_div(span, self.step)

    def _written(self) -> str:
        shown = ("" if number is None else str(number) for number in (self.start, self.stop, self.step))
        return f"[{':'.join(shown)}]"

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        arguments = {"axis": self.axis, "start": self.start, "stop": self.stop, "step": self.step}
        return Layer("Slice", arguments, ours=True)


@primitive
class Split(Primitive):
    """Cut one axis into parts; each part is an output of its own: `part0`, `part1`, and so on."""

    op = "split"
    family = Family.SHAPE
    icon = "⋔"
    source = "keras.ops.split"
    examples = (
        Example({"sections": 2}, inputs=[(28, 28, 6)], outputs=[(28, 28, 3), (28, 28, 3)]),
        Example({"sections": [1, 4, 3], "axis": 1}, inputs=[(8, 2)], outputs=[(1, 2), (4, 2), (3, 2)]),
    )

    sections: int | tuple[int, ...] = param(
        AnyOf(Integer(2, 1000), ListOf(Integer(1), shortest=2, longest=1000)),
        "Number of equal parts, or the sizes of the parts.",
    )
    axis: int = param(AXIS, AXIS_DOC, default=-1)

    def outputs(self) -> tuple[str, ...]:
        count = self.sections if isinstance(self.sections, int) else len(self.sections)
        return tuple(f"part{number}" for number in range(count))

    def infer(self, x: Tensor) -> tuple[Tensor, ...]:
        index = index_of(self.axis, x.shape)
        before, after = x.shape[:index], x.shape[index + 1 :]
        return tuple(Tensor((*before, size, *after), moved(x)) for size in self._sizes(x.shape[index], show(x.shape)))

    def _sizes(self, size: Dim, shown: str) -> tuple[Dim, ...]:
        try:
            if isinstance(self.sections, int):
                need_divisible(size, self.sections, f"the size of axis {self.axis} of {shown}")
                return (size // self.sections,) * self.sections
            need_equal(size, sum(self.sections), f"the size of axis {self.axis} of {shown} and the sum of the parts")
        except Rejected as rejected:
            raise rejected.under("sections") from None
        return self.sections

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        return Layer("Split", {"sections": self.sections, "axis": self.axis}, ours=True)
