"""The perceptron on iris: it comes to rest on the species that a plane parts from the others, and on no other."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn.datasets import load_iris

from archgraph.diagnostics import GraphError
from archgraph.training import load_experiment, train
from tests.training.conftest import Write, vector_graph

EXAMPLE = Path(__file__).parents[2] / "examples" / "perceptron_iris.train.json"


def separable(species: int) -> bool:
    """Whether some plane parts a species from the two others: a question of linear programming."""
    flowers, which = load_iris(return_X_y=True)
    signs = np.where(which == species, 1.0, -1.0)
    rows = -signs[:, None] * np.hstack([flowers, np.ones((len(flowers), 1))])
    return bool(linprog(np.zeros(5), A_ub=rows, b_ub=-np.ones(len(flowers)), bounds=[(None, None)] * 5).success)


def test_it_comes_to_rest_on_separable_classes_and_never_on_others(tmp_path: Path) -> None:
    run = train(EXAMPLE, run_dir=tmp_path / "run", progress=False, overrides={"epochs": 10})
    for species, (precision, recall) in enumerate(
        [("precision", "recall"), ("precision_2", "recall_2"), ("precision_3", "recall_3")]
    ):
        faultless = [row[precision] == row[recall] == 1 for row in run.history[4:]]
        assert all(faultless) if separable(species) else not any(faultless)
    assert [separable(species) for species in range(3)] == [True, False, False]
    assert (run.test["precision"], run.test["recall"]) == (1, 1)
    assert (run.path / "learning_rate.png").read_bytes()[:4] == b"\x89PNG"


def refused(path: Path) -> list[str]:
    with pytest.raises(GraphError) as error:
        load_experiment(path)
    return [one.pointer for one in error.value.diagnostics]


def test_the_rule_goes_with_its_loss_and_the_loss_with_scores(write: Write) -> None:
    from archgraph.training import check_experiment

    changes: dict[str, Any] = {"data": "breast_cancer", "preprocessing": [], "metrics": [], "optimizer": "perceptron"}
    assert refused(write(vector_graph(30, 1), loss="hinge", **changes)) == ["/loss"]
    found = check_experiment(write(vector_graph(30, 1, "sigmoid"), loss="perceptron", **changes))
    assert [one.pointer for one in found] == ["/loss"] and "either sign" in found[0].message
    assert not check_experiment(write(vector_graph(30, 1), loss="perceptron", **changes))
