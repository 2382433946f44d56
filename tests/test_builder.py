"""The builder writes the files that people write, and refuses at once what a file may not hold."""

import inspect
import json
from pathlib import Path

import pytest

import archgraph as ag
from archgraph.builder import Builder, Expr, expr
from archgraph.vocabulary import REGISTRY

EXAMPLES = Path(__file__).parent.parent / "examples"
SCHEMA = "../schemas/graph.schema.json"


def lenet5() -> Builder:
    doc = "LeCun et al. 1998, section II.B, in its usual modern form: full C3, plain pooling, softmax."
    g = Builder("lenet5", doc=doc, schema=SCHEMA)
    x = g.input("image", shape=[32, 32, 1])
    conv = {"kernel_size": 5, "padding": "valid", "activation": "tanh"}
    x = g.conv(x, filters=6, **conv, name="c1")
    x = g.avg_pool(x, pool_size=2, name="s2")
    x = g.conv(x, filters=16, **conv, name="c3")
    x = g.avg_pool(x, pool_size=2, name="s4")
    x = g.conv(x, filters=120, **conv, name="c5")
    x = g.flatten(x, name="flat")
    x = g.dense(x, units=84, activation="tanh", name="f6")
    g.output(g.dense(x, units=10, activation="softmax", name="digit"))
    return g


def resnet50() -> Builder:
    g = Builder("resnet50", doc="He et al. 2015, table 1, 50-layer.", params={"classes": 1000}, schema=SCHEMA)
    image = g.input("image", [224, 224, 3])
    with g.block("bottleneck", params={"width": int, "strides": 1, "project": False}) as b:
        (x,) = b.inputs
        width, strides = b.param("width"), b.param("strides")
        h = b.conv(x, filters=width, kernel_size=1, strides=strides, norm="batch", activation="relu", name="reduce")
        h = b.conv(h, filters=width, kernel_size=3, norm="batch", activation="relu", name="conv")
        h = b.conv(h, filters=4 * width, kernel_size=1, norm="batch", name="expand")
        project = {"filters": 4 * width, "kernel_size": 1, "strides": strides, "norm": "batch"}
        short = b.conv(x, when=b.param("project"), **project, name="short")
        b.output(b.add(h, short, activation="relu", name="sum"))
    x = g.conv(image, filters=64, kernel_size=7, strides=2, norm="batch", activation="relu", name="stem")
    x = g.max_pool(x, pool_size=3, strides=2, name="pool")
    x = g.call(b, x, width=64, repeat=3, first={"project": True}, name="stage1")
    for number, (width, repeat) in enumerate([(128, 4), (256, 6), (512, 3)], start=2):
        first = {"project": True, "strides": 2}
        x = g.call("bottleneck", x, width=width, repeat=repeat, first=first, name=f"stage{number}")
    x = g.global_avg_pool(x, name="gap")
    g.output(label=g.dense(x, units="=classes", activation="softmax", name="fc"))
    return g


@pytest.mark.parametrize("build", [lenet5, resnet50])
def test_a_network_that_is_built_is_its_example_file(build, tmp_path):
    built = build()
    file = EXAMPLES / f"{built.name}.graph.json"
    assert built.to_dict() == json.loads(file.read_text())
    built.save(tmp_path / "saved.graph.json")
    assert (tmp_path / "saved.graph.json").read_text() == file.read_text()


def test_what_is_saved_loads_as_what_is_built(tmp_path):
    g = lenet5()
    ag.save(g, tmp_path / "g.graph.json")
    assert ag.infer(ag.load(tmp_path / "g.graph.json")).parameters == ag.infer(g.graph()).parameters == 61_706


def test_ids_are_the_ops_name_and_a_number_unless_given():
    g = Builder("ids")
    x = g.input("conv2", [8, 8, 1])
    first, second = g.conv(x, filters=1, kernel_size=1), g.conv(x, filters=1, kernel_size=1)
    assert (str(first), str(second)) == ("conv1", "conv3")


