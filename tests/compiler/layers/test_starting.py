"""The initialiser of the context module, against the numbers of the paper's equations worked out by hand."""

from pathlib import Path

import keras
import numpy as np
import pytest

from archgraph.compiler.layers.starting import IdentityKernel
from tests.compiler.layers.trial import layer_for, make, run

PICTURE = np.random.default_rng(1).normal(size=(2, 5, 6, 3)).astype("float32")


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_convolution_begins_by_handing_its_maps_on(dilation: int) -> None:
    primitive = make("conv", filters=3, kernel_size=3, dilation_rate=dilation, kernel_initializer="identity_kernel")
    np.testing.assert_allclose(run(primitive, PICTURE), PICTURE, rtol=1e-6)


@pytest.mark.parametrize(
    ("groups", "taken", "given", "expected"),
    [
        (2, 2, 4, [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]),
        (None, 4, 2, [[1, 0], [1, 0], [0, 1], [0, 1]]),
        (2, 4, 4, [[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5]]),
        (None, 2, 2, [[1, 0], [0, 1]]),
    ],
)
def test_maps_of_a_group_share_its_value(groups: int | None, taken: int, given: int, expected: list[list[int]]) -> None:
    kernel = np.asarray(IdentityKernel(groups)((3, 3, taken, given)))
    np.testing.assert_allclose(kernel[1, 1], expected)
    assert np.count_nonzero(kernel) == np.count_nonzero(expected)


def test_the_noise_has_the_deviation_asked_for() -> None:
    kernel = np.array(IdentityKernel(stddev=0.1, seed=1)((5, 5, 20, 20)))
    kernel[2, 2] -= np.eye(20)
    assert abs(kernel.std() - 0.1) < 0.005


def test_it_survives_saving(tmp_path: Path) -> None:
    primitive = make("conv", filters=3, kernel_size=3, kernel_initializer={"name": "identity_kernel", "stddev": 0.1})
    layer = layer_for(primitive, PICTURE)
    source = keras.Input((5, 6, 3))
    keras.Model(source, layer(source)).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").get_layer(layer.name)
    assert loaded.kernel_initializer.get_config() == layer.kernel_initializer.get_config()
