"""Run folder or model + files -> predictions, with class names and probabilities where the run knows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archgraph.compiler import load_model
from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.training import preprocessing
from archgraph.training.data.archive import read_npz
from archgraph.training.data.base import Array, Column
from archgraph.training.data.files import IMAGE_SUFFIXES, read_image, read_table, table_features
from archgraph.training.finished import finished
from archgraph.training.folder import RunFolder, read_json
from archgraph.training.forms import is_per_output
from archgraph.training.manifest import verify, verify_known
from archgraph.training.preprocessing import Fitted

_BYTE_RANGE_FROM = 128.0
"""Training pictures whose highest value is at least this are taken for bytes, like the files themselves."""

Inputs = str | Path | Sequence[str | Path] | Mapping[str, Any]


@dataclass(frozen=True)
class Prediction:
    """What a model says about some samples."""

    names: tuple[str, ...]
    """A name for every sample: its file, or its number."""
    outputs: Mapping[str, Array]
    """The model's outputs, probabilities where the run trained on raw scores of classes; axis 0 counts samples."""
    classes: Mapping[str, tuple[str, ...]]
    """Names of the classes of the outputs that have any."""

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, top: int = 3) -> list[dict[str, Any]]:
        """One object for each sample: for an output of classes the best `top` with probabilities, else the numbers."""
        return [self._row(number, top) for number in range(len(self))]

    def _row(self, number: int, top: int) -> dict[str, Any]:
        row: dict[str, Any] = {"sample": self.names[number]}
        for output, values in self.outputs.items():
            one, classes = values[number], self.classes.get(output, ())
            if one.ndim == 1 and len(classes) > 1 and len(one) in (1, len(classes)):
                shares = one if len(one) > 1 else np.array([1 - one[0], one[0]])
                best = np.argsort(-shares, kind="stable")[:top]
                listed = [{"class": classes[index], "probability": float(shares[index])} for index in best]
                row[output] = {**listed[0], "top": listed}
            else:
                row[output] = one.tolist()
        return row


@dataclass(frozen=True)
class _Trained:
    """What is known about a model besides its weights; all empty for a bare ``.keras`` file."""

    model: Any
    fitted: tuple[Fitted, ...] = ()
    columns: Mapping[str, str] | None = None
    """The column that feeds each input of the graph."""
    raw: Mapping[str, Any] | None = None
    classes: Mapping[str, tuple[str, ...]] | None = None
    outputs: tuple[str, ...] = ()
    squash: Mapping[str, str] | None = None
    about: Mapping[str, Any] | None = None


def predict(model: str | Path, inputs: Inputs, *, batch_size: int = 32) -> Prediction:
    """Apply a trained model to new data.

    Args:
        model: a run folder, whose preprocessing and class names are used, or a ``.keras`` file, fed as it is.
        inputs: an ``.npz`` file, a CSV file of features, a picture, several pictures or a folder of them; or arrays by
            name. Arrays are called like the columns of the training data or like the graph's inputs.
        batch_size: samples at a time.

    Raises:
        GraphError: AG702, AG703 or AG704 when model or inputs cannot be used.
    """
    trained = _open(Path(model))
    names, fed = _read(trained, inputs)
    given = trained.model.predict(fed if len(fed) > 1 else next(iter(fed.values())), batch_size=batch_size, verbose=0)
    if not isinstance(given, Mapping):
        given = {(trained.outputs or ("output",))[0]: given}
    squash = trained.squash or {}
    outputs = {name: _squashed(np.asarray(values), squash.get(name, "")) for name, values in given.items()}
    return Prediction(
        names or tuple(str(number) for number in range(len(next(iter(outputs.values()))))),
        outputs,
        trained.classes or {},
    )


def as_fed(model: str | Path, inputs: Inputs) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Names of samples (none for arrays), and the samples as the graph's inputs take them; see `predict`."""
    return _read(_open(Path(model)), inputs)


