"""What only the shapes and the expanded blocks show: one finding for each cause, nothing for what follows from it."""

import pytest

from tests.analysis.texts import block, blocks, file, findings, marked

DENSE = '"op": "dense", "in": "x", "units": 3'
A = f'"a": {{{DENSE}}}'
UNIT = block('"a": {"op": "dense", "in": "x", "units": "=n"}', more='"params": {"n": {"type": "int", "maximum": 9}}')
TWO = block('"a": {"op": "add", "in": ["x", "s"]}', inputs='["x", "s"]')
SPLIT = block(f'{A}, "b": {{"op": "flatten", "in": "x"}}', output='"outputs": {"one": "a", "two": "b"}')
CHAIN = ', "r": {"op": "activation", "in": "a", "activation": "relu"}, "z": {"op": "flatten", "in": "r"}'
WIDE = '{"x": {"shape": [8, 8, 3]}, "w": {"shape": [8, 8, 4]}}'
LSTM = '"l": {"op": "lstm", "in": "x", "units": 5, "return_state": true}'


def call(fields: str, inner: str = UNIT, after: str = "", mark: str = "") -> str:
    return file(f'"a": {mark}{{"block": "u", {fields}}}{after}', more=blocks(u=inner), outputs='{"y": "a"}')


CAUSES = [
    # shapes, and nothing about what reads them
    (file(f'"a": §{{"op": "add", "in": ["x", "w"]}}{CHAIN}', inputs=WIDE, outputs='{"y": "z"}'), "AG303", "/nodes/a"),
    (file(f'"a": {{"op": "conv", "in": "x", "filters": 3, "kernel_size": §[3, 3, 3]}}{CHAIN}', outputs='{"y": "z"}'),
     "AG301", "/nodes/a/kernel_size"),
    (file('"a": §{"op": "conv", "in": "x", "filters": 3, "kernel_size": 9, "padding": "valid"}'), "AG304", "/nodes/a"),
    (file('"a": {"op": "reshape", "in": "x", "target_shape": §[7]}'), "AG303", "/nodes/a/target_shape"),
    (file(f'"a": §{{{DENSE}}}', inputs='{"x": {"shape": ["C"]}}'), "AG302", "/nodes/a"),
    (file(f'"a": §{{{DENSE}}}', inputs='{"x": {"shape": [3], "dtype": "int32"}}'), "AG306", "/nodes/a"),
    # shorthands
    (file(f'"a": {{{DENSE}, "norm": {{"op": "group_norm", "groups": §2}}}}'), "AG307", "/nodes/a/norm/groups"),
    # expressions
    (file('"a": {"op": "dense", "in": "x", "units": §"=n/2"}', more='"params": {"n": 7}'), "AG202", "/nodes/a/units"),
    (file('"a": {"op": "dense", "in": "x", "units": §"=n - 7"}', more='"params": {"n": 7}'), "AG201", "/nodes/a/units"),
    (file('"a": {"op": "dense", "in": "x", "units": §"=1/(n - 7)"}', more='"params": {"n": 7}'),
     "AG209", "/nodes/a/units"),
    (file('"a": {"op": "conv", "in": "x", "filters": 3, "kernel_size": [3, §"=n"]}', more='"params": {"n": 0}'),
     "AG201",
     "/nodes/a/kernel_size/1"),
    (file(f'"a": {{{DENSE}, "when": §"=n"}}', more='"params": {"n": 1}'), "AG202", "/nodes/a/when"),
    (file(f'"a": {{{DENSE}, "repeat": §"=n/2"}}', more='"params": {"n": 1}'), "AG201", "/nodes/a/repeat"),
    (file(f'"a": {{{DENSE}, "repeat": §"=-n"}}', more='"params": {"n": 1}'), "AG201", "/nodes/a/repeat"),
    (file('"a": {"op": "dense", "in": "x", "units": "=n", "repeat": 3, "last": {"units": §"=n - i"}}',
          more='"params": {"n": 2}'), "AG201", "/nodes/a/last/units"),
    (call('"in": "x"', block('"a": {"op": "dense", "in": "x", "units": §"=dim(x, 3)"}')), "AG209",
     "/blocks/u/nodes/a/units"),
    # the file's own parameters
    (file('"a": {"op": "dense", "in": "x", "units": "=n"}', more='"params": §{"n": {"type": "int"}}'),
     "AG412", "/params"),
    (file('"a": {"op": "dense", "in": "x", "units": "=n"}', more='"params": {"n": §{"type": "int", "default": 2.5}}'),
     "AG412", "/params/n"),
    (file('"a": {"op": "dense", "in": "x", "units": "=n"}',
          more='"params": {"n": §{"type": "int", "default": 0, "minimum": 1}}'),
     "AG412", "/params/n"),
    (file('"a": {"op": "dense", "in": "x", "units": 3, "activation": "=f"}',
          more='"params": {"f": §{"type": "string", "default": "relu", "choices": ["tanh", "gelu"]}}'),
     "AG412", "/params/f"),
    (file('"a": {"op": "dense", "in": "x", "units": 3, "activation": §"=f"}', more='"params": {"f": "rellu"}'), "AG205",
     "/nodes/a/activation"),
    (file('"a": {"block": "=u", "in": "x"}', more='"params": {"u": §{"type": "block", "default": "nowhere"}}'), "AG407",
     "/params/u"),
    # calls
    (file('"a": {"block": §"nowhere", "in": "x"}'), "AG407", "/nodes/a/block"),
    (file('"a": {"block": §"=u", "in": "x"}', more='"params": {"u": "nowhere"}'), "AG407", "/nodes/a/block"),
    (file('"a": {"block": §"=u", "in": "x"}', more='"params": {"u": 3}'), "AG407", "/nodes/a/block"),
    (call('"in": "x"', mark="§"), "AG412", "/nodes/a"),
    (call('"in": "x", "n": 3, "m": §4'), "AG412", "/nodes/a/m"),
    (call('"in": "x", "n": §"three"'), "AG412", "/nodes/a/n"),
    (call('"in": "x", "n": §10'), "AG412", "/nodes/a/n"),
    (call('"in": "x", "n": §2.5'), "AG412", "/nodes/a/n"),
    (call('"in": "x", "n": 3, "repeat": 2, "first": {"n": §true}'), "AG412", "/nodes/a/first/n"),
    (call('"in": "x", "n": 3, "repeat": 2, "last": {"n": §10}'), "AG412", "/nodes/a/last/n"),
    (call('"in": "x", "repeat": 2, "n": 3, "last": {"m": §10}'), "AG412", "/nodes/a/last/m"),
    (call('"in": §["x", "x"], "n": 3'), "AG403", "/nodes/a/in"),
    (call('"in": §["x"]', TWO), "AG403", "/nodes/a/in"),
    (call('"in": §{"x": "x"}', TWO), "AG403", "/nodes/a/in"),
    (call('"in": {"x": "x", "s": "x", "t": §"x"}', TWO), "AG403", "/nodes/a/in/t"),
    (call('"in": "x"', block('"a": {"op": "dense", "in": "x", "units": "=n"}',
          more='"params": {"n": §{"type": "int", "default": "no"}}')),
     "AG412", "/blocks/u/params/n"),
    (call('"in": "x"', block('"a": {"op": "dense", "in": "x", "units": §"=n"}', more='"params": {"n": 0}')), "AG201",
     "/blocks/u/nodes/a/units"),
    (call('"in": "x", "repeat": 5', block('"a": {"op": "reshape", "in": "x", "target_shape": §[7]}')), "AG303",
     "/blocks/u/nodes/a/target_shape"),
    (call('"in": "x"', block('"a": {"block": §"v", "in": "x"}')), "AG407", "/blocks/u/nodes/a/block"),
    # a fault inside a block that is called three times is one fault
    (file('"a": {"block": "u", "in": "x"}, "b": {"block": "u", "in": "a"}, "c": {"block": "u", "in": "x"}',
          more=blocks(u=block('"a": {"op": "reshape", "in": "x", "target_shape": §[7]}')),
          outputs='{"y": "b", "z": "c"}'),
     "AG303", "/blocks/u/nodes/a/target_shape"),
    # ports
    (file(f'{LSTM}, "a": {{"op": "flatten", "in": §"l.state_x"}}', inputs='{"x": {"shape": [7, 2]}}'),
     "AG401", "/nodes/a/in"),
    (file(f'{LSTM}, "a": {{"op": "concat", "in": ["l", §"l.x"]}}', inputs='{"x": {"shape": [7, 2]}}'),
     "AG401", "/nodes/a/in/1"),
    (file('"a": {"op": "attention", "in": {"query": "x", "value": §"x.y"}, "num_heads": 1, "key_dim": 2}'), "AG401",
     "/nodes/a/in/value"),
    (file(A, outputs='{"y": "a", "z": §"a.two"}'), "AG401", "/outputs/z"),
    (file('"b": {"block": "u", "in": "x"}, "a": {"op": "flatten", "in": §"b.three"}', more=blocks(u=SPLIT)), "AG401",
     "/nodes/a/in"),
    (call('"in": {"x": §"x.y", "s": "x"}', TWO), "AG401", "/nodes/a/in/x"),
    (call('"in": ["x", §"x.y"]', TWO), "AG401", "/nodes/a/in/1"),
    (file('"a": {"block": "u", "in": "x"}', more=blocks(u=block(A, output='"output": §"a.two"'))), "AG401",
     "/blocks/u/output"),
    # when
    (file('"a": {"op": "add", "in": ["x", "x"], "when": §false}'), "AG403", "/nodes/a/when"),
    (file('"b": {"op": "dense", "in": "x", "units": 5, "when": false}, "a": §{"op": "add", "in": ["b", "w"]}',
          inputs=WIDE),
     "AG303", "/nodes/a"),
    # sharing
    (file('"t": {"op": "dense", "in": "x", "units": 3}, "a": {"reuse": "t", "in": §"w"}', inputs=WIDE,
          outputs='{"y": "a", "t": "t"}'), "AG409", "/nodes/a/in"),
    (file('"t": {"op": "dense", "in": "x", "units": 3}, "a": {"reuse": "t", "in": §["x", "x"]}',
          outputs='{"y": "a", "t": "t"}'), "AG403", "/nodes/a/in"),
    (file('"t": {"op": "dense", "in": "x", "units": 3, "when": false}, "a": {"reuse": §"t", "in": "x"}',
          outputs='{"y": "a", "t": "t"}'), "AG409", "/nodes/a/reuse"),
    (file('"a": {"op": "dense", "in": "x", "units": 5, "repeat": 3, "share": §true}'), "AG409", "/nodes/a/share"),
    # circles of blocks
    (file('"a": {"block": "u", "in": "x"}', more=blocks(u=block('"a": {"block": §"u", "in": "x"}'))), "AG408",
     "/blocks/u/nodes/a/block"),
    (file('"a": {"block": "u", "in": "x"}',
          more=blocks(u=block('"a": {"block": "v", "in": "x"}'), v=block('"a": {"block": §"u", "in": "x"}'))),
     "AG408", "/blocks/v/nodes/a/block"),
    (file('"a": {"block": "u", "in": "x", "f": "u"}',
          more=blocks(u=block('"a": {"block": §"=f", "in": "x", "f": "=f"}',
                              more='"params": {"f": {"type": "block"}}'))),
     "AG408", "/blocks/u/nodes/a/block"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "pointer"), CAUSES, ids=[f"{code} {pointer}" for _, code, pointer in CAUSES])
