"""Plan -> functions: blocks of one structure become one function, and what differs between its uses its parameters."""

import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from keyword import iskeyword
from typing import Any, NamedTuple

from archgraph.compiler.plan import Loop, Operation, Plan
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.vocabulary.base import Layer


class Spot(NamedTuple):
    """Where in a function a value stands: the number of a step, of a copy, and the argument's name."""

    step: int
    copy: int
    key: tuple[str, ...]


class Literal(NamedTuple):
    """A value, with the text by which values are compared."""

    text: str
    value: Any


@dataclass(eq=False)
class Function:
    """All plans of one structure. `name` is empty for what is repeated without being a block."""

    name: str
    doc: str
    inputs: tuple[str, ...]
    plans: list[Plan] = field(default_factory=list)
    inner: dict[int, tuple["Function", ...]] = field(default_factory=dict)
    """By the number of a step that is a loop: the function of each of its copies."""
    parameters: dict[Spot, str] = field(default_factory=dict)
    """What differs between uses, by where it stands, with the name of the parameter."""

    @property
    def plan(self) -> Plan:
        """The plan that is written."""
        return self.plans[0]

    @property
    def names(self) -> list[str]:
        """Names of the parameters, each once."""
        return list(dict.fromkeys(self.parameters.values()))

    def arguments(self, plan: Plan) -> dict[str, Any]:
        """The value of each parameter in one use."""
        values = dict(spots(self, plan))
        return {name: values[spot].value for spot, name in self.parameters.items()}


class Structure(NamedTuple):
    """The functions of a plan, each after those that it calls; the last is the network itself."""

    functions: tuple[Function, ...]
    shares: bool
    """Whether some weights are applied more than once."""


def structure(plan: Plan, name: str) -> Structure:
    """The functions that a plan is written as. Raises `GraphError` AG804 for what has no such source."""
    found: dict[Any, Function] = {}
    known: dict[Plan, Function] = {}
    main = _function(plan, name, "", (), found, known)
    functions = tuple(found.values())
    _named(functions)
    for function in functions:
        _parametrised(function)
    shares = any(_shares(one) for function in functions for one in function.plan.steps)
    assert functions[-1] is main
    return Structure(functions, shares)


def _shares(step: Operation | Loop) -> bool:
    return bool(step.owner) or (isinstance(step, Loop) and step.share)


def _function(
    plan: Plan, name: str, doc: str, inputs: tuple[str, ...], found: dict[Any, Function], known: dict[Plan, Function]
) -> Function:
    if plan in known:
        return known[plan]
    inner = {}
    for number, step in enumerate(plan.steps):
        if isinstance(step, Loop):
            inner[number] = tuple(_inside(step, copy, found, known) for copy in range(len(step.copies)))
    key = (
        name,
        inputs,
        tuple(_shape(step, inner.get(number, ())) for number, step in enumerate(plan.steps)),
        plan.results,
    )
    function = found.get(key)
    if function is None:
        function = found[key] = Function(name, doc, inputs, inner=inner)
    function.plans.append(plan)
    known[plan] = function
    return function


def _inside(loop: Loop, copy: int, found: dict[Any, Function], known: dict[Plan, Function]) -> Function:
    if loop.scan is not None:
        message = f"{loop.name!r} applies a block step by step, which has no plain source"
        raise GraphError([Diagnostic("AG804", "", message, "save it as a .keras file instead")])
    block = loop.call.copies[copy].block
    if loop.call.node.kind == "op":
        ports = tuple(f"x{number}" if number else "x" for number in range(len(loop.feeds)))
        return _function(loop.copies[copy], "", "", ports, found, known)
    return _function(loop.copies[copy], block.name, block.doc, tuple(block.inputs), found, known)


def _shape(step: Operation | Loop, inner: Sequence[Function]) -> Any:
    """What two uses of one function must have in common at one step."""
    if isinstance(step, Loop):
        return step.name, step.feeds, tuple(map(id, inner)), step.carry, step.indexed, step.share, step.owner
    layer = step.layer
    return step.name, _form(layer), step.feeds, step.outputs, step.owner


