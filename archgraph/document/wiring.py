"""What feeds what: nodes in the order of their feeds, names that stand for nothing, and circles."""

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import TYPE_CHECKING, Any

from archgraph.diagnostics import Rejected, nearest
from archgraph.graph import Node, Ref
from archgraph.vocabulary import REGISTRY

if TYPE_CHECKING:
    from archgraph.document.parse import Parser

MOST_CIRCLES = 10
"""Circles that are told apart in one block."""
MOST_COMPARISONS = 10_000
"""Names that misspelt ones are compared with, in one file; comparing is slow."""


def wire(
    parser: "Parser",
    nodes: Mapping[str, Node],
    inputs: Collection[str],
    records: Any,
    outputs: Mapping[str, Ref],
    pointer: str,
    states: Collection[str] = (),
) -> dict[str, Node]:
    """The nodes in an order that respects their feeds; unknown names and circles are reported.

    `records` are the ``nodes`` as the file has them: a record that was refused is not unknown as well. Where inputs
    or records are missing altogether, nothing is unknown. `states` are the outputs that are states of a block.
    """
    if inputs and isinstance(records, Mapping) and records:
        known = dict.fromkeys((*inputs, *records))
        _need_known(parser, nodes, known, records, pointer)
        for name, ref in outputs.items():
            if ref.node not in known:
                _unknown(parser, ref.node, known, pointer + place_of_output(name, pointer, states))
    return _ordered(parser, nodes, pointer)


def _need_known(
    parser: "Parser", nodes: Mapping[str, Node], known: Collection[str], records: Mapping[str, Any], pointer: str
) -> None:
    for node in nodes.values():
        for ref in node.refs():
            if ref.node not in known:
                _unknown_feeds(parser, node, known, f"{pointer}/nodes/{node.id}/in")
                break
        if node.kind == "reuse" and node.target not in records:
            _unknown(parser, node.target, records, f"{pointer}/nodes/{node.id}/reuse", "a node")


def _unknown_feeds(parser: "Parser", node: Node, known: Collection[str], pointer: str) -> None:
    for place, ref in _places(node):
        if ref.node not in known:
            _unknown(parser, ref.node, known, f"{pointer}{place}")


def _unknown(parser: "Parser", name: str, known: Collection[str], pointer: str, what: str = "a node or input") -> None:
    parser.comparisons += len(known)
    hint = nearest(name, known) if parser.comparisons <= MOST_COMPARISONS else ""
    if not hint:
        few = list(islice(known, 8))
        hint = f"known here: {', '.join(few)}{', …' if len(known) > len(few) else ''}"
    parser.report(Rejected("AG401", f"{name!r} is not the name of {what} here", hint=hint), pointer)


def _ordered(parser: "Parser", nodes: Mapping[str, Node], pointer: str) -> dict[str, Node]:
    """The nodes, each after those that feed it, without those in circles, which are reported."""
    if _in_order(nodes):
        return dict(nodes)
    before = {
        name: [one for one in (*(ref.node for ref in node.refs()), *_target(node)) if one in nodes]
        for name, node in nodes.items()
    }
    for _ in range(MOST_CIRCLES):
        try:
            return {name: nodes[name] for name in TopologicalSorter(before).static_order()}
        except CycleError as error:
            circle = [str(name) for name in reversed(error.args[1])]
            _circle(parser, circle, pointer)
            gone = set(circle)
            before = {
                name: [one for one in sources if one not in gone]
                for name, sources in before.items()
                if name not in gone
            }
    return {}


def _circle(parser: "Parser", circle: list[str], pointer: str) -> None:
    path = " -> ".join(circle if len(circle) <= 12 else [*circle[:11], "…"])
    hint = "a network has no circles; use a recurrent op for recurrence"
    rejected = Rejected("AG402", f"nodes feed each other: {path}", hint=hint)
    parser.report(rejected, f"{pointer}/nodes/{circle[0]}/in")


def _in_order(nodes: Mapping[str, Node]) -> bool:
    """Whether each node already stands after those that feed it."""
    seen: set[str] = set()
    for name, node in nodes.items():
        for ref in node.refs():
            if ref.node not in seen and ref.node in nodes:
                return False
        if node.kind == "reuse" and node.target not in seen:
            return False
        seen.add(name)
    return True


def _target(node: Node) -> tuple[str, ...]:
    return (node.target,) if node.kind == "reuse" else ()


def _places(node: Node) -> Iterable[tuple[str, Ref]]:
    """Where, below ``in``, each reference stands."""
    if isinstance(node.feeds, Mapping):
        return [(f"/{port}", ref) for port, ref in node.feeds.items()]
    refs = [(place_of_feed(node, position), ref) for position, ref in enumerate(node.feeds)]
    return [(place, ref) for place, ref in refs if ref is not None]


def place_of_output(name: str, pointer: str, states: Collection[str]) -> str:
    """Where, below a block (or the file, of empty pointer), it is said what an output reads."""
    if name in states:
        return f"/states/{name}"
    return "/output" if name == "output" and pointer else f"/outputs/{name}"


def place_of_feed(node: Node, position: int) -> str:
    """Where, below ``in``, the feed of an op at `position` stands: by port name, by number, or there itself."""
    if node.named:
        return f"/{REGISTRY[node.target].inputs[position].name}"
    return f"/{position}" if len(node.refs()) > 1 else ""
