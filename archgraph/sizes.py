"""Symbolic sizes: polynomials over named sizes and floor divisions, in a normal form that proves equality."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from archgraph.diagnostics import Rejected

MOST_PARTS = 120
"""Symbols and operations in one size; beyond that it is refused rather than let a file buy minutes of algebra."""
HIGHEST_DEGREE = 8
MOST_TERMS_OF_A_BOUND = 100
"""A bound that needs more terms than this is unknown."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named size. Equal names are equal sizes; what is known of it comes from ``dims`` in the file.

    `minimum` and `maximum` are tightened to multiples of `multiple_of`. Raises `Rejected` (AG201, AG210) where no
    positive size would be left.
    """

    name: str
    multiple_of: int = 1
    minimum: int = 1
    maximum: int | None = None
    key: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        for name in ("multiple_of", "minimum"):
            if getattr(self, name) < 1:
                raise Rejected("AG201", f"must be at least 1, got {getattr(self, name)}", field=f"/{name}")
        step = self.multiple_of
        low = -(-self.minimum // step) * step
        high = None if self.maximum is None else self.maximum // step * step
        if high is not None and high < low:
            asked = f"a multiple of {step} from {self.minimum} to {self.maximum}"
            raise Rejected("AG210", f"no size is {asked}", field="/maximum")
        object.__setattr__(self, "minimum", low)
        object.__setattr__(self, "maximum", high)
        object.__setattr__(self, "key", f"{self.name} {step} {low} {high}")

    @property
    def parts(self) -> int:
        """How many symbols and operations it takes to write."""
        return 1

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Quotient:
    """``dividend // divisor``, rounded down, where nothing simpler is known. Made by `Size` alone."""

    dividend: "Size"
    divisor: int
    key: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        inner = "+".join(f"{count}*" + "*".join(a.key for a in atoms) for atoms, count in self.dividend.terms)
        object.__setattr__(self, "key", f"~({inner})//{self.divisor}")

    @property
    def parts(self) -> int:
        """How many symbols and operations it takes to write."""
        return 1 + self.dividend.parts

    def __str__(self) -> str:
        return str(Division(dict(self.dividend.terms), self.divisor))


class Slack(NamedTuple):
    """An unknown from 0 to `most` (None: without end). Only bounds are reckoned in it."""

    key: str
    most: int | None


Atom = Symbol | Quotient | Slack
Count = int | Fraction
Monomial = tuple[Any, ...]
"""Atoms in the order of their keys, each as often as its power; () stands for the constant."""
Terms = dict[Monomial, Count]


