"""The static check: graph, data, loss and metrics against each other, before Keras is imported."""

from typing import Any

import pytest

from archgraph.diagnostics import GraphError
from archgraph.training import check_experiment, load_experiment, plan
from tests.training.conftest import DENSE, Write, vector_graph

IRIS = {"data": "iris", "preprocessing": ["standardize"]}
DIABETES = {"data": "diabetes", "preprocessing": [], "loss": "mean_squared_error", "metrics": []}
ONE_HOT = {"preprocessing": ["standardize", "one_hot"]}
LOGITS = {"name": "sparse_categorical_crossentropy", "from_logits": True}


def ending(activation: str | None, units: int = 10) -> dict[str, Any]:
    """`DENSE` with another last layer."""
    last = {"op": "dense", "in": "drop", "units": units, **({"activation": activation} if activation else {})}
    return {**DENSE, "nodes": {**DENSE["nodes"], "scores": last}}


POOLED = {
    "pool": {"op": "global_avg_pool", "in": "image"},
    "scores": {"op": "dense", "in": "pool", "units": 10, "activation": "softmax"},
}
TUMOURS = {**IRIS, "data": "breast_cancer", "loss": "binary_crossentropy"}
SPARSE = {"loss": "sparse_categorical_crossentropy"}
DENSE_LOSS = {"loss": "categorical_crossentropy"}

GOOD: list[tuple[dict[str, Any] | None, dict[str, Any]]] = [
    (None, {}),
    (ending(None), {"loss": LOGITS}),
    (ending("sigmoid"), {**ONE_HOT, "loss": "binary_crossentropy"}),
    (None, {**ONE_HOT, **DENSE_LOSS, "metrics": ["accuracy", "auc", "f1_score"]}),
    (vector_graph(4, 3, "softmax"), IRIS),
    (vector_graph(10, 1), DIABETES),
    (vector_graph(30, 1, "sigmoid"), {**TUMOURS, "metrics": ["precision"]}),
    (vector_graph(10, 10), {**DIABETES, "targets": {"y": "features"}}),
    (None, {"class_weights": "balanced", "callbacks": [{"name": "early_stopping", "monitor": "val_accuracy"}]}),
    ({**DENSE, "inputs": {"image": {"shape": ["H", "H", 1]}}, "nodes": POOLED}, {}),
]

