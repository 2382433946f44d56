"""Findings, tables and JSON on a terminal or for machines. Everything from a file is escaped before it is printed."""

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from archgraph.diagnostics import Diagnostic, escaped

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 160
"""Columns of a table that nobody's terminal limits."""


def colourful(stream: TextIO) -> bool:
    """Whether to use colour: on a terminal only, and not where NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def report(findings: Iterable[Diagnostic], stream: TextIO | None = None) -> None:
    """Print findings, a line for each cause and one for its hint, on standard error."""
    stream = stream or sys.stderr
    colour = colourful(stream)
    for finding in findings:
        print(painted(finding) if colour else str(finding), file=stream)


def painted(finding: Diagnostic) -> str:
    """A finding in colour."""
    place, _, rest = str(finding).partition(f": {finding.code} ")
    hue = 33 if finding.severity == "warning" else 31
    text, hint, remedy = rest.partition("\n  hint: ")
    line = f"\033[1m{place}\033[0m: \033[{hue};1m{finding.code}\033[0m {text}"
    return f"{line}\n  \033[36mhint:\033[0m {remedy}" if hint else line


def as_json(finding: Diagnostic) -> dict[str, Any]:
    """A finding for machines."""
    return {
        "file": finding.file, "line": finding.line, "column": finding.column, "pointer": finding.pointer,
        "code": finding.code, "severity": finding.severity, "message": finding.message, "hint": finding.hint,
    }  # fmt: skip


def print_json(value: Any) -> None:
    """A JSON value on standard output, for machines: ASCII, so that no terminal or encoding stands in the way."""
    print(json.dumps(value, indent=2))


def say(text: str) -> None:
    """A line on standard output."""
    print(escaped(text))


def counted(number: int, noun: str) -> str:
    """``1 file``, ``3 files``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def console() -> "Console":
    """Standard output for tables: in colour on a terminal, plain and wide elsewhere."""
    from rich.console import Console

    class Screen(Console):
        """A console that leaves it to `main` what happens when the reader has gone."""

        def on_broken_pipe(self) -> None:
            """Go on with the error that rich has caught."""
            raise BrokenPipeError

    terminal = sys.stdout.isatty()
    return Screen(
        file=sys.stdout, highlight=False, markup=False, emoji=False, no_color=not colourful(sys.stdout),
        width=None if terminal else _WIDE, force_terminal=terminal, legacy_windows=False,
    )  # fmt: skip
