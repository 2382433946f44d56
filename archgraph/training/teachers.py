"""Networks that have learned already, to teach others: where they are, what they give, and how they are loaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgraph.analysis.infer import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import get_weights, load_model, set_weights
from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.document.load import load_graph
from archgraph.training.folder import RunFolder, read_json

if TYPE_CHECKING:
    from archgraph.training.experiment import Experiment


def found(experiment: "Experiment", name: str) -> Path:
    """The run folder or ``.keras`` file of a teacher. Raises `Rejected` AG704: there is none, or it holds no model."""
    places = [experiment.folder / name, Path(name)]
    path = next((place for place in places if place.exists()), None)
    if path is None:
        named = " nor ".join(dict.fromkeys(map(str, places)))
        hint = "train the teacher first; name its run folder or a .keras file"
        raise Rejected("AG704", f"there is no {named}", hint=hint, field="/objective/teacher")
    if path.is_dir() and not _file(path).is_file():
        hint = "train it to its end first"
        raise Rejected("AG704", f"the folder {path} holds no finished model", hint=hint, field="/objective/teacher")
    return path


def _file(path: Path) -> Path:
    """The model that is meant: the file itself, or the finished network of a run folder."""
    if path.is_file():
        return path
    folder, roles = RunFolder(path), ("model", "student")
    files = [file for role in roles for file in (folder.model_of(role), folder.best_of(role))]
    return next((file for file in files if file.is_file()), folder.model)


def shaped_of(path: Path) -> ShapedGraph | None:
    """The graph that a run trained; None for a bare ``.keras`` file, which says so only when Keras has read it."""
    if path.is_file():
        return None
    from archgraph.training.experiment import load_experiment

    folder = RunFolder(path)
    role, network = next(iter(load_experiment(folder.experiment).networks.items()))
    return infer(load_graph(network._replace(file=folder.graph_of(role)).reference, network.params))


def need_same_preparation(experiment: "Experiment", path: Path) -> None:
    """Raises `Rejected` AG701: the teacher's run prepared its data otherwise than this experiment does."""
    if path.is_file():
        return
    before = read_json(RunFolder(path).resolved)["settings"]["preprocessing"]
    if before != _as_read(experiment.resolved()["preprocessing"]):
        names = ", ".join(step["name"] for step in before) or "nothing"
        complaint = f"the teacher learned from data prepared otherwise: by {names}"
        raise Rejected("AG701", complaint, hint="give both the same steps", field="/preprocessing")


def _as_read(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_read(item) for key, item in value.items()}
    return [_as_read(item) for item in value] if isinstance(value, list | tuple) else value


def loaded(path: Path, network: Any | None) -> Any:
    """The teacher as a Keras model that learns no more: `network` with its weights, or the model in the file itself.

    Raises:
        GraphError: AG704, Keras cannot read it; AG803, its weights are not those of `network`.
    """
    file = _file(path)
    try:
        model = load_model(file, fused=True)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise GraphError(
            [Diagnostic("AG704", "", f"Keras cannot load it: {str(error)[:200]}", file=str(file))]
        ) from error
    if network is not None:
        set_weights(network, get_weights(model))
        model = network
    model.trainable = False
    return model
