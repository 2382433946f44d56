"""L-BFGS on real data: it reaches the minimum that SciPy reaches, and a stopped run ends like one that was not."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from archgraph.diagnostics import GraphError
from archgraph.training import load_experiment, train
from archgraph.training.planning import plan
from tests.training.conftest import DENSE, Write, vector_graph
from tests.training.test_loop import PressesCtrlC, same

LBFGS: dict[str, Any] = {"optimizer": "lbfgs", "batch_size": "all", "validation": 0, "metrics": []}
SOFTMAX: dict[str, Any] = {
    **vector_graph(13, 3, kernel_regularizer={"l2": 0.01}, activation="softmax"),
}
WINE: dict[str, Any] = {
    **LBFGS, "data": "wine", "preprocessing": ["standardize"], "dtype_policy": "float64",
}  # fmt: skip


def scipys_minimum(x: Any, y: Any) -> float:
    """Of softmax regression with a penalty of 0.01 on the squares of the matrix."""
    count, width = x.shape
    ones = np.eye(3)[y]

    def function(point: Any) -> Any:
        kernel, bias = point[: width * 3].reshape(width, 3), point[width * 3 :]
        scores = x @ kernel + bias
        scores = scores - scores.max(1, keepdims=True)
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        loss = -np.log((shares * ones).sum(1)).mean() + 0.01 * (kernel**2).sum()
        error = (shares - ones) / count
        return loss, np.concatenate([(x.T @ error + 0.02 * kernel).ravel(), error.sum(0)])

    return float(minimize(function, np.zeros(width * 3 + 3), jac=True, options={"gtol": 1e-9}).fun)


def test_it_reaches_the_minimum_and_the_loss_only_falls(write: Write) -> None:
    path = write(SOFTMAX, epochs=40, **WINE)
    run = train(path, progress=False)
    data = plan(load_experiment(path)).dataset().train
    losses = [row["loss"] for row in run.history]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(losses))
    (x,), (y,) = data.inputs.values(), data.targets.values()
    assert losses[-1] == pytest.approx(scipys_minimum(np.asarray(x), np.asarray(y).ravel()), abs=1e-6)
    assert "learning_rate" not in run.history[0]


def test_pieces_give_the_step_of_the_whole(write: Write) -> None:
    path = write(SOFTMAX, epochs=4, **WINE)
    whole = train(path, progress=False)
    pieces = train(path, progress=False, overrides={"optimizer": {"name": "lbfgs", "samples_at_once": 50}})
    for one, other in zip(whole.history, pieces.history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-6)


def test_a_stopped_run_ends_like_one_that_was_not(write: Write) -> None:
    path = write(DENSE, epochs=6, **{**LBFGS, "validation": 0.1, "metrics": ["accuracy"]})  # with dropout
    whole = train(path, progress=False)
    assert train(path, progress=PressesCtrlC(2, 1)).interrupted
    same(whole, train(path, resume=True, progress=False))
    assert whole.history[-1]["loss"] < 0.5 * whole.history[0]["loss"]


def test_it_takes_all_data_and_one_network(write: Write) -> None:
    for changes, field in (
        ({"batch_size": 32}, "/batch_size"),
        ({"dtype_policy": "mixed_float16"}, "/dtype_policy"),
        ({"callbacks": ["reduce_lr_on_plateau"]}, "/callbacks/0"),
    ):
        with pytest.raises(GraphError) as error:
            load_experiment(write(DENSE, **{**LBFGS, **changes}))
        assert [one.pointer for one in error.value.diagnostics] == [field]
