"""The vocabulary and the form of a file -> JSON Schema, for editors and for readers in other languages."""

from collections.abc import Mapping
from typing import Any

from archgraph.document import form
from archgraph.kinds import Kind, ListOf, Text, definitions, whole
from archgraph.record import Record
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Primitive

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_IDENTIFIER = {"pattern": whole(form.IDENTIFIER)}


def graph_schema() -> dict[str, Any]:
    """The schema of ``*.graph.json``. Ops are told apart by ``if``/``then``, so that an error names the faulty key."""
    return {
        "$schema": DIALECT,
        "title": "archgraph graph, format 1",
        "description": "One neural network as a graph of primitives. See docs/format.md.",
        "type": "object",
        "required": list(form.REQUIRED_BLOCK_FILE_KEYS),
        "if": {"anyOf": [{"required": [key]} for key in form.NETWORK_KEYS]},
        "then": {"required": list(form.REQUIRED_FILE_KEYS)},
        "else": {"required": ["blocks"]},
        "additionalProperties": False,
        "properties": {
            "$schema": {"description": "Where this schema lies, for editors.", **Text(1_000).rule(open=False)},
            "archgraph": {"description": "Version of the format.", "const": form.VERSION},
            "name": {"description": "Name of the network.", **form.NAME.rule(open=False)},
            "doc": _doc("What the network is and where it comes from."),
            "imports": {
                "description": "Files whose blocks may be used here, relative to this one.",
                "type": "array",
                "items": form.IMPORT.rule(open=False),
            },
            "params": _members("The knobs of the file, each a default value or a record with a type.", "parameter"),
            "dims": _map("What is known of symbolic dimensions.", form.DimensionForm),
            "inputs": {**_map("What the network reads.", form.InputForm, open=True), "minProperties": 1},
            "variants": {
                "description": "Named sets of parameter values; the first is the default.",
                "type": "object",
                "propertyNames": _IDENTIFIER,
                "additionalProperties": {"type": "object", "propertyNames": _IDENTIFIER},
            },
            "blocks": _members("Parametrised subgraphs.", "block"),
            "nodes": {**_members("The nodes, each naming what feeds it.", "node"), "minProperties": 1},
            "outputs": _outputs("What the network returns: names, each with the node it reads."),
            "expect": {
                "description": "Contracts that `archgraph check` verifies.",
                **form.ExpectForm.schema(open=True),
            },
            "meta": {"description": "Free data of other tools.", **form.META.rule(open=False)},
        },
        "$defs": {
            **definitions(),
            "when": {"description": "False: hand on the input unchanged.", **form.WHEN.schema(open=True)},
            "doc": _doc("A comment."),
            "meta": {"description": "Free data of other tools.", **form.META.rule(open=False)},
            "repeat": {"description": "Number of copies, chained.", **form.REPEAT.schema(open=True)},
            "share": {"description": "One set of weights for all copies.", **form.WHEN.rule(open=False)},
            "scan": _scan(),
            "parameter": _parameter(),
            "block": _block(),
            "node": _node(),
            **{f"parameters-{op}": _parameters(kind) for op, kind in sorted(REGISTRY.items())},
            **{f"op-{op}": _op(kind) for op, kind in sorted(REGISTRY.items())},
        },
    }


def _doc(text: str) -> dict[str, Any]:
    return {"description": text, **form.DOC.rule(open=False)}


def _members(text: str, definition: str) -> dict[str, Any]:
    members = {"$ref": f"#/$defs/{definition}"}
    return {"description": text, "type": "object", "propertyNames": _IDENTIFIER, "additionalProperties": members}


def _map(text: str, kind: type[Record], *, open: bool = False) -> dict[str, Any]:
    members = kind.schema(open=open)
    return {"description": text, "type": "object", "propertyNames": _IDENTIFIER, "additionalProperties": members}


def _outputs(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "type": "object",
        "propertyNames": _IDENTIFIER,
        "minProperties": 1,
        "additionalProperties": form.REF.rule(open=False),
    }


def _parameter() -> dict[str, Any]:
    typed = {"if": {"type": "object"}, "then": form.ParameterForm.schema(open=True)}
    return {**typed, "else": form.LITERAL.schema(open=True)}


