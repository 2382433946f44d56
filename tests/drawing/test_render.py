"""Pictures: what is in them, that they are legible, safe and the same every time, from pip alone."""

import itertools
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import archgraph as ag
from archgraph.drawing import graphviz, picture, words
from archgraph.drawing.label import quoted
from archgraph.drawing.palette import BLOCK, FAINT, FAMILIES, GROUPS, INK, PAPER, TERMINAL, TIMES, contrast
from archgraph.drawing.picture import Box, Group
from archgraph.shapes import Tensor, symbol
from archgraph.vocabulary.base import Family

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
NAMES = sorted(path.name.removesuffix(".graph.json") for path in EXAMPLES.glob("*.graph.json"))


def shaped(name: str) -> ag.ShapedGraph:
    return ag.infer(ag.load(EXAMPLES / f"{name}.graph.json"))


def boxes(drawn) -> dict[str, Box]:
    return {box.id: box for box in drawn.boxes()}


def texts(svg: bytes) -> list[str]:
    return [
        "".join(element.itertext()) for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_a_box_says_what_distinguishes_its_node_and_an_arrow_its_shape():
    drawn = picture(shaped("lenet5"))
    c1 = boxes(drawn)["c1"]
    assert (c1.title, c1.op, c1.lines, c1.footer) == ("c1", "conv", ("5×5 · 6 filters · valid · tanh",), "156 params")
    assert [(arrow.tail, arrow.head, arrow.label) for arrow in drawn.arrows][:3] == [
        ("input image", "c1", "32×32×1"), ("c1", "s2", "28×28×6"), ("s2", "c3", "14×14×6"),
    ]  # fmt: skip
    assert drawn.subtitle == "61,706 parameters · 416,520 multiply-adds · 13 primitives"


def test_a_repeated_block_is_drawn_once_with_its_copies_first_to_last():
    drawn = picture(shaped("resnet50"))
    found = boxes(drawn)
    groups = [member for member in drawn.members if isinstance(member, Group)]
    assert [group.id for group in groups] == ["stage1"]
    assert (found["stage1"].role, found["stage1"].times, found["stage1"].op) == ("head", "×3", "bottleneck")
    assert (found["stage2"].role, found["stage2"].times) == ("block", "×4")
    assert found["stage1/short"].sometimes and not found["stage1/conv"].sometimes
    assert found["stage1/reduce"].footer == "4,352–16,640 params"
    labels = {(arrow.tail, arrow.head): (arrow.label, arrow.sometimes) for arrow in drawn.arrows}
    assert labels["stage1", "stage1/reduce"] == ("56×56×64–256", False)
    assert labels["stage1", "stage1/sum"] == ("56×56×256", True)
    assert labels["stage1/sum", "stage2"] == ("56×56×256", False)


@pytest.mark.parametrize(
    ("options", "opened"),
    [({"depth": 0}, set()), ({"once": False}, {"stage1", "stage2", "stage3", "stage4"}), ({"depth": 1}, {"stage1"})],
)
def test_how_many_blocks_are_open_can_be_chosen(options, opened):
    drawn = picture(shaped("resnet50"), **options)
    assert {box.id for box in drawn.boxes() if box.role == "head"} == opened


@pytest.mark.parametrize("name", NAMES)
def test_the_expanded_picture_has_every_primitive_and_every_edge_between_them(name):
    whole = shaped(name)
    drawn = picture(whole, expanded=True)
    nodes = {box.id for box in drawn.boxes() if box.role == "node"}
    assert nodes == {node.path for node in whole.walk()}
    reached = {arrow.head for arrow in drawn.arrows}
    assert nodes | {f"output {name}" for name in whole.outputs} <= reached


@pytest.mark.parametrize("name", NAMES)
def test_every_example_can_be_drawn_and_shows_every_record(name):
    whole = shaped(name)
    svg = ag.render(whole)
    shown = set(texts(svg))
    used = {item.node.id for item in whole.root.items}
    assert used <= shown and set(whole.inputs) <= shown and set(whole.outputs) <= shown


@pytest.mark.parametrize("options", [{}, {"direction": "LR"}, {"legend": True}, {"expanded": True}])
def test_the_same_graph_gives_the_same_bytes_in_another_process(options):
    code = (
        "import sys, archgraph as ag\n"
        f"sys.stdout.buffer.write(ag.render(ag.load({str(EXAMPLES / 'resnet_small.graph.json')!r}), **{options!r}))"
    )
    environments = ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"})
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env=one, cwd=EXAMPLES.parent
        ).stdout
        for one in environments
    )
    assert first == second == ag.render(shaped("resnet_small"), **options)


