"""Data -> what it is, in words: kind, size, classes and their balance, missing values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from archgraph.diagnostics import GraphError, Rejected
from archgraph.studio.wording import counted
from archgraph.training.data.base import Column, Samples
from archgraph.training.experiment import make_experiment

Kind = Literal["picture", "table", "sequence", "text", "other"]
UNEVEN: Final = 3.0
"""How many times as often the commonest class occurs as the rarest before the data counts as uneven."""
FEW: Final = 200
NOUNS: Final[Mapping[Kind, str]] = {
    "picture": "pictures", "table": "rows of numbers", "sequence": "sequences of numbers", "text": "pieces of text",
    "other": "samples",
}  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """What a set of data is."""

    kind: Kind
    count: int
    shape: tuple[int, ...]
    """Of one sample."""
    lowest: float
    highest: float
    input: str
    target: str
    """Name of the column that is learned; empty: none."""
    classes: tuple[str, ...]
    """Names of the classes, where a class is learned."""
    sentences: tuple[str, ...]
    advice: tuple[str, ...]
    asked: str = ""
    """What people call the column that is learned."""


def profile(data: Any, folder: Path) -> Profile:
    """What the data of an experiment are. Raises `GraphError` where they cannot be read."""
    value = {"archgraph": 1, "name": "profile", "graph": "x.graph.json", "loss": "mean_squared_error", "data": data,
             "epochs": 1}  # fmt: skip
    experiment = make_experiment(value, folder)
    try:
        samples = experiment.source.read(experiment.surroundings)
    except Rejected as rejected:
        raise GraphError([rejected.at("/data")]) from None
    asked = data.get("target") if isinstance(data, Mapping) else None
    return profiled(samples, asked if isinstance(asked, str) and samples.targets in (("label",), ("value",)) else "")


def profiled(samples: Samples, asked: str = "") -> Profile:
    """What samples are; `asked`: what people call the column that is learned."""
    name = samples.inputs[0]
    column = samples.columns[name]
    target = samples.targets[0] if samples.targets else ""
    learned = samples.columns[target] if target else None
    kind = kind_of(column)
    numbers = column.values
    lowest, highest = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)
    sentences, advice = [_first(kind, len(samples), column, lowest, highest)], []
    if learned is not None and kind == "text" and _characters(learned):
        sentences.append(f"What is to be predicted, “{target}”, is the character that follows.")
    elif learned is not None:
        told, hints = _target(asked or target, learned)
        sentences += told
        advice += hints
    missing = int(np.isnan(numbers).any(axis=tuple(range(1, numbers.ndim))).sum()) if numbers.dtype.kind == "f" else 0
    sentences.append("No value is missing." if not missing else f"{counted(missing, 'sample')} lack values.")
    if len(samples) < FEW:
        advice.append(f"{len(samples)} samples are few: a small network is the better choice, and scores will vary.")
    return Profile(
        kind, len(samples), tuple(column.shape), lowest, highest, name, target,
        learned.classes if learned is not None else (), tuple(sentences), tuple(advice), asked or target,
    )  # fmt: skip


def kind_of(column: Column) -> Kind:
    """What a column of samples looks like."""
    rank, whole = len(column.shape), column.values.dtype.kind in "iu"
    if rank == 3 and column.shape[-1] in (1, 3, 4):
        return "picture"
    if rank == 2:
        return "sequence"
    if rank == 1:
        return "text" if whole and column.shape[0] > 1 and column.values.max() < 100_000 else "table"
    return "other"


def _first(kind: Kind, count: int, column: Column, lowest: float, highest: float) -> str:
    shape = column.shape
    said = {
        "picture": lambda: f"{shape[1]} by {shape[0]} pixels, {'in colour' if shape[-1] >= 3 else 'grey'}",
        "table": lambda: f"{counted(shape[0], 'column')} each",
        "sequence": lambda: f"{shape[0]} steps of {counted(shape[1], 'number')} each",
        "text": lambda: f"{shape[0]} {'characters' if _characters(column) else 'symbols'} each",
        "other": lambda: "×".join(map(str, shape)) or "one number each",
    }[kind]()
    if kind == "text":
        return f"{count:,} {NOUNS[kind]}: {said}, of {highest + 1:.0f} different ones."
    return f"{count:,} {NOUNS[kind]}: {said}, with values from {lowest:g} to {highest:g}."


def _characters(column: Column) -> bool:
    """Whether the classes of a column are characters."""
    return bool(column.classes) and all(len(one) == 1 for one in column.classes)


def _target(name: str, column: Column) -> tuple[list[str], list[str]]:
    values = column.values
    if not column.classes or values.ndim > 1:
        if values.ndim == 1 and values.dtype.kind in "iuf":
            return [f"What is to be predicted, “{name}”, is a number from {values.min():g} to {values.max():g}."], []
        return [f"What is to be predicted, “{name}”, has the form {'×'.join(map(str, column.shape))}."], []
    counts = np.bincount(values.astype(int), minlength=len(column.classes))
    names = ", ".join(column.classes[:10]) + (", …" if len(column.classes) > 10 else "")
    told = [f"What is to be predicted, “{name}”, is one of {len(column.classes)} classes: {names}."]
    low, high = int(counts[counts > 0].min()), int(counts.max())
    if high / max(low, 1) > UNEVEN:
        rare, common = column.classes[int(counts.argmin())], column.classes[int(counts.argmax())]
        told.append(f"The classes are uneven: {common} occurs {high:,} times, {rare} only {int(counts.min()):,} times.")
        return told, [] if counts.min() == 0 else [
            "Weigh the classes evenly, or the network may learn to ignore the rare ones."
        ]
    each = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    told.append(f"The classes are about even: {each} samples each.")
    return told, []
