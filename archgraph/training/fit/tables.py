"""Whether nodes that look up numbers, such as an embedding, know all those that the data holds."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.training.data.stored import is_stored
from archgraph.training.fit.base import Fit

_PLACES = ("input_dim", "num_classes", "classes")
"""Parameters that say how many numbers, from 0, a node tells apart."""


class Table(NamedTuple):
    """A node that tells numbers apart."""

    path: str
    parameter: str
    places: int


def tables(shaped: ShapedGraph, name: str) -> Iterator[Table]:
    """The nodes that tell the numbers of an input apart."""
    for node in shaped.walk():
        if any(feed is not None and feed.path == name for feed in node.feeds):
            for parameter in _PLACES:
                places = getattr(node.leaf.primitive, parameter, None)
                if isinstance(places, int):
                    yield Table(node.path, parameter, places)


def unlisted(fit: Fit) -> Iterator[Rejected]:
    """Complaints about numbers of the data that a node of the graph has no place for."""
    fields = {role: network.field for role, network in fit.experiment.networks.items()}
    for role, shaped in fit.networks.items():
        for name, column in fit.binding.inputs.items():
            if name in shaped.inputs and fit.columns[column].values.dtype.kind in "iu":
                field = fields.get(role, "/graph")
                yield from _beyond(shaped, name, column, _range(fit, column), field)


def _range(fit: Fit, column: str) -> Mapping[str, int]:
    raw, seen = fit.samples.columns[column].values, fit.columns[column].values
    every = seen if is_stored(raw) or raw.dtype.kind not in "iu" else raw
    return {"lowest": int(every.min()), "highest": int(every.max())} if every.size else {"lowest": 0, "highest": 0}


def _beyond(shaped: ShapedGraph, name: str, column: str, found: Mapping[str, int], field: str) -> Iterator[Rejected]:
    lowest, highest = found["lowest"], found["highest"]
    for table in tables(shaped, name):
        if lowest >= 0 and highest < table.places:
            continue
        complaint = (
            f"node {table.path!r} tells {table.places} numbers apart, 0 to {table.places - 1}, "
            f"but the column {column!r} goes from {lowest} to {highest}"
        )
        hint = f"give it {table.parameter} {highest + 1}" if lowest >= 0 else "numbers begin with 0"
        yield Rejected("AG701", complaint, hint=hint, field=field)
