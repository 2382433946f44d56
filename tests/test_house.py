"""The house keeps its rules: imports go down, starting is light, files are short, every code and op is explained."""

import ast
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from dataclasses import is_dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

import archgraph.training.experiment  # noqa: F401 - all records are looked at
from archgraph import kinds
from archgraph.diagnostics import CODES
from archgraph.record import Record
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Family

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "archgraph").rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
EVERY_FILE = pytest.mark.parametrize("path", FILES, ids=NAMES)
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
}


def module_name(path: Path) -> str:
    """The dotted name of a module of the package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"))


def imported(node: ast.AST) -> Iterator[str]:
    """Every module that code imports, inside functions too, but not what only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield child.module
            yield from (f"{child.module}.{alias.name}" for alias in child.names if child.module == "archgraph")
        yield from imported(child)


# ---- imports


def test_the_import_contracts_hold() -> None:
    program = shutil.which("lint-imports", path=sysconfig.get_path("scripts")) or shutil.which("lint-imports")
    if program is None:
        pytest.skip("import-linter is not installed; the tests below check the same contracts from the syntax trees")
    run = subprocess.run([program, "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def rooms() -> dict[str, tuple[int, str]]:
    """For every room, how high it lies, and its own name where rooms of one height must not import each other."""
    layers: list[str] = CONTRACTS["rooms"]["layers"]
    return {
        room.strip(" ()"): (height, room.strip(" ()"))
        for height, layer in enumerate(reversed(layers))
        for room in layer.split("|")
    }


@EVERY_FILE
def test_imports_only_go_down(path: Path) -> None:
    known, name = rooms(), module_name(path)
    own = name.split(".")[1] if "." in name else ""
    if own in ("", *CONTRACTS["rooms"]["exhaustive_ignores"]):
        return
    assert own in known, f"give {own} a place among the layers in pyproject.toml"
    others = {module.split(".")[1] for module in imported(tree(path)) if module.startswith("archgraph.")} - {own}
    assert [other for other in sorted(others & set(known)) if known[other][0] >= known[own][0]] == []


@EVERY_FILE
def test_a_library_is_imported_in_its_place_only(path: Path) -> None:
    name, contract = module_name(path), CONTRACTS["guests"]
    allowed = {tuple(rule.split(" -> ")) for rule in contract["ignore_imports"]}
    for module in imported(tree(path)):
        library = module.split(".")[0]
        if library in contract["forbidden_modules"]:
            assert any(library == what and fnmatch(name, where) for where, what in allowed), module


def test_keras_is_loaded_by_name_in_one_place_only() -> None:
    calls = [
        (module_name(path), node.args[0].value)
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute | ast.Name)
        and ast.unparse(node.func).endswith(("import_module", "__import__"))
        and isinstance(node.args[0], ast.Constant)
    ]
    heavy = {where for where, what in calls if str(what).split(".")[0] in ("keras", "tensorflow")}
    assert heavy == {"archgraph.compiler.backend"}


START = """
import importlib, sys
importlib.import_module(sys.argv[1])
if sys.argv[1] == "archgraph":
    import archgraph
    for name in ("load", "loads", "check", "infer", "cost", "save", "render", "to_networkx", "Builder"):
        getattr(archgraph, name)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize(
    "module",
    ["archgraph", "archgraph.document.load", "archgraph.vocabulary", "archgraph.analysis.check", "archgraph.drawing",
     "archgraph.builder", "archgraph.cli", "archgraph.cli.check", "archgraph.compiler", "archgraph.training",
     "archgraph.training.planning"],
)  # fmt: skip
def test_starting_imports_neither_keras_nor_tensorflow(module: str) -> None:
    run = subprocess.run([sys.executable, "-c", START, module], capture_output=True, text=True, cwd=ROOT, check=True)
    assert {"keras", "tensorflow"} & set(run.stdout.split()) == set()


@pytest.mark.parametrize("module", ["archgraph", "archgraph.analysis.check", "archgraph.cli.fmt", "archgraph.drawing"])
def test_checking_and_drawing_start_without_numpy_and_matplotlib(module: str) -> None:
    run = subprocess.run([sys.executable, "-c", START, module], capture_output=True, text=True, cwd=ROOT, check=True)
    assert {"numpy", "matplotlib", "sklearn", "pydot"} & set(run.stdout.split()) == set()


# ---- files


LONGEST = 500
LONG = {
    "archgraph/analysis/scope.py": (540, "one class: the visit of a block's nodes, whose steps share its state"),
    "archgraph/builder.py": (580, "half of it is docstrings of the public interface"),
    "archgraph/expression.py": (560, "tokens, grammar and values of one small language"),
    "archgraph/sizes.py": (580, "one algebra: normal form, bounds and text of sizes lean on each other"),
}
"""Files that may be longer, how long at most, and why. The list should only become shorter."""


@EVERY_FILE
def test_files_are_short(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    most, _ = LONG.get(str(path.relative_to(ROOT)), (LONGEST, ""))
    assert lines <= most, f"{lines} lines; split it by nouns or verbs"


@pytest.mark.parametrize("name", LONG)
def test_the_exceptions_are_needed(name: str) -> None:
    assert len((ROOT / name).read_text("utf-8").splitlines()) > LONGEST, f"take {name} off the list"


@EVERY_FILE
def test_a_module_begins_with_what_it_is_in_one_paragraph(path: Path) -> None:
    doc = ast.get_docstring(tree(path)) or ""
    first = doc.partition("\n\n")[0]
    assert first.endswith((".", ":", "!")), f"the docstring of {path.name} should begin with a sentence, got {first!r}"
    assert "\n" not in first and len(first) <= 160, "one sentence, on one line"


@EVERY_FILE
def test_nothing_is_left_to_do_or_hidden(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b", text) == []
    bare = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler) and _swallows(node)]
    assert bare == [], "an exception is swallowed"


def _swallows(handler: ast.ExceptHandler) -> bool:
    broad = handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")
    return broad and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))


@EVERY_FILE
def test_no_code_from_data_is_run(path: Path) -> None:
    forbidden = {"eval", "exec", "pickle", "marshal", "shelve", "literal_eval", "Lambda"}
    used = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    used |= {module.split(".")[0] for module in imported(tree(path))}
    assert used & forbidden == set()


# ---- explained


def codes_in(path: Path) -> set[str]:
    """The diagnostics codes that a file's code mentions, outside docstrings and comments."""
    return {
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"AG\d{3}", node.value)
    }


