"""A graph written out for its memory: every primitive in order, its tensors by number, equal copies once."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import prod
from typing import NamedTuple

from archgraph.analysis.shaped import INPUT, Call, Leaf, Scope, ShapedGraph, Value
from archgraph.shapes import Dim, Tensor
from archgraph.vocabulary.base import REARRANGES, VIEW, Memory, Place

BYTES = {
    "float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int16": 2, "int8": 1, "uint8": 1,
    "bool": 1,
}  # fmt: skip
"""Bytes of one number."""
WEIGHT_BYTES = BYTES["float32"]
"""Bytes of one weight: Keras keeps weights in float32, also in mixed precision."""


def tensor_bytes(tensor: Tensor) -> Dim:
    """Memory of one sample's tensor."""
    return prod(tensor.shape) * BYTES[tensor.dtype]


class Mark(NamedTuple):
    """A copy that stands for `times` equal ones."""

    number: int
    times: int


class Node(NamedTuple):
    """One primitive to run, its tensors by number."""

    reads: tuple[int | None, ...]
    writes: tuple[int, ...]
    memory: Memory
    weights: int
    """Bytes of weights that it trains."""
    steps: Dim
    marks: tuple[Mark, ...]


@dataclass
class Tape:
    """All that is run, in order."""

    batch_size: int
    training: bool
    nodes: list[Node] = field(default_factory=list)
    sizes: list[Dim] = field(default_factory=list)
    """Bytes of each tensor."""
    floats: list[bool] = field(default_factory=list)
    """Whether each tensor can have a gradient."""
    marks: list[tuple[Mark, ...]] = field(default_factory=list)
    """Which copies each tensor is made in."""
    steps: list[Dim] = field(default_factory=list)
    """How often each tensor is made for one sample."""
    inputs: list[int] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    known: dict[Tensor, Dim] = field(default_factory=dict)
    memories: dict[int, Memory] = field(default_factory=dict)
    copies: int = 0

    def size(self, tensor: Tensor) -> Dim:
        """Bytes of a batch's tensor."""
        found = self.known.get(tensor)
        if found is None:
            found = self.known[tensor] = self.batch_size * tensor_bytes(tensor)
        return found

    def tensor(self, tensor: Tensor, marks: tuple[Mark, ...] = (), steps: Dim = 1) -> int:
        """A new tensor's number."""
        self.sizes.append(self.size(tensor))
        self.floats.append("float" in tensor.dtype)
        self.marks.append(marks)
        self.steps.append(steps)
        return len(self.sizes) - 1

    def memory(self, leaf: Leaf) -> Memory:
        """What a primitive needs, asked once for all its equal copies."""
        found = self.memories.get(id(leaf))
        if found is None:
            if not self.training and leaf.primitive.training_only():
                found = VIEW
            else:
                found = leaf.primitive.memory(*leaf.inputs)
            self.memories[id(leaf)] = found
        return found


def recorded(shaped: ShapedGraph, batch_size: int, *, training: bool) -> Tape:
    """All that is run for a batch, in order."""
    tape = Tape(batch_size, training)
    tape.inputs = [tape.tensor(tensor) for tensor in shaped.inputs.values()]
    results = _record(tape, shaped.root, tuple(tape.inputs), 1, ())
    tape.results = [result for result in results if result is not None]
    alike = groupby(tape.nodes, key=lambda node: (node.marks, node.steps))
    tape.nodes = [node for _, group in alike for node in _as_they_get_ready(list(group))]
    return tape


def _as_they_get_ready(nodes: list[Node]) -> list[Node]:
    """Primitives in the order in which TensorFlow runs them: what gets ready last goes on, the others wait in a row."""
    maker = {write: place for place, node in enumerate(nodes) for write in node.writes}
    waits = [{maker[read] for read in node.reads if read in maker} for node in nodes]
    readers: list[list[int]] = [[] for _ in nodes]
    for place, needed in enumerate(waits):
        for one in needed:
            readers[one].append(place)
    row = deque(place for place, needed in enumerate(waits) if not needed)
    order: list[Node] = []
    while row:
        done = row.popleft()
        while True:
            order.append(nodes[done])
            ready = []
            for place in readers[done]:
                waits[place].discard(done)
                if not waits[place]:
                    ready.append(place)
            row.extend(ready[:-1])
            if not ready:
                break
            done = ready[-1]
    return order


