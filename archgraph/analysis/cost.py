"""What a graph costs: weights, multiply-adds and memory, in total, for every primitive and for every record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from archgraph.analysis.memory import WEIGHT_BYTES, inference_peak, training_peak
from archgraph.analysis.receptive import main_field, node_fields
from archgraph.analysis.shaped import Call, Leaf, Scope, ShapedGraph, join, over_steps, total
from archgraph.shapes import Dim, Shape


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
    """Inference on a batch: the most memory that its tensors take at one time, inputs included, weights not."""
    training_bytes: Dim | None
    """A training step on a batch: all weights and optimiser slots, and the most memory that tensors, what is kept for
    the way back, and gradients take at one time. `analysis.memory` says what is counted."""
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
    passing, slots = training_peak(shaped, batch_size), optimizer_slots * shaped.trainable
    return Cost(
        shaped.parameters,
        shaped.trainable,
        shaped.macs,
        inference_peak(shaped, batch_size),
        None if passing is None else total((passing, WEIGHT_BYTES * (shaped.parameters + slots))),
        _families(shaped.root, {}),
    )


# ---- totals over distinct scopes


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
