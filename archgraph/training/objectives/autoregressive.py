"""The likelihood of pictures, number by number: each is foretold from those before it."""

from collections.abc import Iterator, Mapping

import numpy as np

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer, Number
from archgraph.record import param
from archgraph.training.fit import Fit
from archgraph.training.objectives import checks
from archgraph.training.objectives.base import Face, Objective, objective
from archgraph.training.objectives.variational import need_range


@objective
class Autoregressive(Objective):
    """Make the data likely, as a product of chances: of each number given all before it (Bengio & Bengio 2000).

    For NADE (Larochelle & Murray 2011), MADE (Germain et al. 2015), PixelCNN and PixelRNN (van den Oord et al. 2016).
    The order is that of reading: row by row, in a pixel colour by colour. That the graph obeys it is tried out before
    training: no output may change with a number that comes later. Samples are drawn number by number, in that order.
    """

    name = "autoregressive"

    levels: int = param(
        Integer(2, 65_536),
        "How many values a number has, at equal distances from 0 to 1. For 2 the output is the chance of 1; for more "
        "it has the chances of all of them, along a last axis.",
        default=2,
    )
    samples: int = param(Integer(1, 400), "How many pictures are drawn to be shown.", default=64)
    temperature: float = param(
        Number(above=0), "What the logarithms of the chances are divided by when pictures are drawn.", default=1.0
    )

    def face(self, networks: Mapping[str, ShapedGraph]) -> Face:
        """The inputs alone: they are what is to be foretold."""
        (shaped,) = networks.values()
        return Face(shaped.inputs, {})

    def misfits(self, fit: Fit) -> Iterator[Rejected]:
        """One input, one output of chances for every number of it, and values that there are chances for."""
        found, _ = checks.fed(fit, fit.shaped)
        found = found or list(checks.gathered(lambda: self._shapes(fit.shaped), lambda: self._values(fit)))
        yield from found or checks.set_in_vain(fit, "targets")

    def _shapes(self, shaped: ShapedGraph) -> None:
        for what, tensors in (("input", shaped.inputs), ("output", shaped.outputs)):
            if len(tensors) != 1:
                complaint = f"the objective autoregressive takes a graph with one {what}, got {', '.join(tensors)}"
                raise Rejected("AG701", complaint, field="/graph")
        (given,), ((name, chances),) = shaped.inputs.values(), shaped.outputs.items()
        if self.levels == 2:
            checks.need_shape(f"the output {name!r}", chances, given.shape, {}, "a chance for every number")
            checks.ending(shaped, name, "sigmoid")
        else:
            why = f"the chances of {self.levels} levels for every number"
            checks.need_shape(f"the output {name!r}", chances, (*given.shape, self.levels), {}, why)
            checks.ending(shaped, name, "softmax")

    def _values(self, fit: Fit) -> None:
        (name,) = fit.binding.fed
        need_range(name, fit.columns[name], "levels")
        values = np.asarray(fit.columns[name].values, np.float64) * (self.levels - 1)
        if not np.allclose(values, values.round(), atol=1e-3):
            odd = values.ravel()[np.argmax(np.abs(values - values.round()))] / (self.levels - 1)
            complaint = f"the column {name!r} holds {odd:.4g}, which is none of {self.levels} levels from 0 to 1"
            hint = 'add "binarize" to "preprocessing"' if self.levels == 2 else 'set "levels" to the number of values'
            raise Rejected("AG701", complaint, hint=hint, field="/objective")

    def quantities(self, fit: Fit) -> tuple[str, ...]:
        """Nats for a sample, and bits for each of its numbers."""
        return checks.validated(fit, ("loss", "nats_per_number", "bits_per_number"))
