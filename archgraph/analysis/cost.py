"""What a graph costs: weights, multiply-adds and memory, in total, for every primitive and for every record."""

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

from archgraph.analysis.receptive import main_field, node_fields
from archgraph.analysis.shaped import Call, FlatNode, FlatValue, Leaf, Scope, ShapedGraph, join, over_steps, total
from archgraph.diagnostics import Rejected
from archgraph.shapes import Dim, Shape, Tensor, at_least

BYTES: Mapping[str, int] = {
    "float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int16": 2, "int8": 1, "uint8": 1,
    "bool": 1,
}  # fmt: skip
"""Bytes of one number."""
WEIGHT_BYTES = BYTES["float32"]
"""Bytes of one weight: Keras keeps weights in float32, also in mixed precision."""


class Share(NamedTuple):
    """What a part of a graph contributes."""

    nodes: int = 0
    parameters: int = 0
    trainable: int = 0
    macs: Dim | None = 0

    def plus(self, other: "Share", times: int = 1) -> "Share":
        """This and `times` as much as `other`."""
        return Share(
            self.nodes + times * other.nodes,
            self.parameters + times * other.parameters,
            self.trainable + times * other.trainable,
            total((self.macs, None if other.macs is None else times * other.macs)),
        )

    def over(self, steps: Dim) -> "Share":
        """The same part run through so often."""
        return self._replace(macs=over_steps(steps, self.macs))

    def unowned(self) -> "Share":
        """The same work with somebody else's weights."""
        return self._replace(parameters=0, trainable=0)


Families = Mapping[str, Share]
"""Shares by family of the vocabulary."""


@dataclass(frozen=True)
class Cost:
    """Totals of a graph. What depends on a symbolic size is a symbolic size; None where that cannot be written down."""

    parameters: int
    trainable: int
    macs: Dim | None
    """Multiply-adds of matrix products and convolutions, for one sample."""
    activation_bytes: Dim | None
    """Inference on a batch: the most memory that tensors take at one time, each freed after its last reader."""
    training_bytes: Dim | None
    """A training step on a batch: weights, gradients, optimiser slots, and every tensor, kept for the way back."""
    families: Families

    @property
    def non_trainable(self) -> int:
        """Numbers in weights that training leaves to themselves, such as moving averages."""
        return self.parameters - self.trainable

    @property
    def flops(self) -> Dim | None:
        """Floating point operations for one sample: two for each multiply-add."""
        return None if self.macs is None else 2 * self.macs

    @property
    def weight_bytes(self) -> int:
        """Size of all weights in float32."""
        return WEIGHT_BYTES * self.parameters


def cost(shaped: ShapedGraph, batch_size: int = 1, optimizer_slots: int = 2) -> Cost:
    """The totals of a graph.

    Args:
        shaped: as `infer` returns it.
        batch_size: samples that are held in memory at one time.
        optimizer_slots: numbers that the optimiser keeps for each trainable weight: 0 for plain SGD, 1 with momentum,
            2 for Adam.
    """
    highest = peak(shaped)
    return Cost(
        shaped.parameters,
        shaped.trainable,
        shaped.macs,
        None if highest is None else batch_size * highest,
        _training(shaped, batch_size, optimizer_slots),
        _families(shaped.root, {}),
    )


def _training(shaped: ShapedGraph, batch_size: int, slots: int) -> Dim | None:
    weights = WEIGHT_BYTES * (shaped.parameters + (1 + slots) * shaped.trainable)
    tensors = total((_bytes(shaped.root.inputs), _stored(shaped.root, {})))
    return None if tensors is None else total((weights, batch_size * tensors))


def tensor_bytes(tensor: Tensor) -> Dim:
    """Memory of one sample's tensor."""
    return prod(tensor.shape) * BYTES[tensor.dtype]


def _bytes(tensors: tuple[Tensor, ...]) -> Dim | None:
    return total(map(tensor_bytes, tensors))


# ---- totals over distinct scopes


def _stored(scope: Scope, memo: dict[Scope, Dim | None]) -> Dim | None:
    """Bytes of every tensor that the primitives of a scope put out."""
    if scope not in memo:
        parts: list[Dim | None] = []
        for item in scope.items:
            if isinstance(item, Leaf):
                parts.append(_bytes(item.outputs))
            else:
                parts += [over_steps(item.steps, _stored(copy, memo)) for copy in item.copies]
        memo[scope] = total(parts)
    return memo[scope]


