"""``archgraph migrate``: files of older versions of the format, rewritten for this one."""

import argparse

from archgraph.cli.texts import Verb, add_modes, rewrite
from archgraph.document.migrate import migrated
from archgraph.document.order import ORDER
from archgraph.document.reader import Document
from archgraph.document.revise import revise

EPILOG = """\
The version of the format freezes the defaults of every op; a file of an older version is rewritten so that it means
the same. What need not change keeps its text.

examples:
  archgraph migrate old.graph.json          rewrite one file
  archgraph migrate --diff .                show what would change below this folder
  archgraph migrate --check .               exit status 1 if a file is of an older version
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    add_modes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Migrate; returns the exit status."""
    return rewrite(arguments, current, Verb("migrated", "of an older version"))


def current(document: Document) -> str:
    """The text of a graph in the current version; experiments have only had one so far."""
    if document.file.endswith(".train.json"):
        return document.text
    return revise(document, migrated(document), ORDER)
