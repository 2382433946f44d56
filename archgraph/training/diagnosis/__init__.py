"""From what a run left behind to what is wrong with it, in words, with remedies that can be applied."""

from pathlib import Path

from archgraph.training.diagnosis import curves, labels, nodes  # noqa: F401 - each lists what it finds
from archgraph.training.diagnosis.case import Case, case_of
from archgraph.training.diagnosis.findings import DIAGNOSES, Finding, Remedy, lines, remedies
from archgraph.training.folder import RunFolder


def diagnose(run: str | Path | Case) -> tuple[Finding, ...]:
    """Everything that stands out in a run: a folder, or a `Case` made of a history.

    Raises:
        GraphError: AG704, the folder holds no run.
    """
    case = run if isinstance(run, Case) else case_of(RunFolder(Path(run)))
    found = (one.judge(case) for one in DIAGNOSES.values())
    return tuple(finding for finding in found if finding is not None)


__all__ = ["DIAGNOSES", "Case", "Finding", "Remedy", "diagnose", "lines", "remedies"]
