"""Layers of growing and style-based generators against formulas in NumPy."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.ndimage

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor, symbol
from tests.compiler.layers.trial import check_half_precision, check_saving, layer_for, make, run, symbolic

RANDOM = np.random.default_rng(4)


def normal(*shape: int) -> np.ndarray:
    """Normal numbers."""
    return RANDOM.normal(size=shape).astype("float32")


OLD, NEW, STYLES, PICTURE = normal(3, 4, 4, 3), normal(3, 4, 4, 3), normal(6, 5), normal(2, 7, 6, 3)
LAYERED = normal(4, 6, 5)


# ---- fade_in


@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_fading_is_linear_and_exact_at_both_ends(alpha: float) -> None:
    y = run(make("fade_in", alpha=alpha), OLD, NEW)
    ends = {0.0: OLD, 1.0: NEW}
    if alpha in ends:
        np.testing.assert_array_equal(y, ends[alpha])
    np.testing.assert_allclose(y, (1 - alpha) * OLD + alpha * NEW, rtol=1e-6, atol=1e-7)


def test_alpha_moves_in_training_without_compiling_anew() -> None:
    layer = layer_for(make("fade_in"), OLD, NEW)
    inputs = [keras.Input(OLD.shape[1:]), keras.Input(NEW.shape[1:])]
    traces = []

    class Traced(keras.Model):
        def call(self, inputs: Any) -> Any:
            traces.append(1)
            return super().call(inputs)

    model = Traced(inputs, layer(*inputs))
    model.compile(loss="mse")
    losses = []
    traces.clear()
    for alpha in (0.0, 0.5, 1.0):
        layer.alpha.assign(alpha)
        losses.append(float(model.evaluate([OLD, NEW], OLD, verbose=0)))
    np.testing.assert_allclose(losses, np.array([0, 0.25, 1]) * np.mean((OLD - NEW) ** 2), rtol=1e-5, atol=1e-7)
    assert len(traces) == 1 and not model.trainable_weights


@pytest.mark.parametrize(
    ("shapes", "code"), [(((4, 3), (4, 2)), "AG303"), (((4, 3), (4, 3, 1)), "AG301"), (((4,), (symbol("H"),)), "AG305")]
)
def test_branches_of_different_shapes_are_refused(shapes: tuple[Any, Any], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        make("fade_in").infer(*map(Tensor, shapes))
    assert caught.value.code == code


# ---- learned_constant


def test_a_learned_constant_is_the_same_for_every_example_and_learns() -> None:
    primitive = make("learned_constant", shape=[2, 2, 3], value_regularizer={"l2": 0.5})
    layer = layer_for(primitive, STYLES)
    np.testing.assert_array_equal(layer(STYLES), np.ones((6, 2, 2, 3)))
    value = normal(2, 2, 3)
    layer.value.assign(value)
    np.testing.assert_array_equal(layer(STYLES), np.broadcast_to(value, (6, 2, 2, 3)))
    np.testing.assert_allclose(sum(layer.losses), 0.5 * (value**2).sum(), rtol=1e-6)
    assert [w.trainable for w in layer.weights] == [True]


# ---- blur

FILTERS = [((1, 2, 1), 1), ((1, 3, 3, 1), 2), ((1, 0, 0, 0, 1), 1), ((2,), 3)]


@pytest.mark.parametrize(("taps", "strides"), FILTERS)
@pytest.mark.parametrize("x", [PICTURE, PICTURE[:, :, 0]], ids=["picture", "sequence"])
def test_a_blur_is_a_correlation_with_the_normalised_filter(taps: tuple[int, ...], strides: int, x: np.ndarray) -> None:
    y = run(make("blur", taps=list(taps), strides=strides), x)
    row = np.array(taps) / sum(taps)
    expected = x.astype("float64")
    for axis in range(1, x.ndim - 1):
        size, kept = x.shape[axis], -(-x.shape[axis] // strides)
        before = max((kept - 1) * strides + len(taps) - size, 0) // 2  # the larger half is padded at the end
        padded = np.pad(expected, [(before, 2 * len(taps)) if a == axis else (0, 0) for a in range(x.ndim)])
        summed = sum(w * np.take(padded, np.arange(kept) * strides + k, axis) for k, w in enumerate(row))
        expected = np.asarray(summed)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_the_filter_of_stylegan_is_that_of_scipy() -> None:
    y = run(make("blur"), PICTURE)
    filtered = scipy.ndimage.convolve1d(PICTURE, [0.25, 0.5, 0.25], axis=1, mode="constant")
    filtered = scipy.ndimage.convolve1d(filtered, [0.25, 0.5, 0.25], axis=2, mode="constant")
    np.testing.assert_allclose(y, filtered, rtol=1e-5, atol=1e-6)


def test_a_blur_keeps_unknown_sizes_unknown() -> None:
    assert symbolic(make("blur", strides=2), (None, 8, 3)) == (None, 4, 3)


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"taps": [1, -1]}, "AG201", "/taps"),
        ({"taps": [0]}, "AG201", "/taps"),
        ({"strides": [1, 2]}, "AG802", "/strides"),
    ],
)
def test_a_blur_that_is_none_is_refused(params: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        make("blur", **params).infer(Tensor((4, 4, 3)))
    assert (caught.value.code, caught.value.field) == (code, field)


# ---- style_mixing


def test_after_training_every_layer_gets_the_style() -> None:
    y = run(make("style_mixing", layers=4, probability=1), STYLES, STYLES[::-1])
    np.testing.assert_array_equal(y, np.repeat(STYLES[:, None], 4, axis=1))


@pytest.mark.parametrize("given", [True, False])
def test_in_training_a_second_style_takes_over_at_a_random_layer(given: bool) -> None:
    w, other = normal(3000, 2), normal(3000, 2)
    inputs = (w, other) if given else (w,)
    y = run(make("style_mixing", layers=5, probability=0.8), *inputs, training=True)
    second = other if given else np.roll(w, 1, axis=0)
    first = (y == w[:, None]).all(-1)
    np.testing.assert_array_equal(np.where(first[..., None], w[:, None], second[:, None]), y)
    lengths = first.sum(1)  # how many layers keep the first style
    assert (first == (np.arange(5) < lengths[:, None])).all()
    shares = np.bincount(lengths, minlength=6) / 3000
    np.testing.assert_allclose(shares, [0, 0.2, 0.2, 0.2, 0.2, 0.2], atol=0.03)


def test_without_a_share_nothing_is_mixed() -> None:
    y = run(make("style_mixing", layers=3, probability=0), STYLES, training=True)
    np.testing.assert_array_equal(y, np.repeat(STYLES[:, None], 3, axis=1))


# ---- truncation


@pytest.mark.parametrize("w", [STYLES, LAYERED], ids=["one", "layers"])
def test_training_leaves_styles_alone_and_averages_them(w: np.ndarray) -> None:
    layer = layer_for(make("truncation", momentum=0.9), w)
    average = np.zeros(5)
    for _ in range(3):
        np.testing.assert_array_equal(layer(w, training=True), w)
        average = 0.9 * average + 0.1 * (w if w.ndim == 2 else w[:, 0]).mean(0)
    np.testing.assert_allclose(layer.average, average, rtol=1e-5, atol=1e-7)
    layer(w)
    np.testing.assert_allclose(layer.average, average, rtol=1e-5, atol=1e-7)
    layer.trainable = False
    layer(w, training=True)
    np.testing.assert_allclose(layer.average, average, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("psi", "cutoff"), [(0.7, None), (0.5, 2), (1, 3), (0, 6), (-1, 0)])
def test_afterwards_styles_are_drawn_to_the_average(psi: float, cutoff: int | None) -> None:
    given = {} if cutoff is None else {"cutoff": cutoff}
    layer = layer_for(make("truncation", psi=psi, **given), LAYERED)
    layer(LAYERED)
    average = normal(5)
    layer.average.assign(average)
    expected = average + psi * (LAYERED - average)
    if cutoff is not None:
        expected[:, cutoff:] = LAYERED[:, cutoff:]
    np.testing.assert_allclose(layer(LAYERED), expected, rtol=1e-5, atol=1e-6)


def test_a_cutoff_needs_layers() -> None:
    with pytest.raises(Rejected, match="cutoff needs a style for each layer"):
        make("truncation", cutoff=2).infer(Tensor((5,)))


# ---- noise and styles as StyleGAN applies them


def test_stored_noise_is_one_picture_after_training_and_fresh_in_training() -> None:
    layer = layer_for(make("noise_injection", stored=True), PICTURE)
    layer(PICTURE)
    layer.strength.assign([1, 2, 3])
    noise = (np.asarray(layer(PICTURE)) - PICTURE) / [1, 2, 3]
    np.testing.assert_allclose(noise, np.broadcast_to(layer.picture, noise.shape), atol=1e-5)
    assert [(w.name, w.trainable) for w in layer.weights[:2]] == [("strength", True), ("picture", False)]
    assert np.std(layer.picture) > 0.5
    assert not np.allclose(layer(PICTURE, training=True), layer(PICTURE))


@pytest.mark.parametrize(
    ("params", "shape", "code"),
    [({"noise_at_inference": False}, (4, 4, 3), "AG210"), ({}, (symbol("H"), 4, 3), "AG302")],
)
def test_noise_that_cannot_be_stored_is_refused(params: dict[str, Any], shape: Any, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        make("noise_injection", stored=True, **params).infer(Tensor(shape))
    assert caught.value.code == code


def test_a_style_that_is_given_is_applied_as_it_is() -> None:
    style = normal(2, 6)
    y = run(make("adain", project=False), PICTURE, style)
    mean, variance = PICTURE.mean((1, 2), keepdims=True), PICTURE.var((1, 2), keepdims=True)
    scale, offset = style[:, None, None, :3], style[:, None, None, 3:]
    np.testing.assert_allclose(
        y, (PICTURE - mean) / np.sqrt(variance + 1e-8) * (scale + 1) + offset, rtol=1e-4, atol=1e-5
    )


def test_a_style_of_another_length_is_refused() -> None:
    with pytest.raises(Rejected, match="the size of the style and twice the channels of x must be equal, got 5 and 6"):
        make("adain", project=False).infer(Tensor((4, 4, 3)), Tensor((5,)))


# ---- all

EVERY: list[tuple[str, dict[str, Any], list[np.ndarray]]] = [
    ("fade_in", {"alpha": 0.25}, [OLD, NEW]),
    ("learned_constant", {"shape": [2, 3], "value_initializer": "glorot_uniform"}, [STYLES]),
    ("blur", {"taps": [1, 3, 3, 1], "strides": 2}, [PICTURE]),
    ("style_mixing", {"layers": 4}, [STYLES]),
    ("truncation", {"psi": 0.5, "cutoff": 2}, [LAYERED]),
    ("noise_injection", {"stored": True}, [PICTURE]),
    ("adain", {"project": False}, [PICTURE, normal(2, 6)]),
]


@pytest.mark.parametrize(("op", "params", "arrays"), EVERY, ids=[case[0] for case in EVERY])
def test_it_is_saved_and_loaded(op: str, params: dict[str, Any], arrays: list[np.ndarray], tmp_path: Path) -> None:
    check_saving(layer_for(make(op, **params), *arrays), arrays, tmp_path)


@pytest.mark.parametrize(("op", "params", "arrays"), EVERY, ids=[case[0] for case in EVERY])
def test_it_computes_in_half_precision(op: str, params: dict[str, Any], arrays: list[np.ndarray]) -> None:
    check_half_precision(make(op, **params), *arrays)
