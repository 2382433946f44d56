"""Every field of an experiment, and of every record that an entry can name: wrong values are one located line.

The fields are found by walking the records from `Settings` on, so a new one is tested without anybody thinking of it.
The oracle for which values are wrong is the JSON Schema, as the package jsonschema reads it.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jsonschema
import pytest

from archgraph.diagnostics import GraphError, Rejected
from archgraph.kinds import AnyOf, Choice, Kind, ListOf, MapOf
from archgraph.record import REQUIRED, Field, Named, Record
from archgraph.training.experiment import Settings, experiment_schema, make_experiment
from archgraph.training.forms import DataSource, GraphChoice, GraphReference, PerOutput
from archgraph.training.initial import InitialWeights, WeightsReference
from archgraph.training.pretraining import PRETRAINING, Pretraining
from tests.training.conftest import DIGITS

SCHEMA = jsonschema.Draft202012Validator(experiment_schema())
CANDIDATES: tuple[Any, ...] = (
    1, 0, 2, 3, 0.5, 0.1, 10, 20, 1000, -0.5, True, False, None, "a", "a.npz", "a.csv", "mean", "cpu", "1",
    "x.graph.json", [], [1], [2, 2], [0.5, 0.5], [0, 1], [1, 2], [1, 2, 3], ["a"], ["cpu:0", "cpu:1"], ["a:1", "b:1"],
    [[0, 1]], [["a", "b"]], {}, {"a": 1}, {"a": "b"}, {"name": "x"},
)  # fmt: skip
"""Values of every form: of them each field takes some, and refuses others."""
WRONG: tuple[Any, ...] = (
    {"?": {"?": []}}, "no such value, anywhere", -(2**60), 2**60, True, [[[[True]]]], 0.123456, None, [], {}, 0, -1, "",
)  # fmt: skip

UNNAMED: dict[type[Kind], type[Record]] = {
    GraphReference: GraphChoice,
    WeightsReference: InitialWeights,
    type(PRETRAINING): Pretraining,
}
"""Kinds whose values are records of one sort."""

Path = tuple[str | int, ...]


class Place(NamedTuple):
    """A field of a record, where the record stands, and an experiment that holds the record there."""

    path: Path
    """The record's place."""
    record: type[Record]
    field: Field
    document: dict[str, Any]

    @property
    def pointer(self) -> str:
        return "/" + "/".join(map(str, (*self.path, self.field.name)))

    def holding(self, value: Any) -> dict[str, Any]:
        """The experiment with `value` in the field."""
        document = copy.deepcopy(self.document)
        at(document, self.path)[self.field.name] = value
        return document


def at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def put(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of a document with `value` at `path`; lists on the way have one item."""
    document = copy.deepcopy(document)
    if not path:
        return value  # type: ignore[no-any-return]
    inner: Any = value
    for depth in range(len(path) - 1, 0, -1):
        inner = [inner] if path[depth] == 0 else {**_mapping(document, path[:depth]), path[depth]: inner}
    document[str(path[0])] = inner
    return document


def _mapping(document: Any, path: Path) -> dict[str, Any]:
    try:
        found = at(document, path)
    except (KeyError, IndexError, TypeError):
        return {}
    return dict(found) if isinstance(found, Mapping) else {}


def valid(kind: Kind) -> Any:
    """Some value that a kind takes."""
    found = next(iter(records(kind, ())), None)
    if found is not None:
        path, name, record = found
        value = minimal(name, record)
        return [value] if path == (0,) else {"a": value} if path == ("a",) else value
    for value in (*CANDIDATES, *words(kind)):
        if takes(kind, value):
            return value
    raise AssertionError(f"no candidate is {kind}: add one")


def words(kind: Kind) -> tuple[Any, ...]:
    """The values that a choice is among, its own or that of one of several kinds."""
    if isinstance(kind, Choice):
        return kind.options
    return tuple(word for one in getattr(kind, "kinds", ()) for word in words(one))


def takes(kind: Kind, value: Any) -> bool:
    try:
        kind.check(value)
    except Rejected:
        return False
    return True


def minimal(name: str | None, record: type[Record]) -> dict[str, Any]:
    """A record, by name if it has one, with what it must have."""
    named = {} if name is None else {"name": name}
    return {**named, **{field: valid(record.fields()[field].kind) for field in record.required()}}


def records(kind: Kind, path: Path) -> Iterator[tuple[Path, str | None, type[Record]]]:
    """The records that a value of a kind can be, their names, and where below it they stand."""
    if type(kind) in UNNAMED:
        yield path, None, UNNAMED[type(kind)]
    elif isinstance(kind, Named | DataSource):
        table = kind.table if isinstance(kind, Named) else kind.named.table
        yield from ((path, name, record) for name, record in table.items())
    elif isinstance(kind, PerOutput):
        yield from records(kind.item, path)
    elif isinstance(kind, ListOf):
        yield from records(kind.item, (*path, 0))
    elif isinstance(kind, MapOf):
        yield from records(kind.item, (*path, "a"))
    elif isinstance(kind, AnyOf):
        for one in kind.kinds:
            yield from records(one, path)


def places(record: type[Record], path: Path, document: dict[str, Any], met: set[type[Record]]) -> Iterator[Place]:
    """Every field of a record and of the records that its fields can name, each record once."""
    met.add(record)
    for field in record.fields().values():
        yield Place(path, record, field, document)
        for below, name, inner in records(field.kind, (*path, field.name)):
            if inner not in met:
                yield from places(inner, below, put(document, below, minimal(name, inner)), met)


EVERY = list(places(Settings, (), dict(DIGITS), set()))
IDS = [f"{place.pointer}:{at(place.document, place.path).get('name', '')}" for place in EVERY]


def faults(value: dict[str, Any]) -> list[Any]:
    try:
        make_experiment(value)
    except GraphError as error:
        return list(error.diagnostics)
    return []


def test_there_are_many_fields() -> None:
    assert {place.field.name for place in EVERY} >= set(Settings.fields())
    assert len(EVERY) > 300


@pytest.mark.parametrize("place", EVERY, ids=IDS)
def test_what_the_schema_refuses_is_one_line_at_its_place(place: Place) -> None:
    refused = 0
    for wrong in WRONG:
        value = place.holding(wrong)
        if SCHEMA.is_valid(value):
            continue
        refused += 1
        found = faults(value)
        assert len(found) == 1, (wrong, [str(one) for one in found])
        (one,) = found
        assert one.pointer.startswith(place.pointer) and one.line and "\n" not in one.message, (wrong, str(one))
        assert len(str(one)) < 2000
    assert refused or place.field.name == "meta" or anything(place.field.kind)


def anything(kind: Kind) -> bool:
    """Whether a kind takes every value that is tried."""
    return all(takes(kind, wrong) for wrong in WRONG)


@pytest.mark.parametrize("place", EVERY, ids=IDS)
def test_a_value_other_than_the_default_is_taken(place: Place) -> None:
    default = None if place.field.default is REQUIRED else place.field.default
    taken = []
    for value in (*CANDIDATES, *words(place.field.kind), valid(place.field.kind)):
        if takes(place.field.kind, value) and json.dumps(value) != json.dumps(default, default=list):
            taken.append(value)
    assert taken
    document = place.holding(taken[0])
    assert SCHEMA.is_valid(document)
    assert [one for one in faults(document) if one.code not in ("AG204", "AG210", "AG410", "AG702")] == []
