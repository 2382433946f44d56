"""When numbers are pictures, and which."""

import numpy as np
import pytest

from archgraph.training.generation.form import picture_form, picture_shape


@pytest.mark.parametrize(
    ("shape", "raw", "picture"),
    [
        ((28, 28, 1), (28, 28, 1), (28, 28, 1)),
        ((16, 16, 3), (), (16, 16, 3)),
        ((8, 8), (8, 8), (8, 8, 1)),
        ((96,), (8, 12, 1), (8, 12, 1)),  # flattened
        ((64,), (16, 16, 1), (8, 8, 1)),  # made smaller, then flattened: a square
        ((63,), (8, 8), None),
        ((2,), (2,), None),
        ((8, 8, 5), (8, 8, 5), None),
    ],
)
def test_the_shape_of_a_sample_as_a_picture(shape: tuple[int, ...], raw: tuple[int, ...], picture: object) -> None:
    assert picture_shape(shape, raw) == picture


def test_black_and_white_are_the_ends_of_the_data() -> None:
    form = picture_form(np.array([[-1.0, 0, 0, 1] * 4]), (4, 4))
    assert form is not None and (form.low, form.high) == (-1, 1)
    np.testing.assert_allclose(form.unit(np.array([[-3.0, -1, 0, 1] * 4])).ravel()[:4], [0, 0, 0.5, 1])
