"""The run folder: which files a run leaves, and how they are written so that a reader never sees a part of one."""

import csv
import errno
import io
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import write_atomically
from archgraph.training import manifest

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LEFT_OVER = re.compile(r"\.[0-9a-f]{8}\..*")
"""Names of files that a killed process was writing (see `archgraph.document.files`)."""
RUNS = "runs"
"""Where run folders are made, below the working folder, unless the caller names another place."""


@dataclass(frozen=True)
class RunFolder:
    """One run's files. Nothing else is written."""

    path: Path

    @property
    def experiment(self) -> Path:
        """The experiment as it was run, overrides included."""
        return self.path / "experiment.train.json"

    @property
    def graph(self) -> Path:
        """The graph file, as it was. Of several graphs each has the name of its role."""
        return self.graph_of("model")

    @property
    def expanded(self) -> Path:
        """Every primitive of the expanded graph with parameters and shapes, one a line."""
        return self.path / "expanded.json"

    @property
    def resolved(self) -> Path:
        """All settings with their defaults, the data, versions, platform and seed."""
        return self.path / "resolved.json"

    @property
    def preprocessing(self) -> Path:
        """The preprocessing with what it learned, for prediction."""
        return self.path / "preprocessing.json"

    @property
    def initial_weights(self) -> Path:
        """With ``initial_weights``: what became of every weight, by role: reused, reshaped, reinitialised, unused."""
        return self.path / "initial_weights.json"

    @property
    def pretraining(self) -> Path:
        """With ``pretraining``: the error of each layer's reconstruction, epoch by epoch."""
        return self.path / "pretraining.json"

    @property
    def pretraining_state(self) -> Path:
        """What an interrupted pre-training goes on from."""
        return self.path / "pretraining.state"

    @property
    def metrics_csv(self) -> Path:
        """A line for each epoch."""
        return self.path / "metrics.csv"

    @property
    def metrics_json(self) -> Path:
        """A list with an object for each epoch."""
        return self.path / "metrics.json"

    @property
    def checkpoints(self) -> Path:
        """The last two states, ``00000012.state`` and the like: a resumed run goes on from the newest that is whole."""
        return self.path / "checkpoints"

    @property
    def manifest(self) -> Path:
        """SHA-256 of what must not change: experiment, graphs, preprocessing, models, result."""
        return self.path / manifest.NAME

    @property
    def best(self) -> Path:
        """The model with the best weights so far. Of several, each is ``best-ROLE.keras``."""
        return self.best_of("model")

    @property
    def model(self) -> Path:
        """The finished model. Of several, each has the name of its role."""
        return self.model_of("model")

    @property
    def result(self) -> Path:
        """Scores on the test part, and how training ended."""
        return self.path / "result.json"

    @property
    def diagnosis(self) -> Path:
        """What stands out in the run, in words, with evidence and remedies."""
        return self.path / "diagnosis.json"

    @property
    def held_out(self) -> Path:
        """How sure the answers about classes are, and whether rightly; labels to doubt; what a constant scores."""
        return self.path / "held_out.json"

    @property
    def nodes_json(self) -> Path:
        """With ``nodes`` watched: figures of every node, over the epochs."""
        return self.path / "nodes.json"

    @property
    def nodes_csv(self) -> Path:
        """The same, a line for each node and epoch."""
        return self.path / "nodes.csv"

    @property
    def examples(self) -> Path:
        """A few samples of the test part as the network takes them, for ``archgraph explain``."""
        return self.path / "examples.npz"

    @property
    def events(self) -> Path:
        """With ``tensorboard`` watched: a folder of logs."""
        return self.path / "tensorboard"

    @property
    def log(self) -> Path:
        """What was printed."""
        return self.path / "train.log"

    def sample(self, epoch: int, name: str) -> Path:
        """What the networks made after an epoch."""
        return self.path / "samples" / f"{epoch:04d}-{name}"

    def film(self, name: str) -> Path:
        """What the networks made, epoch after epoch."""
        return self.path / f"{name}.gif"

    def graph_of(self, role: str) -> Path:
        """The graph file of a role."""
        return self.path / f"{role}.graph.json"

    def best_of(self, role: str) -> Path:
        """The best model of a role."""
        return self.path / ("best.keras" if role == "model" else f"best-{role}.keras")

    def model_of(self, role: str) -> Path:
        """The finished model of a role."""
        return self.path / f"{role}.keras"

    def picture(self, name: str) -> Path:
        """A plot: ``curves``, ``learning_rate``, ``confusion_matrix``, ``samples``, …; more in watching.md."""
        return self.path / f"{name}.png"


def create(name: str, run_dir: str | Path | None) -> RunFolder:
    """A new folder: `run_dir`, which must be new or empty, or the next ``runs/NAME-NUMBER``.

    Raises:
        GraphError: AG704 when the folder has files in it or cannot be made.
    """
    try:
        if run_dir is None:
            return RunFolder(_next(Path(RUNS), name))
        path = Path(run_dir)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise _unusable(path, "it is not empty", "resume the run, or name another folder")
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(Path(run_dir or RUNS), error.strerror or str(error), "name another folder") from None
    return RunFolder(path)


