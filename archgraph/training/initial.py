"""What an experiment says of the weights it begins with: where they come from, and which of them stay as they are."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected, nearest
from archgraph.kinds import FrozenMap, Kind, ListOf, MapOf, Text
from archgraph.record import Record, param, record
from archgraph.training.folder import RunFolder

if TYPE_CHECKING:
    from archgraph.training.experiment import Experiment

PATTERNS = ListOf(Text(1000), longest=1000)


@record
class InitialWeights(Record):
    """Weights that another run learned, taken by the paths of their nodes (fine-tuning: Yosinski et al. 2014)."""

    file: str = param(Text(1000), "A run folder, or a .keras file; beside the experiment, or in the working folder.")
    rename: Any = param(
        MapOf(Text(1000)),
        "Paths of nodes there, each with what it is called here; * stands for anything, and so does what lies below.",
        default=FrozenMap(),
    )
    skip: Any = param(PATTERNS, "Nodes here that start fresh all the same; * stands for anything.", default=())
    roles: Any = param(
        MapOf(Text(1000)),
        "Of several graphs: the role here, and the role there whose weights it gets. Default: those of the same name.",
        default=FrozenMap(),
    )


class WeightsReference(Kind):
    """A path, or `InitialWeights`."""

    def parse(self, value: Any, open: bool) -> Any:
        """`value`, checked."""
        if not isinstance(value, Mapping):
            return Text(1000).check(value)
        taken, found = InitialWeights.check(value)
        if found:
            raise found[0]
        return FrozenMap(taken)

    def rule(self, open: bool) -> dict[str, Any]:
        """JSON Schema."""
        return {"if": {"type": "object"}, "then": InitialWeights.schema(), "else": Text(1000).rule(open)}

    def __str__(self) -> str:
        return 'a path, or {"file": …, "rename": {…}, "skip": […], "roles": {…}}'


def made(value: Any) -> InitialWeights | None:
    """The record that a checked value stands for."""
    if value is None:
        return None
    return InitialWeights.make(value if isinstance(value, Mapping) else {"file": value})


# ---- patterns


def matches(pattern: str, path: str) -> bool:
    """Whether a node is named by a pattern, or lies below one that is."""
    return _expression(pattern).fullmatch(path) is not None


def renamed(path: str, names: Mapping[str, str]) -> str:
    """The path here of what has a path there; the first pattern that fits it says so."""
    for old, new in names.items():
        found = _expression(old).fullmatch(path)
        if found is not None:
            *stars, below = found.groups(default="")
            parts = new.split("*")
            filled = [*stars[: len(parts) - 1], ""]
            return "".join(part + star for part, star in zip(parts, filled, strict=True)) + below
    return path


def _expression(pattern: str) -> "re.Pattern[str]":
    return re.compile("(.*)".join(map(re.escape, pattern.split("*"))) + "(/.*)?", re.DOTALL)


# ---- checks


def found(experiment: "Experiment") -> Path:
    """The run folder or file that the weights come from. `Rejected` with AG704 when there is none."""
    wanted = experiment.initial_weights
    assert wanted is not None  # only asked where there is one
    places = [experiment.folder / wanted.file, Path(wanted.file)]
    for place in places:
        if place.exists():
            return place
    named = " nor ".join(dict.fromkeys(str(place) for place in places))
    hint = "name a run folder or a .keras file, relative to the experiment or to the working folder"
    raise Rejected("AG704", f"there is no {named}", hint=hint)


def sources(experiment: "Experiment", path: Path) -> dict[str, Path]:
    """The file of each role here that is given weights. `Rejected` with AG704 where there is no such file."""
    wanted = experiment.initial_weights
    assert wanted is not None  # only asked where there is one
    roles = wanted.roles or {role: role for role in experiment.networks}
    if path.is_file():
        if len(roles) > 1:
            hint = f'say which it is: "roles": {{"{next(iter(roles))}": "model"}}'
            raise Rejected("AG704", f"{path.name} is one network, but there are {len(roles)} graphs here", hint=hint)
        return dict.fromkeys(roles, path)
    folder, chosen = RunFolder(path), {}
    for here, there in roles.items():
        files = [file for file in (folder.model_of(there), folder.best_of(there)) if file.is_file()]
        if files:
            chosen[here] = files[0]
        elif wanted.roles or len(roles) == 1:
            hint = "train it first; it has: " + (
                ", ".join(sorted(file.name for file in path.glob("*.keras"))) or "none"
            )
            raise Rejected("AG704", f"{path} holds no {folder.model_of(there).name}", hint=hint)
    if not chosen:
        raise Rejected("AG704", f"{path} has none of the roles {', '.join(roles)}", hint='say which: "roles"')
    return chosen


def misfits(experiment: "Experiment", networks: Mapping[str, ShapedGraph]) -> Iterator[Rejected]:
    """Every complaint about initial weights and frozen nodes, its field below the experiment."""
    yield from _weights(experiment, networks)
    for role, shaped in networks.items():
        yield from _frozen(experiment, role, shaped)


def _weights(experiment: "Experiment", networks: Mapping[str, ShapedGraph]) -> Iterator[Rejected]:
    wanted = experiment.initial_weights
    if wanted is None:
        return
    at = "/initial_weights"
    for role in wanted.roles:
        if role not in networks:
            hint = nearest(role, networks) or "it has: " + ", ".join(networks)
            yield Rejected("AG210", f"there is no graph {role!r} here", hint=hint, field=f"{at}/roles/{role}")
            return
    for old, new in wanted.rename.items():
        if new.count("*") > old.count("*"):
            complaint = f"{new!r} has more * than {old!r}, whose parts they stand for"
            yield Rejected("AG210", complaint, field=f"{at}/rename/{old}")
    try:
        sources(experiment, found(experiment))
    except Rejected as rejected:
        whole = isinstance(experiment.settings.initial_weights, str)
        yield Rejected(rejected.code, rejected.message, hint=rejected.hint, field=at if whole else f"{at}/file")
    paths = {node.path for shaped in networks.values() for node in shaped.walk()}
    for number, pattern in enumerate(wanted.skip):
        yield from _known(pattern, paths, f"{at}/skip/{number}")


def _frozen(experiment: "Experiment", role: str, shaped: ShapedGraph) -> Iterator[Rejected]:
    patterns = experiment.frozen(role)
    at = f"/freeze/{role}" if isinstance(experiment.settings.freeze, Mapping) else "/freeze"
    weighted = {node.owner: node.leaf.trainable for node in shaped.walk() if node.leaf.trainable}
    paths = {node.path for node in shaped.walk()}
    for number, pattern in enumerate(patterns):
        yield from _known(pattern, paths, f"{at}/{number}")
    if patterns and weighted and all(any(matches(p, path) for p in patterns) for path in weighted):
        hint = "leave the last layers out of freeze"
        yield Rejected("AG210", "every layer is frozen: nothing is left to learn", hint=hint, field=at)


def _known(pattern: str, paths: set[str], field: str) -> Iterator[Rejected]:
    if not any(matches(pattern, path) for path in paths):
        shortened = sorted({path.partition("/")[0] for path in paths})
        hint = nearest(pattern, paths) or "it has: " + ", ".join(shortened[:20])
        yield Rejected("AG701", f"no node of the graph fits {pattern!r}", hint=hint, field=field)
