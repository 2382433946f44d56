"""Everything a run needs to go on, in one file that is replaced whole.

Restored exactly: all weights and moving statistics, the optimiser's variables (so also the learning rate and the number
of steps), the random state of every layer that draws numbers, the metrics of an unfinished epoch, the best weights so
far, what the callbacks remember, the history, and the place in the data: the order of an epoch follows from the seed.
"""

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import replacing
from archgraph.training.data.base import Array

_MANIFEST = "manifest"


@dataclass(frozen=True)
class State:
    """A moment of a run. `arrays` follow `variables(model)`; `best` are the weights of the best epoch, or empty."""

    progress: Mapping[str, Any]
    """Epoch, step, history, callbacks: JSON values."""
    arrays: tuple[Array, ...]
    best: tuple[Array, ...] = ()


def variables(model: Any) -> list[Any]:
    """All Keras variables that change in training, in a fixed order."""
    metrics = [variable for metric in model.metrics for variable in metric.variables]
    return [*model.variables, *model.optimizer.variables, *metrics]


def capture(values: Sequence[Any]) -> tuple[Array, ...]:
    """The present values of Keras variables."""
    return tuple(np.array(value.numpy()) for value in values)


def restore(values: Sequence[Any], arrays: Sequence[Array]) -> None:
    """Give Keras variables the values in `arrays`."""
    for value, array in zip(values, arrays, strict=True):
        value.assign(array)


def write(path: Path, state: State) -> None:
    """Replace the file at `path` by `state`, atomically."""
    groups = {"now": state.arrays, "best": state.best}
    kept = {f"{group}{number}": array for group, arrays in groups.items() for number, array in enumerate(arrays)}
    manifest = {
        "progress": state.progress,
        "counts": {group: len(arrays) for group, arrays in groups.items()},
        "dtypes": {name: str(array.dtype) for name, array in kept.items()},
    }
    text = np.frombuffer(json.dumps(manifest).encode(), np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        arrays: dict[str, Any] = {_MANIFEST: text, **{name: _storable(array) for name, array in kept.items()}}
        np.savez(stream, **arrays)


def read(path: Path) -> State:
    """The state in the file at `path`. Raises `GraphError` AG704 when it is damaged or missing."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as loaded:
            manifest = json.loads(loaded[_MANIFEST].tobytes())
            counts, dtypes = manifest["counts"], manifest["dtypes"]
            groups = [
                tuple(
                    _restored(loaded[f"{group}{number}"], dtypes[f"{group}{number}"]) for number in range(counts[group])
                )
                for group in ("now", "best")
            ]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        message = f"the state of the run cannot be read: {error}"
        hint = "start the run anew"
        raise GraphError([Diagnostic("AG704", "", message, hint, file=str(path))]) from error
    return State(manifest["progress"], groups[0], groups[1])


def _storable(array: Array) -> Array:
    # numpy knows bfloat16 only as raw bytes, which would come back without their type
    return array.view(np.uint16) if str(array.dtype) == "bfloat16" else array


def _restored(array: Array, dtype: str) -> Array:
    if dtype != "bfloat16":
        return array
    import ml_dtypes

    return array.view(ml_dtypes.bfloat16)
