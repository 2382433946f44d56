"""Value -> canonical text: documented key order, one node a line, short objects on one line."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import EllipsisType
from typing import Any, Final, NamedTuple

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.form import (
    BLOCK_KEYS,
    FILE_KEYS,
    DimensionForm,
    ExpectForm,
    InputForm,
    ParameterForm,
    StateForm,
)
from archgraph.document.reader import Document
from archgraph.document.scanner import DEEPEST, LONGEST_NUMBER, Spans, step, string_end
from archgraph.record import Record

WIDTH: Final = 120
"""Columns within which an object or list stays on one line."""
NODE_WIDTH: Final = 160
"""Columns within which the record of a node stays on one line."""

Keys = tuple[str | EllipsisType, ...]
Steps = tuple[str | int, ...]

NODE_KEYS: Final[Keys] = (
    "op", "block", "reuse", "in", "when", ..., "scan", "repeat", "share", "first", "last", "doc", "meta",
)  # fmt: skip
"""Keys of a node; the parameters stand at the dots."""


def _no_parameters(node: Mapping[str, Any]) -> Sequence[str]:
    return ()


def _nowhere() -> Mapping[str, Keys]:
    return {}


@dataclass(frozen=True)
class KeyOrder:
    """Which keys come first in which objects, and which objects are spread over lines.

    Objects are named by patterns such as ``/blocks/*/nodes/*``, in which ``*`` stands for any one step. `keys` gives
    the order of an object's keys; ``...`` in it is the place of all that are not named (the end, without it), which
    keep their own order. `spread` objects always have one member a line, `spaced` ones a blank line between members as
    well. `nodes` are the records of nodes: at their dots stand first the parameters that `parameters` names for the
    record (``order.parameters({"op": "conv", …})``), in its order.
    """

    keys: Mapping[str, Keys] = field(default_factory=_nowhere)
    spread: frozenset[str] = frozenset()
    spaced: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    parameters: Callable[[Mapping[str, Any]], Sequence[str]] = _no_parameters

    def below(self, pattern: str, key: str) -> str:
        """The pattern of the member `key` of an object at `pattern`."""
        if pattern not in self._parents:
            return f"{pattern}/*"
        exact = pattern + step(key)
        return exact if exact in self._known else f"{pattern}/*"

    def ranks(self, pattern: str, members: Mapping[str, Any]) -> dict[str, int]:
        """The places of the keys that the order knows in an object at `pattern`; ``...`` is that of all others."""
        ranks: dict[str, int] = {}
        for key in self._spelt_out(pattern, members):
            ranks.setdefault(key, len(ranks))
        return ranks

    def sorted(self, pattern: str, members: Mapping[str, Any]) -> list[str]:
        """The keys of the object `members` at `pattern`, in canonical order."""
        ranks = self.ranks(pattern, members)
        if not ranks:
            return list(members)
        rest = ranks.get("...", len(ranks))
        return sorted(members, key=lambda key: ranks.get(key, rest))

    @cached_property
    def _known(self) -> frozenset[str]:
        """Every pattern that is mentioned, and those of the objects around it."""
        mentioned = {*self.keys, *self.spread, *self.spaced, *self.nodes}
        parts = [pattern.split("/") for pattern in mentioned]
        return frozenset("/".join(part[: i + 1]) for part in parts for i in range(len(part)))

    @cached_property
    def _parents(self) -> frozenset[str]:
        """The patterns of objects with members that are mentioned by name."""
        return frozenset(known.rpartition("/")[0] for known in self._known if known and not known.endswith("/*"))

    def _spelt_out(self, pattern: str, members: Mapping[str, Any]) -> Iterator[str]:
        for key in self.keys.get(pattern, ()):
            if not isinstance(key, EllipsisType):
                yield key
                continue
            if pattern in self.nodes:
                yield from self.parameters(members)
            yield "..."


def _record_keys(kind: type[Record]) -> Keys:
    """The fields of a record in the order of declaration."""
    return tuple(kind.fields())


GRAPH_ORDER: Final = KeyOrder(
    keys={
        "": FILE_KEYS,
        "/inputs/*": _record_keys(InputForm),
        "/dims/*": _record_keys(DimensionForm),
        "/params/*": _record_keys(ParameterForm),
        "/blocks/*": BLOCK_KEYS,
        "/blocks/*/params/*": _record_keys(ParameterForm),
        "/blocks/*/states/*": _record_keys(StateForm),
        "/blocks/*/nodes/*": NODE_KEYS,
        "/nodes/*": NODE_KEYS,
        "/expect": _record_keys(ExpectForm),
    },
    spread=frozenset({"", "/blocks", "/blocks/*", "/blocks/*/nodes", "/nodes"}),
    spaced=frozenset({"/blocks/*/nodes", "/nodes"}),
    nodes=frozenset({"/blocks/*/nodes/*", "/nodes/*"}),
)
"""The order of graph files, but for the parameters of nodes: ``replace(GRAPH_ORDER, parameters=…)`` adds those."""

