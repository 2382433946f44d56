"""Files, variants, imports and the library."""

import json
from pathlib import Path
from typing import Any

import pytest

from archgraph.analysis import infer
from archgraph.analysis.check import check
from archgraph.diagnostics import GraphError
from archgraph.document.load import library, load_graph, load_text

UNIT: dict[str, Any] = {
    "inputs": ["x"], "nodes": {"a": {"op": "dense", "in": "x", "units": 3}}, "output": "a",
}  # fmt: skip


def call(name: str) -> dict[str, Any]:
    return {"inputs": ["x"], "nodes": {"a": {"block": name, "in": "x"}}, "output": "a"}


def save(folder: Path, name: str, *, imports: tuple[str, ...] = (), blocks: Any = None, use: str = "") -> Path:
    """Write a file: a graph that calls the block `use`, or, without it, a file of blocks."""
    value: dict[str, Any] = {"archgraph": 1, "name": "test", "imports": list(imports), "blocks": blocks or {}}
    if use:
        value |= {
            "inputs": {"x": {"shape": [8]}}, "nodes": {"y": {"block": use, "in": "x"}}, "outputs": {"y": "y"},
        }  # fmt: skip
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder marked as a project."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").touch()
    return tmp_path / "project"


def refusal(path: Path) -> list[tuple[str, str, str]]:
    return [(one.code, one.pointer, Path(one.file).name) for one in check(path) if one.severity == "error"]


# ---- imports


def test_a_block_of_another_file(project: Path) -> None:
    save(project, "blocks/one.graph.json", blocks={"unit": UNIT})
    path = save(project, "main.graph.json", imports=("blocks/one.graph.json",), use="unit")
    assert [node.path for node in infer(load_graph(path)).walk()] == ["y/a"]
    assert check(path) == []


def test_an_imported_block_may_call_blocks_of_its_own_imports(project: Path) -> None:
    save(project, "deep/two.graph.json", blocks={"inner": UNIT})
    save(project, "one.graph.json", imports=("deep/two.graph.json",), blocks={"outer": call("inner")})
    path = save(project, "main.graph.json", imports=("one.graph.json",), use="outer")
    assert [node.path for node in infer(load_graph(path)).walk()] == ["y/a/a"]


def test_blocks_that_an_imported_file_only_imports_are_not_in_reach(project: Path) -> None:
    save(project, "two.graph.json", blocks={"inner": UNIT})
    save(project, "one.graph.json", imports=("two.graph.json",), blocks={"outer": call("inner")})
    path = save(project, "main.graph.json", imports=("one.graph.json",), use="inner")
    assert refusal(path) == [("AG407", "/nodes/y/block", "main.graph.json")]


def test_own_blocks_come_before_imported_ones_and_these_before_the_library(project: Path) -> None:
    wide = json.loads(json.dumps(UNIT))
    wide["nodes"]["a"]["units"] = 5
    save(project, "one.graph.json", blocks={"bottleneck": UNIT, "unit": UNIT})
    path = save(project, "main.graph.json", imports=("one.graph.json",), blocks={"unit": wide}, use="unit")
    assert infer(load_graph(path)).outputs["y"].shape == (5,)
    path = save(project, "main.graph.json", imports=("one.graph.json",), use="bottleneck")
    assert infer(load_graph(path)).outputs["y"].shape == (3,)


def test_a_name_that_two_imports_define_is_refused(project: Path) -> None:
    save(project, "one.graph.json", blocks={"unit": UNIT})
    save(project, "two.graph.json", blocks={"unit": UNIT})
    path = save(project, "main.graph.json", imports=("one.graph.json", "two.graph.json"), use="unit")
    assert refusal(path) == [("AG410", "/imports/1", "main.graph.json")]


def test_a_circle_of_imports_ends(project: Path) -> None:
    save(project, "one.graph.json", imports=("two.graph.json",), blocks={"one": call("two")})
    save(project, "two.graph.json", imports=("one.graph.json",), blocks={"two": UNIT})
    path = save(project, "main.graph.json", imports=("one.graph.json",), use="one")
    assert infer(load_graph(path)).count == 1


def test_a_circle_of_blocks_through_imports_is_refused(project: Path) -> None:
    save(project, "one.graph.json", imports=("two.graph.json",), blocks={"one": call("two")})
    save(project, "two.graph.json", imports=("one.graph.json",), blocks={"two": call("one")})
    path = save(project, "main.graph.json", imports=("one.graph.json",), use="one")
    assert [code for code, _, _ in refusal(path)] == ["AG408"]


