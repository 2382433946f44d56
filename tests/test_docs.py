"""The manual is true: its graphs check, its code runs, its links lead somewhere, what is generated is fresh."""

import ast
import doctest
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from archgraph.analysis.check import check
from archgraph.cli import COMMANDS
from archgraph.document.order import ORDER
from archgraph.document.reader import read
from archgraph.document.writer import format_document
from archgraph.training.experiment import load_experiment
from archgraph.training.planning import plan
from docs import generate

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
_FENCE = re.compile(r"^(`{3,})(\w*)[^\n]*\n(.*?)^\1 *$", re.MULTILINE | re.DOTALL)


class Fence(NamedTuple):
    """A block of code in a page."""

    page: Path
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def fences(page: Path, *languages: str) -> Iterator[Fence]:
    """The blocks of a page, in order."""
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        if not languages or match[2] in languages:
            yield Fence(page, match[2], match[3], text.count("\n", 0, match.start()) + 1)


def every(*languages: str) -> Any:
    """A parametrisation over the blocks of all pages."""
    return pytest.mark.parametrize("fence", [f for page in PAGES for f in fences(page, *languages)], ids=str)


# ---- files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the examples, and the graphs of all pages, each under its name."""
    for example in (ROOT / "examples").glob("*.json"):
        shutil.copy(example, tmp_path)
    for page in PAGES:
        for fence in fences(page, "json"):
            value = json.loads(fence.text)
            if "archgraph" in value and "data" not in value:
                (tmp_path / f"{value['name']}.graph.json").write_text(fence.text, "utf-8")
    return tmp_path


@every("json")
def test_a_file_that_is_shown_is_good(fence: Fence, project: Path) -> None:
    value = json.loads(fence.text)
    assert "archgraph" in value, "fragments are marked jsonc"
    ending = "train" if "data" in value else "graph"
    path = project / f"shown.{ending}.json"
    path.write_text(fence.text, "utf-8")
    if ending == "train":
        assert plan(load_experiment(path)).quantities
    else:
        assert [str(found) for found in check(path)] == []
        assert format_document(read(fence.text), ORDER) == fence.text, "it is not in canonical form"


@every("jsonc")
def test_a_fragment_that_is_shown_is_json(fence: Fence) -> None:
    assert json.loads("{" + fence.text + "}")


@every("python")
def test_code_that_is_shown_is_python(fence: Fence) -> None:
    assert ast.parse(fence.text).body


# ---- links


def anchors(page: Path) -> set[str]:
    """The names by which headings can be linked to, as GitHub makes them."""
    prose = _FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ +(.+?) *$", prose, re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


@EVERY_PAGE
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text("utf-8")))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


@EVERY_PAGE
def test_every_command_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    spans = [*re.findall(r"`([^`\n]+)`", text), *(fence.text for fence in fences(page, "console", "sh", "bash"))]
    named = {name for span in spans for name in re.findall(r"(?:^|\$ |\s)archgraph ([a-z]+(?:-[a-z]+)*)\b", span)}
    assert named <= set(COMMANDS)


@EVERY_PAGE
def test_every_path_that_is_named_exists(page: Path) -> None:
    spans = re.findall(r"`((?:archgraph|tests|docs|examples|benchmarks|schemas)/[\w./-]*)`", page.read_text("utf-8"))
    assert [span for span in spans if not (ROOT / span).exists() and "shuffling" not in span] == []


# ---- generated


def test_what_is_generated_is_fresh() -> None:
    stale = [str(path.relative_to(ROOT)) for path in generate.stale()]
    assert stale == [], "run `python -m docs.generate`"


def test_a_region_is_replaced_and_the_rest_is_kept() -> None:
    page = "before\n<!-- generated: codes -->\nold\n<!-- end -->\nafter\n"
    assert generate.filled(page) == f"before\n<!-- generated: codes -->\n{generate.codes()}\n<!-- end -->\nafter\n"


def test_a_region_that_does_not_end_is_refused() -> None:
    with pytest.raises(ValueError, match="does not end"):
        generate.filled("<!-- generated: codes -->\n")


# ---- code


MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "archgraph").rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_hold(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted and not result.failed


TUTORIAL = ROOT / "docs" / "adding-a-primitive.md"
WITH_SESSIONS = [page for page in PAGES if ">>> " in page.read_text("utf-8") and page != TUTORIAL]


@pytest.mark.parametrize("page", WITH_SESSIONS, ids=lambda page: page.name)
def test_sessions_in_pages_hold(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted and not result.failed


def test_the_tutorial_adds_a_primitive(tmp_path: Path) -> None:
    # In a copy and in processes of its own, so that the vocabulary of the other tests stays as it is.
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("archgraph", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    text = TUTORIAL.read_text("utf-8")
    files = re.findall(r"^File: `([\w/.]+)`\n+```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(files) == 2
    for name, content in files:
        assert not (ROOT / name).exists(), f"{name} is no longer new"
        (tmp_path / name).write_text(content, "utf-8")
    primitive = files[0][1].partition("@primitive\n")[2]
    assert sum(bool(line.strip()) for line in primitive.splitlines()) <= 25
    for command in (
        ["-m", "doctest", str(TUTORIAL)],
        ["-m", "pytest", "-p", "no:cacheprovider", "tests/vocabulary/test_contract.py", "-k", "channel_shuffle"],
    ):
        run = subprocess.run(
            [sys.executable, *command],
            capture_output=True, text=True, cwd=tmp_path, check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
        assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
        if command[1] == "pytest":
            assert int(re.findall(r"(\d+) passed", run.stdout)[0]) >= 6


def test_the_mistakes_in_the_readme_are_told_as_it_says(project: Path) -> None:
    page = (ROOT / "README.md").read_text("utf-8")
    shown = re.search(r"^\$ archgraph check net\.graph\.json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    good = next(fences(ROOT / "README.md", "json")).text
    bad = good.replace('"image", "filters": "=width", "kernel_size"', '"image", "filters": "=width", "kernal_size"')
    bad = bad.replace('"in": "pool"', '"in": "pol"')
    (project / "net.graph.json").write_text(bad, "utf-8")
    command = [sys.executable, "-m", "archgraph", "check", "net.graph.json"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=project, check=False)
    assert shown is not None and told.stderr == shown[1] and told.returncode == 1
