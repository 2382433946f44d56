"""The canonical order of graph files, with the parameters of every op in the order of their declaration."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from archgraph.document.writer import GRAPH_ORDER, KeyOrder
from archgraph.vocabulary import REGISTRY

LEADING: Final = ("filters", "units", "input_dim", "output_dim", "kernel_size", "pool_size", "strides", "padding")
"""Parameters that come first wherever an op has them: what a reader of a node looks for."""
TRAILING: Final = ("norm", "activation")
"""Shorthands that come last: they are applied last."""


def parameters(node: Mapping[str, Any]) -> Sequence[str]:
    """The parameters that a node's record may have, in canonical order."""
    op = node.get("op")
    kind = REGISTRY.get(op) if isinstance(op, str) else None
    if kind is None:
        return ()
    fields = list(kind.fields())
    leading = [name for name in LEADING if name in fields]
    trailing = [name for name in TRAILING if name in fields and name not in kind.required()]
    return [*leading, *(name for name in fields if name not in (*leading, *trailing)), *trailing]


ORDER: Final[KeyOrder] = replace(GRAPH_ORDER, parameters=parameters)
