"""The public interface: what it offers, that it costs nothing to import, and that it loads, checks and saves."""

import subprocess
import sys
from pathlib import Path

import networkx
import pytest

import archgraph as ag
from archgraph.document.reader import read_file

EXAMPLES = Path(__file__).parent.parent / "examples"
LENET = EXAMPLES / "lenet5.graph.json"
HEAVY = ("tensorflow", "keras", "matplotlib", "rich", "networkx", "numpy", "pydot", "sklearn")
TEXT = """{"archgraph": 1, "name": "t", "params": {"n": 3}, "inputs": {"x": {"shape": [4]}},
"nodes": {"fc": {"op": "dense", "in": "x", "units": "=n"}}, "outputs": {"y": "fc"}}"""


def imported_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=EXAMPLES.parent)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy():
    assert not imported_by("import archgraph") & {*HEAVY, "archgraph.vocabulary"}


@pytest.mark.parametrize(
    "statement",
    [
        f"import archgraph as ag; ag.check({str(LENET)!r})",
        f"import archgraph as ag; ag.infer(ag.load({str(LENET)!r}))",
        f"import archgraph as ag; ag.cost(ag.infer(ag.load({str(LENET)!r})))",
        "import archgraph as ag; ag.Builder('g').to_json()",
    ],
)
def test_analysis_imports_no_keras(statement):
    assert not imported_by(statement) & set(HEAVY)


def test_drawing_imports_no_keras():
    drawing = f"import archgraph as ag; ag.render(ag.load({str(LENET)!r}), format='dot')"
    assert not imported_by(drawing) & ({*HEAVY} - {"pydot"})


@pytest.mark.parametrize("name", ag.__all__)
def test_every_public_name_exists_and_is_documented(name):
    value = getattr(ag, name)
    assert name.startswith("__") or value.__doc__.strip()
    assert name in dir(ag)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'laod'"):
        ag.laod  # noqa: B018


def test_parameters_and_variants_are_chosen_on_loading(tmp_path):
    assert ag.infer(ag.loads(TEXT, n=5)).outputs["y"].shape == (5,)
    file = tmp_path / "t.graph.json"
    file.write_text(TEXT.replace('"inputs"', '"variants": {"small": {}, "large": {"n": 7}}, "inputs"'))
    assert ag.infer(ag.load(f"{file}#large")).outputs["y"].shape == (7,)
    with pytest.raises(ag.GraphError, match="AG401"):
        ag.load(file, m=1)


def test_checking_returns_findings_instead_of_raising(tmp_path):
    assert ag.check(LENET) == []
    (finding,) = ag.check(tmp_path / "none.graph.json")
    assert isinstance(finding, ag.Diagnostic) and finding.code == "AG109"


def test_a_loaded_graph_is_saved_byte_for_byte(tmp_path):
    uncommon = TEXT.replace('"n": 3', '"n" :\t3.0e0').encode() + b"\n\n"
    (tmp_path / "a.graph.json").write_bytes(uncommon)
    ag.save(ag.load(tmp_path / "a.graph.json"), tmp_path / "b.graph.json")
    assert (tmp_path / "b.graph.json").read_bytes() == uncommon
    ag.save(read_file(tmp_path / "a.graph.json"), tmp_path / "c.graph.json")
    assert (tmp_path / "c.graph.json").read_bytes() == uncommon


def test_a_graph_without_a_text_cannot_be_saved(tmp_path):
    import dataclasses

    graph = ag.loads(TEXT)
    graph = dataclasses.replace(graph, body=dataclasses.replace(graph.body, source=None))
    with pytest.raises(ag.GraphError, match="AG109"):
        ag.save(graph, tmp_path / "b.graph.json")
    assert list(tmp_path.iterdir()) == []


def test_the_expanded_graph_in_networkx_has_every_primitive_with_its_cost():
    shaped = ag.infer(ag.load(EXAMPLES / "resnet50.graph.json"))
    graph = ag.to_networkx(shaped)
    ops = {name: data for name, data in graph.nodes(data=True) if data["kind"] == "op"}
    assert networkx.is_directed_acyclic_graph(graph)
    assert (len(ops), sum(data["parameters"] for data in ops.values())) == (175, 25_610_152)
    assert next(iter(networkx.topological_sort(graph))) == "image"
    assert graph.graph["outputs"] == {"label": "fc/activation"}
    assert graph.edges["image", "stem"] == {"ports": [(0, 0)], "shape": (224, 224, 3)}
    assert ops["stage2/0/short"]["shape"] == (28, 28, 512)
    assert ops["stage2/0/short"]["pointer"] == "/blocks/bottleneck/nodes/short"


def test_the_rolled_graph_in_networkx_has_the_records_of_the_file():
    graph = ag.to_networkx(ag.load(EXAMPLES / "resnet50.graph.json"))
    assert len(graph) == 9
    assert graph.nodes["stage1"] == {"kind": "block", "target": "bottleneck", "repeat": 3, "doc": ""}
    assert list(graph.edges("stem")) == [("stem", "pool")]


def test_a_node_that_feeds_another_twice_is_one_edge_with_two_ports():
    b = ag.Builder("twice")
    x = b.input("x", [3])
    b.output(b.add(x, x, name="double"))
    assert ag.to_networkx(ag.infer(b.graph())).edges["x", "double"]["ports"] == [(0, 0), (0, 1)]
    assert ag.to_networkx(b.graph()).edges["x", "double"]["ports"] == [("", 0), ("", 1)]
