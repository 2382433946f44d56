"""What a diagnosis is made from: the history of a run, its settings, and what onlookers wrote down."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from archgraph.training.folder import RunFolder, read_json

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Case:
    """One run, as JSON values. Only the history is needed; what is missing makes fewer things visible."""

    history: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """All settings, with their defaults."""
    experiment: Mapping[str, Any] = field(default_factory=dict)
    """The experiment file, which remedies edit."""
    graphs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The graph files by role."""
    expanded: tuple[Mapping[str, Any], ...] = ()
    """Every primitive, as in expanded.json."""
    nodes: Mapping[str, Any] = field(default_factory=dict)
    """What nodes.json holds."""
    held_out: Mapping[str, Any] = field(default_factory=dict)
    """What held_out.json holds."""
    stopped: str = ""

    # ---- curves

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.history)

    def curve(self, name: str) -> list[float]:
        """A quantity over the epochs; NaN where it is missing or not finite."""
        values = (row.get(name) for row in self.history)
        return [float(value) if isinstance(value, int | float) else math.nan for value in values]

    @cached_property
    def loss(self) -> list[float]:
        """The training loss; empty where an objective has no one loss, as an adversarial game."""
        return self.curve("loss") if any("loss" in row for row in self.history) else []

    @cached_property
    def held(self) -> list[float]:
        """The validation loss; empty without validation."""
        values = self.curve("val_loss")
        return values if any(math.isfinite(value) for value in values) else []

    @property
    def judged(self) -> bool:
        """Whether there is a loss of the usual kind: finite, not negative, and of at least one epoch."""
        return bool(self.loss) and all(math.isfinite(value) and value >= 0 for value in [*self.loss, *self.held])

    # ---- what a loss can be

    @property
    def constant(self) -> float | None:
        """The loss of the best constant answer, None where that is not known."""
        return self._bound("constant")

    @property
    def floor(self) -> float:
        """The lowest loss that there can be."""
        return self._bound("floor") or 0.0

    def _bound(self, name: str) -> float | None:
        value = self.held_out.get("bounds", NOTHING).get(name)
        return float(value) if isinstance(value, int | float) else None

    @cached_property
    def span(self) -> float:
        """How far the loss can fall from the best constant answer; without one, from the first epoch."""
        top = self.constant if self.constant is not None else max(self.loss[:1], default=0.0)
        return max(top - self.floor, 1e-12)

    def explained(self, loss: float) -> float | None:
        """The share of what a constant answer leaves open that a loss explains: 1 is all; None: not known."""
        return None if self.constant is None else (self.constant - loss) / self.span

    # ---- settings

    @property
    def classes(self) -> bool:
        """Whether accuracy was measured."""
        return any("accuracy" in row for row in self.history)

    def names(self, key: str) -> list[str]:
        """Names in a list of the experiment, such as its callbacks."""
        return [str(one["name"]) if isinstance(one, Mapping) else str(one) for one in self.experiment.get(key, ())]


def case_of(folder: RunFolder) -> Case:
    """The case of a run folder. Raises `GraphError` AG704 when it is none."""
    resolved = read_json(folder.resolved)
    graphs = {role: _optional(folder.graph_of(role)) for role in resolved["graphs"]}
    result = _optional(folder.result)
    return Case(
        tuple(read_json(folder.metrics_json)),
        resolved["settings"],
        read_json(folder.experiment),
        {role: graph for role, graph in graphs.items() if graph},
        tuple(read_json(folder.expanded)),
        _optional(folder.nodes_json),
        _optional(folder.held_out),
        str(result.get("stopped", "")),
    )


def _optional(path: Any) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = json.loads(path.read_text("utf-8"))
    return value if isinstance(value, dict) else {}


# ---- arithmetic on curves


def mean(values: Sequence[float]) -> float:
    """The mean of the finite values; NaN if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return statistics.fmean(finite) if finite else math.nan


def tail(values: Sequence[float], share: float, least: int) -> list[float]:
    """The last values: a share of all, and at least so many."""
    return list(values[-max(least, round(share * len(values))) :])


def shown(value: float) -> str:
    """A number as people read it."""
    return f"{value:.3g}" if math.isfinite(value) else "not finite"
