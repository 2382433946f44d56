"""What is in memory while a written graph is run there and back."""

from collections.abc import Collection, Iterable
from math import prod

from archgraph.analysis.memory_tape import WEIGHT_BYTES, Mark, Node, Tape
from archgraph.diagnostics import Rejected
from archgraph.shapes import Dim, Tensor, at_least
from archgraph.vocabulary.base import Place


class Run:
    """What is in memory while the tape is run there and back."""

    def __init__(self, tape: Tape) -> None:
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
        self.waiting: list[tuple[Mark, Dim]] = []
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
            spared = self._spared(node, dying.get(moment, ())) if memory.early else 0
            self.highest.note(self.live + self._passing(node) - spared)
            if keeps:  # what passes is given up, or is what is kept
                self._change(node, self._own(node))
                self.highest.note(self.live)
            else:
                self._change(node, -self._early(node))
            for number in dying.pop(moment, ()):
                if number not in self.needed:
                    self.live = self.live - tape.sizes[number]
        self._settle(())

    def _spared(self, node: Node, dying: Collection[int]) -> Dim:
        """The memory of a first input that nothing needs once it has been copied."""
        first = node.reads[0]
        if first is None:
            return 0
        found = self.buffer[first]
        return self.tape.sizes[found] if found in dying and found not in self.needed else 0

    def _overwritten(self, node: Node, write: int, moment: int) -> int | None:
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

    def _keeps(self, node: Node) -> bool:
        """Whether a node keeps something of its own for its way back."""
        some = self.tape.training and (node.memory.own or node.memory.copies)
        return bool(some) and any(self.learns[write] for write in node.writes)

    def _early(self, node: Node) -> Dim:
        """Changed copies of weights that are made before anything is run; not those inside a loop."""
        memory = node.memory
        return WEIGHT_BYTES * (memory.copies + (memory.slopes if self.tape.training else 0)) if node.steps == 1 else 0

    def _own(self, node: Node) -> Dim:
        """What a node keeps of its own, beside copies of weights that are there from the start."""
        late = 0 if node.steps == 1 else WEIGHT_BYTES * (node.memory.copies + node.memory.slopes)
        return late + node.steps * self.scratch(node.memory.own)

    def _change(self, node: Node, size: Dim) -> None:
        """Let a node, and the further copies that it stands for, take `size` (or give it up)."""
        self.live = self.live + size
        self._multiply(node.marks, size)

    def _multiply(self, marks: tuple[Mark, ...], size: Dim) -> None:
        """Let the further copies of each mark take `size` too (or give it up), once all of them have been run."""
        for mark in reversed(marks):
            self.waiting.append((mark, (mark.times - 1) * size))
            size = mark.times * size

    def _settle(self, marks: tuple[Mark, ...]) -> None:
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

    def _passing(self, node: Node) -> Dim:
        """What is there only while a primitive is computed."""
        memory = node.memory
        weights = 0 if self.tape.training or node.steps == 1 else memory.copies
        if memory.always or self.tape.batch_size > 1:
            weights = weights + memory.turned
        return WEIGHT_BYTES * weights + self.scratch(memory.scratch)

    def scratch(self, tensors: Iterable[Tensor]) -> Dim:
        """Bytes of a batch of such tensors."""
        return sum((self.tape.size(tensor) for tensor in tensors), start=0)


class _Gradients:
    """The gradients that are there, each counted once however many tensors it is the gradient of."""

    def __init__(self, run: Run) -> None:
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

    def through(self, node: Node) -> None:
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
        passing = memory.updated * node.weights + 2 * WEIGHT_BYTES * memory.slopes + run.scratch(memory.back)
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