@pytest.mark.parametrize(
    "name",
    ["../outside.graph.json", "blocks/../../outside.graph.json", "link.graph.json", "linked/outside.graph.json"],
)
def test_an_import_stays_inside_the_project(project: Path, name: str) -> None:
    save(project.parent, "outside.graph.json", blocks={"unit": UNIT})
    (project / "blocks").mkdir()
    (project / "link.graph.json").symlink_to(project.parent / "outside.graph.json")
    (project / "linked").symlink_to(project.parent, target_is_directory=True)
    path = save(project, "main.graph.json", imports=(name,), use="unit")
    assert ("AG410", "/imports/0", "main.graph.json") in refusal(path)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("/etc/blocks.graph.json", "AG410"),
        ("C:\\blocks.graph.json", "AG202"),
        ("https://example.org/b.graph.json", "AG202"),
        ("blocks.json", "AG202"),
        ("", "AG202"),
        ("a\u0000b.graph.json", "AG202"),
        ("missing.graph.json", "AG109"),
    ],
)
def test_an_import_is_a_relative_path_of_a_graph_file(project: Path, name: str, code: str) -> None:
    path = save(project, "main.graph.json", imports=(name,), use="bottleneck")
    found = [one for one in check(path) if one.severity == "error" and one.code == code]
    assert found, check(path)


def test_without_a_project_mark_the_files_own_folder_is_the_project(tmp_path: Path) -> None:
    save(tmp_path, "outside.graph.json", blocks={"unit": UNIT})
    path = save(tmp_path, "inner/main.graph.json", imports=("../outside.graph.json",), use="unit")
    assert ("AG410", "/imports/0", "main.graph.json") in refusal(path)


def test_a_fault_in_an_imported_file_is_placed_there(project: Path) -> None:
    bad = {**UNIT, "nodes": {"a": {"op": "dense", "in": "x", "units": 0}}}
    save(project, "one.graph.json", blocks={"unit": bad})
    path = save(project, "main.graph.json", imports=("one.graph.json",), use="unit")
    assert refusal(path) == [("AG201", "/blocks/unit/nodes/a/units", "one.graph.json")]


def test_a_shape_fault_in_an_imported_block_is_placed_there(project: Path) -> None:
    bad = {**UNIT, "nodes": {"a": {"op": "reshape", "in": "x", "target_shape": [7]}}}
    save(project, "one.graph.json", blocks={"unit": bad})
    path = save(project, "main.graph.json", imports=("one.graph.json",), use="unit")
    assert refusal(path) == [("AG303", "/blocks/unit/nodes/a/target_shape", "one.graph.json")]


def test_a_long_chain_of_imports_is_refused(project: Path) -> None:
    for number in range(100):
        save(project, f"f{number}.graph.json", imports=(f"f{number + 1}.graph.json",), blocks={f"b{number}": UNIT})
    save(project, "f100.graph.json", blocks={"b100": UNIT})
    path = save(project, "main.graph.json", imports=("f0.graph.json",), use="b0")
    assert "AG410" in [code for code, _, _ in refusal(path)]


# ---- variants

TEXT = """{"archgraph": 1, "name": "test", "params": {"n": 1},
 "variants": {"small": {"n": 2}, "large": {"n": 5}},
 "inputs": {"x": {"shape": [8]}},
 "nodes": {"a": {"op": "dense", "in": "x", "units": "=n"}},
 "outputs": {"y": "a"}}"""


def units(reference: str | Path, **params: Any) -> object:
    return infer(load_graph(reference, params)).outputs["y"].shape[0]


def test_a_variant_is_named_after_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.graph.json"
    path.write_text(TEXT, encoding="utf-8")
    assert (units(path), units(f"{path}#small"), units(f"{path}#large")) == (2, 2, 5)
    assert units(f"{path}#large", n=7) == 7


def test_an_unknown_variant_is_answered_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "net.graph.json"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(GraphError) as caught:
        load_graph(f"{path}#lage")
    (found,) = caught.value.diagnostics
    assert (found.code, found.hint) == ("AG411", "did you mean 'large'?")


def test_an_unknown_parameter_is_answered_with_the_nearest() -> None:
    with pytest.raises(GraphError) as caught:
        load_text(TEXT, {"nn": 3})
    (found,) = caught.value.diagnostics
    assert (found.code, found.hint) == ("AG401", "did you mean 'n'?")


def test_a_value_that_does_not_fit_its_parameter_is_refused() -> None:
    with pytest.raises(GraphError, match=r'AG412 must be an integer, got "three"'):
        infer(load_text(TEXT, {"n": "three"}))


# ---- the library


def test_the_library_holds_documented_blocks() -> None:
    blocks = library()
    assert {"bottleneck", "residual", "squeeze_excite", "inception", "dense_layer"} <= set(blocks)
    assert all(block.doc for block in blocks.values())


def test_every_file_of_the_library_passes_its_check() -> None:
    folder = Path(__file__).parents[2] / "archgraph" / "library"
    for path in sorted(folder.glob("*.graph.json")):
        assert check(path) == [], path.name
