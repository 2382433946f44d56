"""Small adversarial experiments on the 8x8 digits, for tests."""

import json
from pathlib import Path
from typing import Any

GENERATOR: dict[str, Any] = {
    "archgraph": 1,
    "name": "generator",
    "inputs": {"z": {"shape": [4], "kind": "vector_latent", "distribution": "normal"}},
    "nodes": {
        "hidden": {"op": "dense", "in": "z", "units": 16, "activation": "relu"},
        "picture": {"op": "dense", "in": "hidden", "units": 64, "activation": "sigmoid"},
    },
    "outputs": {"picture": "picture"},
}
DISCRIMINATOR: dict[str, Any] = {
    "archgraph": 1,
    "name": "discriminator",
    "inputs": {"picture": {"shape": [64]}},
    "nodes": {
        "hidden": {"op": "dense", "in": "picture", "units": 16, "activation": "leaky_relu"},
        "drop": {"op": "dropout", "in": "hidden", "rate": 0.25},
        "real": {"op": "dense", "in": "drop", "units": 1},
    },
    "outputs": {"real": "real"},
}
TOLD: dict[str, Any] = {"shape": [], "dtype": "int32"}
ONE_HOT: dict[str, Any] = {"op": "one_hot", "in": "label", "num_classes": 10}

CONDITIONAL_GENERATOR: dict[str, Any] = {
    **GENERATOR,
    "inputs": {**GENERATOR["inputs"], "label": TOLD},
    "nodes": {
        "class": ONE_HOT,
        "both": {"op": "concat", "in": ["z", "class"]},
        **GENERATOR["nodes"],
        "hidden": {**GENERATOR["nodes"]["hidden"], "in": "both"},
    },
}
CONDITIONAL_DISCRIMINATOR: dict[str, Any] = {
    **DISCRIMINATOR,
    "inputs": {**DISCRIMINATOR["inputs"], "label": TOLD},
    "nodes": {
        "class": ONE_HOT,
        "both": {"op": "concat", "in": ["picture", "class"]},
        **DISCRIMINATOR["nodes"],
        "hidden": {**DISCRIMINATOR["nodes"]["hidden"], "in": "both"},
    },
}
NAMING_DISCRIMINATOR: dict[str, Any] = {
    **DISCRIMINATOR,
    "nodes": {
        **DISCRIMINATOR["nodes"],
        "label": {"op": "dense", "in": "drop", "units": 10, "activation": "softmax"},
    },
    "outputs": {"real": "real", "label": "label"},
}
CLASSIFYING_DISCRIMINATOR: dict[str, Any] = {
    **DISCRIMINATOR,
    "nodes": {
        "hidden": {**DISCRIMINATOR["nodes"]["hidden"], "units": 64},
        "label": {"op": "dense", "in": "hidden", "units": 11, "activation": "softmax"},
    },
    "outputs": {"label": "label"},
}
BY_NAME = {"picture": "image", "label": "label"}

EXPERIMENT: dict[str, Any] = {
    "archgraph": 1,
    "name": "game",
    "graphs": {"generator": "generator.graph.json", "discriminator": "discriminator.graph.json"},
    "objective": "adversarial",
    "data": {"name": "digits", "subset": 400},
    "preprocessing": [
        {"name": "rescale", "from_range": [0, 16], "on": ["image"]},
        {"name": "flatten", "on": ["image"]},
    ],
    "optimizer": {"name": "adam", "learning_rate": 0.002, "beta_1": 0.5},
    "epochs": 2,
    "batch_size": 32,
}


def write_game(
    folder: Path, generator: dict[str, Any] = GENERATOR, discriminator: dict[str, Any] = DISCRIMINATOR, **changes: Any
) -> Path:
    """Write two graphs and `EXPERIMENT` with some entries changed (None: left out); the experiment's path."""
    (folder / "generator.graph.json").write_text(json.dumps(generator))
    (folder / "discriminator.graph.json").write_text(json.dumps(discriminator))
    value = {key: item for key, item in {**EXPERIMENT, **changes}.items() if item is not None}
    path = folder / "game.train.json"
    path.write_text(json.dumps(value, indent=2))
    return path
