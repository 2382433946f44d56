"""Greedy layer-wise pre-training. The oracles are the definition (errors fall, layers stay) and PCA."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from archgraph.analysis import infer
from archgraph.compiler import get_weights, load_model
from archgraph.document.load import load_graph
from archgraph.training import Run, check_experiment, train
from archgraph.training.pretraining import stacks
from tests.training.conftest import DENSE, Write
from tests.training.test_loop import same

STILL = {"name": "sgd", "learning_rate": 1e-30}
DEEP: dict[str, Any] = {
    **DENSE,
    "nodes": {
        "flat": {"op": "flatten", "in": "image"},
        "one": {"op": "dense", "in": "flat", "units": 24, "activation": "sigmoid"},
        "drop": {"op": "dropout", "in": "one", "rate": 0.25},
        "two": {"op": "dense", "in": "drop", "units": 12, "activation": "sigmoid"},
        "scores": {"op": "dense", "in": "two", "units": 10, "activation": "softmax"},
    },
}
CONV: dict[str, Any] = {
    **DENSE,
    "nodes": {
        "first": {"op": "conv", "in": "image", "filters": 4, "kernel_size": 3, "activation": "relu"},
        "pool": {"op": "max_pool", "in": "first", "pool_size": 2},
        "second": {"op": "conv", "in": "pool", "filters": 6, "kernel_size": 3, "padding": "valid", "norm": "batch",
                   "activation": "relu"},
        "flat": {"op": "flatten", "in": "second"},
        "scores": {"op": "dense", "in": "flat", "units": 10, "activation": "softmax"},
    },
}  # fmt: skip


def report(run: Run) -> list[dict[str, Any]]:
    value: list[dict[str, Any]] = json.loads((run.path / "pretraining.json").read_text())
    return value


def weights(run: Run) -> dict[str, Any]:
    return get_weights(load_model(run.folder.model))


def graph(value: dict[str, Any], folder: Path) -> Any:
    (folder / "some.graph.json").write_text(json.dumps(value))
    return infer(load_graph(folder / "some.graph.json"))


def test_the_chain_of_layers_is_found(project: Path) -> None:
    assert [one.path for one in stacks(graph(DEEP, project))] == ["one", "two", "scores"]
    found = stacks(graph(CONV, project))
    assert [one.parts for one in found][1] == ("second", "second/norm", "second/activation")
    assert found[0].activation == "relu"
    strided = {**CONV, "nodes": {**CONV["nodes"], "second": {**CONV["nodes"]["second"], "strides": 2}}}
    assert [one.path for one in stacks(graph(strided, project))] == ["first"]


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("network", [DEEP, CONV], ids=["dense", "conv"])
def test_each_layer_learns_to_rebuild_what_feeds_it(network: dict[str, Any], tied: bool, write: Write) -> None:
    options = {"epochs": 8, "learning_rate": 0.01, "tied": tied}
    run = train(write(network, epochs=1, optimizer=STILL, pretraining=options), progress=False)
    told = report(run)
    assert [one["layer"] for one in told] == (["one", "two"] if network is DEEP else ["first", "second"])
    for one in told:
        assert len(one["error"]) == 8 and one["error"][-1] < 0.8 * one["error"][0]
    assert json.loads((run.path / "result.json").read_text())["pretraining"] == told
    start = weights(train(write(network, epochs=1, optimizer=STILL), progress=False))
    moved = {name for name, array in weights(run).items() if not np.allclose(array, start[name], atol=1e-9)}
    assert moved and not any(name.startswith("scores") for name in moved)


def test_a_linear_layer_finds_the_principal_axes(write: Write) -> None:
    nodes = {**DEEP["nodes"], "one": {"op": "dense", "in": "flat", "units": 6}}
    steps = [{"name": "rescale", "from_range": [0, 16]}, "center"]
    options = {"epochs": 60, "learning_rate": 0.01, "layers": 1, "tied": False}
    changes = {"data": {"name": "digits"}, "validation": 0, "preprocessing": steps, "optimizer": STILL, "epochs": 1}
    run = train(write({**DEEP, "nodes": nodes}, pretraining=options, **changes), progress=False)
    pictures = load_digits().data / 16
    axes = PCA(6).fit(pictures)
    left = pictures - axes.inverse_transform(axes.transform(pictures))
    best = float(np.square(left).mean())
    assert best < report(run)[0]["error"][-1] < 1.25 * best


def test_corruption_makes_it_harder_and_binary_crossentropy_has_its_own_scale(write: Write) -> None:
    base = {"epochs": 3, "learning_rate": 0.01}
    path = write(DEEP, epochs=1, optimizer=STILL, pretraining=base)
    clean = report(train(path, progress=False))
    noisy = report(train(path, progress=False, overrides={"pretraining.corruption": 0.5}))
    assert noisy[0]["error"][-1] > clean[0]["error"][-1]
    binary = report(train(path, progress=False, overrides={"pretraining.reconstruction": "binary_crossentropy"}))
    assert 0.2 < binary[0]["error"][-1] < binary[0]["error"][0] < 0.75  # of log 2 = 0.69 at the start


def test_unrolling_gives_the_decoders_to_the_second_half(write: Write) -> None:
    sizes = {"one": (24, "relu"), "code": (8, None), "three": (24, "relu"), "last": (64, None)}
    nodes: dict[str, Any] = {"flat": {"op": "flatten", "in": "image"}}
    before = "flat"
    for name, (units, function) in sizes.items():
        nodes[name] = {"op": "dense", "in": before, "units": units, **({"activation": function} if function else {})}
        before = name
    network = {**DENSE, "nodes": {**nodes, "picture": {"op": "reshape", "in": "last", "target_shape": [8, 8, 1]}},
               "outputs": {"picture": "picture"}}  # fmt: skip
    changes = {"targets": {"picture": "image"}, "loss": "mean_squared_error", "metrics": [], "epochs": 1}
    options = {"epochs": 10, "learning_rate": 0.01, "unroll": True, "tied": False}
    run = train(write(network, optimizer=STILL, pretraining=options, **changes), progress=False)
    plain = train(write(network, optimizer=STILL, **changes), progress=False)
    assert [one["layer"] for one in report(run)] == ["one", "code"]
    assert run.test["loss"] < 0.4 * plain.test["loss"]


class KilledError(Exception):
    """Stands for a killed process."""


@pytest.mark.parametrize("epochs_before", [2, 5])
def test_a_run_killed_while_it_pretrains_ends_as_if_it_had_not_been(
    epochs_before: int, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archgraph.training import layerwise

    monkeypatch.setattr(layerwise, "_SECONDS", 0.0)
    options = {"epochs": 4, "learning_rate": 0.01, "corruption": 0.2}
    path = write(DEEP, epochs=1, pretraining=options)
    whole = train(path, run_dir="whole", progress=False)
    original, calls = layerwise.Layerwise._epoch, []

    def dies(self: Any) -> None:
        if len(calls) == epochs_before:
            raise KilledError
        calls.append(1)
        original(self)

    monkeypatch.setattr(layerwise.Layerwise, "_epoch", dies)
    with pytest.raises(KilledError):
        train(path, run_dir="killed", progress=False)
    monkeypatch.setattr(layerwise.Layerwise, "_epoch", original)
    resumed = train(path, run_dir="killed", resume=True, progress=False)
    assert "pre-training goes on at layer" in (resumed.path / "train.log").read_text()
    assert report(resumed) == report(whole)
    same(whole, resumed)


def test_ctrl_c_while_it_pretrains_is_a_pause(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from archgraph.training import layerwise

    path = write(DEEP, epochs=1, pretraining={"epochs": 3, "learning_rate": 0.01})
    whole = train(path, run_dir="whole", progress=False)
    original, calls = layerwise.Layerwise._epoch, []

    def pressed(self: Any) -> None:
        calls.append(1)
        original(self)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(layerwise.Layerwise, "_epoch", pressed)
    run = train(path, run_dir="paused", progress=False)
    assert run.interrupted and not run.history and len(calls) == 4
    resumed = train(path, run_dir="paused", resume=True, progress=False)
    assert len(calls) == 6 and report(resumed) == report(whole)
    same(whole, resumed)


BAD: list[tuple[dict[str, Any], str, str, str]] = [
    ({"pretraining": {"epochs": 0}}, "AG201", "/pretraining/epochs", "at least 1"),
    ({"pretraining": {"epochs": 1, "layers": 3}}, "AG701", "/pretraining/layers", "at most 2"),
    ({"pretraining": {"epochs": 1, "unroll": True}}, "AG701", "/pretraining/unroll", "do not mirror"),
    ({"pretraining": {}}, "AG204", "/pretraining", "needs 'epochs'"),
    ({"pretraining": {"epochs": 1, "reconstruction": "binary_crossentropy"}, "preprocessing": []}, "AG701",
     "/pretraining/reconstruction", "from 0 to 1"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "pointer", "message"), BAD)
def test_what_cannot_be_is_told_at_its_place(
    changes: dict[str, Any], code: str, pointer: str, message: str, write: Write
) -> None:
    (found,) = check_experiment(write(DEEP, **changes))
    assert (found.code, found.pointer) == (code, pointer) and found.line
    assert message in found.message


def test_a_branch_ends_the_chain(write: Write) -> None:
    nodes = {**DEEP["nodes"], "two": {"op": "add", "in": ["one", "one"]}}
    nodes["scores"] = {**nodes["scores"], "in": "two"}
    del nodes["drop"]
    (found,) = check_experiment(write({**DEEP, "nodes": nodes}, pretraining={"epochs": 1}))
    assert "needs at least two dense or convolutional layers" in found.message
