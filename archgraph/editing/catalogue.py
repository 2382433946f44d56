"""Everything that can be put into a graph, as plain data: palette, cards, forms and search are made from it."""

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.document import form
from archgraph.document.load import library
from archgraph.document.order import parameters
from archgraph.editing.fields import field_form, parameter_form, plain, record_fields
from archgraph.graph import MISSING, Block
from archgraph.vocabulary import REGISTRY, Family, Primitive

LARGE = 160
"""Characters from which a form is stated once and referred to."""
CONTROLS: Mapping[str, str] = {
    "repeat": "How many copies stand in a chain, each fed by the one before.",
    "share": "All copies use one set of weights.",
    "when": "Leave the node out: its input is handed on unchanged. False, or an expression that can be.",
    "first": "Parameters that are different in the first copy.",
    "last": "Parameters that are different in the last copy.",
    "scan": "Apply the block step by step along these inputs, which are sequences.",
    "doc": "A note for readers.",
}
"""Keys of a record that are not parameters of its op, in plain words."""
_SKIPPED = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "and",
        "or",
        "is",
        "are",
        "it",
        "its",
        "with",
        "by",
        "as",
        "that",
        "this",
        "each",
        "one",
        "which",
        "how",
    ]
)


@functools.cache
def catalogue() -> Mapping[str, Any]:
    """Ops, families, the library's blocks, and the forms of what else a file holds. Worked out once.

    Large forms that occur often stand once, under ``kinds``; ``{"type": "ref", "name": …}`` stands for one of them.
    """
    whole = {
        "families": [family.value for family in Family],
        "ops": {op: op_card(kind) for op, kind in sorted(REGISTRY.items())},
        "blocks": {name: block_card(block) for name, block in library().items()},
        "controls": dict(CONTROLS),
        "input": record_fields(form.InputForm),
        "parameter": record_fields(form.ParameterForm),
        "expect": record_fields(form.ExpectForm),
        "dimension": record_fields(form.DimensionForm),
        "state": record_fields(form.StateForm),
        "scan": record_fields(form.ScanForm),
    }
    kinds: dict[str, Any] = {}
    shared = _shared(whole, kinds)
    return {**shared, "kinds": {made["name"]: made["form"] for made in kinds.values()}}


@functools.cache
def fingerprint() -> str:
    """Tells one catalogue from another."""
    return hashlib.sha256(json.dumps(catalogue(), sort_keys=True).encode()).hexdigest()[:16]


def op_card(kind: type[Primitive]) -> dict[str, Any]:
    """One primitive."""
    doc = kind.doc()
    return {
        "op": kind.op, "title": title(kind.op), "family": kind.family.value, "icon": kind.icon,
        "summary": doc.partition("\n")[0], "doc": doc, "source": kind.source, "keywords": keywords(kind),
        "inputs": [port._asdict() for port in kind.inputs], "outputs": list(outputs(kind)),
        "fields": [field_form(kind.fields()[name]) for name in parameters({"op": kind.op})],
        "record": {"op": kind.op, **starting_parameters(kind)},
    }  # fmt: skip


def block_card(block: Block) -> dict[str, Any]:
    """One block."""
    return {
        "block": block.name, "title": title(block.name), "family": "block", "icon": "▣",
        "summary": block.doc.partition(". ")[0], "doc": block.doc, "source": "",
        "inputs": [port_card(name) for name in block.inputs],
        "outputs": [name for name in block.outputs if name not in block.states],
        "fields": [parameter_form(name, parameter) for name, parameter in block.params.items()],
        "record": {"block": block.name, **starting_arguments(block)},
        "states": list(block.states), "carry": block.carry,
    }  # fmt: skip


def port_card(name: str) -> dict[str, Any]:
    """A port of a block."""
    return {"name": name, "doc": f"input {name} of the block", "optional": False, "variadic": False}


def starting_parameters(kind: type[Primitive]) -> dict[str, Any]:
    """What must be given, as in the op's first example."""
    example = kind.examples[0].params if kind.examples else {}
    return {name: plain(example[name]) for name in kind.required() if name in example}


def starting_arguments(block: Block) -> dict[str, Any]:
    """A value for each parameter that a caller must give."""
    starts: Mapping[str, Any] = {"int": 16, "number": 1, "bool": False, "string": "", "list": [], "block": ""}
    found = {}
    for name, parameter in block.params.items():
        if parameter.default is not MISSING:
            continue
        start = parameter.choices[0] if parameter.choices else starts[parameter.type]
        below = isinstance(start, int) and parameter.minimum is not None and start < parameter.minimum
        found[name] = plain(parameter.minimum if below else start)
    return found


def outputs(kind: type[Primitive]) -> tuple[str, ...]:
    """Names of an op's outputs, as in its first example."""
    for example in kind.examples:
        try:
            return kind.make(example.params).outputs()
        except Rejected:
            continue
    return ("output",)


def title(name: str) -> str:
    """A name for people: ``Max pool``."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def keywords(kind: type[Primitive]) -> list[str]:
    """Words of its first sentence and of its Keras layers, for search."""
    words = re.findall(r"[A-Za-z][a-z0-9]+", kind.doc().partition("\n")[0].lower())
    layers = re.findall(r"[A-Z]\w+", kind.source.partition("keras")[2])
    return list(dict.fromkeys([*layers, *(word for word in words if word not in _SKIPPED)]))


def _shared(value: Any, kinds: dict[str, Any]) -> Any:
    """`value` with its large forms replaced by references into `kinds`, which is keyed by their text."""
    if isinstance(value, list):
        return [_shared(item, kinds) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _shared(item, kinds) for key, item in value.items()}
    if made.get("type") not in ("one_of", "named", "choice", "list", "map"):
        return made
    text = json.dumps(made)
    if len(text) < LARGE:
        return made
    known = kinds.setdefault(text, {"name": f"k{len(kinds)}", "form": made})
    return {"type": "ref", "name": known["name"]}
