"""A small project folder to train in."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

DENSE: dict[str, Any] = {
    "archgraph": 1,
    "name": "dense",
    "inputs": {"image": {"shape": [8, 8, 1]}},
    "nodes": {
        "flat": {"op": "flatten", "in": "image"},
        "hidden": {"op": "dense", "in": "flat", "units": 32, "activation": "relu"},
        "drop": {"op": "dropout", "in": "hidden", "rate": 0.25},
        "scores": {"op": "dense", "in": "drop", "units": 10, "activation": "softmax"},
    },
    "outputs": {"label": "scores"},
}
DIGITS: dict[str, Any] = {
    "archgraph": 1,
    "name": "digits",
    "graph": "dense.graph.json",
    "data": {"name": "digits", "subset": 400},
    "preprocessing": [{"name": "rescale", "from_range": [0, 16]}],
    "loss": "sparse_categorical_crossentropy",
    "optimizer": {"name": "adam", "learning_rate": 0.005},
    "epochs": 3,
    "batch_size": 32,
    "metrics": ["accuracy"],
}

Write = Callable[..., Path]


def vector_graph(size: int, units: int, activation: str | None = None, **more: Any) -> dict[str, Any]:
    """A graph of one dense layer: `size` numbers in, `units` out, named ``x`` and ``y``."""
    node = {"op": "dense", "in": "x", "units": units, **({"activation": activation} if activation else {}), **more}
    return {
        "archgraph": 1,
        "name": "line",
        "inputs": {"x": {"shape": [size]}},
        "nodes": {"last": node},
        "outputs": {"y": "last"},
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the graph `DENSE`, which is also the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARCHGRAPH_DATA", raising=False)
    (tmp_path / ".archgraph").mkdir()
    (tmp_path / "dense.graph.json").write_text(json.dumps(DENSE))
    return tmp_path


@pytest.fixture
def write(project: Path) -> Write:
    """Write `DIGITS` with some entries changed (None: left out) as an experiment file; `network` replaces the graph."""

    def file(network: dict[str, Any] | None = None, **changes: Any) -> Path:
        if network is not None:
            (project / "dense.graph.json").write_text(json.dumps(network))
        value = {key: item for key, item in {**DIGITS, **changes}.items() if item is not None}
        path = project / f"{value.get('name', 'digits')}.train.json"
        path.write_text(json.dumps(value, indent=2))
        return path

    return file
