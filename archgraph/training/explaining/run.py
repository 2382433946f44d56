"""Run folder + samples -> what goes on inside the trained network, as pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archgraph.analysis.infer import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import get_weights, load_model
from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.document.load import load_graph
from archgraph.training.data.base import Array
from archgraph.training.experiment import load_experiment
from archgraph.training.explaining.attention import Attention, attention_of
from archgraph.training.explaining.deciding import grad_cam
from archgraph.training.explaining.pictures import Samples, answers, pictures_of
from archgraph.training.explaining.twin import Look, Twin
from archgraph.training.folder import RunFolder, read_json
from archgraph.training.manifest import verify
from archgraph.training.prediction import Inputs, as_fed

_MOST = 16


@dataclass(frozen=True)
class Explanation:
    """A trained network, some samples, and what it does with them."""

    title: str
    twin: Twin
    samples: Samples
    look: Look

    @property
    def attention(self) -> tuple[Attention, ...]:
        """Where every attention node looks: scores (samples, heads, queries, places)."""
        return tuple(attention_of(self.twin, self.look))

    def values(self, node: str) -> list[Array]:
        """What a node gives for the samples, one array for each of its outputs."""
        return [np.asarray(value) for value in self.look.values[node]]

    def grad_cam(self, output: str = "", node: str = "") -> Array:
        """For each sample a map (height, width) of 0 … 1: what speaks for the class that the output says."""
        name = output or next(iter(self.twin.shaped.outputs))
        guess = answers(np.asarray(self.look.outputs[name]))
        return grad_cam(self.twin, self.samples.inputs, name, guess, node)[1]

    def pictures(self, node: str = "") -> dict[str, bytes]:
        """Name and PNG of every picture that makes sense; with `node`, of those that show this node.

        Raises:
            GraphError: there is no such node, or nothing of it can be shown (AG701).
        """
        try:
            return dict(pictures_of(self.title, self.twin, self.samples, node))
        except Rejected as rejected:
            raise GraphError([rejected.at("")]) from None


def explain(run: str | Path, inputs: Inputs | None = None, *, role: str = "") -> Explanation:
    """Look into the network of a run.

    Args:
        run: a run folder.
        inputs: what `predict` takes: files or arrays. Default: the test samples that the run has kept.
        role: which network, where there are several. Default: the first.

    Raises:
        GraphError: AG702, AG703 or AG704 when run or inputs cannot be used.
    """
    folder = RunFolder(Path(run))
    resolved = read_json(folder.resolved)
    name = role or next(iter(resolved["graphs"]))
    if name not in resolved["graphs"]:
        raise _refused(folder, f"the run has no graph {name!r}", "it has: " + ", ".join(resolved["graphs"]))
    shaped = graph_of_run(folder, name)
    samples = _kept(folder, resolved) if inputs is None else _own(folder, resolved, inputs)
    if not set(shaped.inputs) <= set(samples.inputs):
        raise _refused(folder, f"the graph {name!r} is not fed by the data", "name another role")
    twin = Twin(shaped)
    twin.set_weights(get_weights(load_model(_trained(folder, name), fused=True)))
    return Explanation(resolved["settings"]["name"], twin, samples, twin.look(samples.inputs))


def _trained(folder: RunFolder, role: str) -> Path:
    file = folder.model_of(role) if folder.model_of(role).is_file() else folder.best_of(role)
    if not file.is_file():
        raise _refused(folder, f"it holds no {folder.model_of(role).name}", "train first, or resume the run")
    verify(file)
    return file


def graph_of_run(folder: RunFolder, role: str) -> ShapedGraph:
    """The graph that a run trained."""
    network = load_experiment(folder.experiment).networks[role]
    kept = network._replace(file=folder.graph_of(role))
    return infer(load_graph(kept.reference, kept.params))


def _kept(folder: RunFolder, resolved: Mapping[str, Any]) -> Samples:
    if not folder.examples.is_file():
        raise _refused(folder, f"it holds no {folder.examples.name}", "give samples of your own")
    with np.load(folder.examples, allow_pickle=False) as file:
        groups: dict[str, dict[str, Array]] = {"input": {}, "target": {}, "classes": {}}
        for key in file.files:
            group, _, name = key.partition("/")
            groups[group][name] = file[key]
    number = len(next(iter(groups["input"].values())))
    names = {name: tuple(map(str, values)) for name, values in groups["classes"].items()}
    numbers = tuple(f"test sample {n + 1}" for n in range(number))
    return Samples(groups["input"], numbers, groups["target"], {**names, **_classes(resolved)})


def _own(folder: RunFolder, resolved: Mapping[str, Any], inputs: Inputs) -> Samples:
    given, fed = as_fed(folder.path, inputs)
    number = len(next(iter(fed.values())))
    names = given or tuple(f"sample {n + 1}" for n in range(number))
    cut = {name: array[:_MOST] for name, array in fed.items()}
    return Samples(cut, tuple(Path(name).name for name in names[:_MOST]), {}, _classes(resolved))


def _classes(resolved: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(classes) for name, classes in resolved["data"]["classes"].items()}


def _refused(folder: RunFolder, message: str, hint: str) -> GraphError:
    return GraphError([Diagnostic("AG704", "", message, hint, file=str(folder.path))])
