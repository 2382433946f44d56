"""A command that is killed at any moment leaves the old file or the new one, never a part.

A server imports everything once, then forks a child for each kill: the child runs the command, the parent kills it
(SIGKILL) after a random part of the time that the command takes, and looks at the file. So two hundred kills take
seconds instead of minutes.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = 200

SERVER = """
import json, os, random, signal, sys, time
from pathlib import Path

def kills(count, prepare, command, complete):
    # Tells how often the file was found old and new, and how often a kill struck in the middle of writing.
    def started(last):
        number = os.fork()
        if not number:
            try:
                command()
                last()
            finally:
                os._exit(1)
        return number

    def duration():
        began = time.monotonic()
        assert os.waitpid(started(lambda: os._exit(0)), 0)[1] == 0, "the command failed"
        return time.monotonic() - began

    longest = 1.3 * min(duration() for _ in range(3))
    found, struck, random_ = {}, 0, random.Random(1)
    folder = Path.cwd()
    for _ in range(count):
        prepare()
        number = started(signal.pause)
        time.sleep(random_.uniform(0, longest))
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
        what = complete()
        found[what] = found.get(what, 0) + 1
        left = [path for path in folder.iterdir() if path.name.startswith(".")]
        struck += bool(left)
        for path in left:
            path.unlink()
    print(json.dumps({"found": found, "struck": struck, "files": sorted(path.name for path in folder.iterdir())}))
"""

FMT = """
from archgraph.cli import main
from archgraph.document.files import write_atomically

nodes = {f"n{i}": {"op": "dense", "in": f"n{i - 1}" if i else "x", "units": 8} for i in range(300)}
value = {"archgraph": 1, "name": "long", "inputs": {"x": {"shape": [8]}}, "nodes": nodes, "outputs": {"y": "n299"}}
file = Path("long.graph.json")
old = json.dumps(value)
file.write_text(old)
assert main(["fmt", "-q", "long.graph.json"]) == 0
new = file.read_text()
assert new != old

def complete():
    text = file.read_text()
    return "old" if text == old else "new" if text == new else "broken"

def prepare():
    write_atomically(file, old)

kills(%d, prepare, lambda: main(["fmt", "-q", "long.graph.json"]), complete)
"""

COMPILE_STEP = """
import archgraph.cli.compile as command
from archgraph.cli import main
from archgraph.document.files import write_atomically

class Model:
    # Stands in for Keras, which would take a second to build: it writes as slowly and piecemeal as a model does.
    def save(self, path):
        with open(path, "wb") as stream:
            for part in range(64):
                stream.write(bytes([part]) * 4096)
                stream.flush()
                time.sleep(0.0001)

    def count_params(self):
        return 0

command.compile_model = lambda *args, **options: Model()
file = Path("net.keras")
new = b"".join(bytes([part]) * 4096 for part in range(64))

def complete():
    content = file.read_bytes()
    return "old" if content == b"old" else "new" if content == new else "broken"

def prepare():
    write_atomically(file, b"old")

graph = sys.argv[1]
out = open(os.devnull, "w")
def run():
    sys.stdout = out
    assert main(["compile", graph, "-o", "net.keras"]) == 0
kills(%d, prepare, run, complete)
"""

COMPILE_WHOLE = """
import zipfile
from archgraph.cli import main
from archgraph.compiler.backend import load_keras
from archgraph.document.files import write_atomically

load_keras()  # imported once; no operation runs before the fork
file = Path("net.keras")

def complete():
    content = file.read_bytes()
    if content == b"old":
        return "old"
    with zipfile.ZipFile(file) as archive:
        return "new" if archive.testzip() is None and "model.weights.h5" in archive.namelist() else "broken"

def prepare():
    write_atomically(file, b"old")

graph = sys.argv[1]
out = open(os.devnull, "w")
def run():
    sys.stdout = out
    assert main(["compile", graph, "-o", "net.keras", "--seed", "1"]) == 0
kills(%d, prepare, run, complete)
"""


CHECKPOINT = """
import numpy as np
from archgraph.training import state as states
from archgraph.training.state import State

file = Path("00000001.state")
def full(number):
    arrays = tuple(np.full((64, 256), number + at, np.float32) for at in range(24))
    return State({"epoch": number}, arrays)

def complete():
    kept = states.read(file)
    epoch = kept.progress["epoch"]
    whole = all((array == epoch + at).all() for at, array in enumerate(kept.arrays))
    return {1: "old", 2: "new"}[epoch] if whole else "broken"

def prepare():
    states.write(file, full(1))

kills(%d, prepare, lambda: states.write(file, full(2)), complete)
"""


def killed(program: str, kills: int, folder: Path, *arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", SERVER + program % kills, *arguments], capture_output=True, text=True, cwd=folder,
        env={"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert sum(told["found"].values()) == kills
    return told


def test_fmt_killed_at_random_moments_leaves_the_old_file_or_the_new(tmp_path):
    told = killed(FMT, KILLS, tmp_path)
    assert set(told["found"]) == {"old", "new"} and told["files"] == ["long.graph.json"]
    assert told["struck"] > 0, "no kill fell into the writing"


def test_the_writing_of_compile_killed_at_random_moments_leaves_the_old_file_or_the_new(tmp_path):
    told = killed(COMPILE_STEP, KILLS, tmp_path, str(ROOT / "examples/lenet5.graph.json"))
    assert set(told["found"]) == {"old", "new"} and told["files"] == ["net.keras"]
    assert told["struck"] > KILLS // 10, "too few kills fell into the writing for the test to mean anything"


@pytest.mark.slow
def test_compile_killed_at_random_moments_leaves_the_old_file_or_the_new(tmp_path):
    told = killed(COMPILE_WHOLE, KILLS, tmp_path, str(ROOT / "examples/perceptron.graph.json"))
    assert set(told["found"]) == {"old", "new"} and told["files"] == ["net.keras"]


def test_a_checkpoint_killed_at_random_moments_is_the_old_one_or_the_new(tmp_path):
    told = killed(CHECKPOINT, KILLS, tmp_path)
    assert set(told["found"]) == {"old", "new"} and told["files"] == ["00000001.state"]
    assert told["struck"] > 0, "no kill fell into the writing"
