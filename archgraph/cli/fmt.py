"""``archgraph fmt``: the canonical form, so that two people who mean the same write the same."""

import argparse
from pathlib import Path

from archgraph.cli.texts import Verb, add_modes, rewrite
from archgraph.document.order import ORDER
from archgraph.document.published import NAME, published_text
from archgraph.document.reader import Document
from archgraph.document.writer import PLAIN_ORDER, format_document

EPILOG = """\
Keys stand in the documented order, one node on a line, a blank line between nodes, short objects on one line.
Numbers and texts keep their spelling; formatting twice changes nothing; files are replaced whole.

examples:
  archgraph fmt net.graph.json      format one file in place
  archgraph fmt                     format every graph and experiment below this folder
  archgraph fmt --check .           exit status 1 if a file is not in canonical form (for CI)
  archgraph fmt --diff .            show what would change
  archgraph fmt - < a.json > b.json

As a pre-commit hook: see .pre-commit-hooks.yaml (archgraph-fmt).
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    add_modes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Format; returns the exit status."""
    return rewrite(arguments, formatted, Verb("formatted", "not in canonical form"))


def formatted(document: Document) -> str:
    """The canonical text of a graph, of an experiment, or of what is published of graphs."""
    if Path(document.file).name == NAME:
        return published_text(document)
    return format_document(document, PLAIN_ORDER if document.file.endswith(".train.json") else ORDER)
