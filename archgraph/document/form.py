"""The form of a graph file: which keys stand where and what they hold, as kinds and records."""

import re
from collections.abc import Mapping
from typing import Any

from archgraph.diagnostics import Rejected, nearest
from archgraph.graph import Feeds, Ref
from archgraph.kinds import (
    NULL,
    AnyOf,
    Anything,
    Choice,
    Flag,
    FrozenMap,
    Integer,
    ListOf,
    MapOf,
    Number,
    Pattern,
    Text,
    shown,
)
from archgraph.record import Record, param, record
from archgraph.shapes import DTYPES
from archgraph.vocabulary.base import Port

VERSION = 1
"""The version of the format that this package writes. It freezes the defaults of every op."""

IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
BOUND = r"(<=|>=|==|<|>) *(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
_BOUND = re.compile(BOUND)
DOC = Text(10_000)
META = MapOf(Anything())


NAME = Pattern(r"[A-Za-z0-9_][A-Za-z0-9_ .+()-]{0,99}", "a name of letters, digits, spaces and _ . + ( ) -", "AG206")
ID = Pattern(IDENTIFIER, "an identifier (a letter or _, then letters, digits or _; 64 at most)", "AG206")
REF = Pattern(rf"{IDENTIFIER}(\.{IDENTIFIER})?", "the name of a node or input, or node.port", "AG206")
BOUND_KIND = AnyOf(Number(0), Pattern(BOUND, 'a bound such as "<= 5e6"'))


def is_identifier(text: str) -> bool:
    """Whether `text` matches `IDENTIFIER`; quicker than the expression."""
    return text.isidentifier() and text.isascii() and len(text) <= 64


def need_identifier(name: str) -> None:
    """Reject a key that is no identifier."""
    if not is_identifier(name):
        raise Rejected(
            "AG206", f"{shown(name)} is not an identifier: a letter or _, then letters, digits or _; 64 at most"
        )


def ref(text: str) -> Ref:
    """``node`` or ``node.port`` as a `Ref`."""
    if is_identifier(text):
        return Ref(text)
    node, dot, port = text.partition(".")
    if not dot or not is_identifier(node) or not is_identifier(port):
        raise Rejected("AG206", f"must be the name of a node or input, or node.port, got {shown(text)}")
    return Ref(node, port)


@record
class InputForm(Record):
    """One input of the network."""

    shape: Any = param(
        ListOf(AnyOf(Integer(1), ID), longest=8),
        "Sizes without the batch axis: integers, names of symbolic dimensions, or expressions. Channels come last.",
    )
    dtype: str = param(Choice(*DTYPES), "Type of the numbers.", default="float32", literal=True)
    kind: str = param(
        Choice("tensor", "vector_latent"),
        "tensor: data. vector_latent: random numbers that a generator starts from, drawn by the training objective.",
        default="tensor",
        literal=True,
    )
    distribution: str = param(
        Choice("normal", "uniform", "truncated_normal", "bernoulli", "categorical"),
        "How a vector_latent is drawn: standard normal, uniform on [-1, 1], truncated normal, 0/1, one-hot.",
        default="normal",
        literal=True,
    )
    doc: str = param(DOC, "What it is.", default="", literal=True)


@record
class DimensionForm(Record):
    """What is known of a symbolic dimension."""

    multiple_of: int = param(Integer(1, 1_000_000), "It is divisible by this.", default=1)
    minimum: int = param(Integer(1), "It is at least this.", default=1)
    maximum: Any = param(AnyOf(Integer(1), NULL), "It is at most this.", default=None)


@record
class StateForm(Record):
    """An input of a block that a scan carries from step to step."""

    next: str = param(REF, "What it is after a step: a node of the block, or node.port.", literal=True)
    shape: Any = param(
        AnyOf(ListOf(Integer(1), longest=8), NULL),
        "Sizes of the zeros that it starts with where nothing feeds it. Without them it must be fed.",
        default=None,
    )
    dtype: str = param(Choice(*DTYPES), "Type of those zeros.", default="float32", literal=True)


OVER = AnyOf(ID, ListOf(ID, shortest=1, longest=64))


