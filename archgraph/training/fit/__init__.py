"""Whether data, graph, loss and metrics fit each other: rules on shapes and values, each with its own complaint."""

from collections.abc import Iterator

from archgraph.diagnostics import Rejected
from archgraph.shapes import Dim
from archgraph.training.fit.base import Fit, Target, field, targets
from archgraph.training.fit.doubts import doubts, unmoved
from archgraph.training.fit.ending import last_function
from archgraph.training.fit.finite import unfinished
from archgraph.training.fit.inputs import misfed
from archgraph.training.fit.losses import misjudged, unlearned
from archgraph.training.fit.metrics import mismeasured
from archgraph.training.fit.tables import tables, unlisted
from archgraph.training.fit.watched import misweighted, quantities, unmeasured


def misfits(fit: Fit) -> Iterator[Rejected]:
    """Every complaint, its field below the experiment."""
    sizes: dict[str, Dim] = {}
    wrong = list(misfed(fit, fit.shaped, sizes))
    yield from wrong
    if wrong:
        return
    yield from unlearned(fit)
    for target in targets(fit, sizes):
        given = fit.experiment.loss(target.output)
        if given is not None:
            wrong = list(misjudged(fit, target, *given))
            yield from wrong
            if not wrong:
                yield from mismeasured(fit, target)
    yield from misweighted(fit)
    yield from unmeasured(fit, quantities(fit))


__all__ = [
    "Fit",
    "Target",
    "doubts",
    "field",
    "last_function",
    "misfed",
    "misfits",
    "quantities",
    "tables",
    "targets",
    "unfinished",
    "unlisted",
    "unmeasured",
    "unmoved",
]
