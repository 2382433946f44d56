"""Expressions mean what they mean in Python, or are refused with the place. The oracle is Python's own eval."""

import math
import pickle
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archgraph.diagnostics import Rejected
from archgraph.expression import compile_expression
from archgraph.kinds import Integer
from archgraph.shapes import Dim, Size, symbol

H = symbol("H")
EVEN = symbol("E", multiple_of=32)
NAMES: dict[str, Any] = {
    "width": 8,
    "i": 3,
    "rate": 0.25,
    "project": True,
    "unit": "basic",
    "strides": (2, 1),
    "act": None,
}
SHAPES: dict[str, tuple[Dim, ...]] = {"x": (H, EVEN, 3)}


def dim(port: str, axis: int) -> Dim:
    """Sizes of the input ports that the tests know."""
    if port not in SHAPES:
        raise Rejected("AG401", f"no input port {port!r}", hint="known: x")
    return SHAPES[port][axis]


def value(text: str) -> Any:
    """What `text` evaluates to, among the names and ports above."""
    return compile_expression(text).evaluate(NAMES, dim)


VALUES = [
    ("=4*width", 32),
    ("= 4 * width ", 32),
    ("=width/4", 2),
    ("=width//3", 2),
    ("=-width//3", -3),
    ("=-7 % 3", 2),
    ("=2**-1", 0.5),
    ("=-2**2", -4),
    ("=2**3**2", 512),
    ("=10-3-2", 5),
    ("=100/10/2", 5),
    ("=1.5e1", 15.0),
    ("=.5*width", 4.0),
    ("=width if project else 2*width", 8),
    ("=1 if width < 4 else 2 if width < 10 else 3", 2),
    ("=2 if not project or i == 3 and width > 7 else 1", 2),
    ("=false or project", True),
    ("=project and 1/0 == 0 if not project else true", True),
    ("=1/0 if false else 1", 1),
    ("=false and 1/0 > 1", False),
    ("=min(width, i, 5)", 3),
    ("=max(width, 0.5)", 8),
    ("=max(i)", 3),
    ("=ceil(width/3)", 3),
    ("=floor(width/3)", 2),
    ("=ceil(3)", 3),
    ("=log2(1024)", 10),
    ("=log2(1)", 0),
    ("=log2(2**53)", 53),
    ("=log2(2*width) - i", 1),
    ("=log2(rate)", -2),
    ("=2**log2(width)", 8),
    ("=log2(width/3)", math.log2(8 / 3)),
    ("=round(0.5)", 0),
    ("=round(1.5)", 2),
    ("=round(2.5)", 2),
    ("=unit == 'basic'", True),
    ('=unit != "basic"', False),
    ("=true == 1", False),
    ("=act == 'relu'", False),
    ("=unit == 3", False),
    ("=width == 8.0", True),
    ("='='", "="),
    ("=strides", (2, 1)),
    ("=act", None),
    ("=true", True),
    ("=9007199254740992", 2**53),
    ("=2**53", 2**53),
    ("=dim(x, -1)", 3),
    ("=dim(x, 1 - 2) * i", 9),
    ("=dim(x, 0)", H),
    ("=dim(x, 0)//2", H // 2),
    ("=2*dim(x, 0) + 1", 2 * H + 1),
    ("=dim(x, 0)**2 % 5", H * H % 5),
    ("=-dim(x, 0)", -H),
    ("=dim(x, 1)/32", EVEN // 32),
    ("=dim(x, 1)/dim(x, 1)", 1),
    ("=ceil(dim(x, 0))", H),
    ("=dim(x, 0) > 0", True),
    ("=dim(x, 1) == 16", False),
    ("=dim(x, 0) == dim(x, 0)", True),
    ("=dim(x, 0) != unit", True),
    ("=min(dim(x, 0), 1)", 1),
    ("=max(0, dim(x, 0))", H),
    ("=max(dim(x, 0), dim(x, 0) + 1)", H + 1),
]


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[case[0] for case in VALUES])
def test_an_expression_has_the_value_worked_out_by_hand(text: str, expected: Any) -> None:
    result = value(text)
    assert result == expected and type(result) is type(expected)


UNREADABLE = [
    ("=", "expected a value, got the end, at column 2: =«»", ""),
    ("=4*", "expected a value, got the end, at column 4: =4*«»", ""),
    ("=4*)", 'expected a value, got ")", at column 4: =4*«)»', ""),
    ("=(4", 'expected ")", got the end, at column 4: =(4«»', ""),
    ("=4)", 'expected an operator or the end, got ")", at column 3: =4«)»', ""),
    ("=2 width", 'expected an operator or the end, got "width", at column 4: =2 «width»', ""),
    ("=2width", 'expected an operator or the end, got "width", at column 3: =2«width»', ""),
    ("=1 if 2", 'expected "else", got the end, at column 8: =1 if 2«»', ""),
    ("=1+not 2", 'expected a value, got "not", at column 4: =1+«not» 2', ""),
    ("=+1", 'expected a value, got "+", at column 2: =«+»1', ""),
    ("=1<2<3", "comparisons cannot be chained, at column 5: =1<2«<»3", 'write "a < b and b < c"'),
    ("=a = 1", 'cannot read "=", at column 4: =a «=» 1', "equality is written =="),
    ("=a ^ 2", 'cannot read "^", at column 4: =a «^» 2', "powers are written **"),
    ("='a", "cannot read \"'\", at column 2: =«'»a", "the quotation mark is not closed"),
    ("=x.y", 'cannot read ".", at column 3: =x«.»y', 'a size is read with dim(x, -1), "x.y" does not exist'),
    ("=[1]", 'cannot read "[", at column 2: =«[»1]', None),
    ("=a; b", 'cannot read ";", at column 3: =a«;» b', ""),
    ("=é", 'cannot read "é", at column 2: =«é»', ""),
    ("=dim(1, 2)", 'expected the name of an input port, got "1", at column 6: =dim(«1», 2)', ""),
    ("=dim(x)", 'expected ",", got ")", at column 7: =dim(x«)»', ""),
    ("=min()", 'expected a value, got ")", at column 6: =min(«)»', ""),
    ("=ceil(1, 2)", "ceil takes one value, got 2, at column 2: =«ceil(1, 2)»", ""),
    ("=log2(1, 2)", "log2 takes one value, got 2, at column 2: =«log2(1, 2)»", ""),
    ("=miin(1)", "unknown function 'miin', at column 2: =«miin»(1)", None),
    ("=9007199254740993", "a number must be between -2**53 and 2**53, at column 2: =«9007199254740993»", ""),
    ("=1e999", "a number must be between -2**53 and 2**53, at column 2: =«1e999»", ""),
    ("width", 'an expression must begin with "=", got "width"', ""),
    ("=" + "1" * 256, "an expression must have at most 256 characters, got 257", ""),
]


@pytest.mark.parametrize(("text", "message", "hint"), UNREADABLE, ids=[case[0][:20] for case in UNREADABLE])
def test_what_cannot_be_read_is_quoted_with_its_column(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(Rejected) as caught:
        compile_expression(text)
    assert (caught.value.code, caught.value.message) == ("AG208", message)
    assert hint is None or caught.value.hint == hint


WORTHLESS = [
    ("=2*widht", "AG209", "unknown name 'widht', at column 4: =2*«widht»"),
    ("=True", "AG209", "unknown name 'True', at column 2: =«True»"),
    ("=1/(i-3)", "AG209", "division by zero, at column 2: =«1/(i-3)»"),
    ("=1//0", "AG209", "division by zero, at column 2: =«1//0»"),
    ("=1.5%0", "AG209", "division by zero, at column 2: =«1.5%0»"),
    ("=0**-1", "AG209", "division by zero, at column 2: =«0**-1»"),
    ("=dim(x,0)//0", "AG209", "division by zero, at column 2: =«dim(x,0)//0»"),
    ("=true+1", "AG209", "+ takes numbers, got true and 1, at column 2: =«true+1»"),
    ('="a"*2', "AG209", '* takes numbers, got "a" and 2, at column 2: =«"a"*2»'),
    ("=-unit", "AG209", '- takes numbers, got 0 and "basic", at column 2: =«-unit»'),
    ("=strides*2", "AG209", "* takes numbers, got [2, 1] and 2, at column 2: =«strides*2»"),
    ("=unit < 2", "AG209", '< takes numbers, got "basic" and 2, at column 2: =«unit < 2»'),
    ("=max(1, true)", "AG209", "max takes numbers, got 1 and true, at column 2: =«max(1, true)»"),
    ("=round(unit)", "AG209", 'round takes numbers, got "basic", at column 2: =«round(unit)»'),
    ("=log2(0)", "AG209", "log2 needs a number above 0, got 0, at column 2: =«log2(0)»"),
    ("=2+log2(-rate)", "AG209", "log2 needs a number above 0, got -0.25, at column 4: =2+«log2(-rate)»"),
    ("=log2(unit)", "AG209", 'log2 takes numbers, got "basic", at column 2: =«log2(unit)»'),
    ("=log2(dim(x, 0))", "AG302", "log2 needs a known number, got H, at column 2: =«log2(dim(x, 0))»"),
    ("=1 if width else 2", "AG209", "must be true or false, got 8, at column 7: =1 if «width» else 2"),
    ("=not 1", "AG209", "must be true or false, got 1, at column 6: =not «1»"),
    ("=project and 1", "AG209", "must be true or false, got 1, at column 14: =project and «1»"),
    ("=2**52*4", "AG209", "the value would not be between -2**53 and 2**53, at column 2: =«2**52*4»"),
    ("=3**40", "AG209", "the value would not be between -2**53 and 2**53, at column 2: =«3**40»"),
    ("=2**65", "AG209", "an exponent must be between -64 and 64, got 65, at column 2: =«2**65»"),
    ("=(-8)**0.5", "AG209", "-8 to the power 0.5 is not a real number, at column 2: =«(-8)**0.5»"),
    ("=1/1e-300/1e-300", "AG209", "the value would not be between -2**53 and 2**53, at column 2: =«1/1e-300»/1e-300"),
    ("=dim(x, 0.5)", "AG209", "the axis must be an integer, got 0.5, at column 9: =dim(x, «0.5»)"),
    ("=dim(y, 0)", "AG401", "no input port 'y', at column 2: =«dim(y, 0)»"),
    ("=dim(x, 0)/2", "AG305", "it cannot be proven that H is divisible by 2, at column 2: =«dim(x, 0)/2»"),
    ("=dim(x, 0)==3", "AG305", "it cannot be proven whether H equals 3, at column 2: =«dim(x, 0)==3»"),
    ("=dim(x, 0)>3", "AG305", "it cannot be proven whether H is at least 4, at column 2: =«dim(x, 0)>3»"),
    (
        "=max(9, dim(x, 0))",
        "AG305",
        "it cannot be proven which of 9 and H is greater, at column 2: =«max(9, dim(x, 0))»",
    ),
    ("=6/dim(x, 0)", "AG302", "cannot divide 6 by H, which must be known for that, at column 2: =«6/dim(x, 0)»"),
    ("=2**dim(x, 0)", "AG302", "an exponent must be known, got H, at column 2: =«2**dim(x, 0)»"),
    (
        "=dim(x, 0)**-1",
        "AG209",
        "the exponent of H must be a whole number of at least 0, got -1, at column 2: =«dim(x, 0)**-1»",
    ),
    (
        "=0.5*dim(x, 0)",
        "AG209",
        "* cannot join a symbolic size and a fraction, got 0.5 and H, at column 2: =«0.5*dim(x, 0)»",
    ),
]


@pytest.mark.parametrize(("text", "code", "message"), WORTHLESS, ids=[case[0] for case in WORTHLESS])
def test_what_has_no_value_is_quoted_with_its_column(text: str, code: str, message: str) -> None:
    expression = compile_expression(text)
    with pytest.raises(Rejected) as caught:
        expression.evaluate(NAMES, dim)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_an_unknown_name_is_answered_with_the_nearest_and_with_all() -> None:
    with pytest.raises(Rejected) as caught:
        compile_expression("=2*widht").evaluate({"width": 1, "i": 0})
    assert caught.value.hint == "did you mean 'width'? known: i, width"


def test_dim_outside_a_block_is_refused() -> None:
    with pytest.raises(Rejected, match="dim can be used inside blocks only"):
        compile_expression("=dim(x, 0)").evaluate({})


def test_a_fraction_is_refused_where_a_whole_number_is_needed() -> None:
    with pytest.raises(Rejected, match=r"must be an integer, got 2\.666") as caught:
        Integer(1).check(value("=width/3"))
    assert caught.value.hint == "2 and 3 are the nearest"


@pytest.mark.parametrize(("levels", "readable"), [(32, True), (33, False)])
@pytest.mark.parametrize("opening", ["(", "-", "ceil("])
def test_nesting_is_limited(opening: str, levels: int, readable: bool) -> None:
    text = "=" + opening * levels + "1" + ")" * (levels * opening.count("("))
    if readable:
        assert value(text) == 1
        return
    with pytest.raises(Rejected, match="nested more than 32 levels deep"):
        compile_expression(text)


def test_a_name_has_at_most_64_characters() -> None:
    assert compile_expression("=" + "n" * 64).evaluate({"n" * 64: 7}) == 7
    with pytest.raises(Rejected, match="at most 64 characters"):
        compile_expression("=" + "n" * 65)


def test_the_names_and_ports_it_reads_are_known_beforehand() -> None:
    expression = compile_expression("=min(a, dim(x, b)) if c == 'd' else dim(y, -1)")
    assert expression.names == {"a", "b", "c"} and expression.ports == {"x", "y"}


def test_a_function_name_without_parentheses_is_a_parameter() -> None:
    assert compile_expression("=dim*min").evaluate({"dim": 3, "min": 4}) == 12


def test_reading_the_same_text_again_gives_the_same_expression() -> None:
    assert compile_expression("=4*width") is compile_expression("=4*width")
    copied = pickle.loads(pickle.dumps(compile_expression("=4*width")))
    assert copied.evaluate({"width": 2}) == 8


# --- against Python's eval: flat texts, so that precedence and associativity are Python's -----------------------

LITERALS = st.integers(0, 12).map(str) | st.sampled_from(["0.5", "2.25", "1e3", "3.", ".5", "a", "b", "c", "a", "b"])
COMPARED = st.sampled_from([" == ", "!=", "<", "<=", " > ", ">="])
SIGN = st.sampled_from(["+", "-", " * ", "/", "//", "%", "**"])


def _text(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


TRUTHS: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["true", "false", "yes"]),
        _text(NUMBERS, COMPARED, NUMBERS),
        _text(TRUTHS, st.sampled_from([" and ", " or "]), TRUTHS),
        _text("not ", TRUTHS),
        _text("(", TRUTHS, ")"),
    )
)
NUMBERS: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        LITERALS,
        _text(NUMBERS, SIGN, NUMBERS),
        _text("-", NUMBERS),
        _text("(", NUMBERS, ")"),
        _text("(", NUMBERS, " if ", TRUTHS, " else ", NUMBERS, ")"),
        _text(st.sampled_from(["min(", "max("]), NUMBERS, ", ", NUMBERS, ")"),
        _text(st.sampled_from(["ceil(", "floor(", "round(", "log2("]), NUMBERS, ")"),
    )
)
TOO_MUCH = ("at most 256 characters", "more than 32 levels deep")
NO_VALUE = (
    "division by zero",
    "between -2**53 and 2**53",
    "an exponent must be between",
    "is not a real number",
    "above 0",
)


