"""The examples as cases of tests."""

import json
from pathlib import Path
from typing import Any

import pytest

from archgraph.analysis import infer
from archgraph.document.load import load_graph

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.graph.json"))
NAMES = [path.name.removesuffix(".graph.json") for path in EXAMPLES]


def _trained_as_it_is(path: Path) -> bool:
    """Whether the file has an experiment that sets none of its parameters and chooses no variant."""
    experiment = path.with_name(path.name.replace(".graph.", ".train."))
    return experiment.is_file() and json.loads(experiment.read_text(encoding="utf-8"))["graph"] == path.name


TRAINED = [path for path in EXAMPLES if _trained_as_it_is(path)]
"""Those whose default is small enough to run and to train in a test."""


def _large(path: Path) -> bool:
    """Whether building the first variant takes more than a second or two."""
    shaped = infer(load_graph(path))
    return shaped.parameters > 30_000_000 or shaped.count > 600


def cases(paths: list[Path]) -> list[Any]:
    """Each example as a case of its name; the large ones are marked slow."""
    return [
        pytest.param(path, id=path.name.removesuffix(".graph.json"), marks=[pytest.mark.slow] if _large(path) else [])
        for path in paths
    ]