def arguments(layer: Layer) -> dict[str, Any]:
    """The arguments of a layer, with the step of a convolution even where it is 1, as it often differs between uses."""
    given = dict(layer.arguments)
    if layer.ours or "Conv" not in layer.name or "strides" in given:
        return given
    keys = list(given)
    position = keys.index("kernel_size") + 1 if "kernel_size" in keys else 0
    items = list(given.items())
    return dict([*items[:position], ("strides", 1), *items[position:]])


def _form(layer: Layer) -> Any:
    inner = tuple((key, _form(value) if isinstance(value, Layer) else "") for key, value in arguments(layer).items())
    return layer.name, layer.ours, layer.call, layer.keywords, repr(dict(layer.options)), inner


def spots(function: Function, plan: Plan) -> Iterator[tuple[Spot, Literal]]:
    """Every value that stands in one use of a function."""
    for number, step in enumerate(plan.steps):
        if isinstance(step, Operation):
            for key, value in _arguments(step.layer, ()):
                yield Spot(number, 0, key), Literal(repr(value), value)
            continue
        for copy, inner in enumerate(function.inner[number]):
            for name, value in inner.arguments(step.copies[copy]).items():
                yield Spot(number, copy, (name,)), Literal(repr(value), value)


def _arguments(layer: Layer, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in arguments(layer).items():
        if isinstance(value, Layer):
            yield from _arguments(value, (*path, key))
        else:
            yield (*path, key), value


def _named(functions: Sequence[Function]) -> None:
    """Give each function of a block a name of its own."""
    taken: set[str] = set()
    for function in functions:
        if function.name and function is not functions[-1]:
            base = identifier(function.name)
            name, number = base, 2
            while name in taken:
                name, number = f"{base}_{number}", number + 1
            taken.add(name)
            function.name = name


def _parametrised(function: Function) -> None:
    """Find what differs between the uses: spots that always hold the same become one parameter."""
    columns: dict[Spot, list[str]] = {}
    for plan in function.plans:
        for spot, literal in spots(function, plan):
            columns.setdefault(spot, []).append(literal.text)
    names: dict[tuple[str, ...], str] = {}
    taken = {*map(identifier, function.inputs), "name", "i"}
    for spot, texts in columns.items():
        if len(set(texts)) == 1:
            continue
        column = tuple(texts)
        if column not in names:
            names[column] = _free(function, spot, taken)
            taken.add(names[column])
        function.parameters[spot] = names[column]


def _free(function: Function, spot: Spot, taken: set[str]) -> str:
    base = identifier(spot.key[-1])
    if base not in taken:
        return base
    step = identifier(function.plan.steps[spot.step].name)
    name, number = f"{step}_{base}" if step else base, 2
    while name in taken:
        name, number = f"{step}_{base}_{number}", number + 1
    return name


class Segment(NamedTuple):
    """Copies of a loop, one behind the other, that one function makes."""

    start: int
    function: Function
    alike: bool
    """Whether they have the same arguments in every use."""
    copies: int


def segments(function: Function, number: int) -> list[Segment]:
    """The copies of a loop in runs: alike where nothing differs between them."""
    loops = [plan.steps[number] for plan in function.plans]
    inner = function.inner[number]
    keys = [(id(inner[copy]), *(id(loop.copies[copy]) for loop in loops if isinstance(loop, Loop)))
            for copy in range(len(inner))]  # fmt: skip
    found: list[Segment] = []
    start = 0
    for _, group in groupby(keys):
        count = len(list(group))
        found.append(Segment(start, inner[start], True, count))
        start += count
    return _joined(found)


def _joined(found: list[Segment]) -> list[Segment]:
    """Single copies that one function makes, each with other arguments, as one run."""
    joined: list[Segment] = []
    for one in found:
        last = joined[-1] if joined else None
        both_single = last is not None and one.copies == 1 and (last.copies == 1 or not last.alike)
        if last is not None and last.function is one.function and both_single:
            joined[-1] = Segment(last.start, last.function, False, last.copies + 1)
        else:
            joined.append(one)
    return joined


def identifier(text: str) -> str:
    """A name that Python takes."""
    name = re.sub(r"\W", "_", text)
    if not name or name[0].isdigit():
        name = f"x{name}"
    return f"{name}_" if iskeyword(name) or name in _TAKEN else name


_TAKEN = frozenset({*dir(builtins), "keras", "layers", "build", "made", "once", "LAYERS", "name"})
