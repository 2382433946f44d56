"""Kinds of values that only experiment files have."""

from collections.abc import Mapping
from typing import Any

from archgraph.diagnostics import Rejected, nearest
from archgraph.kinds import Anything, FrozenMap, Kind, MapOf, Pattern, shown
from archgraph.record import Named, Record, param, record
from archgraph.training.data import SOURCES

VERSION = 1


class Version(Kind):
    """The format version."""

    def parse(self, value: Any, open: bool) -> Any:
        """`value` if this release reads it."""
        if value != VERSION or isinstance(value, bool):
            raise Rejected("AG207", f"must be {VERSION}, got {shown(value)}")
        return VERSION

    def rule(self, open: bool) -> dict[str, Any]:
        """JSON Schema."""
        return {"const": VERSION}

    def __str__(self) -> str:
        return str(VERSION)


class DataSource(Kind):
    """A source of data by name; a name that is unknown is AG702 rather than a wrong choice."""

    def __init__(self) -> None:
        self.named = Named("a data set", SOURCES)

    def parse(self, value: Any, open: bool) -> Any:
        """`value`, checked."""
        name = value.get("name") if isinstance(value, Mapping) else value
        if isinstance(name, str) and name not in SOURCES:
            hint = nearest(name, SOURCES) or "known: " + ", ".join(SOURCES)
            field = "/name" if isinstance(value, Mapping) else ""
            raise Rejected("AG702", f"there is no data set {shown(name)}", hint=hint, field=field)
        return self.named.check(value, open=open)

    def rule(self, open: bool) -> dict[str, Any]:
        """JSON Schema."""
        return self.named.rule(open)

    def __str__(self) -> str:
        return str(self.named)


class PerOutput(Kind):
    """One value for the graph's outputs, or an object that gives each output, by name, its own.

    An object whose ``name`` is a string is one value.
    """

    def __init__(self, item: Kind) -> None:
        self.item, self.each = item, MapOf(item)

    def parse(self, value: Any, open: bool) -> Any:
        """`value`, checked."""
        return (self.each if is_per_output(value) else self.item).check(value, open=open)

    def rule(self, open: bool) -> dict[str, Any]:
        """JSON Schema."""
        named = {"properties": {"name": {"type": "string"}}, "required": ["name"]}
        return {
            "if": {"type": "object", "not": named},
            "then": self.each.rule(open),
            "else": self.item.rule(open),
        }

    def __str__(self) -> str:
        return f"{self.item}, or an object with one for each output"


def is_per_output(value: Any) -> bool:
    """Whether `value` of a `PerOutput` field gives each output its own."""
    return isinstance(value, Mapping) and not isinstance(value.get("name"), str)


RELATIVE = Pattern(
    r"(?![A-Za-z]:)[^/\\\u0000-\u001f][^\\\u0000-\u001f]{0,999}",
    "a path relative to this file, with forward slashes",
    "AG205",
)


@record
class GraphChoice(Record):
    """A graph with its parameters set."""

    file: str = param(RELATIVE, "The graph file, relative to this one; #VARIANT chooses a variant.")
    params: Any = param(MapOf(Anything()), "Values for the parameters of the graph file.", default=FrozenMap())


class GraphReference(Kind):
    """A path, or a `GraphChoice`."""

    def parse(self, value: Any, open: bool) -> Any:
        """`value`, checked."""
        if not isinstance(value, Mapping):
            return RELATIVE.check(value)
        taken, found = GraphChoice.check(value)
        if found:
            raise found[0]
        return FrozenMap(taken)

    def rule(self, open: bool) -> dict[str, Any]:
        """JSON Schema."""
        return {"if": {"type": "object"}, "then": GraphChoice.schema(), "else": RELATIVE.rule(open)}

    def __str__(self) -> str:
        return f'{RELATIVE}, or {{"file": …, "params": {{…}}}}'