def test_the_formats_are_svg_png_and_dot(tmp_path):
    whole = shaped("lenet5")
    assert ag.render(whole, tmp_path / "a.PNG").startswith(b"\x89PNG\r\n\x1a\n")
    assert ag.render(whole, format="dot").startswith(b"digraph")
    assert ag.render(whole, tmp_path / "a.svg") == (tmp_path / "a.svg").read_bytes()
    ElementTree.fromstring(ag.render(ag.load(EXAMPLES / "lenet5.graph.json")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.PNG", "a.svg"]


def test_an_unknown_format_or_direction_is_refused(tmp_path):
    with pytest.raises(ag.GraphError, match="AG109"):
        ag.render(shaped("mlp"), tmp_path / "a.bmp")
    with pytest.raises(ValueError, match="format must be one of"):
        ag.render(shaped("mlp"), format="bmp")
    with pytest.raises(ValueError, match="direction must be"):
        ag.render(shaped("mlp"), direction="RL")


HOSTILE = (
    '<script>alert(1)</script> "quoted" \\N \\G &lt;b&gt; <<B>bold</B>> ]]> \\" \' | {a|b} \u202eevil\u0007 \n--> é×'
)


def test_hostile_text_is_shown_as_text_and_never_becomes_markup():
    g = ag.Builder("hostile (1+1) - a", doc=HOSTILE)
    x = g.input("image", [8], doc=HOSTILE)
    b = g.block("block", doc=HOSTILE, body=lambda b, x: b.dense(x, units=2, doc=HOSTILE, name="inner"))
    x = g.call(b, x, doc=HOSTILE, name="call")
    g.output(digit=g.dense(x, units=2, doc=HOSTILE, name="end"))
    for options in ({}, {"expanded": True}, {"depth": 0}):
        svg = ag.render(g.graph(), **options)
        root = ElementTree.fromstring(svg)
        tags = {element.tag.split("}")[1] for element in root.iter()}
        assert tags <= {"svg", "g", "title", "polygon", "path", "ellipse", "text", "a", "polyline"}
        attributes = {key for element in root.iter() for key in element.attrib}
        assert not [key for key in attributes if key.startswith("on") or key.endswith("}href")]
        titles = [value for element in root.iter() for key, value in element.attrib.items() if key.endswith("}title")]
        assert any('<script>alert(1)</script> "quoted" \\N \\G &lt;b&gt; <<B>bold</B>>' in title for title in titles)
        assert "\u202e" not in svg.decode() and "\u0007" not in svg.decode()


@pytest.mark.parametrize("text", ["\\N", "a\\", '"', '\\"', "<b>x</b>", "&amp;", "\n", "\u0000", "", " ", "a\\\\"])
def test_a_quoted_text_comes_out_of_graphviz_as_it_went_in(text):
    dot = f"digraph {{ n [label={quoted('[' + text + ']')}] }}"
    (label,) = texts(graphviz.drawn(dot, "svg"))
    controls = {"\n": "\\n", "\u0000": "\\x00"}
    assert label.replace("\u00a0", " ") == f"[{controls.get(text, text)}]"


def test_every_colour_can_be_read_on_its_ground():
    assert set(FAMILIES) == set(Family)
    for shade in (*FAMILIES.values(), BLOCK, TERMINAL):
        assert contrast(shade.dark, shade.light) >= 4.5 and contrast(INK, shade.light) >= 7
        assert contrast(FAINT, shade.light) >= 4.5 and contrast(shade.dark, PAPER) >= 4.5
    for ground in (*GROUPS, PAPER):
        assert contrast(FAINT, ground) >= 4.5 and contrast(TIMES, ground) >= 4.5
    assert contrast("#000000", "#ffffff") == 21


def test_no_two_families_look_the_same():
    for one, other in itertools.combinations(FAMILIES.values(), 2):
        assert one.dark != other.dark and one.light != other.light


@pytest.mark.parametrize(
    ("several", "text"),
    [
        ([Tensor((28, 28, 6))], "28×28×6"),
        ([Tensor(())], "scalar"),
        ([Tensor((5,), "int32")], "5 int32"),
        ([Tensor((8, 8, 64)), Tensor((8, 8, 96)), Tensor((8, 8, 128))], "8×8×64–128"),
        ([Tensor((8, 8, 64)), Tensor((4, 4, 64))], "8×8×64 to 4×4×64"),
        ([Tensor((8, 8)), Tensor((64,))], "8×8 to 64"),
        ([Tensor((symbol("H") // 2, symbol("W") - 1, 3))], "H//2×(W-1)×3"),
    ],
)
def test_shapes_are_written_as_people_write_them(several, text):
    assert words.tensors(several) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("filters", 64, "64 filters"),
        ("units", 1, "1 unit"),
        ("kernel_size", 3, "3×3"),
        ("kernel_size", (1, 7), "1×7"),
        ("strides", 2, "stride 2"),
        ("use_bias", False, "no bias"),
        ("return_state", True, "return state"),
        ("norm", "batch", "batch norm"),
        ("norm", {"op": "group_norm", "groups": 4}, "group norm"),
        ("norm", "lrn", "lrn"),
        ("activation", {"op": "activation", "activation": "elu"}, "elu"),
        ("padding", "valid", "valid"),
        ("padding", 3, "padding 3"),
        ("filters", "=4*width", "4*width filters"),
        ("rate", 0.5, "rate 0.5"),
        ("rate", None, ""),
        ("kernel_regularizer", {"l2": 0.1}, "kernel regularizer l2 0.1"),
        ("size", (2, 3), "2×3"),
    ],
)
def test_parameters_are_a_few_words(name, value, text):
    assert words.phrase(name, value, rank=2) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (61_706, "61,706"), (25_610_152, "25.6 M"), (3_857_973_248, "3.86 G"), (10**16, "10,000 T")],
)
def test_counts_are_short(number, text):
    assert words.count(number) == text


def test_too_large_a_picture_is_refused_before_it_is_laid_out():
    g = ag.Builder("long")
    x = g.input("x", [2])
    with g.block("unit") as b:
        b.output(b.dense(b.inputs[0], units=2))
    g.output(g.call(b, x, repeat=4_500, name="tower"))
    with pytest.raises(ag.GraphError, match=r"AG501.*more than 4000 boxes"):
        ag.render(g.graph(), expanded=True)
    assert b"4500" in ag.render(g.graph())


def test_the_program_from_pip_is_found_where_the_scripts_are_not_on_the_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(graphviz.program()).name.startswith("graphviz-pure")
    assert ag.render(shaped("perceptron")).startswith(b"<?xml")


def test_a_dot_of_the_system_is_preferred(monkeypatch, tmp_path):
    (tmp_path / "dot").write_text("#!/bin/sh\necho the system\n")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + ":/bin:/usr/bin")
    assert graphviz.drawn("digraph {}", "svg") == b"the system\n"


def test_a_missing_or_failing_graphviz_is_a_located_complaint(monkeypatch, tmp_path):
    with pytest.raises(ag.GraphError, match="AG901 Graphviz failed"):
        graphviz.drawn("digraph { <", "svg")
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: None)
    with pytest.raises(ag.GraphError, match=r"AG901 no Graphviz(?s:.)*pip install"):
        graphviz.drawn("digraph {}", "svg")


def test_weights_that_are_shared_and_ports_that_have_names_are_told():
    g = ag.Builder("twins")
    left, right = g.input("left", [4, 3]), g.input("right", [4, 3])
    tower = g.lstm(left, units=3, return_state=True, name="tower")
    again = g.reuse(tower, right, name="again")
    g.output(y=g.add(tower.port("state_h"), again, name="sum"))
    drawn = picture(ag.infer(g.graph()))
    assert "weights of tower" in " ".join(boxes(drawn)["again"].lines) and boxes(drawn)["again"].footer == ""
    assert ("tower", "sum", "state_h: 3") in [(arrow.tail, arrow.head, arrow.label) for arrow in drawn.arrows]


def test_the_legend_names_the_families_that_are_drawn():
    shown = " ".join(texts(ag.render(shaped("lenet5"), legend=True)))
    assert re.search(r"■\s+convolution\s.*■\s+pooling", shown.replace("\u00a0", " ")) and "recurrent" not in shown
