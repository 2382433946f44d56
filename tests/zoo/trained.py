"""Narrow forms of the zoo, trained as their experiments say, and what simple methods reach on the same samples."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archgraph.training import Plan, Run, load_experiment, plan, train

EXAMPLES = Path(__file__).parents[2] / "examples"
Array = NDArray[Any]


class Split(NamedTuple):
    """Raw samples of an experiment, as its network is trained and tested on them."""

    train: dict[str, Array]
    test: dict[str, Array]


def trained(name: str, folder: Path) -> Run:
    """The run of an experiment among the examples."""
    return train(EXAMPLES / f"{name}.train.json", run_dir=folder / "run", progress=False)


@cache
def planned(name: str) -> Plan:
    """The plan of an experiment among the examples."""
    return plan(load_experiment(EXAMPLES / f"{name}.train.json"))


def samples(name: str) -> Split:
    """Every column of both parts, before preprocessing. Validation samples are left out."""
    columns, parts = planned(name).samples.columns, planned(name).parts
    taken = [{key: column.values[part] for key, column in columns.items()} for part in (parts.train, parts.test)]
    return Split(*taken)


def linear_accuracy(train: tuple[Array, Array], test: tuple[Array, Array]) -> float:
    """Share of test samples that logistic regression on raw numbers gets right, with the better of two penalties."""
    from sklearn.linear_model import LogisticRegression

    def scaled(values: Array) -> Array:
        return np.asarray(values.reshape(len(values), -1) / train[0].max(), np.float32)

    models = [LogisticRegression(C=strength, max_iter=500, tol=1e-3) for strength in (0.1, 1)]
    return max(float(model.fit(scaled(train[0]), train[1]).score(scaled(test[0]), test[1])) for model in models)


def mean_overlap(truth: Array, given: Array) -> float:
    """Mean over the classes of overlap over union."""
    overlaps = [((truth == k) & (given == k)).sum() / ((truth == k) | (given == k)).sum() for k in np.unique(truth)]
    return float(np.mean(overlaps))