def test_a_cause_is_told_once_at_its_place(text: str, code: str, pointer: str) -> None:
    clean, line, column = marked(text)
    found = [one for one in findings(clean) if one.severity == "error"]
    assert [(one.code, one.pointer) for one in found] == [(code, pointer)]
    assert (found[0].line, found[0].column) == (line, column)


def test_causes_that_do_not_follow_from_each_other_are_all_told() -> None:
    nodes = (
        '"a": {"op": "reshape", "in": "x", "target_shape": [7]},\n'
        '"b": {"op": "flatten", "in": "a"},\n'
        '"c": {"op": "add", "in": ["x", "w"]},\n'
        '"d": {"block": "u", "in": "x", "n": 12},\n'
        '"e": {"op": "concat", "in": ["b", "c", "d"]}'
    )
    found = findings(file(nodes, inputs=WIDE, more=blocks(u=UNIT), outputs='{"y": "e"}'))
    assert [(one.code, one.pointer) for one in found] == [
        ("AG303", "/nodes/a/target_shape"), ("AG303", "/nodes/c"), ("AG412", "/nodes/d/n"),
    ]  # fmt: skip


def test_a_message_tells_through_which_calls_a_block_was_reached() -> None:
    inner = block('"a": {"op": "reshape", "in": "x", "target_shape": [7]}')
    outer = block('"b": {"block": "u", "in": "x", "repeat": 2}', output='"output": "b"')
    (found,) = findings(file('"a": {"block": "v", "in": "x"}', more=blocks(u=inner, v=outer)))
    assert found.message.endswith("(in a/b/0)")
