"""Class weights -> a weight for every training sample."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from archgraph.training.data.base import Array, Samples
from archgraph.training.data.dataset import Binding


def class_weights(
    chosen: str | Mapping[str, Any], samples: Samples, train: Array, binding: Binding
) -> dict[str, Array]:
    """Weights (samples,) of each target, one by default.

    ``balanced`` gives every class the same total weight: samples / (classes * samples of the class).
    """
    weights = {output: np.ones(len(train), np.float32) for output in binding.targets}
    for output, name in binding.targets.items():
        column = samples.columns[name]
        if column.classes and column.shape == ():
            labels = column.values[train]
            weights[output] = _table(chosen, labels, column.classes)[labels]
    return weights


def _table(chosen: str | Mapping[str, Any], labels: Array, classes: tuple[str, ...]) -> Array:
    if isinstance(chosen, str):
        counts = np.bincount(labels, minlength=len(classes))
        return np.asarray(len(labels) / (len(classes) * np.maximum(counts, 1)), np.float32)
    return np.array([chosen.get(name, 1.0) for name in classes], np.float32)
