"""``archgraph schema``: JSON Schemas, for completion and hover texts in editors and for readers in other languages."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from archgraph.cli.output import say
from archgraph.document.files import write_atomically
from archgraph.document.schema import graph_schema

EPILOG = """\
examples:
  archgraph schema                       print the schema of *.graph.json
  archgraph schema train                 print the schema of *.train.json
  archgraph schema --write schemas       write both into a folder

An editor uses them through a file's first key: "$schema": "schemas/graph.schema.json".
"""


def train_schema() -> dict[str, Any]:
    """The schema of ``*.train.json``."""
    from archgraph.training import experiment_schema

    return experiment_schema()


SCHEMAS: Final[dict[str, Callable[[], dict[str, Any]]]] = {"graph": graph_schema, "train": train_schema}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("which", choices=tuple(SCHEMAS), nargs="?", default="graph", help="which schema to print")
    parser.add_argument("--write", metavar="DIR", help="write graph.schema.json and train.schema.json into a folder")


def run(arguments: argparse.Namespace) -> int:
    """Print or write; returns the exit status."""
    if not arguments.write:
        sys.stdout.write(text(arguments.which))
        return 0
    for which in SCHEMAS:
        path = Path(arguments.write) / f"{which}.schema.json"
        write_atomically(path, text(which))
        say(f"wrote {path}")
    return 0


def text(which: str) -> str:
    """A schema as the files in ``schemas/`` hold it."""
    return json.dumps(SCHEMAS[which](), indent=1, ensure_ascii=False) + "\n"