PLAIN_ORDER: Final = KeyOrder(spread=frozenset({""}))
"""The order of other files (experiments, layouts): keys as they stand, one a line at the top."""


class Piece(NamedTuple):
    """A value on its way to text: a scalar that is spelt already, or a container of pieces."""

    pattern: str
    text: str = ""
    brackets: str = ""
    members: tuple[tuple[str, Any], ...] = ()
    """The spelt key of each member (empty in a list), and the member."""


def canonical(value: Any, order: KeyOrder = GRAPH_ORDER) -> str:
    """The canonical text of a JSON value; reading it gives an equal value.

    Raises `GraphError` for what a file cannot hold: other types than JSON's, keys that are not strings, NaN and
    infinities, halves of surrogate pairs, numbers or nesting beyond the reader's limits.
    """
    return lay_out(Spelling(order).piece(value), order)


def format_document(document: Document, order: KeyOrder = GRAPH_ORDER) -> str:
    """The canonical text of a document. Numbers and strings keep the spelling they have in the document."""
    spans = document.spans
    return lay_out(Spelling(order, document.text, spans).piece(spans.value, "", (), Origin(0, spans.value)), order)


class Origin(NamedTuple):
    """The value that stood at the same pointer in the old text, and its number there."""

    number: int
    value: Any


@dataclass(frozen=True, slots=True)
class Spelling:
    """Turns values into pieces. What is equal in the old text, if there is one, is spelt as it is there."""

    order: KeyOrder
    text: str = ""
    spans: Spans | None = None

    def piece(self, value: Any, pattern: str = "", steps: Steps = (), origin: Origin | None = None) -> Piece:
        """The piece for `value`, which stands at `steps`."""
        if isinstance(value, Mapping | list | tuple) and len(steps) >= DEEPEST:
            raise _unwritable("AG107", steps, f"must nest at most {DEEPEST} objects and lists, got more")
        if isinstance(value, Mapping):
            return self._object(value, pattern, steps, origin)
        if isinstance(value, list | tuple):
            return self._list(value, pattern, steps, origin)
        if origin is not None and same_scalar(origin.value, value):
            return Piece(pattern, self._old(origin.number))
        return Piece(pattern, spelt(value, steps))

    def _object(self, value: Mapping[str, Any], pattern: str, steps: Steps, origin: Origin | None) -> Piece:
        old, numbers = self._members(origin)
        members = []
        for key in self.order.sorted(pattern, value):
            under = (*steps, key)
            if key in numbers:
                name = self._old_key(numbers[key])
                piece = self.piece(value[key], self.order.below(pattern, key), under, Origin(numbers[key], old[key]))
            else:
                name = spelt_key(key, under)
                piece = self.piece(value[key], self.order.below(pattern, key), under)
            members.append((name, piece))
        return Piece(pattern, brackets="{}", members=tuple(members))

    def _list(self, value: Sequence[Any], pattern: str, steps: Steps, origin: Origin | None) -> Piece:
        origins = self._items(origin)
        items = (
            self.piece(item, f"{pattern}/*", (*steps, i), origins[i] if i < len(origins) else None)
            for i, item in enumerate(value)
        )
        return Piece(pattern, brackets="[]", members=tuple(("", item) for item in items))

    def _members(self, origin: Origin | None) -> tuple[Mapping[str, Any], dict[str, int]]:
        if self.spans is None or origin is None or not isinstance(origin.value, dict):
            return {}, {}
        return origin.value, self.spans.members(origin.number, origin.value)

    def _items(self, origin: Origin | None) -> list[Origin]:
        if self.spans is None or origin is None or not isinstance(origin.value, list):
            return []
        numbers = self.spans.items(origin.number, origin.value)
        return [Origin(number, item) for number, item in zip(numbers, origin.value, strict=True)]

    def _old(self, number: int) -> str:
        assert self.spans is not None, "an origin comes from spans"
        return self.text[self.spans.start[number] : self.spans.end[number]]

    def _old_key(self, number: int) -> str:
        assert self.spans is not None, "an origin comes from spans"
        start = self.spans.key[number]
        return self.text[start : string_end(self.text, start)]


