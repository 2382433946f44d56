"""Hypothesis strategies that follow from the vocabulary itself: values of a kind, uses of a primitive."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from archgraph.diagnostics import Rejected
from archgraph.kinds import (
    AnyOf,
    Anything,
    Choice,
    Flag,
    Integer,
    Kind,
    ListOf,
    MapOf,
    Number,
    Shared,
    Text,
)
from archgraph.record import Named, Record
from archgraph.shapes import DTYPES, Dim, Shape, Tensor, symbol
from archgraph.vocabulary import Example, Primitive
from archgraph.vocabulary.parameters import L1L2, RegularizerKind

LARGEST_TENSOR = 4000
"""Elements of a drawn input; enough for every rule, small enough to compute with."""

FORMULA = st.sampled_from(["=n", "=4*width", "=dim(x, -1)//2", "="])


@cache
def values(kind: Kind) -> st.SearchStrategy[Any]:
    """JSON values of which `kind` accepts nearly all, small ones first."""
    if isinstance(kind, Integer):
        return _whole(kind)
    if isinstance(kind, Number):
        return _real(kind)
    if isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, Text):
        return st.text("abc=é", max_size=4)
    if isinstance(kind, Choice):
        return st.sampled_from(kind.options)
    if isinstance(kind, ListOf):
        return st.lists(values(kind.item), min_size=kind.shortest, max_size=min(kind.longest, max(3, kind.shortest)))
    if isinstance(kind, MapOf):
        return st.dictionaries(st.sampled_from("abc"), values(kind.item), max_size=2)
    if isinstance(kind, AnyOf):
        return st.one_of([values(option) for option in kind.kinds])
    if isinstance(kind, Shared):
        return values(kind.kind)
    if isinstance(kind, Anything):
        return JSON
    if isinstance(kind, RegularizerKind):
        return fields(L1L2)
    if isinstance(kind, Named):
        return _named(kind)
    raise TypeError(f"say here how to draw values of {type(kind).__name__}")


def _whole(kind: Integer) -> st.SearchStrategy[int]:
    low = max(kind.low, -3 if kind.low < 0 else 0)
    return st.integers(int(low), int(min(kind.high, low + 6)))


def _real(kind: Number) -> st.SearchStrategy[float]:
    usual = [kind.low, kind.high, 0, 0.1, 0.25, 0.5, 0.9, 1, 1.5, 2, -1, 1e-3, 1e-5]
    return st.sampled_from([number for number in usual if abs(number) < 1e6 and accepts(kind, number)])


def _named(kind: Named) -> st.SearchStrategy[Any]:
    strings = [name for name in [*(kind.short or kind.table)] if accepts(kind, name)]
    objects = [
        fields(record).map(lambda chosen, name=name: {kind.key: name, **chosen}) for name, record in kind.table.items()
    ]
    return st.one_of(st.sampled_from(strings), st.one_of(objects)) if strings else st.one_of(objects)


@cache
def fields(record: type[Record]) -> st.SearchStrategy[dict[str, Any]]:
    """Values for the fields of a record that a file must give, and for some of the others."""
    every = record.fields()
    return st.fixed_dictionaries(
        {name: values(field.kind) for name, field in every.items() if field.required},
        optional={name: values(field.kind) for name, field in every.items() if not field.required},
    )


def accepts(kind: Kind, value: Any, *, open: bool = False) -> bool:
    """Whether `kind` takes `value`; any exception but `Rejected` goes through."""
    try:
        kind.check(value, open=open)
    except Rejected:
        return False
    return True


SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -1, 2, 3.0, 0.5, -2.5, 2**53, 2**53 + 2, 1e300, "", "a", "same", "=n"]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "op", "l2", "x"]), inner),
)


@st.composite
def mutated(draw: st.DrawFn, kind: Kind) -> Any:
    """A value of `kind`, or one that somebody has broken somewhere."""
    return _broken(draw, draw(values(kind)))


def _broken(draw: st.DrawFn, value: Any) -> Any:
    how = draw(st.integers(0, 5))
    if how == 0:
        return draw(JSON)
    if how == 1 and isinstance(value, list):
        return [*value, draw(JSON)]
    if how <= 3 and isinstance(value, list) and value:
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], _broken(draw, value[place]), *value[place + 1 :]]
    if how <= 3 and isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: _broken(draw, value[key])} if how > 1 else {k: v for k, v in value.items() if k != key}
    if how == 4 and isinstance(value, dict):
        return {**value, draw(st.sampled_from(["unknown", "l2", "seed"])): draw(SCALARS)}
    if how == 4 and isinstance(value, int | float) and not isinstance(value, bool):
        return draw(st.sampled_from([-value, value + 0.5, value - 1, value * 2**53, float(value), str(value)]))
    return value


class Case(NamedTuple):
    """One use of a primitive: what a file says, and what arrives."""

    params: Mapping[str, Any]
    inputs: tuple[Tensor | None, ...]
    sizes: Mapping[str, int]
    """A number for every symbol in the inputs, within its constraints."""


@st.composite
def cases(draw: st.DrawFn, kind: type[Primitive], *, symbolic: bool) -> Case:
    """A documented example, perturbed in its parameters, sizes, number of inputs and dtypes."""
    example = draw(st.sampled_from(kind.examples))
    inputs = draw(_inputs(kind, example))
    if symbolic:
        inputs, sizes = draw(_unknown(inputs))
        return Case(draw(_params(kind, example)), inputs, sizes)
    return Case(draw(_params(kind, example)), inputs, {})


@st.composite
def _params(draw: st.DrawFn, kind: type[Primitive], example: Example) -> dict[str, Any]:
    every = kind.fields()
    params = dict(example.params)
    most = draw(st.integers(0, 3)) if every else 0
    changed = draw(st.lists(st.sampled_from(sorted(every)), max_size=most, unique=True)) if most else []
    for name in changed:
        if name in params and not every[name].required and draw(st.booleans()):
            del params[name]
        else:
            params[name] = draw(values(every[name].kind))
    return params


@st.composite
def _inputs(draw: st.DrawFn, kind: type[Primitive], example: Example) -> tuple[Tensor | None, ...]:
    tensors: list[Any] = list(example.input_tensors())
    if kind.inputs[-1].variadic and draw(st.integers(0, 3)) == 0:
        tensors = [*tensors, tensors[-1]] if draw(st.booleans()) else tensors[:-1] or tensors
    distinct = sorted({dim for x in tensors if x is not None for dim in x.shape})
    too_large = any(size > LARGEST_TENSOR for x in tensors if x is not None for size in [_elements(x.shape)])
    keep = not too_large and draw(st.integers(0, 2)) == 0
    new = {dim: dim if keep else draw(st.integers(1, 12)) for dim in distinct}
    resized = [None if x is None else Tensor(tuple(new[dim] for dim in x.shape), x.dtype) for x in tensors]
    disturbance = draw(st.integers(0, 9))
    place = draw(st.integers(0, len(resized) - 1))
    if resized[place] is not None and disturbance <= 3:
        resized[place] = _disturbed(draw, resized[place], disturbance)
    return tuple(resized)


def _disturbed(draw: st.DrawFn, x: Tensor, how: int) -> Tensor:
    if how == 0:
        return x._replace(dtype=draw(st.sampled_from(DTYPES)))
    if how == 1:
        return x._replace(shape=x.shape[1:] if draw(st.booleans()) else (2, *x.shape[:3]))
    if not x.shape:
        return x
    axis = draw(st.integers(0, len(x.shape) - 1))
    return x._replace(shape=(*x.shape[:axis], draw(st.integers(1, 8)), *x.shape[axis + 1 :]))


def _elements(shape: Shape) -> int:
    count = 1
    for dim in shape:
        count *= int(dim)
    return count


@st.composite
def _unknown(draw: st.DrawFn, inputs: tuple[Tensor | None, ...]) -> tuple[tuple[Tensor | None, ...], dict[str, int]]:
    """`inputs` with one or two sizes replaced by symbols, wherever they occur except as channels (mostly)."""
    channels = draw(st.integers(0, 4)) == 0
    found = {dim for x in inputs if x is not None for dim in (x.shape if channels else x.shape[:-1] or x.shape)}
    chosen = draw(st.lists(st.sampled_from(sorted(found)), min_size=1, max_size=2, unique=True)) if found else []
    symbols: dict[int, Dim] = {}
    sizes = {}
    for number, dim in enumerate(chosen):
        multiple, least = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (4, 8), (32, 32)]))
        name = "HW"[number]
        symbols[dim] = symbol(name, multiple_of=multiple, minimum=least)
        # Not 1: a few rules refuse it where the operation would be pointless, which says nothing about the sizes.
        sizes[name] = -(-max(least, draw(st.integers(2, 12))) // multiple) * multiple
    replaced = [
        None if x is None else x._replace(shape=tuple(_put(x, axis, symbols, channels) for axis in range(len(x.shape))))
        for x in inputs
    ]
    return tuple(replaced), sizes


def _put(x: Tensor, axis: int, symbols: Mapping[int, Dim], channels: bool) -> Dim:
    dim = x.shape[axis]
    is_channels = axis == len(x.shape) - 1 and len(x.shape) > 1
    return dim if is_channels and not channels else symbols.get(dim, dim)
