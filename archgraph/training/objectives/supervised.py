"""Outputs that come near to targets."""

from collections.abc import Iterator, Mapping

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.training.fit import Fit, misfits, quantities
from archgraph.training.objectives.base import Face, Objective, objective


@objective
class Supervised(Objective):
    """Outputs that come near to targets, as near as the losses of the experiment say.

    The targets may be the inputs themselves (reconstruction), or the inputs without noise (denoising).
    """

    name = "supervised"
    takes_loss = True
    spreads = True

    def face(self, networks: Mapping[str, ShapedGraph]) -> Face:
        """Everything that goes in and comes out."""
        (shaped,) = networks.values()
        return Face(shaped.inputs, shaped.outputs)

    def misfits(self, fit: Fit) -> Iterator[Rejected]:
        """Shapes, values, losses, metrics, weights and callbacks."""
        return misfits(fit)

    def quantities(self, fit: Fit) -> tuple[str, ...]:
        """The losses and metrics."""
        return quantities(fit)