def _next(runs: Path, name: str) -> Path:
    runs.mkdir(parents=True, exist_ok=True)
    number = max(numbers(runs, name), default=0) + 1
    while True:
        path = runs / f"{name}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1  # another process took it in this moment
        else:
            return path


def numbers(runs: Path, name: str) -> list[int]:
    """Numbers of the run folders of an experiment."""
    if not runs.is_dir():
        return []
    endings = (path.name[len(name) + 1 :] for path in runs.iterdir() if path.name.startswith(f"{name}-"))
    return [int(ending) for ending in endings if ending.isascii() and ending.isdecimal() and len(ending) < 10]


def find(name: str, run_dir: str | Path | None) -> RunFolder:
    """The folder to resume: `run_dir`, or the newest of the experiment. Raises `GraphError` AG704."""
    if run_dir is None:
        found = numbers(Path(RUNS), name)
        if not found:
            raise _unusable(Path(RUNS), f"it holds no run of {name!r}", "train without resuming first")
        run_dir = Path(RUNS) / f"{name}-{max(found)}"
    folder = RunFolder(Path(run_dir))
    if not folder.path.is_dir():
        raise _unusable(folder.path, "it does not exist", "train without resuming first")
    if not folder.checkpoints.is_dir() and any(path.name not in _beginnings(folder) for path in _visible(folder.path)):
        raise _unusable(folder.path, "it holds no checkpoints, so there is nothing to resume", "start anew")
    return folder


def _beginnings(folder: RunFolder) -> set[str]:
    """Names of files that a run may leave which was killed before its first checkpoint."""
    written = (
        folder.experiment, folder.expanded, folder.resolved, folder.preprocessing, folder.manifest, folder.log,
        folder.initial_weights, folder.pretraining, folder.pretraining_state,
    )  # fmt: skip
    return {path.name for path in (*written, *folder.path.glob("*.graph.json"))}


def _visible(path: Path) -> list[Path]:
    return [entry for entry in path.iterdir() if not _LEFT_OVER.fullmatch(entry.name)]


def sweep(folder: RunFolder) -> None:
    """Take away what killed processes left of files that they were writing."""
    for place in (folder.path, folder.checkpoints):
        for entry in place.iterdir() if place.is_dir() else ():
            if _LEFT_OVER.fullmatch(entry.name) and entry.is_file():
                entry.unlink(missing_ok=True)


@contextmanager
def held(folder: RunFolder) -> Iterator[None]:
    """Keep other processes from training in the folder; and when it cannot be written, say how to go on.

    Raises:
        GraphError: AG704, another process has it; AG109 with its remedy, from the body.
    """
    descriptor = _lock(folder.path)
    try:
        yield
    except GraphError as error:
        raise GraphError([_advised(one, folder) for one in error.diagnostics]) from error.__cause__
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(path: Path) -> int | None:
    """A lock on the folder that goes with the process, however that ends; None where the system has none."""
    if fcntl is None:
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise _unusable(path, "another process is training in it", "wait for it, or name another folder") from None
        return None  # a file system without locks
    return descriptor


def _advised(one: Diagnostic, folder: RunFolder) -> Diagnostic:
    if one.code != "AG109" or not Path(one.file).is_relative_to(folder.path):
        return one
    onwards = f"then go on with --resume {folder.path}: what was saved before is whole"
    return replace(one, hint=f"{one.hint or 'mend that'}, {onwards}")


def _unusable(path: Path, why: str, hint: str) -> GraphError:
    return GraphError([Diagnostic("AG704", "", f"cannot use the folder: {why}", hint, file=str(path))])


# ---- content


def as_json(value: Any) -> str:
    """`value` as a file of the run holds it, readably; numbers that JSON does not know become null."""
    return json.dumps(finite(value), indent=2, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Replace the file by `value`; see `as_json`."""
    write_atomically(path, as_json(value))


def write_json_compactly(path: Path, value: Any) -> None:
    """Replace the file by `value`, for large tables that nobody reads line by line."""
    write_atomically(path, json.dumps(finite(value), ensure_ascii=False, separators=(",", ":")) + "\n")


def read_json(path: Path) -> Any:
    """The value in a file of the run. Raises `GraphError` AG704 when it is missing or damaged."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(path, f"it cannot be read: {error}", "is this a run folder?") from None


def finite(value: Any) -> Any:
    """`value` as it comes back from a JSON file: lists for tuples, null for what JSON has no number for."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_metrics(folder: RunFolder, history: Sequence[Mapping[str, Any]]) -> None:
    """Replace metrics.csv and metrics.json by the history."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text, fieldnames=list(dict.fromkeys(key for row in history for key in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(history)
    write_atomically(folder.metrics_csv, text.getvalue())
    rows = ",\n  ".join(json.dumps(finite(dict(row))) for row in history)
    write_atomically(folder.metrics_json, f"[\n  {rows}\n]\n" if history else "[]\n")
