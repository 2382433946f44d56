"""From what a run left behind to what is wrong with it, in words, with remedies that can be applied."""

from collections.abc import Mapping
from pathlib import Path

from archgraph.training.diagnosis import curves, labels, nodes  # noqa: F401 - each lists what it finds
from archgraph.training.diagnosis.case import Case, case_of
from archgraph.training.diagnosis.findings import DIAGNOSES, Finding, Remedy, lines, remedies
from archgraph.training.folder import RunFolder

FOLLOWS_FROM: Mapping[str, tuple[str, ...]] = {
    "plateau": ("diverging", "dead units", "vanishing gradients"),
    "under-fitting": ("diverging", "plateau", "dead units", "vanishing gradients", "label noise"),
    "vanishing gradients": ("dead units",),
}
"""What goes without saying where one of its causes has been found."""


def diagnose(run: str | Path | Case) -> tuple[Finding, ...]:
    """Everything that stands out in a run: a folder, or a `Case` made of a history.

    Raises:
        GraphError: AG704, the folder holds no run.
    """
    case = run if isinstance(run, Case) else case_of(RunFolder(Path(run)))
    found = {name: finding for name, one in DIAGNOSES.items() if (finding := one.judge(case)) is not None}
    return tuple(
        finding for name, finding in found.items() if not any(cause in found for cause in FOLLOWS_FROM.get(name, ()))
    )


__all__ = ["DIAGNOSES", "Case", "Finding", "Remedy", "diagnose", "lines", "remedies"]
