"""Whether the columns of the data have the shapes that the inputs of a graph take."""

from collections.abc import Iterator

import numpy as np

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.shapes import Dim, show
from archgraph.sizes import substitute, symbols_of
from archgraph.training.fit.base import Fit


def misfed(fit: Fit, shaped: ShapedGraph, sizes: dict[str, Dim]) -> Iterator[Rejected]:
    """Complaints about the columns that feed the inputs of one of the graphs; `sizes` takes in what they settle.

    Inputs that the objective feeds by itself have no column.
    """
    for name, tensor in shaped.inputs.items():
        if name not in fit.binding.inputs:
            continue
        column = fit.binding.inputs[name]
        values = fit.columns[column].values
        field = f"/inputs/{name}" if fit.experiment.settings.inputs else "/data"
        if not _matches(tensor.shape, values.shape[1:], sizes):
            wanted = show(tuple(substitute(dim, sizes) for dim in tensor.shape))
            complaint = (
                f"the column {column!r} has the shape {show(values.shape[1:])}, but input {name!r} takes {wanted}"
            )
            yield Rejected("AG701", complaint, hint=_reshaping(values.shape[1:], tensor.shape), field=field)
        elif tensor.dtype.startswith(("int", "uint")) and values.dtype.kind == "f":
            complaint = f"the column {column!r} holds {values.dtype} numbers, but input {name!r} takes {tensor.dtype}"
            yield Rejected("AG701", complaint, hint="leave out the step that made them fractions", field=field)


def _matches(wanted: tuple[Dim, ...], given: tuple[int, ...], sizes: dict[str, Dim]) -> bool:
    if len(wanted) != len(given):
        return False
    for dim, size in zip(wanted, given, strict=True):
        for symbol in symbols_of(dim):
            low_enough = symbol.maximum is None or size <= symbol.maximum
            if size % symbol.multiple_of or size < symbol.minimum or not low_enough:
                return False
            sizes.setdefault(symbol.name, size)
        if substitute(dim, sizes) != size:
            return False
    return True


def _reshaping(given: tuple[int, ...], wanted: tuple[Dim, ...]) -> str:
    whole = all(isinstance(dim, int) for dim in wanted)
    if len(given) >= 2 and len(given) == len(wanted) and given[2:] == wanted[2:] and whole:
        return f'add {{"name": "resize", "size": {list(wanted[:2])}}} (or pad) to "preprocessing"'
    if (*given, 1) == wanted:
        return 'add "expand_channels" to "preprocessing"'
    if len(wanted) == 1 and wanted[0] == np.prod(given):
        return 'add "flatten" to "preprocessing"'
    return f"change the graph's input to {list(given)}, or the data"
