"""How much memory a batch takes at the worst moment, in inference and in training: the graph run through in thought.

What is counted are the tensors of the network, as TensorFlow keeps them on a CPU:

- The inputs are there throughout: the caller holds the batch.
- Changed copies of weights wait for no input: all are made at the start. Each is there until its primitive has run, or,
  in training, until its way back.
- Primitives run in order. A tensor is given up after its last reader, or, in training, after the last on the way back
  that needs it again; what a primitive needs again, and whether it writes over its input, is its own to say
  (`Primitive.memory`).
- On the way back each gradient is there from the first that adds to it until it has been used. No gradient is computed
  for what depends on no weight. The gradient of a weight is used up at once; while it is there, it takes its own size
  and that of the new weight.
- Inside a scan, training keeps the tensors of all steps; otherwise only one step's are there.

Not counted: code, the graph, and what libraries keep for themselves. Equal copies of a block are run through three
times at most: the first, one that stands for all those in between, and the last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from archgraph.analysis.shaped import INPUT, Call, Leaf, Scope, ShapedGraph, Value
from archgraph.diagnostics import Rejected
from archgraph.shapes import Dim, Tensor, at_least
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


def inference_peak(shaped: ShapedGraph, batch_size: int = 1) -> Dim | None:
    """Most bytes of a batch's tensors at one time in inference.

    None where symbolic sizes leave open which moment is the worst.
    """
    return _worst(shaped, batch_size, training=False)


def training_peak(shaped: ShapedGraph, batch_size: int = 1) -> Dim | None:
    """Most bytes of tensors at one time in a training step on a batch, without the weights and the optimiser's slots.

    None where symbolic sizes leave open which moment is the worst.
    """
    return _worst(shaped, batch_size, training=True)


def _worst(shaped: ShapedGraph, batch_size: int, *, training: bool) -> Dim | None:
    try:
        tape = _recorded(shaped, batch_size, training=training)
        run = _Run(tape)
        run.there()
        if training:
            run.back()
        return run.highest.value()
    except Rejected:  # a sum with too many symbols to write down
        return None


# ---- the graph, written out


class _Mark(NamedTuple):
    """A copy that stands for `times` equal ones."""

    number: int
    times: int


class _Node(NamedTuple):
    """One primitive to run, its tensors by number."""

    reads: tuple[int | None, ...]
    writes: tuple[int, ...]
    memory: Memory
    weights: int
    """Bytes of weights that it trains."""
    steps: Dim
    marks: tuple[_Mark, ...]


@dataclass
class _Tape:
    """All that is run, in order."""

    batch_size: int
    training: bool
    nodes: list[_Node] = field(default_factory=list)
    sizes: list[Dim] = field(default_factory=list)
    """Bytes of each tensor."""
    floats: list[bool] = field(default_factory=list)
    """Whether each tensor can have a gradient."""
    marks: list[tuple[_Mark, ...]] = field(default_factory=list)
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

    def tensor(self, tensor: Tensor, marks: tuple[_Mark, ...] = (), steps: Dim = 1) -> int:
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


def _recorded(shaped: ShapedGraph, batch_size: int, *, training: bool) -> _Tape:
    tape = _Tape(batch_size, training)
    tape.inputs = [tape.tensor(tensor) for tensor in shaped.inputs.values()]
    results = _record(tape, shaped.root, tuple(tape.inputs), 1, ())
    tape.results = [result for result in results if result is not None]
    return tape


def _record(
    tape: _Tape, scope: Scope, feeds: Sequence[int | None], steps: Dim, marks: tuple[_Mark, ...]
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
            tape.nodes.append(_Node(reads, writes, tape.memory(item), WEIGHT_BYTES * item.trainable, steps, marks))
            made.append(writes)
            continue
        if item.scan is not None:
            made.append(_record_scan(tape, item, reads, steps, marks))
            continue
        current = list(reads)
        out: Sequence[int | None] = [current[item.carry]]
        for copy, times in _thinned(item.copies):
            within = marks if times == 1 else (*marks, _Mark(tape.copies, times))
            tape.copies += times > 1
            out = _record(tape, copy, current, steps, within)
            current[item.carry] = out[0]
        made.append(out)
    return tuple(map(value, scope.results))


def _record_scan(
    tape: _Tape, call: Call, feeds: Sequence[int | None], steps: Dim, marks: tuple[_Mark, ...]
) -> tuple[int | None, ...]:
    """Write down one step of a scan, and how sequences are cut and put together; returns its results."""
    assert call.scan is not None
    (copy,) = call.copies
    inner, current = steps * call.steps, list(feeds)
    for port, x in enumerate(copy.inputs):
        if port in call.scan.over or current[port] is None:
            cut = tape.tensor(x, marks, inner)
            turned = Memory(reads=(), scratch=(_whole(x, call.steps),)) if port in call.scan.over else REARRANGES
            tape.nodes.append(_Node((current[port],), (cut,), turned, 0, inner, marks))
            current[port] = cut
    results = []
    for one, whole in zip(_record(tape, copy, current, inner, marks), call.outputs, strict=True):
        joined = tape.tensor(whole, marks, steps)
        tape.nodes.append(_Node((one,), (joined,), Memory(reads=(), scratch=(whole,)), 0, steps, marks))
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


# ---- the run


class _Run:
    """What is in memory while the tape is run there and back."""

    def __init__(self, tape: _Tape) -> None:
        self.tape = tape
        self.buffer = list(range(len(tape.sizes)))
        """Which tensor's memory each tensor is in."""
        for node in tape.nodes:
            if node.memory.place is Place.SAME and node.reads[0] is not None:
                for write in node.writes:
                    self.buffer[write] = self.buffer[node.reads[0]]
        self.last = self._last_readers()
        self.needed = self._needed() if tape.training else {}
        self.live: Dim = sum((tape.sizes[number] for number in tape.inputs), start=0)
        for node in tape.nodes:
            self.live = self.live + self._early(node) * prod(mark.times for mark in node.marks)
        self.highest = _Highest(self.live)
        self.gone: set[int] = set()
        """Memory that has been written over."""
        self.waiting: list[tuple[_Mark, Dim]] = []
        """What the copies that a mark stands for keep, or give up, beside the one that is run through."""

    # ---- who reads what

    def _last_readers(self) -> dict[int, int]:
        """The last node that reads each piece of memory on the way there; those of inputs and outputs stay."""
        last: dict[int, int] = {}
        for moment, node in enumerate(self.tape.nodes):
            for write in node.writes:
                last.setdefault(self.buffer[write], moment)
            for read in node.reads:
                if read is not None:
                    last[self.buffer[read]] = moment
        end = len(self.tape.nodes)
        return last | {self.buffer[number]: end for number in (*self.tape.inputs, *self.tape.results)}

    def _needed(self) -> dict[int, int]:
        """The first node whose way back reads each piece of memory: the last to read it."""
        learns = self.learns = self._learning()
        needed: dict[int, int] = {}
        for moment, node in enumerate(self.tape.nodes):
            if not any(learns[write] for write in node.writes):
                continue
            memory = node.memory
            reads = node.reads if memory.reads is None else [node.reads[port] for port in memory.reads]
            for number in (*reads, *(node.writes if memory.output else ())):
                if number is not None:
                    needed.setdefault(self.buffer[number], moment)
        for number in self.tape.inputs:
            needed.pop(self.buffer[number], None)
        return needed

    def _learning(self) -> list[bool]:
        """Whether each tensor depends on a weight that is trained, and has a gradient."""
        learns = [False] * len(self.tape.sizes)
        for node in self.tape.nodes:
            if node.weights or any(read is not None and learns[read] for read in node.reads):
                for write in node.writes:
                    learns[write] = self.tape.floats[write]
        return learns

    # ---- there

    def there(self) -> None:
        """Run all nodes in order."""
        tape = self.tape
        dying: dict[int, list[int]] = {}
        for number, moment in self.last.items():
            dying.setdefault(moment, []).append(number)
        for moment, node in enumerate(tape.nodes):
            self._settle(node.marks)
            memory = node.memory
            keeps = self._keeps(node)
            for write in node.writes:
                if self.buffer[write] != write:
                    continue
                over = self._overwritten(node, write, moment) if memory.place is Place.OVER else None
                if over is not None:
                    self.gone.add(over)
                    dying[moment].remove(over)
                    self.live = self.live - tape.sizes[over]
                self._take(write)
            self.highest.note(self.live + self._passing(node))
            if keeps:  # what passes is given up, or is what is kept
                self._change(node, self._own(node))
                self.highest.note(self.live)
            else:
                self._change(node, -self._early(node))
            for number in dying.pop(moment, ()):
                if number not in self.needed:
                    self.live = self.live - tape.sizes[number]
        self._settle(())

    def _overwritten(self, node: _Node, write: int, moment: int) -> int | None:
        """The memory that a node may write over."""
        for read in node.reads:
            if read is not None:
                found = self.buffer[read]
                if (
                    self.last[found] == moment
                    and found not in self.needed
                    and found not in self.gone
                    and self.tape.sizes[found] == self.tape.sizes[write]
                ):
                    return found
        return None

    def _take(self, number: int) -> None:
        tape = self.tape
        size = tape.sizes[number]
        if number in self.needed:
            size = tape.steps[number] * size
            self._multiply(tape.marks[number], size)
        self.live = self.live + size

    def _keeps(self, node: _Node) -> bool:
        """Whether a node keeps something of its own for its way back."""
        some = self.tape.training and (node.memory.own or node.memory.copies)
        return bool(some) and any(self.learns[write] for write in node.writes)

    def _early(self, node: _Node) -> Dim:
        """Changed copies of weights that are made before anything is run; not those inside a loop."""
        memory = node.memory
        return WEIGHT_BYTES * (memory.copies + (memory.slopes if self.tape.training else 0)) if node.steps == 1 else 0

    def _own(self, node: _Node) -> Dim:
        """What a node keeps of its own, beside copies of weights that are there from the start."""
        late = 0 if node.steps == 1 else WEIGHT_BYTES * (node.memory.copies + node.memory.slopes)
        return late + node.steps * self.scratch(node.memory.own)

    def _change(self, node: _Node, size: Dim) -> None:
        """Let a node, and the further copies that it stands for, take `size` (or give it up)."""
        self.live = self.live + size
        self._multiply(node.marks, size)

    def _multiply(self, marks: tuple[_Mark, ...], size: Dim) -> None:
        """Let the further copies of each mark take `size` too (or give it up), once all of them have been run."""
        for mark in reversed(marks):
            self.waiting.append((mark, (mark.times - 1) * size))
            size = mark.times * size

    def _settle(self, marks: tuple[_Mark, ...]) -> None:
        """Count what the copies took whose marks are no longer about."""
        if not self.waiting or all(mark in marks for mark, _ in self.waiting):
            return
        for mark, size in self.waiting:
            if mark not in marks:
                self.live = self.live + size
        self.waiting = [(mark, size) for mark, size in self.waiting if mark in marks]

    # ---- and back

    def back(self) -> None:
        """Run all nodes in reverse order, each with the gradients of its outputs."""
        tape = self.tape
        free: dict[int, list[int]] = {}
        for number, moment in self.needed.items():
            free.setdefault(moment, []).append(number)
        gradients = _Gradients(self)
        for number in dict.fromkeys(tape.results):
            if self.learns[number]:
                gradients.add(number, gradients.new(tape.sizes[number]))
                self.highest.note(self.live + 2 * tape.sizes[number])  # errors, before and after their slope
        for number in {self.buffer[number] for number in tape.results} - set(self.needed) - set(tape.inputs):
            self.live = self.live - tape.sizes[number]
        for moment in range(len(tape.nodes) - 1, -1, -1):
            node = tape.nodes[moment]
            self._settle(node.marks)
            gradients.through(node)
            for number in free.get(moment, ()):
                size = tape.steps[number] * tape.sizes[number]
                self.live = self.live - size
                self._multiply(tape.marks[number], -size)
            if self._keeps(node):
                self._change(node, -self._own(node) - self._early(node))

    def _passing(self, node: _Node) -> Dim:
        """What is there only while a primitive is computed."""
        memory = node.memory
        weights = 0 if self.tape.training or node.steps == 1 else memory.copies
        if memory.always or self.tape.batch_size > 1:
            weights = weights + memory.turned
        return WEIGHT_BYTES * weights + self.scratch(memory.scratch)

    def scratch(self, tensors: Iterable[Tensor]) -> Dim:
        return sum((self.tape.size(tensor) for tensor in tensors), start=0)


