"""Radial basis units against the equation of the paper."""

from pathlib import Path

import keras
import numpy as np
import pytest

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor
from tests.compiler.layers.trial import check_half_precision, check_saving, layer_for, make, run

X = np.array([[1, -1, 1], [0, 0.5, -1]], "float32")


def test_the_output_is_the_squared_distance_to_each_code() -> None:
    layer = layer_for(make("radial_basis", units=2), X)
    layer(X)
    layer.set_weights([np.array([[1, -1, 1], [-1, -1, 1]], "float32")])
    # Row 2 to code 1: 1 + 2.25 + 4; to code 2 the same, for its first number is 0
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(X)), [[0, 4], [7.25, 7.25]], rtol=1e-6)


def test_fixed_codes_are_signs_and_not_trained() -> None:
    layer = layer_for(make("radial_basis", units=50, trainable=False), X)
    layer(X)
    assert layer.trainable_weights == []
    (codes,) = layer.get_weights()
    assert set(np.unique(codes)) == {-1, 1}
    assert 50 < (codes > 0).sum() < 100


def test_it_serves_every_step_of_a_sequence() -> None:
    assert run(make("radial_basis", units=4), np.stack([X, X])).shape == (2, 2, 4)


def test_a_scalar_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        make("radial_basis", units=4).infer(Tensor(()))
    assert caught.value.code == "AG301"


@pytest.mark.parametrize("trainable", [True, False])
def test_it_survives_saving_and_half_precision(trainable: bool, tmp_path: Path) -> None:
    primitive = make("radial_basis", units=4, trainable=trainable, codes_regularizer={"l2": 0.1})
    check_saving(layer_for(primitive, X), [X], tmp_path)
    check_half_precision(primitive, X)
