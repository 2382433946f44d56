"""``archgraph ops``: the vocabulary, op by op."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from archgraph.cli import Misused
from archgraph.cli.output import console, print_json
from archgraph.diagnostics import nearest
from archgraph.document.order import parameters
from archgraph.kinds import shown
from archgraph.record import Field
from archgraph.shapes import Tensor, show
from archgraph.vocabulary import REGISTRY, Family, Primitive

EPILOG = """\
examples:
  archgraph ops                  every op with a sentence, by family
  archgraph ops conv             ports, parameters, bounds, defaults, examples and source of one
  archgraph ops --family pooling the ops of one family
  archgraph ops --json | jq '.[].op'
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("name", metavar="OP", nargs="?", help="the op to explain (without: list all)")
    families = [family.value for family in Family]
    parser.add_argument("--family", choices=families, metavar="FAMILY", help=f"list one of: {', '.join(families)}")
    parser.add_argument("--json", action="store_true", help="for machines: an object, or a list of them")


def run(arguments: argparse.Namespace) -> int:
    """Print; returns the exit status."""
    if arguments.name is not None:
        kind = _known(arguments.name)
        if arguments.json:
            print_json(as_json(kind))
        else:
            _page(kind)
        return 0
    kinds = [kind for _, kind in sorted(REGISTRY.items()) if arguments.family in (None, kind.family.value)]
    if arguments.json:
        print_json([as_json(kind) for kind in kinds])
    else:
        _list(kinds)
    return 0


def _known(name: str) -> type[Primitive]:
    if name not in REGISTRY:
        hint = nearest(name, REGISTRY)
        raise Misused(f"no op is called {name!r}" + (f": {hint}" if hint else "; `archgraph ops` lists them"))
    return REGISTRY[name]


# ---- for machines


def as_json(kind: type[Primitive]) -> dict[str, Any]:
    """An op, with the JSON Schema of every parameter."""
    return {
        "op": kind.op,
        "family": kind.family.value,
        "icon": kind.icon,
        "doc": kind.doc(),
        "source": kind.source,
        "inputs": [port._asdict() for port in kind.inputs],
        "parameters": {name: _field(kind.fields()[name]) for name in parameters({"op": kind.op})},
        "examples": [
            {
                "params": _plain(example.params),
                "inputs": [_tensor(tensor) for tensor in example.input_tensors()],
                "outputs": [_tensor(tensor) for tensor in example.output_tensors()],
            }
            for example in kind.examples
        ],
    }


def _field(field: Field) -> dict[str, Any]:
    default = {} if field.required else {"default": _plain(field.default)}
    return {
        "doc": field.doc,
        "must_be": str(field.kind),
        "required": field.required,
        **default,
        "schema": field.schema(),
    }


def _tensor(tensor: Tensor | None) -> Any:
    if tensor is None:
        return None
    return {"shape": [size if isinstance(size, int) else str(size) for size in tensor.shape], "dtype": tensor.dtype}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


# ---- for people


def _list(chosen: Sequence[type[Primitive]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    out = console()
    for family in Family:
        kinds = [kind for kind in chosen if kind.family is family]
        if not kinds:
            continue
        table = Table(box=SIMPLE_HEAD, title=family.value, title_justify="left", title_style="bold", show_header=False)
        table.add_column(style="cyan", no_wrap=True)
        table.add_column()
        for kind in kinds:
            table.add_row(kind.op, kind.doc().partition("\n")[0])
        out.print(table)
    out.print("archgraph ops NAME tells more of one", style="dim")


def _page(kind: type[Primitive]) -> None:
    from rich.text import Text

    out = console()
    out.print(Text.assemble((kind.op, "bold cyan"), f"   {kind.family.value}\n"))
    out.print(kind.doc())
    out.print(f"\nSource: {kind.source}\n", style="dim")
    out.print("inputs", style="bold")
    for port in kind.inputs:
        notes = [note for note, holds in (("optional", port.optional), ("any number", port.variadic)) if holds]
        note = f" ({', '.join(notes)})" if notes else ""
        out.print(Text.assemble("  ", (port.name, "cyan"), f"{note}  {port.doc}"))
    _parameters(kind)
    if kind.examples:
        out.print("\nexamples", style="bold")
    for example in kind.examples:
        params = ", ".join(f'"{name}": {shown(value)}' for name, value in example.params.items())
        record = f'{{"op": "{kind.op}", "in": …' + (f", {params}" if params else "") + "}"
        inputs, outputs = (" and ".join(_shown(one) for one in many) for many in _ends(example))
        out.print(f"  {record}\n      {inputs} → {outputs}")


def _ends(example: Any) -> tuple[tuple[Tensor | None, ...], tuple[Tensor, ...]]:
    return example.input_tensors(), example.output_tensors()


def _shown(tensor: Tensor | None) -> str:
    if tensor is None:
        return "nothing"
    return show(tensor.shape) + ("" if tensor.dtype == "float32" else f" {tensor.dtype}")


def _parameters(kind: type[Primitive]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    if not kind.fields():
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("parameter", style="cyan", no_wrap=True)
    table.add_column("default", overflow="fold")
    table.add_column("must be", overflow="fold")
    table.add_column("meaning", overflow="fold")
    for name in parameters({"op": kind.op}):
        field = kind.fields()[name]
        unit = f" Unit: {field.unit}." if field.unit else ""
        table.add_row(name, "required" if field.required else shown(field.default), str(field.kind), field.doc + unit)
    out = console()
    out.print()
    out.print(table)
