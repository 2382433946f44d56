"""One step of limited-memory BFGS on a function of a vector: SciPy gives the direction and the length."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import LbfgsInvHessProduct, line_search

from archgraph.training.optimizer import Lbfgs

Vector = NDArray[np.float64]
Function = Callable[[Vector], tuple[float, Vector]]
"""Value and gradient at a point."""
_LEAST_CURVATURE = 1e-10
"""Pairs whose curvature is below this share of the change of the gradient tell of rounding, not of the function."""


class History(NamedTuple):
    """The last steps, and how the gradient changed along each: rows, the oldest first."""

    steps: Vector
    changes: Vector

    def with_pair(self, step: Vector, change: Vector, memory: int) -> "History":
        """The history after a step; of more than `memory` the oldest is forgotten."""
        if step @ change <= _LEAST_CURVATURE * (change @ change):
            return self
        return History(*(np.vstack([old, new])[-memory:] for old, new in zip(self, (step, change), strict=True)))


class Arrived(NamedTuple):
    """Where a step has led. `moved` is false where nothing lower was found."""

    point: Vector
    loss: float
    history: History
    moved: bool


def forgotten(size: int) -> History:
    """No history, for a vector of so many numbers."""
    return History(np.zeros((0, size)), np.zeros((0, size)))


def direction(gradient: Vector, history: History) -> Vector:
    """Downhill, by the inverse curvature that the history tells (Nocedal & Wright 2006, algorithm 7.4).

    SciPy's product starts from the identity; that it should start from the curvature of the last step (equation 7.20)
    is said by measuring steps in units in which this is one.
    """
    if not len(history.steps):
        return -gradient * min(1.0, 1.0 / float(np.abs(gradient).sum()))
    step, change = history.steps[-1], history.changes[-1]
    unit = np.sqrt(step @ change / (change @ change))
    product = LbfgsInvHessProduct(history.steps / unit, history.changes * unit)
    way: Vector = -(unit**2) * np.asarray(product.matvec(gradient), np.float64)
    return way


def descend(function: Function, point: Vector, history: History, rule: Lbfgs) -> Arrived:
    """One step from `point`: along the direction of the history, or else straight down; or none at all."""
    known: dict[bytes, tuple[float, Vector]] = {}

    def at(place: Vector) -> tuple[float, Vector]:
        key = place.tobytes()
        if key not in known:
            known[key] = function(place)
        return known[key]

    loss, gradient = at(point)
    if not np.isfinite(loss) or float(np.abs(gradient).max()) <= rule.tolerance:
        return Arrived(point, loss, history, moved=False)
    for tried in (history, forgotten(len(point))) if len(history.steps) else (history,):
        way = direction(gradient, tried)
        length = _length(at, point, way, rule)
        if length is not None:
            reached: Vector = point + length * way
            lower, slope = at(reached)
            return Arrived(reached, lower, tried.with_pair(reached - point, slope - gradient, rule.memory), moved=True)
    return Arrived(point, loss, history, moved=False)


def _length(at: Any, point: Vector, way: Vector, rule: Lbfgs) -> float | None:
    """How far to go along `way`; None where no length satisfies the strong Wolfe conditions."""
    loss, gradient = at(point)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy warns of what it also returns: that it found none
        found = line_search(
            lambda place: at(place)[0], lambda place: at(place)[1], point, way, gradient, loss,
            c1=rule.decrease, c2=rule.curvature, maxiter=rule.line_search_steps,
        )  # fmt: skip
    return None if found[0] is None else float(found[0])
