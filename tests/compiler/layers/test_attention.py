"""The attention layers compute their papers' formulas. The oracle is NumPy, or numbers worked out by hand."""

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor, symbol
from archgraph.vocabulary import REGISTRY
from tests.compiler.layers.single import again, draws, run, single


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def multi_head(weights: list[np.ndarray], query: np.ndarray, value: np.ndarray, *, causal: bool = False) -> tuple:
    """Vaswani et al. 2017, section 3.2.2, with biases."""
    wq, bq, wk, bk, wv, bv, wo, bo = weights
    q = np.einsum("btd,dhk->bhtk", query, wq) + bq[None, :, None]
    k = np.einsum("bsd,dhk->bhsk", value, wk) + bk[None, :, None]
    v = np.einsum("bsd,dhk->bhsk", value, wv) + bv[None, :, None]
    energy = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if causal:
        later = np.triu(np.ones(energy.shape[-2:], bool), 1)
        energy = np.where(later, -np.inf, energy)
    scores = softmax(energy)
    return np.einsum("bhtk,hko->bto", scores @ v, wo) + bo, scores


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("scored", [False, True])
def test_attention_is_the_formula_of_vaswani(causal: bool, scored: bool) -> None:
    params = {"num_heads": 2, "key_dim": 3, "value_dim": 4, "causal": causal, "return_attention_scores": scored}
    model = single("attention", {**params, "bias_initializer": "random_normal"}, (5, 6))
    (x,) = draws((2, 5, 6))
    expected = multi_head(model.get_weights(), x, x, causal=causal)
    for got, wanted in zip(run(model, x), expected, strict=False):
        assert_allclose(got, wanted, atol=1e-5)


def test_scores_of_a_query_and_values_of_other_length_have_both_lengths() -> None:
    model = single("attention", {"num_heads": 2, "key_dim": 3, "return_attention_scores": True}, (5, 6), (7, 4))
    query, value = draws((2, 5, 6), (2, 7, 4))
    output, scores = run(model, query, value)
    expected = multi_head(model.get_weights(), query, value)
    assert_allclose(output, expected[0], atol=1e-5)
    assert_allclose(scores, expected[1], atol=1e-5)
    assert model.outputs[1].shape == (None, 2, 5, 7)


def test_scores_of_causal_attention_can_be_an_output_that_is_trained() -> None:
    params = {"num_heads": 2, "key_dim": 3, "causal": True, "return_attention_scores": True, "dropout": 0.1}
    model = single("attention", params, (5, 6))
    model.compile("sgd", ["mse", "mse"])
    x, y, scores = draws((4, 5, 6), (4, 5, 6), (4, 2, 5, 5))
    assert np.isfinite(model.train_on_batch([x], [y, scores])).all()


def test_a_causal_attention_stays_causal_when_saved(tmp_path: Path) -> None:
    model = again(single("attention", {"num_heads": 1, "key_dim": 3, "causal": True}, (5, 6)), tmp_path)
    (x,) = draws((1, 5, 6))
    changed = x.copy()
    changed[0, 3] += 1
    before, after = run(model, x)[0], run(model, changed)[0]
    assert_allclose(before[:, :3], after[:, :3], atol=1e-6)
    assert np.abs(before[:, 3:] - after[:, 3:]).min() > 1e-6


def test_attention_over_two_axes_sees_all_places() -> None:
    model = single("attention", {"num_heads": 2, "key_dim": 3, "bias_initializer": "random_normal"}, (2, 3, 4))
    (x,) = draws((1, 2, 3, 4))
    flat = multi_head(model.get_weights(), x.reshape(1, 6, 4), x.reshape(1, 6, 4))[0]
    assert_allclose(run(model, x)[0], flat.reshape(1, 2, 3, 4), atol=1e-5)


def test_multiply_adds_of_attention_are_those_counted_by_hand() -> None:
    attention = REGISTRY["attention"].make({"num_heads": 2, "key_dim": 3, "value_dim": 5, "output_shape": 7})
    query, value = Tensor((4, 6)), Tensor((9, 8))
    by_hand = 4 * 6 * 2 * 3 + 9 * 8 * 2 * 3 + 9 * 8 * 2 * 5 + 2 * 4 * 9 * (3 + 5) + 4 * 2 * 5 * 7
    assert attention.macs(query, value) == by_hand == 2152


def test_lengths_may_be_symbolic() -> None:
    time = symbol("T")
    attention = REGISTRY["attention"].make({"num_heads": 2, "key_dim": 3, "return_attention_scores": True})
    output, scores = attention.infer(Tensor((time, 6)))
    assert (output.shape, scores.shape) == ((time, 6), (2, time, time))
    assert attention.macs(Tensor((time, 6))) == 4 * 36 * time + 12 * time * time


# Show-Attend-and-Tell's soft attention, worked out by hand (figures.json, golden_numeric_checks.soft_attention).
A = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
H = [0.5, -0.5]
ALPHA = [0.1000713441, 0.3181915706, 0.5817370853]
Z = [0.6818084294, 0.8999286559]


