"""Random graphs that are meant to be valid: the raw material of property tests over whole graphs."""

import json
import random
from collections.abc import Sequence
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Primitive

INPUTS: tuple[dict[str, Any], ...] = (
    {"shape": [8, 8, 3]},
    {"shape": [9, 6, 4]},
    {"shape": [12, 5]},
    {"shape": [7, 8]},
    {"shape": [7, 7]},
    {"shape": [16]},
    {"shape": [4, 6, 5, 2]},
    {"shape": ["H", "W", 4]},
    {"shape": ["T", 6]},
    {"shape": [10], "dtype": "int32"},
)
ACTIVATIONS = ("relu", "tanh", "sigmoid", "elu", "softmax", "gelu")
NORMS = ("batch", "layer", {"op": "group_norm", "groups": 1}, "rms")
LARGEST = 4_000
"""Elements of a tensor, so that a test stays small."""


class GraphMaker:
    """Grows one graph, node by node, keeping only nodes that the shape rules accept.

    With `ops`, only these are drawn; an op that is named twice is drawn twice as often.
    """

    reused = 0.1
    """How often weights are applied again."""
    activations = ACTIVATIONS

    def __init__(self, seed: int, ops: Sequence[str] = ()) -> None:
        self.random = random.Random(seed)
        self.kinds = [REGISTRY[op] for op in ops] or list(REGISTRY.values())
        self.values: dict[str, Tensor] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.blocks: dict[str, dict[str, Any]] = {}
        self.inputs: dict[str, dict[str, Any]] = {}

    def document(self) -> dict[str, Any]:
        """The value of a graph file."""
        from archgraph.shapes import symbol

        for number in range(self.random.choice((1, 1, 1, 2))):
            entry = self.random.choice(INPUTS)
            self.inputs[f"in{number}"] = entry
            shape = tuple(size if isinstance(size, int) else symbol(size) for size in entry["shape"])
            self.values[f"in{number}"] = Tensor(shape, entry.get("dtype", "float32"))
        wanted = self.random.randint(3, 12)
        for _ in range(40 * wanted):
            if len(self.nodes) >= wanted:
                break
            self.grow()
        read = {feed for node in self.nodes.values() for feed in self.names(node["in"])}
        ends = [name for name in self.nodes if name not in read] or list(self.nodes)[-1:]
        return {
            "archgraph": 1,
            "name": "generated",
            "inputs": self.inputs,
            **({"blocks": self.blocks} if self.blocks else {}),
            "nodes": self.nodes,
            "outputs": {f"out{number}": end for number, end in enumerate(ends)},
        }

    @staticmethod
    def names(feeds: Any) -> list[str]:
        """The nodes that an ``in`` names."""
        listed = [feeds] if isinstance(feeds, str) else list(feeds.values()) if isinstance(feeds, dict) else feeds
        return [name.partition(".")[0] for name in listed]

    def scan(self, kind: type[Primitive], params: dict[str, Any], feed: str) -> None:
        """Add a block that applies an op to each slice of a sequence and carries the sum so far, if that is valid."""
        tensor = self.values[feed]
        single = len(kind.inputs) == 1 and not kind.inputs[0].variadic
        if not single or len(tensor.shape) < 2 or tensor.dtype != "float32":
            return
        try:
            primitive = kind.make(params)
            out = primitive.infer(Tensor(tensor.shape[1:]))
            primitive.weights(Tensor(tensor.shape[1:]))
        except Rejected:
            return
        if not isinstance(out, Tensor) or out.dtype != "float32" or not all(isinstance(d, int) for d in out.shape):
            return
        block, name = f"b{len(self.blocks)}", f"n{len(self.nodes)}"
        nodes = {"only": {"op": kind.op, "in": "x", **params}, "sum": {"op": "add", "in": ["only", "s"]}}
        states = {"s": {"next": "sum", "shape": list(out.shape)}}
        self.blocks[block] = {"inputs": ["x", "s"], "states": states, "nodes": nodes, "output": "only"}
        scan: Any = self.random.choice(("x", ["x"], {"over": "x", "reverse": True}))
        self.nodes[name] = {"block": block, "in": {"x": feed}, "scan": scan}
        self.values[name] = Tensor((tensor.shape[0], *out.shape))

    def grow(self) -> None:
        """Add a node if the draw is a valid one."""
        kind = self.random.choice(self.kinds)
        example = self.random.choice(kind.examples)
        params = json.loads(json.dumps(dict(example.params)))
        for key, value in params.items():
            if isinstance(value, int) and not isinstance(value, bool) and self.random.random() < 0.5:
                params[key] = max(1, value + self.random.randint(-2, 2))
        self.vary(kind, params)
        feeds = self.feeds(kind, len(example.inputs))
        if self.random.random() < 0.05:
            self.scan(kind, params, feeds[0])
            return
        tensors = [self.values[name] for name in feeds]
        try:
            primitive = kind.make(params)
            outputs = primitive.infer(*tensors, *[None] * (len(kind.inputs) - len(tensors)))
            first = outputs if isinstance(outputs, Tensor) else outputs[0]
            primitive.weights(*tensors, *[None] * (len(kind.inputs) - len(tensors)))
        except Rejected:
            return
        size = 1
        for dim in first.shape:
            size *= dim if isinstance(dim, int) else 8
        if size > LARGEST:
            return
        self.add(kind, params, feeds, first, primitive)

    def vary(self, kind: type[Primitive], params: dict[str, Any]) -> None:
        """Draw further parameters. Here none."""

    def feeds(self, kind: type[Primitive], count: int) -> list[str]:
        """Names of values for the ports."""
        names = list(self.values)
        if kind.inputs[-1].variadic and self.random.random() < 0.7:
            start = self.random.choice(names)
            same = [name for name in names if self.values[name].shape[:-1] == self.values[start].shape[:-1]]
            return self.random.sample(same, min(len(same), self.random.randint(2, 3)))
        return [self.random.choice(names[-4:] if self.random.random() < 0.6 else names) for _ in range(count)]

    def add(self, kind: type[Primitive], params: dict[str, Any], feeds: list[str], out: Tensor, primitive: Any) -> None:
        """Add the node, perhaps with shorthands, repeated, inside a block, or switched off."""
        name = f"n{len(self.nodes)}"
        fields = kind.fields()
        if "norm" in fields:  # the shorthands come together
            if self.random.random() < 0.3:
                params["activation"] = self.random.choice(self.activations)
            if self.random.random() < 0.2:
                params["norm"] = self.random.choice(NORMS)
        source: Any = feeds[0] if len(feeds) == 1 and not kind.inputs[-1].variadic else feeds
        node: dict[str, Any] = {"op": kind.op, "in": source, **params}
        single = len(feeds) == 1 and len(kind.inputs) == 1 and not kind.inputs[0].variadic
        stays = single and out == self.values[feeds[0]] and len(primitive.outputs()) == 1
        if stays and self.random.random() < 0.4:
            node["repeat"] = self.random.randint(1, 3)
            if self.random.random() < 0.3:
                node["share"] = True
        elif single and self.random.random() < 0.2 and len(primitive.outputs()) == 1:
            block = f"b{len(self.blocks)}"
            body = {"op": kind.op, "in": "x", **params}
            self.blocks[block] = {"inputs": ["x"], "nodes": {"only": body}, "output": "only"}
            node = {"block": block, "in": source}
        elif single and out == self.values[feeds[0]] and self.random.random() < 0.1:
            node["when"] = False
        self.nodes[name] = node
        self.values[name] = out
        if (
            single
            and self.random.random() < self.reused
            and "op" in node
            and "repeat" not in node
            and node.get("when", True)
        ):
            self.nodes[f"{name}_again"] = {"reuse": name, "in": source}
            self.values[f"{name}_again"] = out


