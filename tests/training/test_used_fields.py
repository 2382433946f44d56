"""Every field of an experiment, and every word that one can be, is used by some experiment of the examples or tests.

The fields are found by walking the records from `Settings` on; what is used, by reading the experiments of the
examples and the dictionaries, keywords and dotted overrides in the tests. What is given to Keras as it stands
is tried value by value in test_assemble.py.
"""

import ast
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from archgraph.kinds import Kind
from archgraph.record import Record
from archgraph.training.losses import LOSSES, METRICS
from archgraph.training.optimizer import OPTIMIZERS
from tests.training.test_every_field import EVERY, Place, words

ROOT = Path(__file__).parents[2]
TESTED = ("training", "zoo", "cli", "studio")
"""Folders of tests that train or check experiments."""
THEMSELVES = ("test_every_field.py", "test_used_fields.py")
GIVEN_TO_KERAS = {id(record) for table in (LOSSES, METRICS, OPTIMIZERS) for record in table.values()}


class Used(NamedTuple):
    """Keys of objects, with the name of the record that they stand in (empty: not told), and words that are values."""

    keys: set[tuple[str, str]]
    words: set[str]

    def note(self, name: Any, keys: Iterator[Any] | list[Any]) -> None:
        self.keys.update((name if isinstance(name, str) else "", key) for key in keys if isinstance(key, str))


def read_value(value: Any, used: Used) -> None:
    """Take in an experiment."""
    if isinstance(value, dict):
        used.note(value.get("name"), list(value))
    elif isinstance(value, str):
        used.words.add(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        read_value(inner, used)


def read_source(source: str, used: Used) -> None:
    """Take in a test."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            told = {k.value: v for k, v in zip(node.keys, node.values, strict=True) if isinstance(k, ast.Constant)}
            name = told.get("name")
            used.note(name.value if isinstance(name, ast.Constant) else "", list(told))
        elif isinstance(node, ast.Call):
            used.note("", [keyword.arg for keyword in node.keywords])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used.words.add(node.value)
            *above, last = node.value.split(".")
            if above and all(part.isidentifier() for part in (*above, last)):
                used.note("", [last])


@functools.cache
def everything() -> Used:
    used = Used(set(), set())
    for path in sorted((ROOT / "examples").glob("*.train.json")):
        read_value(json.loads(path.read_text()), used)
    for folder in TESTED:
        for path in sorted((ROOT / "tests" / folder).rglob("*.py")):
            if path.name not in THEMSELVES:
                read_source(path.read_text(), used)
    return used


class Declared(NamedTuple):
    """A field where a record declares it, and the records that have it."""

    owner: str
    field: str
    kind: Kind
    names: frozenset[str]


def owner(record: type[Record], name: str) -> type:
    """The class that declares a field."""
    return next(base for base in reversed(record.__mro__) if name in vars(base).get("__annotations__", {}))


def declared() -> list[Declared]:
    """Every field once, however many records inherit it; without those that are given to Keras as they stand."""
    from tests.training.test_every_field import at

    found: dict[tuple[str, str], tuple[Place, set[str]]] = {}
    for place in EVERY:
        if id(place.record) in GIVEN_TO_KERAS:
            continue
        name = at(place.document, place.path).get("name", "") if place.path else ""
        key = (owner(place.record, place.field.name).__name__, place.field.name)
        found.setdefault(key, (place, set()))[1].add(name)
    return [Declared(who, field, place.field.kind, frozenset(names)) for (who, field), (place, names) in found.items()]


FIELDS = declared()


def test_there_are_many_fields() -> None:
    assert len(FIELDS) > 150


@pytest.mark.parametrize("one", FIELDS, ids=[f"{one.owner}-{one.field}" for one in FIELDS])
def test_the_field_is_used(one: Declared) -> None:
    keys = everything().keys
    assert any((name, one.field) in keys for name in (*one.names, "")), "no experiment of an example or a test has it"


@pytest.mark.parametrize("one", FIELDS, ids=[f"{one.owner}-{one.field}" for one in FIELDS])
def test_each_of_its_words_is_used(one: Declared) -> None:
    given = {word for word in words(one.kind) if isinstance(word, str)}
    assert not given - everything().words, "no experiment of an example or a test says so"
