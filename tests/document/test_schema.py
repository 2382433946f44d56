"""The JSON Schema says what the Python reader says, and what is committed is what the vocabulary generates."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from archgraph.diagnostics import GraphError
from archgraph.document.load import check_blocks, parse
from archgraph.document.parse import FORM_CODES
from archgraph.document.reader import read
from archgraph.document.schema import graph_schema
from archgraph.document.whole import is_block_file
from archgraph.training.experiment import experiment_schema
from tests.mutants import SEEDS, mutants

ROOT = Path(__file__).parents[2]
SCHEMA = graph_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.parametrize(
    ("name", "schema"),
    [("graph.schema.json", SCHEMA), ("train.schema.json", experiment_schema())],
    ids=["graph", "train"],
)
def test_the_committed_schema_is_the_generated_one(name: str, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    committed = json.loads((ROOT / "schemas" / name).read_text(encoding="utf-8"))
    assert committed == schema, "run `archgraph schema --write schemas`"


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_every_example_and_library_file_is_valid(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(path.read_text(encoding="utf-8")))] == []


CLASH = "is already the name of an input"
"""A fault of form which no schema can see: the key of a node is an item of another member."""


def python_refuses(text: bytes) -> bool | None:
    """Whether the reader finds a fault of form; None when there is no JSON to speak of."""
    try:
        document = read(text)
    except GraphError:
        return None
    try:
        (check_blocks if is_block_file(document.value) else parse)(document)
    except GraphError as error:
        return any(found.code in FORM_CODES and CLASH not in found.message for found in error.diagnostics)
    return False


@pytest.mark.parametrize(("count", "seed"), [(500, 7), pytest.param(5_000, 8, marks=pytest.mark.slow)])
def test_the_schema_and_the_reader_give_the_same_verdict(count: int, seed: int) -> None:
    compared = {True: 0, False: 0}
    for text in mutants(count, seed=seed):
        verdict = python_refuses(text)
        if verdict is None:
            continue
        compared[verdict] += 1
        errors = [f"{error.json_path}: {error.message}"[:200] for error in VALIDATOR.iter_errors(json.loads(text))]
        assert bool(errors) == verdict, (text.decode(errors="replace"), errors)
    assert min(compared.values()) > count / 10
