"""What a value in a file may be: each kind checks it in Python and prints the same rule as JSON Schema."""

import abc
import math
import re
from collections.abc import Mapping
from typing import Any

from archgraph.diagnostics import Rejected, nearest

FORMULA_SCHEMA = {"$ref": "#/$defs/expression"}
EXPRESSION_SCHEMA = {
    "type": "string",
    "description": 'An expression over the parameters, such as "=4*width" or "=dim(x, -1)//2".',
    "pattern": "^=([^=]|$)",
}
LARGEST = 2**53
"""Largest magnitude of a number in a file: beyond it JSON numbers lose precision in other tools."""


def is_formula(value: object) -> bool:
    """Whether `value` is written as an expression: a string that begins with one ``=``."""
    return isinstance(value, str) and value.startswith("=") and not value.startswith("==")


def shown(value: object, limit: int = 60) -> str:
    """`value` as JSON would write it, shortened, for a message."""
    names = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return names[value]
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, Mapping):
        text = "an object"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(shown(item, 20) for item in value[:8]) + (", …]" if len(value) > 8 else "]")
    else:
        text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


class Kind(abc.ABC):
    """A set of JSON values. `open` kinds of the same rule also take an expression wherever a value may stand."""

    def check(self, value: Any, *, open: bool = False) -> Any:
        """The value in the form Python code uses (lists become tuples), or `Rejected`.

        With ``open=True`` an expression is accepted unread, at every depth.
        """
        if open and is_formula(value):
            return value
        return self.parse(value, open)

    @abc.abstractmethod
    def parse(self, value: Any, open: bool) -> Any:
        """`check` for a value that is not itself an expression."""

    @abc.abstractmethod
    def rule(self, open: bool) -> dict[str, Any]:
        """JSON Schema of the values that `parse` accepts."""

    def schema(self, *, open: bool = False) -> dict[str, Any]:
        """JSON Schema of the values that `check` accepts."""
        rule = self.rule(open)
        return {"anyOf": [rule, FORMULA_SCHEMA]} if open else rule

    @abc.abstractmethod
    def __str__(self) -> str:
        """The rule in words that finish the sentence 'must be …'."""

    def wrong(self, value: object, code: str = "AG202") -> Rejected:
        """The complaint that `value` is none of this kind."""
        return Rejected(code, f"must be {self}, got {shown(value)}")


def _bounds(minimum: float | None, maximum: float | None, above: float | None, below: float | None) -> str:
    parts = [
        f"at least {minimum}" if minimum is not None else "",
        f"above {above}" if above is not None else "",
        f"at most {maximum}" if maximum is not None else "",
        f"below {below}" if below is not None else "",
    ]
    return " and ".join(part for part in parts if part)


class Number(Kind):
    """A finite number, within bounds if any are given."""

    noun, json_type = "a number", "number"

    def __init__(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        *,
        above: float | None = None,
        below: float | None = None,
    ) -> None:
        self.minimum, self.maximum, self.above, self.below = minimum, maximum, above, below
        self.low = -LARGEST if minimum is None else minimum
        self.high = LARGEST if maximum is None else maximum

    def parse(self, value: Any, open: bool) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Rejected("AG202", f"must be {self.noun}, got {shown(value)}")
        inside = self.low <= value <= self.high
        if self.above is not None:
            inside = inside and value > self.above
        if self.below is not None:
            inside = inside and value < self.below
        if not inside:
            bounds = _bounds(self.minimum, self.maximum, self.above, self.below)
            raise Rejected("AG201", f"must be {bounds or 'between -2**53 and 2**53'}, got {shown(value)}")
        return value

    def rule(self, open: bool) -> dict[str, Any]:
        rule: dict[str, Any] = {"type": self.json_type, "minimum": self.low, "maximum": self.high}
        if self.above is not None:
            rule["exclusiveMinimum"] = self.above
        if self.below is not None:
            rule["exclusiveMaximum"] = self.below
        return rule

    def __str__(self) -> str:
        bounds = _bounds(self.minimum, self.maximum, self.above, self.below)
        return f"{self.noun} {bounds}" if bounds else self.noun


class Integer(Number):
    """A whole number; ``3.0`` is one, as in JSON Schema."""

    noun, json_type = "an integer", "integer"

    def parse(self, value: Any, open: bool) -> Any:
        if isinstance(value, float):
            if not value.is_integer():
                raise Rejected("AG202", f"must be {self.noun}, got {shown(value)}", hint=self._rounding(value))
            value = int(value)
        return super().parse(value, open)

    def _rounding(self, value: float) -> str:
        return f"{math.floor(value)} and {math.ceil(value)} are the nearest" if math.isfinite(value) else ""


class Flag(Kind):
    """``true`` or ``false``."""

    def parse(self, value: Any, open: bool) -> Any:
        if not isinstance(value, bool):
            raise self.wrong(value)
        return value

    def rule(self, open: bool) -> dict[str, Any]:
        return {"type": "boolean"}

    def __str__(self) -> str:
        return "true or false"


class Text(Kind):
    """A string. ``==…`` stands for a literal ``=…`` where expressions are allowed."""

    def __init__(self, longest: int = 10_000) -> None:
        self.longest = longest

    def parse(self, value: Any, open: bool) -> Any:
        if not isinstance(value, str):
            raise self.wrong(value)
        if len(value) > self.longest:
            raise Rejected("AG201", f"must have at most {self.longest} characters, got {len(value)}")
        return value

    def rule(self, open: bool) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.longest}

    def __str__(self) -> str:
        return "a string"


