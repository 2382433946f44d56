"""Generative layers compute their papers' formulas. The oracle is NumPy, or numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from archgraph.compiler.layers.generative import reparameterized
from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor, symbol
from archgraph.vocabulary import REGISTRY
from tests.compiler.layers.single import again, draws, run, single


def test_reparameterisation_gives_the_golden_numbers() -> None:
    # figures.json, golden_numeric_checks.vae_kl: mu, logvar, eps and z.
    mean, log_var, noise = np.array([0.5, -1.0]), np.array([0.2, -0.3]), np.array([1.0, -1.0])
    assert_allclose(np.asarray(reparameterized(mean, log_var, noise)), [1.605170918, -1.860707976], atol=1e-6)


def test_the_divergence_from_the_standard_gaussian_is_that_of_the_formula(tmp_path: Path) -> None:
    model = again(single("gaussian_divergence", {}, (3, 2), (3, 2)), tmp_path)
    mean, log_var = draws((4, 3, 2), (4, 3, 2))
    expected = 0.5 * (np.exp(log_var) + mean**2 - 1 - log_var).sum((1, 2))
    assert_allclose(run(model, mean, log_var)[0], expected[:, None], rtol=1e-5)
    assert_allclose(run(model, np.zeros((1, 3, 2)), np.zeros((1, 3, 2)))[0], [[0]], atol=0)
    # figures.json, golden_numeric_checks.vae_kl
    (golden,) = run(single("gaussian_divergence", {}, (2,), (2,)), [[0.5, -1.0]], [[0.2, -0.3]])
    assert_allclose(golden, [[0.6561104894]], atol=1e-6)


def test_sampling_draws_with_the_stated_mean_and_spread() -> None:
    model = single("sampling", {}, (50_000,), (50_000,))
    (z,) = run(model, np.full((1, 50_000), 3.0), np.full((1, 50_000), np.log(4.0)))
    assert z.mean() == pytest.approx(3, abs=0.04) and z.std() == pytest.approx(2, abs=0.04)


@pytest.mark.parametrize(("op", "shapes"), [("sampling", [(9,), (9,)]), ("noise_injection", [(4, 9)])])
def test_noise_follows_the_seed_and_stays_after_training_unless_told(op: str, shapes: list, tmp_path: Path) -> None:
    arrays = draws(*[(2, *shape) for shape in shapes])

    def drawn(seed: int, noise: bool = True, training: bool = False) -> np.ndarray:
        model = single(op, {"noise_at_inference": noise}, *shapes, seed=seed)
        model.set_weights([np.ones_like(w) for w in model.get_weights()])
        return run(again(model, tmp_path), *arrays, training=training)[0]

    assert_allclose(drawn(1), drawn(1), atol=0)
    assert np.abs(drawn(1) - drawn(2)).max() > 0.1
    assert np.abs(drawn(1, noise=False, training=True) - arrays[0]).max() > 0.1
    assert_allclose(drawn(1, noise=False), arrays[0], atol=0)


def test_injected_noise_is_one_picture_scaled_for_each_channel() -> None:
    model = single("noise_injection", {}, (4, 5, 3))
    (x,) = draws((2, 4, 5, 3))
    assert_allclose(run(model, x)[0], x, atol=0)  # the strengths start at 0
    model.set_weights([np.array([1.0, -2.0, 0.0])])
    added = run(model, x)[0] - x
    assert_allclose(added[..., 1], -2 * added[..., 0], atol=1e-5)
    assert_allclose(added[..., 2], 0, atol=0)
    assert np.abs(added[0] - added[1]).max() > 0.1


def test_minibatch_stddev_gives_the_golden_number() -> None:
    # figures.json, golden_numeric_checks.normalisers: batch [[1],[3]], group 2.
    (y,) = run(single("minibatch_stddev", {"group_size": 2}, (1,)), [[1.0], [3.0]])
    assert_allclose(y, [[1, 1.000000005], [3, 1.000000005]], atol=1e-6)


@pytest.mark.parametrize(("batch", "group", "members"), [(8, 4, 4), (8, 2, 2), (3, 4, 3), (6, 4, 6), (1, 4, 1)])
@pytest.mark.parametrize("traced", [True, False])
def test_minibatch_stddev_is_the_formula_of_karras(batch: int, group: int, members: int, traced: bool) -> None:
    model = single("minibatch_stddev", {"group_size": group}, (2, 3, 4))
    (x,) = draws((batch, 2, 3, 4))
    y = model.predict(x, batch_size=batch, verbose=0) if traced else run(model, x)[0]
    assert_allclose(y[..., :4], x, atol=0)
    for example in range(batch):
        peers = x[example % (batch // members) :: batch // members]
        wanted = np.sqrt(peers.var(0) + 1e-8).mean()
        assert_allclose(y[example, ..., 4], np.full((2, 3), wanted), atol=1e-5)


def test_adain_gives_the_golden_numbers() -> None:
    # figures.json, golden_numeric_checks.normalisers: x = 1, 2, 3, 4, style ys = 0.5, yb = -1.
    model = single("adain", {}, (4, 1), (1,))
    model.set_weights([np.zeros((1, 2)), np.array([0.5, -1.0])])
    (y,) = run(model, [[[1.0], [2.0], [3.0], [4.0]]], [[7.0]])
    assert_allclose(y[0, :, 0], [-3.012461172, -1.670820391, -0.3291796094, 1.012461172], atol=1e-6)


@pytest.mark.parametrize("space", [(5,), (5, 4), (3, 4, 2)])
def test_adain_maps_a_style_vector_to_a_factor_and_an_offset(space: tuple, tmp_path: Path) -> None:
    model = single("adain", {"bias_initializer": "random_normal"}, (*space, 3), (2,))
    x, style = draws((2, *space, 3), (2, 2))
    w, b = model.get_weights()
    scale, offset = np.split(style @ w + b, 2, axis=-1)
    axes = tuple(range(1, len(space) + 1))
    normal = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-8)
    fit = (2, *[1] * len(space), 3)
    wanted = normal * (scale.reshape(fit) + 1) + offset.reshape(fit)
    assert_allclose(run(model, x, style)[0], wanted, atol=1e-5)
    assert_allclose(run(again(model, tmp_path), x, style)[0], wanted, atol=1e-5)


def test_adain_gives_a_picture_the_statistics_of_a_style_picture() -> None:
    model = single("adain", {}, (5, 4, 3), (2, 7, 3))
    x, style = draws((2, 5, 4, 3), (2, 2, 7, 3))
    (y,) = run(model, x, style)
    assert_allclose(y.mean((1, 2)), style.mean((1, 2)), atol=1e-5)
    assert_allclose(y.std((1, 2)), style.std((1, 2)), atol=1e-5)


def test_adain_keeps_its_epsilon_in_half_precision() -> None:
    model = single("adain", {}, (4, 1), (1,), dtype="mixed_float16")
    (y,) = run(model, np.full((1, 4, 1), 3.0), [[0.0]])
    assert y.dtype == np.float16
    assert_allclose(y, 0, atol=0)


def test_minibatch_discrimination_is_the_formula_of_salimans(tmp_path: Path) -> None:
    model = single("minibatch_discrimination", {"num_kernels": 3, "kernel_dim": 2}, (5,))
    (x,), (t,) = draws((4, 5)), model.get_weights()
    m = np.einsum("na,abc->nbc", x, t.reshape(5, 3, 2))
    closeness = np.zeros((4, 3))
    for i in range(4):
        for j in range(4):
            closeness[i] += np.exp(-np.abs(m[i] - m[j]).sum(-1))
    wanted = np.concatenate([x, closeness], axis=-1)
    assert_allclose(run(model, x)[0], wanted, atol=1e-5)
    assert_allclose(run(again(model, tmp_path), x)[0], wanted, atol=1e-5)


def test_multiply_adds_are_those_counted_by_hand() -> None:
    adain, discrimination = REGISTRY["adain"].make({}), {"num_kernels": 3, "kernel_dim": 2}
    assert adain.macs(Tensor((8, 8, 16)), Tensor((32,))) == 32 * 2 * 16
    assert adain.macs(Tensor((8, 8, 16)), Tensor((8, 8, 16))) == 0
    assert REGISTRY["minibatch_discrimination"].make(discrimination).macs(Tensor((5,))) == 5 * 3 * 2


def test_spatial_sizes_may_be_symbolic() -> None:
    h, w = symbol("H"), symbol("W")
    picture = Tensor((h, w, 4))
    assert REGISTRY["minibatch_stddev"].make({}).infer(picture).shape == (h, w, 5)
    assert REGISTRY["adain"].make({}).infer(picture, Tensor((3,))).shape == (h, w, 4)
    assert REGISTRY["noise_injection"].make({}).infer(picture).shape == (h, w, 4)
    assert REGISTRY["sampling"].make({}).infer(picture, picture).shape == (h, w, 4)


REFUSED = [
    ("sampling", {}, [(2,), (3,)], "AG303", "mean (2,) and log_var (3,)"),
    ("sampling", {}, [(2,), (2, 2)], "AG301", "log_var"),
    ("noise_injection", {}, [(5,)], "AG301", "(5,)"),
    ("noise_injection", {}, [(5, symbol("C"))], "AG302", "channels"),
    ("minibatch_stddev", {}, [()], "AG301", "()"),
    ("minibatch_discrimination", {"num_kernels": 3, "kernel_dim": 2}, [(5, 5)], "AG301", "(5, 5)"),
    ("adain", {}, [(5,), (3,)], "AG301", "(5,)"),
    ("adain", {}, [(5, 5, 3), (4, 3)], "AG301", "style"),
    ("adain", {}, [(5, 5, 3), (5, 5, 4)], "AG303", "channels of style and x"),
    ("adain", {}, [(5, 5, 3), (symbol("S"),)], "AG302", "size of the style"),
]


@pytest.mark.parametrize(("op", "params", "shapes", "code", "words"), REFUSED)
def test_what_cannot_be_computed_is_refused(op: str, params: dict, shapes: list, code: str, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        REGISTRY[op].make(params).infer(*map(Tensor, shapes))
    assert caught.value.code == code and words in caught.value.message
