"""Sizes behave as the integers they stand for; what is proven is true. The oracle is Python's own arithmetic."""

import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archgraph.diagnostics import Rejected
from archgraph.expression import compile_expression
from archgraph.shapes import (
    Dim,
    Size,
    Symbol,
    Tensor,
    at_least,
    ceil_div,
    divisible,
    equal,
    known,
    lower,
    need_divisible,
    need_equal,
    need_known,
    need_positive,
    need_rank,
    prod,
    same_shape,
    show,
    substitute,
    symbol,
    symbols,
    upper,
    window_output,
)

H, W = symbol("H"), symbol("W")
EVEN = symbol("E", multiple_of=32)
OTHER = symbol("Z")
SHORT = symbol("T", minimum=3, maximum=20)

# --- random sizes: a tree of operations, built from symbols and, independently, from numbers ---------------------

SYMBOLS = {
    "H": H,
    "W": W,
    "E": symbol("E", multiple_of=4),
    "F": symbol("F", multiple_of=6, minimum=5),
    "T": SHORT,
}
VALUES = st.fixed_dictionaries(
    {
        "H": st.integers(1, 40) | st.integers(1, 200),
        "W": st.integers(1, 40),
        "E": st.integers(1, 20).map(lambda k: 4 * k),
        "F": st.integers(1, 20).map(lambda k: 6 * k),
        "T": st.integers(3, 20),
    }
)
JOIN: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
DIVIDE: dict[str, Callable[[Any, Any], Any]] = {"//": operator.floordiv, "%": operator.mod, "ceil": ceil_div}


def _grown(tree: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.tuples(st.sampled_from([*JOIN]), tree, tree)
        | st.tuples(st.sampled_from([*DIVIDE]), tree, st.integers(1, 9))
        | st.tuples(st.sampled_from(["//", "%"]), tree, st.sampled_from([2, 2, 4, 32, -3]))
    )


TREES = st.recursive(st.sampled_from([*SYMBOLS]) | st.integers(-5, 9), _grown, max_leaves=5)


def built(tree: Any, values: dict[str, Any]) -> Any:
    """The value of `tree` with `values` (symbolic or not) for its names."""
    if isinstance(tree, str):
        return values[tree]
    if isinstance(tree, int):
        return tree
    sign, left, right = tree
    return {**JOIN, **DIVIDE}[sign](built(left, values), built(right, values))


@given(TREES, VALUES)
def test_arithmetic_is_that_of_the_integers(tree: Any, values: dict[str, int]) -> None:
    assert substitute(built(tree, SYMBOLS), values) == built(tree, values)


@given(TREES, VALUES)
def test_the_text_of_a_size_is_an_expression_of_the_same_value(tree: Any, values: dict[str, int]) -> None:
    text = f"={built(tree, SYMBOLS)}"
    assume(len(text) <= 256)
    assert compile_expression(text).evaluate(values) == built(tree, values)


@given(TREES, VALUES)
def test_bounds_are_never_exceeded(tree: Any, values: dict[str, int]) -> None:
    size, value = built(tree, SYMBOLS), built(tree, values)
    low, high = lower(size), upper(size)
    assert (low is None or low <= value) and (high is None or value <= high)


@given(TREES, TREES, st.integers(-5, 20), st.integers(1, 9), VALUES)
def test_proofs_are_never_wrong(a: Any, b: Any, least: int, divisor: int, values: dict[str, int]) -> None:
    left, right = built(a, SYMBOLS), built(b, SYMBOLS)
    x, y = built(a, values), built(b, values)
    assert equal(left, right) in (None, x == y)
    assert at_least(left, least) in (None, x >= least)
    assert divisible(left, divisor) in (None, x % divisor == 0)
    assert same_shape((left, 3), (right, 3)) in (None, x == y)