def _families(scope: Scope, memo: dict[Scope, Families]) -> Families:
    if scope not in memo:
        found: dict[str, Share] = {}
        for item in scope.items:
            if isinstance(item, Leaf):
                family = item.primitive.family.value
                found[family] = found.get(family, Share()).plus(_share(item))
                continue
            for position, (copy, number) in enumerate(runs(item)):
                for family, share in _families(copy, memo).items():
                    stepwise = share.over(item.steps)
                    found[family] = _with_copies(found.get(family, Share()), stepwise, item, position, number)
        memo[scope] = found
    return memo[scope]


def _with_copies(before: Share, each: Share, call: Call, position: int, times: int) -> Share:
    """`before` and a run of copies, of which only those that own their weights count them."""
    if call.owner:
        return before.plus(each.unowned(), times)
    if not call.share:
        return before.plus(each, times)
    return before.plus(each if position == 0 else each.unowned()).plus(each.unowned(), times - 1)


def _share(leaf: Leaf) -> Share:
    return Share(1, leaf.parameters, leaf.trainable, leaf.macs)


def runs(call: Call) -> list[tuple[Scope, int]]:
    """The copies of a call, equal neighbours counted together."""
    found: list[tuple[Scope, int]] = []
    for copy in call.copies:
        if found and found[-1][0] is copy:
            found[-1] = copy, found[-1][1] + 1
        else:
            found.append((copy, 1))
    return found


# ---- the peak


def peak(shaped: ShapedGraph) -> Dim | None:
    """Most bytes of one sample's tensors that live at one time, when primitives run in order.

    A tensor lives from its making to its last reader; inputs from the start, outputs to the end. None where symbolic
    sizes leave open which moment is the worst.
    """
    few = replace(shaped, root=_shortened(shaped.root, {}))
    nodes = [(node.path, node.feeds, _kept(node)) for node in few.walk()]
    last: dict[FlatValue, int] = {}
    for moment, (_, feeds, _) in enumerate(nodes):
        for feed in feeds:
            if feed is not None:
                last[feed] = moment
    for result in few.results().values():
        last[result] = len(nodes)
    try:
        return _peak(shaped, nodes, last)
    except Rejected:  # a sum with too many symbols to write down
        return None


def _kept(node: FlatNode) -> tuple[Tensor, ...]:
    """A primitive's outputs; inside a scan those of all its steps, as if all were kept: an upper bound."""
    if node.steps == 1:
        return node.leaf.outputs
    return tuple(Tensor((node.steps, *tensor.shape), tensor.dtype) for tensor in node.leaf.outputs)


def _shortened(scope: Scope, memo: dict[Scope, Scope]) -> Scope:
    """`scope` with no more than three equal copies in a row.

    The peak is the same: the first copy may leave what it reads alive, the last may free what all read, and those in
    between, each freeing its predecessor's output, are alike.
    """
    if scope not in memo:
        items = tuple(item if isinstance(item, Leaf) else _fewer(item, memo) for item in scope.items)
        same = all(new is old for new, old in zip(items, scope.items, strict=True))
        memo[scope] = scope if same else replace(scope, items=items)
    return memo[scope]


def _fewer(call: Call, memo: dict[Scope, Scope]) -> Call:
    copies = tuple(_shortened(copy, memo) for copy, times in runs(call) for _ in range(min(times, 3)))
    same = len(copies) == len(call.copies) and all(map(operator.is_, copies, call.copies))
    return call if same else call.with_copies(copies)


def _peak(
    shaped: ShapedGraph,
    nodes: list[tuple[str, tuple[FlatValue | None, ...], tuple[Tensor, ...]]],
    last: Mapping[FlatValue, int],
) -> Dim | None:
    sizes: dict[Tensor, Dim] = {}
    dying: dict[int, list[Tensor]] = {}
    live: Dim = 0
    for name, tensor in shaped.inputs.items():
        live = live + tensor_bytes(tensor)
        dying.setdefault(last.get(FlatValue(name, 0), -1), []).append(tensor)
    highest = _Highest(live)
    for moment, (path, _, outputs) in enumerate(nodes):
        for port, tensor in enumerate(outputs):
            if tensor not in sizes:
                sizes[tensor] = tensor_bytes(tensor)
            live = live + sizes[tensor]
            dying.setdefault(last.get(FlatValue(path, port), moment), []).append(tensor)
        highest.note(live)
        for tensor in dying.pop(moment, ()):
            live = live - (sizes[tensor] if tensor in sizes else tensor_bytes(tensor))
    return highest.value()


