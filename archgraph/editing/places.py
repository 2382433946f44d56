"""Where in a file an edit happens: the main graph or the inside of a block, and what stands there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from archgraph.diagnostics import Rejected, nearest
from archgraph.document.form import is_identifier
from archgraph.editing.patches import pointer
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Port

OUTPUT = "out:"
STATE = "out:state."
"""What the ids of outputs and of the next values of states begin with, since they may be called like nodes."""


class Edge(NamedTuple):
    """A reference as the file has it, and where it stands."""

    ref: str
    target: str
    """A node, or the id of an output or state."""
    key: str
    """The port's name, or the position in the list."""

    @property
    def source(self) -> str:
        """The node or input that is read."""
        return self.ref.partition(".")[0]

    @property
    def port(self) -> str:
        """The output that is read; empty: the first."""
        return self.ref.partition(".")[2]


@dataclass(frozen=True)
class Place:
    """The main graph (the empty name) or a block of the file, and its JSON value."""

    value: Any
    block: str = ""

    @property
    def pointer(self) -> str:
        """Where it stands in the file."""
        return pointer("blocks", self.block) if self.block else ""

    @property
    def body(self) -> Mapping[str, Any]:
        """The object that holds its nodes."""
        found = self.value.get("blocks", {}).get(self.block) if self.block else self.value
        return found if isinstance(found, Mapping) else {}

    @property
    def nodes(self) -> Mapping[str, Any]:
        """The records, as they are; those that are no objects are left out."""
        found = self.body.get("nodes")
        items = found.items() if isinstance(found, Mapping) else ()
        return {name: record for name, record in items if isinstance(record, Mapping)}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        found = self.body.get("inputs")
        return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list | Mapping) else ()

    @property
    def names(self) -> set[str]:
        """Every name that is taken."""
        return {*self.inputs, *self.nodes}

    @property
    def outputs(self) -> dict[str, str]:
        """The reference of every output by its id, states of the next step last."""
        found = {}
        if isinstance(self.body.get("output"), str):
            found[f"{OUTPUT}output"] = self.body["output"]
        several = self.body.get("outputs")
        if isinstance(several, Mapping):
            found |= {f"{OUTPUT}{name}": ref for name, ref in several.items() if isinstance(ref, str)}
        states = self.body.get("states")
        if self.block and isinstance(states, Mapping):
            for name, state in states.items():
                following = state.get("next") if isinstance(state, Mapping) else state
                if isinstance(following, str):
                    found[f"{STATE}{name}"] = following
        return found

    def at(self, *keys: str) -> str:
        """A pointer to something in this place."""
        return self.pointer + pointer(*keys)

    def output_at(self, target: str) -> str:
        """The pointer to the reference of an output or state, by its id."""
        name = target.removeprefix(OUTPUT)
        if target.startswith(STATE):
            name = target.removeprefix(STATE)
            state = self.body["states"][name]
            return self.at("states", name, "next") if isinstance(state, Mapping) else self.at("states", name)
        return self.at("output") if "output" in self.body else self.at("outputs", name)

    def edges(self) -> Iterator[Edge]:
        """Every reference, node by node, outputs last."""
        for name, record in self.nodes.items():
            for key, ref in feeds(record):
                yield Edge(ref, name, key)
        for target, ref in self.outputs.items():
            yield Edge(ref, target, "")

    def free(self, wish: str, taken: Any = ()) -> str:
        """A name like `wish` that nothing has yet."""
        return free_name(wish, self.names | set(taken))

    def need_node(self, name: str) -> Mapping[str, Any]:
        """The record of that name, or `Rejected`."""
        if name not in self.nodes:
            raise Rejected("AG401", f"there is no node {name!r} here", hint=nearest(name, self.nodes))
        record: Mapping[str, Any] = self.nodes[name]
        return record


def feeds(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The references of a record's ``in`` with their keys."""
    given = record.get("in")
    if isinstance(given, str):
        return [("0", given)]
    items = given.items() if isinstance(given, Mapping) else enumerate(given) if isinstance(given, list) else ()
    return [(str(key), ref) for key, ref in items if isinstance(ref, str)]


def with_feeds(record: Mapping[str, Any], change: Mapping[str, str | None]) -> Any:
    """The record's ``in`` with some keys fed by another reference, or by none."""
    given = record.get("in")
    if isinstance(given, Mapping):
        return {key: change.get(key, ref) for key, ref in given.items() if change.get(key, ref) is not None}
    refs = [change.get(key, ref) for key, ref in feeds(record)]
    kept = [ref for ref in refs if ref is not None]
    return kept[0] if isinstance(given, str) and kept else kept


def op_ports(record: Mapping[str, Any]) -> tuple[Port, ...] | None:
    """The inputs of an op's record; None for blocks, reuses and unknown ops."""
    op = record.get("op")
    return REGISTRY[op].inputs if isinstance(op, str) and op in REGISTRY else None


def free_name(wish: str, taken: Any) -> str:
    """`wish`, or `wish` with a number, such that nothing in `taken` has it; always an identifier."""
    base = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in wish)[:56] or "node"
    base = base if is_identifier(base) else f"n_{base}"
    if base not in taken:
        return base
    stem = base.rstrip("0123456789").rstrip("_") or base
    number = 2
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"
