"""Whether what an output ends in suits its loss: softmax or sigmoid, once."""

from collections.abc import Iterator, Mapping
from typing import Any

from archgraph.analysis.shaped import FlatNode, ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.training.fit.base import Fit, Target
from archgraph.training.forms import is_per_output
from archgraph.training.losses import PROBABILITY_LOSSES, SCORE_LOSSES, Loss
from archgraph.vocabulary.weighted import Dressed

_SHAPE_ONLY = frozenset({"reshape", "flatten", "permute", "slice", "crop", "repeat_vector"})
"""Operations that hand on values as they are."""
_SQUASHES = frozenset({"softmax", "log_softmax", "sigmoid", "hard_sigmoid", "log_sigmoid", "sparsemax"})


def misended(fit: Fit, target: Target, name: str, loss: Loss, place: str) -> Iterator[Rejected]:
    """Softmax or sigmoid, once: at the end of the graph, or inside the loss."""
    ending = last_function(fit.shaped, target.output)
    if ending is None:
        return
    function, node = ending
    if name in SCORE_LOSSES and function in _SQUASHES:
        complaint = f"{name} takes scores of either sign, but output {target.output!r} ends in {function} at {node!r}"
        yield Rejected("AG701", complaint, hint="leave the activation out", field=place)
    accepted = PROBABILITY_LOSSES.get(name)
    if accepted is None:
        return
    from_logits = getattr(loss, "from_logits", False)
    if from_logits and function in _SQUASHES:
        complaint = f"from_logits applies {accepted[0]} in the loss, but node {node!r} has applied {function} already"
        value = fit.experiment.settings.loss
        given = value[target.output] if is_per_output(value) else value
        where = f"{place}/from_logits" if isinstance(given, Mapping) else place
        yield Rejected("AG701", complaint, hint="leave out one of the two", field=where)
    elif not from_logits and function not in accepted:
        ends = f"{function} at node {node!r}" if function else f"node {node!r} without an activation"
        complaint = f"{name} takes probabilities, but output {target.output!r} ends in {ends}"
        hint = f'end in "activation": "{accepted[0]}"'
        if hasattr(loss, "from_logits") and not function:
            hint += ', or set "from_logits": true'
        yield Rejected("AG701", complaint, hint=hint, field=place)


def last_function(shaped: ShapedGraph, output: str) -> tuple[str, str] | None:
    """The activation that an output ends in (empty: a layer without one) and the path of its node; None if unclear."""
    nodes: dict[str, FlatNode] = {node.path: node for node in shaped.walk()}
    path = shaped.results()[output].path
    while path in nodes:
        node = nodes[path]
        primitive: Any = node.leaf.primitive
        if primitive.op == "activation":
            return str(primitive.activation), path
        if primitive.op not in _SHAPE_ONLY:
            return ("", path) if isinstance(primitive, Dressed) else None
        fed = node.feeds[0]
        if fed is None:
            return None
        path = fed.path
    return None
