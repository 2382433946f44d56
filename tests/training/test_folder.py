"""What a run folder lets happen: one process at a time, no left-overs, and one line where it cannot be written."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.diagnostics import GraphError
from archgraph.training import folder as folders
from archgraph.training import manifest, open_run, predict, train
from archgraph.training.checkpoints import Checkpoints
from archgraph.training.folder import RunFolder
from tests.training.conftest import Write
from tests.training.test_loop import PressesCtrlC, same

ROOT = Path(__file__).parents[2]
OFTEN = [{"name": "checkpoint", "seconds": 0}]


def run_of(path: Path, **options: Any) -> Path:
    return train(path, progress=False, **options).path


# ---- one process at a time


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    refused = pytest.raises(GraphError, match="another process is training in it")
    with folders.held(folder), refused, folders.held(folder):
        raise AssertionError
    with folders.held(folder):
        pass


def test_what_killed_processes_were_writing_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    left = [tmp_path / ".0123abcd.model.keras", tmp_path / "checkpoints/.deadbeef.00000003.state"]
    kept = [tmp_path / "model.keras", tmp_path / "checkpoints/00000002.state", tmp_path / ".hidden"]
    for path in (*left, *kept):
        path.write_bytes(b"")
    folders.sweep(RunFolder(tmp_path))
    assert [path.exists() for path in (*left, *kept)] == [False, False, True, True, True]


# ---- stopped at odd moments


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(write: Write) -> None:
    path = write(epochs=2)
    whole = train(path, progress=False)
    begun = Path("begun")
    begun.mkdir()
    (begun / "train.log").write_text("")
    manifest.seal(begun, {"experiment.train.json": b"{}", ".0123abcd.resolved.json": b""})
    same(whole, train(path, run_dir=begun, resume=True, progress=False))


def test_a_folder_of_something_else_is_not_begun_in(write: Write, tmp_path: Path) -> None:
    path = write(epochs=1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("")
    with pytest.raises(GraphError, match="it holds no checkpoints"):
        train(path, run_dir=other, resume=True, progress=False)
    assert [entry.name for entry in other.iterdir()] == ["thesis.tex"]


def test_a_run_that_was_killed_while_it_finished_is_finished(write: Write) -> None:
    path = write(epochs=2)
    whole = train(path, progress=False)
    before = (whole.path / "result.json").read_text()
    for name in ("result.json", "model.keras", "curves.png"):
        (whole.path / name).unlink()
    again = train(path, resume=True, progress=False)
    assert {**json.loads(before), "seconds": 0} == {
        **json.loads((whole.path / "result.json").read_text()), "seconds": 0,
    }  # fmt: skip
    same(whole, again)
    with pytest.raises(GraphError, match="it has finished its 2 epochs"):
        train(path, resume=True, progress=False)


def test_what_a_run_begins_with_is_written_anew_where_it_was_damaged(write: Write) -> None:
    path = write(epochs=3)
    folder = train(path, progress=PressesCtrlC(1, 4)).path
    before = {name: (folder / name).read_bytes() for name in ("resolved.json", "model.graph.json")}
    for name in before:
        (folder / name).write_bytes(before[name][:-5])
    train(path, resume=True, progress=False)
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert "written anew: model.graph.json, resolved.json" in (folder / "train.log").read_text()


def test_sigterm_stops_like_ctrl_c(write: Write) -> None:
    class IsTerminated(PressesCtrlC):
        def advance(self, step: int, measure: Any) -> None:
            if (self.epoch, step) == self.when:
                os.kill(os.getpid(), signal.SIGTERM)

    path = write(epochs=2)
    whole = train(path, progress=False)
    assert train(path, progress=IsTerminated(0, 3)).interrupted
    same(whole, train(path, resume=True, progress=False))
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


# ---- where nothing can be written


def failing(number: int) -> Callable[[int], None]:
    def fsync(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    return fsync


CAUSES = [
    (errno.ENOSPC, "No space left on device", "free some space on the disk"),
    (errno.EROFS, "Read-only file system", "the disk is read-only"),
    (errno.EACCES, "Permission denied", "allow writing there"),
]


@pytest.mark.parametrize(("number", "message", "remedy"), CAUSES)
def test_a_disk_that_takes_nothing_ends_a_run_in_one_line_and_nothing_is_lost(
    number: int, message: str, remedy: str, write: Write
) -> None:
    disk = pytest.MonkeyPatch()

    class Fills(PressesCtrlC):
        def advance(self, step: int, measure: Any) -> None:
            if (self.epoch, step) == self.when:
                disk.setattr(os, "fsync", failing(number))

    path = write(epochs=2, callbacks=OFTEN)
    whole = train(path, progress=False)
    with pytest.raises(GraphError) as error:
        train(path, run_dir="full", progress=Fills(1, 3))
    disk.undo()
    (one,) = error.value.diagnostics
    assert (one.code, one.message) == ("AG109", f"cannot write the file: {message}")
    assert one.hint == f"{remedy}{one.hint[len(remedy) :]}" and "go on with --resume full" in one.hint
    assert Path(one.file).is_relative_to("full/checkpoints")
    assert Checkpoints(Path("full/checkpoints")).newest(print) is not None
    assert not list(Path("full").rglob(".*"))
    same(whole, train(path, run_dir="full", resume=True, progress=False))


def test_a_limit_on_files_ends_the_command_in_one_line(write: Write) -> None:
    path = write(epochs=2, callbacks=OFTEN)

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "archgraph", "train", str(path), "--run-dir", "run", "-q"],
        env=environment, capture_output=True, text=True, preexec_fn=small, check=False,
    )  # fmt: skip
    told = [line for line in done.stderr.splitlines() if "AG109" in line]
    assert done.returncode == 1 and len(told) == 1 and "File too large" in told[0], done.stderr[-2000:]
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_one_line(write: Write) -> None:
    with pytest.raises(GraphError, match="AG704 cannot use the folder"):
        train(write(epochs=1), run_dir="/proc/run", progress=False)


def test_a_log_that_cannot_be_written_is_one_line(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(epochs=1)
    monkeypatch.setattr(RunFolder, "log", property(lambda self: Path("/dev/full")))
    with pytest.raises(GraphError, match="AG109 cannot write the file: No space left on device"):
        train(path, progress=False)


# ---- damaged files of a run are not used


@pytest.mark.parametrize("victim", ["model.keras", "resolved.json", "preprocessing.json", "manifest.json"])
def test_predict_refuses_a_run_of_which_a_file_is_damaged(victim: str, write: Write) -> None:
    folder = run_of(write(epochs=1))
    pictures = {"image": np.zeros((1, 8, 8, 1), "float32")}
    assert len(predict(folder, pictures)) == 1
    content = bytearray((folder / victim).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / victim).write_bytes(content)
    with pytest.raises(GraphError, match=r"AG704 .*damaged"):
        predict(folder, pictures)


def test_a_damaged_model_is_refused_by_whoever_loads_it(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    from archgraph.cli import main

    folder = run_of(write(epochs=1))
    model = folder / "model.keras"
    model.write_bytes(model.read_bytes()[:-1] + b"\1")
    with pytest.raises(GraphError, match=r"AG704 it is damaged: its SHA-256 is not the one in manifest\.json"):
        open_run(folder).load_model()
    with pytest.raises(GraphError, match="AG704 it is damaged"):
        predict(model, {"image": [[0.0]]})
    assert main(["export", str(folder), "--format", "onnx", "-o", "x.onnx"]) == 1
    assert "AG704 it is damaged" in capsys.readouterr().err


def test_a_damaged_result_is_not_read(write: Write) -> None:
    folder = run_of(write(epochs=1))
    (folder / "result.json").write_text((folder / "result.json").read_text().replace('"accuracy": 0', '"accuracy": 1'))
    with pytest.raises(GraphError, match="AG704 it is damaged"):
        open_run(folder)
