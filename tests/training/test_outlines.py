"""What is outlined: masks and maps of classes on pictures of their size, and nothing else."""

import json
from pathlib import Path

import numpy as np

from archgraph.training import train
from archgraph.training.data.dataset import Part
from archgraph.training.outlines import outlines
from tests.training.conftest import Write

PICTURES = np.random.default_rng(0).random((3, 8, 8, 1)).astype("float32")
MASKS = (PICTURES > 0.5).astype("float32")


def names(targets: dict[str, np.ndarray], given: dict[str, np.ndarray]) -> list[str]:
    return [name for name, _ in outlines("t", Part({"image": PICTURES}, targets), given)]


def test_masks_and_classes_of_places_are_outlined() -> None:
    assert names({"mask": MASKS}, {"mask": PICTURES}) == ["outlines"]
    classes = MASKS[..., 0].astype("int32")
    chances = np.concatenate([1 - PICTURES, PICTURES], -1)
    assert names({"a": MASKS, "b": classes}, {"a": PICTURES, "b": chances}) == ["outlines_a", "outlines_b"]


def test_pictures_labels_and_maps_of_another_size_are_not() -> None:
    assert names({"again": PICTURES}, {"again": PICTURES}) == []
    assert names({"label": np.zeros(3, "int32")}, {"label": np.zeros((3, 10))}) == []
    assert names({"mask": MASKS[:, :4, :4]}, {"mask": PICTURES[:, :4, :4]}) == []


CONV = {"op": "conv", "in": "image", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}
SEGMENTER = {
    "archgraph": 1,
    "name": "segmenter",
    "inputs": {"image": {"shape": [16, 16, 1]}},
    "nodes": {"mask": CONV},
    "outputs": {"mask": "mask"},
}


def test_a_segmentation_is_scored_and_outlined(write: Write) -> None:
    path = write(
        SEGMENTER,
        data={"name": "digits_segmentation", "size": 16, "digits": 1, "subset": 120},
        preprocessing=None,
        loss="dice",
        metrics=["dice_score", {"name": "binary_io_u", "target_class_ids": [1]}],
        epochs=6,
    )
    run = train(path, progress=False)
    overlap = run.test["binary_io_u"]
    assert abs(run.test["dice_score"] - 2 * overlap / (1 + overlap)) < 1e-5
    assert (run.path / "outlines.png").is_file()


def test_an_autoencoder_shows_its_pictures_after_every_epoch(write: Write, project: Path) -> None:
    nodes = {
        "drop": {"op": "gaussian_noise", "in": "image", "stddev": 0.3},
        "again": {**CONV, "in": "drop"},
    }
    graph = {**SEGMENTER, "inputs": {"image": {"shape": [8, 8, 1]}}, "nodes": nodes, "outputs": {"again": "again"}}
    path = write(graph, targets={"again": "image"}, loss="mean_squared_error", metrics=[], epochs=2)
    run = train(path, progress=False)
    assert {file.name for file in (run.path / "samples").iterdir()} == {"0001-pictures.png", "0002-pictures.png"}
    unseen = train(path, progress=False, overrides={"show_every": 0})
    strip = [{key: value for key, value in row.items() if key != "seconds"} for row in run.history]
    again = [{key: value for key, value in row.items() if key != "seconds"} for row in unseen.history]
    assert json.dumps(strip) == json.dumps(again)  # showing changes nothing
