"""Runs side by side: figures, differences, conditions, order."""

import json
from pathlib import Path
from typing import Any

import pytest

from archgraph.diagnostics import GraphError
from archgraph.training.comparing import chosen, columns, differences, flat, labels, lines_of, ordered

RATES = {"a-1": 0.1, "a-2": 0.1, "a-10": 0.5}


def write_run(path: Path, rate: float, loss: list[float], result: dict[str, Any] | None) -> None:
    """The files of a run that are read."""
    path.mkdir(parents=True)
    settings = {
        "name": path.name, "optimizer": {"name": "sgd", "learning_rate": rate}, "epochs": 3, "metrics": ["accuracy"],
    }  # fmt: skip
    (path / "resolved.json").write_text(
        json.dumps({"settings": settings, "graphs": {"model": {"parameters": 10}, "other": {"parameters": 5}}})
    )
    rows = [{"epoch": n + 1, "seconds": 1.5, "loss": value, "val_loss": 2 * value} for n, value in enumerate(loss)]
    (path / "metrics.json").write_text(json.dumps(rows))
    if result is not None:
        full = {"interrupted": False, "stopped": "", "epochs": len(loss), "best_epoch": 2, "seconds": 4.5, **result}
        (path / "result.json").write_text(json.dumps(full))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path / "a-1", 0.1, [3.0, 1.0, 2.0], {"test": {"accuracy": 0.8, "loss": 1.1}})
    write_run(tmp_path / "a-2", 0.1, [3.0, 2.0], {"test": {}, "interrupted": True})
    write_run(tmp_path / "a-10", 0.5, [3.0, 0.5, 0.4], {"test": {"accuracy": 0.9, "loss": 0.6}, "stopped": "no better"})
    write_run(tmp_path / "deeper" / "b-1", 0.5, [], None)
    (tmp_path / "no run").mkdir()
    return tmp_path


def test_runs_are_found_in_natural_order_with_how_they_went(runs: Path) -> None:
    found = lines_of([runs])
    assert [Path(line.path).name for line in found] == ["a-1", "a-2", "a-10", "b-1"]
    assert [line.state for line in found] == ["finished", "interrupted", "stopped early", "unfinished"]
    first = found[0]
    assert (first.epochs, first.best_epoch, first.parameters, first.seconds) == (3, 2, 15, 4.5)
    assert first.value("val_loss") == 2.0 and first.value("test_accuracy") == 0.8  # of the best epoch
    assert [line.epochs for line in found] == [3, 2, 3, 0]
    expected = [
        "run",
        "state",
        "epochs",
        "best_epoch",
        "test_accuracy",
        "test_loss",
        "val_loss",
        "parameters",
        "seconds",
    ]
    assert columns(found) == expected


def test_differences_name_what_most_runs_have(runs: Path) -> None:
    found = lines_of([runs / "a-1", runs / "a-2", runs / "a-10"])
    assert differences(found) == {"optimizer.learning_rate": 0.1}
    assert labels(found) == ["a-1, learning_rate 0.1", "a-2, learning_rate 0.1", "a-10, learning_rate 0.5"]
    assert differences(found[:2]) == {}


CONDITIONS = [
    ("test_accuracy>0.85", ["a-10"]),
    ("test_accuracy >= 0.8", ["a-1", "a-10"]),
    ("optimizer.learning_rate=0.1", ["a-1", "a-2"]),
    ("optimizer.name!=sgd", []),
    ("state~stopped", ["a-10"]),
    ("state=finished", ["a-1"]),
    ("epochs<3", ["a-2", "b-1"]),
]


@pytest.mark.parametrize(("condition", "names"), CONDITIONS)
def test_conditions_choose_runs(runs: Path, condition: str, names: list[str]) -> None:
    assert [Path(line.path).name for line in chosen(lines_of([runs]), [condition])] == names


def test_all_conditions_must_hold(runs: Path) -> None:
    assert [Path(one.path).name for one in chosen(lines_of([runs]), ["epochs=3", "val_loss<1.5"])] == ["a-10"]


@pytest.mark.parametrize(("text", "message"), [("epochs", "a condition is"), ("epoch=3", "did you mean 'epochs'")])
def test_conditions_that_mean_nothing_are_refused(runs: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chosen(lines_of([runs]), [text])


def test_runs_without_a_value_come_last_in_any_order(runs: Path) -> None:
    found = lines_of([runs])
    names = [Path(line.path).name for line in ordered(found, "test_accuracy", falling=True)]
    assert names == ["a-10", "a-1", "a-2", "b-1"]
    assert [Path(line.path).name for line in ordered(found, "val_loss")][:3] == ["a-10", "a-1", "a-2"]
    with pytest.raises(ValueError, match="no run has 'speed'"):
        ordered(found, "speed")


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="AG704 there are no runs there"):
        lines_of([tmp_path])


def test_nested_settings_have_dotted_names() -> None:
    value = {"a": {"b": 1}, "c": [{"name": "x"}, {"name": "y"}], "d": [1, 2], "e": {}}
    assert dict(flat(value)) == {"a.b": 1, "c.0.name": "x", "c.1.name": "y", "d": [1, 2], "e": {}}
