"""What is allowed but surely not meant."""

from pathlib import Path

import pytest

from archgraph.analysis.check import check
from tests.analysis.texts import block, blocks, file, findings, marked

DENSE = '"op": "dense", "in": "x", "units": 3'
A = f'"a": {{{DENSE}}}'
B = f'"b": {{{DENSE}}}'
UNIT = block('"a": {"op": "dense", "in": "x", "units": 3}')


@pytest.mark.parametrize(
    ("text", "code", "pointer", "message"),
    [
        (file(f'{A}, §"b": {{{DENSE}}}'), "AG404", "/nodes/b", "'b' reaches no output"),
        (
            file(f'{A}, "b": {{{DENSE}}}, §"c": {{"op": "flatten", "in": "b"}}'), "AG404", "/nodes/c",
            "'c' reaches no output; nor does 'b', which only it uses",
        ),
        (
            file(f'{A}, "b": {{{DENSE}}}, "c": {{"op": "flatten", "in": "b"}}, §"d": {{"op": "flatten", "in": "c"}}'),
            "AG404", "/nodes/d", "'d' reaches no output; nor do 'c', 'b', which only it uses",
        ),
        (file(f'{A}, §"b": {{"reuse": "a", "in": "x"}}'), "AG404", "/nodes/b", "'b' reaches no output"),
        (
            file('"a": {"block": "u", "in": "x"}',
                 more=blocks(u=block(f"{A}, §{B}"))),
            "AG404", "/blocks/u/nodes/b", "'b' reaches no output",
        ),
        (
            file(A, inputs='{"x": {"shape": [8, 8, 3]}, §"z": {"shape": [5]}}'), "AG405", "/inputs/z",
            "nothing reads the input 'z'",
        ),
        (
            file('"a": {"block": "u", "in": ["x", "x"]}', more=blocks(u=block(A, inputs='["x", §"z"]'))),
            "AG405", "/blocks/u/inputs/1", "nothing reads the input 'z'",
        ),
        (file(A, more='"params": {§"n": 3}'), "AG405", "/params/n", "nothing uses the parameter 'n'"),
        (
            file(A, more='"params": {§"n": 3}, "variants": {"one": {"n": 1}, "two": {"n": 2}}'), "AG405", "/params/n",
            "nothing uses the parameter 'n'",
        ),
        (
            file('"a": {"block": "u", "in": "x"}', more=blocks(u=block(A, more='"params": {§"n": 3}'))),
            "AG405", "/blocks/u/params/n", "nothing uses the parameter 'n'",
        ),
        (file(A, more=blocks("u", u=UNIT)), "AG405", "/blocks/u", "nothing calls the block 'u'"),
        (
            file('"a": {"block": "u", "in": "x"}',
                 more=blocks("v", u=UNIT, v=block('"a": {"block": "u", "in": "x"}'))),
            "AG405", "/blocks/v", "nothing calls the block 'v'",
        ),
        (file(A, more='"dims": {§"H": {"multiple_of": 2}}'), "AG405", "/dims/H", "no input has the dimension 'H'"),
        (
            file('"a": {"op": "dense", "in": "x", "units": "=n"}',
                 more='"params": {"n": 3}, "variants": {"one": {"n": 4}, "two": {}, §"three": {"n": 3}}'),
            "AG413", "/variants/three", "the variant 'three' sets the same values as 'two'",
        ),
    ],
)  # fmt: skip
def test_each_is_a_warning_with_a_place_and_a_remedy(text: str, code: str, pointer: str, message: str) -> None:
    clean, line, column = marked(text)
    (found,) = findings(clean)
    assert (found.severity, found.code, found.pointer, found.message) == ("warning", code, pointer, message)
    assert (found.line, found.column) == (line, column)
    assert found.hint


