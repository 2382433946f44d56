"""What an experiment may have watched while it trains, as records."""

from collections.abc import Mapping

from archgraph.kinds import Flag, Integer
from archgraph.record import Named, Record, param, record


@record
class Onlooker(Record):
    """Something that looks at the networks between epochs, and changes nothing."""

    every: int = param(Integer(1), "After how many epochs it looks.", default=1, unit="epochs")


@record
class Nodes(Onlooker):
    """Statistics of every node: activations, dead and saturated units, gradients. Into nodes.json, nodes.csv, a plot.

    They are taken on training samples, always the same, with the network in training mode.
    """

    samples: int = param(
        Integer(2, 10_000), "Samples to look at; fewer where all activations would not fit into a GiB.", default=64
    )


@record
class Tensorboard(Onlooker):
    """Logs for TensorBoard, in the folder ``tensorboard`` of the run: every figure, weights, pictures at the end."""

    histograms: bool = param(Flag(), "Write the distribution of every weight.", default=True)
    images: bool = param(Flag(), "Write the pictures of the run folder.", default=True)


FIGURES_OF_NODES: Mapping[str, str] = {
    "mean": "Mean of what the node gives.",
    "deviation": "Its standard deviation.",
    "zero": "Share of zeros.",
    "dead": "Share of units that give the same for every sample; of activation functions, but those of outputs.",
    "saturated": "Share of values within a hundredth of the flat ends of sigmoid, tanh and the like.",
    "gradient": "Root mean square of the loss's gradient by what the node gives.",
    "weights": "Length of its weights.",
    "weight_gradient": "Length of the loss's gradient by its weights.",
    "finite": "Whether all of that is finite.",
}
"""What is written of every node, and what it means."""

WATCHERS: dict[str, type[Onlooker]] = {"nodes": Nodes, "tensorboard": Tensorboard}
WATCHER = Named("an onlooker", WATCHERS)
