"""MADE's masked layers and NADE: what each output may see, and formulas worked out in NumPy."""

from typing import Any

import numpy as np
import pytest

from archgraph.compiler.layers.autoregressive import mask
from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor
from tests.compiler.layers.trial import layer_for, make, run

RNG = np.random.default_rng(1)


def test_masks_are_those_of_the_paper() -> None:
    # Germain et al. 2015, equations 12 and 13, for D = 3 and hidden degrees 1, 1, 2, 2: m(k) >= d, then d > m(k)
    np.testing.assert_array_equal(mask(3, 4, 3, "input"), [[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]])
    np.testing.assert_array_equal(mask(4, 3, 3, "output"), [[0, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 1]])
    np.testing.assert_array_equal(mask(4, 2, 3, "hidden"), [[1, 1], [1, 1], [0, 1], [0, 1]])
    np.testing.assert_array_equal(mask(3, 3, 3, "direct"), [[0, 1, 1], [0, 0, 1], [0, 0, 0]])


def test_runs_of_numbers_stand_for_one_variable() -> None:
    np.testing.assert_array_equal(mask(4, 6, 2, "direct"), [[0] * 3 + [1] * 3] * 2 + [[0] * 6] * 2)


def stack(kinds: list[tuple[str, int]], steps: int) -> Any:
    """A function that applies masked layers of these kinds and sizes in turn, with random weights."""
    layers: list[Any] = []

    def apply(x: np.ndarray) -> np.ndarray:
        made = iter(layers)
        for kind, units in kinds:
            layer = next(made, None)
            if layer is None:
                layer = layer_for(make("masked_dense", units=units, steps=steps, kind=kind), x)
                layer.build(x.shape)
                layer.set_weights([RNG.uniform(0.5, 1, size=w.shape) for w in layer.get_weights()])
                layers.append(layer)
            x = np.asarray(layer(x))
        return x

    return apply


def seen(apply: Any, size: int) -> np.ndarray:
    """Which input (rows) each output (columns) depends on."""
    x = RNG.normal(size=(1, size)).astype("float32")
    return np.stack([np.abs(apply(x + row[None]) - apply(x))[0] > 1e-6 for row in np.eye(size, dtype="float32")])


@pytest.mark.parametrize("hidden", [[9], [9, 7], [3], [20, 4, 11]])
def test_an_output_of_made_depends_on_none_but_earlier_inputs(hidden: list[int]) -> None:
    kinds = [("input", hidden[0]), *[("hidden", size) for size in hidden[1:]], ("output", 6)]
    looks = seen(stack(kinds, 6), 6)
    assert not np.tril(looks).any()


def test_with_enough_units_an_output_of_made_depends_on_all_earlier_inputs() -> None:
    looks = seen(stack([("input", 10), ("hidden", 5), ("output", 6)], 6), 6)
    np.testing.assert_array_equal(looks, np.triu(np.ones((6, 6)), 1) > 0)


def test_a_masked_layer_is_a_product_with_the_masked_kernel() -> None:
    x = RNG.normal(size=(2, 3)).astype("float32")
    layer = layer_for(make("masked_dense", units=5, steps=3, kind="input"), x)
    layer.build(x.shape)
    kernel, bias = RNG.normal(size=(3, 5)), RNG.normal(size=5)
    layer.set_weights([kernel, bias])
    np.testing.assert_allclose(layer(x), x @ (kernel * mask(3, 5, 3, "input")) + bias, rtol=1e-4, atol=1e-5)


def test_penalties_of_a_masked_layer_reach_the_loss() -> None:
    params = {"kernel_initializer": "ones", "kernel_regularizer": {"l2": 0.5}, "activity_regularizer": {"l1": 1}}
    x = np.ones((1, 2), "float32")
    layer = layer_for(make("masked_dense", units=2, steps=2, kind="direct", **params), x)
    layer(x)
    # the output is (0, 1); masked weights are penalised like the others
    assert sorted(float(loss) for loss in layer.losses) == [1, 0.5 * 4]


def test_nade_is_its_formula() -> None:
    x = RNG.normal(size=(3, 5)).astype("float32")
    layer = layer_for(make("nade", units=4), x)
    layer.build(x.shape)
    w, v, c, b = (RNG.normal(size=shape) for shape in ((5, 4), (5, 4), (4,), (5,)))
    layer.set_weights([w, v, c, b])
    expected = np.empty((3, 5))
    for d in range(5):  # Larochelle & Murray 2011, algorithm 1
        hidden = 1 / (1 + np.exp(-(x[:, :d] @ w[:d] + c)))
        expected[:, d] = hidden @ v[d] + b[d]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_nade_and_made_of_one_size_have_equally_many_weights() -> None:
    # 784 numbers, 500 hidden units: W, V and two biases (Larochelle & Murray 2011; Germain et al. 2015)
    made = sum(
        np.prod(weight.shape)
        for size, units, kind in ((784, 500, "input"), (500, 784, "output"))
        for weight in make("masked_dense", units=units, steps=784, kind=kind).weights(Tensor((size,)))
    )
    nade = sum(np.prod(weight.shape) for weight in make("nade", units=500).weights(Tensor((784,))))
    assert made == nade == 785_284


@pytest.mark.parametrize(
    ("params", "shape", "code"),
    [
        ({"units": 4, "steps": 3, "kind": "input"}, (4,), "AG307"),
        ({"units": 4, "steps": 3, "kind": "output"}, (5,), "AG307"),
        ({"units": 4, "steps": 2, "kind": "direct"}, (3,), "AG307"),
        ({"units": 4, "steps": 2, "kind": "hidden"}, (), "AG301"),
    ],
)
def test_sizes_that_stand_for_nothing_are_refused(params: dict[str, Any], shape: tuple[int, ...], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        make("masked_dense", **params).infer(Tensor(shape))
    assert caught.value.code == code


def test_nade_of_zeros_knows_nothing() -> None:
    zeros = {"kernel_initializer": "zeros"}
    np.testing.assert_array_equal(run(make("nade", units=3, **zeros), np.ones((2, 4), "float32")), np.zeros((2, 4)))
