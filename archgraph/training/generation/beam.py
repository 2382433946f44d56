"""Beam search: the likeliest sequences that a network writes, and how far they are from the truth."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from archgraph.training.data.base import Array

Outputs = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""What a network gives for inputs by name, by output."""
Chances = Callable[[Array, Array], Array]
"""From numbers of the read sequences (rows,) and what is written so far (rows, length): log-chances (rows, symbols)."""


def search(
    chances: Chances, count: int, *, begin: int, end: int, longest: int, width: int, length_penalty: float = 0.0
) -> list[list[tuple[tuple[int, ...], float]]]:
    """For each of `count` read sequences, finished sequences without marks, and their log-chance, best first.

    A sequence that has not ended after `longest` symbols counts as it is.
    """
    written = np.full((count, 1, 1), begin, np.int64)
    scores = np.zeros((count, 1))
    finished: list[list[tuple[tuple[int, ...], float]]] = [[] for _ in range(count)]
    for length in range(1, longest + 1):
        rows = np.repeat(np.arange(count), written.shape[1])
        steps = chances(rows, written.reshape(len(rows), -1)).reshape(count, written.shape[1], -1)
        totals = np.where(np.isfinite(scores)[..., None], scores[..., None] + steps, -np.inf)
        symbols = totals.shape[-1]
        best = np.argsort(-totals.reshape(count, -1), axis=1, kind="stable")[:, :width]
        scores = np.take_along_axis(totals.reshape(count, -1), best, axis=1)
        before = np.take_along_axis(written, (best // symbols)[..., None], axis=1)
        written = np.concatenate([before, (best % symbols)[..., None]], axis=2)
        over = (written[..., -1] == end) | (length == longest)
        for row, place in zip(*np.nonzero(over & np.isfinite(scores)), strict=True):
            sequence = tuple(int(symbol) for symbol in written[row, place, 1:] if symbol != end)
            finished[row].append((sequence, float(scores[row, place]) / length**length_penalty))
        scores = np.where(over, -np.inf, scores)
        if not np.isfinite(scores).any():
            break
        scores = _hopeless(scores, finished, width, length_penalty)
    return [sorted(found, key=lambda one: -one[1]) for found in finished]


def write(
    outputs: Outputs,
    read: Array,
    names: tuple[str, str, str],
    marks: tuple[int, int, int],
    longest: int,
    width: int,
    length_penalty: float,
) -> list[list[tuple[tuple[int, ...], float]]]:
    """What a network writes for each sequence that it reads, best first, with its log-chance.

    `names` are the input that is read, the input of what is written so far, and the output of chances; `marks` are the
    numbers of padding, begin and end.
    """
    reading, writing, output = names
    padding, begin, end = marks

    def chances(rows: Array, written: Array) -> Array:
        shown = np.full((len(rows), longest), padding, np.int32)
        shown[:, : written.shape[1]] = written
        given = outputs({reading: read[rows], writing: shown})[output]
        return np.log(np.maximum(np.asarray(given[:, written.shape[1] - 1], np.float64), 1e-30))

    return search(chances, len(read), begin=begin, end=end, longest=longest, width=width, length_penalty=length_penalty)


def _hopeless(
    scores: Array, finished: Sequence[Sequence[tuple[tuple[int, ...], float]]], width: int, penalty: float
) -> Array:
    """Nothing more is written for a sequence that has enough finished ones, if longer can only be less likely."""
    if penalty:
        return scores
    for row, found in enumerate(finished):
        if len(found) >= width or (found and max(score for _, score in found) >= scores[row].max()):
            scores[row] = -np.inf
    return scores


def distance(first: Sequence[int], second: Sequence[int]) -> int:
    """Fewest insertions, deletions and replacements from one sequence to the other (Levenshtein 1966)."""
    row = list(range(len(second) + 1))
    for number, one in enumerate(first, 1):
        previous, row[0] = row[0], number
        for place, other in enumerate(second, 1):
            previous, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, previous + (one != other))
    return row[-1]


def forwards(alignments: Array, written: Array, read: Array) -> float:
    """Share of steps from one written symbol to the next whose attention, on average, does not move backwards.

    `alignments` is (count, written, read); `written` and `read` are true where there is a symbol. Guessing gives 1/2.
    """
    places = (alignments * read[:, None]) @ np.arange(alignments.shape[-1])
    mass = np.maximum((alignments * read[:, None]).sum(axis=-1), 1e-9)
    moves = np.diff(places / mass, axis=1)
    counted = written[:, 1:]
    return float((moves[counted] > 0).mean()) if counted.any() else 1.0
