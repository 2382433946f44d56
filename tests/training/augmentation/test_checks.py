"""What cannot be changed is refused, and what may lose its label is warned of: one line, at its place."""

from typing import Any

import numpy as np
import pytest

from archgraph.training import check_experiment
from archgraph.training.augmentation import AUGMENTATIONS
from archgraph.training.augmentation.checks import doubts
from archgraph.training.data import SOURCES
from tests.training.conftest import DENSE, Write, vector_graph

BAD: list[tuple[str, Any, dict[str, Any], str, str]] = [
    ("unknown", "flop", {}, "AG205", "must be"),
    ("bounds", {"name": "rotate", "degrees": 200}, {}, "AG201", "at most 180"),
    ("no input of that name", {"name": "flip", "on": ["picture"]}, {}, "AG701", "has no input 'picture'"),
    ("class numbers", "mixup", {}, "AG701", "those of output 'label' are class numbers"),
]


@pytest.mark.parametrize(("value", "changes", "code", "message"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_an_augmentation_that_does_not_fit_is_refused_at_its_place(
    value: Any, changes: dict[str, Any], code: str, message: str, write: Write
) -> None:
    (found,) = check_experiment(write(augmentation=["noise", value], **changes))
    assert (found.code, found.severity) == (code, "error")
    assert found.pointer.startswith("/augmentation/1") and found.line and message in found.message


def test_vectors_have_nothing_to_flip(write: Write) -> None:
    graph = vector_graph(64, 10, "softmax")
    changes = {"preprocessing": ["flatten"], "augmentation": ["flip"]}
    (found,) = check_experiment(write(graph, **changes))
    assert "flip needs a picture of (height, width, channels), but the graph is fed x (64,)" in found.message
    assert "flatten" in found.hint


def test_one_hot_targets_can_be_mixed(write: Write) -> None:
    steps = [{"name": "rescale", "from_range": [0, 16]}, "one_hot"]
    more = {"loss": "categorical_crossentropy", "preprocessing": steps}
    assert check_experiment(write(augmentation=["mixup", "cutmix"], **more)) == ()


def test_turning_digits_is_warned_of_and_does_not_stop_training(write: Write) -> None:
    from archgraph.training import train

    path = write(augmentation=[{"name": "rotate", "degrees": 180}], epochs=1)
    (found,) = check_experiment(path)
    assert (found.code, found.severity, found.pointer) == ("AG705", "warning", "/augmentation/0")
    assert "can make '6' of '9'" in found.message
    run = train(path, progress=False)
    assert "AG705" in (run.path / "train.log").read_text()


HARMLESS = [{"name": "rotate", "degrees": 15}, "crop", "shift", "zoom", "noise"]


def test_small_changes_of_digits_are_not_warned_of(write: Write) -> None:
    assert check_experiment(write(augmentation=HARMLESS)) == ()


CASES: list[tuple[dict[str, Any], str, tuple[str, ...], dict[str, Any], str]] = [
    ({"name": "flip"}, "digits", tuple("0123456789"), {}, "may change what a sample of digits is"),
    ({"name": "flip", "axis": "vertical"}, "digits", tuple("0123456789"), {}, "'6' of '9'"),
    ({"name": "flip"}, "digits", tuple("0123456789"), {"symmetries": ["mirrored"]}, ""),
    ({"name": "flip"}, "fashion_mnist", ("coat", "bag"), {}, ""),
    ({"name": "flip", "axis": "vertical"}, "fashion_mnist", ("coat", "bag"), {}, "may change"),
    ({"name": "flip"}, "image_folder", tuple("abcd"), {}, "'b' of 'd'"),
    ({"name": "flip"}, "image_folder", ("letter b", "letter d"), {}, "'letter b' of 'letter d'"),
    ({"name": "flip"}, "image_folder", ("Left", "Right"), {}, "'Left' of 'Right'"),
    ({"name": "flip"}, "image_folder", ("cat", "dog"), {}, ""),
    ({"name": "rotate", "degrees": 180}, "image_folder", ("n", "u"), {}, "'n' of 'u'"),
    ({"name": "rotate", "degrees": 60}, "image_folder", ("n", "u"), {}, ""),
    ({"name": "rotate", "degrees": 60}, "image_folder", ("horizontal", "vertical"), {}, "'horizontal' of 'vertical'"),
]


@pytest.mark.parametrize(("value", "data", "classes", "options", "message"), CASES)
def test_labels_that_a_turn_may_change(
    value: dict[str, Any], data: str, classes: tuple[str, ...], options: dict[str, Any], message: str
) -> None:
    one = AUGMENTATIONS[value["name"]].make({k: v for k, v in value.items() if k != "name"})
    needed = {"file": "x"} if data == "image_folder" else {}
    source: Any = SOURCES[data].make({**needed, **options})
    labels = np.zeros(3, np.int32)
    found = [doubt.message for doubt in doubts((one,), source, {"y": classes}, {"y": labels})]
    assert bool(found) == bool(message) and all(message in text for text in found)
    masks = np.zeros((3, 8, 8), np.int32)  # labels of pixels move with the picture
    assert not list(doubts((one,), source, {"y": classes}, {"y": masks}))


def test_the_graph_of_the_fixture_is_fed_a_picture() -> None:
    assert DENSE["inputs"]["image"]["shape"] == [8, 8, 1]
