"""ShapedGraph -> Picture: boxes, groups and arrows, as data that knows nothing of Graphviz."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from archgraph.analysis.shaped import INPUT, Call, Item, Leaf, Scope, ShapedGraph, Value, join
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.drawing import words
from archgraph.graph import Block
from archgraph.shapes import Tensor
from archgraph.vocabulary.base import REGISTRY, Family

MOST_BOXES = 4_000
"""More boxes than this make a picture that nobody can read and that takes minutes to lay out."""

Role = Literal["input", "output", "node", "block", "head"]
"""A head stands at the top of an open block: it holds the title, and what feeds the block enters there."""


class Box(NamedTuple):
    """One thing with a border. `id` is its path, and unique; everything else is text to be shown as it is."""

    id: str
    role: Role
    title: str
    op: str = ""
    family: Family | None = None
    lines: tuple[str, ...] = ()
    footer: str = ""
    times: str = ""
    """How often a block is repeated: ``×3``, or the empty string."""
    doc: str = ""
    sometimes: bool = False
    """Whether only some copies of the block have it."""


class Group(NamedTuple):
    """A block that is drawn open. Its first member is its head."""

    id: str
    members: tuple["Box | Group", ...]


class Arrow(NamedTuple):
    """A tensor on its way from one box to another."""

    tail: str
    head: str
    label: str
    sometimes: bool = False


class Picture(NamedTuple):
    """A whole drawing."""

    title: str
    subtitle: str
    members: tuple[Box | Group, ...]
    arrows: tuple[Arrow, ...]

    def boxes(self) -> Iterator[Box]:
        """Every box, in order."""
        return _boxes(self.members)


def _boxes(members: Sequence[Box | Group]) -> Iterator[Box]:
    for member in members:
        if isinstance(member, Box):
            yield member
        else:
            yield from _boxes(member.members)


def picture(shaped: ShapedGraph, *, expanded: bool = False, depth: int | None = None, once: bool = True) -> Picture:
    """What to draw of a graph.

    Args:
        shaped: the graph.
        expanded: draw every primitive and every copy of a block; otherwise a record is one box and a block that is
            repeated is drawn once, with the sizes of its first and last copy.
        depth: how many levels of blocks are drawn open; None: all.
        once: draw a block open only where it is used first, and closed elsewhere. Means nothing with `expanded`.

    Raises:
        GraphError: the picture would have more than `MOST_BOXES` boxes (AG501).
    """
    return Draughtsman(expanded, depth, once and not expanded).draw(shaped)


class End(NamedTuple):
    """The start of an arrow: a box, and the name of its output port where it has several."""

    box: str
    port: str = ""


@dataclass(slots=True)
class Draughtsman:
    """Walks the scopes once and collects arrows on the way."""

    expanded: bool
    depth: int | None
    once: bool
    opened: set[Block] = field(default_factory=set)
    arrows: dict[tuple[str, str, str], Arrow] = field(default_factory=dict)
    made: int = 0

    def draw(self, shaped: ShapedGraph) -> Picture:
        """The picture of a whole graph."""
        ends = [End(f"input {name}") for name in shaped.inputs]
        inputs = [
            self._box(Box(end.box, "input", name, doc=shaped.graph.inputs[name].doc))
            for end, name in zip(ends, shaped.inputs, strict=True)
        ]
        members, results = self._inside((shaped.root,), "", ends, 0)
        outputs = [Box(f"output {name}", "output", name) for name in shaped.outputs]
        for box, end, tensor in zip(outputs, results, shaped.outputs.values(), strict=True):
            self._box(box)
            self._arrow(end, box.id, [tensor], sometimes=False)
        macs = f"{words.count(shaped.macs)} multiply-adds"
        subtitle = f"{words.count(shaped.parameters)} parameters · {macs} · {shaped.count:,} primitives"
        return Picture(shaped.name, subtitle, (*inputs, *members, *outputs), self.arrows_among(members))

    def _box(self, box: Box) -> Box:
        self.made += 1
        if self.made > MOST_BOXES:
            complaint = f"the picture would have more than {MOST_BOXES} boxes"
            raise GraphError([Diagnostic("AG501", "", complaint, "draw it rolled, or fewer levels of blocks (depth)")])
        return box

    def _arrow(self, tail: End, head: str, carried: Sequence[Tensor], *, sometimes: bool) -> None:
        label = words.tensors(carried)
        label = f"{tail.port}: {label}" if tail.port else label
        self.arrows.setdefault((tail.box, head, label), Arrow(tail.box, head, label, sometimes))

    def arrows_among(self, members: Sequence[Box | Group]) -> tuple[Arrow, ...]:
        """All arrows; one that leaves a head says its shape only where that is not what the head was fed."""
        heads = {box.id for box in _boxes(members) if box.role == "head"}
        fed = {(arrow.head, arrow.label) for arrow in self.arrows.values() if arrow.head in heads}
        return tuple(
            arrow._replace(label="") if (arrow.tail, arrow.label) in fed else arrow for arrow in self.arrows.values()
        )

    # ---- the inside of a block, in all its copies at once

    def _inside(
        self, copies: Sequence[Scope], path: str, entries: Sequence[End], level: int
    ) -> tuple[list[Box | Group], list[End]]:
        """The members of a scope, and where its outputs come from. `entries` are its inputs."""
        distinct = list(dict.fromkeys(copies))
        members: list[Box | Group] = []
        ends: dict[str, list[End]] = {}
        for key, found in self._records(distinct).items():
            sometimes = len(found) < len(distinct)
            groups = list(found.values())
            place = join(path, key)
            member, own, head = self._member(groups, place, level, sometimes)
            members.append(member)
            ends[key] = own
            self._feed(found, key, head, lambda value, scope: self._end(value, scope, entries, ends), sometimes)
        results = [self._end(value, distinct[-1], entries, ends) for value in distinct[-1].results]
        return members, results

    def _key(self, item: Item) -> str:
        return item.name if self.expanded else item.node.id or item.name

    def _records(self, scopes: Sequence[Scope]) -> dict[str, dict[Scope, list[Item]]]:
        """The items of each record, in each copy that has it."""
        records: dict[str, dict[Scope, list[Item]]] = {}
        for scope in scopes:
            for item in scope.items:
                records.setdefault(self._key(item), {}).setdefault(scope, []).append(item)
        return records if len(scopes) == 1 else _in_order(records, scopes, self._key)

    def _end(self, value: Value, scope: Scope, entries: Sequence[End], ends: Mapping[str, list[End]]) -> End:
        if value.item == INPUT:
            return entries[value.port]
        own = ends[self._key(scope.items[value.item])]
        return own[min(value.port, len(own) - 1)]

    def _feed(self, found: Mapping[Scope, list[Item]], key: str, head: str, end: Any, sometimes: bool) -> None:
        """Arrows into a member, from all that feeds it in some copy."""
        carried: dict[End, dict[Scope, Tensor]] = {}
        for scope, items in found.items():
            for value in (value for item in items for value in item.feeds if value is not None):
                if value.item == INPUT or self._key(scope.items[value.item]) != key:
                    carried.setdefault(end(value, scope), {})[scope] = _tensor(value, scope)
        for tail, by_scope in carried.items():
            partly = sometimes or len(by_scope) < len(found)
            self._arrow(tail, head, list(by_scope.values()), sometimes=partly)

    # ---- members

    def _member(
        self, groups: Sequence[list[Item]], place: str, level: int, sometimes: bool
    ) -> tuple[Box | Group, list[End], str]:
        """A box or group, where its outputs come from, and the box that its inputs enter."""
        calls = [group[0] for group in groups if isinstance(group[0], Call)]
        if not calls or (calls[0].node.kind == "op" and not self.expanded):
            box = self._box(self._op_box(groups, place, sometimes))
            return box, _ends(place, _output_names(groups[-1])), place
        head = self._box(_block_box(calls, place, sometimes))
        if self._closed(calls, level):
            return head, _ends(place, _output_names(groups[-1])), place
        if self.expanded and calls[-1].indexed:
            group, ends = self._chain(calls[-1], head._replace(role="head"), level)
        else:
            copies = [copy for call in calls for copy in call.copies]
            group, ends = self.open(copies, head._replace(role="head"), level)
        return group, _named(ends, calls[-1]), place

    def _closed(self, calls: Sequence[Call], level: int) -> bool:
        blocks = {copy.block for call in calls for copy in call.copies}
        too_deep = self.depth is not None and level >= self.depth
        if too_deep or not blocks or (self.once and blocks <= self.opened):
            return True
        self.opened |= blocks
        return False

    def open(self, copies: Sequence[Scope], head: Box, level: int) -> tuple[Group, list[End]]:
        """One group for all the copies."""
        names = copies[0].block.inputs
        entries = _ends(head.id, names)
        members, ends = self._inside(copies, head.id, entries, level + 1)
        return Group(head.id, (head, *members)), ends

    def _chain(self, call: Call, head: Box, level: int) -> tuple[Group, list[End]]:
        """Every copy as a group of its own, inside one for the whole call."""
        groups: list[Box | Group] = []
        names = call.copies[0].block.inputs if call.node.kind == "block" else ("",) * len(call.feeds)
        entries = _ends(head.id, names)
        ends: list[End] = []
        for number, copy in enumerate(call.copies):
            if call.node.kind == "op":
                fed = [ends[0] if number and port == call.carry else entry for port, entry in enumerate(entries)]
                members, ends = self._inside([copy], f"{head.id}/{number}", fed, level + 1)
                groups += members
                continue
            own = self._box(Box(f"{head.id}/{number}", "head", f"{call.node.id}/{number}"))
            for port, tensor in enumerate(copy.inputs):
                carried = ends[0] if number and port == call.carry else entries[port]
                self._arrow(carried, own.id, [tensor], sometimes=False)
            group, ends = self.open([copy], own, level)
            groups.append(group)
        return Group(head.id, (head, *groups)), ends

    def _op_box(self, groups: Sequence[list[Item]], place: str, sometimes: bool) -> Box:
        last = groups[-1][-1]
        node = last.node
        if self.expanded and isinstance(last, Leaf):
            return _leaf_box(last, place)
        found = [_op_phrases(group) for group in groups]
        note = _repeat_note(last) if isinstance(last, Call) else ""
        phrases = [*words.spread(found), *_shared(last)]
        return Box(
            place, "node", node.id, node.target, REGISTRY[node.target].family, tuple(words.lines(phrases)),
            _footer([sum(item.parameters for item in group) for group in groups]), note, node.doc, sometimes,
        )  # fmt: skip


def _in_order(
    records: dict[str, dict[Scope, list[Item]]], scopes: Sequence[Scope], key: Any
) -> dict[str, dict[Scope, list[Item]]]:
    """The records of several copies in an order in which each follows what feeds it: that of the block."""
    order = {node: number for number, node in enumerate(scopes[0].block.nodes)}
    first = {name: next(iter(found.values()))[0].node.id for name, found in records.items()}
    return {name: records[name] for name in sorted(records, key=lambda name: order.get(first[name], len(order)))}


def _tensor(value: Value, scope: Scope) -> Tensor:
    return scope.inputs[value.port] if value.item == INPUT else scope.items[value.item].outputs[value.port]


def _ends(place: str, names: Sequence[str]) -> list[End]:
    return [End(place, name if len(names) > 1 else "") for name in names]


def _named(ends: Sequence[End], call: Call) -> list[End]:
    names = tuple(call.copies[-1].block.outputs) if call.node.kind == "block" else ("output",)
    return [End(end.box, name if len(names) > 1 else end.port) for end, name in zip(ends, names, strict=False)]


def _output_names(group: Sequence[Item]) -> Sequence[str]:
    for item in group:
        if isinstance(item, Call):
            return tuple(item.copies[-1].block.outputs) if item.copies and item.node.kind == "block" else ("output",)
        if len(item.outputs) > 1:
            return item.primitive.outputs()
    return ("output",)


def _leaf_box(leaf: Leaf, place: str) -> Box:
    """One primitive, on its own."""
    phrases = [*words.phrases(leaf.primitive, {}, _rank(leaf)), *_shared(leaf)]
    kind = type(leaf.primitive)
    title, lines = leaf.name or "/".join(place.split("/")[-2:]), tuple(words.lines(phrases))
    return Box(place, "node", title, kind.op, kind.family, lines, _footer([leaf.parameters]), doc=leaf.node.doc)


def _op_phrases(group: Sequence[Item]) -> list[str]:
    """What distinguishes a record: the parameters of the primitive it names, then its shorthands."""
    first = group[0]
    inside = first.copies[-1].items if isinstance(first, Call) and first.copies else group
    leaves = [item for item in inside if isinstance(item, Leaf)]
    node = first.node
    shorthands = {}
    if node.target not in ("activation", "prelu"):
        shorthands = {name: node.arguments[name] for name in ("norm", "activation") if name in node.arguments}
    core = next((leaf for leaf in leaves if leaf.primitive.op == node.target), None)
    primitive = node.primitive or (core and core.primitive)
    if primitive is None:
        return [words.phrase(name, value) for name, value in node.arguments.items()]
    if "use_bias" in primitive.fields() and "use_bias" not in node.arguments:
        shorthands = {"use_bias": None, **shorthands}  # set by analysis, not by the file
    return words.phrases(primitive, shorthands, _rank(core or leaves[0]) if leaves else 0)


def _rank(leaf: Leaf) -> int:
    first = next((one for one in leaf.inputs if one is not None), None)
    return 0 if first is None else len(first.shape) - 1


def _shared(item: Item) -> list[str]:
    return [f"weights of {item.owner.split('/')[0]}"] if item.owner else []


def _footer(parameters: Sequence[int]) -> str:
    return words.counts(parameters) if any(parameters) else ""


def _repeat_note(call: Call) -> str:
    if call.scan is not None:
        back = ", backwards" if call.scan.reverse else ""
        return f"{call.scan.steps} steps{back}"
    note = f"×{len(call.copies)}" if call.indexed else ""
    return f"{note}, shared weights" if note and call.share else note


def _block_box(calls: Sequence[Call], place: str, sometimes: bool) -> Box:
    """A block, closed, or the head of one that is drawn open."""
    call = calls[-1]
    node = call.node
    if not call.copies:
        return Box(place, "block", node.id, times="×0", doc=node.doc, sometimes=sometimes)
    block = call.copies[-1].block
    name, doc = (block.name, block.doc) if node.kind == "block" else (node.target, "")
    times = " to ".join(dict.fromkeys(_repeat_note(one) for one in calls))
    phrases = [words.argument(name, value) for name, value in node.arguments.items()]
    for part in ("first", "last"):
        overrides = [words.argument(name, value) for name, value in getattr(node, part).items()]
        phrases += [f"{part}: {', '.join(text for text in overrides if text)}"] if overrides else []
    lines = tuple(words.lines([*(text for text in phrases if text), *_shared(call)]))
    footer = _footer([one.parameters for one in calls])
    return Box(place, "block", node.id, name, None, lines, footer, times, node.doc or doc, sometimes)
