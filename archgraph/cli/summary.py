"""``archgraph summary``: what a graph computes and costs, as tables or JSON."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archgraph.analysis.cost import BlockRow, Cost, Row, block_rows, cost, rows
from archgraph.analysis.receptive import Seen, receptive_fields
from archgraph.analysis.shaped import ShapedGraph
from archgraph.cli.arguments import add_reference, positive, shaped
from archgraph.cli.output import console, print_json
from archgraph.compiler.plan import lowered
from archgraph.compiler.rolling import chosen
from archgraph.shapes import Dim, Shape, Tensor

if TYPE_CHECKING:
    from rich.table import Table

EPILOG = """\
Nothing is built: everything is computed from the file, in milliseconds. Multiply-adds are those of matrix products and
convolutions, for one sample. Memory is that of the worst moment: of the tensors of a batch, and in training also of all
that is kept for the way back, gradients, the weights, and two numbers for each weight (Adam).

examples:
  archgraph summary net.graph.json                     a row for each record of the file
  archgraph summary net.graph.json --depth 3           with the insides of blocks
  archgraph summary net.graph.json --nodes             a row for each primitive
  archgraph summary net.graph.json#large --set classes=3 --batch-size 64
  archgraph summary net.graph.json --json | jq .parameters
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    add_reference(parser)
    parser.add_argument("--nodes", action="store_true", help="a row for each primitive of the expanded graph")
    parser.add_argument("--depth", metavar="N", type=positive, default=1, help="levels of blocks to open (default 1)")
    parser.add_argument("--batch-size", metavar="N", type=positive, default=1, help="for the memory (default 1)")
    parser.add_argument("--json", action="store_true", help="an object for machines")


def run(arguments: argparse.Namespace) -> int:
    """Print the summary; returns the exit status."""
    graph = shaped(arguments)
    if arguments.json:
        print_json(as_json(graph, arguments.batch_size, nodes=arguments.nodes, depth=arguments.depth))
        return 0
    out = console()
    out.print(_title(graph), style="bold")
    out.print(_nodes(rows(graph)) if arguments.nodes else _blocks(block_rows(graph, arguments.depth)))
    out.print(_totals(graph, cost(graph, arguments.batch_size), arguments.batch_size))
    return 0


# ---- for machines


def as_json(graph: ShapedGraph, batch_size: int, *, nodes: bool, depth: int) -> dict[str, Any]:
    """Everything that the tables show. Sizes that depend on symbolic dimensions are texts."""
    total = cost(graph, batch_size)
    table = {"nodes": [_node(row) for row in rows(graph)]} if nodes else {
        "blocks": [_block(row) for row in block_rows(graph, depth)]
    }  # fmt: skip
    return {
        "name": graph.name,
        "parameters_used": {name: _plain(value) for name, value in graph.parameters_used.items()},
        "inputs": _tensors(graph.inputs),
        "outputs": _tensors(graph.outputs),
        "primitives": graph.count,
        "parameters": total.parameters,
        "trainable": total.trainable,
        "non_trainable": total.non_trainable,
        "macs": _dim(total.macs),
        "flops": _dim(total.flops),
        "weight_bytes": total.weight_bytes,
        "batch_size": batch_size,
        "activation_bytes": _dim(total.activation_bytes),
        "training_bytes": _dim(total.training_bytes),
        "receptive_field": {output: _fields(seen) for output, seen in receptive_fields(graph).items()},
        "families": {family: _share(share) for family, share in total.families.items()},
        **table,
    }


def _dim(size: Dim | None) -> int | str | None:
    return size if isinstance(size, int) or size is None else str(size)


def _shape(shape: Shape) -> list[int | str | None]:
    return [_dim(size) for size in shape]


def _tensors(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name: {"shape": _shape(tensor.shape), "dtype": tensor.dtype} for name, tensor in tensors.items()}


def _fields(seen: Seen) -> dict[str, Any]:
    return {source: [_dim(axis.extent) for axis in axes] for source, axes in seen.items()}