@record
class ScanForm(Record):
    """How a block is applied step by step along sequences."""

    over: Any = param(OVER, "Inputs of the block that are cut along their first axis, a slice a step.", literal=True)
    reverse: bool = param(
        Flag(), "From the last step to the first; the outputs stand in the order of the inputs.", default=False
    )
    return_sequences: bool = param(
        Flag(), "Outputs of all steps, along a first axis; false: of the last step only.", default=True
    )


PARAMETER_TYPES = ("int", "number", "bool", "string", "list", "block")
LITERAL = AnyOf(Number(), Flag(), Text(1_000), ListOf(AnyOf(Number(), Flag(), Text(1_000)), longest=1_000))


@record
class ParameterForm(Record):
    """A knob with a type; without `default` the caller must give it."""

    type: str = param(Choice(*PARAMETER_TYPES), "What it holds.", literal=True)
    default: Any = param(AnyOf(LITERAL, NULL), "Its value when the caller gives none.", default=None)
    minimum: Any = param(AnyOf(Number(), NULL), "Smallest number allowed.", default=None, literal=True)
    maximum: Any = param(AnyOf(Number(), NULL), "Largest number allowed.", default=None, literal=True)
    choices: Any = param(ListOf(LITERAL, shortest=1, longest=100), "The only values allowed.", default=(), literal=True)
    doc: str = param(DOC, "What it does.", default="", literal=True)


@record
class ExpectForm(Record):
    """Contracts that `archgraph check` holds the graph to."""

    params: Any = param(BOUND_KIND, "Parameters in total, a number or a bound.", default=None)
    trainable: Any = param(BOUND_KIND, "Trainable parameters.", default=None)
    macs: Any = param(BOUND_KIND, "Multiply-adds for one sample.", default=None)
    flops: Any = param(BOUND_KIND, "Floating point operations for one sample: two for each multiply-add.", default=None)
    nodes: Any = param(BOUND_KIND, "Primitives after expansion.", default=None)
    receptive_field: Any = param(BOUND_KIND, "Smallest receptive field over outputs and spatial axes.", default=None)
    outputs: Any = param(
        MapOf(ListOf(AnyOf(Integer(1), ID, Text(256)), longest=8)), "Shape of each output named.", default=None
    )


def bound(value: Any) -> tuple[str, float]:
    """A checked bound as an operator and a number."""
    if isinstance(value, str):
        match = _BOUND.fullmatch(value)
        assert match is not None, "checked by BOUND_KIND"
        return match[1], float(match[2])
    return "==", value


REPEAT = Integer(0)
WHEN = Flag()
CONTROL_KEYS = ("op", "block", "reuse", "in", "when", "scan", "repeat", "share", "first", "last", "doc", "meta")
FILE_KEYS = (
    "$schema", "archgraph", "name", "doc", "imports", "params", "dims", "inputs", "variants", "blocks", "nodes",
    "outputs", "expect", "meta",
)  # fmt: skip
NETWORK_KEYS = ("inputs", "nodes", "outputs")
REQUIRED_BLOCK_FILE_KEYS = ("archgraph", "name")
REQUIRED_FILE_KEYS = ("archgraph", "name", "inputs", "nodes", "outputs")
BLOCK_KEYS = ("doc", "params", "inputs", "carry", "states", "nodes", "output", "outputs", "meta")
IMPORT = Pattern(r"[^\\:\x00-\x1f]{1,200}\.graph\.json", 'a relative path that ends in ".graph.json"')


def feeds(value: Any, ports: tuple[Port, ...]) -> Feeds:
    """The checked ``in`` of an op, in port order; None where an optional port is free."""
    if isinstance(value, str):
        if len(ports) == 1:
            return (ref(value),)
        if not _fits(1, ports):
            raise _wrong_count(1, ports)
        return _filled((ref(value),), ports)
    if isinstance(value, list | tuple):
        refs = tuple(_ref_at(item, position) for position, item in enumerate(value))
        if not _fits(len(refs), ports):
            raise _wrong_count(len(refs), ports)
        return _filled(refs, ports)
    if isinstance(value, Mapping):
        return _named(value, ports)
    raise Rejected("AG202", f"must be a name, a list of names or an object of names, got {shown(value)}")


