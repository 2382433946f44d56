"""Every fault of form and reference: one finding for each cause, at the place of the cause, with a remedy."""

import pytest

from archgraph.diagnostics import GraphError
from archgraph.document.load import load_text
from tests.analysis.texts import MARK, block, blocks, file, findings, marked

DENSE = '"op": "dense", "in": "x", "units": 3'
A = f'"a": {{{DENSE}}}'
FREE = '{"x": {"shape": ["H", 3]}}'
SIDE = block('"a": {"op": "flatten", "in": "side"}', inputs='["side"]')
UNIT = block(A, more='"params": {"units": 3}')


def one(fields: str) -> str:
    """A file whose only node has these fields."""
    return file(f'"a": {{{fields}}}')


FORM = [
    # the file
    ('§[1, 2]', "AG202", ""),
    ('§{"archgraph": 1, "name": "n", "inputs": {"x": {"shape": [3]}}, "nodes": {' + A + "}}", "AG204", ""),
    (file(A, more='§"imput": {}'), "AG203", "/imput"),
    (file(A).replace('"archgraph": 1', '"archgraph": §2'), "AG207", "/archgraph"),
    (file(A).replace('"archgraph": 1', '"archgraph": §true'), "AG207", "/archgraph"),
    (file(A).replace('"test"', '§"no/slash"'), "AG206", "/name"),
    (file(A, more='"doc": §5'), "AG202", "/doc"),
    (file(A, more='"meta": §[]'), "AG202", "/meta"),
    (file(A, inputs="§{}"), "AG201", "/inputs"),
    (file("").replace('"nodes": {\n}', '"nodes": §{}').replace('"y": "a"', '"y": "x"'), "AG201", "/nodes"),
    (file(A, outputs="§{}"), "AG201", "/outputs"),
    (file(A, outputs='§["a"]'), "AG202", "/outputs"),
    (file(A, outputs='{"y": §5}'), "AG202", "/outputs/y"),
    (file(A, outputs='{"y": §"a b"}'), "AG206", "/outputs/y"),
    (file(A, outputs='{"y": §"b"}'), "AG401", "/outputs/y"),
    # inputs and dimensions
    (file(A, inputs='{"x": §[3]}'), "AG202", "/inputs/x"),
    (file(A, inputs='{"x": §{}}'), "AG204", "/inputs/x"),
    (file(A, inputs='{"x": {"shape": [8, §0]}}'), "AG201", "/inputs/x/shape/1"),
    (file(A, inputs='{"x": {"shape": [8, §2.5]}}'), "AG202", "/inputs/x/shape/1"),
    (file(A, inputs='{"x": {"shape": [8, §"a b"]}}'), "AG206", "/inputs/x/shape/1"),
    (file(A, inputs='{"x": {"shape": [8, §"=n"]}}'), "AG401", "/inputs/x/shape/1"),
    (file(A, inputs='{"x": {"shape": [8, §"=2*"]}}'), "AG208", "/inputs/x/shape/1"),
    (file(A, inputs='{"x": {"shape": [8], "dtype": §"float31"}}'), "AG205", "/inputs/x/dtype"),
    (file(A, inputs='{"x": {"shape": [8], §"shap": 3}}'), "AG203", "/inputs/x/shap"),
    (file(A, inputs='{"x-1": §{"shape": [8]}, "x": {"shape": [3]}}'), "AG206", "/inputs/x-1"),
    (file(A, inputs=FREE, more='"dims": {"H": {"multiple_of": §0}}'),
     "AG201", "/dims/H/multiple_of"),
    (file(A, inputs=FREE, more='"dims": {"H": {"minimum": 9, "maximum": §5}}'),
     "AG210", "/dims/H/maximum"),
    (file(A, inputs=FREE, more='"dims": {"H": {"multiple_of": 8, "minimum": 9, "maximum": §15}}'),
     "AG210", "/dims/H/maximum"),
    # parameters and variants
    (file(A, more='"params": {"n": §{"default": 3}}'), "AG204", "/params/n"),
    (file(A, more='"params": {"n": {"type": §"integer"}}'), "AG205", "/params/n/type"),
    (file(A, more='"params": {"n": {"type": §"=3", "default": 3}}'), "AG205", "/params/n/type"),
    (file(A, more='"params": {"n": {"type": "int", "minimum": §"=3"}}'), "AG202", "/params/n/minimum"),
    (file(A, inputs='{"x": {"shape": [8], "dtype": §"=3"}}'), "AG205", "/inputs/x/dtype"),
    (file(A, more='"params": {"n": §null}'), "AG202", "/params/n"),
    (file(A, more='"params": {"n": §"=m"}'), "AG401", "/params/n"),
    (file(A, more='"params": {"n": §"=2*n"}'), "AG401", "/params/n"),
    (file(A, more='"params": {"n": 2}, "variants": {"v": {"n": §"three"}}'), "AG412", "/variants/v/n"),
    (file(A, more='"params": {"n": 2}, "variants": {"v": {"n": §2.5}}'), "AG412", "/variants/v/n"),
    (file(A, more='"params": {"n": 2}, "variants": {"v": {"n": §true}}'), "AG412", "/variants/v/n"),
    (file(A, more='"params": {"n": {"type": "int", "maximum": 9}}, "variants": {"v": {"n": §10}}'),
     "AG412", "/variants/v/n"),
    (file(A, more='"params": {"n": {"type": "block"}}, "variants": {"v": {"n": §"w"}}, ' + blocks(u=UNIT)),
     "AG407", "/variants/v/n"),
    (file(A, more='"params": {"n": 2}, "variants": {"v": {"m": §3}}'), "AG401", "/variants/v/m"),
    (file(A, more='"variants": {"v": §3}'), "AG202", "/variants/v"),
    # records
    (file('"a": §"dense"'), "AG202", "/nodes/a"),
    (one('§"in": "x"').replace('§"in"', '"in"').replace('"a": {', '"a": §{'), "AG204", "/nodes/a"),
    (file('"a": §{"op": "dense", "block": "u", "in": "x"}'), "AG210", "/nodes/a"),
    (file('"a": §{"op": "dense", "units": 3}'), "AG204", "/nodes/a"),
    (file('"a": §{"op": "dense", "in": "x"}'), "AG204", "/nodes/a"),
    (one('"op": §"dnse", "in": "x"'), "AG406", "/nodes/a/op"),
    (one('"op": §["dense"], "in": "x"'), "AG406", "/nodes/a/op"),
    (one(f'{DENSE}, §"unit": 4'), "AG203", "/nodes/a/unit"),
    (one('"op": "dense", "in": "x", "units": §0'), "AG201", "/nodes/a/units"),
    (one('"op": "dense", "in": "x", "units": §2.5'), "AG202", "/nodes/a/units"),
    (one('"op": "dense", "in": "x", "units": §true'), "AG202", "/nodes/a/units"),
    (one('"op": "dense", "in": "x", "units": §"=n"'), "AG401", "/nodes/a/units"),
    (one('"op": "dense", "in": "x", "units": §"=i"'), "AG401", "/nodes/a/units"),
    (one('"op": "dense", "in": "x", "units": §"=3 +"'), "AG208", "/nodes/a/units"),
    (one('"op": "dense", "in": "x", "units": §"=dim(z, 0)"'), "AG401", "/nodes/a/units"),
    (one(f'{DENSE}, "activation": §"rellu"'), "AG205", "/nodes/a/activation"),
    (one(f'{DENSE}, "norm": {{"op": "batch_norm", §"momentun": 0.9}}'), "AG203", "/nodes/a/norm/momentun"),
    (one(f'{DENSE}, "norm": §"bach"'), "AG205", "/nodes/a/norm"),
    (one('"op": "conv", "in": "x", "filters": 3, "kernel_size": [3, §0]'), "AG201", "/nodes/a/kernel_size/1"),
    (file(f'"a b": §{{{DENSE}}}, {A}'), "AG206", "/nodes/a b"),
    (file(f'"a/b~c": §{{{DENSE}}}, {A}'), "AG206", "/nodes/a~1b~0c"),
    (file(f'{A}, "x": §{{{DENSE}}}'), "AG414", "/nodes/x"),
    # control keys
    (one(f'{DENSE}, "repeat": §-1'), "AG201", "/nodes/a/repeat"),
    (one(f'{DENSE}, "repeat": §1.5'), "AG202", "/nodes/a/repeat"),
    (one(f'{DENSE}, "repeat": §"=n"'), "AG401", "/nodes/a/repeat"),
    (one(f'{DENSE}, "first": §{{"units": 3}}'), "AG210", "/nodes/a/first"),
    (one(f'{DENSE}, "share": §true'), "AG210", "/nodes/a/share"),
    (one(f'{DENSE}, "repeat": 2, "first": {{§"unit": 3}}'), "AG203", "/nodes/a/first/unit"),
    (one(f'{DENSE}, "repeat": 2, "last": {{"units": §0}}'), "AG201", "/nodes/a/last/units"),
    (one(f'{DENSE}, "when": §1'), "AG202", "/nodes/a/when"),
    (one(f'{DENSE}, "when": §"=dim(x, 0) > n"'), "AG401", "/nodes/a/when"),
    (one(f'{DENSE}, "doc": §3'), "AG202", "/nodes/a/doc"),
    (one(f'{DENSE}, "meta": §3'), "AG202", "/nodes/a/meta"),
    # feeds
    (one('"op": "dense", "in": §"y", "units": 3'), "AG401", "/nodes/a/in"),
    (one('"op": "dense", "in": §"x y", "units": 3'), "AG206", "/nodes/a/in"),
    (one('"op": "dense", "in": §"x.y.z", "units": 3'), "AG206", "/nodes/a/in"),
    (one('"op": "dense", "in": §3, "units": 3'), "AG202", "/nodes/a/in"),
    (one('"op": "dense", "in": §["x", "x"], "units": 3'), "AG403", "/nodes/a/in"),
    (one('"op": "dense", "in": {"z": §"x"}, "units": 3'), "AG403", "/nodes/a/in/z"),
    (one('"op": "add", "in": ["x", §"y"]'), "AG401", "/nodes/a/in/1"),
    (one('"op": "add", "in": ["x", §3]'), "AG202", "/nodes/a/in/1"),
    (one('"op": "add", "in": ["x", §"a-b"]'), "AG206", "/nodes/a/in/1"),
    (one('"op": "attention", "in": {"query": "x", "value": §"y"}, "num_heads": 1, "key_dim": 2'), "AG401",
     "/nodes/a/in/value"),
    # circles
    (file('"b": {"op": "flatten", "in": §"a"}, "a": {"op": "flatten", "in": "b"}'), "AG402", "/nodes/b/in"),
    (one('"op": "flatten", "in": §"a"'), "AG402", "/nodes/a/in"),
    # reuse
    (file(f'{A}, "b": {{"reuse": §"c", "in": "x"}}', outputs='{"y": "b"}'), "AG401", "/nodes/b/reuse"),
    (file(f'{A}, "b": {{"reuse": "a", "in": "x", §"units": 3}}', outputs='{"y": "b"}'), "AG203", "/nodes/b/units"),
    (file(f'{A}, "b": {{"reuse": §"x", "in": "x"}}', outputs='{"y": "b"}'), "AG401", "/nodes/b/reuse"),
    # blocks
    (file(A, more='"blocks": §[]'), "AG202", "/blocks"),
    (file(A, more=blocks(u="§3")), "AG202", "/blocks/u"),
    (file(A, more=blocks(u='§{"nodes": {' + A + '}, "output": "a"}')), "AG204", "/blocks/u"),
    (file(A, more=blocks(u=block(A, inputs='["x", §"x"]'))), "AG210", "/blocks/u/inputs/1"),
    (file(A, more=blocks(u=block(A, more='§"input": ["x"]'))), "AG203", "/blocks/u/input"),
    (file(A, more=blocks(u='§' + block(A, output='"output": "a", "outputs": {"y": "a"}'))), "AG210", "/blocks/u"),
    (file(A, more=blocks(u=block(A, output='"output": §"b"'))), "AG401", "/blocks/u/output"),
    (file(A, more=blocks(u=block(A, output='"outputs": {"y": §"b"}'))), "AG401", "/blocks/u/outputs/y"),
    (file(A, more=blocks(u=block(A, more='"carry": §"z"'))), "AG401", "/blocks/u/carry"),
    (file(A, more=blocks(u=block('"a": {"op": "dense", "in": §"y", "units": 3}'))), "AG401", "/blocks/u/nodes/a/in"),
    (file(A, more=blocks(u=block('"a": {"op": "dense", "in": "x", "units": §"=n"}'))),
     "AG401", "/blocks/u/nodes/a/units"),
    # imports: a text has no folder
    (file(A, more='"imports": §"b.graph.json"'), "AG202", "/imports"),
    (file(A, more='"imports": [§"b.graph.json"]'), "AG410", "/imports/0"),
    (file(A, more='"imports": [§3]'), "AG202", "/imports/0"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "pointer"), FORM, ids=[f"{code} {pointer}" for _, code, pointer in FORM])
