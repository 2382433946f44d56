"""How far every tensor looks back at the inputs: receptive fields, and how they grow through the graph.

An element that sees ``extent`` cells of an input, in steps of ``stride``, sees ``extent + (k - 1) * stride`` after a
window of k (Araujo, Norris & Sim 2019, section 3). Extents are those of the theory: not cut off at the input's border,
and, where branches meet, the largest. Wherever the order of the cells is lost (a flattened or transposed picture), the
next window is taken to see everything: an upper bound. So is an extent above 2**53.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from archgraph.analysis.shaped import INPUT, Call, Leaf, Scope, ShapedGraph, Value
from archgraph.kinds import LARGEST
from archgraph.shapes import Dim, Tensor
from archgraph.vocabulary.base import Window

Rational = int | Fraction


class Reach(NamedTuple):
    """What one element sees along one axis of its source. No extent: all of it. No stride: order was lost."""

    extent: Rational | None
    stride: Rational | None


Field = tuple[Reach, ...]
"""One reach for each spatial axis of the source."""
Sight = Mapping[int, Field]
"""The sources that an element sees, by their number."""

POINT, ALL = Reach(1, 1), Reach(None, None)


class Axis(NamedTuple):
    """Receptive field along one axis of an input: cells seen, and cells between the looks of two neighbours."""

    extent: Dim
    stride: Rational | None
    """None where the elements have no order along this axis any more."""


Seen = Mapping[str, tuple[Axis, ...]]
"""Receptive field for each input of the graph that is seen at all, by name."""


def receptive_fields(shaped: ShapedGraph) -> dict[str, Seen]:
    """What every output of the graph sees of every input."""
    inputs = shaped.inputs
    values = _Sights().results(shaped.root, _own(shaped.root))
    return {name: _seen(sight, inputs) for name, sight in zip(shaped.outputs, values, strict=True)}


def node_fields(shaped: ShapedGraph) -> Iterator[Seen]:
    """What every primitive of the expanded graph sees, in the order of ``shaped.walk()``."""
    inputs = shaped.inputs
    known: dict[int, tuple[Sight, Seen]] = {}
    for sight in _Sights().walk(shaped.root, _own(shaped.root), []):
        if id(sight) not in known:
            known[id(sight)] = sight, _seen(sight, inputs)
        yield known[id(sight)][1]


def main_field(seen: Seen) -> tuple[Dim, ...]:
    """The extents in the input with the most axes (the first of them): the one number a table has room for."""
    fields = sorted(seen.values(), key=len, reverse=True)
    return tuple(axis.extent for axis in fields[0]) if fields else ()


def spatial_axes(tensor: Tensor) -> int:
    """How many axes have an order to look along: all but the channels; a lone axis counts."""
    return max(len(tensor.shape) - 1, min(len(tensor.shape), 1))


# ---- growing


def grown(field: Field, windows: tuple[Window, ...] | str, *, rearranged: bool = False) -> Field:
    """`field` after a primitive with these windows."""
    if isinstance(windows, str):  # EVERYWHERE
        return (ALL,) * len(field)
    if rearranged:
        return tuple(Reach(reach.extent, None) for reach in field)
    if not windows:
        return field
    if len(windows) != len(field):
        return (ALL,) * len(field)
    return tuple(_widened(reach, window) for reach, window in zip(field, windows, strict=True))


def _widened(reach: Reach, window: Window) -> Reach:
    return _through(reach, Reach(window.extent if isinstance(window.extent, int) else None, _rational(window.stride)))


def _through(outer: Reach, inner: Reach) -> Reach:
    """What `inner` sees of the source of `outer`, which it looks through."""
    if outer.extent is None or inner.extent is None:
        return ALL
    if outer.stride is None:
        return Reach(outer.extent, None) if inner.extent == 1 else ALL
    extent = _bounded(outer.extent + (inner.extent - 1) * outer.stride)
    if extent is None:
        return ALL
    return Reach(extent, None if inner.stride is None else _bounded(outer.stride * inner.stride))


def _rational(stride: object) -> Rational | None:
    if isinstance(stride, int):
        return stride
    return _bounded(Fraction(stride).limit_denominator(10**7)) if isinstance(stride, float | Fraction) else None


def _bounded(number: Rational) -> Rational | None:
    """`number`, or None where its digits would only cost time: no picture is larger than 2**53 cells."""
    if isinstance(number, int):
        return number if number <= LARGEST else None
    if number.denominator == 1:
        return _bounded(number.numerator)
    return number if number <= LARGEST and number.denominator <= LARGEST else None


def _wider(one: Reach, other: Reach) -> Reach:
    extent = None if one.extent is None or other.extent is None else max(one.extent, other.extent)
    stride = None if one.stride is None or other.stride is None else max(one.stride, other.stride)
    return Reach(extent, stride)


def _composed(outer: Field, inner: Field) -> Field:
    if len(outer) == len(inner):
        return tuple(map(_through, outer, inner))
    lost = all(reach.extent == 1 for reach in inner)
    return tuple(Reach(reach.extent, None) if lost else ALL for reach in outer)


def _merged(sights: Sequence[Sight]) -> Sight:
    if len(sights) == 1:
        return sights[0]
    merged: dict[int, Field] = {}
    for sight in sights:
        for source, field in sight.items():
            known = merged.get(source)
            merged[source] = field if known is None or known is field else tuple(map(_wider, known, field))
    return merged


def _applied(inner: Sight, feeds: Sequence[Sight]) -> Sight:
    """What is seen through a scope: `inner` relative to its ports, `feeds` what the ports see."""
    parts = []
    for port, field in inner.items():
        if all(reach == POINT for reach in field):
            parts.append(feeds[port])
        else:
            parts.append({source: _composed(outer, field) for source, outer in feeds[port].items()})
    return _merged(parts) if parts else {}


def _own(scope: Scope) -> list[Sight]:
    """What the ports of a scope see of themselves."""
    return [{port: (POINT,) * spatial_axes(tensor)} for port, tensor in enumerate(scope.inputs)]


class _Sights:
    """Relative sights, reckoned once for each distinct scope."""

    def __init__(self) -> None:
        self._inside: dict[Scope, tuple[list[tuple[Sight, ...]], tuple[Sight, ...]]] = {}

    def inside(self, scope: Scope) -> tuple[list[tuple[Sight, ...]], tuple[Sight, ...]]:
        """For each item and for each result of `scope`, what it sees of the scope's ports."""
        if scope not in self._inside:
            ports = _own(scope)
            made: list[tuple[Sight, ...]] = []
            for item in scope.items:
                if isinstance(item, Leaf):
                    fed = [_value(feed, ports, made) for feed in item.feeds if feed is not None]
                    made.append(self._leaf(item, fed))
                else:
                    made.append(self._call(item, _fed(item, ports, made)))
            self._inside[scope] = made, tuple(_value(value, ports, made) for value in scope.results)
        return self._inside[scope]

    def results(self, scope: Scope, feeds: Sequence[Sight]) -> list[Sight]:
        """What the results of `scope` see through its ports."""
        return [_applied(sight, feeds) for sight in self.inside(scope)[1]]

    def walk(self, scope: Scope, feeds: list[Sight], results: list[Sight]) -> Iterator[Sight]:
        """The sight of every primitive, expanded; the results are appended to `results`."""
        relative = self.inside(scope)[0]
        made: list[tuple[Sight, ...]] = []
        for item, inner in zip(scope.items, relative, strict=True):
            if isinstance(item, Leaf):
                sight = _applied(inner[0], feeds)
                made.append((sight,) * len(item.outputs))
                yield sight
                continue
            current = _fed(item, feeds, made)
            out = [current[item.carry]]
            for copy in item.copies:
                out = []
                yield from self.walk(copy, current, out)
                current[item.carry] = out[0]
            made.append(tuple(out))
        results += [_value(value, feeds, made) for value in scope.results]

    def _leaf(self, leaf: Leaf, fed: list[Sight]) -> tuple[Sight, ...]:
        windows, rearranged = leaf.primitive.window(*leaf.inputs), leaf.primitive.rearranges
        sight = _merged(fed) if fed else {}
        if windows or rearranged:
            sight = {source: grown(field, windows, rearranged=rearranged) for source, field in sight.items()}
        return (sight,) * len(leaf.outputs)

    def _call(self, call: Call, fed: list[Sight]) -> tuple[Sight, ...]:
        out = [fed[call.carry]]
        for copy in call.copies:
            out = self.results(copy, fed)
            fed[call.carry] = out[0]
        return tuple(out)


def _fed(call: Call, ports: Sequence[Sight], made: Sequence[tuple[Sight, ...]]) -> list[Sight]:
    """What each feed of a call sees. A step of a scan is taken to see all that any step is fed: an upper bound."""
    fed: list[Sight] = [{} if feed is None else _value(feed, ports, made) for feed in call.feeds]
    if call.scan is None:
        return fed
    return [{source: (ALL,) * len(field) for source, field in sight.items()} for sight in fed]


def _value(value: Value, ports: Sequence[Sight], made: Sequence[tuple[Sight, ...]]) -> Sight:
    return ports[value.port] if value.item == INPUT else made[value.item][value.port]


def _seen(sight: Sight, inputs: Mapping[str, Tensor]) -> Seen:
    tensors = list(inputs.items())
    return {tensors[source][0]: _axes(field, tensors[source][1]) for source, field in sorted(sight.items())}


def _axes(field: Field, tensor: Tensor) -> tuple[Axis, ...]:
    sizes = tensor.shape[: len(field)]
    return tuple(
        Axis(size if reach.extent is None else ceil(reach.extent), reach.stride)
        for reach, size in zip(field, sizes, strict=True)
    )
