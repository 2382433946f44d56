"""Changes of shape against numpy, arithmetic by hand and Keras."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler.instantiate import apply
from archgraph.diagnostics import Rejected
from archgraph.shapes import Shape, Tensor, symbol
from tests.compiler.layers.trial import layer_for, make, run, tensors_of

RANDOM = np.random.default_rng(5)
ROW, PICTURE, VOLUME = (
    RANDOM.normal(size=shape).astype("float32") for shape in [(2, 7, 3), (2, 4, 6, 8), (2, 3, 4, 5, 2)]
)
TOKENS = np.arange(24, dtype="int32").reshape(2, 6, 2)


def run_all(op: str, *arrays: Any, **params: Any) -> list[np.ndarray]:
    """Every output of a primitive's layer."""
    primitive = make(op, **params)
    layer = primitive.lower(*tensors_of(arrays))
    return [keras.ops.convert_to_numpy(y) for y in apply(layer, layer_for(primitive, *arrays), arrays)]


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric"])
@pytest.mark.parametrize(
    ("x", "sides"), [(ROW, [[2, 1]]), (PICTURE, [[1, 3], [0, 2]]), (VOLUME, [[1, 0], [2, 2], [0, 1]])]
)
def test_pad_does_what_numpy_does(x: np.ndarray, sides: list[list[int]], mode: str) -> None:
    expected = np.pad(x, [(0, 0), *map(tuple, sides), (0, 0)], mode=mode)
    np.testing.assert_array_equal(run(make("pad", padding=sides, mode=mode), x), expected)


@pytest.mark.parametrize("value", [0, -1.5, 7])
def test_pad_fills_in_its_value(value: float) -> None:
    expected = np.pad(PICTURE, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=value)
    np.testing.assert_array_equal(run(make("pad", padding=1, value=value), PICTURE), expected)


def test_the_lowest_number_loses_against_every_other() -> None:
    y = run(make("pad", padding=1, value="lowest"), ROW)
    assert y[0, 0, 0] == np.finfo("float32").min


def test_tokens_stay_tokens() -> None:
    padded = run(make("pad", padding=[[0, 2]], value=9), TOKENS)
    assert padded.dtype == np.int32 and padded[0, 6:].tolist() == [[9, 9], [9, 9]]
    np.testing.assert_array_equal(run(make("crop", cropping=[[1, 2]]), TOKENS), TOKENS[:, 1:-2])


def test_crop_cuts_out_the_middle() -> None:
    like = np.zeros((2, 2, 3, 1), "float32")
    np.testing.assert_array_equal(run(make("crop"), PICTURE, like), PICTURE[:, 1:3, 1:4])


def test_crop_begins_at_its_offset() -> None:
    like = np.zeros((2, 2, 3, 1), "float32")
    np.testing.assert_array_equal(run(make("crop", offset=[2, 3]), PICTURE, like), PICTURE[:, 2:, 3:])


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"axis": 1, "start": -2}, ROW[:, -2:]),
        ({"axis": 1, "start": 1, "stop": -1, "step": 2}, ROW[:, 1:-1:2]),
        ({"axis": -1, "stop": 1}, ROW[..., :1]),
        ({"axis": 2, "step": -1}, ROW[..., ::-1]),
        ({"axis": 1, "start": -2, "stop": 0, "step": -3}, ROW[:, -2:0:-3]),
    ],
)
def test_slice_does_what_python_does(params: dict[str, Any], expected: np.ndarray) -> None:
    np.testing.assert_array_equal(run(make("slice", **params), ROW), expected)


