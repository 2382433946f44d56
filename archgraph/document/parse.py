"""Records -> nodes and blocks: every fault of form and reference, each once, with its place."""

from collections.abc import Iterable, Mapping
from typing import Any

from archgraph.diagnostics import Diagnostic, GraphError, Rejected, nearest
from archgraph.document import form
from archgraph.document.parameters import type_of
from archgraph.document.stepping import read_scan, read_states
from archgraph.document.wiring import wire
from archgraph.expression import compile_expression
from archgraph.graph import MISSING, Block, Feeds, Node, Parameter, Ref
from archgraph.kinds import FrozenMap, Kind, ListOf, is_formula, shown
from archgraph.record import Record
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Primitive
from archgraph.vocabulary.parameters import ACTIVATIONS

MAXIMUM_RECORDS = 20_000
"""Largest number of node records in one file; what they expand to is limited separately."""

MOST_FINDINGS = 1_000
"""Findings about one file after which the rest of it is not looked at."""

Scope = Mapping[str, Block]
NODE_KINDS = ("op", "block", "reuse")
_NOTHING: Mapping[str, Any] = {}
_SCALARS = frozenset({str, int, float, bool})
FORM_CODES = frozenset({"AG201", "AG202", "AG203", "AG204", "AG205", "AG206", "AG207", "AG210", "AG403", "AG406"})
"""Codes of faults that the JSON Schema reports too (when they come from this module)."""


class Parser:
    """Turns one file's value into blocks and a graph, collecting every finding."""

    def __init__(self, source: Any, scope: str) -> None:
        """`source` places diagnostics; `scope` is the key of the file's blocks in `Graph.scopes`."""
        self.source, self.scope = source, scope
        self.found: list[Diagnostic] = []
        self._read: dict[Any, Node] = {}
        self.comparisons = 0

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
        inputs = self._block_inputs(value, pointer)
        params = self.parameters(value.get("params", {}), f"{pointer}/params", inputs)
        carry = self._carry(value, inputs, pointer)
        outputs = self._block_outputs(value, pointer)
        states, after = read_states(self, value, inputs, outputs, params, pointer)
        doc = self.value(form.DOC, value.get("doc", ""), f"{pointer}/doc", default="")
        self.value(form.META, value.get("meta", {}), f"{pointer}/meta")
        if "nodes" not in value:
            self.report(Rejected("AG204", "needs 'nodes': the records of the block"), pointer)
        nodes = self.nodes(value.get("nodes", {}), f"{pointer}/nodes", params, inputs, f"block {name!r}")
        results = {**outputs, **after}
        ordered = wire(self, nodes, inputs, value.get("nodes"), results, pointer, states)
        if not inputs or not outputs:
            return None
        return Block(name, params, inputs, ordered, results, carry, states, doc, self.source, self.scope, pointer)

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

    def parameters(self, value: Any, pointer: str, ports: Iterable[str] = ()) -> dict[str, Parameter]:
        """The knobs of a file or block. A default may be an expression over those before it and sizes of `ports`."""
        params: dict[str, Parameter] = {}
        for name, item in self.mapping(value, pointer).items():
            place = f"{pointer}/{name}"
            parameter = self._parameter(item, place)
            if parameter is not None:
                if parameter.default is not MISSING:
                    self.formulas(parameter.default, place, params, ports, "what stands before it")
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
                self.report(Rejected("AG414", f"{name!r} is already the name of an input"), place)
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
        if node.scan is not None:
            for flag in ("reverse", "return_sequences"):
                self.formulas(getattr(node.scan, flag), f"{pointer}/scan/{flag}", params, inputs, where)
        if node.kind == "block":
            self.formulas(node.target, f"{pointer}/block", params, inputs, where)

    def _op(self, name: str, record: dict[str, Any], pointer: str) -> Node | None:
        op = record["op"]
        kind = REGISTRY.get(op) if isinstance(op, str) else None
        if kind is None:
            self.report(Rejected("AG406", f"unknown op {shown(op)}", hint=_op_hint(op)), f"{pointer}/op")
            return None
        control, arguments = _split(record)
        if "scan" in control:
            hint = "put the op into a block with states, and scan that; or use a recurrent op such as lstm"
            complaint = "'scan' applies a block step by step; an op cannot have it"
            self.report(Rejected("AG210", complaint, hint=hint), f"{pointer}/scan")
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
        return Node(name, "op", op, feeds, taken, when, repeat, first, last, share, None, doc, named, made)

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
        scan = read_scan(self, control, pointer)
        feeds = self._feeds(control, pointer, None)
        overrides = {part: self.mapping(control.get(part, {}), f"{pointer}/{part}") for part in ("first", "last")}
        if feeds is None:
            return None
        frozen = {key: frozen_value(value) for key, value in arguments.items()}
        first, last = ({key: frozen_value(v) for key, v in overrides[part].items()} for part in ("first", "last"))
        return Node(name, "block", target, feeds, frozen, when, repeat, first, last, share, scan, doc)

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