@dataclass(frozen=True, slots=True, repr=False)
class Size:
    """A whole number that is not known yet: a sum of products of symbols and quotients, with rational factors.

    Every single term is a whole number (``Fraction(1, 2) * H`` occurs only where H is even), and the normal form is
    reached on construction, so ``==`` is a proof of equality; use `archgraph.shapes.equal` to learn whether two sizes
    are proven to differ. Results that hold no symbol any more are plain ints. Comparisons (``<`` and its kin) answer
    when there is a proof and raise `Rejected` (AG305) when there is none.
    """

    terms: tuple[tuple[Monomial, Count], ...]
    parts: int = field(init=False, compare=False)
    _hash: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        parts = sum(1 + sum(atom.parts for atom in atoms) for atoms, _ in self.terms)
        if parts > MOST_PARTS or max(len(atoms) for atoms, _ in self.terms) > HIGHEST_DEGREE:
            raise Rejected(
                "AG305",
                "a size becomes too complicated to reason about",
                hint="give a number for some of the symbolic sizes",
            )
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "_hash", hash(self.terms))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return Size, (self.terms,)  # the stored hash is only good in the process that made it

    def __str__(self) -> str:
        return _text(_pieces(dict(self.terms)))

    def __repr__(self) -> str:
        return str(self)  # messages quote values with repr

    def __add__(self, other: "Dim") -> "Dim":
        if not isinstance(other, int | Size):
            return NotImplemented
        return _dim(_sum(dict(self.terms), _terms(other)))

    __radd__ = __add__

    def __neg__(self) -> "Dim":
        return _dim(_scaled(dict(self.terms), -1))

    def __sub__(self, other: "Dim") -> "Dim":
        return self + -other if isinstance(other, int | Size) else NotImplemented

    def __rsub__(self, other: "Dim") -> "Dim":
        return -self + other if isinstance(other, int | Size) else NotImplemented

    def __mul__(self, other: "Dim") -> "Dim":
        if not isinstance(other, int | Size):
            return NotImplemented
        return _dim(_product(dict(self.terms), _terms(other)))

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> "Dim":
        if not isinstance(exponent, int) or exponent < 0:
            return NotImplemented
        if exponent > HIGHEST_DEGREE:
            raise Rejected("AG305", f"{self} to the power {exponent} is too complicated to reason about")
        return math.prod([self] * exponent)

    def __floordiv__(self, other: "Dim") -> "Dim":
        if isinstance(other, Size):
            return _exact(self, other)
        if not isinstance(other, int):
            return NotImplemented
        if other == 0:
            raise ZeroDivisionError(f"{self} // 0")
        return _floor(self, other) if other > 0 else -self // -other

    def __rfloordiv__(self, other: int) -> "Dim":
        raise Rejected("AG302", f"cannot divide {other} by {self}, which must be known for that")

    def __mod__(self, other: "Dim") -> "Dim":
        return self - self // other * other if isinstance(other, int | Size) else NotImplemented

    def __rmod__(self, other: int) -> "Dim":
        return self.__rfloordiv__(other)

    def __truediv__(self, other: "Dim") -> "Dim":
        if not isinstance(other, int | Size):
            return NotImplemented
        quotient = self // other
        if quotient * other != self:
            raise Rejected(
                "AG305", f"it cannot be proven that {self} is divisible by {other}", hint="use // to round down"
            )
        return quotient

    def __rtruediv__(self, other: int) -> "Dim":
        return self.__rfloordiv__(other)

    def __lt__(self, other: "Dim") -> bool:
        return not self >= other

    def __le__(self, other: "Dim") -> bool:
        return not self >= other + 1

    def __gt__(self, other: "Dim") -> bool:
        return self >= other + 1

    def __ge__(self, other: "Dim") -> bool:
        difference = self - other
        low, high = lower(difference), upper(difference)
        if low is not None and low >= 0:
            return True
        if high is not None and high < 0:
            return False
        hint = 'state a "minimum" or a "maximum" of the size under "dims"'
        raise Rejected("AG305", f"it cannot be proven whether {self} is at least {other}", hint=hint)

    def __index__(self) -> int:
        raise Rejected("AG302", f"a known size is needed here, got {self}")


Dim = int | Size


def symbol(name: str, *, multiple_of: int = 1, minimum: int = 1, maximum: int | None = None) -> Dim:
    """The size called `name`; a plain int where the constraints leave only one. Raises as `Symbol` does."""
    atom = Symbol(name, multiple_of, minimum, maximum)
    return atom.minimum if atom.minimum == atom.maximum else Size((((atom,), 1),))


def lower(dim: Dim) -> int | None:
    """The largest number that `dim` is proven never to fall below, or None."""
    return dim if isinstance(dim, int) else _lowest(dim)


def upper(dim: Dim) -> int | None:
    """The smallest number that `dim` is proven never to exceed, or None."""
    return dim if isinstance(dim, int) else _highest(dim)


def differ(a: Dim, b: Dim) -> bool:
    """Whether it is proven that `a` and `b` are never equal: by their bounds, or by a common factor (2*H and 3)."""
    difference = _sum(_terms(a), _scaled(_terms(b), -1))
    low, negated = _bound(difference), _bound(_scaled(difference, -1))
    if (low is not None and low > 0) or (negated is not None and negated > 0):
        return True
    factor = math.gcd(*(int(count * _unit(atoms)) for atoms, count in difference.items() if atoms))
    constant = difference.get((), 0)
    return bool(constant % factor) if factor else constant != 0


