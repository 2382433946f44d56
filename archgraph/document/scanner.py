"""Text -> value, spans and every fault: the strict, slow reading of JSON, which knows where everything stands."""

import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from archgraph.diagnostics import Diagnostic
from archgraph.kinds import shown

DEEPEST: Final = 64
"""How many objects and lists may enclose one another."""
LONGEST_NUMBER: Final = 100
"""How many characters a number may have."""
MOST_VALUES: Final = 400_000
"""How many values (objects, lists, scalars) a text may hold, some 40,000 nodes; it bounds time and memory."""
LONGEST_KEY: Final = 1_000
"""How many characters a key may have: pointers, and so messages, repeat it."""
MOST_FAULTS: Final = 100
"""After so many faults the rest of the text is not looked at."""

_SPACE = re.compile(r"[ \t\n\r]*+")
_ESCAPE = r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})'
_STRING = re.compile(rf'"(?:[^"\\\x00-\x1f]++|{_ESCAPE})*+"')
_STRING_BEGUN = re.compile(rf'"(?:[^"\\\x00-\x1f]++|{_ESCAPE})*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][-+]?[0-9]++)?")
_WORD = re.compile(r'[^ \t\n\r,:\[\]{}"]*+')
# Scalars without escapes, exponents or great length, each with the comma and the beginning of the next one: most of any
# file, and free of faults.
_PLAIN = r'"[^"\\\x00-\x1f]*+"'
_PLAIN_SCALAR = rf"(?:({_PLAIN})|(-?(?:0|[1-9][0-9]{{0,15}}+)(?:\.[0-9]{{1,15}}+)?+)|(true|false|null))"
_PLAIN_ITEM = re.compile(rf"{_PLAIN_SCALAR}[ \t\n\r]*+,[ \t\n\r]*+(?=[^\]}}])")
_PLAIN_MEMBER = re.compile(rf'({_PLAIN})[ \t\n\r]*+:[ \t\n\r]*+{_PLAIN_SCALAR}[ \t\n\r]*+,[ \t\n\r]*+(?=")')
_ESCAPES = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LITERALS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}
_CONSTANTS = ("NaN", "Infinity", "-Infinity")
_STRANGE_WORDS = {"True": "true", "False": "false", "None": "null", "nil": "null", "undefined": "null"}
_CLOSER = {True: "}", False: "]"}


class Halt(Exception):  # noqa: N818 - the end of a scan, not an error of the program
    """Nothing after this point can be read."""


class Spans:
    """Where every value of one text stands. Values are numbered in the order in which they begin; the root is 0."""

    def __init__(self, value: Any) -> None:
        """`value` is the root; the scanner fills the arrays."""
        self.value = value
        self.start, self.end, self.key, self.after = array("I"), array("I"), array("I"), array("I")
        self._children: dict[int, dict[str, int] | list[int]] = {}

    def members(self, number: int, value: Mapping[str, Any]) -> dict[str, int]:
        """The numbers of the members of the object `value`, which has `number`."""
        found = self._children.get(number)
        if found is None:
            found = self._children[number] = dict(zip(value, self._hops(number, len(value)), strict=True))
        return found  # type: ignore[return-value]

    def items(self, number: int, value: list[Any]) -> list[int]:
        """The numbers of the items of the list `value`, which has `number`."""
        found = self._children.get(number)
        if found is None:
            found = self._children[number] = list(self._hops(number, len(value)))
        return found  # type: ignore[return-value]

    def find(self, pointer: str) -> tuple[int, bool]:
        """The number of the value at an RFC 6901 pointer or of its nearest ancestor, and whether it is the value."""
        number, value = 0, self.value
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and name in value:
                number, value = self.members(number, value)[name], value[name]
            elif isinstance(value, list) and _is_index(name, len(value)):
                number, value = self.items(number, value)[int(name)], value[int(name)]
            else:
                return number, False
        return number, True

    def _hops(self, number: int, count: int) -> Iterator[int]:
        child = number + 1
        for _ in range(count):
            yield child
            child = self.after[child]


