"""What the nodes of a graph tell: units that never fire, gradients that die out or run away."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from archgraph.training.diagnosis import remedies
from archgraph.training.diagnosis.case import Case, shown
from archgraph.training.diagnosis.findings import Finding, Remedy, diagnosis

_DEAD = 0.4
"""Share of the units of a node from which it is worth telling."""
_SATURATED = 0.6
_VANISHED = 1e-3
"""Gradient of the first weights against that of the last."""
_EXPLODED = 1e2
_HUGE = 1e3
_FADING = ("sigmoid", "tanh", "hard_sigmoid", "softsign")


class Node(NamedTuple):
    """One node in the last epoch that was looked at."""

    role: str
    path: str
    op: str
    now: Mapping[str, Any]

    def value(self, name: str) -> float:
        """A figure; NaN where there is none."""
        value = self.now.get(name)
        return float(value) if isinstance(value, int | float) else math.nan


def last(case: Case) -> list[Node]:
    """All nodes in order, as they were in the last epoch."""
    return list(_nodes(case, -1))


def _nodes(case: Case, epoch: int) -> Iterator[Node]:
    for node in case.nodes.get("nodes", ()):
        figures = {name: values[epoch] for name, values in node["figures"].items() if values}
        yield Node(node["role"], node["path"], node["op"], figures)


@diagnosis("dead units")
def dead_units(case: Case) -> Finding | None:
    """A unit that gives zero for every sample has no gradient, so it never learns again and only costs time. It
    happens to relu after a step that was too long, or with a bad start; sigmoid and tanh saturate in the same way. A
    lower rate, a better start, or a function with a slope on both sides keeps units alive (Maas, Hannun & Ng 2013;
    He et al. 2015)."""
    dead = [(node, node.value("dead")) for node in last(case) if node.value("dead") >= _DEAD]
    full = [(node, node.value("saturated")) for node in last(case) if node.value("saturated") >= _SATURATED]
    if not dead and not full:
        return None
    what, found = ("give the same for every sample", dead) if dead else ("are saturated", full)
    worst, share = max(found, key=lambda one: one[1])
    summary = f"{share:.0%} of the units of {worst.path} {what}"
    if len(found) > 1:
        summary += f", and many of {len(found) - 1} other node{'s' if len(found) > 2 else ''}"
    evidence = {"nodes": {node.path: value for node, value in found[:50]}}
    leaky = remedies.other_activation(case, ("relu", "relu6"), "leaky_relu", "let a little pass on the other side too")
    slower = remedies.scaled_rate(case, 0.1, "shorter steps do not throw units out of reach")
    start = remedies.fair_start(case, "start with biases of 0 and weights that keep the size of what passes")
    early = "dead" if dead else "saturated"
    from_the_start = any(node.path == worst.path and node.value(early) >= 0.8 * share for node in _nodes(case, 0))
    cures = (*start, *(leaky if dead else ()), *slower) if from_the_start else (*slower, *(leaky if dead else start))
    return Finding("dead units", summary, evidence, cures)


@diagnosis("vanishing gradients")
def vanishing(case: Case) -> Finding | None:
    """On the way back from the loss to the first layers the gradient is multiplied at every node; where the factors
    are below one, next to nothing arrives, and the first layers stay as they began. Functions like sigmoid have slopes
    of a quarter at most. relu, normalisation, shortcuts or a better start keep the factors near one (Hochreiter 1991;
    Glorot & Bengio 2010)."""
    for role, nodes in _weighted(case):
        first, final = nodes[0], nodes[-1]
        ratio = _ratio(first, final)
        if not ratio < _VANISHED:
            continue
        summary = (
            f"{first.path} gets {shown(ratio)} times the gradient of {final.path} "
            f"({shown(first.value('weight_gradient'))} against {shown(final.value('weight_gradient'))})"
        )
        return Finding("vanishing gradients", summary, _evidence(role, nodes), _open(case))
    return None


def _open(case: Case) -> tuple[Remedy, ...]:
    relu = remedies.other_activation(case, _FADING, "relu", "use relu, whose slope is 1 for every unit that fires")
    words = "normalise before every activation, so that gradients keep their size"
    return (
        *relu,
        *remedies.normalised(case, words),
        *remedies.initialiser(case, "he_normal", "start with weights that keep the size of what passes (for relu)"),
    )


@diagnosis("exploding gradients")
def exploding(case: Case) -> Finding | None:
    """On the way back the gradient is multiplied at every node, or at every step of a sequence; where the factors are
    above one it grows without bound, and one such step ruins what was learned. Cutting long gradients is the usual
    cure (Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013)."""
    for role, nodes in _weighted(case):
        first, final = nodes[0], nodes[-1]
        ratio, largest = _ratio(first, final), max(node.value("weight_gradient") for node in nodes)
        broken = next((node for node in nodes if node.now.get("finite") is False), None)
        if broken is None and not (largest > _HUGE or (ratio > _EXPLODED and largest > 1)):
            continue
        summary = f"the gradient of the weights is {shown(largest)} at most"
        if broken is not None:
            summary = f"{broken.path} has values or gradients that are not finite"
        elif ratio > _EXPLODED:
            summary += f", and {shown(ratio)} times as large at {first.path} as at {final.path}"
        clip = remedies.with_option(case, "global_clipnorm", 1.0, "cut gradients that are longer than 1")
        cures = (
            *clip, *remedies.scaled_rate(case, 0.1, "shorter steps"),
            *remedies.initialiser(case, "glorot_uniform", "start with smaller weights"),
        )  # fmt: skip
        return Finding("exploding gradients", summary, _evidence(role, nodes), cures)
    return None


def _weighted(case: Case) -> Iterator[tuple[str, list[Node]]]:
    """The nodes with weights that have a gradient, by role, from inputs to outputs; at least two."""
    by_role: dict[str, list[Node]] = {}
    for node in last(case):
        if node.now.get("weight_gradient") is not None or node.now.get("finite") is False:
            by_role.setdefault(node.role, []).append(node)
    yield from ((role, nodes) for role, nodes in by_role.items() if len(nodes) > 1)


def _ratio(first: Node, final: Node) -> float:
    near, far = final.value("weight_gradient"), first.value("weight_gradient")
    return far / near if near > 0 else math.nan


def _evidence(role: str, nodes: list[Node]) -> dict[str, Any]:
    kept = nodes if len(nodes) <= 50 else [*nodes[:25], *nodes[-25:]]
    return {"graph": role, "gradient of the weights": {node.path: node.value("weight_gradient") for node in kept}}
