"""The gallery: a page from the graphs of a folder and what is published of them, the same whenever it is made."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archgraph.cli import main

ROOT = Path(__file__).parents[2]
LARGEST = 64_000
"""Bytes of a picture in the examples."""


def net(**more: Any) -> dict[str, Any]:
    """A small graph: 8 inputs, a dense layer of `units`."""
    return {
        "archgraph": 1,
        "name": "net",
        "params": {"units": 4},
        "inputs": {"x": {"shape": [8]}},
        "nodes": {"y": {"op": "dense", "in": "x", "units": "=units"}},
        "outputs": {"y": "y"},
        **more,
    }


PUBLISHED = {
    "published": 1,
    "families": {"Second": ["wide"], "First": ["net"]},
    "rows": [
        {
            "id": "net",
            "paper": "Somebody, arXiv 1512.03385, table 1",
            "graphs": [
                {
                    "graph": "net.graph.json",
                    "figures": [
                        {"trainable": 36, "port": "a port"},
                        {"macs": "0.03K", "printed": "table 1"},
                        {"trainable": 40, "recalled": "table 2", "differs": "it has two biases"},
                    ],
                },
                {
                    "graph": "net.graph.json",
                    "set": {"units": 5},
                    "figures": [{"trainable": 45, "derived": "layer list"}],
                },
            ],
        }
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two graphs, and what is published of one."""
    (tmp_path / "net.graph.json").write_text(json.dumps(net(doc="A net.")))
    (tmp_path / "wide.graph.json").write_text(json.dumps(net(variants={"a": {"units": 9}, "b": {"units": 10}})))
    (tmp_path / "published.json").write_text(json.dumps(PUBLISHED))
    return tmp_path


