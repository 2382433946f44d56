"""At the end: what stands out in the run, in words, on the screen and in diagnosis.json."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archgraph.training import folder as folders
from archgraph.training.diagnosis import diagnose, lines
from archgraph.training.observers.base import Observer

if TYPE_CHECKING:
    from archgraph.training.loop import Training


class Diagnosing(Observer):
    """Reads what the run has written, as ``archgraph diagnose`` does later."""

    def epoch_ended(self, training: "Training", row: Mapping[str, Any]) -> None:
        """Nothing yet."""

    def ended(self, training: "Training") -> None:
        """Say and write it."""
        findings = diagnose(training.folder.path)
        folders.write_json(training.folder.diagnosis, [finding.as_json() for finding in findings])
        for line in lines(findings):
            training.reports.say(line)
