"""The node that is selected -> what the inspector tells of it beside its form."""

from typing import Any

from archgraph.editing.catalogue import block_card
from archgraph.editing.explaining import explained, receptive_field
from archgraph.editing.survey import Survey
from archgraph.studio.places import BLOCK, Opened
from archgraph.vocabulary import REGISTRY


def inspected(survey: Survey, here: Opened, name: str) -> dict[str, Any] | None:
    """What is known of a node of the place that is open; None for what is no node."""
    record = here.place.nodes.get(name)
    if record is None:
        return None
    passed = {name}
    while "reuse" in record and record["reuse"] in here.place.nodes and record["reuse"] not in passed:
        passed.add(str(record["reuse"]))
        record = here.place.nodes[str(record["reuse"])]
    doc, source = _documentation(survey, here, dict(record))
    seen = here.look.seen.get(name) if here.look is not None else None
    told = explained(seen, doc, source)
    weights = [{"name": one, "shape": [size if isinstance(size, int) else str(size) for size in shape],
                "trainable": trainable} for one, shape, trainable in told.weights]  # fmt: skip
    return {
        "node": name, "summary": told.summary, "doc": told.doc, "formula": told.formula, "paper": told.paper,
        "arithmetic": list(told.arithmetic), "receptive": _field(survey, here, name), "weights": weights,
    }  # fmt: skip


def _documentation(survey: Survey, here: Opened, record: dict[str, Any]) -> tuple[str, str]:
    op = record.get("op")
    if isinstance(op, str) and op in REGISTRY:
        return REGISTRY[op].doc(), REGISTRY[op].source
    target = str(record.get("block", ""))
    name = survey.target(target, here.look) if here.look is not None else target
    block = survey.graph.blocks.get(name) if survey.graph is not None else None
    return (block_card(block)["doc"] or f"The block {name}.", "") if block is not None else ("", "")


def _field(survey: Survey, here: Opened, name: str) -> str:
    if survey.shaped is None or any(step.startswith(BLOCK) for step in here.path):
        return ""
    return receptive_field(survey.shaped, "/".join([*here.path, name]))
