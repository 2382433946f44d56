"""Histories made by hand: what is said of them, with which numbers, and which edits follow."""

import math
from typing import Any

import pytest

from archgraph.diagnostics import GraphError
from archgraph.training.diagnosis import Case, Finding, diagnose
from archgraph.training.diagnosis.applying import apply_remedies
from archgraph.training.diagnosis.case import mean, tail

BOUNDS = {"bounds": {"constant": 2.0, "floor": 0.0}}


def history(loss: list[float], held: list[float] | None = None, **more: list[float]) -> tuple[dict[str, Any], ...]:
    columns = {"loss": loss, **({"val_loss": held} if held else {}), **more}
    return tuple({"epoch": n + 1, **{key: values[n] for key, values in columns.items()}} for n in range(len(loss)))


def found(case: Case) -> dict[str, Finding]:
    return {finding.name: finding for finding in diagnose(case)}


def test_a_loss_that_is_not_finite_is_told_with_its_epoch() -> None:
    finding = found(Case(history([1.0, 0.5, math.nan])))["diverging"]
    assert finding.evidence == {"epoch": 3, "loss before": [1.0, 0.5]}


def test_over_fitting_names_the_turn_of_the_validation_loss() -> None:
    loss = [1.0, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02]
    held = [1.1, 0.8, 0.7, 0.75, 0.8, 0.9, 1.0, 1.1]
    finding = found(Case(history(loss, held), held_out=BOUNDS))["over-fitting"]
    assert finding.evidence["best epoch"] == 3
    assert finding.evidence["validation loss at the end"] == pytest.approx(1.05)  # of the last two epochs
    assert "epoch 3 (0.7)" in finding.summary


def test_validation_that_jumps_about_is_not_taken_for_over_fitting() -> None:
    loss = [1.0, 0.6, 0.4, 0.35, 0.3, 0.28, 0.26, 0.25]
    held = [0.9, 0.5, 0.9, 0.45, 0.8, 0.5, 0.9, 0.55]
    assert "over-fitting" not in found(Case(history(loss, held), held_out=BOUNDS))


@pytest.mark.parametrize("loss", [[2.0, 1.0, 0.5, 0.3, 0.2, 0.1], [0.3], [0.5, 0.2]])
def test_a_loss_that_falls_is_left_in_peace(loss: list[float]) -> None:
    assert diagnose(Case(history(loss, loss), held_out=BOUNDS)) == ()


def test_losses_below_zero_are_not_judged() -> None:
    assert diagnose(Case(history([-1.0, -1.5, 4.0, 5.0, 6.0, 7.0]))) == ()


RATES: list[tuple[Any, Any]] = [
    (None, [{"at": "/optimizer", "value": {"name": "adam", "learning_rate": 1e-4}}]),
    ("sgd", [{"at": "/optimizer", "value": {"name": "sgd", "learning_rate": 1e-3}}]),
    ({"name": "sgd", "learning_rate": 0.5}, [{"at": "/optimizer/learning_rate", "value": 0.05}]),
    (
        {"name": "adam", "learning_rate": {"name": "cosine_decay", "initial_learning_rate": 0.3, "alpha": 0.1}},
        [{"at": "/optimizer/learning_rate/initial_learning_rate", "value": 0.03}],
    ),
    (
        {"name": "sgd", "learning_rate": {"name": "piecewise_constant", "boundaries": [3], "values": [0.2, 0.1]}},
        [{"at": "/optimizer/learning_rate/values", "value": [0.02, 0.01]}],
    ),
    (
        {"generator": "adam", "critic": {"name": "sgd", "learning_rate": 1}},
        [{"at": "/optimizer/generator", "value": {"name": "adam", "learning_rate": 1e-4}},
         {"at": "/optimizer/critic/learning_rate", "value": 0.1}],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "patch"), RATES)
def test_learning_rates_are_edited_wherever_they_stand(optimizer: Any, patch: list[dict[str, Any]]) -> None:
    experiment = {} if optimizer is None else {"optimizer": optimizer}
    case = Case(history([1.0, 2.0, math.inf]), experiment=experiment)
    assert list(found(case)["diverging"].remedies[0].patch) == patch


def test_a_remedy_that_is_not_there_is_refused(tmp_path: Any) -> None:
    with pytest.raises(GraphError, match="AG704 there is no remedy 3"):
        apply_remedies(tmp_path, diagnose(Case(history([1.0, math.nan]))), [3], "x.train.json")


def test_tails_and_means() -> None:
    assert tail([1, 2, 3, 4, 5], 0.4, 1) == [4, 5] and tail([1, 2], 0.1, 2) == [1, 2]
    assert mean([1.0, math.nan, 3.0]) == 2.0 and math.isnan(mean([math.nan]))