def page(folder: Path, *arguments: str) -> str:
    """The page of a folder."""
    assert main(["gallery", str(folder), *arguments]) == 0
    return (folder / "README.md").read_text("utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """The cells of all tables, by the first."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return {first.strip("`"): rest for first, *rest in cells}


def test_each_published_figure_stands_beside_ours(folder: Path) -> None:
    found = rows(page(folder))
    # 8·4 + 4 and 8·4; 8·5 + 5 and 8·5
    assert found["net"] == [
        "36", "36", "32",
        "✓ 36 trainable (a port)<br>✓ 0.03K multiply-adds (table 1)"
        "<br>≠ 40 trainable (table 2, from memory: it has two biases)",
    ]  # fmt: skip
    assert found["units=5"] == ["45", "45", "40", "✓ 45 trainable (counted from the layers)"]
    assert (found["a"][0], found["b"][0]) == ("81", "90")


def test_a_figure_that_does_not_hold_is_marked(folder: Path) -> None:
    path = folder / "published.json"
    path.write_text(path.read_text().replace('"trainable": 36', '"trainable": 37'))
    assert "≠ 37 trainable (a port)" in page(folder)


def test_families_and_papers_come_from_the_published_file(folder: Path) -> None:
    text = page(folder)
    assert re.findall(r"^##+ (.*)", text, re.M) == ["Second", "wide", "First", "net"]
    assert "Published: Somebody, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385), table 1." in text
    assert "[net.graph.json](net.graph.json) · 1 line · 36 parameters · 32 multiply-adds" in text


def test_graphs_that_no_family_lists_come_last(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "extra.graph.json").write_text(json.dumps(net()))
    text = page(folder)
    assert re.findall(r"^##+ (.*)", text, re.M)[-2:] == ["Others", "more/extra"]
    assert (folder / "pictures" / "more-extra.svg").is_file()


def test_a_folder_without_published_figures_has_a_gallery_too(folder: Path) -> None:
    (folder / "published.json").unlink()
    text = page(folder, "--title", "My nets")
    assert re.findall(r"^#+ (.*)", text, re.M) == ["My nets", "net", "wide"]
    assert "✓" not in rows(text)["net"][3]


def test_symbolic_sizes_are_shown(folder: Path) -> None:
    inputs = {"x": {"shape": ["T", 1000]}}
    (folder / "net.graph.json").write_text(json.dumps(net(inputs=inputs)))
    assert rows(page(folder))["net"][2] == "`4,000·T`"


HOSTILE = "<script>alert(1)</script> | `x` [a](http://b) ![c](d) **e** &lt;\n# f"


def test_what_a_file_says_is_text_and_never_markup(folder: Path) -> None:
    (folder / "net.graph.json").write_text(json.dumps(net(doc=HOSTILE)))
    text = page(folder)
    assert r"\<script\>alert(1)\</script\> \| \`x\` \[a\](http://b) !\[c\](d) \*\*e\*\* &amp;lt; \# f" in text
    assert "<script" not in text.replace(r"\<script", "")


def test_a_second_run_changes_nothing(folder: Path) -> None:
    page(folder)
    files = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
    page(folder)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()} == files


def test_check_tells_what_is_out_of_date(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page(folder)
    assert main(["gallery", str(folder), "--check"]) == 0
    (folder / "net.graph.json").write_text(json.dumps(net(params={"units": 6})))
    (folder / "wide.graph.json").unlink()
    (folder / "published.json").unlink()
    capsys.readouterr()
    assert main(["gallery", str(folder), "--check"]) == 1
    told = capsys.readouterr().out.splitlines()
    names = ("README.md", "pictures/net.svg", "pictures/wide.svg")
    assert told == [*(f"{folder / name}: out of date" for name in names), "3 files out of date"]
    page(folder)
    assert not (folder / "pictures" / "wide.svg").exists()
    assert main(["gallery", str(folder), "--check"]) == 0


def test_a_page_that_somebody_wrote_is_not_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "README.md").write_text("mine\n")
    assert main(["gallery", str(folder)]) == 1
    assert "was not written by `archgraph gallery`" in capsys.readouterr().err
    assert (folder / "README.md").read_text() == "mine\n"
    assert not (folder / "pictures").exists()
    assert page(folder, "--force").startswith("<!-- Written by")


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("net.graph.json", ('"dense"', '"dens"'), "/nodes/y/op: AG406"),
        ("published.json", ('"wide"', '"wid"'), "/families: AG401"),
        ("published.json", ('"port": "a port"', '"harbour": "a port"'), "/rows/0/graphs/0/figures/0/harbour: AG203"),
        ("published.json", (', "port": "a port"', ""), "/rows/0/graphs/0/figures/0: AG204"),
        ("published.json", ('"0.03K"', '"some"'), "/rows/0/graphs/0/figures/1/macs: AG202"),
        ("published.json", ('"units": 5', '"unit": 5'), "AG401"),
    ],
)
def test_a_fault_is_told_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, change: tuple[str, str], told: str
) -> None:
    path = folder / name
    assert change[0] in path.read_text()
    path.write_text(path.read_text().replace(*change))
    assert main(["gallery", str(folder)]) == 1
    assert told in capsys.readouterr().err
    assert not (folder / "README.md").exists()


def test_a_page_elsewhere_links_back(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("docs") / "nets.md"
    assert main(["gallery", str(folder), "--write", str(elsewhere)]) == 0
    links = re.findall(r"\]\(([^)#]*net\.graph\.json)\)", elsewhere.read_text("utf-8"))
    assert [(elsewhere.parent / link).resolve() for link in links] == [(folder / "net.graph.json").resolve()]
    assert (elsewhere.parent / "pictures" / "net.svg").is_file()


def test_no_folder_is_a_usage_error(tmp_path: Path) -> None:
    assert main(["gallery", str(tmp_path / "none")]) == 2


def test_neither_keras_nor_tensorflow_is_imported(folder: Path) -> None:
    code = "import sys; from archgraph.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code, "gallery", str(folder)], capture_output=True, text=True, check=True
    )
    assert {"keras", "tensorflow"} & {name.partition(".")[0] for name in run.stdout.split()} == set()


# ---- the examples' own


def test_the_gallery_of_the_examples_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["gallery", str(ROOT / "examples"), "--check"])
    assert (status, capsys.readouterr().out) == (0, "all up to date\n"), "run `archgraph gallery examples`"


def test_the_pictures_of_the_examples_are_small() -> None:
    pictures = sorted((ROOT / "examples" / "pictures").glob("*.svg"))
    graphs = sorted((ROOT / "examples").glob("*.graph.json"))
    assert [path.stem for path in pictures] == [path.name.removesuffix(".graph.json") for path in graphs]
    assert [path.name for path in pictures if path.stat().st_size > LARGEST] == []
