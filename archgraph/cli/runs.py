"""``archgraph runs``: runs side by side in a table, and their curves in a plot."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgraph.cli import Misused
from archgraph.cli.output import console, print_json, say
from archgraph.diagnostics import escaped

if TYPE_CHECKING:
    from archgraph.training.comparing import Line

EPILOG = """\
The settings in which runs differ have columns of their own; what differs from most runs is set off.

examples:
  archgraph runs                                      all runs in runs/
  archgraph runs --sort test_accuracy --falling       the best first
  archgraph runs --filter optimizer.name=adam --filter "test_accuracy>0.9"
  archgraph runs runs/lenet5-1 runs/lenet5-2 --plot curves.png
  archgraph runs --plot curves.png --quantity val_loss --quantity val_accuracy
  archgraph runs --json
"""

_COLUMNS = 4
"""Settings that have columns of their own; more are told in words."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("folders", metavar="FOLDER", nargs="*", help="run folders, or folders of runs (default: runs)")
    parser.add_argument("--sort", metavar="NAME", default="", help="order by a column or a setting")
    parser.add_argument("--falling", action="store_true", help="from high to low")
    parser.add_argument(
        "--filter", metavar="CONDITION", action="append", default=[], dest="conditions",
        help="keep runs whose column or setting fits: NAME=VALUE, also != < <= > >=, and ~ for a part (repeatable)",
    )  # fmt: skip
    parser.add_argument("--plot", metavar="FILE", help="draw the curves of the runs, one over the other, as PNG")
    parser.add_argument(
        "--quantity", metavar="NAME", action="append", default=[], dest="quantities",
        help="what to draw (repeatable; default: the losses and metrics)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="a list for machines")


def run(arguments: argparse.Namespace) -> int:
    """Compare; returns the exit status."""
    from archgraph.training.comparing import as_json, chosen, differences, lines_of, ordered

    found = lines_of(arguments.folders or ["runs"])
    try:
        kept = chosen(found, arguments.conditions)
        if arguments.sort and kept:
            kept = ordered(kept, arguments.sort, falling=arguments.falling)
        if arguments.plot and kept:
            _draw(kept, arguments.plot, arguments.quantities)
    except ValueError as error:
        raise Misused(str(error)) from None
    differing = differences(kept)
    if arguments.json:
        print_json([as_json(line, differing) for line in kept])
    elif not kept:
        say(f"none of {len(found)} runs fits")
    else:
        _table(kept, differing)
    if arguments.plot and kept and not arguments.json:
        say(f"wrote {arguments.plot}")
    return 0


def _draw(lines: "list[Line]", file: str, quantities: list[str]) -> None:
    from archgraph.document.files import write_atomically
    from archgraph.training.comparing import labels
    from archgraph.training.plots.runs import MOST_RUNS, compared, usual

    shown = lines[:MOST_RUNS]
    histories = [line.history for line in shown]
    known = dict.fromkeys(key for history in histories for row in history for key in row)
    for name in quantities:
        if name not in known:
            raise ValueError(f"no run has {name!r}; they have: {', '.join(known)}")
    names = quantities or usual(histories)
    if not names:
        raise ValueError("no run has finished an epoch, so there is nothing to draw")
    title = f"{len(shown)} runs" if len(shown) == len(lines) else f"the first {len(shown)} of {len(lines)} runs"
    write_atomically(Path(file), compared(title, dict(zip(labels(shown), histories, strict=True)), names))


def _table(lines: "list[Line]", differing: dict[str, Any]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from archgraph.training.comparing import columns

    plain = [name for name in columns(lines) if any(line.value(name) is not None for line in lines)]
    best = {name: _best(name, lines) for name in plain}
    apart = differing if len(differing) <= _COLUMNS else {}
    table = Table(box=SIMPLE_HEAD)
    for name in plain:
        words = name in ("run", "state")
        table.add_column(Text(escaped(name), style="bold"), justify="left" if words else "right", no_wrap=True)
    for name in apart or (["what differs from most"] if differing else []):
        table.add_column(Text(escaped(name), style="bold yellow"), overflow="fold")
    for line in lines:
        cells = [
            Text(escaped(_shown(name, line.value(name))), style="bold green" if line.value(name) == best[name] else "")
            for name in plain
        ]
        settings = [_setting(line, name, usual) for name, usual in apart.items()]
        if differing and not apart:
            settings = [Text(escaped(_apart(line, differing)), style="yellow")]
        table.add_row(*cells, *settings)
    console().print(table)


def _setting(line: "Line", name: str, usual: Any) -> Any:
    """A cell; the star is for terminals without colour."""
    from rich.text import Text

    from archgraph.training.comparing import shown_setting

    value = shown_setting(line.settings.get(name))
    other = value != shown_setting(usual)
    return Text(escaped(value) + (" *" if other else ""), style="bold yellow" if other else "")


def _apart(line: "Line", differing: dict[str, Any]) -> str:
    """The settings of a run that are not those of most."""
    from archgraph.training.comparing import shown_setting

    pairs = ((name, shown_setting(line.settings.get(name)), shown_setting(usual)) for name, usual in differing.items())
    return ", ".join(f"{name} {value}" for name, value, usual in pairs if value != usual and value != "–")


def _best(name: str, lines: "list[Line]") -> Any:
    """The best value of a score among several runs; None for what is no score."""
    from archgraph.training.callbacks import Watcher

    if not name.startswith(("test_", "val_")) or len(lines) < 2:
        return None
    values = [value for line in lines if isinstance(value := line.value(name), int | float)]
    rising = Watcher(monitor=name).rising(validated=True)
    return (max if rising else min)(values, default=None)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name == "run":
        return str(value)
    if name == "seconds":
        return f"{value:,.1f}"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