def test_feeds_are_handles_names_lists_or_named_ports():
    g = Builder("feeds")
    x = g.input("x", [5, 8])
    a = g.dense("x", units=8, name="a")
    g.add([x, a], name="list")
    g.add(x, "a", name="several")
    g.attention(query=x, key=a, value=a, num_heads=2, key_dim=4, name="named")
    state = g.lstm(x, units=3, return_state=True, name="lstm").port("state_h")
    g.dense(state, units=1, name="port")
    g.reuse(a, "several", name="again")
    nodes = g.to_dict()["nodes"]
    assert nodes["list"]["in"] == nodes["several"]["in"] == ["x", "a"]
    assert nodes["named"]["in"] == {"query": "x", "key": "a", "value": "a"}
    assert nodes["port"]["in"] == "lstm.state_h"
    assert nodes["again"] == {"reuse": "a", "in": "several"}


def test_a_block_may_be_a_function_and_have_several_outputs():
    g = Builder("blocks")
    x = g.input("x", [8])
    double = g.block("double", body=lambda b, x: b.dense(x, units=16, name="wide"), doc="Twice as wide.")
    with g.block("two", inputs=["a", "b"]) as two:
        a, b = two.inputs
        two.output(sum=two.add(a, b), difference=two.subtract(a, b))
    twice = g.call(double, x, name="twice")
    pair = g.call(two, twice, g.call("double", x), name="pair")
    g.output(sum=pair, difference=pair.port("difference"))
    value = g.to_dict()
    assert value["blocks"]["double"]["output"] == "wide" and value["blocks"]["double"]["doc"] == "Twice as wide."
    assert value["blocks"]["two"]["outputs"] == {"sum": "add1", "difference": "subtract1"}
    assert {name: tensor.shape for name, tensor in ag.infer(g.graph()).outputs.items()} == {
        "sum": (16,), "difference": (16,),
    }  # fmt: skip


def test_variants_dims_and_contracts_are_written():
    g = Builder("whole", params={"width": 4})
    g.dim("H", multiple_of=2)
    x = g.input("image", ["H", "H", 3], doc="a picture")
    x = g.conv(x, filters=g.param("width"), kernel_size=3, strides=2, name="conv")
    g.output(map=x)
    g.variant("narrow")
    g.variant("wide", width=8)
    g.expect(params=">= 1")
    value = g.to_dict()
    assert value["dims"] == {"H": {"multiple_of": 2}}
    assert value["variants"] == {"narrow": {}, "wide": {"width": 8}}
    assert value["inputs"]["image"] == {"shape": ["H", "H", 3], "doc": "a picture"}
    assert value["nodes"]["conv"]["filters"] == "=width" and value["expect"] == {"params": ">= 1"}
    assert ag.infer(g.graph().variant("wide")).parameters == 3 * 3 * 3 * 8 + 8


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (4 * Expr("width"), "=4*width"),
        ((Expr("n") + 1) * 2, "=(n + 1)*2"),
        (Expr("n") - (Expr("m") - 1), "=n - (m - 1)"),
        (Expr("n") // 2 % 3, "=n//2%3"),
        (2 * (Expr("n") / 2), "=2*(n/2)"),
        ((Expr("n") * 2) ** 2, "=(n*2)**2"),
        (Expr("n") - -1, "=n - (-1)"),
        (expr("dim(x, -1)") // 2, "=dim(x, -1)//2"),
        (expr("= a if b else c") + 1, "=(a if b else c) + 1"),
        (10 - Expr("n"), "=10 - n"),
        (1 + Expr("n"), "=1 + n"),
    ],
)
def test_arithmetic_on_expressions_is_written_with_the_brackets_it_needs(made, text):
    assert str(made) == text


def refused(build) -> tuple[str, str]:
    g = Builder("bad")
    x = g.input("x", [8])
    with pytest.raises(ag.GraphError) as caught:
        build(g, x)
    (finding,) = caught.value.diagnostics
    return finding.code, finding.pointer


