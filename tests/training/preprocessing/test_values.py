"""Preprocessing steps. The oracles are scikit-learn, Keras and arithmetic by hand."""

from typing import Any

import keras
import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from archgraph.diagnostics import Rejected
from archgraph.training.data.base import Column
from archgraph.training.preprocessing import STEPS, as_json, from_json, repeat, run

GREY = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4, 1)


def applied(values: Any, name: str, labels: tuple[str, ...] = (), **options: Any) -> np.ndarray[Any, Any]:
    step = STEPS[name].make(options)
    column = Column(np.asarray(values), labels)
    return step.apply(column, step.learn([column])).values


def test_rescale_maps_one_range_onto_another() -> None:
    assert applied([[0], [8], [16]], "rescale", from_range=[0, 16]).ravel().tolist() == [0, 0.5, 1]
    assert applied([[0], [255]], "rescale", from_range=[0, 255], to_range=[-1, 1]).ravel().tolist() == [-1, 1]


def test_standardize_agrees_with_scikit_learn() -> None:
    values = np.random.default_rng(0).normal(3, 5, (50, 4))
    expected = StandardScaler().fit_transform(values)
    np.testing.assert_allclose(applied(values, "standardize"), expected, atol=1e-5)


def test_center_leaves_the_mean_at_zero_and_the_spread_as_it_was() -> None:
    values = np.random.default_rng(2).normal(3, 5, (200, 4))
    centred = applied(values, "center")
    np.testing.assert_allclose(centred.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(centred.std(0), values.std(0), rtol=1e-5)


def test_contrast_is_normalised_within_each_sample() -> None:
    values = np.random.default_rng(3).normal(3, 5, (20, 4, 4, 1)) * np.arange(1, 21)[:, None, None, None]
    done = applied(values, "normalize_contrast")
    np.testing.assert_allclose(done.reshape(20, -1).mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(done.reshape(20, -1).std(1), 1, atol=1e-4)
    assert not applied(np.full((1, 4, 4, 1), 7.0), "normalize_contrast").any()


def test_what_comes_in_parts_teaches_the_same_as_the_whole() -> None:
    values = np.random.default_rng(4).normal(3, 5, (50, 4))
    for name in ("center", "standardize", "pca", "zca"):
        step = STEPS[name].make({})
        whole = step.learn([Column(values)])
        parts = step.learn([Column(values[:7]), Column(values[7:30]), Column(values[30:])])
        for key, array in whole.items():
            np.testing.assert_allclose(parts[key], array, atol=1e-10)


def test_standardize_does_not_divide_by_zero() -> None:
    assert applied([[7.0], [7.0]], "standardize").ravel().tolist() == [0, 0]


@pytest.mark.parametrize(("per", "shape"), [("feature", (3, 4, 2)), ("channel", (2,)), ("all", ())])
def test_standardize_takes_its_mean_over_what_is_asked(per: str, shape: tuple[int, ...]) -> None:
    step = STEPS["standardize"].make({"per": per})
    assert step.learn([Column(np.zeros((5, 3, 4, 2)))])["mean"].shape == shape


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [(6, 8), (5, 7), (3, 4), (2, 9)])
def test_resize_agrees_with_keras(interpolation: str, size: tuple[int, int]) -> None:
    values = np.random.default_rng(1).uniform(0, 1, (3, 4, 5, 2)).astype(np.float32)
    expected = keras.ops.image.resize(values, size, interpolation=interpolation)
    np.testing.assert_allclose(
        applied(values, "resize", size=list(size), interpolation=interpolation), expected, atol=1e-5
    )


def test_pad_puts_the_picture_in_the_middle() -> None:
    padded = applied(GREY, "pad", size=[5, 7], value=-1)
    assert padded.shape == (2, 5, 7, 1)
    np.testing.assert_array_equal(padded[:, 1:4, 1:5], GREY)
    assert padded.sum() == GREY.sum() - 2 * (35 - 12)


def test_one_hot_puts_a_one_at_the_class() -> None:
    assert applied([2, 0], "one_hot", ("a", "b", "c")).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_shape_steps() -> None:
    assert applied(GREY, "flatten").shape == (2, 12)
    assert applied(GREY, "reshape", shape=[4, 3]).shape == (2, 4, 3)
    assert applied(GREY, "expand_channels", channels=3, new_axis=False).shape == (2, 3, 4, 3)
    assert applied(GREY[..., 0], "expand_channels").shape == (2, 3, 4, 1)
    assert applied([[0.2, 0.7]], "binarize", threshold=0.5).tolist() == [[0, 1]]


BAD: list[tuple[str, dict[str, Any], Any, str]] = [
    ("rescale", {"from_range": [1, 1]}, GREY, "two different values"),
    ("pad", {"size": 2}, GREY, "smaller"),
    ("pad", {"size": 9}, [[1.0]], "height, width"),
    ("reshape", {"shape": [5]}, GREY, "cannot reshape"),
    ("one_hot", {}, [1, 2], "how many classes"),
    ("one_hot", {"classes": 2}, [1, 2], "do not hold"),
    ("one_hot", {"classes": 2}, [0.5, 1.0], "whole numbers"),
    ("expand_channels", {"new_axis": False}, np.zeros((2, 3)), "size 1"),
]


@pytest.mark.parametrize(("name", "options", "values", "message"), BAD, ids=[f"{bad[0]}-{bad[3]}" for bad in BAD])
def test_steps_refuse_what_makes_no_sense(name: str, options: dict[str, Any], values: Any, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        applied(values, name, **options)


def test_a_complaint_names_the_step_and_the_column() -> None:
    with pytest.raises(Rejected) as error:
        run(
            (STEPS["flatten"].make({}), STEPS["flatten"].make({"on": ["imag"]})),
            {"image": Column(GREY)},
            ("image",),
            (),
        )
    assert (error.value.field, error.value.hint) == ("/1/on/0", "did you mean 'image'?")


def test_only_the_training_part_teaches_and_other_parts_change_nothing() -> None:
    train, other = Column(np.array([[0.0], [2.0]])), Column(np.array([[1000.0]]))
    done, fitted = run((STEPS["standardize"].make({}),), {"x": train}, ("x",), ())
    assert done["x"].values.ravel().tolist() == [-1, 1]
    assert repeat(fitted, {"x": other})["x"].values.ravel().tolist() == [999]


def test_what_was_learned_survives_as_json() -> None:
    steps = (STEPS["standardize"].make({}), STEPS["resize"].make({"size": [6, 6]}), STEPS["zca"].make({}))
    done, fitted = run(steps, {"image": Column(GREY)}, ("image",), ())
    again = repeat(from_json(as_json(fitted)), {"image": Column(GREY)})
    np.testing.assert_array_equal(done["image"].values, again["image"].values)