Case = tuple[str, dict[str, Any] | None, dict[str, Any], str, str]
BAD_OBJECTIVES: list[Case] = [
    ("softmax and from_logits", None, {"loss": LOGITS}, "/loss/from_logits", "has applied softmax already"),
    ("no softmax at all", ending(None), {}, "/loss", "'scores' without an activation"),
    ("relu is no probability", ending("relu"), {}, "/loss", "takes probabilities, but output 'label' ends in relu"),
    ("sigmoid for ten classes", ending("sigmoid"), {}, "/loss", "ends in sigmoid"),
    ("too few classes", ending("softmax", 8), {}, "/loss", "go from 0 to 9, but output 'label' has 8"),
    ("one sparse class", ending("sigmoid", 1), {}, "/loss", "needs an output for every class"),
    ("one-hot for sparse", None, ONE_HOT, "/loss", "takes class numbers of shape ()"),
    ("sparse for one-hot", None, DENSE_LOSS, "/loss", "needs that of the output, (10,)"),
    ("numbers for classes", vector_graph(10, 3, "softmax"), {**DIABETES, **SPARSE}, "/loss", "holds float32"),
    ("targets beyond one", vector_graph(10, 1, "sigmoid"), {**TUMOURS, "data": "diabetes"}, "/loss", "from 0 to 1"),
    ("metric for one-hot", None, {"metrics": ["accuracy", "categorical_accuracy"]}, "/metrics/1", "takes (10,)"),
    (
        "metric for sparse",
        None,
        {**ONE_HOT, **DENSE_LOSS, "metrics": ["sparse_categorical_accuracy"]},
        "/metrics/0",
        "()",
    ),
    ("unknown output", None, {"loss": {"lable": "mean_squared_error"}}, "/loss/lable", "no output 'lable'"),
]
MONITORED = {"callbacks": [{"name": "early_stopping", "monitor": "val_acuracy"}]}
TYPO = {"preprocessing": [{"name": "flatten", "on": ["imge"]}]}
BAD: list[Case] = [
    *BAD_OBJECTIVES,
    ("another size", None, {"preprocessing": [{"name": "pad", "size": 32}]}, "/data", "(32, 32, 1), but input 'image'"),
    ("another rank", None, {"preprocessing": ["flatten"]}, "/data", "has the shape (64,)"),
    ("unknown monitor", None, MONITORED, "/callbacks/0/monitor", "'val_acuracy' is not measured"),
    ("unknown class", None, {"class_weights": {"ten": 2}}, "/class_weights/ten", "no class 'ten'"),
    ("no classes", vector_graph(10, 1), {**DIABETES, "class_weights": "balanced"}, "/class_weights", "got 0"),
    ("unknown column", None, {"inputs": {"image": "imag"}}, "/inputs/image", "no column 'imag'"),
    ("unknown input", None, {"inputs": {"picture": "image"}}, "/inputs/picture", "no input 'picture'"),
    ("unknown target", None, {"targets": {"lable": "label"}}, "/targets/lable", "no output 'lable'"),
    ("no such column on a step", None, TYPO, "/preprocessing/0/on/0", "'imge'"),
    ("data file", None, {"data": {"name": "npz", "file": "none.npz"}}, "/data/file", "there is no"),
    ("graph file", None, {"graph": "dens.graph.json"}, "/graph", "no graph file"),
    ("nothing left to test", None, {"data": {"name": "digits", "test": 0.0001}}, "/data", "no sample is left"),
]


@pytest.mark.parametrize(("network", "changes"), GOOD)
def test_what_fits_is_accepted(network: dict[str, Any] | None, changes: dict[str, Any], write: Write) -> None:
    assert check_experiment(write(network, **changes)) == ()


@pytest.mark.parametrize(
    ("network", "changes", "pointer", "message"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD]
)
def test_what_does_not_fit_is_one_located_line(
    network: dict[str, Any] | None, changes: dict[str, Any], pointer: str, message: str, write: Write
) -> None:
    path = write(network, **changes)
    (found,) = check_experiment(path)
    assert (found.pointer, found.file) == (pointer, str(path))
    assert message in found.message
    assert found.line > 0


def test_a_symbolic_size_is_checked_against_what_is_stated_of_it(write: Write) -> None:
    graph = {
        **DENSE,
        "inputs": {"image": {"shape": ["H", "W", 1]}},
        "dims": {"H": {"multiple_of": 16}},
        "nodes": {
            "pool": {"op": "global_avg_pool", "in": "image"},
            "scores": {"op": "dense", "in": "pool", "units": 10, "activation": "softmax"},
        },
    }
    (found,) = check_experiment(write(graph))
    assert found.code == "AG701"


def test_faults_of_graph_and_data_are_reported_together(write: Write) -> None:
    broken = {**DENSE, "nodes": {**DENSE["nodes"], "hidden": {"op": "dense", "in": "flat", "units": 0}}}
    found = check_experiment(write(broken, data={"name": "csv", "file": "no.csv", "target": "y"}))
    assert {one.code for one in found} == {"AG201", "AG702"}
    assert all(one.line for one in found)


def test_outputs_learn_what_they_are_told_and_the_rest_is_left_alone(write: Write) -> None:
    graph = {**DENSE, "outputs": {"label": "scores", "features": "hidden"}}
    planned = plan(load_experiment(write(graph)))
    assert planned.binding.targets == {"label": "label"}
    assert planned.quantities == ("loss", "accuracy", "val_loss", "val_accuracy")


