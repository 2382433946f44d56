"""The "=…" language: text -> a bounded function of parameters and input sizes, without any of Python's own eval."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from archgraph.diagnostics import Rejected, nearest
from archgraph.kinds import LARGEST, shown
from archgraph.shapes import Dim, Size, at_least, equal

LONGEST = 256
"""Characters of an expression, the ``=`` included."""
DEEPEST = 32
"""Levels of parentheses, calls, prefixes, powers and conditionals inside each other."""
LARGEST_EXPONENT = 64

ReadDim = Callable[[str, int], Dim]
Run = Callable[[Mapping[str, Any], ReadDim], Any]


def no_inputs(port: str, axis: int) -> NoReturn:
    """The `dim` of a place that has no input ports."""
    raise Rejected("AG209", "dim can be used inside blocks only", hint="write the size, or make it a parameter")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has been read. Values are numbers, truth values, strings and symbolic sizes.

    `names` are the parameters it reads, `ports` the input ports whose shape it reads with ``dim``.
    """

    text: str
    names: frozenset[str]
    ports: frozenset[str]
    _run: Run = field(repr=False, compare=False)

    def evaluate(self, names: Mapping[str, Any], dim: ReadDim = no_inputs) -> Any:
        """The value, given the parameters and the sizes of the input ports (``dim(port, axis)``).

        The value of a lone name is passed through whatever it is. Raises `Rejected`: AG209 for what has no value,
        AG305 where it depends on a statement about a symbolic size that cannot be proven, AG302 where such a size
        must be known; each names the column. What `dim` rejects keeps its code.
        """
        return self._run(names, dim)

    def __reduce__(self) -> tuple[Any, ...]:
        return compile_expression, (self.text,)


@lru_cache(maxsize=8192)
def compile_expression(text: str) -> Expression:
    """Read `text`, which begins with ``=``. Raises `Rejected` (AG208) with the column, counted from 1 at the ``=``."""
    if not text.startswith("="):
        raise Rejected("AG208", f'an expression must begin with "=", got {shown(text)}')
    if len(text) > LONGEST:
        raise Rejected("AG208", f"an expression must have at most {LONGEST} characters, got {len(text)}")
    parser = _Parser(text)
    part = parser.whole()
    return Expression(text, frozenset(parser.names), frozenset(parser.ports), part.run)


# --- where -------------------------------------------------------------------------------------------------------


class Site(NamedTuple):
    """A stretch of an expression, for messages: ``… at column 4: =4*«widht»``."""

    text: str
    start: int
    end: int

    def rejected(self, code: str, message: str, hint: str = "") -> Rejected:
        """The complaint, with the stretch quoted."""
        quote = f"{self.text[: self.start]}«{self.text[self.start : self.end]}»{self.text[self.end :]}"
        return Rejected(code, f"{message}, at column {self.start + 1}: {quote}", hint=hint)

    def worthless(self, message: str, hint: str = "") -> Rejected:
        """The complaint that the stretch has no value."""
        return self.rejected("AG209", message, hint)

    def located(self, rejected: Rejected) -> Rejected:
        """A complaint raised by an operation, with the stretch quoted."""
        return self.rejected(rejected.code, rejected.message, rejected.hint)

    def to(self, other: "Site") -> "Site":
        """From here to the end of `other`."""
        return Site(self.text, self.start, other.end)


# --- tokens ------------------------------------------------------------------------------------------------------


class Token(NamedTuple):
    """`kind` is "number", "name", "string", "operator", "end"; `text` is as written."""

    kind: str
    text: str
    site: Site


