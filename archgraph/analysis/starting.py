"""Whether the weights of a graph can begin to learn: a kernel that starts with one number everywhere may never."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from archgraph.analysis.shaped import Call, FlatNode, Leaf, Scope, ShapedGraph
from archgraph.diagnostics import Diagnostic

_PASSED = frozenset({
    "flatten", "reshape", "permute", "crop", "zero_pad", "max_pool", "avg_pool", "global_max_pool", "global_avg_pool",
    "dropout", "spatial_dropout", "gaussian_dropout", "alpha_dropout", "gaussian_noise", "masking_noise", "batch_norm",
    "layer_norm", "group_norm", "instance_norm", "rms_norm", "upsample",
})  # fmt: skip
"""Operations after which units that are alike are still alike."""
_FLAT = frozenset({"relu", "relu6"})
"""Functions whose slope at 0 is 0."""
_SAME = ("zeros", "ones")


def unlearnable(shaped: ShapedGraph) -> list[Diagnostic]:
    """Kernels that start with one number everywhere and so stay useless (AG602), placed in the text.

    An error where no step of gradient descent changes that: the units of a layer feed layers whose kernels are of one
    number too, so that all get one gradient for ever; or they stand before a relu at 0, where its slope is 0. A warning
    where only the layers behind can tell the units apart. The last layer may start with zeros, and so may a branch that
    is added to another: neither is reported, nor are biases and the scales of normalisations.
    """
    if not any(_starts_alike(leaf) for leaf in _leaves(shaped.root, set())):
        return []
    found: list[Diagnostic] = []
    nodes = {node.path: node for node in shaped.walk()}
    readers = _readers(nodes)
    for node in nodes.values():
        if _starts_alike(node.leaf) and _width(node.leaf) > 1 and node.owner == node.path:
            found += _finding(node, readers)
    return found


def _leaves(scope: Scope, seen: set[int]) -> Iterator[Leaf]:
    """The primitives of every distinct scope, once each."""
    if id(scope) in seen:
        return
    seen.add(id(scope))
    for item in scope.items:
        if isinstance(item, Call):
            for copy in item.copies:
                yield from _leaves(copy, seen)
        else:
            yield item


def _number(initializer: Any) -> float | None:
    """The one number that an initialiser gives everywhere; None if it gives several."""
    name = initializer.get("name") if isinstance(initializer, Mapping) else initializer
    if name in _SAME:
        return float(_SAME.index(name))
    if name == "constant":
        value = initializer.get("value", 0.0) if isinstance(initializer, Mapping) else 0.0
        return float(value) if isinstance(value, int | float) else None
    return None


def _starts_alike(leaf: Leaf) -> bool:
    initializer = getattr(leaf.primitive, "kernel_initializer", None)
    return bool(leaf.weights) and initializer is not None and _number(initializer) is not None


def _width(leaf: Leaf) -> int:
    last = leaf.outputs[0].shape[-1] if leaf.outputs[0].shape else 1
    return last if isinstance(last, int) else 2


def _readers(nodes: Mapping[str, FlatNode]) -> dict[str, list[FlatNode]]:
    readers: dict[str, list[FlatNode]] = {}
    for node in nodes.values():
        for feed in node.feeds:
            if feed is not None:
                readers.setdefault(feed.path, []).append(node)
    return readers


def _finding(node: FlatNode, readers: Mapping[str, list[FlatNode]]) -> Iterator[Diagnostic]:
    dead, joined, behind = _followed(node, readers)
    value = _number(node.leaf.primitive.kernel_initializer)  # type: ignore[attr-defined]
    what = f"the kernel of {node.path!r} starts with {value:g} everywhere, so its units start alike"
    hint = 'leave out "kernel_initializer": the default draws every weight at random'
    if joined or not (behind or dead):
        return
    still = [one for one in behind if _starts_alike(one.leaf)]
    if dead and value == 0 and _no_bias(node.leaf):
        reason = f"and before {dead!r}, whose slope at 0 is 0, no step ever changes them"
        yield _placed(node, f"{what}, {reason}", hint)
    elif behind and len(still) == len(behind):
        reason = f"and {still[0].path!r}, which they feed, starts so too: they stay alike for ever"
        yield _placed(node, f"{what}, {reason}", hint)
    elif value == 0:
        reason = "and only the layers behind can tell them apart"
        yield replace(_placed(node, f"{what}, {reason}", hint), severity="warning")


def _followed(node: FlatNode, readers: Mapping[str, list[FlatNode]]) -> tuple[str, bool, list[FlatNode]]:
    """The first flat function behind a layer, whether it meets other tensors, and the layers with kernels behind it."""
    dead, joined = "", False
    behind: list[FlatNode] = []
    waiting, seen = [(node.path, True)], {node.path}
    while waiting:
        path, at_once = waiting.pop()
        for one in readers.get(path, ()):
            op = one.leaf.primitive.op
            if one.path in seen:
                continue
            seen.add(one.path)
            if op == "activation":
                if at_once and str(getattr(one.leaf.primitive, "activation", "")) in _FLAT and not _leaks(one.leaf):
                    dead = dead or one.path
                waiting.append((one.path, False))
            elif op in _PASSED:
                waiting.append((one.path, at_once))
            elif one.leaf.weights and len([feed for feed in one.feeds if feed is not None]) == 1:
                behind.append(one)
            else:
                joined = True
    return dead, joined, behind


def _leaks(leaf: Leaf) -> bool:
    return bool(getattr(leaf.primitive, "negative_slope", 0))


def _no_bias(leaf: Leaf) -> bool:
    return not getattr(leaf.primitive, "biased", False) or _number(getattr(leaf.primitive, "bias_initializer", "")) == 0


def _placed(node: FlatNode, message: str, hint: str) -> Diagnostic:
    found = Diagnostic("AG602", f"{node.pointer}/kernel_initializer", message, hint)
    return node.block.source.place([found])[0] if node.block.source is not None else found
