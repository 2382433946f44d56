"""What is known of a file while it is edited: all that stands before a fault, and where the fault is."""

import json
from pathlib import Path
from typing import Any

import pytest

from archgraph.analysis.check import check
from archgraph.document.reader import read
from archgraph.editing.comparing import differences
from archgraph.editing.fitting import fits_ahead, fits_behind
from archgraph.editing.fixing import fixes, keys_of_findings
from archgraph.editing.merging import merge, with_theirs
from archgraph.editing.patches import apply
from archgraph.editing.places import Place
from archgraph.editing.survey import survey
from archgraph.vocabulary import REGISTRY

EXAMPLES = Path(__file__).parents[2] / "examples"
PATHS = sorted(EXAMPLES.glob("*.graph.json"))


def lenet() -> Any:
    return json.loads((EXAMPLES / "lenet5.graph.json").read_text("utf-8"))


def changed(**records: Any) -> Any:
    """LeNet-5 with records changed or added."""
    value = lenet()
    for name, record in records.items():
        value["nodes"][name] = {**value["nodes"].get(name, {}), **record}
    return value


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name.partition(".")[0])
def test_a_sound_file_is_known_whole(path: Path) -> None:
    value = json.loads(path.read_text("utf-8"))
    known = survey(value, folder=EXAMPLES)
    assert known.errors == [] and known.shaped is not None
    assert set(known.seen) == {*value["inputs"], *value["nodes"]}


def test_what_stands_before_a_fault_is_known_and_what_follows_is_not() -> None:
    known = survey(changed(c3={"filters": -1}))
    assert set(known.seen) == {"image", "c1", "s2"}
    (one,) = known.findings
    assert (one.diagnostic.code, one.node, one.field, one.path) == ("AG201", "c3", "/filters", ("c3",))


def test_an_empty_canvas_has_findings_and_no_crash() -> None:
    for value in (
        {},
        {"archgraph": 1, "name": "x", "inputs": {}, "nodes": {}, "outputs": {}},
        {"nodes": 3},
        {"blocks": {}},
    ):
        assert survey(value).shaped is None


def test_a_fault_inside_a_block_of_another_file_is_shown_at_its_call() -> None:
    value = lenet()
    value["nodes"]["c3"] = {"block": "residual", "in": "flat", "width": 8}
    value["nodes"]["s4"]["in"] = "s2"
    found = survey(value).errors
    assert [one.node for one in found] == ["c3"] and found[0].block == ""


def test_it_agrees_with_check_on_every_example_that_is_broken_a_little() -> None:
    for path in PATHS[::6]:
        value = json.loads(path.read_text("utf-8"))
        first = next(iter(value["nodes"]))
        value["nodes"][first]["in"] = "nowhere"
        value.pop("variants", None)
        ours = {(one.diagnostic.code, one.diagnostic.pointer) for one in survey(value, folder=EXAMPLES).errors}
        theirs = {(one.code, one.pointer) for one in check(read(json.dumps(value), "x")) if one.severity == "error"}
        if "imports" not in value:
            assert ours == theirs


# ---- fixes