def _read(trained: _Trained, inputs: Inputs) -> tuple[tuple[str, ...], dict[str, Array]]:
    try:
        names, columns = _columns(trained, inputs)
        return names, _fed(trained, columns)
    except Rejected as rejected:
        where = inputs if isinstance(inputs, str | Path) else ""
        raise GraphError([Diagnostic(rejected.code, "", rejected.message, rejected.hint, file=str(where))]) from None


# ---- the model


def _open(path: Path) -> _Trained:
    if not path.exists():
        raise _refused("AG704", "there is no such run folder or model", path)
    if path.is_file():
        verify_known(path)
        return _Trained(_load(path))
    folder = RunFolder(path)
    if not folder.resolved.is_file():
        raise _refused("AG704", f"the folder holds no {folder.resolved.name}", path, "is this a run folder?")
    verify(folder.resolved)
    file = finished(folder)
    if not file.is_file():
        raise _refused("AG704", f"the folder holds no {file.name}", path, "train first, or resume the run")
    verify(folder.preprocessing, file)
    resolved = read_json(folder.resolved)
    data = resolved["data"]
    outputs = tuple(data["targets"])
    return _Trained(
        _load(file),
        preprocessing.from_json(read_json(folder.preprocessing)),
        data["columns"]["inputs"],
        resolved["raw"],
        {name: tuple(classes) for name, classes in data["classes"].items()},
        outputs,
        squashes(resolved["settings"], outputs),
        resolved["about"],
    )


def _load(path: Path) -> Any:
    try:
        return load_model(path, fused=True)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise _refused("AG704", f"Keras cannot load the model: {str(error)[:200]}", path) from error


def _refused(code: str, message: str, path: Path, hint: str = "") -> GraphError:
    return GraphError([Diagnostic(code, "", message, hint, file=str(path))])


def squashes(settings: Mapping[str, Any], outputs: Sequence[str]) -> dict[str, str]:
    """What turns each output's raw scores into probabilities; the loss did so in training."""
    found = {}
    for output in outputs:
        loss = settings["loss"]
        loss = loss.get(output) if is_per_output(loss) else loss
        if isinstance(loss, Mapping) and loss.get("from_logits"):
            found[output] = "sigmoid" if loss["name"].startswith("binary") else "softmax"
    return found


