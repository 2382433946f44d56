"""Narrow forms of the classifiers learn real pictures and clips, far better than linear models.

Every least score lies below what three seeds gave (the comments and the experiments' docs), far above the linear model.
"""

from functools import cache
from pathlib import Path

import pytest

from tests.zoo.trained import linear_accuracy, samples, trained


@cache
def linear(name: str, column: str) -> float:
    """What a linear model reaches on the experiment's own samples."""
    train, test = samples(name)
    return linear_accuracy((train[column], train["label"]), (test[column], test["label"]))


# Accuracy on 1,000 digits of MNIST after learning from 4,000
CASES = [
    ("lenet5_original", 0.94),  # 0.952 to 0.960
    ("wide_resnet", 0.96),  # 0.973 to 0.977
    ("resnet_cifar", 0.955),  # 0.967 to 0.971
]


@pytest.mark.parametrize(("name", "least"), CASES)
def test_a_narrow_form_reads_digits(name: str, least: float, tmp_path: Path) -> None:
    baseline = linear("wide_resnet", "image")
    assert 0.88 < baseline < 0.92
    assert trained(name, tmp_path).test["accuracy"] >= least


def test_highway_layers_read_small_digits(tmp_path: Path) -> None:
    # 0.955 to 0.964
    assert linear("highway_mlp", "image") < 0.945
    assert trained("highway_mlp", tmp_path).test["accuracy"] >= 0.945
