"""The inside of one block: its nodes are visited in order and become the items of a `Scope`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from archgraph.analysis.feeding import as_text, in_port_order
from archgraph.analysis.limits import TooLarge
from archgraph.analysis.resolve import ReadDim, bind, dim_reader, mentions, resolved
from archgraph.analysis.scanning import carried, cut, stacked, starting
from archgraph.analysis.shaped import INPUT, Call, Item, Leaf, Scanned, Scope, Value
from archgraph.analysis.sharing import need_equal_copies, need_equal_uses
from archgraph.diagnostics import Rejected, nearest
from archgraph.document.form import feeds as op_feeds
from archgraph.document.parameters import find_block
from archgraph.document.wiring import place_of_feed, place_of_output
from archgraph.graph import Block, Feeds, Node, Ref, Scan
from archgraph.shapes import Tensor
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Primitive

if TYPE_CHECKING:
    from archgraph.analysis.infer import Inference

Produced = tuple[tuple[Value, Tensor], ...]
"""What a node hands on: one value and its tensor for each output."""


class Entry(NamedTuple):
    """What is known of a node, once it has been visited."""

    produced: Produced
    names: tuple[str, ...]
    """Names of its outputs."""
    items: Sequence[int] = ()
    """The items of the scope it became."""


class ScopeBuilder:
    """Visits the nodes of one block, in order, and collects its items."""

    def __init__(
        self, inference: "Inference", block: Block, values: Mapping[str, Any], tensors: tuple[Tensor, ...]
    ) -> None:
        self.inference, self.block, self.values, self.tensors = inference, block, values, tensors
        self.limits = inference.limits
        self.blocks = inference.graph.scopes[block.scope]
        self.dim = dim_reader(block.inputs, tensors)
        self.items: list[Item] = []
        self.count = 0
        self.entries: dict[str, Entry | None] = {
            name: Entry(((Value(INPUT, port), tensor),), ("output",))
            for port, (name, tensor) in enumerate(zip(block.inputs, tensors, strict=True))
        }
        self.complete = True

    def build(self) -> Scope | None:
        """The scope, or None after reporting what is wrong."""
        for node in self.block.nodes.values():
            self.inference.visit(len(node.feeds))
            try:
                entry = self.node(node)
            except Rejected as rejected:
                self.report(rejected, node)
                entry = None
            if entry is None:
                self.complete = False
            self.entries[node.id] = entry
        results = [self._result(name, ref) for name, ref in self.block.outputs.items()]
        found = [result for result in results if result is not None]
        if not self.complete or len(found) < len(results):
            return None
        values = tuple(value for value, _ in found)
        outputs = tuple(tensor for _, tensor in found)
        return Scope(self.block, self.tensors, tuple(self.items), values, outputs)

    def report(self, rejected: Rejected, node: Node) -> None:
        """Note a finding about a node."""
        self.inference.report(rejected, self.block, f"{self.block.pointer}/nodes/{node.id}")

    def _result(self, name: str, ref: Ref) -> tuple[Value, Tensor] | None:
        try:
            return self.read(ref)
        except Rejected as rejected:
            place = place_of_output(name, self.block.pointer, self.block.states)
            self.inference.report(rejected, self.block, self.block.pointer + place)
            return None

    def read(self, ref: Ref) -> tuple[Value, Tensor] | None:
        """What a reference stands for; None when its node is faulty."""
        entry = self.entries.get(ref.node)
        if entry is None:
            return None
        if not ref.port:
            return entry.produced[0]
        if ref.port not in entry.names:
            known = ", ".join(f"{ref.node}.{name}" for name in entry.names)
            complaint = f"{ref.node!r} has no output {ref.port!r}; it has {known}"
            raise Rejected("AG401", complaint, hint=nearest(ref.port, entry.names))
        return entry.produced[entry.names.index(ref.port)]

    # ---- nodes

    def node(self, node: Node) -> Entry | None:
        """What a node becomes; None when something that feeds it is faulty."""
        if node.when is not True and not self._flag("when", node.when):
            return self._forward(node)
        if node.primitive is not None:
            fed = self.fed(node)
            return None if fed is None else self.leaf(node, node.primitive, fed)
        if node.kind == "reuse":
            return self._reuse(node)
        if node.kind == "block":
            return self._block(node)
        return self._op(node)

    def fed(self, node: Node) -> list[tuple[Value, Tensor] | None] | None:
        """The values at a node's ports, in order; None when one of them is faulty."""
        fed: list[tuple[Value, Tensor] | None] = []
        assert isinstance(node.feeds, tuple)
        for position, ref in enumerate(node.feeds):
            if ref is None:
                fed.append(None)
                continue
            entry = self.entries.get(ref.node)
            if entry is None:
                return None
            fed.append(entry.produced[0] if not ref.port else self._port(ref, position, node))
        return fed

    def _port(self, ref: Ref, position: int, node: Node) -> tuple[Value, Tensor] | None:
        try:
            return self.read(ref)
        except Rejected as rejected:
            raise rejected.under(f"in{place_of_feed(node, position)}") from None

    def _flag(self, key: str, value: bool | str) -> bool:
        """A flag of a record, which may be an expression."""
        flag = self._evaluated(key, value, self.values)
        if not isinstance(flag, bool):
            hint = "compare it, as in =n > 0"
            raise Rejected("AG202", f"must be true or false, got {flag}", hint=hint, field=f"/{key}")
        return flag

    def _evaluated(self, key: str, value: Any, names: Mapping[str, Any]) -> Any:
        try:
            return resolved(value, names, self.dim)
        except Rejected as rejected:
            raise rejected.under(key) from None

    def _forward(self, node: Node) -> Entry | None:
        refs = list(node.refs())
        if len(refs) != 1:
            complaint = f"a node that `when` can switch off must have one input, to hand on; this one has {len(refs)}"
            raise Rejected("AG403", complaint, field="/when")
        entry = self.read(refs[0])
        return None if entry is None else Entry((entry,), ("output",))

    def _op(self, node: Node) -> Entry | None:
        fed = self.fed(node)
        if fed is None:
            return None
        if node.repeat is None:
            primitive = self._primitive(node, self.values, node.arguments)
            return None if primitive is None else self.leaf(node, primitive, fed)
        return self._repeated_op(node, fed)

    def _primitive(self, node: Node, names: Mapping[str, Any], arguments: Mapping[str, Any]) -> Primitive | None:
        values, found = {}, []
        for key, value in arguments.items():
            try:
                values[key] = self._evaluated(key, value, names)
            except Rejected as rejected:
                found.append(rejected)
        for complaint in found:
            self.report(complaint, node)
        return None if found else self._made(node, values, report=True)

    def _made(self, node: Node, values: dict[str, Any], *, report: bool = False) -> Primitive | None:
        """The primitive with these parameters, made once for equal ones.

        What is wrong with them is raised, or reported, all of it; then there is none.
        """
        try:
            return self.inference.made(node.target, values)
        except Rejected as rejected:
            if not report:
                raise
            for complaint in REGISTRY[node.target].check(values)[1] or [rejected]:
                self.report(complaint, node)
            return None

    # ---- leaves

    def leaf(self, node: Node, primitive: Primitive, fed: Sequence[tuple[Value, Tensor] | None]) -> Entry:
        """Add a primitive, its shorthands spelt out, as items of this scope."""
        first = len(self.items)
        parts = self.inference.undress(primitive)
        produced = self._emit(node, node.id, parts.core, fed)
        if not parts.plain:
            for suffix, part in (("norm", parts.norm), ("activation", parts.activation)):
                if part is not None:
                    produced = (self._dress(node, suffix, part, produced[0]), *produced[1:])
        return Entry(produced, parts.names, range(first, len(self.items)))

    def _dress(self, node: Node, suffix: str, part: Primitive, value: tuple[Value, Tensor]) -> tuple[Value, Tensor]:
        try:
            return self._emit(node, f"{node.id}/{suffix}", part, (value,))[0]
        except Rejected as rejected:
            raise rejected.under(suffix) from None

    def _emit(
        self, node: Node, name: str, primitive: Primitive, fed: Sequence[tuple[Value, Tensor] | None]
    ) -> Produced:
        tensors = tuple([None if feed is None else feed[1] for feed in fed])
        facts = self.inference.facts(primitive, tensors)
        if facts.composition is not None:
            return self._compose(node, name, facts.composition, fed)
        feeds = tuple([None if feed is None else feed[0] for feed in fed])
        _, outputs, _, weights, macs, parameters, trainable = facts
        return self._add(Leaf(name, primitive, feeds, tensors, outputs, weights, macs, parameters, trainable, node))

    def _compose(self, node: Node, name: str, composition: Any, fed: Sequence[tuple[Value, Tensor] | None]) -> Produced:
        made: dict[str, Produced] = {}

        def feed(of: int | str) -> tuple[Value, Tensor] | None:
            return fed[of] if isinstance(of, int) else made[of][0]

        for step in composition.steps:
            place = f"{name}/{step.name}" if step.name else name
            made[step.name] = self._emit_dressed(node, place, step.primitive, [feed(of) for of in step.feeds])
        produced: list[tuple[Value, Tensor]] = []
        for output in composition.outputs:
            value = feed(output)
            assert value is not None, "an output of a composition exists"
            produced.append(value)
        return tuple(produced)

    def _emit_dressed(
        self, node: Node, name: str, primitive: Primitive, fed: Sequence[tuple[Value, Tensor] | None]
    ) -> Produced:
        parts = self.inference.undress(primitive)
        produced = self._emit(node, name, parts.core, fed)
        for suffix, part in (("norm", parts.norm), ("activation", parts.activation)):
            if part is not None:
                produced = (self._emit(node, f"{name}/{suffix}", part, produced[:1])[0], *produced[1:])
        return produced

    def _add(self, item: Leaf | Call) -> Produced:
        self.count += item.count
        if self.count > self.limits.nodes:
            complaint = f"the graph expands to more than {self.limits.nodes} nodes ({item.name} alone to {item.count})"
            where = "/".join([*(name for name, _ in self.inference.active), item.name])
            raise TooLarge(Rejected("AG501", complaint, hint=f"lower the repeats around {where}, or raise --max-nodes"))
        index = len(self.items)
        self.items.append(item)
        if len(item.outputs) == 1:
            return ((Value(index, 0), item.outputs[0]),)
        return tuple((Value(index, port), tensor) for port, tensor in enumerate(item.outputs))

    # ---- calls

    def _block(self, node: Node) -> Entry | None:
        target = self._evaluated("block", node.target, self.values)
        try:
            block = target if isinstance(target, Block) else find_block(target, self.blocks)
        except Rejected as rejected:
            raise rejected.under("block") from None
        fed = self._matched(node, block)
        return None if fed is None else self._call(node, block, fed)

    def _matched(self, node: Node, block: Block) -> "list[tuple[Value, Tensor] | None] | None":
        """The values at the block's inputs, None where a state of a scan is free; or None when one is faulty."""
        free = () if node.scan is None else [name for name, state in block.states.items() if state.shape is not None]
        try:
            refs = in_port_order(node.feeds, block.inputs, f"block {block.name!r}", free)
        except Rejected as rejected:
            raise rejected.under("in") from None
        fed = [None if ref is None else self._feed(node, ref, port, block) for port, ref in enumerate(refs)]
        faulty = any(feed is None and ref is not None for feed, ref in zip(fed, refs, strict=True))
        return None if faulty else fed

    def _feed(self, node: Node, ref: Ref, port: int, block: Block) -> tuple[Value, Tensor] | None:
        try:
            return self.read(ref)
        except Rejected as rejected:
            place: str | int = block.inputs[port] if isinstance(node.feeds, Mapping) else port
            inside = rejected if len(node.feeds) == 1 and place == 0 else rejected.under(place)
            raise inside.under("in") from None

    def _call(self, node: Node, block: Block, fed: list[tuple[Value, Tensor] | None]) -> Entry | None:
        if node.scan is not None:
            return self._scanned(node, block, node.scan, fed)
        times = self._times(node)
        carry = block.inputs.index(block.carry)

        def copy(number: int, tensors: tuple[Tensor, ...]) -> Scope | None:
            return self._copy(node, block, number, times, tensors)

        return self._chain(node, copy, times, carry, [feed for feed in fed if feed], tuple(block.outputs))

    def _scanned(self, node: Node, block: Block, scan: Scan, fed: list[tuple[Value, Tensor] | None]) -> Entry | None:
        """A block applied step by step, as one call of a scope that is a step."""
        flags = {}
        for flag in ("reverse", "return_sequences"):
            flags[flag] = self._flag(f"scan/{flag}", getattr(scan, flag))
        sequences = cut(block, scan, [None if feed is None else feed[1] for feed in fed])
        dim = sequences.dim(block)
        values = self._bound(node, block, self._arguments(node, 0, 1), dim)
        if values is None:
            return None
        tensors = starting(block, sequences.tensors, values, dim)
        scope = self.entered(node, block, 0, lambda: self.inference.scope(block, values, tensors))
        if scope is None:
            return None
        scanned = Scanned(sequences.over, carried(block, scope), sequences.steps, **flags)
        feeds = tuple(None if feed is None else feed[0] for feed in fed)
        outputs = stacked(block, scope, scanned)
        call = Call(node.id, feeds, outputs, (scope,), 0, False, False, node, scan=scanned)
        return Entry(self._add(call), tuple(block.outputs), (len(self.items) - 1,))

    def _copy(self, node: Node, block: Block, number: int, times: int, tensors: tuple[Tensor, ...]) -> Scope | None:
        arguments = self._arguments(node, number, times)
        values = self._bound(node, block, arguments, dim_reader(block.inputs, tensors), number, times)
        if values is None:
            return None
        return self.entered(node, block, number, lambda: self.inference.scope(block, values, tensors))

    def _bound(
        self,
        node: Node,
        block: Block,
        arguments: Mapping[str, Any] | None,
        dim: ReadDim,
        number: int = 0,
        times: int = 1,
    ) -> dict[str, Any] | None:
        """The values of a block's parameters in one copy, or None after reporting what is wrong with them."""
        if arguments is None:
            return None
        known = self.inference.graph.scopes[block.scope]
        values, found = bind(block.params, arguments, f"block {block.name!r}", known, dim)
        for rejected in found:
            self._report_parameter(rejected, node, block, arguments, _part(node, rejected, number, times))
        return None if found else values

    def _report_parameter(
        self, rejected: Rejected, node: Node, block: Block, arguments: Mapping[str, Any], part: str
    ) -> None:
        """Note what is wrong with a parameter: at the call that gives it, or at the default in the block."""
        name = _name(rejected)
        if name and name not in arguments:
            self.inference.report(rejected, block, f"{block.pointer}/params")
        else:
            self.report(rejected.under(part) if part else rejected, node)

    def entered(self, node: Node, block: Block, number: int, walk: Any) -> Scope | None:
        """`walk()` with this call on the stack, refusing circles and towers of blocks."""
        active = self.inference.active
        if any(block is other for _, other in active):
            circle = " -> ".join([*(other.name for _, other in active), block.name])
            raise Rejected("AG408", f"blocks contain each other: {circle}", field="/block")
        if len(active) >= self.limits.depth:
            raise Rejected("AG501", f"blocks are nested more than {self.limits.depth} deep", field="/block")
        active.append((f"{node.id}/{number}" if node.repeat is not None else node.id, block))
        try:
            made: Scope | None = walk()
            return made
        finally:
            active.pop()

    def _repeated_op(self, node: Node, fed: list[tuple[Value, Tensor] | None]) -> Entry | None:
        times = self._times(node)
        present = [feed for feed in fed if feed is not None]

        def copy(number: int, tensors: tuple[Tensor, ...]) -> Scope | None:
            arguments = self._arguments(node, number, times)
            try:
                primitive = None if arguments is None else self._made(node, arguments)
                return None if primitive is None else self._single(node, primitive, fed, tensors)
            except Rejected as rejected:
                part = _part(node, rejected, number, times)
                raise (rejected.under(part) if part else rejected) from None

        return self._chain(node, copy, times, 0, present, ("output",))

    def _single(
        self, node: Node, primitive: Primitive, fed: list[tuple[Value, Tensor] | None], tensors: tuple[Tensor, ...]
    ) -> Scope | None:
        """A scope that holds one primitive, for an op with ``repeat``."""
        key = (node, primitive, tensors)
        if key not in self.inference.scopes:
            inner = ScopeBuilder(self.inference, _around(node, self.block, len(tensors)), self.values, tensors)
            ports = iter(inner.entries.values())
            again = [None if feed is None else next(ports).produced[0] for feed in fed]  # type: ignore[union-attr]
            nameless = Node("", "op", node.target, node.feeds, node.arguments)
            entry = inner.leaf(nameless, primitive, again)
            items = [item for item in inner.items if isinstance(item, Leaf)]
            leaves = tuple(leaf._replace(name=leaf.name.lstrip("/"), node=node) for leaf in items)
            results, outputs = zip(*entry.produced, strict=True)
            self.inference.scopes[key] = Scope(self.block, tensors, leaves, results, outputs)
        return self.inference.scopes[key]

    def _times(self, node: Node) -> int:
        if node.repeat is None:
            return 1
        times = self._evaluated("repeat", node.repeat, self.values)
        if isinstance(times, float) and times.is_integer():
            times = int(times)
        if isinstance(times, bool) or not isinstance(times, int) or times < 0:
            raise Rejected("AG201", f"must be a whole number of copies, got {times}", field="/repeat")
        if times > self.limits.nodes:
            complaint = f"repeats {times} times, but a graph may expand to {self.limits.nodes} nodes"
            raise Rejected("AG501", complaint, hint="lower it, or raise --max-nodes", field="/repeat")
        return times

    def _arguments(self, node: Node, number: int, times: int) -> dict[str, Any] | None:
        given = dict(node.arguments)
        if number == 0:
            given |= node.first
        if number == times - 1:
            given |= node.last
        names = self.values if node.repeat is None else {**self.values, "i": number}
        values, sound = {}, True
        for key, value in given.items():
            try:
                values[key] = self._evaluated(key, value, names)
            except Rejected as rejected:
                part = _part(node, rejected, number, times)
                self.report(rejected.under(part) if part else rejected, node)
                sound = False
        return values if sound else None

    def _chain(
        self, node: Node, copy: Any, times: int, carry: int, fed: list[tuple[Value, Tensor]], names: tuple[str, ...]
    ) -> Entry | None:
        tensors = [tensor for _, tensor in fed]
        copies: list[Scope] = []
        expanded = 0
        steady = not mentions(node.arguments, "i")
        before: tuple[Tensor, ...] = ()
        for number in range(times):
            self.inference.visit()
            fresh = not (
                steady and before == tuple(tensors) and _plain(node, number, times) and _plain(node, number - 1, times)
            )
            before = tuple(tensors)
            made = copy(number, before) if fresh else copies[-1]
            if made is None:
                return None
            copies.append(made)
            expanded += made.count
            if expanded + self.count > self.limits.nodes:
                self._too_many(node, times, made.count)
            tensors[carry] = made.outputs[0]
        outputs = copies[-1].outputs if copies else (tensors[carry],)
        if node.share:
            need_equal_copies(copies)
        feeds = tuple(value for value, _ in fed)
        call = Call(node.id, feeds, outputs, tuple(copies), carry, node.repeat is not None, node.share, node)
        return Entry(self._add(call), names if copies else names[:1], (len(self.items) - 1,))

    def _too_many(self, node: Node, times: int, each: int) -> None:
        where = "/".join([*(name for name, _ in self.inference.active), node.id])
        complaint = f"the graph expands to more than {self.limits.nodes} nodes ({where}: {times} times {each})"
        pointer = f"{self.block.pointer}/nodes/{node.id}"
        rejected = Rejected(
            "AG501", complaint, hint=f"lower the repeats around {where}, or raise --max-nodes", field=pointer
        )
        raise TooLarge(rejected)

    # ---- sharing

    def _reuse(self, node: Node) -> Entry | None:
        target = self.block.nodes.get(node.target)
        while target is not None and target.kind == "reuse":
            target = self.block.nodes.get(target.target)
        owner = None if target is None else self.entries.get(target.id)
        if target is None or owner is None:
            return None
        if not owner.items:
            raise Rejected("AG409", f"{target.id!r} is switched off or has nothing to share", field="/reuse")
        again = self._applied(node, target)
        if again is None:
            return None
        for mine, theirs in zip(again.items, owner.items, strict=True):
            self._own(mine, theirs)
        return again

    def _applied(self, node: Node, target: Node) -> Entry | None:
        """`target`'s record applied to `node`'s inputs, under `node`'s name."""
        feeds: Feeds = node.feeds
        if target.kind == "op":
            try:
                feeds = op_feeds(as_text(node.feeds), REGISTRY[target.target].inputs)
            except Rejected as rejected:
                raise rejected.under("in") from None
        again = target._replace(id=node.id, feeds=feeds, when=True, doc=node.doc)
        return self.node(again)

    def _own(self, mine: int, theirs: int) -> None:
        again, owner = self.items[mine], self.items[theirs]
        need_equal_uses(owner, again)
        name = owner.owner or owner.name
        if isinstance(again, Leaf):
            self.items[mine] = again._replace(owner=name, parameters=0, trainable=0)
        else:
            self.items[mine] = replace(again, owner=name)


def _name(rejected: Rejected) -> str:
    """The parameter that a complaint is about."""
    return rejected.field.partition("/")[2].partition("/")[0]


def _part(node: Node, rejected: Rejected, number: int, times: int) -> str:
    """Whether the parameter that a complaint is about comes from ``first`` or ``last``; else the empty text."""
    name = _name(rejected)
    if number == times - 1 and name in node.last:
        return "last"
    return "first" if number == 0 and name in node.first else ""


def _around(node: Node, block: Block, count: int) -> Block:
    names = tuple(f"x{number}" for number in range(count))
    return Block(block.name, {}, names, {}, {}, names[0], source=block.source, scope=block.scope, pointer=block.pointer)


def _plain(node: Node, number: int, times: int) -> bool:
    """Whether a copy is neither a changed first nor a changed last one."""
    return number >= 0 and not (number == 0 and node.first) and not (number == times - 1 and node.last)
