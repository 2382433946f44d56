"""What augmentation makes of samples is drawn, and drawing it changes nothing."""

import io

import numpy as np
from matplotlib import image

from archgraph.training import train
from tests.training.conftest import Write

SHIFTED = [{"name": "shift", "by": 0.25}]


def test_the_first_row_is_the_samples_and_the_others_are_not(write: Write) -> None:
    run = train(write(epochs=1, augmentation=SHIFTED), progress=False)
    sheet = image.imread(io.BytesIO((run.path / "augmentation.png").read_bytes()))
    sheet = sheet if sheet.ndim == 2 else sheet[..., 0]
    factor = sheet.shape[1] // (8 * (8 + 2))
    side = 8 * factor
    rows = [
        [sheet[2 + row * (side + 2) :, 2 + column * (side + 2) :][:side, :side] for column in range(8)]
        for row in range(6)
    ]
    again = np.array([[np.abs(one - first).max() for one, first in zip(row, rows[0], strict=True)] for row in rows])
    assert (again[0] == 0).all() and (again[1:] > 0.2).mean() > 0.5
    levels = np.array(rows[0]) * 16
    assert np.abs(levels - levels.round()).max() < 0.07  # rounded to bytes: the digits' own sixteen greys


def test_there_is_none_without_augmentation_and_weights_are_the_same_with_it(write: Write) -> None:
    assert not (train(write(epochs=1), progress=False).path / "augmentation.png").exists()
    path = write(epochs=2, augmentation=SHIFTED)
    seen = train(path, progress=False)
    from archgraph.training import observers

    drawn, observers.augmented.drawn = observers.augmented.drawn, lambda training: None  # type: ignore[attr-defined]
    try:
        unseen = train(path, progress=False)
    finally:
        observers.augmented.drawn = drawn  # type: ignore[attr-defined]
    assert seen.test == unseen.test and not (unseen.path / "augmentation.png").exists()
