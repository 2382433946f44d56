"""Narrow forms of the networks that label every pixel learn to map a brain, better than brightness alone can."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.zoo.trained import Array, mean_overlap, samples, trained

pytestmark = pytest.mark.skipif(
    find_spec("nilearn") is None, reason="the volumes of the brain are not installed: pip install --no-deps nilearn"
)


def by_brightness(name: str) -> tuple[float, float]:
    """Accuracy and mean overlap where each of 200 grey values stands for the tissue that has it most in training."""
    train, test = samples(name)

    def level(part: dict[str, Array]) -> Array:
        return np.clip(part["image"][..., 0] / 1.5 * 200, 0, 199).astype(int)

    counts = [np.bincount(level(train)[train["label"] == tissue], minlength=200) for tissue in range(3)]
    given = np.argmax(counts, axis=0)[level(test)]
    return float((given == test["label"]).mean()), mean_overlap(test["label"], given)


def slow(*case: object) -> object:
    """A case for the slow run."""
    return pytest.param(*case, marks=pytest.mark.slow)


CASES = [
    # name, accuracy by brightness and at least, mean overlap by brightness and at least
    pytest.param("unet_mri", (0.83, 0.87), (0.63, 0.70), marks=pytest.mark.slow),  # 0.888 to 0.897, 0.730 to 0.753
    slow("unet_paper", (0.90, 0.92), (0.64, 0.70)),  # 0.937 to 0.943, 0.743 to 0.771
    slow("fcn", (0.65, 0.80), (0.38, 0.58)),  # 0.831 to 0.844, 0.641 to 0.655
    slow("dilated_frontend", (0.65, 0.72), (0.38, 0.45)),  # 0.765 to 0.779, 0.477 to 0.495
]


@pytest.mark.parametrize(("name", "accuracy", "overlap"), CASES)
def test_a_narrow_form_maps_a_brain(
    name: str, accuracy: tuple[float, float], overlap: tuple[float, float], tmp_path: Path
) -> None:
    assert by_brightness(name) == pytest.approx((accuracy[0], overlap[0]), abs=0.01)
    run = trained(name, tmp_path)
    assert run.test["accuracy"] >= accuracy[1]
    assert run.test["mean_io_u"] >= overlap[1]