class _Gradients:
    """The gradients that are there, each counted once however many tensors it is the gradient of."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.of: dict[int, list[int]] = {}
        """The parts that add up to each tensor's gradient."""
        self.sizes: list[Dim] = []
        self.users: list[int] = []

    def new(self, size: Dim) -> int:
        """Memory for a gradient."""
        self.run.live = self.run.live + size
        self.sizes.append(size)
        self.users.append(0)
        return len(self.sizes) - 1

    def add(self, tensor: int, gradient: int) -> None:
        """Let `gradient` be a part of a tensor's."""
        self.users[gradient] += 1
        self.of.setdefault(tensor, []).append(gradient)

    def drop(self, gradient: int) -> None:
        """Let go of one use of a gradient."""
        self.users[gradient] -= 1
        if not self.users[gradient]:
            self.run.live = self.run.live - self.sizes[gradient]

    def whole(self, tensor: int) -> int | None:
        """A tensor's gradient, its parts added up; None if nothing depends on it."""
        parts = self.of.pop(tensor, [])
        if len(parts) < 2:
            return parts[0] if parts else None
        alone = next((part for part in parts if self.users[part] == 1), None)
        result = self.new(self.sizes[parts[0]]) if alone is None else alone
        self.users[result] += 1
        self.run.highest.note(self.run.live)
        for part in parts:
            self.drop(part)
        return result

    def through(self, node: _Node) -> None:
        """From the gradients of a node's outputs those of its inputs."""
        run = self.run
        given = [gradient for write in node.writes if (gradient := self.whole(write)) is not None]
        if not given:
            return
        memory, first = node.memory, given[0]
        for read in node.reads:
            if read is None or not run.learns[read]:
                continue
            size = run.tape.sizes[read]
            same = size == self.sizes[first]
            handed = memory.place is Place.SAME or (same and memory.through)
            if handed or (same and memory.place is Place.OVER and self.users[first] == 1):
                self.add(read, first)
            else:
                self.add(read, self.new(size))
        passing = 2 * (node.weights + WEIGHT_BYTES * memory.slopes) + run.scratch(memory.back)
        run.highest.note(run.live + passing)
        for gradient in given:
            self.drop(gradient)


class _Highest:
    """The largest of some sizes, as far as it can be proven."""

    def __init__(self, first: Dim) -> None:
        self._candidates = [first]

    def note(self, size: Dim) -> None:
        """See whether a size is the largest so far."""
        if isinstance(size, int) and len(self._candidates) == 1 and isinstance(self._candidates[0], int):
            if size > self._candidates[0]:
                self._candidates[0] = size
            return
        if any(size == other or at_least(other - size, 0) for other in self._candidates):
            return
        self._candidates = [one for one in self._candidates if not at_least(size - one, 0)] + [size]
        if len(self._candidates) > 32:
            raise Rejected("AG305", "too many moments may be the worst")

    def value(self) -> Dim | None:
        """The largest; None where several may be."""
        return self._candidates[0] if len(self._candidates) == 1 else None
