"""Figures of every node after every epoch, into nodes.json, nodes.csv and a plot."""

import csv
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from archgraph.compiler import get_weights
from archgraph.document.files import write_atomically
from archgraph.training import folder as folders
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Part
from archgraph.training.explaining.statistics import FIGURES, affordable, of_nodes
from archgraph.training.explaining.twin import Twin
from archgraph.training.observers.base import Observer
from archgraph.training.plots.nodes import nodes_over_epochs
from archgraph.training.watching import Nodes

if TYPE_CHECKING:
    from archgraph.training.loop import Training


class NodeFigures(Observer):
    """Looks at every network whose inputs come from the data, through a twin."""

    def __init__(self, options: Nodes) -> None:
        self.options = options
        self.log: dict[str, Any] | None = None
        self.twins: dict[str, Twin] = {}
        self.parts: dict[str, Part] = {}

    def epoch_ended(self, training: "Training", row: Mapping[str, Any]) -> None:
        """Look, and write everything anew."""
        epoch = int(row["epoch"])
        if epoch % self.options.every and epoch < training.settings.epochs:
            return
        if self.log is None:
            self._begin(training, epoch)
        assert self.log is not None
        log: dict[str, Any] = self.log
        found = {role: self._looked(training, role) for role in self.twins}
        if not found:
            return
        for node in log["nodes"]:
            figures = found[node["role"]][node["path"]]
            for name, values in node["figures"].items():
                values.append(_rounded(figures.get(name)))
        log["epochs"].append(epoch)
        folders.write_json_compactly(training.folder.nodes_json, log)
        write_atomically(training.folder.nodes_csv, as_csv(log))

    def ended(self, training: "Training") -> None:
        """Draw what was seen."""
        if self.log and self.log["epochs"]:
            picture = nodes_over_epochs(training.experiment.name, self.log)
            write_atomically(training.folder.picture("nodes"), picture)

    # ---- beginning

    def _begin(self, training: "Training", epoch: int) -> None:
        """Make the twins; of a resumed run, keep what was seen before."""
        train = training.dataset.train
        for role, shaped in training.plan.networks.items():
            chosen = chosen_samples(len(train), affordable(shaped, self.options.samples))
            rest = training.trainee.at_rest(len(chosen))
            if not set(shaped.inputs) <= {*train.inputs, *rest}:
                continue
            part = taken(train, chosen)
            self.twins[role] = Twin(shaped)
            self.parts[role] = Part({**part.inputs, **rest}, part.targets, part.weights)
        fresh = [
            {"role": role, "path": node.path, "op": node.leaf.primitive.op, "figures": {name: [] for name in FIGURES}}
            for role, twin in self.twins.items()
            for node in twin.nodes.values()
        ]
        self.log = _earlier(training, epoch) or {"epochs": [], "nodes": fresh}

    def _looked(self, training: "Training", role: str) -> dict[str, dict[str, Any]]:
        twin, part = self.twins[role], self.parts[role]
        twin.set_weights(get_weights(training.trainee.networks[role]))

        def loss(outputs: Mapping[str, Any]) -> Any:
            return training.trainee.loss_of(outputs, part)

        learned = set(part.targets) <= set(twin.shaped.outputs)
        learned = learned and (len(training.plan.networks) == 1 or role in training.trainee.optimizers)
        return of_nodes(twin, part.inputs, loss if learned else None)


def _earlier(training: "Training", epoch: int) -> dict[str, Any] | None:
    """What the files say of the epochs before, if this run wrote them."""
    if epoch == 1 or not training.folder.nodes_json.is_file():
        return None
    log: dict[str, Any] = folders.read_json(training.folder.nodes_json)
    kept = [number for number, one in enumerate(log["epochs"]) if one < epoch]
    log["epochs"] = [log["epochs"][number] for number in kept]
    for node in log["nodes"]:
        node["figures"] = {name: [values[n] for n in kept] for name, values in node["figures"].items()}
    return log


def chosen_samples(count: int, number: int) -> Array:
    """`number` of `count` samples, always the same, from all over."""
    return np.unique(np.linspace(0, count - 1, min(number, count)).round().astype(int))


def taken(part: Part, indices: Array) -> Part:
    """Some samples of a part."""
    groups = (part.inputs, part.targets, part.weights)
    return Part(*({name: array[indices] for name, array in group.items()} for group in groups))


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def as_csv(log: Mapping[str, Any]) -> str:
    """A line for each node and epoch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("epoch", "role", "path", "op", *FIGURES))
    for number, epoch in enumerate(log["epochs"]):
        for node in log["nodes"]:
            figures = (node["figures"][name][number] for name in FIGURES)
            writer.writerow((epoch, node["role"], node["path"], node["op"], *figures))
    return text.getvalue()
