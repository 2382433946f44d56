"""The graph as its file has it: immutable, rolled (blocks and repeats kept), free of JSON text and of Keras."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from archgraph.diagnostics import Diagnostic
from archgraph.kinds import FrozenMap
from archgraph.vocabulary.base import Primitive

NodeKind = Literal["op", "block", "reuse"]


class Ref(NamedTuple):
    """Where a value comes from: a node or input, and the output port (empty: its first)."""

    node: str
    port: str = ""

    def __str__(self) -> str:
        return f"{self.node}.{self.port}" if self.port else self.node


Feeds = tuple[Ref | None, ...] | Mapping[str, Ref]
"""What a node reads: in port order (None where an optional port is free), or, for blocks, by port name."""


class Source(Protocol):
    """The text that a graph or block was read from: it can tell where a pointer stands."""

    @property
    def file(self) -> str:
        """Name of the file, for messages."""

    def place(self, diagnostics: Any) -> tuple[Diagnostic, ...]:
        """The diagnostics with file, line and column."""


@dataclass(frozen=True, slots=True)
class Input:
    """A placeholder of the network. Sizes are integers, names of symbolic dimensions, or expressions."""

    shape: tuple[int | str, ...]
    dtype: str = "float32"
    kind: str = "tensor"
    distribution: str = "normal"
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """What is known of a symbolic dimension."""

    multiple_of: int = 1
    minimum: int = 1
    maximum: int | None = None


MISSING = dataclasses.MISSING


@dataclass(frozen=True, slots=True)
class Parameter:
    """A knob of a file or block. `default` is `MISSING` when a caller must give a value."""

    type: str
    default: Any = MISSING
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    doc: str = ""


class Scan(NamedTuple):
    """How a record applies its block step by step. The flags may be expressions."""

    over: tuple[str, ...]
    """The block's inputs that are cut along their first axis, one slice for each step."""
    reverse: bool | str = False
    return_sequences: bool | str = True


class State(NamedTuple):
    """What a block hands from one step to the next: it starts with zeros of `shape` where nothing feeds it."""

    shape: tuple[int | str, ...] | None = None
    """None: the call must feed it."""
    dtype: str = "float32"


_NOTHING: Mapping[str, Any] = FrozenMap()


class Node(NamedTuple):
    """One record of a `nodes` map, compared by identity.

    `target` is the op, the block (or an expression giving its name), or the reused node. `arguments`, `first` and
    `last` hold checked values in which expressions are still text.
    """

    id: str
    kind: NodeKind
    target: str
    feeds: Feeds
    arguments: Mapping[str, Any] = _NOTHING
    when: bool | str = True
    repeat: int | str | None = None
    first: Mapping[str, Any] = _NOTHING
    last: Mapping[str, Any] = _NOTHING
    share: bool = False
    scan: Scan | None = None
    doc: str = ""
    named: bool = False
    """Whether the file names the ports in ``in``, so that pointers do too."""
    primitive: Primitive | None = None
    """The primitive itself, where no argument is an expression and the node is not repeated."""

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def refs(self) -> Sequence[Ref]:
        """Every value that the node reads."""
        feeds = self.feeds
        if isinstance(feeds, tuple) and None not in feeds:
            return feeds  # type: ignore[return-value]
        return [ref for ref in (feeds.values() if isinstance(feeds, Mapping) else feeds) if ref is not None]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A parametrised subgraph, compared by identity. Its `nodes` stand in an order: each after those that feed it."""

    name: str
    params: Mapping[str, Parameter]
    inputs: tuple[str, ...]
    nodes: Mapping[str, Node]
    outputs: Mapping[str, Ref]
    """What leaves it: its outputs, and then, under the names of its states, their values after this step."""
    carry: str
    """The input that `repeat` chains the first output into."""
    states: Mapping[str, State] = field(default_factory=dict)
    """The inputs that a scan carries from step to step."""
    doc: str = ""
    source: Source | None = None
    scope: str = ""
    """The file whose blocks this one may call: a key of `Graph.scopes`."""
    pointer: str = ""
    """Where the block stands in its source: ``/blocks/NAME``, or empty for the main graph of a file."""


@dataclass(frozen=True, slots=True)
class Graph:
    """One network. `body` holds its nodes and outputs; `bindings` the parameter values chosen on loading.

    `scopes` lists, for every file that takes part, the blocks that its nodes may call: its own, imported ones, and the
    library's. The file of the graph itself is the scope ``""``.
    """

    name: str
    inputs: Mapping[str, Input]
    body: Block
    scopes: Mapping[str, Mapping[str, Block]]
    dims: Mapping[str, Dimension] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    bindings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    doc: str = ""

    @property
    def blocks(self) -> Mapping[str, Block]:
        """The blocks that the graph's own nodes may call."""
        return self.scopes[""]

    @property
    def params(self) -> Mapping[str, Parameter]:
        """The knobs of the file."""
        return self.body.params

    def bind(self, **values: Any) -> "Graph":
        """The same graph with parameters set, as ``--set`` does."""
        return dataclasses.replace(self, bindings={**self.bindings, **values})

    def variant(self, name: str) -> "Graph":
        """The same graph with the parameters of a variant set.

        Raises:
            KeyError: there is no such variant.
        """
        return dataclasses.replace(self, bindings=dict(self.variants[name]))
