"""Contracts: which hold, which are broken, which cannot be decided; and what is said about them."""

import pytest

from archgraph.analysis.contracts import smallest_is
from archgraph.shapes import Dim, symbol
from tests.analysis.texts import MARK, file, findings, marked

# conv: 108 weights and 4 biases; 64 positions; a batch_norm of 4 channels
NET = '"a": {"op": "conv", "in": "x", "filters": 4, "kernel_size": 3}, "n": {"op": "batch_norm", "in": "a"}'
FREE = '{"x": {"shape": ["H", 8, 3]}}'


def expecting(expect: str, **parts: str) -> str:
    more = parts.pop("more", "")
    return file(NET, more=f'{more}{"," if more else ""} "expect": {{{expect}}}', outputs='{"y": "n"}', **parts)


@pytest.mark.parametrize(
    "expect",
    [
        '"params": 128', '"params": "== 128"', '"params": "<= 128"', '"params": "< 129"', '"params": ">127.5"',
        '"params": "<= 1.28e2"', '"trainable": 120', '"macs": 6912', '"flops": "== 13824"', '"nodes": 2',
        '"receptive_field": 3', '"receptive_field": ">= 3"', '"outputs": {"y": [8, 8, 4]}', '"params": "=100 + 28"',
        '"params": "=width*32"', '"outputs": {"y": ["=2*width", 8, "width"]}',
        '"params": "=\'<= 128\' if width > 3 else 1"', '"outputs": {}', "",
    ],
)  # fmt: skip
def test_contracts_that_hold_say_nothing(expect: str) -> None:
    used = '"params": {"width": 4}' if "width" in expect else ""
    assert findings(expecting(expect, more=used)) == []


@pytest.mark.parametrize(
    ("expect", "pointer", "message"),
    [
        ('"params": §127', "params", "must be 127, got 128"),
        ('"params": §"<= 1e2"', "params", "must be <= 100, got 128"),
        ('"params": §"< 128"', "params", "must be < 128, got 128"),
        ('"params": §"> 128"', "params", "must be > 128, got 128"),
        ('"trainable": §">= 2.5e6"', "trainable", "must be >= 2,500,000, got 120"),
        ('"macs": §"<= 6911"', "macs", "must be <= 6,911, got 6912"),
        ('"flops": §"<= 13823"', "flops", "must be <= 13,823, got 13824"),
        ('"nodes": §"< 2"', "nodes", "must be < 2, got 2"),
        ('"receptive_field": §">= 64"', "receptive_field", "must be >= 64, got 3"),
        ('"outputs": {"y": §[8, 8, 5]}', "outputs/y", "the output 'y' must have the shape (8, 8, 5), got (8, 8, 4)"),
        ('"outputs": {"y": §[8, 8]}', "outputs/y", "the output 'y' must have the shape (8, 8), got (8, 8, 4)"),
        ('"outputs": {"y": §["=2*8", 8, 4]}', "outputs/y",
         "the output 'y' must have the shape (16, 8, 4), got (8, 8, 4)"),
    ],
)  # fmt: skip
def test_broken_contracts_tell_what_is_and_what_should_be(expect: str, pointer: str, message: str) -> None:
    text, line, column = marked(expecting(expect))
    (found,) = findings(text)
    assert (found.code, found.pointer, found.message) == ("AG601", f"/expect/{pointer}", message)
    assert (found.line, found.column) == (line, column)


@pytest.mark.parametrize(
    ("expect", "code", "pointer"),
    [
        ('"outputs": {"z": §[8]}', "AG401", "outputs/z"),
        ('"outputs": {"y": [8, §"height", 4]}', "AG209", "outputs/y/1"),
        ('"outputs": {"y": [8, §"8//", 4]}', "AG208", "outputs/y/1"),
        ('"outputs": {"y": [8, §"=17/2", 4]}', "AG202", "outputs/y/1"),
        ('"params": §"=n"', "AG401", "params"),
        ('"params": §"=3 > 2"', "AG202", "params"),
        ('"params": §"around 5"', "AG202", "params"),
        ('§"parms": 5', "AG203", "parms"),
    ],
)
def test_contracts_that_mean_nothing_are_refused(expect: str, code: str, pointer: str) -> None:
    text, line, column = marked(expecting(expect))
    (found,) = findings(text)
    assert (found.code, found.pointer, found.line, found.column) == (code, f"/expect/{pointer}", line, column)