BAD = {
    "parameter out of bounds": (lambda g, x: g.dense(x, units=0, name="fc"), "AG201", "/nodes/fc/units"),
    "misspelt parameter": (lambda g, x: g.dense(x, unit=3, units=3, name="fc"), "AG203", "/nodes/fc/unit"),
    "missing parameter": (lambda g, x: g.dense(x, name="fc"), "AG204", "/nodes/fc"),
    "too many feeds": (lambda g, x: g.dense(x, x, units=1, name="fc"), "AG403", "/nodes/fc/in"),
    "a number as feed": (lambda g, x: g.dense(3, units=1, name="fc"), "AG202", "/nodes/fc/in/0"),
    "feeds by name and position": (lambda g, x: g.attention(x, key=x, name="a"), "AG403", "/nodes/a/in"),
    "unknown op": (lambda g, x: g.op("cnov", x, name="c"), "AG406", "/nodes/c/op"),
    "no identifier": (lambda g, x: g.flatten(x, name="a/b"), "AG206", "/nodes/a/b"),
    "name taken": (lambda g, x: g.flatten(x, name="x"), "AG210", "/nodes/x"),
    "input taken": (lambda g, x: g.input("x", [1]), "AG210", "/inputs/x"),
    "bad input": (lambda g, x: g.input("y", [0]), "AG201", "/inputs/y/shape/0"),
    "unknown parameter of the file": (lambda g, x: g.param("width"), "AG401", "/params"),
    "block without output": (lambda g, x: g.block("b").__exit__(None, None, None), "AG204", "/blocks/b"),
    "block taken": (lambda g, x: (g.block("b"), g.block("b")), "AG210", "/blocks/b"),
    "handle of another scope": (lambda g, x: g.block("b").dense(x, units=1, name="n"), "AG401", "/blocks/b/nodes/n/in"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_call_is_refused_at_once_with_the_name_of_the_node(case):
    build, code, pointer = BAD[case]
    assert refused(build) == (code, pointer)


def test_what_concerns_several_nodes_is_placed_in_the_text_that_would_be_saved():
    g = Builder("shapes")
    g.output(g.add(g.input("a", [3]), g.input("b", [4]), name="sum"))
    with pytest.raises(ag.GraphError) as caught:
        ag.infer(g.graph())
    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.pointer, finding.file) == ("AG303", "/nodes/sum", "<shapes>")
    assert g.to_json().splitlines()[finding.line - 1].lstrip().startswith('"sum"')


def test_a_builder_that_is_refused_writes_nothing(tmp_path):
    g = Builder("unwired")
    g.input("x", [3])
    with pytest.raises(ag.GraphError):
        g.save(tmp_path / "g.graph.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_every_op_is_a_method_that_documents_its_parameters(op):
    method = getattr(Builder, op)
    signature = inspect.signature(method)
    for name, field in REGISTRY[op].fields().items():
        assert signature.parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert (signature.parameters[name].default is inspect.Parameter.empty) == field.required
        assert f"{name}: {field.doc}" in method.__doc__
    assert REGISTRY[op].source in method.__doc__ and op in dir(Builder("any"))


def test_an_op_that_does_not_exist_gets_the_nearest_one_as_a_hint():
    with pytest.raises(AttributeError, match="did you mean 'conv'"):
        Builder("any").cnov  # noqa: B018


def test_a_cell_is_built_and_scanned() -> None:
    g = Builder("elman")
    words = g.input("words", ["T", 5])
    with g.block("cell", ["x", "h"], {"units": 4}) as b:
        x, h = b.inputs
        new = b.dense(b.concat([x, h]), units=b.param("units"), activation="tanh", name="new")
        b.state("h", new, shape=[b.param("units")])
        b.output(new)
    g.output(read=g.call("cell", inputs={"x": words}, scan="x", name="read").port("h"))
    value = g.to_dict()
    assert value["blocks"]["cell"]["states"] == {"h": {"next": "new", "shape": ["=units"]}}
    assert value["nodes"]["read"] == {"block": "cell", "in": {"x": "words"}, "scan": "x"}
    assert ag.infer(g.graph()).outputs["read"].shape == (4,)
