"""The masked convolution against the masks of the paper and the order in which pixels are read."""

from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler.layers.masked import mask
from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor
from tests.compiler.layers.trial import layer_for, make, run

# van den Oord, Kalchbrenner & Kavukcuoglu 2016, section 3.4 and figure 4: one channel, 3 x 3.
PAPER = {"A": [[1, 1, 1], [1, 0, 0], [0, 0, 0]], "B": [[1, 1, 1], [1, 1, 0], [0, 0, 0]]}

# The same section: rows are the colours of the output (R, G, B), columns those of the input, in the centre pixel.
CENTRE = {"A": [[0, 0, 0], [1, 0, 0], [1, 1, 0]], "B": [[1, 0, 0], [1, 1, 0], [1, 1, 1]]}


@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_the_mask_is_that_of_the_paper(mask_type: str) -> None:
    np.testing.assert_array_equal(mask((3, 3), 1, 1, mask_type)[:, :, 0, 0], PAPER[mask_type])


@pytest.mark.parametrize(("mask_type", "ones"), [("A", 24), ("B", 25)])
def test_the_first_layer_of_seven_by_seven_sees_half_the_window(mask_type: str, ones: int) -> None:
    assert mask((7, 7), 1, 1, mask_type).sum() == ones


@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_colours_see_earlier_colours_in_the_centre(mask_type: str) -> None:
    centre = mask((3, 3), 6, 9, mask_type, colors=3)[1, 1]
    expected = np.repeat(np.repeat(np.transpose(CENTRE[mask_type]), 2, axis=0), 3, axis=1)
    np.testing.assert_array_equal(centre, expected)


def changed_outputs(layers: list[Any], shape: tuple[int, ...], place: tuple[int, ...]) -> np.ndarray:
    """Where the output of a chain of layers changes when the input changes at `place`."""
    x = np.random.default_rng(0).normal(size=(1, *shape)).astype("float32")
    y = x.copy()
    y[(0, *place)] += 1
    for layer in layers:
        x, y = (keras.ops.convert_to_numpy(layer(value)) for value in (x, y))
    return np.abs(x - y)[0] > 1e-6


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_pixel_influences_only_later_pixels(dilation: int) -> None:
    x = np.zeros((1, 7, 7, 1), "float32")
    first = layer_for(make("masked_conv", filters=4, kernel_size=5, mask_type="A", dilation_rate=dilation), x)
    second = layer_for(make("masked_conv", filters=2, kernel_size=3, mask_type="B"), np.zeros((1, 7, 7, 4), "float32"))
    changed = changed_outputs([first, second], (7, 7, 1), (3, 3, 0)).any(axis=-1).reshape(-1)
    assert not changed[: 3 * 7 + 4].any()
    assert changed[3 * 7 + 4 :].any()


def test_mask_b_lets_a_pixel_see_itself() -> None:
    layer = layer_for(make("masked_conv", filters=1, kernel_size=3, mask_type="B"), np.zeros((1, 5, 5, 1), "float32"))
    changed = changed_outputs([layer], (5, 5, 1), (2, 2, 0)).reshape(-1)
    assert not changed[:12].any() and changed[12]


def test_a_colour_influences_later_colours_of_its_pixel() -> None:
    x = np.zeros((1, 5, 5, 3), "float32")
    layer = layer_for(make("masked_conv", filters=3, kernel_size=3, mask_type="A", colors=3), x)
    changed = changed_outputs([layer], (5, 5, 3), (2, 2, 1))[2, 2]
    assert changed.tolist() == [False, False, True]


def test_a_sequence_is_seen_from_the_left() -> None:
    layer = layer_for(make("masked_conv", filters=1, kernel_size=5, mask_type="A"), np.zeros((1, 9, 1), "float32"))
    changed = changed_outputs([layer], (9, 1), (4, 0)).reshape(-1)
    assert changed.tolist() == [False] * 5 + [True, True] + [False] * 2


def test_values_follow_from_the_formula() -> None:
    params = {"kernel_initializer": "ones", "bias_initializer": "ones"}
    y = run(make("masked_conv", filters=1, kernel_size=3, mask_type="A", **params), np.ones((1, 3, 3, 1), "float32"))
    # One, the bias, and the cells above and to the left that lie in the picture.
    np.testing.assert_array_equal(y[0, :, :, 0], [[1, 2, 2], [3, 5, 4], [3, 5, 4]])


def test_penalties_reach_the_loss() -> None:
    x = np.ones((1, 3, 3, 1), "float32")
    params = {"kernel_initializer": "ones", "kernel_regularizer": {"l2": 0.5}, "activity_regularizer": {"l1": 1}}
    layer = layer_for(make("masked_conv", filters=1, kernel_size=3, mask_type="A", **params), x)
    layer(x)
    assert sorted(float(loss) for loss in layer.losses) == [0.5 * 9, 0 + 1 + 1 + 2 + 4 + 3 + 2 + 4 + 3]


@pytest.mark.parametrize(
    ("params", "shape", "code", "field"),
    [
        ({"kernel_size": 4}, (8, 8, 3), "AG201", "/kernel_size"),
        ({"kernel_size": 3, "colors": 4, "filters": 4}, (8, 8, 3), "AG201", "/colors"),
        ({"kernel_size": 3, "colors": 3, "filters": 2}, (8, 8, 3), "AG201", "/colors"),
        ({"kernel_size": 3}, (4, 4, 4, 1), "AG301", ""),
        ({"kernel_size": [3, 3]}, (8, 3), "AG301", "/kernel_size"),
    ],
)
def test_what_has_no_mask_is_refused(params: dict[str, Any], shape: tuple[int, ...], code: str, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        make("masked_conv", **{"filters": 6, "mask_type": "A", **params}).infer(Tensor(shape))
    assert (caught.value.code, caught.value.field) == (code, field)
