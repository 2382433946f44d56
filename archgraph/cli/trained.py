"""Arguments that name trained weights: a ``.keras`` file, or the run folder that it was trained in."""

import argparse
from pathlib import Path
from typing import Any

from archgraph.analysis import Limits, ShapedGraph, infer
from archgraph.compiler import compile_model, load_model
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.load import load_graph
from archgraph.training.experiment import load_experiment
from archgraph.training.finished import finished
from archgraph.training.folder import RunFolder
from archgraph.training.manifest import verify, verify_known


def add_weights(parser: argparse.ArgumentParser) -> None:
    """``--weights``."""
    text = "a trained model of the graph: a .keras file, or a run folder (default: weights as training starts from)"
    parser.add_argument("--weights", metavar="TRAINED", help=text)


def model_of(graph: ShapedGraph, weights: str | None, *, seed: int | None) -> Any:
    """The trained Keras model of a graph, or, without `weights`, a fresh one."""
    return compile_model(graph, seed=seed) if weights is None else loaded(Path(weights))


def loaded(path: Path) -> Any:
    """The Keras model of a run folder, or in a ``.keras`` file.

    Raises:
        GraphError: AG704, there is none that Keras can load.
    """
    file = _file(path)
    try:
        return load_model(file)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise _refused(path, f"Keras cannot load the model: {str(error)[:200]}") from error


def graph_of_run(path: Path, limits: Limits) -> ShapedGraph:
    """The graph that a run trained."""
    folder = RunFolder(path)
    role, network = next(iter(load_experiment(folder.experiment).networks.items()))
    verify(folder.experiment, folder.graph_of(role))
    kept = network._replace(file=folder.graph_of(role))
    return infer(load_graph(kept.reference, kept.params), limits=limits)


def _file(path: Path) -> Path:
    if not path.exists():
        raise _refused(path, "there is no such run folder or model")
    if path.is_file():
        verify_known(path)
        return path
    folder = RunFolder(path)
    file = finished(folder)
    if not file.is_file():
        raise _refused(path, f"the folder holds no {file.name}", "train first, or resume the run")
    verify(file)
    return file


def _refused(path: Path, message: str, hint: str = "") -> GraphError:
    return GraphError([Diagnostic("AG704", "", message, hint, file=str(path))])