def test_a_fault_is_told_once_at_its_place(text: str, code: str, pointer: str) -> None:
    assert MARK in text
    clean, line, column = marked(text)
    found = [one for one in findings(clean) if one.severity == "error"]
    assert [(one.code, one.pointer) for one in found] == [(code, pointer)]
    assert (found[0].file, found[0].line, found[0].column) == ("test.graph.json", line, column)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (file(A, more='"variant": {}'), "variants"),
        (one('"op": "dens", "in": "x"'), "dense"),
        (one('"op": "softmax", "in": "x"'), '{"op": "activation", "activation": "softmax"}'),
        (one(f'{DENSE}, "activaton": "relu"'), "activation"),
        (one(f'{DENSE}, "activation": "rellu"'), "relu"),
        (one(f'{DENSE}, "repeet": 3'), "repeat"),
        (one(f'{DENSE}, "wen": true'), "when"),
        (one('"opp": "dense", "in": "x"'), "op"),
        (file(f'"first": {{{DENSE}}}, "a": {{"op": "flatten", "in": "frist"}}'), "first"),
        (file(f'"first": {{{DENSE}}}, "a": {{"reuse": "frist", "in": "x"}}'), "first"),
        (file('"first": {"op": "flatten", "in": "x"}', outputs='{"y": "frist"}'), "first"),
        (file('"a": {"op": "dense", "in": "x", "units": "=widht"}', more='"params": {"width": 3}'), "width"),
        (file(A, more='"params": {"width": 3}, "variants": {"v": {"widht": 4}}'), "width"),
        (file('"a": {"block": "u", "in": "x", "unit": 3}', more=blocks(u=UNIT)), "units"),
        (file('"a": {"block": "u", "in": "x", "shar": true, "repeat": 2}', more=blocks(u=UNIT)), "share"),
        (file('"a": {"block": "unti", "in": "x"}', more=blocks(unit=UNIT)), "unit"),
        (file('"a": {"block": "u", "in": {"sde": "x"}}', more=blocks(u=SIDE)), "side"),
        (file('"l": {"op": "lstm", "in": "x", "units": 5, "return_state": true},'
              '"a": {"op": "flatten", "in": "l.stat_h"}', inputs='{"x": {"shape": [7, 2]}}'), "state_h"),
        (file(A, inputs='{"x": {"shape": [3], "dtyp": "int32"}}'), "dtype"),
        (file(A, more='"dims": {"H": {"multipel_of": 2}}'), "multiple_of"),
        (file(A, more='"expect": {"parms": 3}'), "params"),
        (file(A, outputs='{"logits": "a"}', more='"expect": {"outputs": {"logit": [3]}}'), "logits"),
    ],
)  # fmt: skip
def test_a_misspelt_name_is_answered_with_the_nearest_one(text: str, hint: str) -> None:
    hints = [one.hint for one in findings(text) if one.severity == "error"]
    assert any(f"'{hint}'" in one or f"write {hint}" in one for one in hints), hints


