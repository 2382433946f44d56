"""The JSON Schema of every parameter says what its Python check says."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator

from archgraph.kinds import Kind, definitions
from archgraph.record import Field
from archgraph.vocabulary import REGISTRY
from tests.vocabulary.draws import FORMULA, accepts, mutated, values

QUICK = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def distinct_fields() -> list[Any]:
    """One field for every rule that occurs, under the name of the first primitive that has it."""
    seen: dict[str, Any] = {}
    for op, kind in REGISTRY.items():
        for field in kind.fields().values():
            rule = json.dumps(field.kind.schema(), sort_keys=True)
            seen.setdefault(rule, pytest.param(field, id=f"{op}-{field.name}"))
    return list(seen.values())


FIELDS_ONCE = distinct_fields()
FIELDS = pytest.mark.parametrize("field", FIELDS_ONCE)


DEFINITIONS = definitions()


@cache
def validator(kind: Kind, *, open: bool) -> Draft202012Validator:
    """The validator of the schema that an editor would see."""
    return Draft202012Validator({**kind.schema(open=open), "$defs": DEFINITIONS})


def test_every_rule_is_a_schema() -> None:
    rules = {
        f"{mark.id}-{open}": mark.values[0].kind.schema(open=open) for mark in FIELDS_ONCE for open in (False, True)
    }
    Draft202012Validator.check_schema({"$defs": {**DEFINITIONS, **rules}})


@FIELDS
@pytest.mark.parametrize("open", [False, True], ids=["closed", "open"])
def test_schema_and_check_agree(field: Field, open: bool) -> None:
    judge = validator(field.kind, open=open)

    @QUICK
    @given(mutated(field.kind))
    def agree(value: Any) -> None:
        assert judge.is_valid(value) == accepts(field.kind, value, open=open)

    agree()


@FIELDS
def test_good_values_are_good_to_both(field: Field) -> None:
    judge = validator(field.kind, open=False)

    @settings(QUICK, max_examples=20)
    @given(values(field.kind))
    def good(value: Any) -> None:
        assert accepts(field.kind, value)
        assert judge.is_valid(value)

    good()


@FIELDS
def test_expressions_stand_for_any_value_in_open_records_only(field: Field) -> None:
    closed, open = validator(field.kind, open=False), validator(field.kind, open=True)

    @settings(QUICK, max_examples=4)
    @given(FORMULA)
    def open_only(formula: str) -> None:
        assert accepts(field.kind, formula, open=True) and open.is_valid(formula)
        assert closed.is_valid(formula) == accepts(field.kind, formula)

    open_only()


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=list(REGISTRY))
def test_defaults_are_accepted(kind: Any) -> None:
    for field in kind.fields().values():
        if not field.required:
            assert accepts(field.kind, field.default)


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=list(REGISTRY))
def test_examples_satisfy_the_schema_of_the_record(kind: Any) -> None:
    judge = Draft202012Validator({**kind.schema(open=True), "$defs": DEFINITIONS})
    for example in kind.examples:
        judge.validate(json.loads(json.dumps(example.params)))
    assert not judge.is_valid({"no_such_parameter": 1})