def lay_out(piece: Piece, order: KeyOrder) -> str:
    """The text of a whole file."""
    return laid_out(piece, order, "", 0) + "\n"


def laid_out(piece: Piece, order: KeyOrder, indent: str, used: int) -> str:
    """The text of a value in a line that is indented by `indent` and has `used` columns before the value."""
    flat = inline(piece)
    width = NODE_WIDTH if piece.pattern in order.nodes else WIDTH
    fits = used + len(flat) + len(",") <= width
    spread = piece.brackets == "{}" and piece.pattern in order.spread
    if not piece.members or (fits and not spread):
        return flat
    deeper = indent + "  "
    if piece.brackets == "[]" and not any(item.brackets for _, item in piece.members):
        return _enclosed(piece, "\n".join(_filled(piece, deeper)), indent)
    lines = (_member(name, item, order, deeper) for name, item in piece.members)
    return _enclosed(piece, (",\n\n" if piece.pattern in order.spaced else ",\n").join(lines), indent)


def inline(piece: Piece) -> str:
    """The text of a value on one line."""
    if not piece.brackets:
        return piece.text
    members = (f"{name}: {inline(item)}" if name else inline(item) for name, item in piece.members)
    return piece.brackets[0] + ", ".join(members) + piece.brackets[1]


def _member(name: str, item: Piece, order: KeyOrder, indent: str) -> str:
    begin = f"{indent}{name}: " if name else indent
    return begin + laid_out(item, order, indent, len(begin))


def _filled(piece: Piece, indent: str) -> Iterator[str]:
    """Lines that hold as many scalars as fit."""
    line = ""
    for _, item in piece.members:
        if line and len(f"{line} {item.text},") > WIDTH:
            yield line
            line = ""
        line = f"{line} {item.text}," if line else f"{indent}{item.text},"
    yield line.removesuffix(",")


def _enclosed(piece: Piece, body: str, indent: str) -> str:
    return f"{piece.brackets[0]}\n{body}\n{indent}{piece.brackets[1]}"


def same_scalar(old: Any, new: Any) -> bool:
    """Whether two JSON scalars are the same value of the same type: ``1``, ``1.0`` and ``true`` are three values."""
    if isinstance(old, bool) or isinstance(new, bool) or old is None or new is None:
        return old is new
    if isinstance(old, float) and isinstance(new, float):
        return old == new and math.copysign(1, old) == math.copysign(1, new)
    return any(isinstance(old, kind) and isinstance(new, kind) for kind in (str, int)) and bool(old == new)


_CONSTANTS = {None: "null", True: "true", False: "false"}
_EXPONENT = re.compile(r"e([+-]?)0*([0-9]+)$")


def spelt(value: Any, steps: Steps = ()) -> str:
    """The canonical spelling of a scalar; `steps` say where it stands, for the complaint about what is none."""
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if isinstance(value, str):
        return _spelt_string(value, steps)
    if isinstance(value, int):
        lexeme = _digits(value)
        if lexeme is None or len(lexeme) > LONGEST_NUMBER:
            raise _unwritable("AG106", steps, f"a number may have at most {LONGEST_NUMBER} characters, got more")
        return lexeme
    if not isinstance(value, float):
        name = type(value).__name__
        raise _unwritable(
            "AG202", steps, f"must be a JSON value, got {name}", "give dict, list, str, int, float, bool or None"
        )
    if not math.isfinite(value):
        raise _unwritable("AG103", steps, f"must be a finite number, got {value}")
    return _EXPONENT.sub(lambda match: "e" + match[1].replace("+", "") + match[2], float.__repr__(value))


def spelt_key(key: Any, steps: Steps) -> str:
    """The canonical spelling of a key."""
    if not isinstance(key, str):
        raise _unwritable("AG202", steps, f"a key must be a string, got {type(key).__name__}")
    return _spelt_string(key, steps)


def _spelt_string(value: str, steps: Steps) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = value[error.start].encode("unicode_escape", "surrogatepass").decode()
        raise _unwritable("AG105", steps, f"{half} is half of a surrogate pair") from None
    return json.dumps(value, ensure_ascii=False)


def _digits(value: int) -> str | None:
    return int.__repr__(value) if value.bit_length() <= 4 * LONGEST_NUMBER else None


def _unwritable(code: str, steps: Steps, message: str, hint: str = "") -> GraphError:
    return GraphError([Diagnostic(code, "".join(map(step, steps)), message, hint)])
