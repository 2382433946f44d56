"""Whether metrics take the targets and outputs that they are given."""

from collections.abc import Iterator
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.shapes import show
from archgraph.training.fit.base import Fit, Target, field
from archgraph.training.fit.reach import uncounted

_SPARSE_METRICS = frozenset({
    "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy", "sparse_categorical_crossentropy",
})  # fmt: skip


def mismeasured(fit: Fit, target: Target) -> Iterator[Rejected]:
    """Complaints about the metrics of one output."""
    given, output = target.values.shape, target.tensor.shape
    for number, (name, _, metric) in enumerate(fit.experiment.metrics(target.output)):
        sparse = name in _SPARSE_METRICS or (name == "mean_io_u" and getattr(metric, "sparse_y_true", False))
        sparse = sparse or (name == "dice_score" and getattr(metric, "num_classes", None) is not None)
        wrong = [*uncounted(fit, target, name, number), *_miscounted(fit, target, name, metric, number)]
        yield from wrong
        if wrong or name == "accuracy":
            continue
        wanted = output[:-1] if sparse else output
        if given in (wanted, (*wanted, 1)) and not (sparse and given == output):
            continue
        complaint = f"{target}, but the metric {name} takes {show(wanted)}"
        yield Rejected("AG701", complaint, hint=_other_metric(name), field=f"{field('metrics', fit, target)}/{number}")


def _miscounted(fit: Fit, target: Target, name: str, metric: Any, number: int) -> Iterator[Rejected]:
    """The complaint that a metric is of another number of classes, or counts as many guesses as there are classes."""
    classes, place = target.tensor.shape[-1:], f"{field('metrics', fit, target)}/{number}"
    if not classes or not isinstance(classes[0], int) or classes[0] < 2:
        return
    (known,), counted = classes, getattr(metric, "num_classes", None)
    if counted is not None and counted != known and not getattr(metric, "sparse_y_pred", False):
        complaint = f"{name} counts {counted} classes, but output {target.output!r} has {known}"
        yield Rejected("AG701", complaint, hint=f'set "num_classes": {known}', field=place)
    guesses = getattr(metric, "k", None)
    if guesses is not None and guesses >= known:
        complaint = f"with {guesses} guesses among {known} classes {name} is always 1"
        yield Rejected("AG701", complaint, hint=f'set "k" below {known}', field=place)


def _other_metric(name: str) -> str:
    if name in _SPARSE_METRICS:
        return f"use {name.removeprefix('sparse_')}"
    sparse = "sparse_" + (name if name.startswith(("categorical", "top_k")) else "categorical_accuracy")
    return f'use {sparse}, or simply "accuracy"'
