"""``archgraph diagnose``: what is wrong with a run, in words, and remedies that can be applied."""

import argparse
import textwrap

from archgraph.cli import Misused
from archgraph.cli.arguments import positive
from archgraph.cli.output import print_json, say

EPILOG = """\
Looks for over-fitting, under-fitting, divergence, plateaus, dead units, vanishing and exploding gradients, and wrong
labels. Nodes are judged where the experiment has them watched: "watch": ["nodes"].

examples:
  archgraph diagnose runs/lenet5-1
  archgraph diagnose runs/lenet5-1 --apply 1 -o better.train.json
  archgraph diagnose runs/lenet5-1 --apply 1 --apply 3 -o better.train.json
  archgraph diagnose runs/lenet5-1 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("run", metavar="RUN", help="a run folder")
    parser.add_argument(
        "--apply", metavar="N", type=positive, action="append", default=[], help="apply remedy N (repeatable)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE",
        help="where to write the edited experiment (NAME.train.json); an edited graph is written beside it",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="findings, evidence and patches for machines")


def run(arguments: argparse.Namespace) -> int:
    """Diagnose; returns the exit status."""
    if bool(arguments.apply) != bool(arguments.output):
        raise Misused("--apply and --output go together")
    from archgraph.training.diagnosis import diagnose, lines
    from archgraph.training.diagnosis.applying import apply_remedies

    findings = diagnose(arguments.run)
    if arguments.apply:
        for path in apply_remedies(arguments.run, findings, arguments.apply, arguments.output):
            say(f"wrote {path}")
    elif arguments.json:
        print_json([finding.as_json() for finding in findings])
    else:
        for line in lines(findings):
            indent = "    " if line.startswith("  ") else "  "
            for part in textwrap.wrap(line, 110, subsequent_indent=indent, drop_whitespace=True) or [""]:
                say(part)
    return 0
