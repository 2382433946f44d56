"""The convolution with a table of connections against a full one whose missing weights are zero."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor
from tests.compiler.layers.trial import check_half_precision, check_saving, layer_for, make, run, symbolic

TABLE = [[0, 1], [1, 2], [2], [0, 1, 2]]
PICTURE = np.random.default_rng(0).normal(size=(2, 9, 8, 3)).astype("float32")


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"padding": "valid"},
        {"strides": 2},
        {"strides": [2, 3], "padding": "valid"},
        {"dilation_rate": 2, "padding": "valid"},
        {"use_bias": False},
    ],
    ids=str,
)
def test_it_is_a_full_convolution_without_the_missing_weights(rest: dict[str, Any]) -> None:
    layer = layer_for(make("conv", filters=4, kernel_size=3, connections=TABLE, **rest), PICTURE)
    outputs = keras.ops.convert_to_numpy(layer(PICTURE))
    full = layer_for(make("conv", filters=4, kernel_size=3, **rest), PICTURE)
    full(PICTURE)
    kernel, *bias = layer.get_weights()
    spread, number = np.zeros((3, 3, 3, 4), "float32"), 0
    for made, read in enumerate(TABLE):
        for channel in read:
            spread[:, :, channel, made] = kernel[:, :, number]
            number += 1
    full.set_weights([spread, *bias])
    np.testing.assert_allclose(outputs, keras.ops.convert_to_numpy(full(PICTURE)), rtol=1e-5, atol=1e-5)


def test_a_channel_that_is_not_listed_is_not_read() -> None:
    primitive, other = make("conv", filters=4, kernel_size=3, connections=TABLE), PICTURE.copy()
    other[..., 0] += 1
    assert np.ptp(np.abs(run(primitive, PICTURE) - run(primitive, other)), axis=(0, 1, 2)).astype(bool).tolist() == [
        True,
        False,
        False,
        True,
    ]


def test_sizes_may_be_unknown() -> None:
    primitive = make("conv", filters=4, kernel_size=3, strides=2, padding="valid", connections=TABLE)
    assert symbolic(primitive, (None, 9, 3)) == (None, 4, 4)


def test_it_survives_saving_and_half_precision(tmp_path: Path) -> None:
    primitive = make("conv", filters=4, kernel_size=3, connections=TABLE, kernel_regularizer={"l2": 0.1})
    check_saving(layer_for(primitive, PICTURE), [PICTURE], tmp_path)
    check_half_precision(primitive, PICTURE)


@pytest.mark.parametrize(
    ("rest", "code", "field", "words"),
    [
        ({"connections": [[0]]}, "AG210", "/connections", "one list for each of the 4 filters, got 1"),
        ({"connections": [[0], [1], [2], [3]]}, "AG201", "/connections/3", "0 to 2, got 3"),
        ({"connections": [[0], [1], [2, 2], [0]]}, "AG201", "/connections/2", "twice"),
        ({"groups": 1, "spectral_norm": True}, "AG210", "/spectral_norm", "cannot be combined"),
    ],
)
def test_tables_that_do_not_fit_are_refused(rest: dict[str, Any], code: str, field: str, words: str) -> None:
    primitive = make("conv", **{"filters": 4, "kernel_size": 3, "connections": TABLE, **rest})
    with pytest.raises(Rejected, match=words) as caught:
        primitive.infer(Tensor((8, 8, 3)))
    assert (caught.value.code, caught.value.field) == (code, field)