def _is_index(name: str, length: int) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 9 and str(int(name)) == name and int(name) < length


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character, both counted from 1; columns count characters."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def places(text: str, offsets: Iterable[int]) -> dict[int, tuple[int, int]]:
    """`place` of many characters in one pass over the text."""
    found: dict[int, tuple[int, int]] = {}
    line, last = 1, 0
    for offset in sorted(set(offsets)):
        line += text.count("\n", last, offset)
        found[offset] = line, offset - text.rfind("\n", 0, offset)
        last = offset
    return found


def string_end(text: str, start: int) -> int:
    """The offset behind the string that begins at `start` of a correct text."""
    match = _STRING.match(text, start)
    assert match is not None, "a string begins here"
    return match.end()


def step(key: str | int) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return "/" + str(key).replace("~", "~0").replace("/", "~1")


@dataclass(slots=True)
class _Open:
    """An object or list whose end has not come yet."""

    value: Any
    number: int
    key: str = ""

    @property
    def is_object(self) -> bool:
        return isinstance(self.value, dict)


@dataclass
class Scan:
    """One reading of one text: `value` and `spans` hold good when `faults` is empty."""

    text: str
    file: str
    position: int = 0
    value: Any = None
    spans: Spans = field(default_factory=lambda: Spans(None))
    _faults: list[tuple[int, str, str, str, str]] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _key_at: int = 0
    _reading: bool = True

    @property
    def faults(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the text, located, in its order."""
        where = places(self.text, (fault[0] for fault in self._faults))
        return tuple(
            Diagnostic(code, pointer, message, hint).located(self.file, *where[offset])
            for offset, code, pointer, message, hint in sorted(self._faults)
        )

    def run(self) -> "Scan":
        """Read the whole text. Iterative, so that no nesting can exhaust the stack."""
        self._raw_surrogates = _SURROGATE.search(self.text) is not None
        try:
            self._skip()
            while self._value() or self._follow():
                pass
        except Halt:
            return self
        self.spans.value = self.value
        return self

    # reading

    def _skip(self) -> str:
        """Pass white space; the character that follows, empty at the end."""
        self.position = _SPACE.match(self.text, self.position).end()  # type: ignore[union-attr]
        return self.text[self.position : self.position + 1]

    def _value(self) -> bool:
        """Read a scalar or the beginning of a container; whether another value must follow directly."""
        first = self.text[self.position : self.position + 1]
        self._number()
        if first == "{":
            return self._enter({})
        if first == "[":
            return self._enter([])
        self._add(self._string() if first == '"' else self._scalar())
        self.spans.end.append(self.position)
        self.spans.after.append(len(self.spans.start))
        return False

    def _number(self) -> None:
        spans = self.spans
        if len(spans.start) >= MOST_VALUES:
            self._stop("AG108", f"must hold at most {MOST_VALUES:,} values", "split the file, or import its blocks")
        spans.start.append(self.position)
        in_object = self._open and self._open[-1].is_object
        spans.key.append(self._key_at if in_object else self.position)

    def _enter(self, container: Any) -> bool:
        if len(self._open) >= DEEPEST:
            self._stop("AG107", f"must nest at most {DEEPEST} objects and lists, got more", "flatten the value")
        self._add(container)
        self._open.append(_Open(container, len(self.spans.start) - 1))
        self.spans.end.append(0)
        self.spans.after.append(0)
        self.position += 1
        opened = self._open[-1]
        if self._skip() == _CLOSER[opened.is_object]:
            return False
        if opened.is_object:
            self._reading = False
            self._member_key()
            self._reading = True
        else:
            self._plain_items(container)
        return True

    def _follow(self) -> bool:
        """Pass what stands between two values; whether there is another value."""
        self._reading = False
        while self._open:
            opened = self._open[-1]
            char = self._skip()
            if char == ",":
                self.position += 1
                self._next(opened)
                self._reading = True
                return True
            if char != _CLOSER[opened.is_object]:
                self._not_continued(opened, char)
            self.position += 1
            self._open.pop()
            self.spans.end[opened.number] = self.position
            self.spans.after[opened.number] = len(self.spans.start)
        if self._skip():
            self._stop("AG101", f"expected the end of the text, got {self._seen()}", "a text holds one value")
        return False

    def _next(self, opened: _Open) -> None:
        comma = self.position - 1
        if self._skip() in ("}", "]"):
            self.position = comma
            self._stop("AG101", "a comma must be followed by another member or item", "delete the comma")
        if opened.is_object:
            self._member_key()
        else:
            self._plain_items(opened.value)

    def _plain_items(self, items: list[Any]) -> None:
        """Read ahead what plain scalars the list goes on with, all but the last."""
        spans, match = self.spans, _PLAIN_ITEM.match(self.text, self.position)
        while match is not None and not self._raw_surrogates and len(spans.start) < MOST_VALUES:
            which = match.lastindex or 0
            begin, end = match.span(which)
            items.append(_plain(match[which], which))
            spans.start.append(begin)
            spans.end.append(end)
            spans.key.append(begin)
            spans.after.append(len(spans.start))
            self.position = match.end()
            match = _PLAIN_ITEM.match(self.text, self.position)

    def _plain_members(self, members: dict[str, Any]) -> None:
        """Read ahead what plain members the object goes on with, all but the last."""
        spans, match = self.spans, _PLAIN_MEMBER.match(self.text, self.position)
        while match is not None and not self._raw_surrogates and len(spans.start) < MOST_VALUES:
            key, which = match[1][1:-1], match.lastindex or 0
            if key in members or len(key) > LONGEST_KEY:
                return
            begin, end = match.span(which)
            members[key] = _plain(match[which], which - 1)
            spans.start.append(begin)
            spans.end.append(end)
            spans.key.append(self.position)
            spans.after.append(len(spans.start))
            self.position = match.end()
            match = _PLAIN_MEMBER.match(self.text, self.position)

    def _member_key(self) -> None:
        opened = self._open[-1]
        self._plain_members(opened.value)
        self._key_at = self.position
        if self.text[self.position : self.position + 1] != '"':
            self._stop("AG101", f"expected a key in double quotes, got {self._seen()}", self._advice())
        opened.key = key = self._string()
        if len(key) > LONGEST_KEY:
            opened.key = key = key[:40] + "…"
            self._fault(self._key_at, "AG108", f"a key may have at most {LONGEST_KEY:,} characters, got more")
        if key in opened.value:
            self._reading = True
            self._fault(
                self._key_at, "AG102", f"the key {shown(key)} stands twice in one object", "rename or delete one"
            )
        if self._skip() != ":":
            self._stop("AG101", f"expected a colon after the key {shown(key)}, got {self._seen()}")
        self.position += 1
        self._skip()

    def _add(self, value: Any) -> None:
        if not self._open:
            self.value = value
        elif self._open[-1].is_object:
            self._open[-1].value[self._open[-1].key] = value
        else:
            self._open[-1].value.append(value)

    def _string(self) -> str:
        start = self.position
        match = _STRING.match(self.text, start)
        if match is None:
            self._bad_string(start)
        self.position = match.end()
        body = self.text[start + 1 : self.position - 1]
        if "\\" in body:
            value = str(json.loads(match.group()))  # only decodes: the expression above has judged
            suspicious = "\\u" in body or self._raw_surrogates
        else:
            value, suspicious = body, self._raw_surrogates
        if suspicious and _SURROGATE.search(value):
            self._lone_surrogate(start + 1, body)
        return value

    def _scalar(self) -> Any:
        start = self.position
        match = _NUMBER.match(self.text, start)
        word = _WORD.match(self.text, start).group()  # type: ignore[union-attr]
        if match is not None and match.group() == word:
            self.position = match.end()
            return self._finite(start, word, whole=match.lastindex is None)
        if word in _LITERALS:
            self.position += len(word)
            return _LITERALS[word]
        if word in _CONSTANTS:
            self._fault(start, "AG103", f"{word} is not a JSON number", "write a finite number, or null")
            self.position += len(word)
            return 0
        return self._stop("AG101", f"expected a value, got {self._seen()}", self._advice())

    def _finite(self, start: int, lexeme: str, *, whole: bool) -> int | float:
        if len(lexeme) > LONGEST_NUMBER:
            got = f"a number may have at most {LONGEST_NUMBER} characters, got {len(lexeme)}"
            self._fault(start, "AG106", got, "a float holds about 17 digits")
            return 0
        if whole:
            return int(lexeme)
        number = float(lexeme)
        if number in (float("inf"), float("-inf")):
            self._fault(start, "AG103", f"{lexeme} is too large for a number", "write a number below 1.8e308")
            return 0
        return number

    # complaining

    def _pointer(self) -> str:
        """The pointer of the value that is being read, or of the enclosing one where none has begun."""
        *outer, last = self._open or [_Open({}, 0)]
        steps = [step(one.key if one.is_object else len(one.value) - 1) for one in outer]
        if self._reading and self._open:
            steps.append(step(last.key if last.is_object else len(last.value)))
        return "".join(steps)

    def _fault(self, offset: int, code: str, message: str, hint: str = "") -> None:
        self._faults.append((offset, code, self._pointer(), message, hint))
        if len(self._faults) >= MOST_FAULTS:
            raise Halt

    def _stop(self, code: str, message: str, hint: str = "") -> NoReturn:
        self._fault(self.position, code, message, hint)
        raise Halt

    def _seen(self) -> str:
        """What stands at the position, in words."""
        word = _WORD.match(self.text, self.position).group()  # type: ignore[union-attr]
        word = word or self.text[self.position : self.position + 1]
        if not word:
            return "the end of the text"
        return f"'{word}'" if len(word) <= 30 else f"'{word[:29]}…'"

    def _advice(self) -> str:
        """The remedy for the usual reasons why JSON is not JSON."""
        word = _WORD.match(self.text, self.position).group()  # type: ignore[union-attr]
        if word in _STRANGE_WORDS:
            return f"JSON writes {_STRANGE_WORDS[word]}"
        if word.startswith(("//", "/*", "#")):
            return 'JSON has no comments; use "doc"'
        if word.startswith("'"):
            return "strings and keys stand in double quotes"
        if re.match(r"[-+]?\.?[0-9]", word):
            return "numbers look like 0, -1, 0.5 or 1e-5: no leading + or zeros, digits on both sides of the point"
        if word[:1].isalpha() or word.startswith(("_", "$")):
            return "strings and keys stand in double quotes"
        return ""

    def _not_continued(self, opened: _Open, char: str) -> None:
        noun = "object" if opened.is_object else "list"
        line, column = place(self.text, self.spans.start[opened.number])
        closer = _CLOSER[opened.is_object]
        hint = f"the {noun} begins at {line}:{column}"
        if char == "/" or char == "#":
            hint = self._advice()
        elif char and char not in "}]:":
            hint = "is a comma missing?"
        self._stop("AG101", f"expected a comma or {closer} after the value, got {self._seen()}", hint)

    def _bad_string(self, start: int) -> NoReturn:
        end = _STRING_BEGUN.match(self.text, start).end()  # type: ignore[union-attr]
        found = self.text[end : end + 1]
        self.position = start
        if not found:
            self._stop("AG101", "the string has no closing quote", 'end it with "')
        self.position = end
        if found == "\\":
            self._stop(
                "AG101",
                f"{self.text[end : end + 2]} is not an escape",
                r"the escapes are \" \\ \/ \b \f \n \r \t \u0000",
            )
        message = f"a string may not hold the control character U+{ord(found):04X} itself"
        short = {"\n": r"write \n, or close the string", "\t": r"write \t", "\r": r"write \r"}
        self._stop("AG101", message, short.get(found, rf"write \u{ord(found):04x}"))

    def _lone_surrogate(self, start: int, body: str) -> None:
        for match in re.finditer(rf"{_ESCAPES.pattern}|(?P<raw>[\ud800-\udfff])", body, re.DOTALL):
            single = match.group(3)
            if match.group("raw") or (single and 0xD800 <= int(single, 16) <= 0xDFFF):
                half = (
                    match.group().encode("unicode_escape", "surrogatepass").decode()
                    if single is None
                    else match.group()
                )
                offset = start + match.start()
                self._fault(offset, "AG105", f"{half} is half of a pair", "write the character itself, in UTF-8")
                return


def _plain(lexeme: str, which: int) -> Any:
    """The value of a plain scalar: a string, a number or a literal."""
    if which == 1:
        return lexeme[1:-1]
    if which == 2:
        return float(lexeme) if "." in lexeme else int(lexeme)
    return _LITERALS[lexeme]


def scan(text: str, file: str = "") -> Scan:
    """Read `text` strictly. Never raises for what the text holds: see `Scan.faults`."""
    return Scan(text, file).run()