def symbols_of(dim: Dim) -> frozenset[Symbol]:
    """The symbols that `dim` depends on."""
    if isinstance(dim, int):
        return frozenset()
    atoms = {atom for monomial, _ in dim.terms for atom in monomial}
    nested = [symbols_of(atom.dividend) for atom in atoms if isinstance(atom, Quotient)]
    return frozenset(atom for atom in atoms if isinstance(atom, Symbol)).union(*nested)


def substitute(dim: Dim, values: Mapping[str, Dim]) -> Dim:
    """`dim` with sizes in place of symbols, by name. The values must meet the symbols' constraints."""
    if isinstance(dim, int):
        return dim
    total: Dim = 0
    for atoms, count in dim.terms:
        product = math.prod(_replaced(atom, values) for atom in atoms)
        total = total + product * count.numerator // count.denominator
    return total


def _replaced(atom: Atom, values: Mapping[str, Dim]) -> Dim:
    if isinstance(atom, Quotient):
        return substitute(atom.dividend, values) // atom.divisor
    assert isinstance(atom, Symbol)
    return values[atom.name] if atom.name in values else Size((((atom,), 1),))


# --- polynomials -------------------------------------------------------------------------------------------------


def _terms(dim: Dim) -> Terms:
    return {(): dim} if isinstance(dim, int) else dict(dim.terms)


def _dim(terms: Terms) -> Dim:
    kept = {atoms: count.numerator if count.denominator == 1 else count for atoms, count in terms.items() if count}
    if not any(kept):
        return int(kept.get((), 0))
    return Size(tuple(sorted(kept.items(), key=_order)))


def _order(term: tuple[Monomial, Count]) -> tuple[int, list[str]]:
    return -len(term[0]), [atom.key for atom in term[0]]


def _sum(a: Terms, b: Terms) -> Terms:
    total = dict(a)
    for atoms, count in b.items():
        total[atoms] = total.get(atoms, 0) + count
    return {atoms: count for atoms, count in total.items() if count}


def _scaled(terms: Terms, factor: Count) -> Terms:
    return {atoms: count * factor for atoms, count in terms.items()}


def _product(a: Terms, b: Terms) -> Terms:
    total: Terms = {}
    for left, count in a.items():
        for right, other in b.items():
            atoms = tuple(sorted(left + right, key=_key)) if left and right else left or right
            total[atoms] = total.get(atoms, 0) + count * other
    return total


def _key(atom: Atom) -> str:
    return atom.key


def _unit(atoms: Monomial) -> int:
    """A number that divides the product of `atoms`."""
    return math.prod(atom.multiple_of for atom in atoms if isinstance(atom, Symbol))


