"""``archgraph diff``: what is different between two graphs, node by node."""

import argparse
from pathlib import Path
from typing import Any

from archgraph.cli import Misused
from archgraph.cli.output import counted, print_json, say
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.reader import read_file
from archgraph.editing.comparing import Difference, differences
from archgraph.editing.survey import Survey, survey

MARKS = {"added": "+", "removed": "-", "changed": "~", "follows": ">"}
EPILOG = """\
  +  added      -  removed      ~  its record has changed      >  it is the same, but its shape or cost follows

Order and spelling in the files count for nothing. Files with errors can be compared too, as far as they can be read.

examples:
  archgraph diff old.graph.json new.graph.json
  archgraph diff resnet.graph.json#resnet50 resnet.graph.json#resnet101
  archgraph diff --json old.graph.json new.graph.json | jq '.[].name'
  git config diff.archgraph.command 'archgraph diff --git'   in .gitattributes: *.graph.json diff=archgraph

exit status: 0 they say the same · 1 they differ, or a file was refused · 2 misused
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("files", metavar="FILE[#VARIANT]", nargs="+", help="the old graph and the new one")
    parser.add_argument("--json", action="store_true", help="a list for machines")
    parser.add_argument("--git", action="store_true", help="called by git, which gives seven arguments; status 0")


def run(arguments: argparse.Namespace) -> int:
    """Print; returns the exit status."""
    files = arguments.files
    if arguments.git and len(files) >= 5:
        # path old-file old-hex old-mode new-file new-hex new-mode
        say(f"graph {files[0]}")
        old, new = files[1], files[4]
    elif len(files) == 2:
        old, new = files
    else:
        raise Misused(f"takes two files, got {len(files)}")
    found = differences(_read(old), _read(new))
    if arguments.json:
        print_json([_as_json(one) for one in found])
    else:
        _list(found)
    return 1 if found and not arguments.git else 0


def _read(reference: str) -> Survey:
    name, _, variant = reference.partition("#")
    if name == "/dev/null":  # what git gives for a file that is not there
        return survey({}, judged=False)
    value: Any = read_file(name).value
    if not isinstance(value, dict):
        raise GraphError([Diagnostic("AG202", "", "a graph file holds one object", file=name)])
    return survey(value, folder=Path(name).resolve().parent, variant=variant, judged=False)


def _list(found: list[Difference]) -> None:
    for one in found:
        kind = "" if one.kind == "node" else f"{one.kind} "
        say(f"{MARKS[one.change]} {kind}{one.pointer}" + (f"  {one.text}" if one.text else ""))
    say(counted(len(found), "difference") if found else "no difference")


def _as_json(one: Difference) -> dict[str, Any]:
    return {
        "block": one.block, "kind": one.kind, "name": one.name, "change": one.change, "details": list(one.details),
        "shape": {"old": one.shapes[0], "new": one.shapes[1]},
        "parameters": {"old": one.parameters[0], "new": one.parameters[1]},
    }  # fmt: skip
