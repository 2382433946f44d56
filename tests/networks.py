"""The examples as cases of tests."""

from pathlib import Path
from typing import Any

import pytest

from archgraph.analysis import infer
from archgraph.document.load import load_graph

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.graph.json"))
NAMES = [path.name.removesuffix(".graph.json") for path in EXAMPLES]
TRAINED = [path for path in EXAMPLES if path.with_name(path.name.replace(".graph.", ".train.")).is_file()]
"""Those with an experiment: small enough to run and to train in a test."""


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