BROKEN = {
    "negative": (changed(c1={"filters": -3}), "AG201"),
    "misspelt reference": (changed(s4={"in": "c33"}), "AG401"),
    "misspelt key": (changed(c1={"padidng": "same"}), "AG203"),
    "misspelt choice": (changed(digit={"activation": "sotfmax"}), "AG205"),
    "window too large": (changed(c5={"kernel_size": 9}), "AG304"),
    "circle": (changed(c1={"in": "s2"}), "AG402"),
    "dead end": (changed(z={"op": "flatten", "in": "c1"}), "AG404"),
    "broken promise": ({**lenet(), "expect": {"params": "<= 10"}}, "AG601"),
    "no output": ({**lenet(), "outputs": {}}, "AG201"),
    "channels differ": (
        {**changed(g={"op": "conv", "in": "s2", "filters": 8, "kernel_size": 3}, sum={"op": "add", "in": ["g", "s2"]}),
         "outputs": {"digit": "digit", "sum": "sum"}}, "AG303"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_every_fix_that_is_offered_mends_the_finding_and_adds_none(name: str) -> None:
    value, code = BROKEN[name]
    known = survey(value)
    finding = next(one for one in known.findings if one.diagnostic.code == code)
    offered = fixes(known, finding)
    assert offered, "there is one"
    for fix in offered:
        after = survey(apply(value, fix.patch))
        assert keys_of_findings(after) < keys_of_findings(known)
        assert finding.diagnostic.pointer not in {
            one.diagnostic.pointer for one in after.findings if one.diagnostic.code == code
        }


def test_the_cost_of_a_fix_is_what_it_adds() -> None:
    value, _ = BROKEN["channels differ"]
    known = survey(value)
    costs = {fix.title: fix.cost for fix in fixes(known, known.errors[0])}
    # g: 3*3*6 weights and a bias for each filter; 8 filters become 6, or a 1x1 convolution of 8 maps to 6 follows.
    assert costs["Make filters of g 6"] == -2 * (3 * 3 * 6 + 1)
    assert any(cost == 6 * (8 + 1) or cost == 8 * (6 + 1) for title, cost in costs.items() if "Conv" in title)


def test_the_likeliest_fix_comes_first() -> None:
    """What was meant, then another value of the same field, then an op in between: whatever they cost."""
    expected = {
        "negative": "Make filters 1", "misspelt choice": "Write 'softmax'",
        "window too large": "Make kernel_size 5", "channels differ": "Make filters of g 6",
    }  # fmt: skip
    for name, title in expected.items():
        value, code = BROKEN[name]
        known = survey(value)
        assert fixes(known, next(one for one in known.findings if one.diagnostic.code == code))[0].title == title


# ---- what fits


def test_what_fits_behind_an_output_is_what_its_shape_allows() -> None:
    value = lenet()
    known = survey(value)
    assert known.root is not None
    found = fits_behind(known, Place(value), known.root, "f6", "")
    assert found.ports["c1.x"] == found.ports["s2.x"] and "circle" in found.ports["c1.x"]
    assert found.ports["digit.x"] == "" and found.ports["out:digit.x"] == ""
    assert found.ports["f6.x"] == "a node cannot feed itself"
    assert found.ops.keys() == REGISTRY.keys()
    assert found.ops["dense"] == "" and "axes" in found.ops["conv"], "84 numbers are no picture"
    assert found.blocks["residual"], "nor do they go through a residual block"
    assert fits_behind(known, Place(value), known.root, "s2", "").blocks["residual"] == ""


def test_what_fits_ahead_of_an_input() -> None:
    value = lenet()
    known = survey(value)
    found = fits_ahead(known, Place(value), known.root, "c3", "x")
    assert found.ports["s2.output"] == "" and found.ports["image.output"] == ""
    assert "circle" in found.ports["f6.output"]


# ---- differences and merging


def test_differences_name_shapes_and_parameters() -> None:
    value = changed(c3={"filters": 20})
    found = {one.name: one for one in differences(survey(lenet()), survey(value))}
    assert found["c3"].change == "changed" and found["c3"].text.startswith(
        "filters 16 → 20; (10, 10, 16) → (10, 10, 20)"
    )
    assert found["c3"].parameters == (2416, 3020)  # (5*5*6 + 1) * 16, and * 20
    assert found["c5"].change == "follows" and found["c5"].shapes == ("(1, 1, 120)", "(1, 1, 120)")
    assert found["c5"].parameters == (120 * (5 * 5 * 16 + 1), 120 * (5 * 5 * 20 + 1))
    assert "c1" not in found and differences(survey(lenet()), survey(lenet())) == []


def test_edits_of_different_nodes_merge_and_of_one_parameter_do_not() -> None:
    base = lenet()
    merged = merge(base, changed(c1={"filters": 8}), changed(c3={"filters": 20}))
    assert not merged.conflicts
    assert (merged.value["nodes"]["c1"]["filters"], merged.value["nodes"]["c3"]["filters"]) == (8, 20)
    merged = merge(base, changed(c1={"filters": 8}), changed(c1={"filters": 9}))
    assert [one.at for one in merged.conflicts] == ["/nodes/c1/filters"]
    assert merged.value["nodes"]["c1"]["filters"] == 8
    assert with_theirs(merged, ["/nodes/c1/filters"])["nodes"]["c1"]["filters"] == 9


def test_a_node_that_one_removed_and_the_other_changed_is_a_conflict_and_is_kept() -> None:
    base, gone = lenet(), lenet()
    del gone["nodes"]["s2"]
    merged = merge(base, changed(s2={"pool_size": 3}), gone)
    assert [one.at for one in merged.conflicts] == ["/nodes/s2"]
    assert merged.value["nodes"]["s2"]["pool_size"] == 3
    assert "s2" not in with_theirs(merged, ["/nodes/s2"])["nodes"]
