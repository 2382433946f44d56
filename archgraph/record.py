"""Records: classes whose documented, bounded fields are the one definition of a JSON object."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, Self, TypeVar, dataclass_transform

from archgraph.diagnostics import Rejected, nearest
from archgraph.kinds import FrozenMap, Kind, shown

R = TypeVar("R")

REQUIRED = dataclasses.MISSING
MOST_COMPLAINTS = 100
"""Complaints about one record after which the rest of it is not looked at."""


class Field(NamedTuple):
    """One field of a record: what it may hold, what it means, and what it is when the file leaves it out."""

    name: str
    kind: Kind
    doc: str
    default: Any
    unit: str
    literal: bool = False
    """Whether no expression may stand here, even where the rest of the record takes them."""

    @property
    def required(self) -> bool:
        """Whether the file must give a value."""
        return self.default is REQUIRED

    def schema(self, *, open: bool = False) -> dict[str, Any]:
        """JSON Schema of the value, with the text an editor shows on hover."""
        schema = {
            "description": self.doc + (f" Unit: {self.unit}." if self.unit else ""),
            **self.kind.schema(open=open and not self.literal),
        }
        if not self.required and self.default is not None:
            schema["default"] = list(self.default) if isinstance(self.default, tuple) else self.default
        return schema


def param(kind: Kind, doc: str, *, default: Any = REQUIRED, unit: str = "", literal: bool = False) -> Any:
    """Declare a field of a record. Without `default` the file must give it; `literal` admits no expression."""
    return dataclasses.field(default=default, metadata={"kind": kind, "doc": doc, "unit": unit, "literal": literal})


def _misspelt(name: str, fields: Mapping[str, Field]) -> str:
    close = get_close_matches(name, fields, n=1, cutoff=0.6)
    return close[0] if close else ""


class Record:
    """Base of all records. Subclasses are sealed with `@record` (or a decorator that applies it)."""

    @classmethod
    def fields(cls) -> Mapping[str, Field]:
        """The fields by name, in the order of their declaration."""
        found: Mapping[str, Field] | None = cls.__dict__.get("_fields")
        if found is None:
            declared = dataclasses.fields(cls)  # type: ignore[arg-type]
            found = {f.name: Field(f.name, default=f.default, **f.metadata) for f in declared if "kind" in f.metadata}
            cls._fields = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def check(cls, values: Mapping[str, Any], *, open: bool = False) -> tuple[dict[str, Any], list[Rejected]]:
        """Checked values, and every complaint, each addressed below the record (``/kernel_size/1``).

        With ``open=True`` expressions are accepted, unread, wherever a value may stand.
        """
        fields = cls.fields()
        taken: dict[str, Any] = {}
        found: list[Rejected] = []
        for name, value in values.items():
            if len(found) == MOST_COMPLAINTS:
                break
            field = fields.get(name)
            if field is None:
                hint = nearest(name, fields) or ("known: " + ", ".join(fields) if fields else "it takes no parameters")
                found.append(Rejected("AG203", f"unknown key {shown(name)}", hint=hint, field=f"/{name}"))
                continue
            try:
                taken[name] = field.kind.check(value, open=open and not field.literal)
            except Rejected as rejected:
                found.append(rejected.under(name))
        meant = {_misspelt(name, fields) for name in values if name not in fields} if found else frozenset()
        for name in cls.required():
            if name not in values and name not in meant:  # a misspelt name is one cause, told once
                found.append(Rejected("AG204", f"needs {name!r}: {fields[name].doc}"))
        return taken, found

    @classmethod
    def required(cls) -> tuple[str, ...]:
        """Names of the fields that a file must give."""
        found: tuple[str, ...] | None = cls.__dict__.get("_required")
        if found is None:
            found = tuple(name for name, field in cls.fields().items() if field.required)
            cls._required = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def schema(cls, *, open: bool = False) -> dict[str, Any]:
        """JSON Schema of the object that `check` accepts."""
        fields = cls.fields().values()
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {field.name: field.schema(open=open) for field in fields},
            "additionalProperties": False,
        }
        required = [field.name for field in fields if field.required]
        return {**schema, "required": required} if required else schema

    @classmethod
    def make(cls, values: Mapping[str, Any]) -> Self:
        """A record from JSON values, or the first complaint."""
        taken, found = cls.check(values)
        if found:
            raise found[0]
        return cls(**taken)

    def given(self) -> Iterator[tuple[str, Any]]:
        """The fields whose value differs from the default, in order."""
        for name, field in self.fields().items():
            value = getattr(self, name)
            if field.required or value != field.default:
                yield name, value


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(param,))
def record(cls: type[R]) -> type[R]:
    """Seal a subclass of `Record`: frozen, hashable, keyword arguments only."""
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


class Named(Kind):
    """A record chosen by name: ``"adam"`` for all its defaults, or ``{"name": "adam", "learning_rate": 0.01}``."""

    def __init__(
        self,
        noun: str,
        table: Mapping[str, type[Record]] | Callable[[], Mapping[str, type[Record]]],
        *,
        key: str = "name",
        short: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """`table` lists the records (a function, when it is complete only after import); `key` is the object's key that
        names one; `short` maps further short names to the objects they stand for (and then only those are strings).
        """
        self.noun, self.key, self.short = noun, key, short
        self._table = table

    @property
    def table(self) -> Mapping[str, type[Record]]:
        """The records by name."""
        return self._table() if callable(self._table) else self._table

    def _strings(self) -> list[str]:
        if self.short is not None:
            return list(self.short)
        return [
            name for name, kind in self.table.items() if not any(field.required for field in kind.fields().values())
        ]

    def parse(self, value: Any, open: bool) -> Any:
        if isinstance(value, str):
            if value not in self._strings():
                raise Rejected("AG205", f"must be {self}, got {shown(value)}", hint=nearest(value, self._strings()))
            return value
        if not isinstance(value, Mapping):
            raise self.wrong(value)
        name = value.get(self.key)
        if not isinstance(name, str) or name not in self.table:
            if self.key not in value:
                raise Rejected("AG204", f"needs {self.key!r}, one of {', '.join(self.table)}")
            hint = nearest(name, self.table) if isinstance(name, str) else ""
            complaint = f"must be one of {', '.join(self.table)}, got {shown(name)}"
            raise Rejected("AG205", complaint, hint=hint, field=f"/{self.key}")
        taken, found = self.table[name].check({k: v for k, v in value.items() if k != self.key}, open=open)
        if found:
            raise found[0]
        return FrozenMap({self.key: name, **taken})

    def make(self, value: Any) -> Record:
        """The record that a checked value without expressions stands for."""
        if isinstance(value, str):
            value = self.short[value] if self.short is not None else {self.key: value}
        return self.table[value[self.key]].make({k: v for k, v in value.items() if k != self.key})

    def rule(self, open: bool) -> dict[str, Any]:
        choices = [self._record_rule(name, kind, open) for name, kind in self.table.items()]
        known = {"properties": {self.key: {"enum": list(self.table)}}, "required": [self.key], "type": "object"}
        return {"anyOf": [{"enum": self._strings()}, {**known, "allOf": choices}]}

    def _record_rule(self, name: str, kind: type[Record], open: bool) -> dict[str, Any]:
        schema = kind.schema(open=open)
        schema["properties"] = {self.key: {"const": name}, **schema["properties"]}
        return {"if": {"properties": {self.key: {"const": name}}}, "then": schema}

    def __str__(self) -> str:
        return f"{self.noun} ({', '.join(self._strings())}) or a record with {self.key!r}"
