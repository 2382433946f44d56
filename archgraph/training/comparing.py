"""Run folders -> a table: scores side by side, and the settings in which runs differ."""

import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archgraph.diagnostics import Diagnostic, GraphError, nearest
from archgraph.kinds import shown
from archgraph.training.folder import RunFolder, read_json

_APART = frozenset({"name", "doc", "meta", "archgraph", "watch", "epochs"})
"""Settings that change nothing about what is learned, and the epochs, of which those that were done are shown."""
_DEEPEST = 2
"""Folders below the one that is named in which runs are looked for."""


@dataclass(frozen=True)
class Line:
    """One run: where it is, how it went, and everything it was set to."""

    path: str
    state: str
    """``finished``, ``stopped early``, ``interrupted`` or ``unfinished``."""
    epochs: int
    best_epoch: int | None
    parameters: int | None
    seconds: float
    scores: Mapping[str, float]
    """Scores on the test part, and where there are none, nothing."""
    validation: Mapping[str, float]
    """Figures of the best epoch, or of the last."""
    settings: Mapping[str, Any]
    """Every setting by its dotted path."""
    history: tuple[Mapping[str, Any], ...]

    def value(self, name: str) -> Any:
        """What a column holds; None where there is no such figure."""
        own = {"run": self.path, "state": self.state, "epochs": self.epochs, "best_epoch": self.best_epoch,
               "parameters": self.parameters, "seconds": self.seconds}  # fmt: skip
        for group in (own, {f"test_{key}": one for key, one in self.scores.items()}, self.validation, self.settings):
            if name in group:
                return group[name]
        return self.scores.get(name)


def lines_of(folders: Iterable[str | Path]) -> list[Line]:
    """All runs in some folders, or the runs that they are. Raises `GraphError` AG704 when there are none."""
    given = [Path(folder) for folder in folders]
    found = [line for folder in given for line in _below(folder, _DEEPEST)]
    if not found:
        place = ", ".join(map(str, given))
        raise GraphError([Diagnostic("AG704", "", "there are no runs there", "train first", file=place)])
    return found


def _below(path: Path, depth: int) -> Iterator[Line]:
    if (path / "resolved.json").is_file():
        yield line_of(path)
    elif depth and path.is_dir():
        for inner in sorted(path.iterdir(), key=_naturally):
            if inner.is_dir() and not inner.name.startswith("."):
                yield from _below(inner, depth - 1)


def _naturally(path: Path) -> list[tuple[int, int, str]]:
    """So that run 10 comes after run 9."""
    parts = re.split(r"(\d+)", path.name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def line_of(path: Path) -> Line:
    """What a run folder says of its run."""
    folder = RunFolder(path)
    resolved = read_json(folder.resolved)
    history = tuple(read_json(folder.metrics_json)) if folder.metrics_json.is_file() else ()
    result = read_json(folder.result) if folder.result.is_file() else {}
    best = result.get("best_epoch")
    row: Mapping[str, Any] = {}
    if history:
        row = next((one for one in history if one["epoch"] == best), history[-1])
    numbers = {key: value for key, value in row.items() if key not in ("epoch", "seconds") and _is_number(value)}
    sizes = [about["parameters"] for about in resolved["graphs"].values()]
    return Line(
        str(path),
        _state(result),
        int(result.get("epochs", len(history))),
        best,
        sum(sizes) if sizes else None,
        float(result.get("seconds", sum(one.get("seconds") or 0.0 for one in history))),
        {key: value for key, value in result.get("test", {}).items() if _is_number(value)},
        numbers,
        {key: value for key, value in flat(resolved["settings"]) if key.partition(".")[0] not in _APART},
        history,
    )


def _state(result: Mapping[str, Any]) -> str:
    if not result:
        return "unfinished"
    if result["interrupted"]:
        return "interrupted"
    return "stopped early" if result["stopped"] else "finished"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in nested objects and lists, with its dotted path."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from flat(item, f"{path}.{number}")
    else:
        yield path, value


# ---- differences


def differences(lines: Sequence[Line]) -> dict[str, Any]:
    """The settings that are not the same in all runs, each with the value that most of them have."""
    names = dict.fromkeys(name for line in lines for name in line.settings)
    found = {}
    for name in names:
        values = [line.settings.get(name) for line in lines]
        counts = Counter(map(shown_setting, values))
        if len(counts) > 1:
            most = counts.most_common(1)[0][0]
            found[name] = next(value for value in values if shown_setting(value) == most)
    return found


def shown_setting(value: Any) -> str:
    """A setting as it is shown in a table."""
    return "–" if value is None else value if isinstance(value, str) else shown(value, 30)


# ---- choosing and ordering

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le, ">=": operator.ge, "!=": operator.ne, "=": operator.eq, "<": operator.lt, ">": operator.gt,
    "~": lambda one, other: str(other) in str(one),
}  # fmt: skip
_CONDITION = re.compile(r"\s*([\w.\-]+)\s*(<=|>=|!=|=|<|>|~)\s*(.+?)\s*")