class NeighbourMaker(GraphMaker):
    """Grows graphs in which passes find work, and reasons to leave it: chains, second readers, weights again."""

    reused = 0.35
    activations = (*ACTIVATIONS, "linear")

    def vary(self, kind: type[Primitive], params: dict[str, Any]) -> None:
        """Draw groups, several kernels for a channel, linear functions and rates of zero."""
        if kind.op == "conv" and self.random.random() < 0.3:
            params |= {"groups": 2, "filters": 4, "kernel_size": 1}
        elif kind.op in ("conv", "dense") and self.random.random() < 0.2:
            params[self.random.choice(("equalized", "spectral_norm"))] = True
        elif "depth_multiplier" in kind.fields() and self.random.random() < 0.5:
            params["depth_multiplier"] = 2
        elif kind.op == "activation":
            params["activation"] = self.random.choice(self.activations)
        elif kind.op == "dropout" and self.random.random() < 0.5:
            params["rate"] = 0

    def feeds(self, kind: type[Primitive], count: int) -> list[str]:
        """Mostly the last value."""
        if count == 1 and self.random.random() < 0.6:
            return [list(self.values)[-1]]
        return super().feeds(kind, count)


def folded(document: dict[str, Any], seed: int) -> dict[str, Any]:
    """The same graph with some neighbouring nodes in a block of several inputs and outputs, which is applied twice.

    The second time it has weights of its own, or uses those of the first. Where weights would be shared across the
    block's border, the document stays as it is.
    """
    draws = random.Random(seed)
    nodes: dict[str, Any] = document["nodes"]
    start = draws.randrange(max(1, len(nodes)))
    inside = dict(list(nodes.items())[start : start + draws.randint(2, 6)])
    if not inside or any(
        "reuse" in node and (node["reuse"] in inside) != (name in inside) for name, node in nodes.items()
    ):
        return document
    read = [feed for node in inside.values() for feed in GraphMaker.names(node["in"])]
    feeds = [feed for feed in dict.fromkeys(read) if feed not in inside]
    outside = {name: node for name, node in nodes.items() if name not in inside}
    wanted = {feed for node in outside.values() for feed in GraphMaker.names(node["in"])}
    wanted |= set(document["outputs"].values())
    ports = {feed: f"x{number}" for number, feed in enumerate(feeds)}
    results = {name: f"once.{name}" for name in inside if name in wanted}
    block = {
        "inputs": list(ports.values()),
        "nodes": {name: _fed(node, ports) for name, node in inside.items()},
        "outputs": {name: name for name in results},
    }
    again = draws.choice(({"block": "folded"}, {"block": "folded"}, {"reuse": "once"}))
    calls = {"once": {"block": "folded", "in": feeds}, "twice": {**again, "in": feeds}}
    outputs = {name: results.get(end, end) for name, end in document["outputs"].items()}
    return {
        **document,
        "blocks": {**document.get("blocks", {}), "folded": block},
        "nodes": {**{name: _fed(node, results) for name, node in outside.items()}, **calls},
        "outputs": {**outputs, **{f"again{number}": f"twice.{name}" for number, name in enumerate(results)}},
    }


def _fed(node: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The node with other names for what it reads."""
    given = node["in"]
    if isinstance(given, dict):
        return {**node, "in": {port: names.get(feed, feed) for port, feed in given.items()}}
    return {**node, "in": names.get(given, given) if isinstance(given, str) else [names.get(x, x) for x in given]}