def test_the_same_data_set_feeds_several_outputs(write: Write) -> None:
    graph = {
        **DENSE,
        "nodes": {**DENSE["nodes"], "back": {"op": "dense", "in": "hidden", "units": 64, "activation": "sigmoid"},
                  "picture": {"op": "reshape", "in": "back", "target_shape": [8, 8, 1]}},
        "outputs": {"label": "scores", "again": "picture"},
    }  # fmt: skip
    losses = {"label": "sparse_categorical_crossentropy", "again": "binary_crossentropy"}
    changes = {"loss": losses, "targets": {"label": "label", "again": "image"}, "metrics": {"label": ["accuracy"]}}
    planned = plan(load_experiment(write(graph, **changes)))
    assert planned.quantities[:4] == ("loss", "label_loss", "again_loss", "label_accuracy")
    (found,) = check_experiment(write(graph, **{**changes, "loss": {"label": losses["label"]}}))
    assert (found.pointer, "'again' has a target but no loss" in found.message) == ("/loss", True)


PENALISED = {
    **DENSE, "nodes": {**DENSE["nodes"], "size": {"op": "dot", "in": ["hidden", "hidden"]}},
    "outputs": {"label": "scores", "size": "size"},
}  # fmt: skip
PENALTY = {
    "targets": {"label": "label", "size": 2.5},
    "loss": {"label": "sparse_categorical_crossentropy", "size": "mean_absolute_error"},
    "metrics": {"label": ["accuracy"]},
}


def test_a_number_as_target_is_learned_by_every_sample(write: Write) -> None:
    planned = plan(load_experiment(write(PENALISED, **PENALTY)))
    targets = planned.dataset().test.targets["size"]
    assert targets.shape == (80, 1) and set(targets.ravel()) == {2.5}
    found, *_ = check_experiment(write(PENALISED, **{**PENALTY, "targets": {"label": "label", "sise": 0}}))
    assert found.pointer == "/targets/sise" and "no output 'sise'" in found.message


def test_a_number_as_target_needs_an_output_of_known_size(write: Write) -> None:
    graph = {
        "archgraph": 1, "name": "any", "inputs": {"image": {"shape": ["H", "W", 1]}},
        "nodes": {"conv": {"op": "conv", "in": "image", "filters": 1, "kernel_size": 3}}, "outputs": {"y": "conv"},
    }  # fmt: skip
    (found,) = check_experiment(write(graph, targets={"y": 0}, loss="mean_squared_error", metrics=None))
    assert (found.code, found.pointer) == ("AG701", "/targets/y") and "known sizes" in found.message


def test_a_plan_is_only_made_of_what_fits(write: Write) -> None:
    with pytest.raises(GraphError):
        plan(load_experiment(write(loss="categorical_crossentropy")))


def test_two_metrics_of_a_kind_have_names_of_their_own(write: Write) -> None:
    metrics = [{"name": "sparse_top_k_categorical_accuracy", "k": k} for k in (2, 3)]
    planned = plan(load_experiment(write(metrics=metrics)))
    assert planned.quantities[1:3] == ("sparse_top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy_2")


def test_a_hidden_layer_of_zeros_is_refused_before_training_and_the_last_layer_is_not(write: Write) -> None:
    hidden = {**DENSE["nodes"]["hidden"], "kernel_initializer": "zeros"}
    (found,) = check_experiment(write({**DENSE, "nodes": {**DENSE["nodes"], "hidden": hidden}}))
    assert (found.code, found.pointer) == ("AG602", "/nodes/hidden/kernel_initializer")
    assert found.file.endswith("dense.graph.json") and found.line and "relu" not in found.hint
    last = {**DENSE["nodes"]["scores"], "kernel_initializer": "zeros"}
    assert check_experiment(write({**DENSE, "nodes": {**DENSE["nodes"], "scores": last}})) == ()