class Choice(Kind):
    """One of a few literal values."""

    def __init__(self, *options: Any) -> None:
        self.options = options

    def parse(self, value: Any, open: bool) -> Any:
        for option in self.options:
            if value == option and isinstance(value, bool) == isinstance(option, bool):
                return option
        hint = nearest(value, [o for o in self.options if isinstance(o, str)]) if isinstance(value, str) else ""
        raise Rejected("AG205", f"must be {self}, got {shown(value)}", hint=hint)

    def rule(self, open: bool) -> dict[str, Any]:
        return {"enum": list(self.options)}

    def __str__(self) -> str:
        return "one of " + ", ".join(map(shown, self.options))


class Constant(Choice):
    """Exactly one value."""

    def __str__(self) -> str:
        return shown(self.options[0])


class Pattern(Kind):
    """A string of a given form."""

    def __init__(self, pattern: str, words: str, code: str = "AG202") -> None:
        """`pattern` is a regular expression that means the same to Python and to ECMA-262; it must match the whole."""
        self.pattern, self.words, self.code = pattern, words, code
        self._compiled = re.compile(pattern)

    def parse(self, value: Any, open: bool) -> Any:
        if not isinstance(value, str) or not self._compiled.fullmatch(value):
            raise self.wrong(value, self.code if isinstance(value, str) else "AG202")
        return value

    def rule(self, open: bool) -> dict[str, Any]:
        return {"type": "string", "pattern": whole(self.pattern)}

    def __str__(self) -> str:
        return self.words


def whole(pattern: str) -> str:
    """A regular expression, for a schema, that matches a whole string. Python's ``$`` would let a line end follow."""
    return f"^(?:{pattern})$(?!\\n)"


class ListOf(Kind):
    """A list whose items are all of one kind; Python sees a tuple."""

    def __init__(self, item: Kind, *, shortest: int = 0, longest: int = 10_000) -> None:
        self.item, self.shortest, self.longest = item, shortest, longest

    def parse(self, value: Any, open: bool) -> Any:
        if not isinstance(value, list | tuple):
            raise self.wrong(value)
        if not self.shortest <= len(value) <= self.longest:
            raise Rejected("AG201", f"must have {self._length()}, got {len(value)}")
        items = []
        for position, item in enumerate(value):
            try:
                items.append(self.item.check(item, open=open))
            except Rejected as rejected:
                raise rejected.under(position) from None
        return tuple(items)

    def rule(self, open: bool) -> dict[str, Any]:
        items = self.item.schema(open=open)
        return {"type": "array", "items": items, "minItems": self.shortest, "maxItems": self.longest}

    def _length(self) -> str:
        if self.shortest == self.longest:
            return f"{self.shortest} items"
        return f"{self.shortest} to {self.longest} items"

    def __str__(self) -> str:
        return f"a list of {self._length()}, each {self.item}"


class MapOf(Kind):
    """An object with free keys (identifiers) and values of one kind."""

    def __init__(self, item: Kind) -> None:
        self.item = item

    def parse(self, value: Any, open: bool) -> Any:
        if not isinstance(value, Mapping):
            raise self.wrong(value)
        items = {}
        for key, item in value.items():
            try:
                items[key] = self.item.check(item, open=open)
            except Rejected as rejected:
                raise rejected.under(key) from None
        return FrozenMap(items)

    def rule(self, open: bool) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.item.schema(open=open)}

    def __str__(self) -> str:
        return f"an object whose values are each {self.item}"


class AnyOf(Kind):
    """A value of any of several kinds; the first that takes it wins."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds

    def parse(self, value: Any, open: bool) -> Any:
        complaints = []
        for kind in self.kinds:
            try:
                return kind.check(value, open=open)
            except Rejected as rejected:
                if not isinstance(kind, Constant):  # "must be null" is no help to one who wrote something else
                    complaints.append(rejected)
        meant = [c for c in complaints if c.code != "AG202" or c.field]
        if len(meant) == 1:
            raise meant[0]
        raise Rejected("AG202", f"must be {self}, got {shown(value)}", hint=next((c.hint for c in meant if c.hint), ""))

    def rule(self, open: bool) -> dict[str, Any]:
        return {"anyOf": [kind.rule(open) for kind in self.kinds]}

    def __str__(self) -> str:
        return " or ".join(map(str, self.kinds))


class Anything(Kind):
    """Any JSON value at all."""

    def parse(self, value: Any, open: bool) -> Any:
        return value

    def rule(self, open: bool) -> dict[str, Any]:
        return {}

    def __str__(self) -> str:
        return "any JSON value"


NULL = Constant(None)


class Absent(Constant):
    """Nothing: null, or "none", which an expression can give."""

    def __init__(self) -> None:
        super().__init__(None, "none")

    def parse(self, value: Any, open: bool) -> None:
        super().parse(value, open)


ABSENT = Absent()


def optional(kind: Kind) -> Kind:
    """`kind`, or null."""
    return AnyOf(kind, NULL)


class FrozenMap(dict[str, Any]):
    """A mapping that can stand in a hashable record. Written once, by the parser."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted((key, repr(value)) for key, value in self.items())))


SHARED: dict[str, "Shared"] = {}
"""Kinds that a schema states once, under ``$defs``, and refers to by name."""


class Shared(Kind):
    """A kind with a name of its own in schemas."""

    def __init__(self, name: str, kind: Kind) -> None:
        self.name, self.kind = name, kind
        SHARED[name] = self

    def parse(self, value: Any, open: bool) -> Any:
        return self.kind.parse(value, open)

    def rule(self, open: bool) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.name}{'-open' if open else ''}"}

    def __str__(self) -> str:
        return str(self.kind)


def definitions() -> dict[str, Any]:
    """The ``$defs`` that schemas of records refer to."""
    shared = {
        f"{name}{'-open' if open else ''}": shared.kind.rule(open)
        for name, shared in SHARED.items()
        for open in (False, True)
    }
    return {"expression": EXPRESSION_SCHEMA, **shared}
