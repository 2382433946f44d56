"""Whether a graph keeps what its ``expect`` states."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archgraph.analysis.receptive import receptive_fields
from archgraph.analysis.resolve import dimension, resolved
from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Diagnostic, Rejected, nearest
from archgraph.document.form import BOUND_KIND, bound
from archgraph.expression import no_inputs
from archgraph.graph import Graph
from archgraph.kinds import is_formula, shown
from archgraph.shapes import Dim, Shape, Size, equal, lower, show, upper

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq,
}  # fmt: skip

_MEASURES: Mapping[str, Callable[[ShapedGraph], tuple[Dim, ...]]] = {
    "params": lambda shaped: (shaped.parameters,),
    "trainable": lambda shaped: (shaped.trainable,),
    "macs": lambda shaped: (_macs(shaped),),
    "flops": lambda shaped: (2 * _macs(shaped),),
    "nodes": lambda shaped: (shaped.count,),
    "receptive_field": lambda shaped: extents(shaped),
}
"""What each contract is about; of several sizes, the smallest."""


def violations(shaped: ShapedGraph) -> list[Diagnostic]:
    """Every contract that is broken (AG601) or cannot be decided for a symbolic size (AG305), placed in the text."""
    found = list(_violations(shaped))
    source = shaped.graph.body.source
    return list(source.place(found)) if source is not None else found


def _violations(shaped: ShapedGraph) -> Iterator[Diagnostic]:
    for key, stated in shaped.graph.expect.items():
        try:
            if key == "outputs":
                yield from _outputs(shaped, stated)
            else:
                _hold(key, stated, shaped)
        except Rejected as rejected:
            yield rejected.at(f"/expect/{key}")


def _macs(shaped: ShapedGraph) -> Dim:
    if shaped.macs is None:
        hint = "give a number for some of the symbolic sizes"
        raise Rejected("AG305", "cannot be decided: the multiply-adds are too long a sum of symbols", hint=hint)
    return shaped.macs


def extents(shaped: ShapedGraph) -> tuple[Dim, ...]:
    """Receptive fields of all outputs along all spatial axes; of inputs without space only where no input has any."""
    spatial = {name for name, tensor in shaped.inputs.items() if len(tensor.shape) > 1} or set(shaped.inputs)
    fields = receptive_fields(shaped).values()
    return tuple(axis.extent for seen in fields for name, axes in seen.items() if name in spatial for axis in axes)


def _hold(key: str, stated: Any, shaped: ShapedGraph) -> None:
    """Raise `Rejected` unless the contract `key` is proven to hold."""
    # Only expressions are resolved: "== 5" is a bound here, not an escaped text.
    value = resolved(stated, shaped.parameters_used, no_inputs) if is_formula(stated) else stated
    sign, limit = bound(BOUND_KIND.check(value))
    sizes = _MEASURES[key](shaped)
    if not sizes:
        raise Rejected("AG601", f"must be {_stated(sign, limit)}, but no output depends on an input")
    verdict = smallest_is(sizes, sign, limit)
    if verdict is True:
        return
    got = str(sizes[0]) if len(set(sizes)) == 1 else "the smallest of " + ", ".join(map(str, dict.fromkeys(sizes)))
    if verdict is None:
        raise Rejected(
            "AG305",
            f"must be {_stated(sign, limit)}, which cannot be decided of {got}",
            hint="give a number, or a minimum and maximum under dims, for the symbolic sizes",
        )
    if all(isinstance(size, int) for size in sizes):
        got = str(min(size for size in sizes if isinstance(size, int)))
    raise Rejected("AG601", f"must be {_stated(sign, limit)}, got {got}")


def smallest_is(sizes: tuple[Dim, ...], sign: str, limit: float) -> bool | None:
    """Whether the smallest of `sizes` compares so with `limit`: always (True), never (False), or it depends (None)."""
    if len(sizes) == 1 and sign == "==" and limit == int(limit):
        return equal(sizes[0], int(limit))
    lows, highs = [lower(size) for size in sizes], [upper(size) for size in sizes]
    low = -math.inf if None in lows else min(value for value in lows if value is not None)
    high = min((value for value in highs if value is not None), default=math.inf)
    if sign == "==":
        return None if low <= limit <= high and low < high else low == limit
    compare = _COMPARE[sign]
    worst, best = (high, low) if sign in ("<", "<=") else (low, high)
    if compare(worst, limit):
        return True
    return None if compare(best, limit) else False


def _stated(sign: str, limit: float) -> str:
    return f"{'' if sign == '==' else sign + ' '}{limit:,.0f}" if limit == int(limit) else f"{sign} {limit:g}"


# ---- shapes of outputs


def _outputs(shaped: ShapedGraph, stated: Mapping[str, tuple[Any, ...]]) -> Iterator[Diagnostic]:
    dims, params = _names(shaped.graph), shaped.parameters_used
    for name, sizes in stated.items():
        pointer = f"/expect/outputs/{name}"
        if name not in shaped.outputs:
            known = ", ".join(shaped.outputs)
            complaint = f"the graph has no output {name!r}; its outputs: {known}"
            yield Rejected("AG401", complaint, hint=nearest(name, shaped.outputs)).at(pointer)
            continue
        try:
            expected = tuple(_size(size, number, dims, params) for number, size in enumerate(sizes))
            _match(name, expected, shaped)
        except Rejected as rejected:
            yield rejected.at(pointer)


def _names(graph: Graph) -> dict[str, Dim]:
    """The symbolic dimensions of the graph's inputs, by name."""
    names = {size for one in graph.inputs.values() for size in one.shape if isinstance(size, str)}
    return {name: dimension(name, graph) for name in names if not is_formula(name)}


def _size(size: Any, number: int, dims: Mapping[str, Dim], params: Mapping[str, Any]) -> Dim:
    """An expected size: a number, the name of a dimension, or an expression with or without its ``=``."""
    if isinstance(size, str):
        text = size if is_formula(size) else f"={size}"
        try:
            size = resolved(text, {**params, **dims} if text == f"={size}" else {**dims, **params}, no_inputs)
        except Rejected as rejected:
            raise rejected.under(number) from None
    if isinstance(size, float) and size.is_integer():
        size = int(size)
    if isinstance(size, bool) or not isinstance(size, int | Size):
        raise Rejected("AG202", f"a size must be a whole number, got {shown(size)}", field=f"/{number}")
    return size


def _match(name: str, expected: Shape, shaped: ShapedGraph) -> None:
    got = shaped.outputs[name].shape
    verdicts = [len(expected) == len(got), *(equal(a, b) for a, b in zip(expected, got, strict=False))]
    if False in verdicts:
        raise Rejected("AG601", f"the output {name!r} must have the shape {show(expected)}, got {show(got)}")
    if None in verdicts:
        raise Rejected(
            "AG305",
            f"the output {name!r} must have the shape {show(expected)}, which cannot be proven of {show(got)}",
            hint="sizes that are equal have the same name; constraints stand under dims",
        )
