"""Everything a run needs to go on, in one file in which every byte is vouched for.

Restored exactly: all weights and moving statistics, the optimiser's variables (so also the learning rate and the number
of steps), the random state of every layer that draws numbers, the metrics of an unfinished epoch, the best weights so
far, what the callbacks remember, the history, and the place in the data: the order of an epoch follows from the seed.

The file: a header (`_HEADER`: magic, version, length and SHA-256 of the manifest), the manifest (JSON: the progress,
and of each array its group, type, shape and SHA-256), and the arrays' bytes, little-endian, one behind the other.
Nothing may follow. So a reader notices any byte that is missing, added or changed.
"""

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import replacing
from archgraph.training.data.base import Array

_MAGIC, _VERSION = b"archgraph state\n", 2
_HEADER = struct.Struct("<16sIQ32s")
_GROUPS = ("now", "best")


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
    """Replace the file at `path` by `state`, atomically; it is on the disk when this returns."""
    listed, parts = [], []
    for group, arrays in zip(_GROUPS, (state.arrays, state.best), strict=True):
        for array in arrays:
            part = _bytes(array)
            told = {"group": group, "dtype": str(array.dtype), "shape": list(array.shape), "sha256": _sum(part).hex()}
            listed.append(told)
            parts.append(part)
    manifest = json.dumps({"progress": state.progress, "arrays": listed}).encode()
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.write(_HEADER.pack(_MAGIC, _VERSION, len(manifest), _sum(manifest)))
        stream.write(manifest)
        for part in parts:
            stream.write(part.data)


def read(path: Path) -> State:
    """The state in the file at `path`. Raises `GraphError` AG704 when it is damaged or missing."""
    try:
        return _parsed(path.read_bytes())
    except (OSError, _Damaged) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        message = f"the checkpoint cannot be read: {reason}"
        raise GraphError([Diagnostic("AG704", "", message, "start the run anew", file=str(path))]) from error


class _Damaged(Exception):  # noqa: N818 - a finding, not a mistake of the program
    """The bytes are not those that were written."""


def _parsed(content: bytes) -> State:
    if len(content) < _HEADER.size:
        raise _Damaged(f"it has {len(content)} bytes, fewer than its header")
    magic, version, length, expected = _HEADER.unpack_from(content)
    if magic != _MAGIC or version != _VERSION:
        raise _Damaged("it does not begin as a checkpoint of this version does")
    start = _HEADER.size + length
    if start > len(content):
        raise _Damaged("it is cut off")
    text = content[_HEADER.size : start]
    if _sum(text) != expected:
        raise _Damaged("its manifest is damaged")
    manifest = json.loads(text)
    groups: dict[str, list[Array]] = {group: [] for group in _GROUPS}
    for number, told in enumerate(manifest["arrays"]):
        array, start = _array(content, start, told, number)
        groups[told["group"]].append(array)
    if start != len(content):
        raise _Damaged(f"{len(content) - start} bytes follow its last array")
    return State(manifest["progress"], tuple(groups["now"]), tuple(groups["best"]))


def _array(content: bytes, start: int, told: Mapping[str, Any], number: int) -> tuple[Array, int]:
    dtype = _dtype(told["dtype"])
    count = int(np.prod(told["shape"], dtype=np.int64))
    end = start + count * dtype.itemsize
    part = memoryview(content)[start:end]
    if _sum(part).hex() != told["sha256"]:
        raise _Damaged(f"it is cut off in array {number}" if end > len(content) else f"array {number} is damaged")
    return np.frombuffer(part, dtype, count).reshape(told["shape"]), end


def _sum(content: Any) -> bytes:
    return hashlib.sha256(content).digest()


def _bytes(array: Array) -> Array:
    array = np.ascontiguousarray(array)
    ordered = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return ordered.reshape(-1).view(np.uint8)


def _dtype(name: Any) -> "np.dtype[Any]":
    if name == "bfloat16":
        import ml_dtypes

        name = ml_dtypes.bfloat16
    found: np.dtype[Any] = np.dtype(name)
    return found.newbyteorder("<")