@pytest.mark.parametrize(("sections", "axis", "ends"), [(2, -1, 2), ([1, 3], 1, [1]), ([1, 2, 3, 2], -1, [1, 3, 6])])
def test_split_does_what_numpy_does(sections: Any, axis: int, ends: Any) -> None:
    for ours, theirs in zip(
        run_all("split", PICTURE, sections=sections, axis=axis), np.split(PICTURE, ends, axis), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_pixel_shuffle_follows_equation_4_of_the_paper() -> None:
    y, r = run(make("pixel_shuffle", block_size=2), PICTURE), 2
    for i, j, c in np.ndindex(8, 12, 2):
        # PS(T)[x, y, c] = T[x // r, y // r, C r (y mod r) + C (x mod r) + c] in the paper, x running along the row.
        np.testing.assert_array_equal(y[:, i, j, c], PICTURE[:, i // r, j // r, 2 * r * (i % r) + 2 * (j % r) + c])


@pytest.mark.parametrize("x", [RANDOM.normal(size=(2, 3, 8)), PICTURE, RANDOM.normal(size=(1, 2, 3, 1, 16))])
def test_pixel_shuffle_down_undoes_up(x: np.ndarray) -> None:
    x = x.astype("float32")
    up = run(make("pixel_shuffle", block_size=2), x)
    np.testing.assert_array_equal(run(make("pixel_shuffle", block_size=2, direction="down"), up), x)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3"])
def test_resize_of_a_picture_is_that_of_keras(interpolation: str) -> None:
    expected = keras.ops.image.resize(PICTURE, (7, 3), interpolation=interpolation)
    np.testing.assert_allclose(
        run(make("resize", size=[7, 3], interpolation=interpolation), PICTURE), expected, atol=1e-6
    )


def interpolated(x: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Linear interpolation along one axis, cell i at (i + 1/2) n / m - 1/2, the border cells repeated."""
    count = x.shape[axis]
    place = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
    low = np.floor(place).astype(int)
    part = (place - low).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
    return np.take(x, low, axis) * (1 - part) + np.take(x, np.minimum(low + 1, count - 1), axis) * part


def test_rows_and_volumes_are_interpolated_axis_by_axis() -> None:
    np.testing.assert_allclose(run(make("resize", size=11), ROW), interpolated(ROW, 11, 1), atol=1e-6)
    expected = interpolated(interpolated(interpolated(VOLUME, 5, 1), 2, 2), 7, 3)
    np.testing.assert_allclose(run(make("resize", size=[5, 2, 7]), VOLUME), expected, atol=1e-6)


@pytest.mark.parametrize(
    "op, params", [("resize", {"scale": 1.5}), ("crop", {"cropping": 1}), ("pixel_shuffle", {"block_size": 2})]
)
def test_sizes_that_come_with_the_data_work(op: str, params: dict[str, Any], tmp_path: Path) -> None:
    primitive = make(op, **params)
    space = (symbol("H", minimum=3), symbol("W", minimum=3))
    shown = Tensor((*space, 8))
    primitive.infer(shown)
    layer = layer_for(primitive, PICTURE)
    model = keras.Model(x := keras.Input((None, None, 8)), apply(primitive.lower(shown), layer, [x]))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(PICTURE, verbose=0), run(primitive, PICTURE))


def test_crop_like_works_on_sizes_that_come_with_the_data() -> None:
    primitive, like = make("crop"), np.zeros((2, 2, 4, 1), "float32")
    layer = layer_for(primitive, PICTURE, like)
    inputs = [keras.Input((None, None, 8)), keras.Input((None, None, 1))]
    model = keras.Model(inputs, layer(*inputs))
    np.testing.assert_array_equal(model.predict([PICTURE, like], verbose=0), PICTURE[:, 1:3, 1:5])


H = symbol("H")


@pytest.mark.parametrize(
    ("op", "params", "shapes", "code"),
    [
        ("pad", {"padding": 4, "mode": "reflect"}, [(4, 4, 1)], "AG304"),
        ("pad", {"padding": 4, "mode": "symmetric"}, [(H, 8, 1)], "AG305"),
        ("pad", {"padding": [1, 1, 1]}, [(4, 4, 1)], "AG301"),
        ("crop", {"cropping": 2}, [(4, 4, 1)], "AG304"),
        ("crop", {}, [(4, 4, 1)], "AG210"),
        ("crop", {"cropping": 1}, [(4, 4, 1), (2, 2, 1)], "AG210"),
        ("crop", {"cropping": 1, "offset": 1}, [(4, 4, 1)], "AG210"),
        ("crop", {}, [(4, 4, 1), (5, 4, 1)], "AG304"),
        ("crop", {"offset": 2}, [(4, 4, 1), (3, 2, 1)], "AG304"),
        ("crop", {}, [(H, 4, 1), (2, 2, 1)], "AG305"),
        ("slice", {"axis": 1, "start": 8}, [(4, 4)], "AG201"),
        ("slice", {"axis": 1, "start": 2, "stop": 2}, [(4, 4)], "AG304"),
        ("slice", {"axis": 1, "step": 0}, [(4, 4)], "AG201"),
        ("slice", {"axis": 0}, [(4, 4)], "AG201"),
        ("slice", {"axis": 1, "start": -1}, [(H, 4)], "AG302"),
        ("slice", {"axis": 1, "start": 1}, [(H, 4)], "AG305"),
        ("split", {"sections": 3}, [(4, 4)], "AG307"),
        ("split", {"sections": [1, 2]}, [(4, 4)], "AG303"),
        ("split", {"sections": 2, "axis": 1}, [(H, 4)], "AG305"),
        ("reshape", {"target_shape": [3, 5]}, [(4, 4)], "AG303"),
        ("reshape", {"target_shape": [3, -1]}, [(4, 4)], "AG307"),
        ("reshape", {"target_shape": [-1, -1]}, [(4, 4)], "AG210"),
        ("permute", {"dims": [1, 1]}, [(4, 4)], "AG303"),
        ("permute", {"dims": [1]}, [(4, 4)], "AG303"),
        ("resize", {}, [(4, 4, 1)], "AG210"),
        ("resize", {"size": 4, "scale": 2}, [(4, 4, 1)], "AG210"),
        ("resize", {"scale": 0.2}, [(4, 4, 1)], "AG304"),
        ("upsample", {"interpolation": "bilinear"}, [(4, 1)], "AG802"),
        ("pixel_shuffle", {"block_size": 2}, [(4, 4, 6)], "AG307"),
        ("pixel_shuffle", {"block_size": 2, "direction": "down"}, [(4, 5, 1)], "AG307"),
        ("pixel_shuffle", {"block_size": 2}, [(4, 4, H)], "AG302"),
        ("repeat_vector", {"n": 2}, [(4, 4)], "AG301"),
    ],
)
def test_what_cannot_be_arranged_is_refused(op: str, params: dict[str, Any], shapes: list[Shape], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        make(op, **params).infer(*map(Tensor, shapes))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("op", "params", "shape", "expected"),
    [
        ("flatten", {}, (H, 2, 3), (6 * H,)),
        ("reshape", {"target_shape": [-1, 3]}, (H, 6), (2 * H, 3)),
        ("slice", {"axis": 1, "stop": -2, "step": 2}, (4 * H, 5), (2 * H - 1, 5)),
        ("resize", {"scale": 0.5}, (4 * H, 8, 1), (2 * H, 4, 1)),
        ("pixel_shuffle", {"block_size": 2, "direction": "down"}, (2 * H, 4, 1), (H, 2, 4)),
        ("upsample", {"size": 3}, (H, 4, 1), (3 * H, 12, 1)),
    ],
)
def test_symbolic_sizes_are_carried_through(op: str, params: dict[str, Any], shape: Shape, expected: Shape) -> None:
    assert make(op, **params).infer(Tensor(shape)).shape == expected