def test_all_causes_are_told_at_once() -> None:
    text = file(
        '"a": {"op": "dense", "in": "x", "units": 0, "use_bais": true},\n'
        '"b": {"op": "dens", "in": "x"},\n'
        '"c": {"op": "flatten", "in": "nowhere"},\n'
        '"d": {"op": "add", "in": ["a", "b", "c", "e"]},\n'
        '"f": {"op": "flatten", "in": "g"}, "g": {"op": "flatten", "in": "f"}',
        more=blocks(u=block('"a": {"op": "dense", "in": "x", "units": "=n"}')),
        outputs='{"y": "z", "b": "b"}',
    )
    assert [(one.code, one.pointer) for one in findings(text)] == [
        ("AG401", "/blocks/u/nodes/a/units"),
        ("AG201", "/nodes/a/units"),
        ("AG203", "/nodes/a/use_bais"),
        ("AG406", "/nodes/b/op"),
        ("AG401", "/nodes/c/in"),
        ("AG401", "/nodes/d/in/3"),
        ("AG402", "/nodes/f/in"),
        ("AG401", "/outputs/y"),
    ]


def test_circles_apart_are_told_apart() -> None:
    ring = '"{0}": {{"op": "flatten", "in": "{1}"}}, "{1}": {{"op": "flatten", "in": "{0}"}}'
    text = file(", ".join([A, ring.format("b", "c"), ring.format("d", "e")]))
    assert sorted(one.code for one in findings(text)) == ["AG402", "AG402"]