def chosen(lines: Sequence[Line], conditions: Sequence[str]) -> list[Line]:
    """The runs that meet every condition, such as ``test_accuracy>0.9`` or ``optimizer.name=adam``.

    Raises:
        ValueError: a condition cannot be read, or names nothing that a run has.
    """
    tests = [_condition(lines, text) for text in conditions]
    return [line for line in lines if all(test(line) for test in tests)]


def _condition(lines: Sequence[Line], text: str) -> Callable[[Line], bool]:
    matched = _CONDITION.fullmatch(text)
    if matched is None:
        raise ValueError(f"a condition is NAME=VALUE, with one of {' '.join(_OPERATORS)}, got {text!r}")
    name, sign, wanted = matched.groups()
    need_column(lines, name)
    compare = _OPERATORS[sign]

    def meets(line: Line) -> bool:
        value = line.value(name)
        if _is_number(value):
            try:
                return compare(value, float(wanted)) if sign != "~" else wanted in str(value)
            except ValueError:
                return sign == "!="
        if sign in ("<", ">", "<=", ">="):
            return False
        return compare(shown_setting(value), wanted)

    return meets


def ordered(lines: Sequence[Line], name: str, *, falling: bool = False) -> list[Line]:
    """The runs by a column, from low to high unless `falling`. Runs without a value come last.

    Raises:
        ValueError: no run has such a column.
    """
    need_column(lines, name)
    known = [line for line in lines if line.value(name) is not None]
    numbers = all(_is_number(line.value(name)) for line in known)
    known.sort(key=lambda line: line.value(name) if numbers else shown_setting(line.value(name)), reverse=falling)
    return [*known, *(line for line in lines if line.value(name) is None)]


def need_column(lines: Sequence[Line], name: str) -> None:
    """Raise ValueError unless some run has the column."""
    if all(line.value(name) is None for line in lines):
        known = [*columns(lines), *(key for line in lines for key in line.settings)]
        raise ValueError(f"no run has {name!r}; {nearest(name, known) or 'it has: ' + ', '.join(columns(lines))}")


def columns(lines: Sequence[Line]) -> list[str]:
    """The figures that runs have, in the order of a table."""
    tested = dict.fromkeys(f"test_{name}" for line in lines for name in line.scores)
    held = dict.fromkeys(name for line in lines for name in line.validation if name.startswith("val_"))
    return ["run", "state", "epochs", "best_epoch", *tested, *held, "parameters", "seconds"]


def as_json(line: Line, differing: Iterable[str]) -> dict[str, Any]:
    """A run for machines."""
    return {
        "run": line.path,
        "state": line.state,
        "epochs": line.epochs,
        "best_epoch": line.best_epoch,
        "parameters": line.parameters,
        "seconds": line.seconds,
        "test": dict(line.scores),
        "best": {key: value for key, value in line.validation.items() if math.isfinite(value)},
        "settings": {name: line.settings.get(name) for name in differing},
    }


def labels(lines: Sequence[Line]) -> list[str]:
    """What to call each run beside the others: its folder, and what sets it apart if that is short."""
    differing = differences(lines)
    names = [Path(line.path).name for line in lines]
    if len(set(names)) < len(names):
        names = [line.path for line in lines]
    few = list(differing)[:2] if len(differing) <= 4 else []
    return [
        name + "".join(f", {key.rpartition('.')[2]} {shown_setting(line.settings.get(key))}" for key in few)
        for name, line in zip(names, lines, strict=True)
    ]
