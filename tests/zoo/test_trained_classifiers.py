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


CASES = [
    # name, least accuracy on 1,000 digits of MNIST after learning from 4,000
    ("wide_resnet", 0.96),  # 0.973 to 0.977
    ("lenet5_original", 0.94),  # 0.952 to 0.960
    ("resnet_cifar", 0.955),  # 0.967 to 0.971
    ("alexnet", 0.94),  # 0.957 to 0.968
    ("vgg", 0.96),  # 0.977 to 0.978
    ("inception_v1", 0.915),  # 0.925 to 0.944
    ("resnet_v2", 0.96),  # 0.973 to 0.980
    ("preactivation_resnet", 0.95),  # 0.962 to 0.968
    ("densenet_cifar", 0.95),  # 0.961 to 0.972
    ("squeeze_excite_resnet", 0.96),  # 0.972 to 0.980
    ("xception", 0.965),  # 0.982
    ("mobilenet", 0.95),  # 0.964 to 0.971
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), CASES)
def test_a_narrow_form_reads_digits(name: str, least: float, tmp_path: Path) -> None:
    assert 0.88 < linear("wide_resnet", "image") < 0.91
    assert trained(name, tmp_path).test["accuracy"] >= least


def test_highway_layers_read_small_digits(tmp_path: Path) -> None:
    # 0.955 to 0.964
    assert linear("highway_mlp", "image") < 0.945
    assert trained("highway_mlp", tmp_path).test["accuracy"] >= 0.945


@pytest.mark.slow
def test_a_network_in_three_dimensions_sees_where_digits_move(tmp_path: Path) -> None:
    # 0.953; each frame alone says nothing
    assert 0.25 < linear("cnn3d_gray", "clip") < 0.45
    assert trained("cnn3d_gray", tmp_path).test["accuracy"] >= 0.9
