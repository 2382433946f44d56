"""A step of L-BFGS against the dense formula of BFGS, and its way against SciPy's own minimiser."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from archgraph.training.lbfgs import History, descend, direction, forgotten
from archgraph.training.optimizer import Lbfgs

RULE = Lbfgs.make({})
Array = np.ndarray[Any, Any]


def banana(point: Array) -> tuple[float, Array]:
    return float(rosen(point)), np.asarray(rosen_der(point))


def walk(start: Array, steps: int, rule: Lbfgs = RULE) -> list[Array]:
    points, history = [start], forgotten(len(start))
    for _ in range(steps):
        arrived = descend(banana, points[-1], history, rule)
        if not arrived.moved:
            break
        points.append(arrived.point)
        history = arrived.history
    return points


def inverse_by_hand(history: History) -> Array:
    """Nocedal & Wright (2006), equations 6.17 and 7.20: rank-two updates of a multiple of the identity."""
    step, change = history.steps[-1], history.changes[-1]
    inverse = np.eye(len(step)) * (step @ change) / (change @ change)
    for s, y in zip(*history, strict=True):
        left = np.eye(len(s)) - np.outer(s, y) / (y @ s)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (y @ s)
    return inverse


def test_each_direction_is_that_of_the_dense_formula() -> None:
    points = walk(np.linspace(-1.5, 1.2, 6), 12)
    gradients = [rosen_der(point) for point in points]
    history = forgotten(6)
    checked = 0
    for before, after in zip(range(len(points) - 1), range(1, len(points)), strict=True):
        history = history.with_pair(points[after] - points[before], gradients[after] - gradients[before], 4)
        wanted = -inverse_by_hand(history) @ gradients[after]
        np.testing.assert_allclose(direction(gradients[after], history), wanted, rtol=1e-9)
        checked += 1
    assert checked >= 10 and len(history.steps) == 4  # the oldest were forgotten


def test_each_step_satisfies_the_strong_wolfe_conditions() -> None:
    points = walk(np.linspace(-1.5, 1.2, 6), 12)
    for before, after in itertools.pairwise(points):
        step, slope = after - before, float(rosen_der(before) @ (after - before))
        assert rosen(after) <= rosen(before) + 1e-4 * slope
        assert abs(float(rosen_der(after) @ step)) <= 0.9 * abs(slope)


def test_it_arrives_where_scipys_minimiser_arrives_about_as_fast() -> None:
    start = np.linspace(-1.5, 1.2, 6)
    theirs = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options={"maxcor": 10, "gtol": 1e-7, "ftol": 0})
    ours = walk(start, 200)
    np.testing.assert_allclose(ours[-1], theirs.x, atol=1e-5)
    assert len(ours) <= 1.5 * theirs.nit


def test_it_stays_where_the_gradient_is_nothing() -> None:
    arrived = descend(banana, np.ones(4), forgotten(4), RULE)
    assert not arrived.moved and arrived.loss == 0


def test_a_history_that_misleads_is_forgotten() -> None:
    def bowl(point: Array) -> tuple[float, Array]:
        return float(point @ point), 2 * point

    uphill = History(np.array([[1.0, 0.0]]), np.array([[1e-8, 1.0]]))  # says that the function hardly bends
    arrived = descend(bowl, np.array([1.0, 2.0]), uphill, Lbfgs.make({"line_search_steps": 2}))
    assert arrived.moved and arrived.loss < 5
    assert len(arrived.history.steps) <= 2


def test_pairs_without_curvature_are_not_remembered() -> None:
    history = forgotten(2).with_pair(np.array([1.0, 0.0]), np.array([-1.0, 0.0]), 5)
    assert not len(history.steps)


@pytest.mark.parametrize("memory", [1, 3, 20])
def test_no_more_is_remembered_than_asked_for(memory: int) -> None:
    history = forgotten(2)
    for number in range(1, 8):
        history = history.with_pair(np.array([1.0, number]), np.array([1.0, number]), memory)
    assert len(history.steps) == min(memory, 7) and history.steps[-1][1] == 7