def _block() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["inputs", "nodes"],
        "additionalProperties": False,
        "oneOf": [{"required": ["output"]}, {"required": ["outputs"]}],
        "properties": {
            "doc": _doc("What the block does."),
            "params": _members("The knobs of the block.", "parameter"),
            "inputs": {
                "description": "Names of the inputs.",
                **ListOf(form.ID, shortest=1, longest=64).rule(open=False),
                "uniqueItems": True,
            },
            "carry": {"description": "The input that `repeat` chains the output into.", **form.ID.rule(open=False)},
            "states": {
                "description": "Inputs that a scan carries from step to step: what each is after a step.",
                "type": "object",
                "propertyNames": _IDENTIFIER,
                "additionalProperties": _one_or(form.REF.rule(open=False), form.StateForm),
            },
            "nodes": _members("The nodes of the block.", "node"),
            "output": {"description": "The node whose output leaves the block.", **form.REF.rule(open=False)},
            "outputs": _outputs("Named outputs, read as node.name."),
            "meta": {"description": "Free data of other tools.", **form.META.rule(open=False)},
        },
    }


def _one_or(short: dict[str, Any], long: type[Record]) -> dict[str, Any]:
    """The rule of what may be written short, or as a record."""
    return {"if": {"type": "object"}, "then": long.schema(open=True), "else": short}


def _scan() -> dict[str, Any]:
    text = "Apply the block step by step along sequences, carrying its states."
    return {"description": text, **_one_or(form.OVER.rule(open=False), form.ScanForm)}


def _common() -> dict[str, Any]:
    return {
        "when": {"$ref": "#/$defs/when"},
        "doc": {"$ref": "#/$defs/doc"},
        "meta": {"$ref": "#/$defs/meta"},
    }


def _repeats(overrides: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "repeat": {"$ref": "#/$defs/repeat"},
        "share": {"$ref": "#/$defs/share"},
        "first": {"description": "Parameters of the first copy.", **overrides},
        "last": {"description": "Parameters of the last copy.", **overrides},
    }


_NEEDS_REPEAT = {"share": ["repeat"], "first": ["repeat"], "last": ["repeat"]}


def _parameters(kind: type[Primitive]) -> dict[str, Any]:
    own = kind.schema(open=True)
    return {"type": "object", "properties": own["properties"], "additionalProperties": False}


def _op(kind: type[Primitive]) -> dict[str, Any]:
    parameters = f"#/$defs/parameters-{kind.op}"
    return {
        "properties": {
            "op": {"const": kind.op, "description": f"{kind.doc()}\n\nSource: {kind.source}"},
            "in": form.feeds_rule(kind.inputs),
            **_common(),
            **_repeats({"$ref": parameters}),
            **{name: {"$ref": f"{parameters}/properties/{name}"} for name in kind.fields()},
        },
        "required": ["op", "in", *kind.required()],
        "additionalProperties": False,
        "dependentRequired": _NEEDS_REPEAT,
    }


def _node() -> dict[str, Any]:
    ops = sorted(REGISTRY)
    free = {"type": "object", "propertyNames": _IDENTIFIER}
    call = {
        "properties": {
            "block": {"description": "Name of the block, or an expression giving it.", **_either(form.ID)},
            "in": form.loose_feeds_rule(),
            **_common(),
            "scan": {"$ref": "#/$defs/scan"},
            **_repeats(free),
        },
        "propertyNames": _IDENTIFIER,
        "required": ["block", "in"],
        "not": {"required": ["scan", "repeat"]},
        "dependentRequired": _NEEDS_REPEAT,
    }
    reuse = {
        "properties": {
            "reuse": {"description": "The node whose weights are applied again.", **form.ID.rule(open=False)},
            "in": form.loose_feeds_rule(),
            **_common(),
        },
        "required": ["reuse", "in"],
        "additionalProperties": False,
    }
    named = [
        {"if": {"properties": {"op": {"const": op}}, "required": ["op"]}, "then": {"$ref": f"#/$defs/op-{op}"}}
        for op in ops
    ]
    return {
        "type": "object",
        "oneOf": [{"required": ["op"]}, {"required": ["block"]}, {"required": ["reuse"]}],
        "properties": {"op": {"description": "The primitive.", "enum": ops}},
        "allOf": [
            *named,
            {"if": {"required": ["block"]}, "then": call},
            {"if": {"required": ["reuse"]}, "then": reuse},
        ],
    }


def _either(kind: Kind) -> dict[str, Any]:
    return kind.schema(open=True)