def _share(share: Any) -> dict[str, Any]:
    return {
        "nodes": share.nodes,
        "parameters": share.parameters,
        "trainable": share.trainable,
        "macs": _dim(share.macs),
    }


def _node(row: Row) -> dict[str, Any]:
    sizes = {"output": _shape(row.output), "macs": _dim(row.macs), "field": _shape(row.field)}
    return {**row._asdict(), **sizes}


def _block(row: BlockRow) -> dict[str, Any]:
    kept = {"path": row.path, "level": row.level, "what": row.what, "times": row.times, "output": _shape(row.output)}
    return {**kept, **_share(row.total)}


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str) else getattr(value, "name", str(value))


# ---- for people


def _title(graph: ShapedGraph) -> str:
    inputs = ", ".join(f"{name} {show(tensor.shape)}" for name, tensor in graph.inputs.items())
    return f"{graph.name}   {inputs}"


def show(shape: Shape) -> str:
    """A shape in a table: ``28×28×6``."""
    return "×".join(map(str, shape)) or "scalar"


def count(number: Dim | None) -> str:
    """A number in a table; nothing for none."""
    if number is None:
        return "unknown"
    return (f"{number:,}" if number else "") if isinstance(number, int) else str(number)


def size(number: Dim | None) -> str:
    """Bytes, in units of 1024."""
    if not isinstance(number, int):
        return "unknown" if number is None else f"{number} bytes"
    amount = float(number)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{number:,} bytes" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} TiB"


def _table(names: Sequence[str], numbers: int) -> "Table":
    """An empty table; the last `numbers` columns hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(names):
        number = place >= len(names) - numbers
        table.add_column(name, justify="right" if number else "left", overflow="fold", no_wrap=number)
    return table


def _blocks(found: Iterable[BlockRow]) -> "Table":
    table = _table(("node", "what", "output", "primitives", "parameters", "multiply-adds"), numbers=3)
    for row in found:
        what = f"{row.what} ×{row.times}" if row.times != 1 else row.what
        last = row.path.rpartition("/")[2] if row.level else row.path
        table.add_row(
            "  " * row.level + last, what, show(row.output), count(row.total.nodes), count(row.total.parameters),
            count(row.total.macs), style="dim" if row.level else None,
        )  # fmt: skip
    return table


def _nodes(found: Iterable[Row]) -> "Table":
    table = _table(("node", "op", "output", "sees", "parameters", "multiply-adds"), numbers=2)
    for row in found:
        parameters = f"of {row.owner}" if row.owner != row.path else count(row.parameters)
        table.add_row(
            row.path, row.op, show(row.output), show(row.field) if row.field else "", parameters, count(row.macs)
        )
    return table


def _totals(graph: ShapedGraph, total: Cost, batch_size: int) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    batch = f"batch of {batch_size:,}"
    sees = [
        f"{output} sees {'×'.join(count(axis.extent) for axis in axes)} of {source}"
        for output, seen in receptive_fields(graph).items()
        for source, axes in seen.items()
        if axes
    ]
    kept = f"{count(total.trainable) or '0'} trainable, {count(total.non_trainable) or '0'} not"
    lines = [
        ("primitives", count(graph.count) or "0"),
        ("parameters", f"{count(total.parameters) or '0'} ({kept}), {size(total.weight_bytes)}"),
        ("multiply-adds", f"{count(total.macs) or '0'} for one sample"),
        ("memory", f"{size(total.activation_bytes)} of tensors at the worst moment, {batch}"),
        ("in training", f"{size(total.training_bytes)} with weights, Adam and gradients at the worst moment, {batch}"),
        ("receptive field", "\n".join(sees) or "none"),
    ]
    rolled = [f"{path} ×{run.copies}" for path, run in chosen(lowered(graph.root), "auto")]
    if rolled:
        lines.append(("rolled", f"{', '.join(rolled)} (in training, and with --rolled auto)"))
    for name, value in lines:
        table.add_row(name, value)
    return table