class _Highest:
    """The largest of some sizes, as far as it can be proven."""

    def __init__(self, first: Dim) -> None:
        self._candidates = [first]

    def note(self, size: Dim) -> None:
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
        return self._candidates[0] if len(self._candidates) == 1 else None


# ---- tables


class Row(NamedTuple):
    """One primitive of the expanded graph."""

    path: str
    op: str
    family: str
    output: Shape
    """Of its first output."""
    parameters: int
    """Numbers in weights that it owns: 0 where it applies another's."""
    trainable: int
    macs: Dim | None
    field: tuple[Dim, ...]
    """Receptive field along each axis of the input with the most axes; empty where it sees no input."""
    owner: str
    """Path of the primitive whose weights it applies; its own unless they are shared."""
    pointer: str


def rows(shaped: ShapedGraph) -> Iterator[Row]:
    """One row for every primitive of the expanded graph, each after those that feed it."""
    for node, seen in zip(shaped.walk(), node_fields(shaped), strict=True):
        leaf, own = node.leaf, node.owner == node.path
        primitive = leaf.primitive
        yield Row(
            node.path, primitive.op, primitive.family.value, leaf.outputs[0].shape, leaf.parameters if own else 0,
            leaf.trainable if own else 0, node.macs, main_field(seen), node.owner, node.pointer,
        )  # fmt: skip


class BlockRow(NamedTuple):
    """One record, or a run of equal copies of a block, in the rolled view; totals over all copies."""

    path: str
    """Its path; a run of copies is written ``stage1/1-2``."""
    level: int
    """0 for the graph's own records."""
    what: str
    """The op, or the block's name."""
    times: int
    """Copies in a chain."""
    output: Shape
    """Of its first output, after the last copy."""
    total: Share


def block_rows(shaped: ShapedGraph, depth: int = 1) -> list[BlockRow]:
    """One row for every record of the graph, repeats rolled, opened `depth` levels deep.

    Level 0 lists the graph's own records. One level deeper come, for each call of a block, its records; where copies
    are numbered, first one row for each run of equal copies.
    """
    return list(_scope_rows(shaped.root, "", 0, depth, owned=True))


def _scope_rows(
    scope: Scope, prefix: str, level: int, depth: int, *, owned: bool, steps: Dim = 1
) -> Iterator[BlockRow]:
    if level >= depth:
        return
    records: dict[str, list[Leaf | Call]] = {}
    for item in scope.items:
        records.setdefault(item.node.id, []).append(item)
    for items in records.values():
        first = items[0]
        if isinstance(first, Call):
            yield from _call_rows(first, join(prefix, first.name), level, depth, owned=owned, steps=steps)
            continue
        whole = Share()
        for item in items:
            assert isinstance(item, Leaf)
            whole = whole.plus(_share(item) if owned else _share(item).unowned())
        output = items[-1].outputs[0].shape
        yield BlockRow(join(prefix, first.node.id), level, first.node.target, 1, output, whole.over(steps))


def _call_rows(call: Call, path: str, level: int, depth: int, *, owned: bool, steps: Dim) -> Iterator[BlockRow]:
    owned, steps = owned and not call.owner, steps * call.steps
    whole, parts, number = Share(), [], 0
    for position, (copy, times) in enumerate(runs(call)):
        each = Share(copy.count, copy.parameters, copy.trainable, copy.macs).over(steps)
        owning = 0 if not owned else times if not call.share else 1 if position == 0 else 0
        share = Share().plus(each, owning).plus(each.unowned(), times - owning)
        whole = whole.plus(share)
        parts.append((number, copy, times, share, owning > 0))
        number += times
    yield BlockRow(path, level, _what(call), len(call.copies), call.outputs[0].shape, whole)
    if call.node.kind == "op":
        return  # each copy is one primitive
    for start, copy, times, share, owning_one in parts:
        if not call.indexed:
            yield from _scope_rows(copy, path, level + 1, depth, owned=owning_one, steps=steps)
        elif level + 1 < depth:
            place = f"{path}/{start}" if times == 1 else f"{path}/{start}-{start + times - 1}"
            yield BlockRow(place, level + 1, _what(call), times, copy.outputs[0].shape, share)
            yield from _scope_rows(copy, place, level + 2, depth, owned=owning_one, steps=steps)


def _what(call: Call) -> str:
    return call.copies[0].block.name if call.copies and call.node.kind == "block" else call.node.target
