"""Kinds and parameters -> plain data from which a form can be made, whatever draws the form."""

from collections.abc import Mapping
from typing import Any

from archgraph.document.parameters import type_hint
from archgraph.graph import MISSING, Parameter
from archgraph.kinds import (
    AnyOf,
    Anything,
    Choice,
    Constant,
    Flag,
    Integer,
    Kind,
    ListOf,
    MapOf,
    Number,
    Pattern,
    Shared,
    Text,
)
from archgraph.record import Field, Named, Record

DEEPEST = 4
"""Records inside records that are spelt out; deeper ones are edited as JSON."""


def record_fields(kind: type[Record], *, depth: int = 0) -> list[dict[str, Any]]:
    """The fields of a record, in the order of their declaration."""
    return [field_form(field, depth=depth) for field in kind.fields().values()]


def field_form(field: Field, *, depth: int = 0) -> dict[str, Any]:
    """One field: name, doc, unit, what it takes, and what it is when it is left out."""
    default = {} if field.required else {"default": plain(field.default)}
    return {
        "name": field.name, "doc": field.doc, "unit": field.unit, "required": field.required, **default,
        "literal": field.literal, "must_be": str(field.kind), "kind": kind_form(field.kind, depth=depth),
    }  # fmt: skip


def parameter_form(name: str, parameter: Parameter) -> dict[str, Any]:
    """A knob of a file or block, in the form of `field_form`."""
    required = parameter.default is MISSING
    default = {} if required else {"default": plain(parameter.default)}
    return {
        "name": name, "doc": parameter.doc, "unit": "", "required": required, **default, "literal": False,
        "must_be": type_hint(parameter), "kind": _parameter_kind(parameter),
    }  # fmt: skip


def kind_form(kind: Kind, *, depth: int = 0) -> dict[str, Any]:
    """What a value may be: ``type`` says which of the forms below it is."""
    if isinstance(kind, Shared):
        return kind_form(kind.kind, depth=depth)
    if isinstance(kind, Number):
        return _number(kind)
    if isinstance(kind, Flag):
        return {"type": "flag"}
    if isinstance(kind, Choice):
        nothing = {"nothing": True} if isinstance(kind, Constant) and None in kind.options else {}
        return {"type": "choice", "options": plain(kind.options), **nothing}
    if isinstance(kind, Pattern):
        return {"type": "text", "pattern": kind.pattern, "words": kind.words}
    if isinstance(kind, Text):
        return {"type": "text", "longest": kind.longest}
    if isinstance(kind, ListOf):
        inner = kind_form(kind.item, depth=depth + 1)
        return {"type": "list", "item": inner, "shortest": kind.shortest, "longest": kind.longest}
    if isinstance(kind, MapOf):
        return {"type": "map", "item": kind_form(kind.item, depth=depth + 1)}
    if isinstance(kind, AnyOf):
        return {"type": "one_of", "kinds": [kind_form(one, depth=depth) for one in kind.kinds]}
    if isinstance(kind, Named):
        return _named(kind, depth)
    return {"type": "any", "words": "" if isinstance(kind, Anything) else str(kind)}


def plain(value: Any) -> Any:
    """`value` as JSON has it: lists for tuples."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _number(kind: Number) -> dict[str, Any]:
    bounds = {"minimum": kind.minimum, "maximum": kind.maximum, "above": kind.above, "below": kind.below}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return {"type": "integer" if isinstance(kind, Integer) else "number", **given}


def _named(kind: Named, depth: int) -> dict[str, Any]:
    """A record chosen by name. ``short`` are the names that stand for a whole record."""
    short = kind.short if kind.short is not None else _without_required(kind)
    made = {"type": "named", "noun": kind.noun, "key": kind.key, "short": list(short)}
    if depth >= DEEPEST:
        return {**made, "records": {}}
    records = {name: {"doc": (one.__doc__ or "").strip().partition("\n")[0],
                      "fields": record_fields(one, depth=depth + 1)} for name, one in kind.table.items()}  # fmt: skip
    return {**made, "records": records}


def _without_required(kind: Named) -> list[str]:
    return [name for name, one in kind.table.items() if not one.required()]


def _parameter_kind(parameter: Parameter) -> dict[str, Any]:
    if parameter.choices:
        return {"type": "choice", "options": plain(parameter.choices)}
    if parameter.type in ("int", "number"):
        bounds = {"minimum": parameter.minimum, "maximum": parameter.maximum}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        return {"type": "integer" if parameter.type == "int" else "number", **given}
    forms = {"bool": {"type": "flag"}, "string": {"type": "text"}, "block": {"type": "block"}}
    return forms.get(parameter.type, {"type": "any", "words": "a list"})
