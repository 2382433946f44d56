"""``archgraph check``: every finding about files, without TensorFlow."""

import argparse
import sys
from collections.abc import Iterable

from archgraph.analysis import infer
from archgraph.analysis.check import check
from archgraph.cli.arguments import add_limits, files, limits
from archgraph.cli.output import as_json, counted, print_json, report, say
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.reader import read

STDIN = "-"
EPILOG = """\
Form, references, shapes, sizes, limits and contracts are checked, for every variant of a graph.
Each finding has a permanent code, its place, what was received and expected, and a remedy.

examples:
  archgraph check net.graph.json              one file
  archgraph check net.graph.json#large        one variant
  archgraph check .                           every graph and experiment below this folder
  archgraph check --strict "nets/*.json"      warnings count as well
  archgraph check --format json net.graph.json | jq '.[].code'
  archgraph check --data net.train.json       read the data too, and see that they fit the graph
  cat net.graph.json | archgraph check -      from standard input

exit status: 0 no errors · 1 errors (with --strict: or warnings) · 2 misused
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    text = "files, FILE#VARIANT, folders or patterns (default: this folder); - is standard input"
    parser.add_argument("paths", metavar="PATH", nargs="*", default=["."], help=text)
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")
    parser.add_argument("--data", action="store_true", help="read the data of experiments too, and see that they fit")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: a list for machines")
    parser.add_argument("-q", "--quiet", action="store_true", help="print findings only")
    add_limits(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; returns the exit status."""
    names = files(arguments.paths)
    found = list(dict.fromkeys(finding for name in names for finding in _findings(name, arguments)))
    errors = sum(finding.severity == "error" for finding in found)
    if arguments.format == "json":
        print_json([as_json(finding) for finding in found])
    else:
        report(found)
        if not arguments.quiet:
            warnings = len(found) - errors
            told = [counted(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
            say(f"{counted(len(names), 'file')} checked: {', '.join(told) or 'no faults'}")
    return 1 if errors or (arguments.strict and found) else 0


def _findings(name: str, arguments: argparse.Namespace) -> Iterable[Diagnostic]:
    if name.partition("#")[0].endswith(".train.json"):
        return _experiment(name, data=arguments.data)
    try:
        source = read(sys.stdin.buffer.read(), "<stdin>") if name == STDIN else name
    except GraphError as error:
        return error.diagnostics
    return check(source, limits=limits(arguments))


def _experiment(name: str, *, data: bool) -> Iterable[Diagnostic]:
    from archgraph.training import check_experiment, load_experiment
    from archgraph.training.graphs import graph_of

    if data:
        return check_experiment(name)
    try:
        experiment = load_experiment(name)
        for network in experiment.networks.values():
            infer(graph_of(experiment, network))
    except GraphError as error:
        return error.diagnostics
    return ()
