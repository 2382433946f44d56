"""Steps one after another: learning each from what the ones before it made, repeating them, keeping them as JSON."""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from archgraph.diagnostics import Rejected, nearest
from archgraph.training.data.base import Array, Column
from archgraph.training.data.stored import chunks
from archgraph.training.preprocessing.base import STEPS, Learned, Step


class Fitted(NamedTuple):
    """A step that knows its columns and what it learned about each."""

    step: Step
    learned: Mapping[str, Learned]


Chunks = Callable[[str], Iterator[Column]]
"""Goes once through the training part of a column, some samples at a time."""


def run(
    steps: tuple[Step, ...], columns: Mapping[str, Column], fed: tuple[str, ...], targets: tuple[str, ...]
) -> tuple[dict[str, Column], tuple[Fitted, ...]]:
    """The training part after all steps, and the steps with what they learned from it.

    Raises:
        Rejected: AG703, its field ``/NUMBER/…`` below the list of steps.
    """
    done, fitted = dict(columns), []
    for number, one in enumerate(steps):
        try:
            learned = {name: one.learn(_cut(done[name])) for name in _chosen(one, done, fed, targets)}
            fitted.append(Fitted(one, learned))
            done = repeat((fitted[-1],), done)
        except Rejected as rejected:
            raise rejected.under(number) from None
    return done, tuple(fitted)


def learn(
    steps: tuple[Step, ...],
    columns: Mapping[str, Column],
    parts: Chunks,
    fed: tuple[str, ...],
    targets: tuple[str, ...],
) -> tuple[Fitted, ...]:
    """The steps with what they learn from a training part that is never in memory as a whole.

    Each column is gone through once for every step that learns from it. Raises as `run` does.
    """
    fitted: tuple[Fitted, ...] = ()
    for number, one in enumerate(steps):
        before = fitted
        try:
            learned = {
                name: one.learn(repeat(before, {name: part})[name] for part in parts(name)) if one.learns else {}
                for name in _chosen(one, columns, fed, targets)
            }
        except Rejected as rejected:
            raise rejected.under(number) from None
        fitted = (*fitted, Fitted(one, learned))
    return fitted


def _cut(column: Column) -> Iterator[Column]:
    """Like a part that comes from disk, so that both teach the same to the last digit."""
    return (Column(values, column.classes) for values in chunks(column.values))


def repeat(fitted: tuple[Fitted, ...], columns: Mapping[str, Column]) -> dict[str, Column]:
    """The same steps on another part of the data; columns that are absent are left out."""
    done = dict(columns)
    for one, learned in fitted:
        done.update({name: one.apply(done[name], facts) for name, facts in learned.items() if name in done})
    return done


def _chosen(
    one: Step, columns: Mapping[str, Column], fed: tuple[str, ...], targets: tuple[str, ...]
) -> tuple[str, ...]:
    if one.on is None:
        return targets if one.of_targets else fed
    for position, name in enumerate(one.on):
        if name not in columns:
            hint = nearest(name, columns) or "it has: " + ", ".join(columns)
            raise Rejected("AG703", f"the data has no column {name!r}", hint=hint, field=f"/on/{position}")
    return tuple(one.on)


def plain(value: Any) -> Any:
    """A checked value as JSON has it."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


_LONG = 1000
"""Arrays with more numbers are kept as bytes rather than as text."""


def as_json(fitted: tuple[Fitted, ...]) -> list[dict[str, Any]]:
    """The steps and what they learned, to be kept beside the model."""
    return [
        {
            "step": {"name": one.name, **{key: plain(value) for key, value in one.given()}},
            "learned": {name: {key: _spelt(array) for key, array in facts.items()} for name, facts in learned.items()},
        }
        for one, learned in fitted
    ]


def from_json(value: list[dict[str, Any]]) -> tuple[Fitted, ...]:
    """The inverse of `as_json`."""
    fitted = []
    for entry in value:
        options = {key: item for key, item in entry["step"].items() if key != "name"}
        learned = {
            name: {key: _read(shape, numbers) for key, (shape, numbers) in facts.items()}
            for name, facts in entry["learned"].items()
        }
        fitted.append(Fitted(STEPS[entry["step"]["name"]].make(options), learned))
    return tuple(fitted)


def _spelt(array: Array) -> list[Any]:
    if array.size <= _LONG:
        return [array.shape, array.ravel().tolist()]
    return [array.shape, base64.b64encode(np.ascontiguousarray(array, "<f8").tobytes()).decode("ascii")]


def _read(shape: list[int], numbers: Any) -> Array:
    if isinstance(numbers, str):
        return np.frombuffer(base64.b64decode(numbers), "<f8").reshape(shape)
    return np.asarray(numbers).reshape(shape)
