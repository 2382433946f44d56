"""The knobs of files and blocks: which values a parameter takes."""

from collections.abc import Mapping
from typing import Any

from archgraph.diagnostics import Rejected, nearest
from archgraph.graph import Block, Parameter
from archgraph.kinds import is_formula, shown
from archgraph.shapes import Size


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
        raise Rejected("AG407", f"must be the name of a block, got {_shown(name)}")
    if name not in blocks:
        known = ", ".join(list(blocks)[:12])
        raise Rejected("AG407", f"no block {shown(name)}", hint=nearest(name, blocks) or f"known: {known}")
    return blocks[name]


def type_hint(parameter: Parameter) -> str:
    """What a parameter takes, in words."""
    return {
        "int": "an integer", "number": "a number", "bool": "true or false", "string": "a string", "list": "a list",
        "block": "the name of a block",
    }[parameter.type]  # fmt: skip
