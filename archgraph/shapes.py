"""Static shapes, possibly symbolic, and dtypes. The batch axis is never part of a shape."""

import math
from collections.abc import Callable
from typing import NamedTuple

from archgraph.diagnostics import Rejected
from archgraph.sizes import (
    Dim,
    Size,
    Symbol,
    differ,
    lower,
    substitute,
    symbol,
    symbols_of,
    upper,
)

__all__ = [
    "DTYPES", "Dim", "Shape", "Size", "Symbol", "Tensor", "at_least", "ceil_div", "divisible", "equal", "known",
    "lower", "need_divisible", "need_equal", "need_known", "need_positive", "need_rank", "prod", "same_shape", "show",
    "substitute", "symbol", "symbols", "upper", "window_output",
]  # fmt: skip

Shape = tuple[Dim, ...]

DTYPES = ("float32", "float16", "bfloat16", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


class Tensor(NamedTuple):
    """What is known of a value that flows along an edge."""

    shape: Shape
    dtype: str = "float32"


def show(shape: Shape) -> str:
    """A shape as people write it: ``(28, 28, 1)``, ``(H//2, W, 3)``."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def prod(shape: Shape) -> Dim:
    """Number of elements."""
    return math.prod(shape)


def ceil_div(size: Dim, divisor: int) -> Dim:
    """``size / divisor``, rounded up."""
    return -(-size // divisor)


def known(what: Dim | Shape) -> bool:
    """Whether a size is a number, or a shape holds nothing but numbers."""
    if isinstance(what, tuple):
        return all(isinstance(dim, int) for dim in what)
    return isinstance(what, int)


def symbols(shape: Shape) -> tuple[Symbol, ...]:
    """The symbols that a shape depends on, by name."""
    found: frozenset[Symbol] = frozenset().union(*map(symbols_of, shape))
    return tuple(sorted(found, key=lambda symbol: symbol.key))


# --- proofs: True, False, or None where neither can be proven ---------------------------------------------------


def equal(a: Dim, b: Dim) -> bool | None:
    """Whether two sizes are equal for every value of the symbols (True), for none (False), or unknown (None)."""
    if a == b:
        return True
    if isinstance(a, int) and isinstance(b, int):
        return False
    return False if differ(a, b) else None


def at_least(size: Dim, least: int) -> bool | None:
    """Whether a size is at least `least`, for every value of the symbols (True) or for none (False)."""
    if isinstance(size, int):
        return size >= least
    low, high = lower(size), upper(size)
    if low is not None and low >= least:
        return True
    return False if high is not None and high < least else None


def divisible(size: Dim, divisor: int) -> bool | None:
    """Whether a size is a multiple of `divisor`, for every value of the symbols (True) or for none (False)."""
    return equal(size % divisor, 0)


def same_shape(a: Shape, b: Shape) -> bool | None:
    """Whether two shapes are equal, for every value of the symbols (True) or for none (False)."""
    if a == b:
        return True
    if len(a) != len(b):
        return False
    verdicts = [equal(left, right) for left, right in zip(a, b, strict=True)]
    return False if False in verdicts else None


# --- demands of shape rules --------------------------------------------------------------------------------------


def need_rank(tensor: Tensor, *ranks: int, what: str = "input") -> None:
    """Reject `tensor` (AG301) unless it has one of `ranks` axes."""
    if len(tensor.shape) not in ranks:
        wanted = " or ".join(map(str, ranks))
        raise Rejected("AG301", f"the {what} must have {wanted} axes without the batch, got {show(tensor.shape)}")


def need_known(size: Dim, what: str) -> int:
    """`size` as a number, or AG302. `what` opens the sentence: "the number of channels"."""
    if isinstance(size, int):
        return size
    names = ", ".join(symbol.name for symbol in symbols((size,)))
    raise Rejected(
        "AG302", f"{what} must be known, got {size}", hint=f"write a number in place of {names} in the input's shape"
    )


def need_equal(a: Dim, b: Dim, what: str) -> None:
    """Reject two sizes that differ (AG303) or may differ (AG305). `what`: "the channels of query and key"."""
    if a == b:
        return
    if equal(a, b) is False:
        raise Rejected("AG303", f"{what} must be equal, got {a} and {b}")
    raise Rejected(
        "AG305",
        f"{what} must be equal, which cannot be proven of {a} and {b}",
        hint=_remedy((a, b), equal),
    )


def need_positive(size: Dim, what: str) -> None:
    """Reject a size that is (AG304) or may be (AG305) below 1."""
    if isinstance(size, int):
        if size < 1:
            raise Rejected("AG304", f"{what} must be at least 1, got {size}")
        return
    verdict = at_least(size, 1)
    if verdict is False:
        raise Rejected("AG304", f"{what} must be at least 1, got {size}")
    if verdict is None:
        raise Rejected(
            "AG305",
            f"{what} must be at least 1, which cannot be proven of {size}",
            hint=_remedy((size,), lambda size: at_least(size, 1), "minimum"),
        )


def need_divisible(size: Dim, divisor: int, what: str) -> None:
    """Reject a size that is (AG307) or may be (AG305) no multiple of `divisor`."""
    if isinstance(size, int):
        if size % divisor:
            low = size - size % divisor
            hint = f"{low} and {low + divisor} are the nearest" if low > 0 else f"{divisor} is the nearest"
            raise Rejected("AG307", f"{what} must be divisible by {divisor}, got {size}", hint=hint)
        return
    verdict = divisible(size, divisor)
    if verdict is False:
        raise Rejected("AG307", f"{what} must be divisible by {divisor}, got {size}")
    if verdict is None:
        raise Rejected(
            "AG305",
            f"{what} must be divisible by {divisor}, which cannot be proven of {size}",
            hint=_remedy((size,), lambda size: divisible(size, divisor)),
        )


def window_output(size: Dim, extent: int, stride: int, padding: str) -> Dim:
    """Output size of a sliding window along one axis, or AG304/AG305 where the window does not fit.

    `extent` is ``dilation * (kernel - 1) + 1`` elements. "same" and "causal" give ceil(size / stride), "valid" gives
    (size - extent) // stride + 1 (Dumoulin & Visin 2016, sections 2 and 5.1).
    """
    if padding != "valid":
        return -(-size // stride)
    verdict = at_least(size, extent)
    if verdict is False:
        raise Rejected(
            "AG304", f"a window of {extent} does not fit into {size}", hint='use a smaller window or padding "same"'
        )
    if verdict is None:
        raise Rejected(
            "AG305",
            f"a window of {extent} must fit into {size}, which cannot be proven",
            hint=_remedy((size,), lambda size: at_least(size, extent), "minimum"),
        )
    return (size - extent) // stride + 1


Proof = Callable[..., bool | None]


def _remedy(sizes: Shape, proof: Proof, key: str = "multiple_of") -> str:
    """What to state under ``dims`` so that `proof` succeeds; tried before it is told."""
    found = symbols(sizes)
    if len(found) <= 3 and sum(size.parts for size in sizes if isinstance(size, Size)) <= 20:
        search = _least_minimum if key == "minimum" else _least_multiple
        for chosen in dict.fromkeys([*((one,) for one in found), found]):
            number = search(sizes, chosen, proof)
            if number is not None:
                stated = ", ".join(f'"{symbol.name}": {{"{key}": {number}}}' for symbol in chosen)
                return f'state it: "dims": {{{stated}}}'
    names = " and ".join(symbol.name for symbol in found)
    return f"write {'numbers' if len(found) > 1 else 'a number'} in place of {names} in the input's shape"


def _least_multiple(sizes: Shape, chosen: tuple[Symbol, ...], proof: Proof) -> int | None:
    candidates = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 32, 64, 128, 256)
    return next((number for number in candidates if proof(*_constrained(sizes, chosen, multiple_of=number))), None)


def _least_minimum(sizes: Shape, chosen: tuple[Symbol, ...], proof: Proof) -> int | None:
    low, high = 1, 2
    while not proof(*_constrained(sizes, chosen, minimum=high)):
        low, high = high, 2 * high
        if high > 2**16:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if proof(*_constrained(sizes, chosen, minimum=middle)) else (middle, high)
    return high


def _constrained(sizes: Shape, chosen: tuple[Symbol, ...], multiple_of: int = 1, minimum: int = 1) -> Shape:
    """`sizes` with one more constraint on each of the `chosen` symbols."""
    values: dict[str, Dim] = {
        old.name: symbol(
            old.name, multiple_of=math.lcm(old.multiple_of, multiple_of), minimum=max(old.minimum, minimum)
        )
        for old in chosen
    }
    return tuple(substitute(size, values) for size in sizes)
