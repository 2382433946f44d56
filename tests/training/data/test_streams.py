"""Data that stays on disk: the same samples as in memory, in the same order, with bounded memory."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from archgraph.diagnostics import GraphError, Rejected
from archgraph.training import check_experiment, predict, train
from archgraph.training.data import SOURCES, Surroundings
from archgraph.training.data.stored import CHUNK, Stored, chunks
from archgraph.training.data.streams import Joined, Rows, open_npy, open_npz
from tests.training.conftest import Write, vector_graph
from tests.training.test_loop import same

ROOT = Path(__file__).parents[3]
DIGITS = load_digits()
DRAWN = np.random.default_rng(0)


def samples(name: str, folder: Path, **options: Any) -> Any:
    return SOURCES[name].make(options).read(Surroundings(folder, None))


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_rows_are_those_of_numpy_in_any_order(kind: str, tmp_path: Path) -> None:
    values = DRAWN.normal(0, 1, (50, 3, 4)).astype(np.float32)
    if kind == "npy":
        np.save(tmp_path / "a.npy", values)
        rows: Any = open_npy(tmp_path / "a.npy")
    else:
        np.savez(tmp_path / "a.npz", first=np.zeros((7, 2)), a=values)
        rows = open_npz(tmp_path / "a.npz")["a"]
    assert isinstance(rows, Rows) and rows.shape == (50, 3, 4) and rows.dtype == np.float32
    for key in (np.array([3, 1, 4, 1, 49, 0]), slice(10, 20), slice(None), values[:, 0, 0] > 0, np.array([], int)):
        np.testing.assert_array_equal(rows[key], values[key])
    np.testing.assert_array_equal(rows[-1], values[-1])
    np.testing.assert_array_equal(np.asarray(rows), values)


def test_joined_arrays_are_one() -> None:
    parts = [np.arange(6).reshape(3, 2), np.arange(100, 108).reshape(4, 2)]
    whole = np.concatenate(parts)
    keys = np.array([6, 0, 3, 3, 2])
    np.testing.assert_array_equal(Joined(parts)[keys], whole[keys])


def test_chunks_go_through_all_and_are_small() -> None:
    values = np.arange(3 * CHUNK + 5)
    parts = list(chunks(values))
    np.testing.assert_array_equal(np.concatenate(parts), values)
    assert max(map(len, parts)) == CHUNK
    assert max(len(part) for part in chunks(np.zeros((40, 1000, 1000), np.int8))) == 2


REFUSED: list[tuple[str, Any, str]] = [
    ("compressed", lambda path: np.savez_compressed(path / "a.npz", a=np.zeros((5, 5))), "is compressed"),
    ("by columns", lambda path: np.savez(path / "a.npz", a=np.asfortranarray(np.ones((5, 4)))), "kept by columns"),
    ("objects", lambda path: np.savez(path / "a.npz", a=np.array([{}, []], object)), "holds Python objects"),
    ("no archive", lambda path: (path / "a.npz").write_bytes(b"PK no"), "is not an .npz archive"),
]


@pytest.mark.parametrize(("make", "message"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
def test_files_that_cannot_be_read_piece_by_piece_are_refused(make: Any, message: str, tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(Rejected, match=message):
        samples("npz", tmp_path, file="a.npz", stream=True)


def pictures(folder: Path, count: int = 120) -> None:
    for number in range(count):
        place = folder / f"class {DIGITS.target[number] % 3}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((DIGITS.images[number] * 15).astype(np.uint8)).save(place / f"{number:03d}.png")


def table(path: Path) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["kind", "colour", *(f"x{number}" for number in range(4))])
        for number in range(90):
            writer.writerow([f"k{number % 3}", ("red", "blue")[number % 2], *DRAWN.normal(number % 3, 1, 4).round(3)])


@pytest.mark.parametrize("name", ["npz", "npy_folder", "csv", "image_folder"])
def test_training_from_disk_is_that_from_memory_to_the_last_bit(name: str, write: Write, project: Path) -> None:
    x, y = DIGITS.images[:300, ..., None].astype(np.float32), DIGITS.target[:300]
    graph: dict[str, Any] | None = None
    changes: dict[str, Any] = {"epochs": 2, "preprocessing": ["standardize"]}
    options: dict[str, Any] = {"name": name, "file": "data"}
    if name == "npz":
        np.savez(project / "data", image_train=x[:250], label_train=y[:250], image_test=x[250:], label_test=y[250:])
        options |= {"file": "data.npz"}
    elif name == "npy_folder":
        (project / "data").mkdir()
        np.save(project / "data" / "image.npy", x)
        np.save(project / "data" / "label.npy", y)
    elif name == "csv":
        table(project / "data")
        options |= {"target": "kind", "categorical": ["colour"]}
        graph = vector_graph(6, 3, "softmax")
    else:
        pictures(project / "data")
        options |= {"size": [8, 8], "mode": "grey"}
        changes |= {"augmentation": [{"name": "rotate", "degrees": 10}]}
    path = write(graph, data={**options, "stream": False}, **changes)
    whole = train(path, progress=False)
    streamed = train(path, progress=False, overrides={"data.stream": True})
    same(whole, streamed)
    kept = [json.loads((run.path / "preprocessing.json").read_text()) for run in (whole, streamed)]
    assert kept[0] == kept[1]
    if name == "npz":
        shown = [(run.path / "confusion_matrix.png").read_bytes() for run in (whole, streamed)]
        assert shown[0] == shown[1]
        ours, theirs = (predict(run.path, {"image": x[:5]}).outputs["label"] for run in (whole, streamed))
        np.testing.assert_array_equal(ours, theirs)


def test_checking_reads_only_a_few_samples(write: Write, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(project / "data")
    read: list[int] = []
    original = Stored.__getitem__

    def counted(self: Stored, key: Any) -> Any:
        values = original(self, key)
        read.append(len(values))
        return values

    monkeypatch.setattr(Stored, "__getitem__", counted)
    data = {"name": "image_folder", "file": "data", "size": [8, 8], "mode": "grey", "stream": True}
    assert check_experiment(write(data=data, preprocessing=["standardize"])) == ()
    assert 0 < sum(read) <= 20
    (found,) = check_experiment(write(data={**data, "size": [9, 9]}, preprocessing=[]))
    assert "has the shape (9, 9, 1), but input 'image' takes (8, 8, 1)" in found.message


def test_stream_needs_a_size(write: Write, project: Path) -> None:
    pictures(project / "data", 20)
    (found,) = check_experiment(write(data={"name": "image_folder", "file": "data", "stream": True}))
    assert (found.code, found.pointer) == ("AG210", "/data/stream")


def test_a_picture_that_breaks_while_training_is_named(write: Write, project: Path) -> None:
    pictures(project / "data")
    for path in sorted((project / "data").rglob("*.png"))[5:]:
        path.write_bytes(b"broken")
    data = {"name": "image_folder", "file": "data", "size": [8, 8], "mode": "grey", "stream": True}
    with pytest.raises(GraphError, match=r"AG703 the picture \d+\.png cannot be read"):
        train(write(data=data, preprocessing=[], epochs=1), progress=False)


UNEVEN = "a,b\n1,2\n3\n"
OPEN = 'a,b\n1,"2\n3",4\n'


@pytest.mark.parametrize(("text", "message"), [(UNEVEN, "has 1 cells, the first 2"), (OPEN, "is no row of CSV")])
def test_tables_that_cannot_be_read_line_by_line_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(Rejected, match=message):
        samples("csv", tmp_path, file="a.csv", target="b", task="regression", stream=True)


def test_a_streamed_table_has_the_samples_of_the_table(tmp_path: Path) -> None:
    table(tmp_path / "a.csv")
    for options in ({"target": "kind", "categorical": ["colour"]},
                    {"target": ["x0", "x1"], "task": "regression", "ignore": ["kind", "colour"]}):  # fmt: skip
        whole, streamed = (samples("csv", tmp_path, file="a.csv", stream=stream, **options) for stream in (False, True))
        assert isinstance(streamed.columns["features"].values, Stored) and streamed.about == whole.about
        for name, column in whole.columns.items():
            np.testing.assert_array_equal(np.asarray(streamed.columns[name].values), column.values)
            assert streamed.columns[name].classes == column.classes


MEASURE = """
import resource, sys, json
import numpy as np
from archgraph.training import train
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
train("warm.train.json", progress=False)
before = peak()
train("digits.train.json", progress=False)
print(json.dumps(peak() - before))
"""


@pytest.mark.slow
def test_memory_stays_bounded_on_a_set_that_is_larger(write: Write, project: Path) -> None:
    """512 MiB of pictures on disk, 64 KiB each; the peak grows by less than half of that, and not with the set."""
    for name, count in (("small", 64), ("large", 8192)):
        (project / name).mkdir()
        array = np.lib.format.open_memmap(project / name / "image.npy", "w+", np.uint8, (count, 256, 256, 1))
        for start in range(0, count, 64):
            array[start : start + 64] = np.random.default_rng(start).integers(0, 255, (64, 256, 256, 1), np.uint8)
        array.flush()
        np.save(project / name / "label.npy", np.arange(count) % 10)
    graph = {
        "archgraph": 1, "name": "look", "inputs": {"image": {"shape": [256, 256, 1]}},
        "nodes": {"pool": {"op": "avg_pool", "in": "image", "pool_size": 32}, "flat": {"op": "flatten", "in": "pool"},
                  "scores": {"op": "dense", "in": "flat", "units": 10, "activation": "softmax"}},
        "outputs": {"label": "scores"},
    }  # fmt: skip
    changes = {"preprocessing": [{"name": "rescale", "from_range": [0, 255]}, {"name": "center", "per": "channel"}]}
    write(graph, name="warm", epochs=1, data={"name": "npy_folder", "file": "small"}, **changes)
    write(graph, epochs=2, data={"name": "npy_folder", "file": "large"}, **changes)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", MEASURE], env=environment, capture_output=True, text=True, check=True)
    grown = float(done.stdout.splitlines()[-1])
    assert grown < 512 / 2, f"{grown:.0f} MiB more for a set of 512 MiB"
