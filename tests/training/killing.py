"""Trains, kills the training at chosen moments, resumes it, and tells whether the end is the same, bit for bit.

A server imports everything once, then forks a child for each attempt: each attempt is a process of its own, as if it
had been started anew, but for the seconds of importing. A child kills itself (SIGKILL, so that nothing can be tidied
up) right before a chosen one of its *moments*: a batch, or an operation on a file of the run folder (open, rename,
remove, make a folder). Every third is killed by the server, after a time.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archgraph.training.checkpoints import Checkpoints
from archgraph.training.loop import train
from archgraph.training.report import Silent

FILE_OPERATIONS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.chmod"})
RUN = Path("run")


class Moments:
    """Counts moments, and ends the process right before a given one."""

    def __init__(self, last: int | None) -> None:
        self.count, self.last = 0, last
        self.folder = str(RUN.resolve())
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in FILE_OPERATIONS or not arguments or not isinstance(arguments[0], str | os.PathLike):
            return
        if os.path.abspath(arguments[0]).startswith(self.folder):  # noqa: PTH100 - it must not touch the disk
            self.pass_by()

    def pass_by(self) -> None:
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1


class Counting(Silent):
    """Lets every batch be a moment."""

    def __init__(self, moments: Moments) -> None:
        self.moments = moments

    def advance(self, step: int, measure: Any) -> None:
        self.moments.pass_by()


def attempt(experiment: str, overrides: Mapping[str, Any], resume: bool, last: int | None, told: Path) -> None:
    moments = Moments(last)
    train(experiment, run_dir=RUN, resume=resume, overrides=overrides, progress=Counting(moments))
    told.write_text(str(moments.count))


def forked(*arguments: Any, after: float | None = None) -> bool:
    """Whether an attempt came to its end; it was killed otherwise. Anything else is a failure of the test."""
    child = os.fork()
    if not child:
        try:
            attempt(*arguments)
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(1)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), f"the training failed with status {status}"
    return status == 0


def end() -> dict[str, Any]:
    """Everything that must be the same: sums of all variables and of the models' weights, figures, scores."""
    kept = Checkpoints(RUN / "checkpoints").newest(print)
    assert kept is not None
    progress = {key: value for key, value in kept.progress.items() if key not in ("seconds", "history")}
    history = [{key: value for key, value in row.items() if key != "seconds"} for row in kept.progress["history"]]
    result = json.loads((RUN / "result.json").read_text())
    return {
        "arrays": [hashlib.sha256(array.tobytes()).hexdigest() for array in (*kept.arrays, *kept.best)],
        "progress": repr(progress),
        "history": repr(history),
        "result": {key: value for key, value in result.items() if key != "seconds"},
        "models": {path.name: weights(path) for path in sorted(RUN.glob("*.keras"))},
        "left over": sorted(path.name for path in RUN.rglob(".*")),
    }


def weights(path: Path) -> str:
    """SHA-256 of all arrays in a ``.keras`` file."""
    import h5py  # type: ignore[import-untyped]

    found = hashlib.sha256()
    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as stream, h5py.File(stream) as file:

        def take(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                found.update(name.encode() + item[()].tobytes())

        file.visititems(take)
    return found.hexdigest()


def main() -> None:
    experiment, overrides, kills = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    from archgraph.compiler.backend import load_keras

    load_keras()  # imported once; no operation runs before the fork
    told, drawn = Path("told"), random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 5)
    began = time.monotonic()
    assert forked(experiment, overrides, False, None, told)
    seconds, moments, whole = time.monotonic() - began, int(told.read_text()), end()
    struck = runs = 0
    while struck < kills:
        shutil.rmtree(RUN)
        ended = resume = False
        while not ended:
            last, after = None, None
            if struck < kills:
                # An attempt gets through a part of the run, so that several kills strike it; every third by the clock.
                last, after = drawn.randrange(max(1, moments // 3)), None
                if struck % 3 == 2:
                    last, after = None, drawn.uniform(0, seconds)
            ended = forked(experiment, overrides, resume, last, told, after=after)
            struck += not ended
            resume = RUN.is_dir()
        found = end()
        for key, value in whole.items():
            assert found[key] == value, (runs, key, found[key], value)
        runs += 1
        print(f"{struck} kills, {runs} runs: all the same", file=sys.stderr, flush=True)
    print(json.dumps({"struck": struck, "same": runs, "moments": moments, "seconds": round(seconds, 2)}))


if __name__ == "__main__":
    main()
