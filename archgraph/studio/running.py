"""Training in a process that outlives the page: started, watched, stopped and resumed by its run folder."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from archgraph.diagnostics import GraphError
from archgraph.document.files import write_atomically
from archgraph.editing.templates import EXPERIMENT
from archgraph.studio.workspace import Workspace
from archgraph.training.folder import RunFolder, numbers, read_json

State = Literal["starting", "running", "finished", "stopped", "failed"]
LAST_LINES: Final = 40


@dataclass(frozen=True)
class Job:
    """A run that the studio has started, or has found."""

    workspace: Workspace
    name: str
    """Of the folder, below ``runs``."""

    @property
    def folder(self) -> RunFolder:
        """Its files."""
        return RunFolder(self.workspace.root / "runs" / self.name)

    @property
    def state(self) -> State:
        """What has become of it."""
        if self.alive:
            return "running" if self.history else "starting"
        if self.folder.result.is_file():
            try:
                return "stopped" if read_json(self.folder.result).get("interrupted") else "finished"
            except GraphError:
                return "failed"
        return "stopped" if self.folder.checkpoints.is_dir() else "failed"

    @property
    def source(self) -> str:
        """The experiment file that it was begun with; of a run begun elsewhere, the one of its name."""
        begun = str(self._note.get("experiment", ""))
        return begun or self.name.rpartition("-")[0] + EXPERIMENT

    @property
    def history(self) -> list[Mapping[str, Any]]:
        """A row for each epoch so far."""
        try:
            rows = read_json(self.folder.metrics_json)
        except GraphError:
            return []
        return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []

    @property
    def epochs(self) -> int:
        """How many epochs there are to be; 0 while that is not known."""
        for path in (self.folder.experiment, self.workspace.root / self.source):
            try:
                value = read_json(path).get("epochs") if path.is_file() else None
            except GraphError:
                continue
            if isinstance(value, int):
                return value
        return 0

    @property
    def alive(self) -> bool:
        """Whether its process is still at work."""
        pid = self._note.get("pid")
        if pid in _STARTED:
            _STARTED[pid].poll()  # one that has ended would stay in the system's list until it is asked for
        return isinstance(pid, int) and process_began(pid) == self._note.get("began") != ""

    def seconds_left(self) -> float | None:
        """About how long it will take; None before the first epoch."""
        rows, wanted = self.history, self.epochs
        began = self._note.get("time")
        if not rows or not wanted or not isinstance(began, int | float):
            return None
        seconds = [row["seconds"] for row in rows if isinstance(row.get("seconds"), int | float)]
        each = sum(seconds) / len(seconds) if seconds else (time.time() - began) / len(rows)
        return max(0.0, each * (wanted - len(rows)))

    def log(self) -> str:
        """The last lines that it has printed."""
        path = self._private("log")
        if not path.is_file():
            return ""
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 16_000))
            lines = stream.read().decode("utf-8", "replace").replace("\r", "\n").splitlines()
        return "\n".join(lines[-LAST_LINES:])

    def stop(self) -> None:
        """Ask it to stop behind the present step; everything is kept, so that it can be resumed."""
        if self.alive:
            os.kill(self._note["pid"], signal.SIGINT)

    def start(self, arguments: Sequence[str], experiment: str) -> None:
        """Begin, in a session of its own, so that it goes on when the page is closed or the studio ends."""
        command = [sys.executable, "-m", "archgraph", "train", *arguments]
        with self._private("log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.workspace.root, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
            )  # fmt: skip
        _STARTED[process.pid] = process
        note = {"pid": process.pid, "began": process_began(process.pid), "time": time.time(), "experiment": experiment}
        write_atomically(self._private("json"), json.dumps(note))

    @property
    def _note(self) -> Mapping[str, Any]:
        path = self._private("json")
        try:
            found = read_json(path) if path.is_file() else {}
        except GraphError:
            return {}
        return found if isinstance(found, Mapping) else {}

    def _private(self, ending: str) -> Path:
        return self.workspace.private("jobs") / f"{self.name}.{ending}"


_STARTED: Final[dict[int, "subprocess.Popen[bytes]"]] = {}
"""The processes that this studio has started."""


def begin(workspace: Workspace, experiment: str, name: str) -> Job:
    """Train the experiment file called `experiment` into the next free folder of that name."""
    runs = workspace.root / "runs"
    number = max(numbers(runs, name), default=0) + 1
    while (runs / f"{name}-{number}").exists() or Job(workspace, f"{name}-{number}").alive:
        number += 1
    job = Job(workspace, f"{name}-{number}")
    job.start([experiment, "--run-dir", f"runs/{job.name}"], experiment)
    return job


def resume(job: Job) -> None:
    """Go on with a run that was stopped, by the experiment file that it was begun with."""
    job.start([job.source, "--resume", f"runs/{job.name}"], job.source)


def jobs(workspace: Workspace) -> list[Job]:
    """Every run of the workspace, the newest first; those that have only just begun too."""
    begun = {path.stem: path.stat().st_mtime for path in workspace.private("jobs").glob("*.json")}
    found = {path.name: path.stat().st_mtime for path in workspace.runs()}
    every = {**begun, **found}
    return [Job(workspace, name) for name in sorted(every, key=lambda one: -every[one])]


def process_began(pid: int) -> str:
    """When a process began, as the system counts: another of the same number is not taken for it. Empty: it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return _began_elsewhere(pid)
    return "" if fields[0] == "Z" else fields[19]


def _began_elsewhere(pid: int) -> str:
    """The same where there is no ``/proc``."""
    if Path("/proc/self").exists():
        return ""
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()
