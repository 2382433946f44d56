"""``archgraph predict``: a trained model applied to new data."""

import argparse
from typing import Any

from archgraph.cli.arguments import positive
from archgraph.cli.output import console, print_json

EPILOG = """\
A run folder knows the preprocessing and the names of the classes; a bare .keras file is fed as it is.

examples:
  archgraph predict runs/lenet5-1 digit.png
  archgraph predict runs/lenet5-1 pictures/ --top 5
  archgraph predict runs/mlp-1 table.csv --json
  archgraph predict net.keras arrays.npz
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("model", metavar="MODEL", help="a run folder, or a .keras file")
    text = "an .npz file without pickles, a CSV file, pictures, or a folder of pictures"
    parser.add_argument("inputs", metavar="INPUT", nargs="+", help=text)
    parser.add_argument(
        "--top", metavar="N", type=positive, default=3, help="classes to show for each sample (default 3)"
    )
    parser.add_argument("--batch-size", metavar="N", type=positive, default=32, help="samples at a time (default 32)")
    parser.add_argument("--json", action="store_true", help="a list for machines")


def run(arguments: argparse.Namespace) -> int:
    """Predict; returns the exit status."""
    from archgraph.training import predict

    inputs = arguments.inputs if len(arguments.inputs) > 1 else arguments.inputs[0]
    predicted = predict(arguments.model, inputs, batch_size=arguments.batch_size)
    rows = predicted.rows(arguments.top)
    if arguments.json:
        print_json(rows)
    else:
        _table(rows)
    return 0


def _table(rows: list[dict[str, Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from archgraph.diagnostics import escaped

    outputs = [name for name in rows[0] if name != "sample"] if rows else []
    table = Table(box=SIMPLE_HEAD)
    for name in ("sample", *outputs):
        table.add_column(Text(escaped(name), style="bold"))
    for row in rows:
        table.add_row(*(Text(escaped(_shown(row[name]))) for name in ("sample", *outputs)))
    console().print(table)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "   ".join(f"{one['class']} {one['probability']:.1%}" for one in value["top"])
    if isinstance(value, list):
        numbers = [_shown(item) for item in value[:8]]
        return "[" + ", ".join(numbers) + (", …]" if len(value) > 8 else "]")
    return f"{value:.4g}" if isinstance(value, float) else str(value)
