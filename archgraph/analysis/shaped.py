"""A graph whose every edge has a shape, with repeats still rolled: identical copies of a block are one object."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from archgraph.diagnostics import Rejected
from archgraph.graph import Block, Graph, Node
from archgraph.shapes import Dim, Tensor
from archgraph.vocabulary.base import Primitive, Weight


class Value(NamedTuple):
    """A tensor inside one scope: output `port` of item `item`, or input `port` of the scope where `item` is `INPUT`."""

    item: int
    port: int


INPUT = -1


class Leaf(NamedTuple):
    """One primitive at work. `name` is its path below the scope: ``conv``, or ``conv/norm`` for a spelt-out part."""

    name: str
    primitive: Primitive
    feeds: tuple[Value | None, ...]
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Weight, ...]
    macs: Dim
    parameters: int
    trainable: int
    node: Node
    owner: str = ""
    """Name of the leaf of this scope whose weights it applies again; empty: it owns its weights."""

    @property
    def count(self) -> int:  # type: ignore[override]
        """Primitives in it: one."""
        return 1

    @property
    def total_macs(self) -> Dim | None:
        """Multiply-adds for one sample."""
        return self.macs


class Scanned(NamedTuple):
    """How the one copy of a call is applied step by step: its scope is that of a step."""

    over: tuple[int, ...]
    """Feeds that are cut along their first axis."""
    states: tuple[tuple[int, int], ...]
    """Feeds that are carried on, each with the result of the scope that follows it."""
    steps: Dim
    reverse: bool
    return_sequences: bool


@dataclass(frozen=True, eq=False)
class Call:
    """A block applied: `len(copies)` times in a chain, or step by step. Identical copies are one `Scope` object."""

    name: str
    feeds: tuple[Value | None, ...]
    """None: a state that starts with zeros."""
    outputs: tuple[Tensor, ...]
    copies: tuple["Scope", ...]
    carry: int
    """Which of the feeds a copy's first output replaces in the next copy."""
    indexed: bool
    """Whether the copies are numbered in paths (the record has ``repeat``)."""
    share: bool
    """Whether all copies use the weights of the first."""
    node: Node
    owner: str = ""
    scan: Scanned | None = None

    @property
    def steps(self) -> Dim:
        """How often the scope of each copy is run through for one sample."""
        return 1 if self.scan is None else self.scan.steps

    @cached_property
    def count(self) -> int:
        """Primitives after expansion."""
        return sum(copy.count for copy in self.copies)

    @cached_property
    def parameters(self) -> int:
        """Numbers in weights that it owns."""
        return 0 if self.owner else sum(copy.parameters for copy in self._owning())

    @cached_property
    def trainable(self) -> int:
        """Those of `parameters` that training changes."""
        return 0 if self.owner else sum(copy.trainable for copy in self._owning())

    @cached_property
    def total_macs(self) -> Dim | None:
        """Multiply-adds for one sample."""
        return over_steps(self.steps, total(copy.macs for copy in self.copies))

    def _owning(self) -> tuple["Scope", ...]:
        return self.copies[:1] if self.share else self.copies

    def with_copies(self, copies: "tuple[Scope, ...]") -> "Call":
        """The same call of other insides."""
        return replace(self, copies=copies)

    def with_feeds(self, feeds: tuple[Value | None, ...]) -> "Call":
        """The same call fed by other values."""
        return replace(self, feeds=feeds)


Item = Leaf | Call


@dataclass(frozen=True, eq=False)
class Scope:
    """The inside of a block (or of the file) for given parameters and input tensors; items follow what feeds them."""

    block: Block
    inputs: tuple[Tensor, ...]
    items: tuple[Item, ...]
    results: tuple[Value, ...]
    outputs: tuple[Tensor, ...]

    @cached_property
    def count(self) -> int:
        """Primitives after expansion."""
        return sum(item.count for item in self.items)

    @cached_property
    def parameters(self) -> int:
        """Numbers in all weights, each counted once however often it is applied."""
        return sum(item.parameters for item in self.items)

    @cached_property
    def trainable(self) -> int:
        """Those of `parameters` that training changes."""
        return sum(item.trainable for item in self.items)

    @cached_property
    def macs(self) -> Dim | None:
        """Multiply-adds for one sample; None where the sum of symbolic sizes is too long to reason about."""
        return total(item.total_macs for item in self.items)

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        """All weights in order of expansion, shared ones as often as they are applied."""
        found: list[Weight] = []
        for item in self.items:
            if isinstance(item, Leaf):
                found += item.weights
            else:
                for copy in item.copies:
                    found += copy.weights
        return tuple(found)


class FlatValue(NamedTuple):
    """A tensor of the expanded graph: output `port` of the primitive at `path`, or the input of that name."""

    path: str
    port: int