def _squashed(values: Array, function: str) -> Array:
    if function == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))
    if function == "softmax":
        powers = np.exp(values - values.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    return values


# ---- the inputs


def _columns(trained: _Trained, inputs: Inputs) -> tuple[tuple[str, ...], dict[str, Array]]:
    if isinstance(inputs, Mapping):
        return (), {str(name): np.asarray(values) for name, values in inputs.items()}
    paths = [Path(inputs)] if isinstance(inputs, str | Path) else [Path(path) for path in inputs]
    if len(paths) == 1 and paths[0].is_dir():
        paths = sorted(path for path in paths[0].iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    for path in paths:
        if not path.is_file():
            raise Rejected("AG702", f"there is no file {path}")
    suffixes = {path.suffix.lower() for path in paths}
    if suffixes == {".npz"} and len(paths) == 1:
        return (), read_npz(paths[0])
    if suffixes == {".csv"} and len(paths) == 1:
        return (), {_only(trained): _table(trained, paths[0])}
    if suffixes and suffixes <= set(IMAGE_SUFFIXES):
        return tuple(map(str, paths)), {_only(trained): _pictures(trained, paths)}
    got = ", ".join(sorted(suffixes)) or "no files"
    raise Rejected("AG703", f"must be one .npz or .csv file, or pictures, got {got}", hint=" ".join(IMAGE_SUFFIXES))


def _wanted(trained: _Trained) -> tuple[str, ...]:
    """The arrays that are needed, by column where the run names columns, else by input."""
    columns = trained.columns
    return tuple(dict.fromkeys(columns.values())) if columns else tuple(_inputs(trained.model))


def _inputs(model: Any) -> dict[str, Any]:
    """The model's input tensors by name; the only one is called as its layer is."""
    return dict(model.input) if isinstance(model.input, Mapping) else {tensor.name: tensor for tensor in model.inputs}


def _only(trained: _Trained) -> str:
    wanted = _wanted(trained)
    if len(wanted) != 1:
        complaint = f"the model has several inputs ({', '.join(wanted)}); a CSV file or pictures can feed only one"
        raise Rejected("AG703", complaint, hint="put an array for each into an .npz file")
    return wanted[0]


def _table(trained: _Trained, path: Path) -> Array:
    about = trained.about or {}
    header = about.get("header", _has_header(path))
    names, rows = read_table(path, header=header, delimiter=about.get("delimiter", ","))
    kept = about.get("features", names)
    missing = [name for name in kept if name not in names]
    if missing:
        raise Rejected("AG703", f"{path.name} lacks the column {missing[0]!r}", hint="needs: " + ", ".join(kept[:20]))
    return table_features(names, rows, kept, about.get("categories", {}), path.name)


def _has_header(path: Path) -> bool:
    """Whether the first line holds anything that is not a number."""
    first = read_table(path, header=False)[1][0][1]
    return not all(_is_number(cell) for cell in first)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _pictures(trained: _Trained, paths: Sequence[Path]) -> Array:
    name = _only(trained)
    shape = tuple(trained.raw[name]["shape"]) if trained.raw else tuple(trained.model.inputs[0].shape[1:])
    if len(shape) != 3 or shape[-1] not in (1, 3) or None in shape:
        raise Rejected("AG703", f"the model takes {shape}, which is not a picture of (height, width, 1 or 3)")
    pictures = np.stack([read_image(path, mode="grey" if shape[-1] == 1 else "rgb", size=shape[:2]) for path in paths])
    highest = trained.raw[name]["highest"] if trained.raw else 255.0
    if highest >= _BYTE_RANGE_FROM:
        return pictures
    return pictures.astype(np.float32) * np.float32(highest / 255)


def _fed(trained: _Trained, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays by the graph's inputs, preprocessed."""
    wanted = _wanted(trained)
    by_input = {column: name for name, column in (trained.columns or {}).items()}
    columns = {}
    for name in wanted:
        alternatives = [key for key in (name, by_input.get(name, name)) if key in arrays]
        key = alternatives[0] if alternatives else next(iter(arrays)) if len(wanted) == len(arrays) == 1 else None
        if key is None:
            raise Rejected("AG703", f"lacks the array {name!r}", hint="needs: " + ", ".join(wanted))
        columns[name] = Column(_shaped(trained, name, arrays[key]))
    done = preprocessing.repeat(trained.fitted, columns)
    pairs = (trained.columns or {name: name for name in wanted}).items()
    fed, tensors = {}, _inputs(trained.model)
    for name, column in pairs:
        tensor = tensors[name]
        values = done[column].values
        _need_shape(name, values, tuple(tensor.shape[1:]))
        fed[name] = values.astype(tensor.dtype, copy=False)
    if len({len(values) for values in fed.values()}) > 1:
        raise Rejected("AG703", "the arrays differ in their first axis, which counts samples")
    return fed


def _shaped(trained: _Trained, name: str, values: Array) -> Array:
    if values.dtype.kind not in "biuf":
        raise Rejected("AG703", f"the array {name!r} has the dtype {values.dtype}, which is not a number")
    if trained.raw is None or name not in trained.raw:
        return values
    shape = tuple(trained.raw[name]["shape"])
    if values.shape == shape:
        return values[None]  # one sample, given as it is
    if values.shape[1:] != shape:
        raise Rejected(
            "AG703", f"the array {name!r} must have the shape (samples, {str(shape)[1:]}, got {values.shape}"
        )
    return values


def _need_shape(name: str, values: Array, wanted: tuple[Any, ...]) -> None:
    given = values.shape[1:]
    if len(given) != len(wanted) or any(w is not None and w != g for w, g in zip(wanted, given, strict=True)):
        raise Rejected("AG703", f"input {name!r} takes samples of shape {wanted}, got {given}")
