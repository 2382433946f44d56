"""`check` as a whole: variants, sources, each finding once, no exception, and no TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from archgraph.analysis import Limits
from archgraph.analysis.check import check
from archgraph.document.load import load_graph, load_text
from archgraph.document.reader import read
from tests.analysis.texts import block, blocks, file, findings

ROOT = Path(__file__).parents[2]
VARIANTS = (
    '"params": {"n": 3, "kernel": 3}, "variants": {"small": {"n": 1}, "bad": {"kernel": 9}, "worse": {"kernel": 11}},'
    '"expect": {"params": "<= 200"}'
)
NET = '"a": {"op": "conv", "in": "x", "filters": "=n", "kernel_size": "=kernel", "padding": "valid"}'


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A file of which two variants are faulty."""
    path = tmp_path / "net.graph.json"
    path.write_text(file(NET, more=VARIANTS), encoding="utf-8")
    return path


def test_every_variant_is_checked_and_the_same_cause_told_once(net: Path) -> None:
    (found,) = check(net)
    assert (found.code, found.pointer) == ("AG304", "/nodes/a")
    assert found.message.endswith("(in variant bad, worse)")


def test_one_variant_can_be_checked_alone(net: Path) -> None:
    assert check(f"{net}#small") == []
    (found,) = check(f"{net}#worse")
    assert "variant" not in found.message


def test_a_cause_in_all_variants_is_not_told_by_variant() -> None:
    nodes = '"a": {"op": "dense", "in": "x", "units": "=n"}, "b": {"op": "reshape", "in": "a", "target_shape": [7]}'
    more = '"params": {"n": 3}, "variants": {"one": {"n": 1}, "two": {"n": 2}}'
    (found,) = findings(file(nodes, more=more, outputs='{"y": "b"}'))
    assert "variant" not in found.message


def test_contracts_are_held_by_every_variant(net: Path) -> None:
    # 3*3*3*n + n with n = 1, 3: at most 84
    text = file(
        NET, more='"params": {"n": 3, "kernel": 3}, "variants": {"a": {}, "b": {"n": 8}}, "expect": {"params": "<= 84"}'
    )
    (found,) = findings(text)
    assert (found.code, found.message) == ("AG601", "must be <= 84, got 224 (in variant b)")


def test_parameters_are_set_over_those_of_each_variant(net: Path) -> None:
    assert check(net, {"kernel": 3}) == []
    assert [one.code for one in check(net, {"kernl": 3})] == ["AG401"]
    assert {one.code for one in check(net, {"n": "many"})} == {"AG412"}


def test_a_file_a_document_and_a_graph_give_the_same_findings(net: Path) -> None:
    expected = check(net)
    assert check(str(net)) == expected
    assert check(read(net.read_text(encoding="utf-8"), str(net))) == expected
    assert check(load_graph(net)) == expected


def test_a_graph_with_chosen_parameters_is_checked_for_these() -> None:
    graph = load_text(file(NET, more=VARIANTS))
    assert [one.code for one in check(graph.variant("bad"))] == ["AG304"]
    assert check(graph.variant("small").bind(n=2)) == []


def test_limits_can_be_given(net: Path) -> None:
    assert {one.code for one in check(f"{net}#small", limits=Limits(elements=10))} == {"AG503"}
    assert {one.code for one in check(f"{net}#small", limits=Limits(parameters=10))} == {"AG502"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "AG101"), (b"{", "AG101"), (b"[]", "AG202"), (b'{"a": 1, "a": 2}', "AG102"), (b"\xff", "AG104"),
        (b"\xef\xbb\xbf{}", "AG104"), (b'{"a": NaN}', "AG103"), (b"[" * 100_000, "AG107"), (b"null", "AG202"),
        (b'"text"', "AG202"),
    ],
)  # fmt: skip
def test_bad_content_gives_findings_and_never_an_exception(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "bad.graph.json"
    path.write_bytes(content)
    found = check(path)
    assert [one.code for one in found] == [code]
    assert all(one.line and one.file == str(path) for one in found)


def test_a_file_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "net.graph.json").touch()
    (found,) = check(tmp_path / "nte.graph.json")
    assert (found.code, found.hint) == ("AG109", "did you mean 'net.graph.json'?")


def test_an_unknown_variant_is_a_finding(net: Path) -> None:
    assert [(one.code, one.hint) for one in check(f"{net}#smal")] == [("AG411", "did you mean 'small'?")]