@pytest.mark.parametrize("several", [False, True])
def test_additive_attention_gives_the_golden_numbers(several: bool) -> None:
    query = [H, H] if several else H
    model = single("additive_attention", {"units": 2, "use_bias": False}, np.shape(query), (3, 2))
    model.set_weights([np.eye(2), np.eye(2) / 2, np.array([[1.0], [2.0]])])
    context, alpha = run(model, [query], [A])
    assert_allclose(alpha[0], [ALPHA, ALPHA] if several else ALPHA, atol=1e-6)
    assert_allclose(context[0], [Z, Z] if several else Z, atol=1e-6)


def test_additive_attention_gives_no_weight_to_masked_places() -> None:
    layer = importable("BahdanauAttention")(units=2)
    query, value = draws((1, 4), (1, 3, 2))
    alpha = np.asarray(layer(query, value, value_mask=np.array([[True, False, True]]))[1])
    assert alpha[0, 1] == 0 and alpha.sum() == pytest.approx(1)


def importable(name: str) -> type[keras.layers.Layer]:
    from archgraph.compiler.layers import LAYERS

    return LAYERS[name]


@pytest.mark.parametrize(("pool", "bias"), [(1, False), (2, True)])
def test_spatial_attention_is_the_formula_of_zhang(pool: int, bias: bool) -> None:
    params = {"key_reduction": 4, "pool": pool, "use_bias": bias, "bias_initializer": "random_normal"}
    model = single("spatial_attention", params, (4, 4, 8))
    (x,) = draws((1, 4, 4, 8))
    assert_allclose(run(model, x)[0], x, atol=0)  # gamma starts at 0
    model.layers[-1].gamma.assign(0.7)
    weights = {w.name: np.asarray(w) for w in model.layers[-1].weights}

    def mapped(name: str, cells: np.ndarray) -> np.ndarray:
        return cells @ weights[f"{name}_kernel"] + weights.get(f"{name}_bias", 0)

    def pooled(y: np.ndarray) -> np.ndarray:
        return y.reshape(4 // pool, pool, 4 // pool, pool, -1).max((1, 3)).reshape(-1, y.shape[-1])

    g, f, h = mapped("query", x[0]).reshape(16, 2), pooled(mapped("key", x[0])), pooled(mapped("value", x[0]))
    o = mapped("output", softmax(g @ f.T) @ h)
    assert_allclose(run(model, x)[0][0], x[0] + 0.7 * o.reshape(4, 4, 8), atol=1e-5)


def test_spectrally_normalised_maps_approach_the_largest_singular_value() -> None:
    model = single("spatial_attention", {"spectral_norm": True, "key_reduction": 2}, (4, 6))
    layer, (x,) = model.layers[-1], draws((1, 4, 6))
    for _ in range(200):
        run(model, x, training=True)
    for name, (kernel, _) in layer.maps.items():
        right = np.linalg.svd(np.asarray(kernel))[2][0]
        assert abs(np.asarray(layer.vectors[name])[0] @ right) == pytest.approx(1, abs=1e-3)
    vectors = [np.asarray(v) for v in layer.vectors.values()]
    run(model, x)
    assert all((np.asarray(v) == old).all() for v, old in zip(layer.vectors.values(), vectors, strict=True))


@pytest.mark.parametrize("op", ["spatial_attention", "additive_attention"])
def test_kernels_of_one_layer_start_with_different_numbers(op: str) -> None:
    params, shapes = {
        "spatial_attention": ({"kernel_initializer": "he_normal"}, [(2, 2, 8)]),
        "additive_attention": ({"units": 4, "kernel_initializer": "he_normal"}, [(4,), (3, 4)]),
    }[op]
    weights = single(op, params, *shapes).layers[-1].weights
    first, second = [np.asarray(w) for w in weights if "kernel" in w.name][:2]
    assert first.shape == second.shape and np.abs(first - second).max() > 0.01


REFUSED = [
    ("attention", {"num_heads": 1, "key_dim": 2}, [(5,)], "AG301", "axes"),
    ("attention", {"num_heads": 1, "key_dim": 2}, [(5, 3), (4, 4, 3)], "AG301", "equally many axes"),
    ("attention", {"num_heads": 1, "key_dim": 2}, [(5, 3), (4, 3), (6, 3)], "AG303", "positions of key and value"),
    ("attention", {"num_heads": 1, "key_dim": 2}, [(5, 3), None, (6, 3)], "AG403", "key but no value"),
    ("attention", {"num_heads": 1, "key_dim": 2, "causal": True}, [(5, 3, 3)], "AG802", "one axis of positions"),
    ("additive_attention", {"units": 1}, [(5,), (4, 4, 3)], "AG301", "(4, 4, 3)"),
    ("additive_attention", {"units": 1}, [(5, 5, 5), (4, 3)], "AG301", "(5, 5, 5)"),
    ("spatial_attention", {}, [(8, 8, 4)], "AG304", "4 channels divided by 8"),
    ("spatial_attention", {"pool": 9}, [(8, 8, 8)], "AG304", "9"),
    ("spatial_attention", {}, [(8,)], "AG301", "(8,)"),
]


@pytest.mark.parametrize(("op", "params", "shapes", "code", "words"), REFUSED)
def test_what_cannot_be_computed_is_refused(op: str, params: dict, shapes: list, code: str, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        REGISTRY[op].make(params).infer(*[shape and Tensor(shape) for shape in shapes])
    assert caught.value.code == code and words in caught.value.message


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(Rejected, match="int32"):
        REGISTRY["attention"].make({"num_heads": 1, "key_dim": 2}).infer(Tensor((5, 3), "int32"))