# --- division ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _floor(size: Size, divisor: int) -> Dim:
    """``size // divisor``: whole multiples leave the division, nested divisions join, signs are settled."""
    if divisor == 1:
        return size
    exact = {atoms: count for atoms, count in size.terms if not int(count * _unit(atoms)) % divisor}
    if exact:
        return _dim(_scaled(exact, Fraction(1, divisor))) + _dim(_sum(dict(size.terms), _scaled(exact, -1))) // divisor
    low, high = lower(size), upper(size)
    if low is not None and high is not None and low // divisor == high // divisor:
        return low // divisor
    joined = _joined(size, divisor)
    if joined is not None:
        return joined
    whole, rest, common = _split(size, divisor)
    if whole or common > 1:
        remaining, smaller = _dim(rest), divisor // common
        return _dim(whole) + (remaining // smaller)
    if size.terms[0][1] < 0:
        return -((divisor - 1 - size) // divisor)
    if divisor == 2 and rest.get(()):
        return size - 1 - (size - 1) // 2  # (x + 1)//2 == x - x//2, and one of the two must be the normal form
    return Size((((Quotient(size, divisor),), 1),))


def _joined(size: Size, divisor: int) -> Dim | None:
    """(p//a + s)//b == (p + a*s)//(a*b), and the same for -(p//a) == (a - 1 - p)//a."""
    for atoms, count in size.terms:
        if len(atoms) == 1 and isinstance(atoms[0], Quotient) and count in (1, -1):
            inner, first = atoms[0].dividend, atoms[0].divisor
            others = _dim(_sum(dict(size.terms), {atoms: -count}))
            return ((inner if count == 1 else first - 1 - inner) + others * first) // (first * divisor)
    return None


def _split(size: Size, divisor: int) -> tuple[Terms, Terms, int]:
    """Terms that leave the division, the rest with the common factor taken out, and that factor."""
    whole: Terms = {}
    rest: dict[Monomial, int] = {}
    for atoms, count in size.terms:
        times = int(count * _unit(atoms))
        quotient, left = divmod(times, divisor)
        if atoms and 2 * left > divisor:
            quotient, left = quotient + 1, left - divisor
        if quotient:
            whole[atoms] = Fraction(quotient, _unit(atoms))
        if left:
            rest[atoms] = left
    common = math.gcd(divisor, *(left for atoms, left in rest.items() if atoms))
    return whole, {atoms: Fraction(left // common, _unit(atoms)) for atoms, left in rest.items()}, common


def _exact(size: Size, divisor: Size) -> Dim:
    """``size // divisor`` by long division, where it leaves no remainder; anything else cannot be expressed."""
    atoms = sorted({atom for terms in (size.terms, divisor.terms) for m, _ in terms for atom in m}, key=_key)

    def lead(terms: Terms) -> Monomial:
        return max(terms, key=lambda monomial: [monomial.count(atom) for atom in atoms])

    low = lower(divisor)
    by, left, quotient = dict(divisor.terms), dict(size.terms), Terms()
    head = lead(by)
    while left and low is not None and low > 0:
        top = lead(left)
        factor = list(top)
        if any(top.count(atom) < head.count(atom) for atom in head):
            break
        for atom in head:
            factor.remove(atom)
        count = Fraction(left[top]) / by[head]
        if (count * _unit(tuple(factor))).denominator != 1:
            break
        step: Terms = {tuple(factor): count}
        quotient = _sum(quotient, step)
        left = _sum(left, _scaled(_product(by, step), -1))
    if left or low is None or low <= 0:
        raise Rejected("AG305", f"it cannot be proven that {size} is divisible by {divisor}")
    return _dim(quotient)


# --- bounds ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _lowest(size: Size) -> int | None:
    return _bound(dict(size.terms))


@lru_cache(maxsize=4096)
def _highest(size: Size) -> int | None:
    negated = _bound(_scaled(dict(size.terms), -1))
    return None if negated is None else -negated


def _bound(terms: Terms) -> int | None:
    """A number that `terms` never fall below: the better of two views of its quotients."""
    simple = _least(_expanded(terms, _as_slack))
    if not any(isinstance(atom, Quotient) for atoms in terms for atom in atoms):
        return simple
    exact = _least(_expanded(terms, _as_remainder))
    return simple if exact is None else exact if simple is None else max(simple, exact)


def _expanded(terms: Terms, view: Callable[[Atom], Terms]) -> Terms:
    """`terms` with every atom written as `view` says; `terms`, which have no bound, where that grows too long."""
    total: Terms = {}
    for atoms, count in terms.items():
        product: Terms = {(): count}
        for atom in atoms:
            seen = view(atom)
            if len(product) * len(seen) > MOST_TERMS_OF_A_BOUND:
                return terms
            product = _product(product, seen)
        for key, number in product.items():
            total[key] = total.get(key, 0) + number
    return total


def _range(atom: Atom) -> tuple[int | None, int | None]:
    if isinstance(atom, Symbol):
        return atom.minimum, atom.maximum
    assert isinstance(atom, Quotient)
    low, high = lower(atom.dividend), upper(atom.dividend)
    return None if low is None else low // atom.divisor, None if high is None else high // atom.divisor


@lru_cache(maxsize=4096)
def _as_slack(atom: Atom) -> Terms:
    """Minimum plus slack, or maximum minus slack: what makes ``H*W - H`` provably at least 0."""
    low, high = _range(atom)
    if low is not None:
        return {(): low, (Slack(atom.key, None if high is None else high - low),): 1}
    if high is not None:
        return {(): high, (Slack(atom.key, None),): -1}
    return {(atom,): 1}


@lru_cache(maxsize=4096)
def _as_remainder(atom: Atom) -> Terms:
    """p//n as (p - r)/n with a remainder r below n: what makes ``H - 2*(H//2)`` provably 0 or 1."""
    if not isinstance(atom, Quotient):
        return _as_slack(atom)
    remainder: Terms = {(Slack(atom.key, atom.divisor - 1),): -1}
    inner = _expanded(dict(atom.dividend.terms), _as_remainder)
    return _scaled(_sum(inner, remainder), Fraction(1, atom.divisor))


def _least(terms: Terms) -> int | None:
    total: Count = terms.get((), 0)
    for atoms, count in terms.items():
        if not all(isinstance(atom, Slack) for atom in atoms):
            return None
        if atoms and count < 0:
            if any(atom.most is None for atom in atoms):
                return None
            total += count * math.prod(atom.most for atom in atoms)
    return math.ceil(total)


# --- text --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Division:
    """A division or remainder as it is printed: ``(terms)//divisor``, ``(terms)%divisor``."""

    terms: Terms
    divisor: int
    sign: str = "//"

    def __str__(self) -> str:
        scale = math.lcm(*(count.denominator for count in self.terms.values()))
        if self.sign == "%" and scale > 1:
            return f"({_text(_pieces(self.terms))})%{self.divisor}"
        pieces = _pieces(_scaled(self.terms, scale))
        inner = _text(pieces)
        return f"{f'({inner})' if len(pieces) > 1 else inner}{self.sign}{self.divisor * scale}"


Piece = tuple[Count, Monomial | Division]


def _pieces(terms: Terms) -> list[Piece]:
    """The summands to print; remainders and upward roundings, which the normal form spells out, are recognised."""
    for atoms, count in terms.items():
        if len(atoms) == 1 and isinstance(atoms[0], Quotient):
            inner, divisor = dict(atoms[0].dividend.terms), atoms[0].divisor
            rest = _sum(terms, {atoms: -count})
            shortest = len(rest)
            if count % divisor == 0:  # -n*(x//n) == x%n - x
                without = _sum(rest, _scaled(inner, Fraction(count, divisor)))
                if len(without) < shortest:
                    return [(-count // divisor, Division(inner, divisor, "%")), *_pieces(without)]
            if divisor == 2:  # x//2 == x - (x+1)//2
                without = _sum(rest, _scaled(inner, count))
                if len(without) < shortest:
                    return _division(-count, _sum(inner, {(): 1}), divisor, without)
            return _division(count, inner, divisor, rest)
    return [(count, atoms) for atoms, count in terms.items()]


def _division(count: Count, inner: Terms, divisor: int, rest: Terms) -> list[Piece]:
    """``count*(inner//divisor) + rest``; a constant joins where it stays small, as in ``(H-1)//2``."""
    moved = inner.get((), 0) + rest.get((), 0) * count * divisor
    if count in (1, -1) and -divisor < moved < divisor:
        inner = _sum(inner, {(): rest.get((), 0) * count * divisor})
        rest = {atoms: number for atoms, number in rest.items() if atoms}
    return [(count, Division(inner, divisor)), *_pieces(rest)]


def _text(pieces: list[Piece]) -> str:
    """Positive summands first, so that a leading minus is rare; products, then divisions, then the constant."""
    text = ""
    for count, what in sorted(pieces, key=_place):
        summand = _summand(max(count, -count), what)
        if count > 0:
            text += f"+{summand}" if text else summand
        else:
            text += f"-({summand})" if not text and isinstance(what, Division) else f"-{summand}"
    return text


def _place(piece: Piece) -> tuple[bool, int]:
    count, what = piece
    return count < 0, 2 if what == () else int(isinstance(what, Division))


def _summand(count: Count, what: Monomial | Division) -> str:
    if what == ():
        return str(count)
    if isinstance(what, Division):
        return str(what) if count == 1 else f"{count}*({what})"
    factors = [str(count.numerator)] if count.numerator != 1 else []
    for atom in dict.fromkeys(what):
        power = what.count(atom)
        name = f"({atom})" if isinstance(atom, Quotient) else str(atom)
        factors.append(f"{name}**{power}" if power > 1 else name)
    return "*".join(factors) + (f"//{count.denominator}" if count.denominator > 1 else "")
