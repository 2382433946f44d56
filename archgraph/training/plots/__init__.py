"""Figures of runs: each is a function from numbers to PNG bytes."""

from archgraph.training.plots.classes import confusion, confusion_matrix
from archgraph.training.plots.grids import is_picture, samples
from archgraph.training.plots.learning import curves
from archgraph.training.plots.numbers import predictions

__all__ = ["confusion", "confusion_matrix", "curves", "is_picture", "predictions", "samples"]
