"""Expressions inside records: names in them replaced, wherever they stand."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.expression import LONGEST, compile_expression
from archgraph.kinds import is_formula

_PART = re.compile(
    r"""(?P<string>"[^"]*"|'[^']*')|(?P<dim>\bdim[ \t\r\n]*\([ \t\r\n]*(?P<port>[A-Za-z_]\w*))
                       |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE,
)
WORDS = frozenset({"if", "else", "and", "or", "not", "true", "false"})


def over_formulas(value: Any, change: Callable[[str], Any]) -> Any:
    """`value` with every expression in it, at any depth, replaced by what `change` makes of it."""
    if is_formula(value):
        return change(value)
    if isinstance(value, Mapping):
        return {key: over_formulas(item, change) for key, item in value.items()}
    return [over_formulas(item, change) for item in value] if isinstance(value, list) else value


def names_in(value: Any) -> tuple[set[str], set[str]]:
    """The parameters, and the inputs under ``dim``, that expressions in `value` read, as far as they are readable."""
    names: set[str] = set()
    ports: set[str] = set()

    def read(formula: str) -> str:
        try:
            found = compile_expression(formula)
        except Rejected:
            return formula
        names.update(found.names)
        ports.update(found.ports)
        return formula

    over_formulas(value, read)
    return names, ports


def replaced(formula: str, names: Mapping[str, str], ports: Mapping[str, str]) -> str:
    """`formula` with parameters and the inputs under ``dim`` replaced by other text. Raises `Rejected` if too long."""

    def one(match: re.Match[str]) -> str:
        if match["dim"]:
            port = match["port"]
            return match["dim"][: len(match["dim"]) - len(port)] + ports.get(port, port)
        name = match["name"]
        if not name or name in WORDS or _called(formula, match.end()):
            return match[0]
        return names.get(name, name)

    made = _PART.sub(one, formula)
    if len(made) > LONGEST:
        raise Rejected("AG208", f"the expression would have {len(made)} characters, at most {LONGEST} are allowed")
    return made


def renamed(value: Any, names: Mapping[str, str], ports: Mapping[str, str]) -> Any:
    """`value` with names in all its expressions changed."""
    return over_formulas(value, lambda formula: replaced(formula, names, ports))


def substituted(value: Any, arguments: Mapping[str, Any], ports: Mapping[str, str]) -> Any:
    """`value` with parameters replaced by literals or by expressions, and worked out where nothing is left unknown."""

    def one(formula: str) -> Any:
        bare = formula[1:].strip()
        if bare in arguments:
            return arguments[bare]
        names, _ = names_in(formula)
        texts = {name: _as_text(name, arguments[name]) for name in names if name in arguments}
        return worked_out(replaced(formula, texts, ports))

    return over_formulas(value, one)


def worked_out(formula: str) -> Any:
    """The value of an expression that reads nothing; else the expression."""
    try:
        expression = compile_expression(formula)
        if expression.names or expression.ports:
            return formula
        found = expression.evaluate({})
    except Rejected:
        return formula
    return found if isinstance(found, int | float | bool) else f"={found}" if str(found).startswith("=") else found


def _as_text(name: str, value: Any) -> str:
    if is_formula(value):
        return f"({value[1:].strip()})"
    if isinstance(value, bool | int | float):
        return f"({json.dumps(value)})" if isinstance(value, int | float) and value < 0 else json.dumps(value)
    if isinstance(value, str):
        text = value.removeprefix("=") if value.startswith("==") else value
        return f"'{text}'" if '"' in text else f'"{text}"'
    raise Rejected("AG209", f"{name!r} is a list, which cannot stand inside an expression")


def _called(formula: str, end: int) -> bool:
    return formula[end:].lstrip().startswith("(")
