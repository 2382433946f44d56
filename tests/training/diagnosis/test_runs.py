"""Real runs that go wrong in every way that is known are told apart, and healthy ones left in peace."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import archgraph as ag
from archgraph.training import train
from archgraph.training.diagnosis import DIAGNOSES, lines
from archgraph.training.diagnosis.applying import apply_remedies
from archgraph.training.planning import check_experiment

RELU = {"activation": "relu"}
SIGMOID = {"activation": "sigmoid"}
NOISY = 0.25

Layers = list[tuple[int, Mapping[str, Any]]]
Trained = Callable[..., Path]


def graph(layers: Layers) -> dict[str, Any]:
    """Dense layers over 64 numbers, and a softmax."""
    nodes: dict[str, Any] = {}
    before = "x"
    for number, (units, more) in enumerate(layers):
        nodes[f"h{number}"] = {"op": "dense", "in": before, "units": units, **more}
        before = f"h{number}"
    nodes["scores"] = {"op": "dense", "in": before, "units": 10, "activation": "softmax"}
    shape = {"x": {"shape": [64]}}
    return {"archgraph": 1, "name": "net", "inputs": shape, "nodes": nodes, "outputs": {"label": "scores"}}


@pytest.fixture
def trained(project: Path) -> Trained:
    """Train such a graph on digits as vectors, some labels perhaps wrong; the run folder."""

    def run(layers: Layers, *, wrong: float = 0.0, samples: int = 1797, **changes: Any) -> Path:
        digits, draw = load_digits(), np.random.default_rng(0)
        label = digits.target.astype("int32")
        flipped = draw.random(len(label)) < wrong
        label[flipped] = (label[flipped] + draw.integers(1, 10, flipped.sum())) % 10
        np.savez(project / "digits.npz", x=(digits.data / 16).astype("float32")[:samples], label=label[:samples])
        (project / "net.graph.json").write_text(json.dumps(graph(layers)))
        experiment = {
            "archgraph": 1, "name": "net", "graph": "net.graph.json", "data": {"name": "npz", "file": "digits.npz"},
            "loss": "sparse_categorical_crossentropy", "optimizer": {"name": "adam", "learning_rate": 0.005},
            "epochs": 12, "batch_size": 64, "metrics": ["accuracy"], **changes,
        }  # fmt: skip
        (project / "net.train.json").write_text(json.dumps(experiment))
        return train(project / "net.train.json", progress=False).path

    return run


def names(run: Path) -> list[str]:
    return [finding.name for finding in ag.diagnose(run)]


def sgd(rate: float, **more: Any) -> dict[str, Any]:
    return {"name": "sgd", "learning_rate": rate, **more}


NODES = {"watch": ["nodes"]}
LARGE = {**RELU, "kernel_initializer": {"name": "random_normal", "stddev": 1.0}}
DEAD = {**RELU, "bias_initializer": {"name": "constant", "value": -3.0}}
CASES: dict[str, tuple[Layers, dict[str, Any], list[str]]] = {
    "healthy": ([(64, RELU)], NODES, []),
    "healthy and deep": (
        [(64, RELU)] * 3, {**NODES, "epochs": 20, "optimizer": {"name": "adam", "learning_rate": 0.001}}, [],
    ),
    "far too long steps": ([(32, RELU)], {"optimizer": sgd(30.0), "epochs": 6}, ["diverging"]),
    "not a number": ([(32, LARGE)] * 4, {"optimizer": sgd(1000.0), "epochs": 3}, ["diverging"]),
    "few samples": (
        [(256, RELU)] * 2, {"samples": 60, "validation": 0.5, "batch_size": 8, "epochs": 50}, ["over-fitting"],
    ),
    "one unit": ([(1, RELU)], {"epochs": 50, "optimizer": {"name": "adam", "learning_rate": 0.01}}, ["under-fitting"]),
    "little time": ([(32, RELU)], {"epochs": 6, "optimizer": sgd(0.01)}, ["under-fitting"]),
    "steps of nothing": ([(32, RELU)], {"epochs": 6, "optimizer": sgd(1e-5)}, ["plateau"]),
    "steps that cannot settle": (
        [(32, {"activation": "leaky_relu"})],
        {"wrong": NOISY, "optimizer": {"name": "adam", "learning_rate": 0.1}, "epochs": 20, "batch_size": 16},
        ["plateau", "label noise"],
    ),
    "biases that silence": ([(32, DEAD), (32, RELU)], {**NODES, "epochs": 5}, ["dead units"]),
    "ten sigmoids": ([(32, SIGMOID)] * 10, {**NODES, "epochs": 3, "optimizer": sgd(0.01)}, ["vanishing gradients"]),
    "a start that is too large": (
        [(64, LARGE)] * 6, {**NODES, "epochs": 3, "optimizer": sgd(1e-9)}, ["diverging", "exploding gradients"],
    ),
    "wrong labels": ([(64, RELU)], {"wrong": NOISY, "epochs": 12}, ["label noise"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_illness_is_found_where_it_is_and_only_there(trained: Trained, case: str) -> None:
    layers, changes, expected = CASES[case]
    run = trained(layers, **changes)
    assert names(run) == expected
    written = json.loads((run / "diagnosis.json").read_text())
    assert [one["name"] for one in written] == expected
    assert all(one["evidence"] and one["explanation"] for one in written)
    log = (run / "train.log").read_text()
    assert ("diagnosis: nothing stands out" in log) == (not expected)
    assert all(f"diagnosis: {name}: " in log for name in expected)


def test_every_diagnosis_is_provoked_by_a_run() -> None:
    assert {name for _, _, expected in CASES.values() for name in expected} == set(DIAGNOSES)


@pytest.mark.parametrize("case", [case for case, (_, _, expected) in CASES.items() if expected])
def test_every_remedy_is_an_experiment_that_can_be_trained(trained: Trained, project: Path, case: str) -> None:
    layers, changes, _ = CASES[case]
    run = trained(layers, **{**changes, "epochs": min(changes.get("epochs", 8), 8)})
    findings = ag.diagnose(run)
    count = sum(len(finding.remedies) for finding in findings)
    before = json.loads((project / "net.train.json").read_text())
    for number in range(1, count + 1):
        written = apply_remedies(run, findings, [number], project / "cured.train.json")
        assert check_experiment(written[0]) == ()
        after = json.loads(written[0].read_text())
        assert after != before
        if len(written) > 1:
            assert after["graph"] == written[1].name == "cured.graph.json"


CURED = ["far too long steps", "steps of nothing", "biases that silence"]


@pytest.mark.parametrize("case", CURED)
def test_the_first_remedy_makes_the_loss_lower(trained: Trained, project: Path, case: str) -> None:
    layers, changes, _ = CASES[case]
    run = trained(layers, **changes)
    cured, *_ = apply_remedies(run, ag.diagnose(run), [1], project / "cured.train.json")
    again = train(cured, progress=False)
    before = json.loads((run / "metrics.json").read_text())
    assert again.history[-1]["loss"] < before[-1]["loss"]


def test_remedies_are_numbered_through(trained: Trained) -> None:
    run = trained([(64, LARGE)] * 6, **NODES, epochs=3, optimizer=sgd(1e-9))
    findings = ag.diagnose(run)
    numbers = [line.split()[1] for line in lines(findings) if line.startswith("  remedy ")]
    assert numbers == [f"{n}:" for n in range(1, 1 + sum(len(one.remedies) for one in findings))]
