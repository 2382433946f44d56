"""The learned factor and offset, against products worked out in NumPy."""

from pathlib import Path

import numpy as np
import pytest

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor, symbol
from tests.compiler.layers.trial import check_half_precision, check_mask, check_saving, layer_for, make, run

FILM = np.random.default_rng(1).normal(size=(3, 5, 4, 2)).astype("float32")


def test_nothing_changes_before_training() -> None:
    np.testing.assert_array_equal(run(make("affine"), FILM), FILM)


@pytest.mark.parametrize(("axis", "shape"), [(-1, (2,)), (1, (5,)), ([1, 3], (5, 2)), ([-1, 1], (5, 2))])
def test_every_place_along_the_axes_has_numbers_of_its_own(axis: int | list[int], shape: tuple[int, ...]) -> None:
    layer = layer_for(make("affine", axis=axis), FILM)
    layer.build(FILM.shape)
    gamma, beta = np.random.default_rng(2).normal(size=(2, *shape)).astype("float32")
    layer.set_weights([gamma, beta])
    letters = {(2,): "d", (5,): "b", (5, 2): "bd"}[shape]
    offsets = np.einsum(f"abcd,{letters}->abcd", np.ones_like(FILM), beta)
    expected = np.einsum(f"abcd,{letters}->abcd", FILM, gamma) + offsets
    np.testing.assert_allclose(layer(FILM), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("params", "factor", "offset"), [({"center": False}, 3, 0), ({"scale": False}, 1, 2)])
def test_factor_or_offset_can_be_left_out(params: dict[str, bool], factor: float, offset: float) -> None:
    starts = {name: {"name": "constant", "value": value} for name, value in
              (("gamma_initializer", 3), ("beta_initializer", 2))}  # fmt: skip
    np.testing.assert_allclose(run(make("affine", **params, **starts), FILM), factor * FILM + offset, rtol=1e-6)


def test_a_layer_with_neither_is_refused() -> None:
    with pytest.raises(Rejected, match="nothing is left to do") as caught:
        make("affine", center=False, scale=False).infer(Tensor((3,)))
    assert caught.value.code == "AG210"


def test_the_sizes_that_weights_depend_on_must_be_known() -> None:
    with pytest.raises(Rejected) as caught:
        make("affine", axis=1).infer(Tensor((symbol("T"), 3)))
    assert caught.value.code == "AG302"
    assert make("affine").infer(Tensor((symbol("T"), 3))) == Tensor((symbol("T"), 3))


def test_it_survives_saving_masks_and_half_precision(tmp_path: Path) -> None:
    primitive = make("affine", axis=[1, -1], gamma_regularizer={"l2": 0.1}, beta_initializer="ones")
    check_saving(layer_for(primitive, FILM), [FILM], tmp_path)
    check_half_precision(primitive, FILM)
    check_mask(make("affine"), FILM[0])
