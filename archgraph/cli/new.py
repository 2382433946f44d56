"""``archgraph new``: a graph of your own, begun from an example."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archgraph.analysis.check import check
from archgraph.cli import Misused
from archgraph.cli.arguments import add_set, settings
from archgraph.cli.output import console, say
from archgraph.diagnostics import Diagnostic, GraphError, nearest
from archgraph.document.files import write_atomically
from archgraph.document.order import ORDER
from archgraph.document.reader import Document, read, read_file
from archgraph.document.revise import revise
from archgraph.document.writer import PLAIN_ORDER
from archgraph.editing.templates import EXPERIMENT, GRAPH, alone, templates

EPILOG = """\
examples:
  archgraph new                                       list the templates
  archgraph new lenet5 -o digits.graph.json           a copy, named digits
  archgraph new resnet50 -o pets.graph.json --set classes=3
  archgraph new lenet5 -o digits.graph.json --train   with its experiment, digits.train.json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("template", metavar="TEMPLATE", nargs="?", help="an example (without: list them)")
    parser.add_argument(
        "-o", "--output", metavar="FILE.graph.json", help="where to write (default: TEMPLATE.graph.json)"
    )
    add_set(parser, "set the default of a parameter of the template; the value is JSON, or else text (repeatable)")
    parser.add_argument("--name", help="name of the network (default: that of the file)")
    parser.add_argument("--train", action="store_true", help="write the template's experiment too")
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def run(arguments: argparse.Namespace) -> int:
    """List or write; returns the exit status."""
    if arguments.template is None:
        _list()
        return 0
    known = templates()
    if arguments.template not in known:
        hint = nearest(arguments.template, known) or f"known: {', '.join(known)}"
        raise Misused(f"no template is called {arguments.template!r}: {hint}")
    source = known[arguments.template]
    target = Path(arguments.output or f"{arguments.template}{GRAPH}")
    if not target.name.endswith(GRAPH):
        raise Misused(f"the output must end in {GRAPH}, got {target.name!r}")
    texts = {target: _graph(source, target, arguments)}
    if arguments.train:
        beside = target.with_name(target.name.removesuffix(GRAPH) + EXPERIMENT)
        texts[beside] = _experiment(source, target)
    for path in texts:
        if path.exists() and not arguments.force:
            raise GraphError(
                [Diagnostic("AG109", "", "the file exists already", "use --force to replace it", file=str(path))]
            )
    for path, text in texts.items():
        write_atomically(path, text)
        say(f"wrote {path}")
    return 0


def _list() -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("template", style="cyan", no_wrap=True)
    table.add_column("parameters", overflow="fold")
    table.add_column("experiment")
    table.add_column("what it is")
    for name, path in templates().items():
        value = read_file(path).value
        params = ", ".join(value.get("params", {}))
        trained = "yes" if path.with_name(name + EXPERIMENT).is_file() else ""
        table.add_row(name, params, trained, value.get("doc", ""))
    console().print(table)


def _graph(source: Path, target: Path, arguments: argparse.Namespace) -> str:
    """The template's text under its new name, with its parameters set, checked."""
    document = read_file(source)
    name = arguments.name or target.name.removesuffix(GRAPH)
    value = {key: item for key, item in alone(document.value, source).items() if key != "$schema"} | {"name": name}
    given = settings(arguments.values)
    if given:
        value["params"] = _set(value.get("params", {}), given, arguments.template)
    text = revise(document, value, ORDER)
    found = [finding for finding in check(read(text, str(target))) if finding.severity == "error"]
    if found:
        raise GraphError(found)
    return text


def _set(params: Mapping[str, Any], given: Mapping[str, Any], template: str) -> dict[str, Any]:
    for name in given:
        if name not in params:
            hint = nearest(name, params) or f"known: {', '.join(params) or 'none'}"
            raise Misused(f"the template {template!r} has no parameter {name!r}: {hint}")
    defaults = {
        name: {**params[name], "default": value} if isinstance(params[name], dict) else value
        for name, value in given.items()
    }
    return {**params, **defaults}


def _experiment(source: Path, target: Path) -> str:
    """The template's experiment for the new graph."""
    path = source.with_name(source.name.removesuffix(GRAPH) + EXPERIMENT)
    if not path.is_file():
        raise Misused(f"the template {source.name.removesuffix(GRAPH)!r} has no experiment")
    document: Document = read_file(path)
    value = {key: item for key, item in document.value.items() if key != "$schema"}
    graph = value["graph"]
    value["graph"] = {**graph, "file": target.name} if isinstance(graph, dict) else target.name
    return revise(document, value | {"name": target.name.removesuffix(GRAPH)}, PLAIN_ORDER)
