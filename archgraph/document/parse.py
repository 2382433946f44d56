"""Document -> Graph: every fault of form and reference, each once, with its place."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any

from archgraph.diagnostics import Diagnostic, GraphError, Rejected, nearest
from archgraph.document import form
from archgraph.expression import compile_expression
from archgraph.graph import MISSING, Block, Dimension, Feeds, Graph, Input, Node, Parameter, Ref
from archgraph.kinds import FrozenMap, Kind, ListOf, Text, is_formula, shown
from archgraph.record import Record
from archgraph.shapes import Size, symbol
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Primitive
from archgraph.vocabulary.parameters import ACTIVATIONS

MAXIMUM_RECORDS = 20_000
"""Largest number of node records in one file; what they expand to is limited separately."""

MOST_FINDINGS = 1_000
"""Findings about one file after which the rest of it is not looked at."""
MOST_CIRCLES = 10
"""Circles that are told apart in one block."""
MOST_COMPARISONS = 10_000
"""Names that misspelt ones are compared with, in one file; comparing is slow."""

Scope = Mapping[str, Block]
NODE_KINDS = ("op", "block", "reuse")
_NOTHING: Mapping[str, Any] = {}
_SCALARS = frozenset({str, int, float, bool})
FORM_CODES = frozenset({"AG201", "AG202", "AG203", "AG204", "AG205", "AG206", "AG207", "AG210", "AG403", "AG406"})
"""Codes of faults that the JSON Schema reports too (when they come from this module)."""


_IN_A_NODE = re.compile(r"(/blocks/[^/]+)?/(nodes/|outputs?(/|$))|/expect/|/(name|doc|meta)(/|$)")
"""Pointers of faults beside which the rest of the graph still means what it says."""


class Refused(GraphError):  # noqa: N818 - it says what happened to the file
    """The findings about a file, and its graph without the faulty records where the others can still be checked."""

    def __init__(self, diagnostics: Iterable[Diagnostic], graph: Graph | None) -> None:
        super().__init__(diagnostics)
        self.graph = graph


class Parser:
    """Turns one file's value into blocks and a graph, collecting every finding."""

    def __init__(self, source: Any, scope: str) -> None:
        """`source` places diagnostics; `scope` is the key of the file's blocks in `Graph.scopes`."""
        self.source, self.scope = source, scope
        self.found: list[Diagnostic] = []
        self._read: dict[Any, Node] = {}
        self._comparisons = 0

    # ---- reporting

    def report(self, rejected: Rejected, pointer: str) -> None:
        """Note a finding at `pointer`; raise `GraphError` when there are `MOST_FINDINGS`."""
        self.found.append(rejected.at(pointer))
        if len(self.found) >= MOST_FINDINGS:
            raise GraphError(self.source.place(self.found))

    def value(self, kind: Kind, value: Any, pointer: str, *, default: Any = None, open: bool = False) -> Any:
        """`value` checked, or `default` and a finding."""
        try:
            return kind.check(value, open=open)
        except Rejected as rejected:
            self.report(rejected, pointer)
            return default

    def mapping(self, value: Any, pointer: str) -> Mapping[str, Any]:
        """`value` if it is an object whose keys are identifiers; faulty members are reported and left out."""
        if not isinstance(value, Mapping):
            self.report(Rejected("AG202", f"must be an object, got {shown(value)}"), pointer)
            return _NOTHING
        good = {}
        for key, item in value.items():
            try:
                form.need_identifier(key)
                good[key] = item
            except Rejected as rejected:
                self.report(rejected, f"{pointer}/{escape(key)}")
        return good

    def record(self, kind: type[Record], value: Any, pointer: str, *, open: bool = False) -> Any:
        """A record made from `value`, or None and its findings."""
        if not isinstance(value, Mapping):
            self.report(Rejected("AG202", f"must be an object, got {shown(value)}"), pointer)
            return None
        taken, found = kind.check(value, open=open)
        for rejected in found:
            self.report(rejected, pointer)
        return None if found else kind(**taken)

    def keys(self, value: Mapping[str, Any], known: Iterable[str], pointer: str) -> None:
        """Report every key that is not known."""
        for key in value:
            if key not in known:
                hint = nearest(key, known) or "known: " + ", ".join(known)
                self.report(Rejected("AG203", f"unknown key {shown(key)}", hint=hint), f"{pointer}/{escape(key)}")

    def formulas(self, value: Any, pointer: str, names: Iterable[str], ports: Iterable[str], where: str) -> None:
        """Read every expression in `value`; names it uses must be parameters, and `dim` must name an input port."""
        if is_formula(value):
            try:
                expression = compile_expression(value)
            except Rejected as rejected:
                self.report(rejected, pointer)
                return
            for name in sorted(expression.names - set(names)):
                hint = nearest(name, names) or f"declare it under params of {where}"
                known = ", ".join(sorted(names)) or "none"
                complaint = f"{name!r} is not a parameter of {where}; known: {known}"
                self.report(Rejected("AG401", complaint, hint=hint), pointer)
            for name in sorted(expression.ports - set(ports)):
                complaint = (
                    f"dim({name}, …): {name!r} is not an input of {where}; its inputs: {', '.join(sorted(ports))}"
                )
                self.report(Rejected("AG401", complaint, hint=nearest(name, ports)), pointer)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                self.formulas(item, f"{pointer}/{escape(key)}", names, ports, where)
        elif isinstance(value, list | tuple):
            for position, item in enumerate(value):
                self.formulas(item, f"{pointer}/{position}", names, ports, where)

    # ---- blocks

    def blocks(self, value: Any) -> dict[str, Block]:
        """The ``blocks`` of the file."""
        blocks = {}
        for name, record in self.mapping(value, "/blocks").items():
            block = self.block(name, record, f"/blocks/{name}")
            if block is not None:
                blocks[name] = block
        return blocks

    def block(self, name: str, value: Any, pointer: str) -> Block | None:
        """One block, or None when its own form is faulty."""
        if not isinstance(value, Mapping):
            self.report(Rejected("AG202", f"must be an object, got {shown(value)}"), pointer)
            return None
        self.keys(value, form.BLOCK_KEYS, pointer)
        params = self.parameters(value.get("params", {}), f"{pointer}/params")
        inputs = self._block_inputs(value, pointer)
        carry = self._carry(value, inputs, pointer)
        outputs = self._block_outputs(value, pointer)
        doc = self.value(form.DOC, value.get("doc", ""), f"{pointer}/doc", default="")
        self.value(form.META, value.get("meta", {}), f"{pointer}/meta")
        if "nodes" not in value:
            self.report(Rejected("AG204", "needs 'nodes': the records of the block"), pointer)
        nodes = self.nodes(value.get("nodes", {}), f"{pointer}/nodes", params, inputs, f"block {name!r}")
        ordered = self.wire(nodes, inputs, value.get("nodes"), outputs, pointer)
        if not inputs or not outputs:
            return None
        return Block(name, params, inputs, ordered, outputs, carry, doc, self.source, self.scope, pointer)

    def _block_inputs(self, value: Mapping[str, Any], pointer: str) -> tuple[str, ...]:
        if "inputs" not in value:
            self.report(Rejected("AG204", "needs 'inputs': a list of names, such as [\"x\"]"), pointer)
            return ()
        names = self.value(ListOf(form.ID, shortest=1, longest=64), value["inputs"], f"{pointer}/inputs", default=())
        for position, name in enumerate(names):
            if name in names[:position]:
                self.report(Rejected("AG210", f"the input {name!r} is named twice"), f"{pointer}/inputs/{position}")
        return tuple(dict.fromkeys(names))

    def _carry(self, value: Mapping[str, Any], inputs: tuple[str, ...], pointer: str) -> str:
        first = inputs[0] if inputs else ""
        if "carry" not in value:
            return first
        carry = self.value(form.ID, value["carry"], f"{pointer}/carry", default=first)
        if carry not in inputs:
            complaint = f"{carry!r} is not an input of the block; its inputs: {', '.join(inputs)}"
            self.report(Rejected("AG401", complaint, hint=nearest(carry, inputs)), f"{pointer}/carry")
            return first
        return str(carry)

    def _block_outputs(self, value: Mapping[str, Any], pointer: str) -> dict[str, Ref]:
        if ("output" in value) == ("outputs" in value):
            code = "AG210" if "output" in value else "AG204"
            self.report(Rejected(code, "needs either 'output' (one name) or 'outputs' (an object of names)"), pointer)
            return {}
        if "output" in value:
            text = self.value(form.REF, value["output"], f"{pointer}/output")
            return {"output": form.ref(text)} if text else {}
        return self.outputs(value["outputs"], f"{pointer}/outputs")

    def outputs(self, value: Any, pointer: str) -> dict[str, Ref]:
        """A map from output names to what they read."""
        outputs = {}
        members = self.mapping(value, pointer)
        if isinstance(value, Mapping) and not value:
            self.report(Rejected("AG201", "must name at least one output"), pointer)
        for name, item in members.items():
            text = self.value(form.REF, item, f"{pointer}/{name}")
            if text:
                outputs[name] = form.ref(text)
        return outputs

    # ---- parameters

    def parameters(self, value: Any, pointer: str) -> dict[str, Parameter]:
        """The knobs of a file or block. A default may be an expression over the knobs before it."""
        params: dict[str, Parameter] = {}
        for name, item in self.mapping(value, pointer).items():
            place = f"{pointer}/{name}"
            parameter = self._parameter(item, place)
            if parameter is not None:
                if parameter.default is not MISSING:
                    self.formulas(parameter.default, place, params, (), "what stands before it")
                params[name] = parameter
        return params

    def _parameter(self, value: Any, pointer: str) -> Parameter | None:
        if isinstance(value, Mapping):
            made = self.record(form.ParameterForm, value, pointer, open=True)
            if made is None:
                return None
            default = MISSING if made.default is None else made.default
            return Parameter(made.type, default, made.minimum, made.maximum, made.choices, made.doc)
        literal = self.value(form.LITERAL, value, pointer, default=MISSING, open=True)
        return None if literal is MISSING else Parameter(type_of(literal), literal)

    # ---- nodes

    def nodes(
        self, value: Any, pointer: str, params: Mapping[str, Any], inputs: Iterable[str], where: str
    ) -> dict[str, Node]:
        """A map of node records, in the order of the file; faulty ones are reported and left out."""
        records = self.mapping(value, pointer)
        if len(records) > MAXIMUM_RECORDS:
            self.report(Rejected("AG501", f"has {len(records)} nodes, at most {MAXIMUM_RECORDS} are allowed"), pointer)
            return {}
        nodes = {}
        for name, record in records.items():
            place = f"{pointer}/{name}"
            taken = name in inputs
            if taken:
                self.report(Rejected("AG210", f"{name!r} is already the name of an input"), place)
            node = self.node(name, record, place, params, inputs, where)
            if node is not None and not taken:
                nodes[name] = node
        return nodes

    def node(
        self, name: str, record: Any, pointer: str, params: Mapping[str, Any], inputs: Iterable[str], where: str
    ) -> Node | None:
        """One node record, or None and its findings."""
        if type(record) is not dict:
            self.report(Rejected("AG202", f"must be an object, got {shown(record)}"), pointer)
            return None
        kinds = [key for key in NODE_KINDS if key in record]
        if len(kinds) != 1:
            code = "AG210" if kinds else "AG204"
            self.report(
                Rejected(code, "needs exactly one of 'op', 'block' and 'reuse'", hint=_kind_hint(record)), pointer
            )
            return None
        if kinds[0] == "op":
            key = _likeness(record)
            alike = self._read.get(key)
            if alike is not None:
                return self._again(alike, name, record, pointer)
        before = len(self.found)
        node = {"op": self._op, "block": self._block_call, "reuse": self._reuse}[kinds[0]](name, record, pointer)
        if node is None or len(self.found) > before:
            return None
        self._expressions(node, pointer, params, inputs, where)
        if len(self.found) > before:
            return None
        if node.primitive is not None and node.when is True:
            self._read[key] = node
        return node

    def _again(self, alike: Node, name: str, record: dict[str, Any], pointer: str) -> Node | None:
        """A node whose record says the same as one that was good, but for what feeds it."""
        feeds = self._feeds(record, pointer, alike.primitive)
        if feeds is None:
            return None
        named = type(record["in"]) is dict
        return Node(
            name, "op", alike.target, feeds, alike.arguments, doc=alike.doc, named=named, primitive=alike.primitive
        )

    def _expressions(
        self, node: Node, pointer: str, params: Mapping[str, Any], inputs: Iterable[str], where: str
    ) -> None:
        if node.primitive is not None and node.when is True:
            return
        names = params if node.repeat is None else {**params, "i": None}
        for key, value in node.arguments.items():
            self.formulas(value, f"{pointer}/{key}", names, inputs, where)
        for part in ("first", "last"):
            self.formulas(getattr(node, part), f"{pointer}/{part}", names, inputs, where)
        self.formulas(node.when, f"{pointer}/when", params, inputs, where)
        self.formulas(node.repeat, f"{pointer}/repeat", params, inputs, where)
        if node.kind == "block":
            self.formulas(node.target, f"{pointer}/block", params, inputs, where)

    def _op(self, name: str, record: dict[str, Any], pointer: str) -> Node | None:
        op = record["op"]
        kind = REGISTRY.get(op) if isinstance(op, str) else None
        if kind is None:
            self.report(Rejected("AG406", f"unknown op {shown(op)}", hint=_op_hint(op)), f"{pointer}/op")
            return None
        control, arguments = _split(record)
        feeds = self._feeds(control, pointer, kind)
        taken, found = kind.check(arguments, open=True)
        for rejected in found:
            self.report(_with_hint(rejected, kind), pointer)
        if len(control) == 2:  # op and in: the common case
            when, repeat, first, last, share, doc = True, None, _NOTHING, _NOTHING, False, ""
        else:
            when, repeat, share, doc = self._control(control, pointer)
            first, last = (self._overrides(control, part, pointer, kind) for part in ("first", "last"))
        if feeds is None or found:
            return None
        made = kind(**taken) if repeat is None and not has_formula(taken) else None
        named = type(record["in"]) is dict
        return Node(name, "op", op, feeds, taken, when, repeat, first, last, share, doc, named, made)

    def _overrides(
        self, control: Mapping[str, Any], part: str, pointer: str, kind: type[Primitive]
    ) -> Mapping[str, Any]:
        if part not in control:
            return _NOTHING
        value = control[part]
        if not isinstance(value, Mapping):
            self.report(Rejected("AG202", f"must be an object, got {shown(value)}"), f"{pointer}/{part}")
            return _NOTHING
        taken, found = kind.check(value, open=True)
        for rejected in found:
            if rejected.code != "AG204":
                self.report(rejected, f"{pointer}/{part}")
        return taken

    def _block_call(self, name: str, record: dict[str, Any], pointer: str) -> Node | None:
        target = record["block"]
        if not is_formula(target):
            self.value(form.ID, target, f"{pointer}/block")
        control = {key: value for key, value in record.items() if key in form.CONTROL_KEYS}
        arguments = self.mapping({key: value for key, value in record.items() if key not in control}, pointer)
        when, repeat, share, doc = self._control(control, pointer)
        feeds = self._feeds(control, pointer, None)
        overrides = {part: self.mapping(control.get(part, {}), f"{pointer}/{part}") for part in ("first", "last")}
        if feeds is None:
            return None
        frozen = {key: frozen_value(value) for key, value in arguments.items()}
        first, last = ({key: frozen_value(v) for key, v in overrides[part].items()} for part in ("first", "last"))
        return Node(name, "block", target, feeds, frozen, when, repeat, first, last, share, doc)

    def _reuse(self, name: str, record: dict[str, Any], pointer: str) -> Node | None:
        known = ("reuse", "in", "when", "doc", "meta")
        for key in record:
            if key not in known:
                complaint = f"a reuse takes the parameters of the node it applies again, got {shown(key)}"
                hint = f"known: {', '.join(known)}"
                self.report(Rejected("AG203", complaint, hint=hint), f"{pointer}/{escape(key)}")
        target = self.value(form.ID, record["reuse"], f"{pointer}/reuse", default="")
        when, _, _, doc = self._control(record, pointer)
        feeds = self._feeds(record, pointer, None)
        return None if feeds is None else Node(name, "reuse", target, feeds, when=when, doc=doc)

    def _feeds(self, record: Mapping[str, Any], pointer: str, kind: Primitive | type[Primitive] | None) -> Feeds | None:
        """The feeds of an op of that kind, or of a block or reuse, whose ports are known only later."""
        if "in" not in record:
            self.report(Rejected("AG204", "needs 'in': the names of what feeds it"), pointer)
            return None
        try:
            return form.loose_feeds(record["in"]) if kind is None else form.feeds(record["in"], kind.inputs)
        except Rejected as rejected:
            self.report(rejected, f"{pointer}/in")
            return None

    def _control(self, control: Mapping[str, Any], pointer: str) -> tuple[Any, Any, bool, str]:
        when = self.value(form.WHEN, control.get("when", True), f"{pointer}/when", default=True, open=True)
        repeat = None
        if "repeat" in control:
            repeat = self.value(form.REPEAT, control["repeat"], f"{pointer}/repeat", open=True)
        share = self.value(form.WHEN, control.get("share", False), f"{pointer}/share", default=False)
        doc = self.value(form.DOC, control.get("doc", ""), f"{pointer}/doc", default="")
        self.value(form.META, control.get("meta", {}), f"{pointer}/meta")
        for part in ("first", "last", "share"):
            if part in control and "repeat" not in control:
                complaint = f"{part!r} needs 'repeat' beside it"
                self.report(Rejected("AG210", complaint, hint=f'add "repeat" or remove {part!r}'), f"{pointer}/{part}")
        return when, repeat, share, doc

    # ---- wiring

    def wire(
        self, nodes: Mapping[str, Node], inputs: Collection[str], records: Any, outputs: Mapping[str, Ref], pointer: str
    ) -> dict[str, Node]:
        """The nodes in an order that respects their feeds; unknown names and circles are reported.

        `records` are the ``nodes`` as the file has them: a record that was refused is not unknown as well. Where inputs
        or
        records are missing altogether, nothing is unknown.
        """
        if inputs and isinstance(records, Mapping) and records:
            known = dict.fromkeys((*inputs, *records))
            self._need_known(nodes, known, records, pointer)
            self._need_known_outputs(outputs, known, pointer)
        return self._ordered(nodes, pointer)

    def _need_known(
        self, nodes: Mapping[str, Node], known: Collection[str], records: Mapping[str, Any], pointer: str
    ) -> None:
        for node in nodes.values():
            for ref in node.refs():
                if ref.node not in known:
                    self._unknown_feeds(node, known, f"{pointer}/nodes/{node.id}/in")
                    break
            if node.kind == "reuse" and node.target not in records:
                self._unknown(node.target, records, f"{pointer}/nodes/{node.id}/reuse", "a node")

    def _need_known_outputs(self, outputs: Mapping[str, Ref], known: Collection[str], pointer: str) -> None:
        for name, ref in outputs.items():
            if ref.node not in known:
                single = name == "output" and pointer
                self._unknown(ref.node, known, f"{pointer}/output" if single else f"{pointer}/outputs/{name}")

    def _unknown_feeds(self, node: Node, known: Collection[str], pointer: str) -> None:
        for place, ref in _places(node):
            if ref.node not in known:
                self._unknown(ref.node, known, f"{pointer}{place}")

    def _unknown(self, name: str, known: Collection[str], pointer: str, what: str = "a node or input") -> None:
        self._comparisons += len(known)
        hint = nearest(name, known) if self._comparisons <= MOST_COMPARISONS else ""
        if not hint:
            few = list(islice(known, 8))
            hint = f"known here: {', '.join(few)}{', …' if len(known) > len(few) else ''}"
        self.report(Rejected("AG401", f"{name!r} is not the name of {what} here", hint=hint), pointer)

    def _ordered(self, nodes: Mapping[str, Node], pointer: str) -> dict[str, Node]:
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
                self._circle(circle, pointer)
                gone = set(circle)
                before = {
                    name: [one for one in sources if one not in gone]
                    for name, sources in before.items()
                    if name not in gone
                }
        return {}

    def _circle(self, circle: list[str], pointer: str) -> None:
        path = " -> ".join(circle if len(circle) <= 12 else [*circle[:11], "…"])
        hint = "a network has no circles; use a recurrent op for recurrence"
        rejected = Rejected("AG402", f"nodes feed each other: {path}", hint=hint)
        self.report(rejected, f"{pointer}/nodes/{circle[0]}/in")


