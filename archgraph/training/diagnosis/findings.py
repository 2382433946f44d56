"""What is wrong with a run, in words: findings with their evidence, and remedies that are edits."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archgraph.training.diagnosis.case import Case

Change = Mapping[str, Any]
"""``{"at": pointer, "value": …}``: put the value there."""


@dataclass(frozen=True)
class Remedy:
    """An edit of the experiment file, or of the graph file of a role, that may help."""

    words: str
    target: str
    """``experiment``, or the role of the graph that is edited."""
    patch: tuple[Change, ...]

    def as_json(self) -> dict[str, Any]:
        """For diagnosis.json."""
        return {"words": self.words, "target": self.target, "patch": [dict(change) for change in self.patch]}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a run."""

    name: str
    summary: str
    """What is seen, with the numbers that matter most."""
    evidence: Mapping[str, Any]
    remedies: tuple[Remedy, ...]

    @property
    def explanation(self) -> str:
        """What this means in plain words, and where one reads on."""
        return DIAGNOSES[self.name].explanation

    def as_json(self) -> dict[str, Any]:
        """For diagnosis.json."""
        return {
            "name": self.name,
            "summary": self.summary,
            "evidence": dict(self.evidence),
            "explanation": self.explanation,
            "remedies": [remedy.as_json() for remedy in self.remedies],
        }


Judge = Callable[["Case"], Finding | None]


@dataclass(frozen=True)
class Diagnosis:
    """Something that may be wrong with a run, and who sees it."""

    name: str
    explanation: str
    judge: Judge


DIAGNOSES: dict[str, Diagnosis] = {}
"""Everything that can be found, by name, in the order in which it is looked for."""


def diagnosis(name: str) -> Callable[[Judge], Judge]:
    """List the function that finds `name`. Its docstring is the explanation that users read."""

    def list_it(judge: Judge) -> Judge:
        text = " ".join(inspect.cleandoc(judge.__doc__ or "").split())
        if DIAGNOSES.setdefault(name, Diagnosis(name, text, judge)).judge is not judge:
            raise TypeError(f"the diagnosis {name!r} is defined twice")
        return judge

    return list_it


def lines(findings: Sequence[Finding]) -> list[str]:
    """The findings as text; remedies are numbered through, as ``archgraph diagnose --apply`` counts them."""
    if not findings:
        return ["diagnosis: nothing stands out"]
    written, number = [], 0
    for finding in findings:
        written += [f"diagnosis: {finding.name}: {finding.summary}", f"  {finding.explanation}"]
        for remedy in finding.remedies:
            number += 1
            written.append(f"  remedy {number}: {remedy.words}")
    return written


def remedies(findings: Iterable[Finding]) -> list[Remedy]:
    """All remedies in the order of their numbers."""
    return [remedy for finding in findings for remedy in finding.remedies]
