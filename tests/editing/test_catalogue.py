"""The catalogue and the explanations: plain data of everything, and sums that come out."""

import json
from pathlib import Path
from typing import Any

from archgraph.editing.catalogue import catalogue, fingerprint
from archgraph.editing.explaining import explained, receptive_field
from archgraph.editing.survey import survey
from archgraph.vocabulary import REGISTRY

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_every_op_is_there_with_a_record_to_begin_with() -> None:
    found = catalogue()
    assert set(found["ops"]) == set(REGISTRY)
    for op, card in found["ops"].items():
        record = dict(card["record"])
        assert record.pop("op") == op and card["summary"] and card["source"] and card["icon"]
        REGISTRY[op].make(record)  # what must be given is given, and right
        assert {field["name"] for field in card["fields"]} == set(REGISTRY[op].fields())


def test_it_is_json_and_its_references_stand_in_it() -> None:
    text = json.dumps(catalogue())
    assert len(text) < 1_000_000 and len(fingerprint()) == 16

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["name"]} if value.get("type") == "ref" else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    assert references(json.loads(text)) <= set(catalogue()["kinds"])


def test_bounds_choices_and_defaults_are_those_of_the_vocabulary() -> None:
    fields = {field["name"]: field for field in catalogue()["ops"]["conv"]["fields"]}
    assert fields["filters"]["kind"] == {"type": "integer", "minimum": 1} and fields["filters"]["required"]
    assert fields["strides"]["default"] == 1
    rate = next(field for field in catalogue()["ops"]["dropout"]["fields"] if field["name"] == "rate")
    assert rate["kind"]["type"] == "number" and rate["kind"]["minimum"] == 0


def lenet() -> Any:
    return survey(json.loads((EXAMPLES / "lenet5.graph.json").read_text("utf-8")))


def test_the_arithmetic_is_told_and_comes_out() -> None:
    known = lenet()
    told = explained(known.seen["c1"], REGISTRY["conv"].doc(), REGISTRY["conv"].source)
    assert "⌊(32 − 5) / 1⌋ + 1 = 28" in told.arithmetic
    assert "5×5×1×6 (kernel) + 6 (bias) = 156 weights" in told.arithmetic
    assert told.formula.startswith("y[p, f] =") and "LeCun" in told.paper
    pool = explained(known.seen["s2"], REGISTRY["avg_pool"].doc(), "")
    assert any("= 14" in line for line in pool.arithmetic)


def test_the_receptive_field_is_that_of_the_textbook() -> None:
    known = lenet()
    assert known.shaped is not None
    # c1 sees 5; the pooling behind it 6; c3 adds 4 steps of 2; the next pooling one of 2; c5 four of 4.
    wanted = {"c1": "5×5", "s2": "6×6", "c3": "14×14", "s4": "16×16", "c5": "32×32"}
    assert {name: receptive_field(known.shaped, name) for name in wanted} == wanted
