"""Prediction from a run folder or a model file, on files as a user has them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_iris

from archgraph.diagnostics import GraphError
from archgraph.training import Run, predict, train
from tests.training.conftest import DENSE, DIGITS, Write, vector_graph

DIGIT = load_digits()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network that reads digits, trained on raw scores."""
    import json

    folder = tmp_path_factory.mktemp("predict")
    nodes = {**DENSE["nodes"], "scores": {"op": "dense", "in": "drop", "units": 10}}
    (folder / "dense.graph.json").write_text(json.dumps({**DENSE, "nodes": nodes}))
    loss = {"name": "sparse_categorical_crossentropy", "from_logits": True}
    path = folder / "digits.train.json"
    path.write_text(json.dumps({**DIGITS, "data": "digits", "epochs": 10, "loss": loss}))
    return train(path, run_dir=folder / "run", progress=False)


def test_arrays_get_class_names_and_probabilities(run: Run) -> None:
    prediction = predict(run.path, {"image": DIGIT.images[:100, ..., None]})
    np.testing.assert_allclose(prediction.outputs["label"].sum(1), 1, atol=1e-5)
    guesses = [row["label"]["class"] for row in prediction.rows()]
    assert np.mean(np.array(guesses) == DIGIT.target[:100].astype(str)) > 0.9
    top = prediction.rows(top=3)[0]["label"]["top"]
    assert [entry["probability"] for entry in top] == sorted((e["probability"] for e in top), reverse=True)
    assert len(top) == 3


def test_npz_files_are_read(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", image=DIGIT.images[:5, ..., None])
    assert len(predict(run.path, tmp_path / "some.npz")) == 5


def test_pictures_are_brought_to_size_and_range_of_the_training_data(run: Run, tmp_path: Path) -> None:
    for number in range(20):
        large = np.kron(DIGIT.images[number] * (255 / 16), np.ones((4, 4)))
        Image.fromarray(large.astype(np.uint8)).save(tmp_path / f"{number:02d}.png")
    prediction = predict(run.path, tmp_path)
    assert prediction.names[3].endswith("03.png")
    guesses = [row["label"]["class"] for row in prediction.rows()]
    assert np.mean(np.array(guesses) == DIGIT.target[:20].astype(str)) >= 0.8


def test_a_model_file_is_fed_as_it_is(run: Run) -> None:
    raw = predict(run.folder.model, {"image": DIGIT.images[:3, ..., None] / 16})
    known = predict(run.path, {"image": DIGIT.images[:3, ..., None]})
    (scores,) = raw.outputs.values()
    np.testing.assert_array_equal(scores.argmax(1), known.outputs["label"].argmax(1))
    assert raw.rows()[0] == {"sample": "0", next(iter(raw.outputs)): scores[0].tolist()}


def test_csv_files_are_read_by_the_columns_of_the_training_file(write: Write, project: Path) -> None:
    iris = load_iris()
    lines = [",".join(map(str, row)) for row in np.column_stack([iris.target, iris.data])]
    (project / "iris.csv").write_text("\n".join(["kind,a,b,c,d", *lines]))
    data = {"name": "csv", "file": "iris.csv", "target": "kind"}
    rate = {"name": "adam", "learning_rate": 0.05}
    path = write(vector_graph(4, 3, "softmax"), data=data, preprocessing=["standardize"], epochs=20, optimizer=rate)
    folder = train(path, progress=False).path
    (project / "new.csv").write_text("d,c,b,a\n0.2,1.4,3.5,5.1\n1.8,5.1,3.0,5.9\n")  # another order, no target
    rows = predict(folder, project / "new.csv").rows()
    assert [row["y"]["class"] for row in rows] == ["0.0", "2.0"]
    (project / "less.csv").write_text("a,b,c\n1,2,3\n4,5,6\n")
    with pytest.raises(GraphError, match="lacks the column 'd'"):
        predict(folder, project / "less.csv")


def test_yes_or_no_has_two_probabilities(write: Write) -> None:
    graph = vector_graph(30, 1, "sigmoid")
    changes = {"data": "breast_cancer", "preprocessing": ["standardize"], "loss": "binary_crossentropy", "epochs": 1}
    folder = train(write(graph, **changes), progress=False).path
    row = predict(folder, {"features": np.zeros((1, 30))}).rows()[0]["y"]
    assert {entry["class"] for entry in row["top"]} == {"malignant", "benign"}
    assert sum(entry["probability"] for entry in row["top"]) == pytest.approx(1)


BAD: list[tuple[str, Any, str, str]] = [
    ("no file", "none.npz", "AG702", "there is no file"),
    ("another kind", "dense.graph.json", "AG703", "must be one .npz or .csv file, or pictures, got .json"),
    ("another shape", {"image": np.zeros((2, 9, 9, 1))}, "AG703", "must have the shape (samples, 8, 8, 1)"),
    ("another name", {"a": np.zeros((1, 8, 8, 1)), "b": np.zeros(1)}, "AG703", "lacks the array 'image'"),
    ("text", {"image": np.array(["x"])}, "AG703", "is not a number"),
]


@pytest.mark.parametrize(("inputs", "code", "message"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_inputs_that_do_not_fit_are_refused(inputs: Any, code: str, message: str, run: Run, project: Path) -> None:
    with pytest.raises(GraphError) as error:
        predict(run.path, inputs)
    assert error.value.diagnostics[0].code == code
    assert message in error.value.diagnostics[0].message


def test_a_folder_without_a_run_is_refused(project: Path) -> None:
    (project / "broken.keras").write_bytes(b"no model")
    for path in (project, project / "none", project / "broken.keras"):
        with pytest.raises(GraphError, match="AG704"):
            predict(path, {"image": np.zeros((1, 8, 8, 1))})


@pytest.mark.parametrize("step", ["zca", {"name": "pca", "components": 20, "whiten": True}, "normalize_contrast"])
def test_what_whitening_learned_is_applied_to_new_data(step: Any, write: Write) -> None:
    steps = [{"name": "rescale", "from_range": [0, 16]}, step]
    graph = DENSE
    if isinstance(step, dict):
        graph = vector_graph(20, 10, "softmax")
    run = train(write(graph, data="digits", epochs=8, preprocessing=steps), progress=False)
    guesses = [
        row[next(iter(graph["outputs"]))]["class"]
        for row in predict(run.path, {"image": DIGIT.images[:300, ..., None]}).rows()
    ]
    assert np.mean(np.array(guesses) == DIGIT.target[:300].astype(str)) > 0.85
    alone = predict(run.path, {"image": DIGIT.images[:1, ..., None]}).outputs
    many = predict(run.path, {"image": DIGIT.images[:9, ..., None]}).outputs
    for name, values in alone.items():  # a sample's answer does not hang on those beside it
        np.testing.assert_allclose(values[0], many[name][0], atol=1e-5)
