"""Document and edited value -> text: what the edit did not touch stays byte for byte."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archgraph.document.reader import Document
from archgraph.document.scanner import Spans
from archgraph.document.writer import (
    GRAPH_ORDER,
    KeyOrder,
    Origin,
    Spelling,
    Steps,
    format_document,
    inline,
    laid_out,
    lay_out,
    same_scalar,
    spelt_key,
)

_SPACE = re.compile(r"[ \t\n\r]*+")


def revise(document: Document, value: Any, order: KeyOrder = GRAPH_ORDER) -> str:
    """The text of `document` after an edit that made its value `value`; reading it gives `value`.

    Members that are equal keep their text and their order, however that differs from the canonical form or from the
    order in `value`; changed and added ones are written in the canonical style. A document in canonical form stays in
    it. Raises `GraphError` for what a file cannot hold, see `writer.canonical`.
    """
    spans = document.spans
    if _same(spans.value, value):
        return document.text
    spelling = Spelling(order, document.text, spans)
    merged = _merged(spans.value, value, order, "")
    if format_document(document, order) == document.text:
        return lay_out(spelling.piece(merged, origin=Origin(0, spans.value)), order)
    splicer = _Splicer(document.text, spans, spelling, "\r\n" if "\r\n" in document.text else "\n")
    body = splicer.value(Origin(0, spans.value), merged, "", (), "")
    return document.text[: spans.start[0]] + body + document.text[spans.end[0] :]


def _same(old: Any, new: Any) -> bool:
    """Whether two values are equal in type as well; the order of keys means nothing."""
    if isinstance(old, dict):
        return isinstance(new, Mapping) and old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return isinstance(new, list | tuple) and len(old) == len(new) and all(map(_same, old, new))
    return same_scalar(old, new)


def _merged(old: Any, new: Any, order: KeyOrder, pattern: str) -> Any:
    """`new`, with the keys that `old` has too in the order they have there."""
    if isinstance(old, dict) and isinstance(new, Mapping):
        keys = _merged_keys(list(old), list(new), order.ranks(pattern, new))
        return {key: _merged(old.get(key), new[key], order, order.below(pattern, key)) for key in keys}
    if isinstance(old, list) and isinstance(new, list | tuple):
        olds = [*old, *[None] * (len(new) - len(old))]
        return [_merged(olds[i], item, order, f"{pattern}/*") for i, item in enumerate(new)]
    return new


def _merged_keys(old: Sequence[str], new: Sequence[str], ranks: Mapping[str, int]) -> list[str]:
    """The keys of `new`: the common ones as in `old`, an added one where `ranks` says, else behind its predecessor."""
    common, present = set(old), set(new)
    keys = [key for key in old if key in present]
    for position, key in enumerate(new):
        if key not in common:
            keys.insert(_place(keys, key, new[position - 1] if position else None, ranks), key)
    return keys


def _place(keys: list[str], key: str, predecessor: str | None, ranks: Mapping[str, int]) -> int:
    if key in ranks:
        rest = ranks.get("...", len(ranks))
        return next((i for i, other in enumerate(keys) if ranks.get(other, rest) > ranks[key]), len(keys))
    return keys.index(predecessor) + 1 if predecessor is not None else 0


@dataclass(frozen=True, slots=True)
class _Member:
    """The white space before a member of an object (since the comma) and behind it (up to the next one)."""

    before: str
    behind: str


@dataclass(frozen=True, slots=True)
class _Manner:
    """How an object is laid out: the white space it begins with, has between members and ends with.

    `indent` is that of its members, or None where they do not stand on lines of their own.
    """

    first: str
    between: str
    last: str
    indent: str | None

    @classmethod
    def of(cls, members: Sequence[_Member], *, spaced: bool) -> "_Manner":
        first, last = members[0].before, members[-1].behind
        if len(members) > 1:
            between = members[1].before
        elif "\n" in first:
            between = first[: first.rindex("\n") + 1] + first if spaced else first
        else:
            between = first or " "
        return cls(first, between, last, _indent(between))


@dataclass(frozen=True, slots=True)
class _Splicer:
    """Puts new text into old text, in the manner of its surroundings."""

    text: str
    spans: Spans
    spelling: Spelling
    line_end: str

    def value(self, origin: Origin, new: Any, pattern: str, steps: Steps, indent: str | None) -> str:
        """The text of `new` in the place of `origin`; `indent` is that of its line, None to stay on one line."""
        start, end = self.spans.start[origin.number], self.spans.end[origin.number]
        if _same(origin.value, new):
            return self.text[start:end]
        if isinstance(origin.value, dict) and isinstance(new, Mapping) and origin.value and new:
            return self._object(origin, new, pattern, steps)
        if isinstance(origin.value, list) and isinstance(new, list) and len(new) == len(origin.value):
            return self._list(origin, new, pattern, steps)
        used = start - self.text.rfind("\n", 0, start) - 1
        return self._fresh(new, pattern, steps, indent, used, origin)

    def _object(self, origin: Origin, new: Mapping[str, Any], pattern: str, steps: Steps) -> str:
        numbers = self.spans.members(origin.number, origin.value)
        old = self._cut(origin.number, numbers)
        manner = _Manner.of(list(old.values()), spaced=pattern in self.spelling.order.spaced)
        texts = {}
        for key, value in new.items():
            below, under = self.spelling.order.below(pattern, key), (*steps, key)
            if key in old:
                number = numbers[key]
                indent = _indent(old[key].before)
                changed = self.value(Origin(number, origin.value[key]), value, below, under, indent)
                texts[key] = self.text[self.spans.key[number] : self.spans.start[number]] + changed
            else:
                name = spelt_key(key, under) + ": "
                used = len(manner.indent or "") + len(name)
                texts[key] = name + self._fresh(value, below, under, manner.indent, used, None)
        return "{" + _joined(texts, old, manner) + "}"

    def _list(self, origin: Origin, new: Sequence[Any], pattern: str, steps: Steps) -> str:
        pieces, last = [], self.spans.start[origin.number]
        for index, number in enumerate(self.spans.items(origin.number, origin.value)):
            before = self.text[last : self.spans.start[number]]
            item = Origin(number, origin.value[index])
            changed = self.value(item, new[index], f"{pattern}/*", (*steps, index), _indent(before))
            pieces += [before, changed]
            last = self.spans.end[number]
        return "".join(pieces) + self.text[last : self.spans.end[origin.number]]

    def _cut(self, parent: int, numbers: Mapping[str, int]) -> dict[str, _Member]:
        """The members of an object with the white space around them."""
        found, last = {}, self.spans.start[parent] + 1
        for key, number in numbers.items():
            begin, stop = self.spans.key[number], self.spans.end[number]
            space = _SPACE.match(self.text, stop)
            assert space is not None, "it matches the empty string"
            found[key] = _Member(self.text[last:begin], space.group())
            last = space.end() + 1
        return found

    def _fresh(
        self, value: Any, pattern: str, steps: Steps, indent: str | None, used: int, origin: Origin | None
    ) -> str:
        piece = self.spelling.piece(value, pattern, steps, origin)
        if indent is None:
            return inline(piece)
        return laid_out(piece, self.spelling.order, indent, used).replace("\n", self.line_end)


def _indent(before: str) -> str | None:
    """The indentation of what begins its line; None for what does not."""
    return before[before.rindex("\n") + 1 :] if "\n" in before else None


def _joined(texts: Mapping[str, str], old: Mapping[str, _Member], manner: _Manner) -> str:
    """Members with the white space they had, unless the first or the last has changed."""
    first, *_, last = [*old, *old]
    parts = []
    for key, text in texts.items():
        before = old[key].before if key in old and key != first else manner.between
        behind = old[key].behind if key in old and key != last else ""
        parts.append([before, text, behind])
    parts[0][0], parts[-1][2] = manner.first, manner.last
    return ",".join(map("".join, parts))