def type_of(literal: Any) -> str:
    """The parameter type that a literal default implies."""
    if isinstance(literal, bool):
        return "bool"
    if isinstance(literal, int):
        return "int"
    if isinstance(literal, float):
        return "number"
    if is_formula(literal):
        return "number"
    return "string" if isinstance(literal, str) else "list"


def typed(value: Any, parameter: Parameter) -> Any:
    """`value` as a parameter of any type but block takes it, or `Rejected` (AG412)."""
    if not _has_type(value, parameter.type):
        hint = 'declare it as {"type": "number", …}' if parameter.type == "int" and isinstance(value, float) else ""
        raise Rejected("AG412", f"must be {type_hint(parameter)}, got {_shown(value)}", hint=hint)
    if isinstance(value, float) and parameter.type == "int":
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if parameter.minimum is not None and value < parameter.minimum:
            raise Rejected("AG412", f"must be at least {parameter.minimum}, got {shown(value)}")
        if parameter.maximum is not None and value > parameter.maximum:
            raise Rejected("AG412", f"must be at most {parameter.maximum}, got {shown(value)}")
    if parameter.choices and value not in parameter.choices:
        choices = ", ".join(map(shown, parameter.choices))
        raise Rejected("AG412", f"must be one of {choices}, got {_shown(value)}")
    return value


