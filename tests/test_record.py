"""Records check values, tell every cause once, and print the same rule as JSON Schema."""

from typing import Any

import jsonschema
import pytest

from archgraph.kinds import Choice, Flag, FrozenMap, Integer, ListOf, Number, definitions, optional, shown
from archgraph.record import Named, Record, param, record


@record
class Kernel(Record):
    """A small record."""

    filters: int = param(Integer(1), "How many.")
    kernel_size: Any = param(ListOf(Integer(1), shortest=1, longest=3), "How large.", default=(3,))
    rate: float = param(Number(0, below=1), "Share.", default=0.5)
    causal: bool = param(Flag(), "Whether.", default=False)
    mode: Any = param(optional(Choice("a", "b")), "Which.", default=None)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"filters": 3}, []),
        ({"filters": 3.0, "kernel_size": [1, 2], "mode": None}, []),
        ({}, [("AG204", "")]),
        ({"filtres": 3}, [("AG203", "/filtres")]),  # one cause: not also that filters is missing
        ({"colour": 3}, [("AG203", "/colour"), ("AG204", "")]),
        ({"filters": 0, "rate": 1}, [("AG201", "/filters"), ("AG201", "/rate")]),
        ({"filters": True}, [("AG202", "/filters")]),
        ({"filters": 1.5}, [("AG202", "/filters")]),
        ({"filters": "3"}, [("AG202", "/filters")]),
        ({"filters": 2**60}, [("AG201", "/filters")]),
        ({"filters": 1, "kernel_size": [1, 0]}, [("AG201", "/kernel_size/1")]),
        ({"filters": 1, "kernel_size": []}, [("AG201", "/kernel_size")]),
        ({"filters": 1, "causal": 1}, [("AG202", "/causal")]),
        ({"filters": 1, "mode": "c"}, [("AG205", "/mode")]),
        ({"filters": "=2*n"}, [("AG202", "/filters")]),
    ],
)
def test_every_cause_is_told_once_and_the_schema_agrees(values: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert [(one.code, one.field) for one in Kernel.check(values)[1]] == found
    schema = {**Kernel.schema(), "$defs": definitions()}
    assert jsonschema.Draft202012Validator(schema).is_valid(values) == (not found)


def test_an_open_record_takes_expressions_at_every_depth() -> None:
    values = {"filters": "=2*n", "kernel_size": [1, "=k"]}
    taken, found = Kernel.check(values, open=True)
    assert (taken, found) == ({"filters": "=2*n", "kernel_size": (1, "=k")}, [])
    schema = {**Kernel.schema(open=True), "$defs": definitions()}
    assert jsonschema.Draft202012Validator(schema).is_valid(values)


def test_a_record_is_frozen_and_equal_by_value() -> None:
    assert Kernel.make({"filters": 3}) == Kernel(filters=3)
    assert dict(Kernel(filters=3, rate=0.1).given()) == {"filters": 3, "rate": 0.1}
    with pytest.raises(AttributeError):
        Kernel(filters=3).filters = 4  # type: ignore[misc]


NAMED = Named("a thing", {"kernel": Kernel, "plain": record(type("Plain", (Record,), {"__doc__": "No fields."}))})


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        ("plain", "", ""),
        ("kernel", "AG205", ""),  # it cannot be named alone: filters has no default
        ("plian", "AG205", ""),
        (3, "AG202", ""),
        ({"filters": 3}, "AG204", ""),
        ({"name": "kernle"}, "AG205", "/name"),
        ({"name": "kernel", "filters": 0}, "AG201", "/filters"),
        ({"name": "kernel", "filters": 3}, "", ""),
    ],
)
def test_a_named_record_is_a_name_or_an_object(value: Any, code: str, field: str) -> None:
    from archgraph.diagnostics import Rejected

    schema = {**NAMED.schema(), "$defs": definitions()}
    assert jsonschema.Draft202012Validator(schema).is_valid(value) == (not code)
    if not code:
        assert isinstance(NAMED.make(NAMED.check(value)), Record)
        return
    with pytest.raises(Rejected) as refused:
        NAMED.check(value)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_values_are_shown_as_json_writes_them() -> None:
    assert [shown(value) for value in (None, True, 1.5, "a", [1, "b"], {"c": 1})] == [
        "null", "true", "1.5", '"a"', '[1, "b"]', "an object",
    ]  # fmt: skip
    assert len(shown("x" * 500)) <= 60


def test_frozen_maps_tell_numbers_from_booleans() -> None:
    assert hash(FrozenMap({"a": 1})) != hash(FrozenMap({"a": True}))