@given(NUMBERS, st.integers(-9, 40), st.integers(1, 9), st.floats(-8, 8, width=16), st.booleans())
def test_a_value_is_the_one_python_gives(text: str, a: int, b: int, c: float, yes: bool) -> None:
    names = {"a": a, "b": b, "c": c, "yes": yes}
    try:
        result = compile_expression("=" + text).evaluate(names)
    except Rejected as rejected:
        reasons = {"AG208": TOO_MUCH, "AG209": NO_VALUE}[rejected.code]
        assert any(reason in rejected.message for reason in reasons)
        return
    python = {**names, "true": True, "false": False, "ceil": math.ceil, "floor": math.floor, "log2": math.log2}
    assert math.isclose(result, eval(text, python), rel_tol=1e-12)


# --- whatever the text holds ------------------------------------------------------------------------------------

WORDS = "width dim( dim(x, min( ceil( log2( // ** == != <= >= 64 1e9 9.5 'q' and or not if else true false"
PIECES = st.sampled_from([*"ab(),+-*/%<>012\"'. ", *WORDS.split(" "), " if ", " else ", " and "])
SOUP = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=300)
CODES = {"AG208", "AG209", "AG302", "AG305", "AG401"}


@given(SOUP)
def test_no_text_raises_anything_but_a_rejection(text: str) -> None:
    names = {"a": 7, "b": H, "width": 2**53}
    try:
        compile_expression("=" + text).evaluate(names, lambda port, axis: EVEN)
    except Rejected as rejected:
        assert rejected.code in CODES and rejected.message