def _has_type(value: Any, name: str) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "bool": (bool,), "string": (str,), "list": (tuple,), "int": (int, float, Size), "number": (int, float, Size),
    }  # fmt: skip
    if isinstance(value, bool) and name != "bool":
        return False
    return isinstance(value, kinds[name]) and not (name == "int" and isinstance(value, float) and value % 1)


def _shown(value: Any) -> str:
    return f"block {value.name!r}" if isinstance(value, Block) else shown(value)


def find_block(name: Any, blocks: Mapping[str, Block]) -> Block:
    """The block of that name, or `Rejected`."""
    if not isinstance(name, str):
        raise Rejected("AG202", f"must be the name of a block, got {_shown(name)}")
    if name not in blocks:
        known = ", ".join(list(blocks)[:12])
        raise Rejected("AG407", f"no block {shown(name)}", hint=nearest(name, blocks) or f"known: {known}")
    return blocks[name]


def escape(key: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def frozen_value(value: Any) -> Any:
    """A JSON value with lists as tuples and objects as `FrozenMap`, so that it can be hashed."""
    if isinstance(value, list):
        return tuple(map(frozen_value, value))
    if isinstance(value, dict):
        return FrozenMap({key: frozen_value(item) for key, item in value.items()})
    return value


def has_formula(value: Any) -> bool:
    """Whether an expression, or an escaped ``==``, stands anywhere in a checked value."""
    if isinstance(value, str):
        return value.startswith("=")
    if isinstance(value, tuple):
        return any(map(has_formula, value))
    if isinstance(value, dict):
        return any(map(has_formula, value.values()))
    return False


def _likeness(record: dict[str, Any]) -> Any:
    """A key that is equal for records that say the same, but for ``in``: 1, 1.0 and true are told apart."""
    return tuple(
        [
            (key, type(value), value if type(value) in _SCALARS else repr(value))
            for key, value in record.items()
            if key != "in"
        ]
    )


def _split(record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    control: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    for key, value in record.items():
        (control if key in form.CONTROL_KEYS else arguments)[key] = value
    return control, arguments


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


def place_of_feed(node: Node, position: int) -> str:
    """Where, below ``in``, the feed of an op at `position` stands: by port name, by number, or there itself."""
    if node.named:
        return f"/{REGISTRY[node.target].inputs[position].name}"
    return f"/{position}" if len(node.refs()) > 1 else ""


def _op_hint(op: Any) -> str:
    if not isinstance(op, str):
        return "run `archgraph ops` for the vocabulary"
    if op in ACTIVATIONS:
        return f'write {{"op": "activation", "activation": "{op}"}}'
    return nearest(op, REGISTRY) or "run `archgraph ops` for the vocabulary"


def _with_hint(rejected: Rejected, kind: type[Primitive]) -> Rejected:
    """An unknown key of a record may also be a misspelt ``repeat`` or ``when``, which no op declares."""
    if rejected.code != "AG203" or rejected.field.count("/") != 1:
        return rejected
    hint = nearest(rejected.field[1:], (*kind.fields(), *form.CONTROL_KEYS)) or rejected.hint
    return Rejected(rejected.code, rejected.message, hint=hint, field=rejected.field)


def _kind_hint(record: Mapping[str, Any]) -> str:
    for key in record:
        close = nearest(key, NODE_KINDS)
        if close and key not in NODE_KINDS:
            return f"{key!r}: {close}"
    return ""


def type_hint(parameter: Parameter) -> str:
    """What a parameter takes, in words."""
    return {
        "int": "an integer", "number": "a number", "bool": "true or false", "string": "a string", "list": "a list",
        "block": "the name of a block",
    }[parameter.type]  # fmt: skip


def is_block_file(value: Any) -> bool:
    """Whether a file holds blocks alone, to be imported, and no network."""
    return isinstance(value, Mapping) and "blocks" in value and not any(key in value for key in form.NETWORK_KEYS)


def block_file(
    parser: Parser, value: Mapping[str, Any], scopes: Callable[[dict[str, Block]], Mapping[str, Scope]]
) -> dict[str, Block]:
    """The blocks of a file that holds nothing else; raises `GraphError` with every finding."""
    _head(parser, value, form.REQUIRED_BLOCK_FILE_KEYS)
    parser.parameters(value.get("params", {}), "/params")
    blocks = parser.blocks(value["blocks"])
    scopes(blocks)
    if parser.found:
        raise GraphError(parser.source.place(parser.found))
    return blocks


def whole_graph(parser: Parser, value: Any, scopes: Callable[[dict[str, Block]], Mapping[str, Scope]]) -> Graph:
    """The graph of a file, or `GraphError` with every finding.

    `scopes` is given the file's own blocks and returns all blocks in reach, by scope.
    """
    if not isinstance(value, Mapping):
        parser.report(Rejected("AG202", f"a graph file holds one object, got {shown(value)}"), "")
        raise GraphError(parser.source.place(parser.found))
    _head(parser, value, form.REQUIRED_FILE_KEYS)
    params = parser.parameters(value.get("params", {}), "/params")
    inputs = _inputs(parser, value, params)
    dims = _dims(parser, value)
    blocks = parser.blocks(value.get("blocks", {}))
    outputs = parser.outputs(value["outputs"], "/outputs") if "outputs" in value else {}
    nodes = parser.nodes(value.get("nodes", {}), "/nodes", params, inputs, "the file")
    named = value.get("inputs")
    ordered = parser.wire(nodes, named if isinstance(named, Mapping) else (), value.get("nodes"), outputs, "")
    variants = _variants(parser, value, params)
    expect = parser.record(form.ExpectForm, value.get("expect", {}), "/expect", open=True)
    if expect is not None:
        parser.formulas(dict(expect.given()), "/expect", {**params, **_sizes(inputs)}, (), "the file")
    reach = scopes(blocks)
    _check_variants(parser, variants, params, reach[""])
    name = str(value.get("name", ""))
    body = Block(name, params, tuple(inputs), ordered, outputs, "", "", parser.source, parser.scope, "")
    contracts = {} if expect is None else dict(expect.given())
    graph = Graph(name, inputs, body, reach, dims, variants, contracts, _first(variants), doc=str(value.get("doc", "")))
    if not parser.found:
        return graph
    sound = all(_IN_A_NODE.match(one.pointer) for one in parser.found) and len(blocks) == len(value.get("blocks", ()))
    raise Refused(parser.source.place(parser.found), graph if sound else None)


def _first(variants: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return dict(next(iter(variants.values()), {}))


def _head(parser: Parser, value: Mapping[str, Any], required: Iterable[str]) -> None:
    parser.keys(value, form.FILE_KEYS, "")
    for key in required:
        if key not in value:
            hint = (
                "a file of blocks alone can be imported and checked, but is no network" if is_block_file(value) else ""
            )
            parser.report(Rejected("AG204", f"needs {key!r}", hint=hint), "")
    if "archgraph" in value and (value["archgraph"] != form.VERSION or isinstance(value["archgraph"], bool)):
        hint = "run `archgraph migrate`" if value["archgraph"] == 0 else "a newer archgraph may read it"
        complaint = f"the format version must be {form.VERSION}, got {shown(value['archgraph'])}"
        parser.report(Rejected("AG207", complaint, hint=hint), "/archgraph")
    for key, kind in (("name", form.NAME), ("doc", form.DOC), ("meta", form.META), ("$schema", Text(1_000))):
        if key in value:
            parser.value(kind, value[key], f"/{key}")
    for key in ("inputs", "nodes"):
        if isinstance(value.get(key), Mapping) and not value[key]:
            parser.report(Rejected("AG201", "must have at least one member"), f"/{key}")


def _inputs(parser: Parser, value: Mapping[str, Any], params: Mapping[str, Parameter]) -> dict[str, Input]:
    inputs = {}
    for name, item in parser.mapping(value.get("inputs", {}), "/inputs").items():
        made = parser.record(form.InputForm, item, f"/inputs/{name}", open=True)
        if made is not None:
            parser.formulas(made.shape, f"/inputs/{name}/shape", params, (), "the file")
            inputs[name] = Input(made.shape, made.dtype, made.kind, made.distribution, made.doc)
    return inputs


def _sizes(inputs: Mapping[str, Input]) -> dict[str, None]:
    """Names of the symbolic dimensions in the inputs."""
    return {size: None for one in inputs.values() for size in one.shape if isinstance(size, str) and size[0] != "="}


def _dims(parser: Parser, value: Mapping[str, Any]) -> dict[str, Dimension]:
    dims = {}
    for name, item in parser.mapping(value.get("dims", {}), "/dims").items():
        made = parser.record(form.DimensionForm, item, f"/dims/{name}")
        if made is None:
            continue
        try:
            symbol(name, multiple_of=made.multiple_of, minimum=made.minimum, maximum=made.maximum)
        except Rejected as rejected:
            parser.report(rejected, f"/dims/{name}")
        dims[name] = Dimension(made.multiple_of, made.minimum, made.maximum)
    return dims


def _variants(
    parser: Parser, value: Mapping[str, Any], params: Mapping[str, Parameter]
) -> dict[str, Mapping[str, Any]]:
    variants: dict[str, Mapping[str, Any]] = {}
    for name, item in parser.mapping(value.get("variants", {}), "/variants").items():
        values = parser.mapping(item, f"/variants/{name}")
        for key in values:
            if key not in params:
                hint = nearest(key, params) or f"known: {', '.join(params)}"
                parser.report(
                    Rejected("AG401", f"{key!r} is not a parameter of the file", hint=hint), f"/variants/{name}/{key}"
                )
        variants[name] = {key: frozen_value(item) for key, item in values.items()}
    return variants


def _check_variants(
    parser: Parser, variants: Mapping[str, Mapping[str, Any]], params: Mapping[str, Parameter], blocks: Scope
) -> None:
    for variant, values in variants.items():
        for name, value in values.items():
            parameter = params.get(name)
            try:
                if parameter is not None and parameter.type == "block":
                    find_block(value, blocks)
                elif parameter is not None:
                    typed(value, parameter)
            except Rejected as rejected:
                parser.report(rejected, f"/variants/{variant}/{name}")
