"""A finished or interrupted run, and what is known of it afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archgraph.compiler import load_model
from archgraph.training.finished import finished
from archgraph.training.folder import RunFolder, read_json
from archgraph.training.manifest import verify


@dataclass(frozen=True)
class Run:
    """What training gave. `interrupted` tells that it was stopped by the user and can be resumed."""

    folder: RunFolder
    history: tuple[Mapping[str, Any], ...]
    """A row for each epoch, as in metrics.csv."""
    test: Mapping[str, float]
    """Scores on the test part; empty when interrupted."""
    best_epoch: int | None
    """The best epoch, counted from 1; None before the first epoch has ended."""
    interrupted: bool
    stopped: str
    """Why training ended before its last epoch; empty when it did not."""

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    def load_model(self) -> Any:
        """The finished Keras model.

        Raises:
            GraphError: AG704, the file is not as the run wrote it.
        """
        file = finished(self.folder)
        verify(file)
        return load_model(file, fused=True)


def open_run(path: str | Path) -> Run:
    """The run that a folder holds. Raises `GraphError` AG704 when it holds none."""
    folder = RunFolder(Path(path))
    if folder.result.is_file():
        verify(folder.result)
    result = read_json(folder.result)
    return Run(
        folder,
        tuple(read_json(folder.metrics_json)),
        result["test"],
        result["best_epoch"],
        result["interrupted"],
        result["stopped"],
    )