@given(TREES, TREES, VALUES)
def test_comparisons_are_right_or_refused(a: Any, b: Any, values: dict[str, int]) -> None:
    left, right = built(a, SYMBOLS), built(b, SYMBOLS)
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        try:
            verdict = compare(left, right)
        except Rejected as rejected:
            assert rejected.code == "AG305"
        else:
            assert verdict == compare(built(a, values), built(b, values))


@given(TREES, TREES)
def test_equal_sums_and_products_are_recognised(a: Any, b: Any) -> None:
    x, y = built(a, SYMBOLS), built(b, SYMBOLS)
    assert x + y == y + x and hash(x + y) == hash(y + x)
    assert x * y == y * x
    assert x - x == 0 and x + y - y == x
    assert (x + y) * 2 == 2 * y + x * 2
    assert 3 * (x // 3) + x % 3 == x
    assert (6 * x) // 6 == x
    assert (x + 5 * OTHER) // 5 == x // 5 + OTHER


@given(st.sampled_from([*SYMBOLS.values()]), st.lists(st.tuples(st.integers(-3, 9), st.integers(1, 6)), max_size=4))
def test_equal_chains_of_windows_are_recognised(size: Any, windows: list[tuple[int, int]]) -> None:
    for offset, stride in windows:
        size = (size + offset) // stride
    assert size // 4 == size // 2 // 2
    assert size // 6 == size // 2 // 3 == size // 3 // 2
    for divisor in (2, 3, 4):
        assert ceil_div(size, divisor) == (size + divisor - 1) // divisor


@given(TREES, TREES, VALUES)
def test_an_exact_quotient_is_found_or_refused(a: Any, b: Any, values: dict[str, int]) -> None:
    x, y = built(a, SYMBOLS), built(b, SYMBOLS)
    assume(isinstance(y, Size) and x)
    try:
        quotient = x * y // y
    except Rejected as rejected:
        assert rejected.code == "AG305"
    else:
        assert substitute(quotient, values) == built(a, values)


# --- sizes by hand -----------------------------------------------------------------------------------------------

TEXTS = [
    (H // 2, "H//2"),
    (2 * H + 1, "2*H+1"),
    ((H + 1) // 2, "(H+1)//2"),
    (ceil_div(H, 2), "(H+1)//2"),
    (W * H, "H*W"),
    (H * H * 2, "2*H**2"),
    ((H - 3) // 2 + 1, "(H-1)//2"),
    (H // 2 + 1, "H//2+1"),
    (1 - H, "1-H"),
    (-H, "-H"),
    (-(H // 2), "-(H//2)"),
    (W - H // 2, "W-H//2"),
    (H % 4, "H%4"),
    (1 - H % 2, "1-H%2"),
    (W * (H // 2), "W*(H//2)"),
    (2 * (H // 3), "2*(H//3)"),
    (EVEN // 2, "E//2"),
    (3 * EVEN // 32, "3*E//32"),
    (EVEN // 64, "E//64"),
    ((EVEN // 2) % 32, "16*((E//32)%2)"),
    (H // 2 // 3, "H//6"),
    (ceil_div(ceil_div(ceil_div(H, 2), 2), 2), "(H+7)//8"),
    ((H * W) // 5, "H*W//5"),
]


@pytest.mark.parametrize(("size", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_a_size_is_written_as_people_write_it(size: Size, text: str) -> None:
    assert str(size) == text
    assert compile_expression("=" + text).evaluate({"H": H, "W": W, "E": EVEN}) == size


PROVEN = [
    ("a multiple of 32 is even", 2 * (EVEN // 2), EVEN),
    ("rounding up an exact division changes nothing", ceil_div(EVEN, 32), EVEN // 32),
    ("a multiple leaves no remainder", EVEN % 32, 0),
    ("every term of a sum is divisible", (EVEN + 64 * H) // 32, EVEN // 32 + 2 * H),
    ("a remainder below the divisor falls away", (2 * H + 1) // 2, H),
    ("an odd size", (2 * H + 1) % 2, 1),
    ("a small size divided by a large number", SHORT // 21, 0),
    ("five halvings in a row", ceil_div(ceil_div(ceil_div(ceil_div(EVEN, 2), 2), 2), 2), EVEN // 16),
    ("flattening and undoing it", (H * W * 3) // (H * W), 3),
    ("a factor that is a sum", ((H + 1) * (W + 2)) // (W + 2), H + 1),
    ("halves add up", H // 2 + (H + 1) // 2, H),
    ("concatenated halves", EVEN // 2 + EVEN // 2, EVEN),
]


@pytest.mark.parametrize(("a", "b"), [case[1:] for case in PROVEN], ids=[case[0] for case in PROVEN])
def test_equality_is_proven(a: Dim, b: Dim) -> None:
    assert a == b and equal(a, b) is True


VERDICTS = [
    ("different names", equal(H, W), None),
    ("an offset", equal(H, H + 1), False),
    ("even is never odd", equal(2 * H, 2 * W + 1), False),
    ("below the minimum", equal(SHORT, 2), False),
    ("above the maximum", equal(SHORT, 21), False),
    ("within the bounds", equal(SHORT, 7), None),
    ("too low for the multiple", equal(EVEN, 16), False),
    ("numbers", equal(3, 4), False),
    ("a size is positive", at_least(H, 1), True),
    ("a larger one is not certain", at_least(H, 2), None),
    ("the minimum", at_least(SHORT - 2, 1), True),
    ("beyond the maximum", at_least(SHORT, 21), False),
    ("a product less one factor", at_least(H * W - H, 0), True),
    ("sizes after valid convolutions multiply", at_least((H - 1) * (W - 1), 0), True),
    ("half of at least one, rounded up", at_least(ceil_div(H, 2), 1), True),
    ("half of at least one, rounded down", at_least(H // 2, 1), None),
    ("a remainder is never negative", at_least(H % 7, 0), True),
    ("and never reaches the divisor", at_least(H % 7, 7), False),
    ("by its factor", divisible(EVEN, 8), True),
    ("by the factor of a product", divisible(EVEN * H, 32), True),
    ("off by one", divisible(EVEN + 1, 2), False),
    ("not known", divisible(H, 2), None),
    ("shapes of one rank", same_shape((H, 3), (H, 4)), False),
    ("shapes that may agree", same_shape((H, 3), (W, 3)), None),
    ("one difference is enough", same_shape((H, 3), (W, 4)), False),
    ("shapes of two ranks", same_shape((3,), (3, 1)), False),
    ("equal shapes", same_shape((H, 3), (H, 3)), True),
]


@pytest.mark.parametrize(("verdict", "expected"), [v[1:] for v in VERDICTS], ids=[v[0] for v in VERDICTS])
def test_a_question_is_proven_refuted_or_left_open(verdict: bool | None, expected: bool | None) -> None:
    assert verdict is expected


def test_constants_are_plain_integers() -> None:
    for result in (H - H, H * 0, H + 1 - H, EVEN % 2, symbol("S", minimum=5, maximum=5), (H * W) // (H * W)):
        assert type(result) is int


def test_a_size_survives_pickling() -> None:
    size = (H * W + 3) // 4
    assert pickle.loads(pickle.dumps(size)) == size


def test_a_size_cannot_be_used_as_a_number_by_mistake() -> None:
    with pytest.raises(Rejected) as caught:
        range(H)  # type: ignore[arg-type]
    assert caught.value.code == "AG302"
    for refused in (lambda: 7 // H, lambda: 7 % H, lambda: 7 / H):
        with pytest.raises(Rejected) as caught:
            refused()
        assert caught.value.code == "AG302"


def test_dividing_by_zero_is_the_error_it_always_is() -> None:
    for divide in (operator.floordiv, operator.mod, operator.truediv):
        with pytest.raises(ZeroDivisionError):
            divide(H, 0)


def test_true_division_needs_a_proof() -> None:
    assert EVEN / 2 == EVEN // 2
    with pytest.raises(Rejected, match="cannot be proven that H is divisible by 2"):
        H / 2


@pytest.mark.parametrize("grow", [lambda x: x * x, lambda x: x * (H + 1), lambda x: (3 * x + W) // 2 * 5 + x // 7])
def test_a_size_that_grows_without_end_is_refused(grow: Callable[[Any], Any]) -> None:
    size: Any = H + W
    with pytest.raises(Rejected, match="too complicated") as caught:
        for _ in range(1000):
            size = grow(size)
    assert caught.value.code == "AG305"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"multiple_of": 0}, "AG201"),
        ({"minimum": 0}, "AG201"),
        ({"minimum": 5, "maximum": 4}, "AG210"),
        ({"minimum": 33, "maximum": 63, "multiple_of": 32}, "AG210"),
    ],
)
def test_constraints_that_leave_no_size_are_refused(arguments: dict[str, int], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        symbol("H", **arguments)
    assert caught.value.code == code


def test_bounds_of_a_symbol_are_tightened_to_its_multiple() -> None:
    size = symbol("H", multiple_of=32, minimum=33, maximum=127)
    assert (lower(size), upper(size)) == (64, 96)


# --- shapes ------------------------------------------------------------------------------------------------------


def test_a_shape_is_shown_as_a_tuple() -> None:
    assert [show(shape) for shape in [(), (3,), (H // 2, W, 3)]] == ["()", "(3,)", "(H//2, W, 3)"]


def test_the_number_of_elements_knows_no_overflow() -> None:
    assert prod(()) == 1
    assert prod((10**12, 10**12, 10**12)) == 10**36
    assert prod((H, 2, W)) == 2 * H * W


def test_a_shape_is_known_when_all_its_sizes_are() -> None:
    assert known((3, 4)) and known(3) and known(())
    assert not known((3, H)) and not known(H)


def test_the_symbols_of_a_shape_are_found_inside_divisions() -> None:
    assert symbols(((W * (H // 3)) // 2, 4, W)) == (Symbol("H"), Symbol("W"))


# dumoulin: "A guide to convolution arithmetic for deep learning", the worked figures of section 2
WINDOWS = [
    (28, 5, 1, "valid", 24),
    (28, 5, 1, "same", 28),
    (5, 3, 2, "valid", 2),
    (6, 3, 2, "valid", 2),
    (7, 5, 1, "valid", 3),  # 3 elements, dilated by 2
    (224, 7, 2, "same", 112),
    (5, 3, 2, "same", 3),
    (5, 3, 2, "causal", 3),
    (3, 3, 5, "valid", 1),
    (H, 3, 1, "same", H),
    (H, 3, 2, "same", (H + 1) // 2),
    (EVEN, 3, 2, "same", EVEN // 2),
    (EVEN, 5, 1, "valid", EVEN - 4),
    (EVEN, 2, 2, "valid", EVEN // 2),
]


@pytest.mark.parametrize(("size", "extent", "stride", "padding", "expected"), WINDOWS)
def test_a_sliding_window(size: Dim, extent: int, stride: int, padding: str, expected: Dim) -> None:
    assert window_output(size, extent, stride, padding) == expected


# --- demands -----------------------------------------------------------------------------------------------------

REFUSED = [
    (lambda: need_equal(3, 4, "the channels"), "AG303", "the channels must be equal, got 3 and 4", ""),
    (lambda: need_equal(H, H + 1, "the heights"), "AG303", "the heights must be equal, got H and H+1", ""),
    (
        lambda: need_equal(2 * ceil_div(H, 2), H, "the heights"),
        "AG305",
        "the heights must be equal, which cannot be proven of 2*((H+1)//2) and H",
        'state it: "dims": {"H": {"multiple_of": 2}}',
    ),
    (
        lambda: need_equal(H, W, "height and width"),
        "AG305",
        "height and width must be equal, which cannot be proven of H and W",
        "write numbers in place of H and W in the input's shape",
    ),
    (lambda: need_positive(0, "the height"), "AG304", "the height must be at least 1, got 0", ""),
    (lambda: need_positive(SHORT - 20, "the length"), "AG304", "the length must be at least 1, got T-20", ""),
    (
        lambda: need_positive(H - 6, "the height"),
        "AG305",
        "the height must be at least 1, which cannot be proven of H-6",
        'state it: "dims": {"H": {"minimum": 7}}',
    ),
    (
        lambda: need_divisible(10, 4, "the channels"),
        "AG307",
        "the channels must be divisible by 4, got 10",
        "8 and 12 are the nearest",
    ),
    (
        lambda: need_divisible(3, 4, "the channels"),
        "AG307",
        "the channels must be divisible by 4, got 3",
        "4 is the nearest",
    ),
    (lambda: need_divisible(EVEN + 1, 2, "it"), "AG307", "it must be divisible by 2, got E+1", ""),
    (
        lambda: need_positive(H // 32 - 6, "the height"),
        "AG305",
        "the height must be at least 1, which cannot be proven of H//32-6",
        'state it: "dims": {"H": {"minimum": 224}}',
    ),
    (
        lambda: need_divisible(H * W, 6, "the area"),
        "AG305",
        "the area must be divisible by 6, which cannot be proven of H*W",
        'state it: "dims": {"H": {"multiple_of": 6}}',
    ),
    (
        lambda: need_divisible(H * 2, 6, "the height"),
        "AG305",
        "the height must be divisible by 6, which cannot be proven of 2*H",
        'state it: "dims": {"H": {"multiple_of": 3}}',
    ),
    (
        lambda: need_known(H // 2, "the number of channels"),
        "AG302",
        "the number of channels must be known, got H//2",
        "write a number in place of H in the input's shape",
    ),
    (
        lambda: need_rank(Tensor((H, 3)), 3, 4),
        "AG301",
        "the input must have 3 or 4 axes without the batch, got (H, 3)",
        "",
    ),
    (
        lambda: window_output(5, 7, 1, "valid"),
        "AG304",
        "a window of 7 does not fit into 5",
        'use a smaller window or padding "same"',
    ),
    (
        lambda: window_output(H, 7, 1, "valid"),
        "AG305",
        "a window of 7 must fit into H, which cannot be proven",
        'state it: "dims": {"H": {"minimum": 7}}',
    ),
]


@pytest.mark.parametrize(("demand", "code", "message", "hint"), REFUSED, ids=[case[2] for case in REFUSED])
def test_a_demand_that_is_not_met_says_how_to_meet_it(
    demand: Callable[[], Any], code: str, message: str, hint: str
) -> None:
    with pytest.raises(Rejected) as caught:
        demand()
    assert (caught.value.code, caught.value.message, caught.value.hint) == (code, message, hint)


def test_demands_that_are_met_are_silent() -> None:
    need_equal(H + W, W + H, "sizes")
    need_positive(ceil_div(H, 2), "size")
    need_divisible(EVEN, 16, "size")
    need_divisible(12, 4, "size")
    need_rank(Tensor((1, 2)), 2)
    assert need_known(7, "size") == 7


@given(st.integers(1, 300), st.integers(1, 9), st.integers(1, 4))
def test_a_window_on_a_symbol_gives_what_it_gives_on_the_number(number: int, extent: int, stride: int) -> None:
    size = symbol("S", minimum=9)
    for padding in ("same", "valid"):
        output = window_output(size, extent, stride, padding)
        expected = window_output(max(number, 9), extent, stride, padding)
        assert substitute(output, {"S": max(number, 9)}) == expected
        assert (lower(output) or 0) >= 1
        assert math.isclose(int(expected), max(number, 9) / stride, abs_tol=extent + 1)