class FlatNode(NamedTuple):
    """One primitive of the expanded graph, with its path back to the file."""

    path: str
    leaf: Leaf
    feeds: tuple[FlatValue | None, ...]
    owner: str
    """Path of the primitive whose weights it uses; its own unless they are shared."""
    block: Block
    """The block (or main graph) whose record it comes from."""
    steps: Dim = 1
    """How often it runs for one sample: more than once inside a scan."""

    @property
    def macs(self) -> Dim | None:
        """Multiply-adds for one sample, over all steps."""
        return over_steps(self.steps, self.leaf.macs)

    @property
    def pointer(self) -> str:
        """JSON pointer of its record in ``block.source``."""
        return f"{self.block.pointer}/nodes/{self.leaf.node.id}"


@dataclass(frozen=True, eq=False)
class ShapedGraph:
    """A graph with the shape, dtype, weights and cost of everything in it. Only `infer` makes one."""

    graph: Graph
    root: Scope
    parameters_used: Mapping[str, object]
    """The value of every knob of the file."""

    @property
    def name(self) -> str:
        """Name of the graph."""
        return self.graph.name

    @property
    def inputs(self) -> dict[str, Tensor]:
        """Shape and dtype of every input."""
        return dict(zip(self.graph.inputs, self.root.inputs, strict=True))

    @property
    def outputs(self) -> dict[str, Tensor]:
        """Shape and dtype of every output."""
        return dict(zip(self.graph.body.outputs, self.root.outputs, strict=True))

    @property
    def parameters(self) -> int:
        """Numbers in all weights."""
        return self.root.parameters

    @property
    def trainable(self) -> int:
        """Numbers in the weights that training changes."""
        return self.root.trainable

    @property
    def macs(self) -> Dim | None:
        """Multiply-accumulate operations for one sample; None where a sum of symbols is too long to reason about."""
        return self.root.macs

    @property
    def count(self) -> int:
        """Primitives after expansion."""
        return self.root.count

    def walk(self) -> Iterator[FlatNode]:
        """Every primitive of the expanded graph, each after those that feed it."""
        feeds = tuple(FlatValue(name, 0) for name in self.graph.inputs)
        yield from _walk(self.root, "", "", feeds, [], 1)

    def results(self) -> dict[str, FlatValue]:
        """Which tensor of the expanded graph each output is."""
        feeds = tuple(FlatValue(name, 0) for name in self.graph.inputs)
        results: list[FlatValue | None] = []
        for _ in _walk(self.root, "", "", feeds, results, 1):
            pass
        return dict(zip(self.graph.body.outputs, (result for result in results if result), strict=True))


def over_steps(steps: Dim, size: Dim | None) -> Dim | None:
    """`size` as often as there are steps; None where it is None, or where the product has too many symbols."""
    if size is None or (isinstance(steps, int) and steps == 1):
        return size
    try:
        return steps * size
    except Rejected:
        return None


def total(sizes: Iterable[Dim | None]) -> Dim | None:
    """The sum of some sizes; None where one is None, or where it has too many symbols to reason about."""
    result: Dim = 0
    try:
        for size in sizes:
            if size is None:
                return None
            result = result + size
    except Rejected:
        return None
    return result


def join(prefix: str, name: str) -> str:
    """A path below another; either may be empty."""
    return f"{prefix}/{name}" if prefix and name else prefix or name


def _walk(
    scope: Scope,
    prefix: str,
    owner: str,
    feeds: tuple[FlatValue | None, ...],
    results: list[FlatValue | None],
    steps: Dim,
) -> Iterator[FlatNode]:
    """Yield the primitives of a scope; append its outputs to `results`. `owner` is the prefix of its owners' paths."""
    made: list[tuple[FlatValue | None, ...]] = []

    def value(of: Value) -> FlatValue | None:
        return feeds[of.port] if of.item == INPUT else made[of.item][of.port]

    for item in scope.items:
        reads = tuple(None if feed is None else value(feed) for feed in item.feeds)
        path, held = join(prefix, item.name), join(owner, item.owner or item.name)
        if isinstance(item, Leaf):
            yield FlatNode(path, item, reads, held, scope.block, steps)
            made.append(tuple(FlatValue(path, port) for port in range(len(item.outputs))))
            continue
        current = list(reads)
        out: list[FlatValue | None] = [current[item.carry]]
        for number, copy in enumerate(item.copies):
            out = []
            place = f"/{number}" if item.indexed else ""
            source = "/0" if item.share else place
            yield from _walk(copy, path + place, held + source, tuple(current), out, steps * item.steps)
            current[item.carry] = out[0]
        made.append(tuple(out))
    results += [value(result) for result in scope.results]
