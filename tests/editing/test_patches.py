"""Patches: the cases that the canvas's own tests run too, and laws that hold for any two values."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archgraph.diagnostics import Rejected
from archgraph.editing.patches import apply, between, inverse, same

SHARED = json.loads((Path(__file__).parent / "patches.json").read_text("utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "=n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c/~", " "]), inner),
    max_leaves=12,
)


def ordered(value: Any) -> str:
    """A text that tells the order of keys."""
    return json.dumps(value)


@pytest.mark.parametrize("case", SHARED["cases"], ids=lambda case: case["name"])
def test_shared_cases(case: dict[str, Any]) -> None:
    before = ordered(case["value"])
    assert ordered(apply(case["value"], case["patch"])) == ordered(case["result"])
    assert inverse(case["value"], case["patch"]) == case["inverse"]
    assert ordered(apply(case["result"], case["inverse"])) == before
    assert ordered(case["value"]) == before, "the value that was given stays as it is"


@pytest.mark.parametrize("case", SHARED["refused"], ids=lambda case: case["name"])
def test_refused_cases_leave_all_as_it_was(case: dict[str, Any]) -> None:
    before = ordered(case["value"])
    with pytest.raises(Rejected):
        apply(case["value"], case["patch"])
    assert ordered(case["value"]) == before


@given(VALUES, VALUES)
def test_between_leads_from_one_value_to_another_and_inverse_back(old: Any, new: Any) -> None:
    patch = between(old, new)
    made = apply(old, patch)
    assert same(made, new)
    assert ordered(apply(made, inverse(old, patch))) == ordered(old)


@given(VALUES)
def test_nothing_lies_between_a_value_and_itself(value: Any) -> None:
    assert between(value, json.loads(json.dumps(value))) == []


def test_true_is_not_one() -> None:
    assert between({"a": 1}, {"a": True}) == [{"at": "/a", "value": True}]
    assert between({"a": 1}, {"a": 1.0}) == [{"at": "/a", "value": 1.0}]
