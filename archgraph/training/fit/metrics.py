"""Whether metrics take the targets and outputs that they are given."""

from collections.abc import Iterator

from archgraph.diagnostics import Rejected
from archgraph.shapes import show
from archgraph.training.fit.base import Fit, Target, field

_SPARSE_METRICS = frozenset({
    "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy", "sparse_categorical_crossentropy",
})  # fmt: skip


def mismeasured(fit: Fit, target: Target) -> Iterator[Rejected]:
    """Complaints about the metrics of one output."""
    given, output = target.values.shape, target.tensor.shape
    for number, (name, _, metric) in enumerate(fit.experiment.metrics(target.output)):
        sparse = name in _SPARSE_METRICS or (name == "mean_io_u" and getattr(metric, "sparse_y_true", False))
        sparse = sparse or (name == "dice_score" and getattr(metric, "num_classes", None) is not None)
        if name == "accuracy":
            continue
        wanted = output[:-1] if sparse else output
        if given in (wanted, (*wanted, 1)) and not (sparse and given == output):
            continue
        complaint = f"{target}, but the metric {name} takes {show(wanted)}"
        yield Rejected("AG701", complaint, hint=_other_metric(name), field=f"{field('metrics', fit, target)}/{number}")


def _other_metric(name: str) -> str:
    if name in _SPARSE_METRICS:
        return f"use {name.removeprefix('sparse_')}"
    sparse = "sparse_" + (name if name.startswith(("categorical", "top_k")) else "categorical_accuracy")
    return f'use {sparse}, or simply "accuracy"'
