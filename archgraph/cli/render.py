"""``archgraph render``: a picture of a graph."""

import argparse
import sys

from archgraph.cli import Misused
from archgraph.cli.arguments import add_reference, natural, shaped
from archgraph.cli.output import say
from archgraph.drawing import FORMATS, render

EPILOG = """\
A rolled picture shows the records of the file: a block that is repeated once, open where it is used first.
The expanded one shows every primitive. The colours name families; a dashed box is in some copies of its block only.

examples:
  archgraph render net.graph.json -o net.svg
  archgraph render net.graph.json#large -o net.png --legend
  archgraph render net.graph.json -o net.svg --depth 0           blocks as boxes
  archgraph render net.graph.json -o net.svg --expanded          every primitive
  archgraph render net.graph.json -o net.svg --compact           small, for a page of text
  archgraph render net.graph.json --direction LR --format dot | less
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    add_reference(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write (default: standard output)")
    text = "default: the ending of FILE, else svg"
    parser.add_argument("--format", choices=FORMATS, help=text)
    parser.add_argument("--expanded", action="store_true", help="draw every primitive and every copy of a block")
    text = "draw small, in rows: closed blocks, then each block once, open (the other choices mean nothing)"
    parser.add_argument("--compact", action="store_true", help=text)
    parser.add_argument("--depth", metavar="N", type=natural, help="levels of blocks to draw open (default: all)")
    parser.add_argument("--all-blocks", action="store_true", help="draw a block open wherever it is used")
    parser.add_argument("--direction", choices=("TB", "LR"), default="TB", help="top to bottom, or left to right")
    parser.add_argument("--legend", action="store_true", help="name the colours")


def run(arguments: argparse.Namespace) -> int:
    """Draw; returns the exit status."""
    if not arguments.output and arguments.format == "png" and sys.stdout.isatty():
        raise Misused("a PNG is nothing for a terminal; name a file with -o")
    content = render(
        shaped(arguments), arguments.output, format=arguments.format, expanded=arguments.expanded,
        depth=arguments.depth, once=not arguments.all_blocks, direction=arguments.direction, legend=arguments.legend,
        compact=arguments.compact,
    )  # fmt: skip
    if arguments.output:
        say(f"wrote {arguments.output}")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
    return 0
