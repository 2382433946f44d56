"""Merges against numpy and against Keras's own refusals; shortcuts against arithmetic by hand."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler.layers import LAYERS
from archgraph.diagnostics import Rejected
from archgraph.shapes import Shape, Tensor, symbol
from archgraph.vocabulary.merging import stride_between
from tests.compiler.layers.trial import check_half_precision, check_saving, make, run, run_composed, symbolic

H, W = symbol("H"), symbol("W")
EVEN = symbol("E", multiple_of=4)

FORMULAS = {
    "add": sum,
    "multiply": lambda xs: np.prod(np.broadcast_arrays(*xs), axis=0),
    "average": lambda xs: sum(xs) / len(xs),
    "maximum": lambda xs: np.max(np.broadcast_arrays(*xs), axis=0),
    "minimum": lambda xs: np.min(np.broadcast_arrays(*xs), axis=0),
    "subtract": lambda xs: xs[0] - xs[1],
}
KERAS = {"add": "Add", "multiply": "Multiply", "average": "Average", "maximum": "Maximum", "minimum": "Minimum"}

TOGETHER: list[tuple[list[Shape], Shape]] = [
    ([(4, 5, 3), (4, 5, 3)], (4, 5, 3)),
    ([(4, 5, 3), (1, 1, 3)], (4, 5, 3)),
    ([(1, 1, 3), (4, 5, 3)], (4, 5, 3)),
    ([(4, 1), (1, 3)], (4, 3)),
    ([(4, 5, 3), (3,)], (4, 5, 3)),
    ([(3,), (4, 5, 3)], (4, 5, 3)),
    ([(5, 3), (4, 5, 1)], (4, 5, 3)),
]
APART: list[list[Shape]] = [
    [(4, 5, 3), (4, 5, 4)],
    [(4, 3), (5, 3)],
    [(4, 5, 3), (4,)],
    [(2, 3), (3, 2)],
    [(4, 5, 3), (4, 5)],
]


def arrays(*shapes: Shape) -> list[np.ndarray]:
    """Random batches of two examples with `shapes`."""
    rng = np.random.default_rng(1)
    return [rng.normal(size=(2, *shape)).astype("float32") for shape in shapes]


def stretched(x: np.ndarray, rank: int) -> np.ndarray:
    """`x` with axes of size 1 after the batch, so that numpy aligns it as Keras does."""
    return x.reshape(x.shape[0], *(1,) * (rank + 1 - x.ndim), *x.shape[1:])


@pytest.mark.parametrize(("shapes", "output"), TOGETHER)
@pytest.mark.parametrize("op", FORMULAS)
def test_element_by_element_with_stretching(op: str, shapes: list[Shape], output: Shape) -> None:
    assert make(op).infer(*map(Tensor, shapes)) == Tensor(output)
    terms = arrays(*shapes)
    expected = FORMULAS[op]([stretched(term, len(output)) for term in terms])
    np.testing.assert_allclose(run(make(op), *terms), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shapes", APART)
@pytest.mark.parametrize("op", FORMULAS)
def test_what_keras_refuses_is_refused_first(op: str, shapes: list[Shape]) -> None:
    with pytest.raises(Rejected) as caught:
        make(op).infer(*map(Tensor, shapes))
    assert caught.value.code == "AG303"
    assert caught.value.hint
    layer = getattr(keras.layers, op.capitalize())()
    with pytest.raises(ValueError, match="incompatible shapes"):
        layer([keras.KerasTensor((None, *shape)) for shape in shapes])


@pytest.mark.parametrize("op", KERAS)
@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_terms_from_one_on(op: str, count: int) -> None:
    terms = arrays(*[(4, 3)] * count)
    np.testing.assert_allclose(run(make(op), *terms), FORMULAS[op](terms), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("op", "count"), [("add", 0), ("concat", 0), ("dense_concat", 0), ("subtract", 1), ("subtract", 3), ("dot", 3)]
)
def test_a_wrong_number_of_inputs_is_refused(op: str, count: int) -> None:
    with pytest.raises(Rejected) as caught:
        make(op).infer(*[Tensor((4,))] * count)
    assert caught.value.code == "AG403"
    assert f"got {count}" in caught.value.message


def test_the_refusal_says_what_was_received_and_what_to_do() -> None:
    with pytest.raises(Rejected) as caught:
        make("add").infer(Tensor((8, 8, 3)), Tensor((8, 8, 4)))
    assert caught.value.message == "cannot add (8, 8, 3) and (8, 8, 4): 3 and 4 differ"
    assert caught.value.hint == "use skip, or project one side with a 1x1 conv"


def test_symbolic_sizes_must_be_provably_equal() -> None:
    add = make("add")
    assert add.infer(Tensor((H, W, 3)), Tensor((H, 1, 3))) == Tensor((H, W, 3))
    assert symbolic(add, (None, None, 3), (None, 1, 3)) == (None, None, 3)
    with pytest.raises(Rejected) as caught:
        add.infer(Tensor((H, 3)), Tensor((W, 3)))
    assert caught.value.code == "AG305"
    with pytest.raises(Rejected) as caught:
        add.infer(Tensor((H, 3)), Tensor((H + 1, 3)))
    assert caught.value.code == "AG303"


@pytest.mark.parametrize("op", [*FORMULAS, "concat", "dense_concat", "dot"])
def test_whole_numbers_are_refused(op: str) -> None:
    with pytest.raises(Rejected, match="must hold floating-point numbers, got int32") as caught:
        make(op).infer(Tensor((4,)), Tensor((4,), "int32"))
    assert caught.value.code == "AG306"


@pytest.mark.parametrize(
    ("axis", "shapes", "output"),
    [
        (-1, [(4, 5, 3), (4, 5, 1)], (4, 5, 4)),
        (1, [(4, 5), (2, 5), (1, 5)], (7, 5)),
        (2, [(4, 5, 3), (4, 2, 3)], (4, 7, 3)),
        (-3, [(4, 5, 3), (1, 5, 3)], (5, 5, 3)),
        (-1, [(4, 5)], (4, 5)),
    ],
)
def test_concat_lays_end_to_end(axis: int, shapes: list[Shape], output: Shape) -> None:
    concat, maps = make("concat", axis=axis), arrays(*shapes)
    assert concat.infer(*map(Tensor, shapes)) == Tensor(output)
    np.testing.assert_array_equal(run(concat, *maps), np.concatenate(maps, axis=axis))


def test_concat_adds_symbolic_sizes() -> None:
    joined = make("concat", axis=1).infer(Tensor((H, 3)), Tensor((2, 3)), Tensor((W, 3)))
    assert joined == Tensor((H + W + 2, 3))
    assert symbolic(make("concat", axis=1), (None, 3), (2, 3), (None, 3)) == (None, 3)


def test_dense_concat_stacks_channels() -> None:
    maps = arrays((4, 4, 3), (4, 4, 2), (4, 4, 2))
    assert make("dense_concat").infer(Tensor((H, H, 3)), Tensor((H, H, 2))) == Tensor((H, H, 5))
    np.testing.assert_array_equal(run(make("dense_concat"), *maps), np.concatenate(maps, -1))


@pytest.mark.parametrize(
    ("op", "params", "shapes", "code"),
    [
        ("concat", {}, [(4, 5, 3), (4, 4, 3)], "AG303"),
        ("concat", {}, [(4, 3), (3,)], "AG301"),
        ("concat", {"axis": 0}, [(4, 3), (4, 3)], "AG201"),
        ("concat", {"axis": -3}, [(4, 3), (4, 3)], "AG201"),
        ("concat", {}, [(H, 3), (W, 3)], "AG305"),
        ("concat", {}, [(), ()], "AG301"),
        ("dense_concat", {}, [(4, 4, 3), (2, 2, 3)], "AG303"),
        ("dot", {}, [(4,), (5,)], "AG303"),
        ("dot", {"axes": [1, 1]}, [(4, 5), (5, 4)], "AG303"),
        ("dot", {"axes": 2}, [(4, 5), (5,)], "AG201"),
        ("dot", {"axes": [0, 1]}, [(4,), (4,)], "AG201"),
        ("dot", {}, [(H,), (W,)], "AG305"),
        ("dot", {}, [(), (3,)], "AG301"),
    ],
)
def test_disagreeing_axes_are_refused(op: str, params: dict[str, Any], shapes: list[Shape], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        make(op, **params).infer(*map(Tensor, shapes))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("axes", "shapes", "formula", "macs"),
    [
        (-1, [(8,), (8,)], "bn,bn->b", 8),
        (1, [(8,), (8,)], "bn,bn->b", 8),
        ([1, 2], [(8,), (7, 8)], "bn,bkn->bk", 56),
        ([2, 1], [(7, 8), (8,)], "bkn,bn->bk", 56),
        (-1, [(5, 8), (7, 8)], "btn,bsn->bts", 280),
        ([2, 1], [(5, 8), (8, 6)], "btn,bns->bts", 240),
        ([-2, 1], [(5, 8), (5, 6)], "bnt,bns->bts", 240),
        ([1, 2], [(3, 4, 5), (6, 3)], "bnij,bkn->bijk", 360),
    ],
)
def test_dot_multiplies_and_sums(axes: Any, shapes: list[Shape], formula: str, macs: int) -> None:
    dot, terms = make("dot", axes=axes), arrays(*shapes)
    expected = np.einsum(formula, *terms)
    expected = expected[:, None] if expected.ndim == 1 else expected
    np.testing.assert_allclose(run(dot, *terms), expected, rtol=1e-4, atol=1e-5)
    assert dot.infer(*map(Tensor, shapes)) == Tensor(expected.shape[1:])
    assert dot.macs(*map(Tensor, shapes)) == macs


def test_normalised_dot_is_the_cosine() -> None:
    x, y = arrays((8,), (8,))
    cosine = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    np.testing.assert_allclose(run(make("dot", normalize=True), x, y)[:, 0], cosine, rtol=1e-5)


def test_dot_of_sequences_of_unknown_length() -> None:
    assert make("dot").infer(Tensor((H, 8)), Tensor((W, 8))) == Tensor((H, W))
    assert symbolic(make("dot"), (None, 8), (None, 8)) == (None, None)


# --- shortcuts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "filters", "strides"),
    [((7, 8, 3), 5, 2), ((7, 8, 3), 3, [1, 3]), ((9, 2), 4, 2), ((4, 4, 4, 2), 3, [1, 2, 4]), ((3,), 5, 1)],
)
def test_the_identity_shortcut_thins_out_and_appends_zeros(shape: Shape, filters: int, strides: Any) -> None:
    (x,) = arrays(shape)
    steps = strides if isinstance(strides, list) else [strides] * (len(shape) - 1)
    thin = x[(slice(None), *(slice(None, None, step) for step in steps))]
    padded = np.concatenate([thin, np.zeros((*thin.shape[:-1], filters - shape[-1]), "float32")], -1)
    shortcut = make("identity_shortcut", filters=filters, strides=strides)
    np.testing.assert_array_equal(run(shortcut, x), padded)
    assert shortcut.infer(Tensor(shape)) == Tensor(padded.shape[1:])


def test_the_identity_shortcut_survives_saving_and_half_precision(tmp_path: Path) -> None:
    check_saving(LAYERS["IdentityShortcut"](5, [2, 1], name="layer"), arrays((7, 8, 3)), tmp_path)
    check_half_precision(make("identity_shortcut", filters=5, strides=2), *arrays((7, 8, 3)))


def test_the_identity_shortcut_of_unknown_sizes() -> None:
    shortcut = make("identity_shortcut", filters=5, strides=2)
    assert shortcut.infer(Tensor((EVEN, 8, 3))) == Tensor((EVEN // 2, 4, 5))
    assert symbolic(shortcut, (None, 8, 3)) == (None, 4, 5)


@pytest.mark.parametrize(
    ("before", "after", "stride"),
    [(8, 8, 1), (8, 4, 2), (7, 4, 2), (5, 2, 3), (8, 3, 3), (8, 1, 8), (56, 7, 8), (8, 5, None), (8, 9, None)],
)
def test_a_stride_is_found_where_rounding_up_gives_the_size(before: int, after: int, stride: int | None) -> None:
    assert stride_between(before, after) == stride
    fitting = [step for step in range(1, before + 1) if -(-before // step) == after]
    assert (fitting[0] if fitting else None) == stride


def test_a_stride_is_found_for_symbolic_sizes_by_proof() -> None:
    assert stride_between(H, -(-H // 2)) == 2
    assert stride_between(EVEN, EVEN // 4) == 4
    assert stride_between(H, W) is None


def test_skip_between_equal_shapes_is_a_sum_without_weights() -> None:
    x, residual = arrays((4, 4, 3), (4, 4, 3))
    for shortcut in ("A", "B"):
        y, layers = run_composed(make("skip", shortcut=shortcut), x, residual)
        np.testing.assert_allclose(y, x + residual, rtol=1e-6)
        assert list(layers) == [""]


def test_skip_a_pads_with_zero_channels() -> None:
    x, residual = arrays((7, 8, 3), (4, 4, 5))
    y, layers = run_composed(make("skip", shortcut="A"), x, residual)
    expected = residual.copy()
    expected[..., :3] += x[:, ::2, ::2]
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    assert not any(layer.weights for layer in layers.values())


@pytest.mark.parametrize(
    ("shortcut", "shapes", "step"),
    [
        ("B", [(7, 8, 3), (4, 4, 5)], 2),
        ("B", [(6, 3), (6, 5)], 1),
        ("B", [(6, 6, 3), (3, 3, 3)], 2),
        ("B", [(4, 4, 4, 2), (2, 2, 2, 3)], 2),
        ("C", [(4, 4, 3), (4, 4, 3)], 1),
        ("B", [(3,), (5,)], 1),
        ("C", [(3,), (3,)], 1),
    ],
)
def test_skip_projects_with_strided_weights(shortcut: str, shapes: list[Shape], step: int) -> None:
    x, residual = arrays(*shapes)
    y, layers = run_composed(make("skip", shortcut=shortcut), x, residual)
    kernel, bias = layers["shortcut"].get_weights()
    thin = x[(slice(None), *(slice(None, None, step),) * (len(shapes[0]) - 1))]
    np.testing.assert_allclose(y, residual + thin @ kernel.reshape(shapes[0][-1], -1) + bias, rtol=1e-4, atol=1e-5)


def test_skip_normalises_its_projection_and_passes_on_how_it_starts() -> None:
    params = {"projection_norm": {"op": "batch_norm", "epsilon": 1e-5}, "kernel_initializer": "ones"}
    x, residual = arrays((4, 4, 3), (2, 2, 5))
    skip = make("skip", kernel_regularizer={"l2": 0.5}, **params)
    y, layers = run_composed(skip, x, residual)
    projected = x[:, ::2, ::2].sum(-1, keepdims=True) / np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(y, residual + projected, rtol=1e-4, atol=1e-5)
    assert [weight.name for weight in layers["shortcut"].weights] == ["kernel"]
    np.testing.assert_allclose(layers["shortcut"].losses[0], 0.5 * 15)


def test_skip_takes_a_stride_that_its_shapes_leave_open() -> None:
    x, residual = arrays((5, 1), (2, 1))
    y, _ = run_composed(make("skip", shortcut="A", strides=4), x, residual)
    np.testing.assert_allclose(y, residual + x[:, ::4], rtol=1e-6)


@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_skip_with_symbolic_sizes(shortcut: str) -> None:
    x, residual = Tensor((EVEN, H, 3)), Tensor((EVEN // 2, -(-H // 2), 5))
    skip = make("skip", shortcut=shortcut)
    assert skip.infer(x, residual) == residual
    composition = skip.compose(x, residual)
    assert composition is not None
    assert composition.steps[0].primitive.infer(x) == residual


@pytest.mark.parametrize(
    ("params", "shapes", "code", "field"),
    [
        ({}, [(8, 8, 3), (5, 5, 3)], "AG303", ""),
        ({}, [(4, 4, 3), (8, 8, 3)], "AG303", ""),
        ({}, [(4, 4, 3), (4, 3)], "AG301", ""),
        ({}, [(), ()], "AG301", ""),
        ({"shortcut": "A"}, [(4, 4, 5), (4, 4, 3)], "AG303", "/shortcut"),
        ({}, [(2, 2, 2, 2, 3), (2, 2, 2, 2, 5)], "AG301", ""),
        ({"strides": 2}, [(8, 8, 3), (8, 8, 3)], "AG303", ""),
        ({"strides": [2, 2, 2]}, [(8, 8, 3), (4, 4, 3)], "AG301", "/strides"),
        ({}, [(H, 3), (W, 3)], "AG305", ""),
        ({}, [(4, 3), (4, H)], "AG302", ""),
        ({}, [(4, H), (4, 3)], "AG302", ""),
        ({"shortcut": "C"}, [(4, H), (4, H)], "AG302", ""),
    ],
)
def test_skip_refuses_what_no_shortcut_fits(params: dict[str, Any], shapes: list[Shape], code: str, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        make("skip", **params).infer(*map(Tensor, shapes))
    assert (caught.value.code, caught.value.field) == (code, field)


def test_the_identity_shortcut_drops_no_channels() -> None:
    with pytest.raises(Rejected, match="cannot drop channels: 5 in, 3 out"):
        make("identity_shortcut", filters=3).infer(Tensor((4, 4, 5)))
