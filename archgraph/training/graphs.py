"""The graph that an experiment names, with the variant and the parameters that it asks for."""

from collections.abc import Iterator

from archgraph.diagnostics import GraphError, Rejected, nearest
from archgraph.document.load import chosen, load_graph
from archgraph.graph import Graph
from archgraph.training.experiment import Experiment, Network


def graph_of(experiment: Experiment, network: Network) -> Graph:
    """The graph of one of the experiment's networks.

    Raises:
        GraphError: what is wrong with the file is placed there; what is wrong with the choice, in the experiment.
    """
    file = network.file
    if not file.is_file():
        beside = file.parent.glob("*.json") if file.parent.is_dir() else ()
        hint = nearest(file.name, (path.name for path in beside))
        complaint = f"there is no graph file {file.name!r} there"
        raise _placed(experiment, [Rejected("AG109", complaint, hint=hint, field=network.field)])
    graph = load_graph(str(file))
    wrong = list(_misnamed(graph, network))
    if wrong:
        raise _placed(experiment, wrong)
    return chosen(graph, str(file), network.variant, network.params)


def _misnamed(graph: Graph, network: Network) -> Iterator[Rejected]:
    if network.variant and network.variant not in graph.variants:
        hint = nearest(network.variant, graph.variants) or "it has: " + (", ".join(graph.variants) or "none")
        complaint = f"{network.file.name} has no variant {network.variant!r}"
        yield Rejected("AG411", complaint, hint=hint, field=network.field)
    for name in network.params:
        if name not in graph.params:
            hint = nearest(name, graph.params) or "it has: " + (", ".join(graph.params) or "none")
            field = f"{network.field.removesuffix('/file')}/params/{name}"
            yield Rejected("AG401", f"{network.file.name} has no parameter {name!r}", hint=hint, field=field)


def _placed(experiment: Experiment, wrong: list[Rejected]) -> GraphError:
    return GraphError(experiment.document.place(one.at("") for one in wrong))
