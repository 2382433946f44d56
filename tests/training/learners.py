"""Small experiments, one for each objective with losses of its own, whose steps take milliseconds."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from archgraph.training import train

Graph = dict[str, Any]


def graph(name: str, inputs: Mapping[str, Any], nodes: Mapping[str, Any], outputs: Mapping[str, str]) -> Graph:
    """A graph file."""
    given = {key: value if isinstance(value, dict) else {"shape": value} for key, value in inputs.items()}
    return {"archgraph": 1, "name": name, "inputs": given, "nodes": dict(nodes), "outputs": dict(outputs)}


def dense(of: str, units: int, activation: str | None = None) -> dict[str, Any]:
    """A dense node."""
    return {"op": "dense", "in": of, "units": units, **({"activation": activation} if activation else {})}


CODER = graph(
    "coder",
    {"image": [64]},
    {
        "look": dense("image", 16, "tanh"),
        "mean": dense("look", 2),
        "log_var": dense("look", 2),
        "code": {"op": "sampling", "in": {"mean": "mean", "log_var": "log_var"}},
        "draw": dense("code", 16, "tanh"),
        "drop": {"op": "dropout", "in": "draw", "rate": 0.1},
        "picture": dense("drop", 64, "sigmoid"),
    },
    {"picture": "picture", "mean": "mean", "log_var": "log_var"},
)

MADE = graph(
    "made",
    {"image": [64]},
    {
        "first": {"op": "masked_dense", "in": "image", "units": 32, "steps": 64, "kind": "input", "activation": "relu"},
        "ink": {
            "op": "masked_dense",
            "in": "first",
            "units": 64,
            "steps": 64,
            "kind": "output",
            "activation": "sigmoid",
        },
    },
    {"ink": "ink"},
)

TEXT = {"shape": ["T"], "dtype": "int32"}
READER = graph(
    "reader",
    {"text": TEXT, "h": [12]},
    {
        "letters": {"op": "one_hot", "in": "text", "num_classes": 27},
        "drop": {"op": "dropout", "in": "letters", "rate": 0.1},
        "memory": {
            "op": "gru",
            "in": {"x": "drop", "state_h": "h"},
            "units": 12,
            "return_sequences": True,
            "return_state": True,
        },
        "next": dense("memory", 27, "softmax"),
    },
    {"next": "next", "h": "memory.state_h"},
)

TRANSLATOR = graph(
    "translator",
    {"source": {"shape": [4], "dtype": "int32"}, "target": TEXT},
    {
        "read": {"op": "embedding", "in": "source", "input_dim": 9, "output_dim": 12},
        "places": {"op": "positional_encoding", "in": "read"},
        "written": {"op": "embedding", "in": "target", "input_dim": 9, "output_dim": 12},
        "memory": {"op": "gru", "in": "written", "units": 12, "return_sequences": True},
        "scores": {"op": "dot", "in": ["memory", "places"], "axes": [2, 2]},
        "alpha": {"op": "activation", "in": "scores", "activation": "softmax"},
        "context": {"op": "dot", "in": ["alpha", "places"], "axes": [2, 1]},
        "both": {"op": "concat", "in": ["memory", "context"]},
        "next": dense("both", 9, "softmax"),
    },
    {"next": "next", "alpha": "alpha"},
)


def classifier(hidden: int, last: str | None) -> Graph:
    """Digits of 8x8 pixels, by one hidden layer that can be matched."""
    nodes = {
        "flat": {"op": "flatten", "in": "image"},
        "hidden": dense("flat", hidden, "tanh"),
        "label": dense("hidden", 10, last),
    }
    return graph("classifier", {"image": [8, 8, 1]}, nodes, {"label": "label", "hidden": "hidden"})


BINARY = [{"name": "binarize", "threshold": 7}, "flatten"]
BRIGHT = [{"name": "rescale", "from_range": [0, 16]}]
SMALL = {"name": "digits", "subset": 400}

EXPERIMENTS: dict[str, tuple[Graph, dict[str, Any]]] = {
    "variational": (
        CODER,
        {
            "objective": {"name": "variational", "warm_up": 1, "draws": 5, "samples": 4},
            "data": SMALL,
            "preprocessing": BINARY,
        },
    ),
    "autoregressive": (
        MADE,
        {"objective": {"name": "autoregressive", "samples": 4}, "data": SMALL, "preprocessing": BINARY},
    ),
    "language": (
        READER,
        {
            "objective": {"name": "language", "carry": {"h": "h"}, "symbols": 20, "top_k": 5},
            "data": {"name": "text_characters", "file": "text.txt", "length": 8, "step": 8, "target": "each"},
            "batch_size": 10,
        },
    ),
    "translation": (
        TRANSLATOR,
        {
            "objective": {"name": "translation", "alignment": "alpha", "decoded": 10, "beam": 3},
            "data": {"name": "npz", "file": "pairs.npz", "targets": "next"},
        },
    ),
    "distillation": (
        classifier(12, "softmax"),
        {
            "objective": {
                "name": "distillation",
                "teacher": "runs/teacher",
                "matching": {"hidden": "hidden"},
                "matching_weight": 0.5,
                "hint_epochs": 1,
                "omitted": ["3"],
            },
            "data": SMALL,
            "preprocessing": BRIGHT,
            "targets": {"label": "label"},
        },
    ),
}


def make(project: Path, name: str, **changes: Any) -> Path:
    """Everything that an experiment of that objective needs, in a folder; the experiment file."""
    network, settings = EXPERIMENTS[name]
    (project / "net.graph.json").write_text(json.dumps(changes.pop("network", network)))
    MAKERS.get(name, lambda _: None)(project)
    places = {"graphs": {"student": "net.graph.json"}} if name == "distillation" else {"graph": "net.graph.json"}
    objective = {**settings["objective"], **changes.pop("objective", {})}
    value = {
        "archgraph": 1,
        "name": name,
        **places,
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "epochs": 2,
        "batch_size": 32,
        **settings,
        "objective": objective,
        **changes,
    }
    path = project / f"{name}.train.json"
    path.write_text(json.dumps({key: item for key, item in value.items() if item is not None}, indent=2))
    return path


def _text(project: Path) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz "
    (project / "text.txt").write_text("".join(letters[(7 * number * number) % 27] for number in range(4000)) + letters)


def _pairs(project: Path) -> None:
    """Words of 2 to 4 letters from 3 to 8, to be written backwards; 1 and 2 mark beginning and end."""
    drawn = np.random.default_rng(0)
    source, target, after = (np.zeros((300, width), np.int32) for width in (4, 5, 5))
    for row in range(300):
        word = drawn.integers(3, 9, drawn.integers(2, 5))
        source[row, : len(word)] = word
        target[row, : len(word) + 1] = [1, *word[::-1]]
        after[row, : len(word) + 1] = [*word[::-1], 2]
    np.savez(project / "pairs.npz", source=source, target=target, next=after)


def _teacher(project: Path) -> None:
    (project / "teacher.graph.json").write_text(json.dumps(classifier(16, None)))
    value = {
        "archgraph": 1,
        "name": "teacher",
        "graph": "teacher.graph.json",
        "data": SMALL,
        "preprocessing": BRIGHT,
        "targets": {"label": "label"},
        "loss": {"label": {"name": "sparse_categorical_crossentropy", "from_logits": True}},
        "optimizer": {"name": "adam", "learning_rate": 0.02},
        "epochs": 10,
    }
    (project / "teacher.train.json").write_text(json.dumps(value))
    if not (project / "runs" / "teacher").exists():
        train(project / "teacher.train.json", run_dir=project / "runs" / "teacher", progress=False)


MAKERS: dict[str, Callable[[Path], None]] = {"language": _text, "translation": _pairs, "distillation": _teacher}