def loose_feeds(value: Any) -> Feeds:
    """The checked ``in`` of a block or reuse, whose ports are known only later."""
    if isinstance(value, str):
        return (ref(value),)
    if isinstance(value, list | tuple):
        return tuple(_ref_at(item, position) for position, item in enumerate(value))
    if isinstance(value, Mapping):
        return FrozenMap({port: _ref_at(item, port) for port, item in value.items()})
    raise Rejected("AG202", f"must be a name, a list of names or an object of names, got {shown(value)}")


def feeds_rule(ports: tuple[Port, ...]) -> dict[str, Any]:
    """JSON Schema of what `feeds` accepts."""
    name = REF.rule(open=False)
    required, most = _range(ports)
    forms: list[dict[str, Any]] = [name] if _fits(1, ports) else []
    items: dict[str, Any] = {"type": "array", "items": name, "minItems": required}
    forms.append(items if most is None else {**items, "maxItems": most})
    if not ports[-1].variadic:
        forms.append(
            {
                "type": "object",
                "properties": {port.name: {"description": port.doc, **name} for port in ports},
                "required": [port.name for port in ports if not port.optional],
                "additionalProperties": False,
            }
        )
    words = "; ".join(f"{port.name}: {port.doc}" + (" (optional)" if port.optional else "") for port in ports)
    return {"description": f"What feeds the node. {words}.", "anyOf": forms}


def loose_feeds_rule() -> dict[str, Any]:
    """JSON Schema of what `loose_feeds` accepts."""
    name = REF.rule(open=False)
    forms = [name, {"type": "array", "items": name}, {"type": "object", "additionalProperties": name}]
    return {"description": "What feeds the block: a name, names in port order, or names by port.", "anyOf": forms}


def _ref_at(value: Any, place: int | str) -> Ref:
    if not isinstance(value, str):
        raise Rejected("AG202", f"must be the name of a node or input, got {shown(value)}", field=f"/{place}")
    try:
        return ref(value)
    except Rejected as rejected:
        raise rejected.under(place) from None


def _range(ports: tuple[Port, ...]) -> tuple[int, int | None]:
    required = sum(not port.optional for port in ports)
    return required, None if ports and ports[-1].variadic else len(ports)


def _fits(count: int, ports: tuple[Port, ...]) -> bool:
    required, most = _range(ports)
    return required <= count and (most is None or count <= most)


def _filled(refs: tuple[Ref, ...], ports: tuple[Port, ...]) -> Feeds:
    missing = len(ports) - len(refs)
    return (*refs, *(None,) * missing) if missing > 0 and not ports[-1].variadic else refs


def _wrong_count(count: int, ports: tuple[Port, ...]) -> Rejected:
    required, most = _range(ports)
    wanted = str(required) if most == required else f"{required} or more" if most is None else f"{required} to {most}"
    names = ", ".join(port.name + ("?" if port.optional else "…" if port.variadic else "") for port in ports)
    return Rejected("AG403", f"takes {wanted} inputs ({names}), got {count}", hint=_form_hint(ports))


def _form_hint(ports: tuple[Port, ...]) -> str:
    if ports[-1].variadic:
        return 'write "in": ["a", "b"]'
    if len(ports) == 1:
        return 'write "in": "a"'
    return 'write "in": {' + ", ".join(f'"{port.name}": "…"' for port in ports if not port.optional) + "}"


def _named(value: Mapping[str, Any], ports: tuple[Port, ...]) -> Feeds:
    names = [port.name for port in ports if not port.variadic]
    for key in value:
        if key not in names:
            hint = nearest(key, names) or _form_hint(ports)
            raise Rejected(
                "AG403",
                f"has no input {shown(key)}; its inputs are {', '.join(names) or 'a list'}",
                hint=hint,
                field="/" + key.replace("~", "~0").replace("/", "~1"),
            )
    for port in ports:
        if not port.optional and not port.variadic and port.name not in value:
            raise Rejected("AG403", f"needs the input {port.name!r}: {port.doc}", hint=_form_hint(ports))
    if ports[-1].variadic:
        raise _wrong_count(0, ports)
    return tuple(_ref_at(value[port.name], port.name) if port.name in value else None for port in ports)
