"""The command line: one module for each command, loaded when it is called, so that help and starting are immediate."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

from archgraph import __version__
from archgraph.diagnostics import GraphError

COMMANDS: Final = {
    "check": "find every fault in graph and experiment files",
    "fmt": "write files in canonical form",
    "diff": "show what is different between two graphs, node by node",
    "studio": "draw, check, train and try networks in a browser",
    "summary": "show shapes, parameters, work and memory of a graph",
    "render": "draw a graph as SVG, PNG or DOT",
    "gallery": "write a page that shows the graphs of a folder",
    "compile": "build the Keras model of a graph and save it",
    "export": "write a model in the format of another runtime, checked and timed",
    "train": "train an experiment and keep everything in a run folder",
    "find-rate": "find the learning rates that train an experiment",
    "runs": "compare runs in a table and a plot",
    "diagnose": "tell what is wrong with a run, and apply a remedy",
    "explain": "look into a trained network: filters, maps, attention, what decided",
    "predict": "apply a trained model to new data",
    "sample": "make pictures, texts and translations with the network of a run",
    "new": "begin a graph from a template",
    "ops": "browse the vocabulary of operations",
    "schema": "print the JSON Schemas for editors",
    "migrate": "rewrite files of older versions of the format",
}
"""The commands, in the order of the help; each is the module of that name, with _ for -."""

DESCRIPTION: Final = (
    "Declarative graph compiler: JSON graphs of primitives, checked, analysed, compiled to Keras, trained."
)
EXAMPLES: Final = """\
examples:
  archgraph new lenet5 -o net.graph.json     begin with a template
  archgraph check net.graph.json             every fault at once, each with its place
  archgraph summary net.graph.json           shapes, parameters, multiply-adds, memory
  archgraph render net.graph.json -o net.svg draw it
  archgraph train lenet5.train.json          train it on real data
  archgraph COMMAND --help                   more, with examples

exit status:
  0 fine · 1 a file was refused · 2 the command was misused · 130 interrupted
"""
BROKEN_PIPE: Final = 141
"""What a shell reports of a program that writes to a reader who has gone: 128 + SIGPIPE."""


class Misused(Exception):  # noqa: N818 - it says what the user did, and ends as a usage message
    """The command line makes no sense, in a way that only the command itself can see."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (see `EXAMPLES`). Prints, and never raises for what a file holds."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(given)
    try:
        chosen = parser.parse_args(given)
        if not chosen.command:
            parser.print_help()
            return 2
        module = importlib.import_module(f"archgraph.cli.{module_of(chosen.command)}")
        status: int = module.run(chosen)
        sys.stdout.flush()
    except SystemExit as leaving:  # argparse has printed help, or what is wrong
        return leaving.code if isinstance(leaving.code, int) else 2
    except Misused as misused:
        print(f"archgraph {chosen.command}: {misused}", file=sys.stderr)
        print(f"see `archgraph {chosen.command} --help`", file=sys.stderr)
        return 2
    except GraphError as error:
        from archgraph.cli.output import report

        report(error.diagnostics)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The interpreter would complain once more when it flushes standard output on leaving.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return status


def module_of(command: str) -> str:
    """The name of a command's module."""
    return command.replace("-", "_")


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, of which only the part for the command that is called is filled in."""
    parser = argparse.ArgumentParser(
        "archgraph", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"archgraph {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    called = next((word for word in given if not word.startswith("-")), "")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        if name == called:
            importlib.import_module(f"archgraph.cli.{module_of(name)}").configure(command)
    return parser
