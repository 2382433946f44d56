"""Graph -> networkx.DiGraph, for algorithms on graphs: rolled as the file has it, or expanded with shapes and costs."""

from typing import TYPE_CHECKING, Any

from archgraph.analysis.shaped import FlatValue, ShapedGraph
from archgraph.graph import Graph, Node

if TYPE_CHECKING:
    import networkx


def to_networkx(graph: Graph | ShapedGraph) -> "networkx.DiGraph":
    """A graph as a `networkx.DiGraph`, its nodes in an order in which each follows what feeds it.

    A `Graph` gives the file's own records: a node for each id and input, with ``kind`` (``input``, ``op``, ``block`` or
    ``reuse``), ``target`` (the op or block), ``repeat`` and ``doc``. A `ShapedGraph` gives every primitive by its path,
    with ``op``, ``family``, ``parameters`` (that it owns), ``trainable``, ``macs``, ``shape``, ``dtype`` of its first
    output, ``owner`` (whose weights it applies) and ``pointer`` (its record in the file); inputs have ``kind`` and
    ``shape``. Edges have ``ports``: a list of (output, input) numbers, since one node may feed another several times;
    expanded ones also ``shape``. ``graph["outputs"]`` maps each output's name to its node.
    """
    import networkx

    made = networkx.DiGraph(name=graph.name)
    if isinstance(graph, ShapedGraph):
        _expanded(made, graph)
    else:
        _rolled(made, graph)
    return made


def _rolled(made: "networkx.DiGraph", graph: Graph) -> None:
    for name, entry in graph.inputs.items():
        made.add_node(name, kind="input", target="", shape=entry.shape, dtype=entry.dtype, repeat=None, doc=entry.doc)
    for node in graph.body.nodes.values():
        made.add_node(node.id, kind=node.kind, target=node.target, repeat=node.repeat, doc=node.doc)
        for place, ref in _refs(node):
            _edge(made, ref[0], node.id, (ref[1], place))
    made.graph["outputs"] = {name: ref.node for name, ref in graph.body.outputs.items()}


def _refs(node: Node) -> list[tuple[int | str, tuple[str, str]]]:
    feeds = node.feeds.items() if not isinstance(node.feeds, tuple) else enumerate(node.feeds)
    return [(place, (ref.node, ref.port)) for place, ref in feeds if ref is not None]


def _expanded(made: "networkx.DiGraph", shaped: ShapedGraph) -> None:
    tensors = {}
    for name, tensor in shaped.inputs.items():
        made.add_node(name, kind="input", shape=tensor.shape, dtype=tensor.dtype)
        tensors[FlatValue(name, 0)] = tensor
    for node in shaped.walk():
        leaf, own = node.leaf, node.owner == node.path
        made.add_node(
            node.path, kind="op", op=leaf.primitive.op, family=leaf.primitive.family.value,
            parameters=leaf.parameters if own else 0, trainable=leaf.trainable if own else 0, macs=node.macs,
            shape=leaf.outputs[0].shape, dtype=leaf.outputs[0].dtype, owner=node.owner, pointer=node.pointer,
        )  # fmt: skip
        tensors |= {FlatValue(node.path, port): tensor for port, tensor in enumerate(leaf.outputs)}
        for place, feed in enumerate(node.feeds):
            if feed is not None:
                _edge(made, feed.path, node.path, (feed.port, place))
                made.edges[feed.path, node.path].setdefault("shape", tensors[feed].shape)
    made.graph["outputs"] = {name: value.path for name, value in shaped.results().items()}


def _edge(made: "networkx.DiGraph", tail: str, head: str, ports: tuple[Any, Any]) -> None:
    if made.has_edge(tail, head):
        made.edges[tail, head]["ports"].append(ports)
    else:
        made.add_edge(tail, head, ports=[ports])