def test_faults_of_form_and_of_shape_are_told_at_once() -> None:
    narrow = '"a": {"op": "dense", "in": "x", "units": 0}, "b": {"op": "flatten", "in": "a"}'
    uneven = (
        '"a": {"op": "dense", "in": "y", "units": 3}, "b": {"op": "reshape", "in": "x", "target_shape": [5]},'
        '"c": {"op": "add", "in": ["a", "b"]}'
    )
    text = file(
        '"a": {"op": "dens", "in": "x"},\n'
        '"b": {"op": "reshape", "in": "x", "target_shape": [7]},\n'
        '"c": {"op": "add", "in": ["a", "x"]},\n'
        '"d": {"reuse": "a", "in": "x"},\n'
        '"e": {"block": "u", "in": "x"},\n'
        '"f": {"block": "v", "in": "x"},\n'
        '"g": {"op": "concat", "in": ["b", "c", "d", "e", "f"]}',
        more=blocks(u=block(narrow, output='"output": "b"'), v=block(uneven, output='"output": "c"')),
        outputs='{"y": "g", "z": "nowhere"}',
    )  # fmt: skip
    assert [(one.code, one.pointer) for one in findings(text)] == [
        ("AG201", "/blocks/u/nodes/a/units"),
        ("AG401", "/blocks/v/nodes/a/in"),
        ("AG303", "/blocks/v/nodes/b/target_shape"),
        ("AG406", "/nodes/a/op"),
        ("AG303", "/nodes/b/target_shape"),
        ("AG401", "/outputs/z"),
    ]


@pytest.mark.parametrize(
    "fault",
    ['"params": {"n": null}', '"dims": {"C": {"minimum": 0}}', '"imports": ["b.graph.json"]', '"dimensions": {}',
     '"blocks": {"u": 3}'],
)  # fmt: skip
def test_what_may_follow_from_a_fault_is_not_told(fault: str) -> None:
    nodes = '"a": {"op": "reshape", "in": "x", "target_shape": [7]}, "b": {"block": "u", "in": "a"}'
    assert len(findings(file(nodes, more=fault))) == 1


def test_findings_stand_in_the_order_of_the_text() -> None:
    text = file(
        '"b": {"op": "flatten", "in": "x"},\n"a": {"op": "reshape", "in": "x", "target_shape": [7]}',
        more='"params": {"n": 3},\n "expect": {"nodes": 9},\n' + blocks(u=block('"a": {"op": "flatten", "in": "x"}')),
        outputs='{"y": "a"}',
    )
    found = findings(text)
    assert [one.line for one in found] == sorted(one.line for one in found)
    assert {one.code for one in found} == {"AG405", "AG404", "AG303"}


def test_variants_that_are_too_much_work_together_are_said_to_be_left() -> None:
    inner = block('"a": {"op": "dense", "in": "x", "units": "=n"}', more='"params": {"n": 1}')
    variants = ", ".join(f'"v{number}": {{"n": {number + 1}}}' for number in range(300))
    more = f'"params": {{"n": 1}}, "variants": {{{variants}}}, ' + blocks(u=inner)
    found = findings(file('"a": {"block": "u", "in": "x", "n": "=i % n + 1", "repeat": 5000}', more=more))
    assert [(one.code, one.pointer) for one in found] == [("AG501", "/variants")]


@pytest.mark.parametrize(
    "statement", ["import archgraph.analysis", "from archgraph.analysis.check import check; check({!r})"]
)
def test_neither_tensorflow_nor_keras_is_imported(net: Path, statement: str) -> None:
    heavy = ("keras", "tensorflow", "numpy")
    code = f"import sys; {statement.format(str(net))}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.graph.json")), ids=lambda path: path.name)
def test_every_example_passes(path: Path) -> None:
    assert check(path) == []


def test_every_finding_is_located_and_can_be_printed() -> None:
    text = json.dumps({"archgraph": 1, "name": "n", "inputs": {"x": {"shape": [3]}}, "outputs": {"y": "\u202e\x07"},
                       "nodes": {"a": {"op": "\x1b[31m", "in": "x"}}})  # fmt: skip
    for one in findings(text):
        assert (one.line and str(one).isprintable()) or "\n  hint: " in str(one)
        assert "\x1b" not in str(one) and "\u202e" not in str(one)