# ---- symbolic sizes: 8*H positions, 864*H multiply-adds


@pytest.mark.parametrize(
    ("expect", "dims", "code"),
    [
        ('"outputs": {"y": ["H", 8, 4]}', "", None),
        ('"outputs": {"y": ["H + 0", 8, 4]}', "", None),
        ('"outputs": {"y": ["2*(H//2)", 8, 4]}', '"dims": {"H": {"multiple_of": 2}}', None),
        ('"outputs": {"y": §["H//2", 8, 4]}', "", "AG601"),
        ('"outputs": {"y": §["H + 1", 8, 4]}', "", "AG601"),
        ('"outputs": {"y": §[16, 8, 4]}', "", "AG305"),
        ('"outputs": {"y": §[16, 8, 4]}', '"dims": {"H": {"minimum": 17}}', "AG601"),
        ('"outputs": {"y": §["2*(H//2)", 8, 4]}', "", "AG305"),
        ('"params": 128', "", None),
        ('"macs": ">= 864"', "", None),
        ('"macs": §"<= 864"', "", "AG305"),
        ('"macs": "<= 86400"', '"dims": {"H": {"maximum": 100}}', None),
        ('"macs": §"< 864"', "", "AG601"),
        ('"macs": §"> 86400"', '"dims": {"H": {"maximum": 100}}', "AG601"),
        ('"macs": §1000', "", "AG601"),
        ('"macs": §8640', "", "AG305"),
        ('"flops": §"== 1728"', '"dims": {"H": {"minimum": 2}}', "AG601"),
    ],
)
def test_contracts_about_symbolic_sizes(expect: str, dims: str, code: str | None) -> None:
    text = expecting(expect, more=dims, inputs=FREE)
    found = findings(marked(text).text if MARK in text else text)
    assert [one.code for one in found] == ([] if code is None else [code])
    if found:
        assert (found[0].line, found[0].column) == marked(text)[1:]


H, W = symbol("H"), symbol("W", minimum=10, maximum=20)


@pytest.mark.parametrize(
    ("sizes", "sign", "limit", "verdict"),
    [
        ((5, 3, 9), "==", 3, True), ((5, 3, 9), ">", 3, False), ((5, 3, 9), ">=", 3, True), ((5, 3, 9), "<", 4, True),
        ((H, 3), "<=", 3, True), ((H, 3), ">=", 1, True), ((H, 3), ">=", 2, None), ((H, 3), ">=", 4, False),
        ((H, 3), "==", 3, None), ((H, 3), "==", 4, False), ((W, 30), ">=", 10, True), ((W, 30), ">", 20, False),
        ((W, 30), "<", 10, False), ((W, 30), "<=", 20, True), ((W, 30), "<", 20, None), ((W, H), "<", 5, None),
    ],
)  # fmt: skip
def test_the_smallest_of_several_sizes(sizes: tuple[Dim, ...], sign: str, limit: float, verdict: bool | None) -> None:
    assert smallest_is(sizes, sign, limit) is verdict


def test_the_receptive_field_is_the_smallest_over_outputs_and_axes() -> None:
    nodes = (
        '"a": {"op": "conv", "in": "x", "filters": 1, "kernel_size": [5, 3]},'
        '"b": {"op": "conv", "in": "x", "filters": 1, "kernel_size": 9}'
    )
    both = '{"y": "a", "z": "b"}'
    assert findings(file(nodes, more='"expect": {"receptive_field": 3}', outputs=both)) == []
    one = findings(file(nodes, more='"expect": {"receptive_field": ">= 4"}', outputs=both))
    assert [found.message for found in one] == ["must be >= 4, got 3"]


def test_every_contract_is_looked_at() -> None:
    found = findings(expecting('"params": 1, "nodes": 1, "outputs": {"y": [1], "z": [1]}'))
    assert [(one.code, one.pointer) for one in found] == [
        ("AG601", "/expect/params"), ("AG601", "/expect/nodes"), ("AG601", "/expect/outputs/y"),
        ("AG401", "/expect/outputs/z"),
    ]  # fmt: skip
