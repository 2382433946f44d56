"""What an experiment may have watched while it trains, as records."""

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


WATCHERS: dict[str, type[Onlooker]] = {"nodes": Nodes, "tensorboard": Tensorboard}
WATCHER = Named("an onlooker", WATCHERS)