@EVERY_FILE
def test_every_code_that_is_raised_is_listed(path: Path) -> None:
    assert codes_in(path) <= set(CODES)


def test_every_code_that_is_listed_is_raised() -> None:
    raised = {code for path in FILES if path.name != "diagnostics.py" for code in codes_in(path)}
    assert set(CODES) - raised == set()


def test_every_code_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "format.md").read_text("utf-8")
    assert [code for code in CODES if f"| {code} |" not in manual] == []


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=list(REGISTRY))
def test_every_primitive_is_explained(kind: type[Any]) -> None:
    first = kind.doc().partition("\n")[0]
    assert first.endswith((".", "?", ":")) and len(first) <= 120, "the first line is a sentence for the palette"
    assert kind.source and kind.icon and len(kind.icon) <= 2 and isinstance(kind.family, Family)
    assert all(port.doc for port in kind.inputs)
    assert [field.name for field in kind.fields().values() if not field.doc.endswith((".", "?"))] == []


def subclasses(of: type[Any]) -> Iterator[type[Any]]:
    """All classes below one."""
    for cls in of.__subclasses__():
        yield cls
        yield from subclasses(cls)


def own(base: type[Any]) -> list[type[Any]]:
    """The public classes of the package below `base`."""
    return [c for c in dict.fromkeys(subclasses(base)) if c.__module__.startswith("archgraph") and c.__name__[0] != "_"]


@pytest.mark.parametrize("cls", own(kinds.Kind), ids=lambda cls: cls.__name__)
def test_every_kind_is_explained(cls: type[Any]) -> None:
    assert "__doc__" in cls.__dict__ and cls.__doc__


@pytest.mark.parametrize("cls", [c for c in own(Record) if is_dataclass(c)], ids=lambda cls: cls.__name__)
def test_every_record_is_explained(cls: type[Any]) -> None:
    # A dataclass without a docstring gets its signature for one.
    assert "__doc__" in cls.__dict__ and cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}(")
    assert [field.name for field in cls.fields().values() if not field.doc] == []
