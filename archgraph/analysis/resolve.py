"""Expressions, parameters and shorthands become plain values and primitives."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archgraph.diagnostics import Rejected, nearest
from archgraph.document.form import CONTROL_KEYS
from archgraph.document.parameters import find_block, type_hint, typed
from archgraph.expression import compile_expression
from archgraph.graph import MISSING, Block, Dimension, Graph, Parameter
from archgraph.kinds import FrozenMap, is_formula
from archgraph.shapes import Dim, Tensor, show, symbol
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Primitive
from archgraph.vocabulary.parameters import ACTIVATION, ACTIVATION_FUNCTION, NORMALISATION

Environment = Mapping[str, Any]
ReadDim = Callable[[str, int], Dim]


def dimension(name: str, graph: Graph) -> Dim:
    """The symbolic dimension `name` with the constraints that the file states; they were checked by `parse`."""
    known = graph.dims.get(name, Dimension())
    return symbol(name, multiple_of=known.multiple_of, minimum=known.minimum, maximum=known.maximum)


def mentions(value: Any, name: str) -> bool:
    """Whether an expression in `value` uses a parameter of that name."""
    if isinstance(value, str):
        return is_formula(value) and name in compile_expression(value).names
    if isinstance(value, tuple):
        return any(mentions(item, name) for item in value)
    return isinstance(value, Mapping) and any(mentions(item, name) for item in value.values())


def dim_reader(inputs: Sequence[str], tensors: Sequence[Tensor]) -> ReadDim:
    """The ``dim`` function of a block with these input ports."""

    def dim(name: str, axis: int) -> Dim:
        shape = tensors[inputs.index(name)].shape
        if not -len(shape) <= axis < len(shape):
            raise Rejected("AG209", f"dim({name}, {axis}): {name} has {len(shape)} axes, its shape is {show(shape)}")
        return shape[axis]

    return dim


def resolved(value: Any, names: Environment, dim: ReadDim) -> Any:
    """`value` with every expression evaluated and ``==`` unescaped; complaints are addressed below it."""
    if isinstance(value, str):
        if value.startswith("=="):
            return value[1:]
        if not is_formula(value):
            return value
        bare = value[1:].strip()
        return names[bare] if bare in names else compile_expression(value).evaluate(names, dim)
    if isinstance(value, tuple):
        return tuple(_below(position, item, names, dim) for position, item in enumerate(value))
    if isinstance(value, FrozenMap):
        return FrozenMap({key: _below(key, item, names, dim) for key, item in value.items()})
    return value


def _below(place: int | str, value: Any, names: Environment, dim: ReadDim) -> Any:
    try:
        return resolved(value, names, dim)
    except Rejected as rejected:
        raise rejected.under(place) from None


def bind(
    params: Mapping[str, Parameter], given: Mapping[str, Any], what: str, blocks: Mapping[str, Block], dim: ReadDim
) -> tuple[dict[str, Any], list[Rejected]]:
    """The value of every parameter, and all complaints about `given`, each addressed by the parameter's name."""
    found = [
        Rejected("AG412", f"{what} has no parameter {name!r}; it takes: {', '.join(params) or 'none'}",
                 hint=nearest(name, (*params, *CONTROL_KEYS)), field=f"/{name}")
        for name in given
        if name not in params
    ]  # fmt: skip
    values: dict[str, Any] = {}
    for name, parameter in params.items():
        if found and name not in given and any(mentions(parameter.default, n) for n in params if n not in values):
            continue  # It follows from a parameter that is complained about.
        try:
            if name in given:
                values[name] = _typed(given[name], parameter, blocks)
            elif parameter.default is MISSING:
                found.append(Rejected("AG412", f"{what} needs the parameter {name!r}, {type_hint(parameter)}"))
            else:
                values[name] = _typed(resolved(parameter.default, values, dim), parameter, blocks)
        except Rejected as rejected:
            found.append(rejected.under(name))
    return values, found


def _typed(value: Any, parameter: Parameter, blocks: Mapping[str, Block]) -> Any:
    return _block(value, blocks) if parameter.type == "block" else typed(value, parameter)


def _block(value: Any, blocks: Mapping[str, Block]) -> Block:
    if isinstance(value, Block):
        return value
    return find_block(value, blocks)


class Undressed:
    """A primitive's core with what its ``norm`` and ``activation`` shorthands stand for."""

    __slots__ = ("activation", "core", "names", "norm", "plain", "primitive")

    def __init__(self, primitive: Primitive) -> None:
        self.primitive = primitive
        self.names = primitive.outputs()
        fields = type(primitive).fields()
        shorthand = "norm" in fields or ("activation" in fields and fields["activation"].kind is ACTIVATION)
        norm = getattr(primitive, "norm", None) if shorthand else None
        activation = getattr(primitive, "activation", None) if shorthand else None
        self.norm: Primitive | None = None if norm is None else _part("norm", norm)
        self.activation: Primitive | None = None if activation is None else _part("activation", activation)
        self.plain = self.norm is None and self.activation is None
        if self.plain:
            self.core = primitive
            return
        changes: dict[str, Any] = {"norm": None} if "norm" in fields else {}
        if "use_bias" in fields:
            changes["use_bias"] = primitive.biased  # type: ignore[attr-defined]
        self.core = replace(primitive, activation=None, **changes)  # type: ignore[type-var]


@functools.lru_cache(maxsize=4096)
def undressed(op: str, values: tuple[tuple[str, Any], ...], types: tuple[type, ...]) -> Undressed:
    """The parts of an op with these parameters, kept: a graph is looked at again after every edit.

    `types` are those of the values, since 1, 1.0 and true are equal to Python but not to a file.
    """
    return Undressed(REGISTRY[op].make(dict(values)))


@functools.lru_cache(maxsize=4096)
def _part(name: str, value: Any) -> Primitive:
    kind = NORMALISATION if name == "norm" else ACTIVATION_FUNCTION
    try:
        made = kind.make(value)
    except Rejected as rejected:
        raise rejected.under(name) from None
    assert isinstance(made, Primitive)
    return made


def no_dim(name: str, axis: int) -> Dim:
    """The ``dim`` function where there are no input ports."""
    raise Rejected("AG209", f"dim({name}, {axis}) can be used inside a block's nodes only")