def test_a_record_is_not_taken_for_one_that_only_looks_alike() -> None:
    # In Python 1 == 1.0 == True: the second record must not pass for the first.
    nodes = '"a": {"op": "dense", "in": "x", "units": 1}, "b": {"op": "dense", "in": "a", "units": true}'
    assert [(one.code, one.pointer) for one in findings(file(nodes, outputs='{"y": "b"}'))] == [
        ("AG202", "/nodes/b/units")
    ]


def test_records_that_say_the_same_are_one_primitive() -> None:
    text = file(f'{A}, "b": {{{DENSE}}}, "c": {{"op": "dense", "in": "x", "units": 3.0}}')
    nodes = load_text(text).body.nodes
    assert nodes["a"].primitive is nodes["b"].primitive
    assert nodes["a"].primitive == nodes["c"].primitive


def test_an_optional_null_default_is_no_default() -> None:
    text = file(
        '"a": {"op": "dense", "in": "x", "units": "=n"}', more='"params": {"n": {"type": "int", "default": null}}'
    )
    assert [one.code for one in findings(text)] == ["AG412"]


def test_a_thousand_findings_are_enough() -> None:
    nodes = ", ".join(f'"n{number}": {{"op": "flatten", "in": "nowhere{number}"}}' for number in range(5_000))
    with pytest.raises(GraphError) as caught:
        load_text(file(f"{A}, {nodes}"))
    assert len(caught.value.diagnostics) == 1_000
