"""Arguments that several commands have: references to graphs, parameters, files and folders."""

import argparse
import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from archgraph.analysis import Limits, ShapedGraph, infer
from archgraph.cli import Misused
from archgraph.diagnostics import GraphError
from archgraph.document.load import load_graph
from archgraph.document.reader import read

ENDINGS: Final = (".graph.json", ".train.json")
"""What the files of a project end in."""
_RUN_MARK: Final = "resolved.json"
"""A folder with this file is a run's: what lies in it has been checked before it was trained."""


def add_reference(parser: argparse.ArgumentParser) -> None:
    """A graph, with its parameters and limits."""
    parser.add_argument("graph", metavar="FILE[#VARIANT]", help="a graph file, or one of its variants")
    add_set(parser, "set a parameter of the file; the value is JSON, or else text (repeatable)")
    add_limits(parser)


def add_set(parser: argparse.ArgumentParser, text: str) -> None:
    """``--set name=value``."""
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], dest="values", help=text)


def add_limits(parser: argparse.ArgumentParser) -> None:
    """``--max-nodes``."""
    text = f"primitives that a graph may expand to (default {Limits().nodes:,})"
    parser.add_argument("--max-nodes", metavar="N", type=positive, default=Limits().nodes, help=text)


def positive(text: str) -> int:
    """A positive integer of at most 18 digits."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return number


def natural(text: str) -> int:
    """An integer that is not negative."""
    return 0 if text == "0" else positive(text)


def above_zero(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return number


def settings(given: Sequence[str]) -> dict[str, Any]:
    """The values of ``--set``, by name."""
    values: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise Misused(f"--set takes NAME=VALUE, got {text!r}")
        values[name.strip()] = literal(value)
    return values


def literal(text: str) -> Any:
    """JSON if `text` is that, else `text` itself."""
    try:
        return read(text.strip(), "--set").value
    except GraphError:
        return text


def knobs(given: Sequence[str]) -> dict[str, Any]:
    """`settings` for the parameters of a graph, which hold no objects."""
    values = settings(given)
    for name, value in values.items():
        if isinstance(value, Mapping) or value is None:
            raise Misused(f"--set {name}: a parameter is a number, true, false, a text or a list")
    return values


def shaped(arguments: argparse.Namespace) -> ShapedGraph:
    """The graph that `add_reference`'s arguments name, with its shapes."""
    return infer(load_graph(arguments.graph, knobs(arguments.values)), limits=limits(arguments))


def limits(arguments: argparse.Namespace) -> Limits:
    """The limits of `add_limits`."""
    return Limits(nodes=arguments.max_nodes)


# ---- files and folders


def files(given: Iterable[str]) -> list[str]:
    """The files meant by names, patterns and folders, each once; a folder stands for all graphs and experiments in it.

    Raises:
        Misused: a folder or pattern has no such file.
    """
    found: dict[str, None] = {}
    for name in given:
        names = list(_meant(name))
        if not names:
            raise Misused(f"no file that ends in {' or '.join(ENDINGS)} in {name!r}")
        found |= dict.fromkeys(names)
    return list(found)


def _meant(name: str) -> Iterator[str]:
    path = Path(name)
    if path.is_dir():
        yield from _inside(path)
    elif glob.has_magic(name) and not path.exists():
        yield from (one for one in sorted(glob.glob(name, recursive=True)) if one.endswith(ENDINGS))  # noqa: PTH207
    else:
        yield name


def _inside(folder: Path) -> Iterator[str]:
    """The files of a project below a folder; hidden folders, runs and installed packages are passed over."""
    if (folder / _RUN_MARK).is_file():
        return
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name in ("node_modules", "site-packages", "__pycache__"):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _inside(entry)
        elif entry.name.endswith(ENDINGS):
            yield str(entry)