WORST = [
    ("9**" * 25 + "9", "AG209"),
    ("(" * 255, "AG208"),
    ("-" * 255, "AG208"),
    ("not " * 63, "AG208"),
    ("1+" * 127 + "1", 128),
    ("1 if true else " * 16 + "1", 1),
    ("*".join(["b"] * 127), "AG305"),
    ("*".join(["(a+b)"] * 40), "AG305"),
    ("(a+b)**12//7", "AG305"),
    ("(a+b)**6//7", "a size"),
    ("b//3+b*" * 30 + "b", "a size"),
    ("//".join(["b"] + ["3+b"] * 40), "a size"),
    ("'" * 255, "AG208"),
    (" " * 255, "AG208"),
    ("9" * 255, "AG208"),
    ("1e" + "9" * 253, "AG208"),
    ("min(" * 60 + "1", "AG208"),
]


@pytest.mark.parametrize(("text", "expected"), WORST, ids=range(len(WORST)))
def test_the_worst_text_is_answered_in_no_time(text: str, expected: Any) -> None:
    started = time.process_time()
    try:
        result = compile_expression("=" + text).evaluate({"a": EVEN, "b": H})
    except Rejected as rejected:
        result = rejected.code
    assert time.process_time() - started < 0.5
    assert result == expected or (isinstance(result, Size) and expected == "a size")
