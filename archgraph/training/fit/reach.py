"""Whether an output can come near to the numbers that it is to learn, and whether a loss or a metric takes them."""

import math
from collections.abc import Iterator

from archgraph.diagnostics import Rejected
from archgraph.training.fit.base import Fit, Target, field
from archgraph.training.fit.ending import last_function

QUANTITY_LOSSES = frozenset({
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
    "huber", "log_cosh", "poisson",
})  # fmt: skip
"""Losses that measure how far an output is from a quantity."""

_REACHED = {
    "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0), "softsign": (-1.0, 1.0), "relu6": (0.0, 6.0), "relu": (0.0, math.inf),
    "softplus": (0.0, math.inf), "exponential": (0.0, math.inf),
}  # fmt: skip
"""What the last function of an output can give."""

_LOWEST = {"poisson": 0.0, "mean_squared_logarithmic_error": -1.0}
"""Losses that take no target below a number."""

_TOLERANCE = 1e-3

_OF_CLASSES = frozenset({
    "accuracy", "binary_accuracy", "categorical_accuracy", "top_k_categorical_accuracy", "precision", "recall", "auc",
    "f1_score", "fbeta_score", "binary_io_u", "true_positives", "true_negatives", "false_positives", "false_negatives",
    "precision_at_recall", "recall_at_precision", "sensitivity_at_specificity", "specificity_at_sensitivity",
})  # fmt: skip
"""Metrics that count answers of yes and no."""


def unreached(fit: Fit, target: Target, name: str, place: str) -> Iterator[Rejected]:
    """Complaints about quantities that the last function of an output cannot give, or the loss does not take."""
    values = target.values.values
    if name not in QUANTITY_LOSSES or not values.size:
        return
    low, high = float(values.min()), float(values.max())
    if low < _LOWEST.get(name, -math.inf):
        complaint = f"{name} takes no target below {_LOWEST[name]:g}, but the column {target.column!r} holds {low:g}"
        yield Rejected("AG701", complaint, hint="take mean_squared_error or huber", field=place)
        return
    ending = last_function(fit.shaped, target.output)
    if ending is None or ending[0] not in _REACHED:
        return
    function, node = ending
    lowest, highest = _REACHED[function]
    if low < lowest - _TOLERANCE or high > highest + _TOLERANCE:
        gives = f"{lowest:g} to {highest:g}" if math.isfinite(highest) else f"nothing below {lowest:g}"
        complaint = (
            f"output {target.output!r} ends in {function} at node {node!r}, which gives {gives}, "
            f"but the column {target.column!r} goes from {low:g} to {high:g}"
        )
        yield Rejected("AG701", complaint, hint="leave the activation out, or rescale the column", field=place)


def uncounted(fit: Fit, target: Target, name: str, number: int) -> Iterator[Rejected]:
    """The complaint that a metric counts answers of yes and no, where quantities are learned."""
    values = target.values.values
    if name not in _OF_CLASSES or not values.size or target.values.shape != target.tensor.shape:
        return
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1:
        complaint = (
            f"{name} counts right answers of 0 and 1, but the column {target.column!r} goes from {low:g} to {high:g}"
        )
        place = f"{field('metrics', fit, target)}/{number}"
        yield Rejected("AG701", complaint, hint="take mean_absolute_error or r2_score", field=place)
