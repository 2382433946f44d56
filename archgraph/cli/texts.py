"""Rewriting files in place: what ``fmt`` and ``migrate`` have in common."""

import argparse
import difflib
import sys
from collections.abc import Callable
from typing import NamedTuple

from archgraph.cli.arguments import files
from archgraph.cli.output import colourful, counted, report, say
from archgraph.diagnostics import GraphError, escaped
from archgraph.document.files import write_atomically
from archgraph.document.reader import Document, read, read_file

STDIN = "-"
Rewrite = Callable[[Document], str]


class Verb(NamedTuple):
    """How a command speaks of what it does."""

    done: str
    due: str


def add_modes(parser: argparse.ArgumentParser) -> None:
    """Paths, and what to do with those that would change."""
    text = "files, folders or patterns (default: this folder); - reads standard input and writes standard output"
    parser.add_argument("paths", metavar="PATH", nargs="*", default=["."], help=text)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="write the files (the default)")
    mode.add_argument("--check", action="store_true", help="write nothing; exit status 1 if a file would change")
    mode.add_argument("--diff", action="store_true", help="write nothing; print what would change")
    parser.add_argument("-q", "--quiet", action="store_true", help="print errors only")


def rewrite(arguments: argparse.Namespace, new_text: Rewrite, verb: Verb) -> int:
    """Apply `new_text` to every file; returns the exit status. A file is written whole or not at all."""
    if arguments.paths == [STDIN]:
        document = read(sys.stdin.buffer.read(), "<stdin>")
        sys.stdout.write(new_text(document))
        return 0
    names = files(arguments.paths)
    changed = refused = 0
    for name in names:
        try:
            changed += _one(name, arguments, new_text, verb)
        except GraphError as error:
            report(error.diagnostics)
            refused += 1
    if not arguments.quiet:
        counts = [(changed, f"{verb.due if arguments.check or arguments.diff else verb.done}"), (refused, "refused")]
        told = [f"{counted(number, 'file')} {what}" for number, what in counts if number]
        same = len(names) - changed - refused
        say(", ".join([*told, *([f"{counted(same, 'file')} unchanged"] if same else [])]))
    return 1 if refused or (arguments.check and changed) else 0


def _one(name: str, arguments: argparse.Namespace, new_text: Rewrite, verb: Verb) -> bool:
    """Whether the file changes; does what is asked for with one that does."""
    document = read_file(name)
    text = new_text(document)
    if text == document.text:
        return False
    if arguments.diff:
        _show(name, document.text, text)
    elif arguments.check:
        say(f"{name}: {verb.due}")
    else:
        write_atomically(name, text)
        if not arguments.quiet:
            say(f"{name}: {verb.done}")
    return True


def _show(name: str, old: str, new: str) -> None:
    """A unified diff on standard output."""
    colour = colourful(sys.stdout)
    hues = {"+": "32", "-": "31", "@": "36"}
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm="")
    for line in lines:
        hue = hues.get(line[:1]) if colour else None
        print(f"\033[{hue}m{escaped(line)}\033[0m" if hue else escaped(line))
    if not old.endswith("\n"):
        print("\\ the old file has no newline at its end")