_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<string>"[^"]*"|'[^']*')
      | (?P<operator>\*\*|//|==|!=|<=|>=|[-+*/%<>(),])
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_HINTS = {
    '"': "the quotation mark is not closed",
    "'": "the quotation mark is not closed",
    "=": "equality is written ==",
    "^": "powers are written **",
    "&": 'write "and"',
    "|": 'write "or"',
    "!": 'write "not"',
    "[": "expressions have no lists; write the list in JSON and an expression in its places",
    ".": 'a size is read with dim(x, -1), "x.y" does not exist',
}


def _tokens(text: str) -> list[Token]:
    tokens, position = [], 1
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            start = len(text) - len(text[position:].lstrip(" \t\r\n"))
            site = Site(text, start, start + 1)
            raise site.rejected("AG208", f"cannot read {shown(text[start])}", _HINTS.get(text[start], ""))
        kind = match.lastgroup or ""
        token = Token(kind, match[kind], Site(text, match.start(kind), match.end()))
        if kind == "name" and len(token.text) > 64:
            raise token.site.rejected("AG208", "a name must have at most 64 characters")
        tokens.append(token)
        if kind == "end":
            return tokens
        position = match.end()


# --- grammar: a Pratt parser that builds functions ---------------------------------------------------------------


class Part(NamedTuple):
    """A sub-expression, compiled."""

    run: Run
    site: Site


_CONDITIONAL, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _MINUS, _POWER = range(1, 10)
_BINDING = {
    "if": _CONDITIONAL, "or": _OR, "and": _AND,
    "==": _COMPARISON, "!=": _COMPARISON, "<": _COMPARISON, "<=": _COMPARISON, ">": _COMPARISON, ">=": _COMPARISON,
    "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "//": _PRODUCT, "%": _PRODUCT, "**": _POWER,
}  # fmt: skip
_WORDS = frozenset({"if", "else", "and", "or", "not"})
_TRUTH = frozenset({"true", "false"})


class _Parser:
    def __init__(self, text: str) -> None:
        self.names: set[str] = set()
        self.ports: set[str] = set()
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0

    def whole(self) -> Part:
        part = self._expression(0)
        if self._ahead.kind != "end":
            raise self._unexpected("an operator or the end")
        return part

    @property
    def _ahead(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._ahead
        self._next += 1
        return token

    def _expect(self, text: str) -> Token:
        if self._ahead.text != text:
            raise self._unexpected(f'"{text}"')
        return self._take()

    def _unexpected(self, wanted: str) -> Rejected:
        token = self._ahead
        got = "the end" if token.kind == "end" else shown(token.text) if token.kind != "string" else token.text
        return token.site.rejected("AG208", f"expected {wanted}, got {got}")

    def _nested(self, binding: int) -> Part:
        """An expression one level further in."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._ahead.site.rejected("AG208", f"nested more than {DEEPEST} levels deep")
        part = self._expression(binding)
        self._depth -= 1
        return part

    def _expression(self, weakest: int) -> Part:
        """The longest expression whose operators bind at least as strongly as `weakest`."""
        left = self._operand(weakest)
        while True:
            token = self._ahead
            binding = _BINDING.get(token.text, 0) if token.kind in ("operator", "name") else 0
            if not binding or binding < weakest:
                return left
            self._take()
            left = self._continued(left, token, binding)
            if binding == _COMPARISON and _BINDING.get(self._ahead.text) == _COMPARISON:
                hint = 'write "a < b and b < c"'
                raise self._ahead.site.rejected("AG208", "comparisons cannot be chained", hint)

    def _continued(self, left: Part, token: Token, binding: int) -> Part:
        """`left` and what the operator `token` joins to it."""
        if binding == _CONDITIONAL:
            condition = self._nested(_OR)
            self._expect("else")
            other = self._nested(_CONDITIONAL)
            return Part(_conditional(left, condition, other), left.site.to(other.site))
        # ** binds to the right and takes a sign (2**-1); everything else binds to the left
        right = self._nested(_MINUS) if binding == _POWER else self._expression(binding + 1)
        site = left.site.to(right.site)
        if binding in (_AND, _OR):
            return Part(_connective(left, right, token.text), site)
        if binding == _COMPARISON:
            return Part(_comparison(left.run, right.run, token.text, site), site)
        return Part(_arithmetic(left.run, right.run, token.text, site), site)

    def _operand(self, weakest: int) -> Part:
        token = self._ahead
        if token.kind == "number":
            return Part(_constant(_number(self._take())), token.site)
        if token.kind == "string":
            return Part(_constant(self._take().text[1:-1]), token.site)
        if token.kind == "name" and token.text not in _WORDS:
            return self._named(self._take())
        if token.text == "(":
            self._take()
            part = self._nested(0)
            return Part(part.run, token.site.to(self._expect(")").site))
        if token.text == "-" and weakest <= _MINUS:
            self._take()
            part = self._nested(_MINUS)
            site = token.site.to(part.site)
            return Part(_arithmetic(_constant(0), part.run, "-", site), site)
        if token.text == "not" and weakest <= _NOT:
            self._take()
            part = self._nested(_NOT)
            return Part(_negation(part), token.site.to(part.site))
        raise self._unexpected("a value")

    def _named(self, token: Token) -> Part:
        if token.text in _TRUTH:
            return Part(_constant(token.text == "true"), token.site)
        if self._ahead.text == "(":
            return self._call(token)
        self.names.add(token.text)
        return Part(_name(token.text, token.site), token.site)

    def _call(self, token: Token) -> Part:
        if token.text != "dim" and token.text not in _FUNCTIONS:
            known = ", ".join(["dim", *_FUNCTIONS])
            hint = nearest(token.text, ["dim", *_FUNCTIONS])
            raise token.site.rejected("AG208", f"unknown function {token.text!r}", f"{hint} known: {known}".lstrip())
        self._take()
        if token.text == "dim":
            return self._dim(token)
        arguments = [self._nested(0)]
        while self._ahead.text == ",":
            self._take()
            arguments.append(self._nested(0))
        site = token.site.to(self._expect(")").site)
        wanted = _FUNCTIONS[token.text]
        if wanted and len(arguments) != wanted:
            raise site.rejected("AG208", f"{token.text} takes one value, got {len(arguments)}")
        runs = tuple(argument.run for argument in arguments)
        if token.text == "log2":
            return Part(_logarithm(runs[0], site), site)
        return Part(_rounded(token.text, runs[0], site) if wanted else _extreme(token.text, runs, site), site)

    def _dim(self, token: Token) -> Part:
        if self._ahead.kind != "name" or self._ahead.text in _WORDS | _TRUTH:
            raise self._unexpected("the name of an input port")
        port = self._take().text
        self._expect(",")
        axis = self._nested(0)
        site = token.site.to(self._expect(")").site)
        self.ports.add(port)
        return Part(_size(port, axis, site), site)


def _number(token: Token) -> int | float:
    value = int(token.text) if token.text.isdigit() else float(token.text)
    if value > LARGEST:
        raise token.site.rejected("AG208", "a number must be between -2**53 and 2**53")
    return value


# --- values ------------------------------------------------------------------------------------------------------


def _constant(value: Any) -> Run:
    return lambda names, dim: value


def _name(name: str, site: Site) -> Run:
    def run(names: Mapping[str, Any], dim: ReadDim) -> Any:
        try:
            return names[name]
        except KeyError:
            known = f"known: {', '.join(sorted(names))}" if names else "no parameter is known here"
            hint = f"{nearest(name, [*names, 'true', 'false'])} {known}".lstrip()
            raise site.worthless(f"unknown name {name!r}", hint) from None

    return run


def _size(port: str, axis: Part, site: Site) -> Run:
    axis_of = axis.run

    def run(names: Mapping[str, Any], dim: ReadDim) -> Any:
        number = axis_of(names, dim)
        if type(number) is not int:
            raise axis.site.worthless(f"the axis must be an integer, got {shown(number)}")
        try:
            return dim(port, number)
        except Rejected as rejected:
            raise site.located(rejected) from None

    return run


def _truth(part: Part) -> Callable[[Mapping[str, Any], ReadDim], bool]:
    value_of, site = part

    def run(names: Mapping[str, Any], dim: ReadDim) -> bool:
        value = value_of(names, dim)
        if type(value) is not bool:
            raise site.worthless(f"must be true or false, got {shown(value)}", "compare it, as in n > 0")
        return value

    return run


def _conditional(value: Part, condition: Part, other: Part) -> Run:
    chosen, holds, otherwise = value.run, _truth(condition), other.run
    return lambda names, dim: chosen(names, dim) if holds(names, dim) else otherwise(names, dim)


def _connective(left: Part, right: Part, word: str) -> Run:
    first, second = _truth(left), _truth(right)
    if word == "and":
        return lambda names, dim: first(names, dim) and second(names, dim)
    return lambda names, dim: first(names, dim) or second(names, dim)


def _negation(part: Part) -> Run:
    holds = _truth(part)
    return lambda names, dim: not holds(names, dim)


# --- arithmetic --------------------------------------------------------------------------------------------------


def _divided(a: Any, b: Any) -> Any:
    """Exact division of whole numbers stays whole."""
    if isinstance(a, int) and isinstance(b, int):
        quotient, remainder = divmod(a, b)
        return a / b if remainder else quotient
    return a / b


def _power(a: Any, b: Any) -> Any:
    if isinstance(b, Size):
        raise Rejected("AG302", f"an exponent must be known, got {b}")
    if abs(b) > LARGEST_EXPONENT:
        raise Rejected("AG209", f"an exponent must be between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT}, got {b}")
    if isinstance(a, Size):
        if not isinstance(b, int) or b < 0:
            raise Rejected("AG209", f"the exponent of {a} must be a whole number of at least 0, got {b}")
        return a**b
    if a < 0 and b != int(b):
        raise Rejected("AG209", f"{a} to the power {b} is not a real number")
    if a and b * math.log2(abs(a)) > 54:
        raise _too_large()
    return a**b


def _too_large() -> Rejected:
    return Rejected("AG209", "the value would not be between -2**53 and 2**53")


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": _power,
}


def _need_numbers(sign: str, values: tuple[Any, ...], site: Site) -> None:
    """Reject what is no number, and a mixture of symbolic sizes and fractions."""
    types = set(map(type, values))
    if not types <= {int, float, Size}:
        got = " and ".join(map(shown, values))
        raise site.worthless(f"{sign} takes numbers, got {got}")
    if Size in types and float in types:
        got = " and ".join(map(str, values))
        raise site.worthless(
            f"{sign} cannot join a symbolic size and a fraction, got {got}", "use // and whole numbers"
        )


def _arithmetic(left: Run, right: Run, sign: str, site: Site) -> Run:
    operate = _ARITHMETIC[sign]

    def run(names: Mapping[str, Any], dim: ReadDim) -> Any:
        a, b = left(names, dim), right(names, dim)
        if type(a) is not int or type(b) is not int:
            _need_numbers(sign, (a, b), site)
        try:
            value = operate(a, b)
        except ZeroDivisionError:
            raise site.worthless("division by zero") from None
        except OverflowError:  # a parameter far beyond 2**53 meets a fraction
            raise site.located(_too_large()) from None
        except Rejected as rejected:
            raise site.located(rejected) from None
        if type(value) is Size or -LARGEST <= value <= LARGEST:
            return value
        raise site.located(_too_large())

    return run


# --- comparison --------------------------------------------------------------------------------------------------


def _same(a: Any, b: Any) -> bool:
    """Equality as in JSON: values of different types differ (true is not 1), 2 and 2.0 are one number."""
    if isinstance(a, Size) or isinstance(b, Size):
        return _same_size(a, b)
    if isinstance(a, bool) is not isinstance(b, bool):
        return False
    return bool(a == b)


def _same_size(a: Any, b: Any) -> bool:
    for value in (a, b):
        if isinstance(value, bool) or not isinstance(value, int | Size):
            return False
    verdict = equal(a, b)
    if verdict is None:
        raise Rejected("AG305", f"it cannot be proven whether {a} equals {b}")
    return verdict


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": _same,
    "!=": lambda a, b: not _same(a, b),
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _comparison(left: Run, right: Run, sign: str, site: Site) -> Run:
    compare, ordering = _COMPARISONS[sign], sign not in ("==", "!=")

    def run(names: Mapping[str, Any], dim: ReadDim) -> bool:
        a, b = left(names, dim), right(names, dim)
        if ordering and (type(a) is not int or type(b) is not int):
            _need_numbers(sign, (a, b), site)
        try:
            return compare(a, b)
        except Rejected as rejected:
            raise site.located(rejected) from None

    return run


# --- functions ---------------------------------------------------------------------------------------------------

_FUNCTIONS: Mapping[str, int] = {"min": 0, "max": 0, "ceil": 1, "floor": 1, "round": 1, "log2": 1}
"""How many values each takes; 0 stands for any number of them."""
_ROUNDINGS: Mapping[str, Callable[[float], int]] = {"ceil": math.ceil, "floor": math.floor, "round": round}
"""``round`` takes halves to the even neighbour, as Python does."""


def _rounded(name: str, argument: Run, site: Site) -> Run:
    rounding = _ROUNDINGS[name]

    def run(names: Mapping[str, Any], dim: ReadDim) -> Any:
        value = argument(names, dim)
        if type(value) is int or type(value) is Size:
            return value
        _need_numbers(name, (value,), site)
        return rounding(value)

    return run


def _logarithm(argument: Run, site: Site) -> Run:
    def run(names: Mapping[str, Any], dim: ReadDim) -> Any:
        value = argument(names, dim)
        _need_numbers("log2", (value,), site)
        if type(value) is Size:
            raise site.rejected("AG302", f"log2 needs a known number, got {value}")
        if value <= 0:
            raise site.worthless(f"log2 needs a number above 0, got {shown(value)}")
        half, exponent = math.frexp(value)  # a power of two is told exactly, and has a whole logarithm
        return exponent - 1 if half == 0.5 else math.log2(value)

    return run


def _extreme(name: str, arguments: tuple[Run, ...], site: Site) -> Run:
    sign = 1 if name == "max" else -1

    def run(names: Mapping[str, Any], dim: ReadDim) -> Any:
        values = tuple(argument(names, dim) for argument in arguments)
        _need_numbers(name, values, site)
        best = values[0]
        for value in values[1:]:
            if _at_least(sign * best, sign * value):
                continue
            if not _at_least(sign * value, sign * best):
                raise site.rejected("AG305", f"it cannot be proven which of {best} and {value} is greater", _BOUNDS)
            best = value
        return best

    return run


def _at_least(a: Any, b: Any) -> bool:
    """Whether ``a >= b`` is proven."""
    if isinstance(a, Size) or isinstance(b, Size):
        return at_least(a - b, 0) is True
    return bool(a >= b)


_BOUNDS = 'state a "minimum" or a "maximum" of the size under "dims"'