def _record(
    tape: Tape, scope: Scope, feeds: Sequence[int | None], steps: Dim, marks: tuple[Mark, ...]
) -> tuple[int | None, ...]:
    """Write down the primitives of a scope; returns its results."""
    made: list[Sequence[int | None]] = []

    def value(of: Value | None) -> int | None:
        if of is None:
            return None
        return feeds[of.port] if of.item == INPUT else made[of.item][of.port]

    for item in scope.items:
        reads = tuple(map(value, item.feeds))
        if isinstance(item, Leaf):
            writes = tuple(tape.tensor(tensor, marks, steps) for tensor in item.outputs)
            memory = tape.memory(item)
            if memory.behind and not tape.training and not _is_one(scope, item, memory.behind):
                memory = memory._replace(place=Place.NEW)
            tape.nodes.append(Node(reads, writes, memory, WEIGHT_BYTES * item.trainable, steps, marks))
            made.append(writes)
            continue
        if item.scan is not None:
            made.append(_record_scan(tape, item, reads, steps, marks))
            continue
        current = list(reads)
        out: Sequence[int | None] = [current[item.carry]]
        for copy, times in _thinned(item.copies):
            within = marks if times == 1 else (*marks, Mark(tape.copies, times))
            tape.copies += times > 1
            out = _record(tape, copy, current, steps, within)
            current[item.carry] = out[0]
        made.append(out)
    return tuple(map(value, scope.results))


def _is_one(scope: Scope, leaf: Leaf, behind: tuple[str, ...]) -> bool:
    """Whether TensorFlow computes a primitive of `scope` as one with that before it."""
    feed = leaf.feeds[0]
    before = scope.items[feed.item] if feed is not None and feed.item != INPUT else None
    return isinstance(before, Leaf) and before.primitive.op in behind and not getattr(before.primitive, "biased", False)


def _record_scan(
    tape: Tape, call: Call, feeds: Sequence[int | None], steps: Dim, marks: tuple[Mark, ...]
) -> tuple[int | None, ...]:
    """Write down one step of a scan, and how sequences are cut and put together; returns its results."""
    assert call.scan is not None
    (copy,) = call.copies
    inner, current = steps * call.steps, list(feeds)
    for port, x in enumerate(copy.inputs):
        if port in call.scan.over or current[port] is None:
            cut = tape.tensor(x, marks, inner)
            turned = Memory(reads=(), scratch=(_whole(x, call.steps),)) if port in call.scan.over else REARRANGES
            tape.nodes.append(Node((current[port],), (cut,), turned, 0, inner, marks))
            current[port] = cut
    # Beside the outputs, the values of states that are not given out are written down at each step.
    followed = {result for _, result in call.scan.states}
    given = {value for number, value in enumerate(copy.results) if number not in followed}
    held = () if tape.training else sorted(number for number in followed if copy.results[number] not in given)
    noted = tuple(_whole(copy.outputs[number], call.steps) for number in held)
    results = []
    for one, whole in zip(_record(tape, copy, current, inner, marks), call.outputs, strict=True):
        joined = tape.tensor(whole, marks, steps)
        tape.nodes.append(Node((one,), (joined,), Memory(reads=(), scratch=(whole, *noted)), 0, steps, marks))
        noted = ()
        results.append(joined)
    return tuple(results)


def _whole(one: Tensor, steps: Dim) -> Tensor:
    """The sequence of tensors such as `one`."""
    return Tensor((steps, *one.shape), one.dtype)


def _thinned(copies: Iterable[Scope]) -> Iterable[tuple[Scope, int]]:
    """The copies to run through, each with the number of copies that it stands for."""
    run: list[tuple[Scope, int]] = []
    for copy in copies:
        if run and run[-1][0] is copy:
            run[-1] = copy, run[-1][1] + 1
        else:
            run.append((copy, 1))
    for copy, times in run:
        if times <= 3:
            yield from ((copy, 1) for _ in range(times))
        else:
            yield from ((copy, 1), (copy, times - 2), (copy, 1))
