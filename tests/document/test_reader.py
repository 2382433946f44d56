"""Reading: what RFC 8259 and the format refuse is refused, at its place; what they allow is read as `json` reads it."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document import reader, scanner
from archgraph.document.reader import LARGEST_FILE, Document, read, read_file

ACCEPTED: dict[str, tuple[str, Any]] = {
    "array_empty": ("[]", []),
    "array_of_empty_string": ('[""]', [""]),
    "array_nested_empty": ("[[],[[]]]", [[], [[]]]),
    "array_mixed": ('[null, 1, "1", {}]', [None, 1, "1", {}]),
    "array_space_everywhere": (" [ 1 , 2 ] ", [1, 2]),
    "array_line_breaks": ("[1\n,\r\n2\t]", [1, 2]),
    "number_zero": ("0", 0),
    "number_minus_zero": ("-0", 0),
    "number_minus_zero_float": ("-0.0", -0.0),
    "number_minus_one": ("[-1]", [-1]),
    "number_fraction": ("[12.75]", [12.75]),
    "number_fraction_of_zeros": ("[1.000]", [1.0]),
    "number_exponent": ("[1e2]", [100.0]),
    "number_exponent_capital": ("[1E2]", [100.0]),
    "number_exponent_plus": ("[1e+2]", [100.0]),
    "number_exponent_minus": ("[1e-5]", [0.00001]),
    "number_exponent_with_zeros": ("[1e-05]", [0.00001]),
    "number_zero_exponent": ("[0e1]", [0.0]),
    "number_zero_fraction_exponent": ("[0.0E+00]", [0.0]),
    "number_underflow": ("[1e-999]", [0.0]),
    "number_exact_big_integer": ("[123456789012345678901234567890]", [123456789012345678901234567890]),
    "number_of_100_digits": ("7" * 100, int("7" * 100)),
    "number_largest_float": ("[1.7976931348623157e308]", [1.7976931348623157e308]),
    "object_empty": ("{}", {}),
    "object_simple": ('{"a":[]}', {"a": []}),
    "object_empty_key": ('{"":0}', {"": 0}),
    "object_keys_that_differ_in_case": ('{"a":1,"A":2}', {"a": 1, "A": 2}),
    "object_same_key_in_two_objects": ('{"a":{"a":1}}', {"a": {"a": 1}}),
    "object_line_breaks": ('{\n"a"\n:\n1\n}', {"a": 1}),
    "object_key_of_1000_characters": ('{"' + "é" * 1000 + '":1,"b":{}}', {"é" * 1000: 1, "b": {}}),
    "object_escaped_key": (r'{"\u0061b":1}', {"ab": 1}),
    "string_plain": ('"asd"', "asd"),
    "string_empty": ('""', ""),
    "string_space": ('" "', " "),
    "string_all_short_escapes": (r'"\"\\\/\b\f\n\r\t"', '"\\/\b\f\n\r\t'),
    "string_unicode_escape": (r'"\u0041\u00e9\u20AC"', "Aé€"),
    "string_escaped_null": (r'"\u0000"', "\0"),
    "string_surrogate_pair": (r'"\uD83D\uDE00"', "😀"),
    "string_two_pairs": (r'"\ud83d\ude00\ud83d\ude01"', "😀😁"),
    "string_escaped_backslash_before_u": (r'"\\ud800"', "\\ud800"),
    "string_two_backslashes_at_the_end": (r'"a\\"', "a\\"),
    "string_raw_non_ascii": ('"é😀中"', "é😀中"),
    "string_raw_delete": ('"\x7f"', "\x7f"),
    "string_raw_line_separator": ('"\u2028\u2029"', "\u2028\u2029"),
    "string_raw_noncharacter": ('"\uffff"', "\uffff"),
    "string_of_brackets": ('["]]]}}}[[[", "{"]', ["]]]}}}[[[", "{"]),
    "string_of_commas": ('",,,,"', ",,,,"),
    "string_zero_width_mark_inside": ('"a\ufeff"', "a\ufeff"),
    "literal_true": ("true", True),
    "literal_false": ("false", False),
    "literal_null": ("null", None),
    "literal_spaces_around": ("\t true \n", True),
    "nested_64_lists": ("[" * 64 + "]" * 64, None),
    "nested_64_objects": ('{"a":' * 64 + "1" + "}" * 64, None),
}

REFUSED: dict[str, tuple[str | bytes, str, int, int]] = {
    # name: text, code, line, column
    "nothing": ("", "AG101", 1, 1),
    "only_space": (" \n ", "AG101", 2, 2),
    "only_form_feed": ("\f", "AG101", 1, 1),
    "only_no_break_space": ("\u00a0", "AG101", 1, 1),
    "only_nul": ("\0", "AG101", 1, 1),
    "array_unclosed": ("[1", "AG101", 1, 3),
    "array_unclosed_after_comma": ("[1,", "AG101", 1, 4),
    "array_unclosed_in_lines": ("[1,\n 2\n", "AG101", 3, 1),
    "array_only_opened": ("[", "AG101", 1, 2),
    "array_only_closed": ("]", "AG101", 1, 1),
    "array_trailing_comma": ("[1,]", "AG101", 1, 3),
    "array_two_trailing_commas": ("[1,,]", "AG101", 1, 4),
    "array_only_comma": ("[,]", "AG101", 1, 2),
    "array_leading_comma": ("[,1]", "AG101", 1, 2),
    "array_double_comma": ("[1,,2]", "AG101", 1, 4),
    "array_missing_comma": ("[1 2]", "AG101", 1, 4),
    "array_missing_comma_lists": ("[[][]]", "AG101", 1, 4),
    "array_colon": ('["a":1]', "AG101", 1, 5),
    "array_closed_by_brace": ("[1}", "AG101", 1, 3),
    "array_text_behind": ("[1]x", "AG101", 1, 4),
    "array_second_value": ("[] []", "AG101", 1, 4),
    "array_closed_twice": ("[]]", "AG101", 1, 3),
    "array_star": ("[*]", "AG101", 1, 2),
    "array_vertical_tab": ("[1\v]", "AG101", 1, 2),
    "array_form_feed": ("[\f]", "AG101", 1, 2),
    "array_no_break_space": ("[\u00a01]", "AG101", 1, 2),
    "number_leading_zero": ("[01]", "AG101", 1, 2),
    "number_two_zeros": ("[00]", "AG101", 1, 2),
    "number_minus_leading_zero": ("[-01]", "AG101", 1, 2),
    "number_only_minus": ("[-]", "AG101", 1, 2),
    "number_minus_space": ("[- 1]", "AG101", 1, 2),
    "number_two_minus": ("[--1]", "AG101", 1, 2),
    "number_plus": ("[+1]", "AG101", 1, 2),
    "number_plus_minus": ("[+-1]", "AG101", 1, 2),
    "number_no_digit_before_point": ("[.5]", "AG101", 1, 2),
    "number_minus_point": ("[-.5]", "AG101", 1, 2),
    "number_no_digit_after_point": ("[1.]", "AG101", 1, 2),
    "number_point_exponent": ("[1.e2]", "AG101", 1, 2),
    "number_exponent_empty": ("[1e]", "AG101", 1, 2),
    "number_exponent_sign_only": ("[1e+]", "AG101", 1, 2),
    "number_exponent_fraction": ("[1e2.5]", "AG101", 1, 2),
    "number_exponent_twice": ("[1e2e3]", "AG101", 1, 2),
    "number_hexadecimal": ("[0x1F]", "AG101", 1, 2),
    "number_octal": ("[0o7]", "AG101", 1, 2),
    "number_underscore": ("[1_000]", "AG101", 1, 2),
    "number_space_inside": ("[1 000]", "AG101", 1, 4),
    "number_with_letter": ("[1a]", "AG101", 1, 2),
    "number_suffix": ("[1.0f]", "AG101", 1, 2),
    "number_fullwidth_digit": ("[１]", "AG101", 1, 2),
    "number_arabic_digit": ("[1٢]", "AG101", 1, 2),
    "number_expression": ("[1+2]", "AG101", 1, 2),
    "number_infinity_word": ("[Inf]", "AG101", 1, 2),
    "number_infinity_sign": ("[∞]", "AG101", 1, 2),
    "number_minus_nan": ("[-NaN]", "AG101", 1, 2),
    "number_plus_infinity": ("[+Infinity]", "AG101", 1, 2),
    "number_minus_infinity_spaced": ("[- Infinity]", "AG101", 1, 2),
    "number_nan_small": ("[nan]", "AG101", 1, 2),
    "nan": ("[NaN]", "AG103", 1, 2),
    "infinity": ("[Infinity]", "AG103", 1, 2),
    "minus_infinity": ('{"a":\n  -Infinity}', "AG103", 2, 3),
    "number_overflows": ("[1e309]", "AG103", 1, 2),
    "number_overflows_below": ("[-1e99999]", "AG103", 1, 2),
    "number_of_101_digits": ("[" + "1" * 101 + "]", "AG106", 1, 2),
    "number_of_5000_digits": ("[" + "1" * 5000 + "]", "AG106", 1, 2),
    "number_long_fraction": ("[0." + "0" * 99 + "]", "AG106", 1, 2),
    "number_long_exponent": ("[1e" + "0" * 99 + "]", "AG106", 1, 2),
    "object_unclosed": ('{"a":1', "AG101", 1, 7),
    "object_only_opened": ("{", "AG101", 1, 2),
    "object_unclosed_after_key": ('{"a"', "AG101", 1, 5),
    "object_unclosed_after_colon": ('{"a":', "AG101", 1, 6),
    "object_trailing_comma": ('{"a":1,}', "AG101", 1, 7),
    "object_two_trailing_commas": ('{"a":1,,}', "AG101", 1, 8),
    "object_leading_comma": ('{,"a":1}', "AG101", 1, 2),
    "object_no_value": ('{"a":}', "AG101", 1, 6),
    "object_no_colon": ('{"a" 1}', "AG101", 1, 6),
    "object_double_colon": ('{"a"::1}', "AG101", 1, 6),
    "object_equals_sign": ('{"a"=1}', "AG101", 1, 5),
    "object_comma_for_colon": ('{"a",1}', "AG101", 1, 5),
    "object_only_key": ('{"a"}', "AG101", 1, 5),
    "object_bare_key": ("{a:1}", "AG101", 1, 2),
    "object_number_key": ("{1:1}", "AG101", 1, 2),
    "object_null_key": ("{null:1}", "AG101", 1, 2),
    "object_single_quoted_key": ("{'a':1}", "AG101", 1, 2),
    "object_list_key": ("{[]:1}", "AG101", 1, 2),
    "object_missing_comma": ('{"a":1 "b":2}', "AG101", 1, 8),
    "object_closed_by_bracket": ('{"a":1]', "AG101", 1, 7),
    "object_text_behind": ("{} #", "AG101", 1, 4),
    "object_comment": ('{"a":1 /* b */}', "AG101", 1, 8),
    "object_line_comment": ('{ // c\n"a":1}', "AG101", 1, 3),
    "object_semicolon": ('{"a":1;}', "AG101", 1, 6),
    "key_twice": ('{"a":1,\n"a":2}', "AG102", 2, 1),
    "key_twice_with_equal_values": ('{"a":1,"a":1}', "AG102", 1, 8),
    "key_twice_by_escape": (r'{"a":1,"\u0061":1}', "AG102", 1, 8),
    "key_twice_deep": ('[{"a":{"b":1,"b":2}}]', "AG102", 1, 14),
    "string_unclosed": ('"a', "AG101", 1, 1),
    "string_only_quote": ('["', "AG101", 1, 2),
    "string_escaped_end": (r'["a\"]', "AG101", 1, 2),
    "string_single_quotes": ("['a']", "AG101", 1, 2),
    "string_backquotes": ("[`a`]", "AG101", 1, 2),
    "string_typographic_quotes": ("[“a”]", "AG101", 1, 2),
    "string_line_break": ('["a\nb"]', "AG101", 1, 4),
    "string_carriage_return": ('["a\rb"]', "AG101", 1, 4),
    "string_tab": ('["\t"]', "AG101", 1, 3),
    "string_nul": ('["a\0"]', "AG101", 1, 4),
    "string_unit_separator": ('["\x1f"]', "AG101", 1, 3),
    "string_escape_x": (r'["\x41"]', "AG101", 1, 3),
    "string_escape_a": (r'["\a"]', "AG101", 1, 3),
    "string_escape_quote": (r'["\'"]', "AG101", 1, 3),
    "string_escape_capital_u": (r'["\U0001F600"]', "AG101", 1, 3),
    "string_escape_line_break": ('["\\\n"]', "AG101", 1, 3),
    "string_escape_short": (r'["\u12"]', "AG101", 1, 3),
    "string_escape_not_hex": (r'["\u12G4"]', "AG101", 1, 3),
    "string_escape_signed": (r'["\u+123"]', "AG101", 1, 3),
    "string_escape_braced": (r'["\u{41}"]', "AG101", 1, 3),
    "string_escape_at_the_end": ('["\\', "AG101", 1, 3),
    "surrogate_high": (r'["\ud800"]', "AG105", 1, 3),
    "surrogate_low": (r'["ab\uDC00"]', "AG105", 1, 5),
    "surrogate_high_then_letter": (r'["\ud800x"]', "AG105", 1, 3),
    "surrogate_high_then_escape": (r'["\ud800\n"]', "AG105", 1, 3),
    "surrogate_high_twice": (r'["\ud800\ud800"]', "AG105", 1, 3),
    "surrogates_in_the_wrong_order": (r'["\ude00\ud83d"]', "AG105", 1, 3),
    "surrogate_in_a_key": (r'{"\ud800":1}', "AG105", 1, 3),
    "surrogate_after_a_pair": (r'["\ud83d\ude00\ude00"]', "AG105", 1, 15),
    "surrogate_raw": ('["\ud800"]', "AG105", 1, 3),
    "surrogate_raw_pair": ('["\ud83d\ude00"]', "AG105", 1, 3),
    "literal_capital": ("[True]", "AG101", 1, 2),
    "literal_all_capital": ("[NULL]", "AG101", 1, 2),
    "literal_python_none": ("[None]", "AG101", 1, 2),
    "literal_cut": ("[tru]", "AG101", 1, 2),
    "literal_long": ("[nulls]", "AG101", 1, 2),
    "literal_two": ("[true false]", "AG101", 1, 7),
    "literal_undefined": ("[undefined]", "AG101", 1, 2),
    "bare_word": ("hello", "AG101", 1, 1),
    "yaml": ("a: 1\n", "AG101", 1, 1),
    "xml": ("<a/>", "AG101", 1, 1),
    "python_tuple": ("(1, 2)", "AG101", 1, 1),
    "nested_65_lists": ("[" * 65 + "]" * 65, "AG107", 1, 65),
    "nested_65_objects": ('{"a":' * 65 + "1" + "}" * 65, "AG107", 1, 321),
    "nested_65_beside_strings_of_brackets": ('["]]]]",' * 64 + "[]" + "]" * 64, "AG107", 1, 513),
    "byte_order_mark": ("\ufeff{}", "AG104", 1, 1),
    "byte_order_mark_bytes": (b"\xef\xbb\xbf{}", "AG104", 1, 1),
    "utf16_little": ("{}".encode("utf-16"), "AG104", 1, 1),
    "utf16_big": (b"\xfe\xff\x00{\x00}", "AG104", 1, 1),
    "utf16_without_mark": ('{"é":1}'.encode("utf-16-le"), "AG104", 1, 5),
    "latin1": ('{"a":\n"é"}'.encode("latin-1"), "AG104", 2, 2),
    "utf8_cut": (b'["\xe2\x82', "AG104", 1, 3),
    "utf8_overlong": (b'["\xc0\xaf"]', "AG104", 1, 3),
    "utf8_surrogate": (b'["\xed\xa0\x80"]', "AG104", 1, 3),
    "utf8_beyond_unicode": (b'["\xf5\x80\x80\x80"]', "AG104", 1, 3),
    "utf8_bad_after_other_characters": ('["é😀'.encode() + b"\x80", "AG104", 1, 5),
    "key_of_1001_characters": ('{"a": 1, "' + "k" * 1001 + '": [1]}', "AG108", 1, 10),
    "key_of_1001_characters_before_others": ('{"' + "k" * 1001 + '": 1, "b": 1}', "AG108", 1, 2),
    "too_large": (b" " * (LARGEST_FILE + 1), "AG108", 1, 1),
    "too_large_text": ("é" * (LARGEST_FILE // 2 + 1), "AG108", 1, 1),
}


def refusal(text: str | bytes) -> tuple[Diagnostic, ...]:
    with pytest.raises(GraphError) as caught:
        read(text)
    return caught.value.diagnostics


def test_the_tables_are_long_enough() -> None:
    assert len(ACCEPTED) + len(REFUSED) >= 200
    assert {code for _, code, _, _ in REFUSED.values()} == {f"AG10{digit}" for digit in range(1, 9)}


@pytest.mark.parametrize("name", ACCEPTED)
def test_correct_json_is_read(name: str) -> None:
    text, value = ACCEPTED[name]
    document = read(text)
    assert repr(document.value) == repr(json.loads(text) if value is None else value)
    assert read(text.encode()) == document


@pytest.mark.parametrize("name", REFUSED)
def test_bad_json_is_refused_at_its_place(name: str) -> None:
    text, code, line, column = REFUSED[name]
    first, *more = refusal(text)
    assert (first.code, first.line, first.column) == (code, line, column)
    assert more == []
    assert first.message
    assert first.file == "<graph>"


@pytest.mark.parametrize("name", [name for name, case in REFUSED.items() if isinstance(case[0], str)])
def test_the_standard_library_refuses_all_that_rfc_8259_refuses(name: str) -> None:
    text, code, _, _ = REFUSED[name]
    if code == "AG101":
        with pytest.raises(ValueError):
            json.loads(str(text))


def test_both_readings_give_the_same_values() -> None:
    for text, _ in ACCEPTED.values():
        assert repr(scanner.scan(text).value) == repr(json.loads(text))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
SCRAPS = st.sampled_from(
    [
        *"\"\\{}[],:01-+.eE \n\t\0é'\ufeff\ud800",
        *("NaN", "Infinity", "true", "null", "\\u00e9", "\\ud83d", "\\ude00", '"a"', '"a":', "//", "1e999", "9" * 99),
    ]
)


@st.composite
def almost_json(draw: st.DrawFn) -> str:
    """A JSON text with a few scraps put in, taken out or exchanged."""
    text = json.dumps(draw(VALUES), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(text)))
        text = text[:begin] + draw(SCRAPS | st.just("")) + text[begin + draw(st.integers(0, 3)) :]
    return text


@settings(max_examples=400, deadline=None)
@given(almost_json() | st.lists(SCRAPS, max_size=12).map("".join))
@example('["[",""]')
@example('["\\""]')
@example('{"a":{"a":1},"a":1}')
def test_the_fast_and_the_strict_reading_agree(text: str) -> None:
    strict = scanner.scan(text)
    try:
        fast = reader._fast(text, "")
    except reader._Suspicious:
        return
    except ValueError:
        assert strict.faults
        return
    assert not strict.faults or text.startswith("\ufeff")
    assert repr(strict.value) == repr(fast)


@settings(max_examples=400, deadline=None)
@given(almost_json())
def test_whatever_is_read_either_holds_or_is_refused_with_a_place(text: str) -> None:
    try:
        document = read(text)
    except GraphError as error:
        lines = text.split("\n")
        for one in error.diagnostics:
            assert 1 <= one.line <= len(lines)
            assert 1 <= one.column <= len(lines[one.line - 1]) + 1
        return
    assert repr(document.value) == repr(json.loads(text))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_no_bytes_bring_a_traceback(data: bytes) -> None:
    try:
        value = read(data).value
    except GraphError as error:
        assert all(one.line and one.column for one in error.diagnostics)
    else:
        assert repr(value) == repr(json.loads(data.decode()))


def test_every_fault_is_reported_at_once_in_the_order_of_the_text() -> None:
    text = '{"a": NaN, "b": [1, {"c": 1, "c": 2}, 1e400], "a/~b": "\\ud800", d: 1}'
    assert [(one.code, one.pointer) for one in refusal(text)] == [
        ("AG103", "/a"),
        ("AG102", "/b/1/c"),
        ("AG103", "/b/2"),
        ("AG105", "/a~1~0b"),
        ("AG101", ""),
    ]


def test_an_ordinary_large_file_takes_the_fast_reading() -> None:
    node = {"op": "conv", "in": "x", "doc": 'brackets [ and quotes \\ " and é', "rate": 1e-5, "list": [[1], {}]}
    text = json.dumps({"nodes": {f"n{number}": node for number in range(5000)}})
    assert reader._fast(text, "") == json.loads(text)


def test_a_flood_of_faults_is_cut_short() -> None:
    assert len(refusal("[" + ",".join(["NaN"] * 100_000) + "]")) == scanner.MOST_FAULTS


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[1,]", "delete the comma"),
        ("[True]", "JSON writes true"),
        ("{'a':1}", "double quotes"),
        ("[01]", "no leading + or zeros"),
        ("[1 // x\n]", "no comments"),
        ("[[1]\n", "begins at 1:1"),
        ('["a\nb"]', r"\n"),
        ("[1 2]", "comma missing"),
    ],
)
def test_a_common_slip_gets_its_remedy(text: str, hint: str) -> None:
    assert hint in refusal(text)[0].hint


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000, '[{"":' * 50_000])
def test_deep_nesting_is_refused_within_a_tenth_of_a_second(text: str) -> None:
    begun = time.process_time()
    diagnostics = refusal(text)
    assert time.process_time() - begun < 0.1
    assert [one.code for one in diagnostics] == ["AG107"]


@pytest.mark.parametrize("unit", ["[],", "{},", "0,"])
def test_too_many_values_are_refused(unit: str) -> None:
    text = "[" + unit * scanner.MOST_VALUES + "0]"
    assert [one.code for one in refusal(text)] == ["AG108"]


def test_long_names_do_not_swell_the_messages() -> None:
    text = '{"' + "k" * 5_000_000 + '": {"' + "n" * 1000 + '": [' + "NaN, " * 200 + "0]}}"
    assert sum(len(str(one)) for one in refusal(text)) < 1_000_000


def test_brackets_and_commas_within_strings_count_for_nothing() -> None:
    text = json.dumps(["[{" * 300, "," * (scanner.MOST_VALUES + 1), '"', "\\"])
    assert read(text).value == json.loads(text)


PLACES = """{
  "name": "é😀", "a/b": [1,
    {"~": null}],
  "nodes": {
    "x": {"op": "conv", "in": "y"}
  }
}
"""


@pytest.mark.parametrize(
    ("pointer", "value_place", "key_place"),
    [
        ("", (1, 1), (1, 1)),
        ("/name", (2, 11), (2, 3)),
        ("/a~1b", (2, 24), (2, 17)),
        ("/a~1b/0", (2, 25), (2, 25)),
        ("/a~1b/1", (3, 5), (3, 5)),
        ("/a~1b/1/~0", (3, 11), (3, 6)),
        ("/nodes/x/op", (5, 17), (5, 11)),
        ("/nodes/x/in", (5, 31), (5, 25)),
        ("/nodes/x/missing", (5, 10), (5, 10)),
        ("/nodes/nothing/of/this", (4, 12), (4, 12)),
        ("/a~1b/2", (2, 24), (2, 24)),
        ("/a~1b/01", (2, 24), (2, 24)),
        ("/a~1b/-1", (2, 24), (2, 24)),
        ("/a~1b/１", (2, 24), (2, 24)),
        ("no pointer", (1, 1), (1, 1)),
    ],
)
def test_a_pointer_is_located(pointer: str, value_place: tuple[int, int], key_place: tuple[int, int]) -> None:
    document = read(PLACES)
    assert document.locate(pointer) == value_place
    assert document.locate(pointer, key=True) == key_place


def every_pointer(value: Any, pointer: str = "") -> list[tuple[str, Any]]:
    found = [(pointer, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += every_pointer(item, pointer + scanner.step(key))
    return found


@settings(max_examples=100, deadline=None)
@given(VALUES, st.sampled_from([None, 0, 3]))
def test_at_the_place_of_every_value_stands_that_value(value: Any, indent: int | None) -> None:
    document = read(json.dumps(value, indent=indent))
    lines = document.text.split("\n")
    for pointer, expected in every_pointer(document.value):
        line, column = document.locate(pointer)
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        assert repr(json.JSONDecoder().raw_decode(rest)[0]) == repr(expected)


def test_findings_are_placed_and_sorted_and_an_unknown_key_is_shown_itself() -> None:
    document = read(PLACES, "net.graph.json")
    elsewhere = Diagnostic("AG101", "", "x").located("other.json", 7, 7)
    found = [
        elsewhere,
        Diagnostic("AG201", "/nodes/x/in", "late"),
        Diagnostic("AG203", "/nodes/x/op", "unknown key"),
        Diagnostic("AG204", "", "early"),
    ]
    assert [(one.file, one.line, one.column) for one in document.place(found)] == [
        ("net.graph.json", 1, 1),
        ("net.graph.json", 5, 11),
        ("net.graph.json", 5, 31),
        ("other.json", 7, 7),
    ]


def test_a_document_is_a_frozen_value() -> None:
    document = read("{}")
    with pytest.raises(AttributeError):
        document.text = "[]"  # type: ignore[misc]
    assert {document, Document("<graph>", "{}", {})} == {document}


def test_the_order_of_keys_is_kept() -> None:
    assert list(read('{"z":1,"a":2,"m":3}').value) == ["z", "a", "m"]


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "é.json"
    path.write_bytes('{"a": "é"}\r\n'.encode())
    document = read_file(path)
    assert document == Document(str(path), '{"a": "é"}\r\n', {"a": "é"})


def test_a_fault_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text("[\n1,]")
    with pytest.raises(GraphError, match=r"bad\.json:2:2 /: AG101"):
        read_file(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}")
    for name, words in {
        "reel.json": "did you mean 'real.json'",
        "": "directory",
        "real.json/x": "",
        "a\0b": "",
    }.items():
        with pytest.raises(GraphError) as caught:
            read_file(f"{tmp_path}/{name}")
        assert [one.code for one in caught.value.diagnostics] == ["AG109"]
        assert words in str(caught.value)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.json"
    with path.open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(GraphError, match="AG108"):
        read_file(path)


def test_an_endless_file_is_refused() -> None:
    with pytest.raises(GraphError, match="AG108"):
        read_file("/dev/zero")


def test_integers_and_floats_stay_apart() -> None:
    assert [type(item) for item in read("[1, 1.0, 1e0]").value] == [int, float, float]
    assert math.copysign(1, read("-0.0").value) == -1
