"""Gates against their formulas in numpy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.diagnostics import Rejected
from archgraph.shapes import Shape, Tensor, symbol
from tests.compiler.layers.trial import check_half_precision, check_mask, check_saving, layer_for, make, run, symbolic

H, W = symbol("H"), symbol("W")


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def arrays(*shapes: Shape) -> list[np.ndarray]:
    """Random batches of two examples with `shapes`."""
    rng = np.random.default_rng(1)
    return [rng.normal(size=(2, *shape)).astype("float32") for shape in shapes]


@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 1, 6), (4, 5, 1), (6,), (5, 6)])
def test_a_multiplicative_gate_scales_and_stretches(shape: Shape) -> None:
    x, gate = arrays((4, 5, 6), shape)
    stretched = gate.reshape(2, *(1,) * (4 - gate.ndim), *shape)
    np.testing.assert_allclose(run(make("gate"), x, gate), x * sigmoid(stretched), rtol=1e-5)
    assert make("gate").infer(Tensor((4, 5, 6)), Tensor(shape)) == Tensor((4, 5, 6))


@pytest.mark.parametrize("shape", [(5, 6), (5, 1), (6,)])
def test_a_highway_gate_chooses_between_old_and_new(shape: Shape) -> None:
    x, gate, h = arrays((5, 6), shape, (5, 6))
    share = sigmoid(gate if gate.ndim == 3 else gate[:, None])
    expected = share * h + (1 - share) * x
    np.testing.assert_allclose(run(make("gate", kind="highway"), x, gate, h), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("signal", "kept"), [(30.0, "h"), (-30.0, "x")])
def test_a_highway_carries_or_transforms_wholly(signal: float, kept: str) -> None:
    x, h = arrays((6,), (6,))
    y = run(make("gate", kind="highway"), x, np.full_like(x, signal), h)
    np.testing.assert_allclose(y, {"x": x, "h": h}[kept], rtol=1e-6)


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * sigmoid(x),
    "linear": lambda x: x,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
}


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("shape", [(6,), (4, 6), (3, 4, 2)])
def test_glu_gates_the_first_half_with_the_second(activation: str, shape: Shape) -> None:
    (x,) = arrays(shape)
    half = shape[-1] // 2
    expected = x[..., :half] * FUNCTIONS[activation](x[..., half:])
    glu = make("gate", kind="glu", activation=activation)
    np.testing.assert_allclose(run(glu, x), expected, rtol=1e-5, atol=1e-6)
    assert glu.infer(Tensor(shape)) == Tensor((*shape[:-1], half))


KINDS: list[tuple[str, list[Shape]]] = [
    ("multiplicative", [(4, 5, 6), (1, 1, 6)]),
    ("highway", [(5, 6), (5, 6), (5, 6)]),
    ("glu", [(5, 6)]),
]


@pytest.mark.parametrize(("kind", "shapes"), KINDS)
def test_gates_survive_saving_and_half_precision(kind: str, shapes: list[Shape], tmp_path: Path) -> None:
    primitive, inputs = make("gate", kind=kind, activation="tanh"), arrays(*shapes)
    check_saving(layer_for(primitive, *inputs), inputs, tmp_path)
    check_half_precision(primitive, *inputs)


def test_unknown_sizes_stay_unknown() -> None:
    assert make("gate").infer(Tensor((H, W, 6)), Tensor((1, 1, 6))) == Tensor((H, W, 6))
    assert symbolic(make("gate"), (None, None, 6), (1, 1, 6)) == (None, None, 6)
    assert symbolic(make("gate", kind="highway"), (None, 6), (None, 6), (None, 6)) == (None, 6)
    assert symbolic(make("gate", kind="glu"), (None, 6)) == (None, 3)


X = Tensor((4, 6))


@pytest.mark.parametrize(
    ("kind", "inputs", "code"),
    [
        ("multiplicative", [X], "AG403"),
        ("multiplicative", [X, None, X], "AG403"),
        ("multiplicative", [X, X, X], "AG403"),
        ("highway", [X, X], "AG403"),
        ("highway", [X, None, X], "AG403"),
        ("glu", [X, X], "AG403"),
        ("multiplicative", [X, Tensor((4, 5))], "AG303"),
        ("multiplicative", [Tensor((1, 6)), X], "AG303"),
        ("multiplicative", [Tensor((6,)), X], "AG303"),
        ("multiplicative", [Tensor((H, 6)), Tensor((W, 6))], "AG305"),
        ("highway", [X, X, Tensor((4, 1))], "AG303"),
        ("highway", [X, X, Tensor((6,))], "AG301"),
        ("highway", [Tensor((H, 6)), X, Tensor((W, 6))], "AG305"),
        ("glu", [Tensor((4, 5))], "AG307"),
        ("glu", [Tensor((4, H))], "AG302"),
        ("glu", [Tensor(())], "AG301"),
        ("glu", [Tensor((4, 6), "int32")], "AG306"),
        ("multiplicative", [X, Tensor((4, 6), "bool")], "AG306"),
        ("highway", [X, X, Tensor((4, 6), "int32")], "AG306"),
    ],
)
def test_bad_combinations_are_refused(kind: str, inputs: list[Any], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        make("gate", kind=kind).infer(*inputs)
    assert caught.value.code == code


def test_a_missing_port_is_named_with_the_way_to_write_it() -> None:
    with pytest.raises(Rejected, match="a highway gate needs the port 'h'") as caught:
        make("gate", kind="highway").infer(X, X)
    assert caught.value.hint == '"in": {"x": "…", "gate": "…", "h": "…"}'


@pytest.mark.parametrize(("kind", "shapes"), [("glu", [(5, 6)]), ("highway", [(5, 6), (5, 6), (5, 6)])])
def test_a_mask_over_steps_is_passed_on(kind: str, shapes: list[Shape]) -> None:
    check_mask(make("gate", kind=kind), *arrays(*shapes))
