"""Text -> Document: JSON read strictly, within limits, with a place for every value."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike, fspath, fstat
from pathlib import Path
from typing import Any, Final

from archgraph.diagnostics import Diagnostic, GraphError, nearest
from archgraph.document import scanner
from archgraph.document.scanner import DEEPEST, LONGEST_KEY, LONGEST_NUMBER, MOST_VALUES, Spans

LARGEST_FILE: Final = 16 * 2**20
"""Most bytes that a file may have."""
ABOUT_KEYS: Final = frozenset({"AG203", "AG404", "AG405", "AG413"})
"""Findings about a name rather than about what it stands for: they point at the key."""

_HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_TOO_DEEP = re.compile(rb"[\[{]{%d}" % (DEEPEST + 1))
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"\\'))
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Document:
    """A text and the JSON value it holds. Equal when file and text are equal; do not change `value` in place."""

    file: str
    text: str
    value: Any = field(compare=False, repr=False)

    @cached_property
    def spans(self) -> Spans:
        """Where every value stands; found on first use, because a correct file never needs it."""
        return scanner.scan(self.text, self.file).spans

    def locate(self, pointer: str, *, key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value at an RFC 6901 pointer, or of its key with ``key=True``.

        For a pointer to nothing, the place of its nearest existing ancestor.
        """
        return scanner.place(self.text, self._offset(pointer, key))

    def place(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The findings with file, line and column, in the order of the text.

        Those that have a place already (in an imported file, say) keep it and come last.
        """
        given = list(diagnostics)
        offsets = [-1 if one.line else self._offset(one.pointer, one.code in ABOUT_KEYS) for one in given]
        where = scanner.places(self.text, (offset for offset in offsets if offset >= 0))
        placed = [
            one if offset < 0 else one.located(self.file, *where[offset])
            for one, offset in zip(given, offsets, strict=True)
        ]
        return tuple(sorted(placed, key=lambda one: (one.file != self.file, one.file, one.line, one.column)))

    def _offset(self, pointer: str, key: bool) -> int:
        number, exact = self.spans.find(pointer)
        at_key = key and exact and pointer != ""
        return self.spans.key[number] if at_key else self.spans.start[number]


class _Suspicious(ValueError):  # noqa: N818 - a doubt, not yet a fault
    """The fast reading meets something that only the strict one may judge."""


def read(text: str | bytes, file: str = "<graph>") -> Document:
    """Read one JSON text, of at most `LARGEST_FILE` bytes.

    Raises `GraphError` with every fault located: AG101 (not RFC 8259), AG102 (duplicate key), AG103 (not a finite
    number), AG104 (not UTF-8, or a byte order mark), AG105 (half a surrogate pair), AG106 (number too long), AG107
    (nested too deeply), AG108 (too large).
    """
    _refuse_large(len(text), file)
    decoded = _decoded(text, file) if isinstance(text, bytes) else text
    if decoded.startswith("\ufeff"):
        raise _refused("AG104", "the text begins with a byte order mark", "save it as UTF-8 without BOM", file, 1, 1)
    try:
        return Document(file, decoded, _fast(decoded, file))
    except (ValueError, RecursionError):
        # json accepts more than RFC 8259 and places faults roughly: the strict scanner alone gives verdicts.
        strict = scanner.scan(decoded, file)
    if strict.faults:
        raise GraphError(strict.faults)
    return Document(file, decoded, strict.value)


def read_file(path: str | PathLike[str]) -> Document:
    """`read` the file at `path`. Raises `GraphError`, also when the file cannot be read (AG109)."""
    file = fspath(path)
    try:
        with Path(file).open("rb") as stream:
            _refuse_large(fstat(stream.fileno()).st_size, file)
            content = stream.read(LARGEST_FILE + 1)  # a device or a pipe tells no size beforehand
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from None
    return read(content, file)


def _fast(text: str, file: str) -> Any:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise _Suspicious from None
    _refuse_large(len(data), file)
    if not _shallow(data) or ("\\u" in text and _HALF_ESCAPED.search(text)):
        raise _Suspicious
    return _DECODER.decode(text)


def _shallow(data: bytes) -> bool:
    """Whether the values can be few enough, and nested little enough, for the recursive reading."""
    opened = data.count(b"{") + data.count(b"[")
    if opened + data.count(b",") >= MOST_VALUES or data.count(b'"') > 4 * MOST_VALUES:
        return False
    return opened <= DEEPEST or _nested_little(_brackets(data))


def _brackets(data: bytes) -> bytes:
    """The brackets of a JSON text that stand outside its strings."""
    structure = data.translate(None, _NOT_STRUCTURE)
    if b"\\" not in structure:
        # Without escapes, quotes that all come in pairs side by side enclose no bracket.
        structure = structure.replace(b'""', b"")
        if b'"' not in structure:
            return structure
    return _STRINGS.sub(b"", data).translate(None, _NOT_STRUCTURE)


def _nested_little(brackets: bytes) -> bool:
    """Whether balanced brackets nest at most `DEEPEST` deep: each round takes the innermost away."""
    if _TOO_DEEP.search(brackets):
        return False
    for _ in range(DEEPEST):
        if not brackets:
            return True
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return not brackets


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Suspicious
    # Joining is quick, and rules out a long key in all but the largest objects.
    if len("".join(members)) > LONGEST_KEY and max(map(len, members)) > LONGEST_KEY:
        raise _Suspicious
    return members


def _integer(lexeme: str) -> int:
    if len(lexeme) > LONGEST_NUMBER:
        raise _Suspicious
    return int(lexeme)


def _float(lexeme: str) -> float:
    number = float(lexeme)
    if len(lexeme) > LONGEST_NUMBER or number in (float("inf"), float("-inf")):
        raise _Suspicious
    return number


def _constant(name: str) -> Any:
    raise _Suspicious(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _decoded(data: bytes, file: str) -> str:
    if data.startswith(_UTF16_MARKS):
        raise _refused("AG104", "the text is UTF-16, not UTF-8", "save it as UTF-8 without BOM", file, 1, 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        message = f"the byte 0x{data[error.start]:02X} is not UTF-8"
        where = scanner.place(before, len(before))
        raise _refused("AG104", message, "save the file as UTF-8", file, *where) from None


def _refuse_large(size: int, file: str) -> None:
    if size > LARGEST_FILE:
        message = f"a file may have at most {LARGEST_FILE:,} bytes, got more"
        raise _refused("AG108", message, "split it, or import its blocks", file, 1, 1)


def _refused(code: str, message: str, hint: str, file: str, line: int, column: int) -> GraphError:
    return GraphError([Diagnostic(code, "", message, hint).located(file, line, column)])


def _unreadable(file: str, error: OSError | ValueError) -> GraphError:
    reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    hint = _similar(file) if isinstance(error, FileNotFoundError) else ""
    return GraphError([Diagnostic("AG109", "", f"cannot read the file: {reason}", hint, file=file)])


def _similar(file: str) -> str:
    try:
        return nearest(Path(file).name, (entry.name for entry in Path(file).parent.iterdir()))
    except OSError:
        return ""