@pytest.mark.parametrize(
    "text",
    [
        file(A),
        file('"a": {"op": "dense", "in": "x", "units": "=n"}', more='"params": {"m": 2, "n": "=2*m"}'),
        file(A, more='"params": {"n": 8}', inputs='{"x": {"shape": ["=n", 3]}}'),
        file(A, more='"params": {"n": 12}, "expect": {"params": "=n"}'),
        file('"a": {"op": "dense", "in": "x", "units": 3, "when": "=n > 2"}', more='"params": {"n": 2}'),
        file('"a": {"op": "dense", "in": "x", "units": 3, "repeat": 2, "last": {"units": "=n"}}',
             more='"params": {"n": 2}'),
        # blocks that are called by name, as a value, as a default, from a variant, from inside an expression
        file('"a": {"block": "u", "in": "x"}', more=blocks(u=UNIT)),
        file('"a": {"block": "=which", "in": "x"}',
             more='"params": {"which": {"type": "block", "default": "u"}}, ' + blocks(u=UNIT)),
        file('"a": {"block": "=which", "in": "x"}',
             more='"params": {"which": {"type": "block"}}, "variants": {"one": {"which": "u"}},' + blocks(u=UNIT)),
        file('"a": {"block": "=\'u\' if n > 3 else \'bottleneck\'", "in": "x", "when": "=n > 3"}',
             more='"params": {"n": 2}, ' + blocks(u=UNIT)),
        # an input of a block of which only the shape is read
        file('"a": {"block": "u", "in": ["x", "x"]}',
             more=blocks(u=block('"a": {"op": "dense", "in": "x", "units": "=dim(z, 0)"}', inputs='["x", "z"]'))),
    ],
)  # fmt: skip
def test_what_is_used_in_any_way_gives_no_warning(text: str) -> None:
    assert findings(text) == []


def test_an_import_of_which_no_block_is_called(tmp_path: Path) -> None:
    library = f'{{"archgraph": 1, "name": "l", "blocks": {{"%s": {UNIT}}}}}'
    for name in ("used", "unused"):
        (tmp_path / f"{name}.graph.json").write_text(library % name, encoding="utf-8")
    text = file('"a": {"block": "used", "in": "x"}', more='"imports": ["used.graph.json", §"unused.graph.json"]')
    clean, line, column = marked(text)
    path = tmp_path / "main.graph.json"
    path.write_text(clean, encoding="utf-8")
    (found,) = check(path)
    assert (found.code, found.pointer, found.line, found.column) == ("AG405", "/imports/1", line, column)
    assert found.message == 'nothing calls a block of "unused.graph.json"'


def test_a_file_of_blocks_alone_is_not_told_that_nothing_calls_them(tmp_path: Path) -> None:
    path = tmp_path / "blocks.graph.json"
    path.write_text(f'{{"archgraph": 1, "name": "l", "blocks": {{"u": {UNIT}}}}}', encoding="utf-8")
    assert check(path) == []


def test_a_file_of_blocks_alone_is_told_of_dead_nodes(tmp_path: Path) -> None:
    path = tmp_path / "blocks.graph.json"
    inside = block(f"{A}, {B}")
    path.write_text(f'{{"archgraph": 1, "name": "l", "blocks": {{"u": {inside}}}}}', encoding="utf-8")
    assert [(one.code, one.pointer, one.severity) for one in check(path)] == [("AG404", "/blocks/u/nodes/b", "warning")]


def test_many_dead_ends_take_linear_time() -> None:
    sources = ["x", *(f"n{number}" for number in range(2_999))]
    chain = ",".join(
        f'"n{number}": {{"op": "dense", "in": "{source}", "units": 3}}' for number, source in enumerate(sources)
    )
    ends = ",".join(f'"e{number}": {{"op": "flatten", "in": "n2999"}}' for number in range(3_000))
    found = findings(file(f"{A}, {chain}, {ends}"))
    assert len(found) == 3_000
    assert found[0].message.startswith("'e0' reaches no output; nor do 'n2999', ")
    assert found[0].message.endswith(" and 2994 more, which only it uses")
