"""Python calls -> the value of a graph file: the same records, names and checks, one method for every op.

>>> import archgraph as ag
>>> g = ag.Builder("tiny", params={"classes": 10})
>>> x = g.input("image", [28, 28, 1])
>>> x = g.conv(x, filters=8, kernel_size=3, activation="relu")
>>> x = g.flatten(x)
>>> g.output(label=g.dense(x, units="=classes", activation="softmax", name="fc"))
>>> ag.infer(g.graph()).parameters
62810
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from archgraph.diagnostics import GraphError, Rejected, nearest
from archgraph.document import form
from archgraph.document.files import write_atomically
from archgraph.document.load import parse
from archgraph.document.order import ORDER
from archgraph.document.reader import read
from archgraph.document.writer import canonical
from archgraph.graph import Graph
from archgraph.kinds import shown
from archgraph.vocabulary import REGISTRY, Primitive

_CONTROL = ("when", "repeat", "share", "first", "last", "doc")
"""Keyword arguments of every op that are keys of its record, beside ``name``."""
_TYPES: Mapping[type, str] = {int: "int", float: "number", bool: "bool", str: "string", list: "list"}
_SUM, _PRODUCT, _POWER, _ATOM = range(4)


@dataclass(frozen=True, slots=True)
class Expr:
    """An expression of the format (``"=4*width"``), for any parameter. Arithmetic on it gives expressions.

    >>> width = expr("width")
    >>> str(4 * width), str((width + 1) // 2)
    ('=4*width', '=(width + 1)//2')
    """

    text: str
    binds: int = _ATOM

    def __str__(self) -> str:
        return f"={self.text}"

    def __add__(self, other: "Expr | float") -> "Expr":
        return _combined(self, " + ", other, _SUM)

    def __radd__(self, other: float) -> "Expr":
        return _combined(other, " + ", self, _SUM)

    def __sub__(self, other: "Expr | float") -> "Expr":
        return _combined(self, " - ", other, _SUM)

    def __rsub__(self, other: float) -> "Expr":
        return _combined(other, " - ", self, _SUM)

    def __mul__(self, other: "Expr | float") -> "Expr":
        return _combined(self, "*", other, _PRODUCT)

    def __rmul__(self, other: float) -> "Expr":
        return _combined(other, "*", self, _PRODUCT)

    def __floordiv__(self, other: "Expr | float") -> "Expr":
        return _combined(self, "//", other, _PRODUCT)

    def __truediv__(self, other: "Expr | float") -> "Expr":
        return _combined(self, "/", other, _PRODUCT)

    def __mod__(self, other: "Expr | float") -> "Expr":
        return _combined(self, "%", other, _PRODUCT)

    def __pow__(self, other: "Expr | float") -> "Expr":
        return Expr(f"{_operand(self, _ATOM)}**{_operand(other, _ATOM)}", _POWER)


def expr(text: str) -> Expr:
    """An expression from its text, with or without the leading ``=``: ``expr("dim(x, -1)//2")``."""
    bare = text.removeprefix("=").strip()
    return Expr(bare, _ATOM if re.fullmatch(r"[A-Za-z_]\w*(\([^()]*\))?", bare) else -1)


def _combined(left: Expr | float, sign: str, right: Expr | float, level: int) -> Expr:
    return Expr(f"{_operand(left, level)}{sign}{_operand(right, level + 1)}", level)


def _operand(value: Expr | float, level: int) -> str:
    if isinstance(value, Expr):
        return value.text if value.binds >= level else f"({value.text})"
    return f"({value!r})" if value < 0 else repr(value)


@dataclass(frozen=True, slots=True)
class Handle:
    """A value of the network in the making: the output of a node, or an input."""

    scope: "Scope"
    id: str
    output: str = ""

    def port(self, name: str) -> "Handle":
        """Another output of the same node: ``h.port("state_h")``."""
        return Handle(self.scope, self.id, name)

    def __str__(self) -> str:
        return f"{self.id}.{self.output}" if self.output else self.id

    def __repr__(self) -> str:
        return f"<{self}>"


Feed = Handle | str
"""What may feed a node: a handle, or the name of a node or input, or ``"node.port"``."""


class Scope:
    """Where nodes are: a network or a block. Every op of the vocabulary is a method.

    Arguments of such a method: what feeds the node (handles, a list for ops that take any number, or keyword arguments
    named like the ports), its parameters by name, and

    - ``name``: the node's id; by default the op's name and a number.
    - ``when``: false, or an expression that can be false: hand on the input unchanged.
    - ``repeat``, ``first``, ``last``, ``share``: a chain of copies, overrides for its ends, one set of weights for all.
    - ``doc``: a comment.
    """

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer
        self._nodes: dict[str, Any] = {}
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, str] = {}
        self._params: dict[str, Any] = {}

    if TYPE_CHECKING:

        def __getattr__(self, op: str) -> Callable[..., Handle]: ...

    else:

        def __getattr__(self, op: str) -> Callable[..., Handle]:
            if op.startswith("__"):
                raise AttributeError(op)
            hint = nearest(op, REGISTRY)
            raise AttributeError(f"no op is called {op!r}" + (f"; {hint}" if hint else ""))

    def __getitem__(self, name: str) -> Handle:
        """The node or input of that id."""
        if name not in self._nodes and name not in self._inputs:
            known = (*self._inputs, *self._nodes)
            raise KeyError(f"no node or input {name!r}" + (f"; {hint}" if (hint := nearest(name, known)) else ""))
        return Handle(self, name)

    def param(self, name: str) -> Expr:
        """A parameter of this network or block, for use in expressions: ``filters=4 * b.param("width")``."""
        if name not in self._params:
            self._refuse(Rejected("AG401", f"no parameter {shown(name)}", hint=nearest(name, self._params)), "/params")
        return Expr(name)

    def op(self, op: str, *feeds: Feed | Sequence[Feed], name: str | None = None, **arguments: Any) -> Handle:
        """A node by the op's name; ``g.op("conv", x, …)`` is ``g.conv(x, …)``.

        Raises:
            GraphError: the op is unknown, or feeds or parameters are not as it wants them.
        """
        id = self._new_id(name, op)
        place = f"{self._pointer}/nodes/{id}"
        kind = REGISTRY.get(op)
        if kind is None:
            self._refuse(Rejected("AG406", f"unknown op {shown(op)}", hint=nearest(op, REGISTRY)), f"{place}/op")
            raise AssertionError("unreachable")
        ports = [port.name for port in kind.inputs]
        named = {key: arguments.pop(key) for key in ports if key in arguments and key not in kind.fields()}
        record: dict[str, Any] = {"op": op, "in": self._fed(feeds, named, f"{place}/in")}
        control = {key: arguments.pop(key) for key in _CONTROL if key in arguments and key not in kind.fields()}
        record |= {key: plain(value) for key, value in arguments.items()} | _written(control)
        self._check(kind, record, place)
        return self._keep(id, record)

    def call(
        self,
        block: "str | Expr | Block",
        *feeds: Feed | Sequence[Feed],
        name: str | None = None,
        inputs: Mapping[str, Feed] | None = None,
        arguments: Mapping[str, Any] | None = None,
        when: bool | str | Expr = True,
        repeat: int | str | Expr | None = None,
        share: bool = False,
        first: Mapping[str, Any] | None = None,
        last: Mapping[str, Any] | None = None,
        scan: str | Sequence[str] | Mapping[str, Any] | None = None,
        doc: str = "",
        **parameters: Any,
    ) -> Handle:
        """Apply a block: ``g.call("bottleneck", x, width=64, repeat=3, first={"project": True}, name="stage1")``.

        Args:
            block: a block of this file, an imported one, one of the library, or an expression that gives one.
            feeds: what feeds the block, in the order of its inputs.
            name: the node's id; by default the block's name and a number.
            inputs: feeds by the names of the block's inputs, instead of `feeds`.
            arguments: parameters of the block whose names are names of arguments here.
            when: false, or an expression that can be false: hand on the input unchanged.
            repeat: how many copies to chain.
            share: whether the copies share one set of weights.
            first, last: parameters of the first and of the last copy.
            scan: the block's inputs that are sequences, to apply it step by step; or a record of a scan.
            doc: a comment.
            parameters: the block's parameters.

        Raises:
            GraphError: a feed or a name is refused.
        """
        target = block.name if isinstance(block, Block) else str(block)
        id = self._new_id(name, target if re.fullmatch(form.IDENTIFIER, target) else "block")
        control = {"when": when, "scan": scan, "repeat": repeat, "share": share, "doc": doc}
        control |= {"first": first, "last": last}
        record = {"block": target, "in": self._fed(feeds, inputs or {}, f"{self._pointer}/nodes/{id}/in")}
        values = {**(arguments or {}), **parameters}
        return self._keep(id, record | {key: plain(value) for key, value in values.items()} | _written(control))

    def reuse(
        self, node: Feed, *feeds: Feed | Sequence[Feed], name: str | None = None, doc: str = "", **inputs: Feed
    ) -> Handle:
        """Apply a node again, with the same weights: ``g.reuse(tower, right)``."""
        target = node.id if isinstance(node, Handle) else node
        id = self._new_id(name, target)
        record: dict[str, Any] = {"reuse": target, "in": self._fed(feeds, inputs, f"{self._pointer}/nodes/{id}/in")}
        return self._keep(id, record | _written({"doc": doc}))

    def output(self, *values: Feed, **named: Feed) -> None:
        """Declare outputs, each under its keyword; or a block's only output; or one under the name of its node."""
        for value in values:
            text = self._name(value, "/outputs")
            self._outputs["output" if isinstance(self, Block) else text.split(".")[0]] = text
        for name, value in named.items():
            self._outputs[name] = self._name(value, f"/outputs/{name}")

    # ---- checking

    def _new_id(self, name: str | None, stem: str) -> str:
        if name is None:
            number = 1
            while f"{stem}{number}" in self._nodes or f"{stem}{number}" in self._inputs:
                number += 1
            return f"{stem}{number}"
        try:
            form.need_identifier(name)
        except Rejected as rejected:
            self._refuse(rejected, f"/nodes/{name}")
        if name in self._nodes or name in self._inputs:
            self._refuse(Rejected("AG210", f"{name!r} is already the name of a node or input"), f"/nodes/{name}")
        return name

    def _keep(self, id: str, record: dict[str, Any]) -> Handle:
        self._nodes[id] = record
        return Handle(self, id)

    def _fed(self, feeds: Sequence[Feed | Sequence[Feed]], named: Mapping[str, Feed], pointer: str) -> Any:
        """The value of ``in``."""
        if named and feeds:
            self._refuse(Rejected("AG403", "takes its inputs by position or by name, not both"), pointer, whole=True)
        if named:
            return {port: self._name(feed, f"{pointer}/{port}", whole=True) for port, feed in named.items()}
        if len(feeds) == 1 and isinstance(feeds[0], Handle | str):
            return self._name(feeds[0], pointer, whole=True)
        several: Sequence[Any] = feeds[0] if len(feeds) == 1 and isinstance(feeds[0], list | tuple) else feeds
        return [self._name(feed, f"{pointer}/{place}", whole=True) for place, feed in enumerate(several)]

    def _name(self, feed: Any, pointer: str, *, whole: bool = False) -> str:
        if isinstance(feed, Handle) and feed.scope is not self:
            complaint = f"{str(feed)!r} belongs to another network or block"
            hint = "name it among the block's inputs, and use the block's own handle"
            self._refuse(Rejected("AG401", complaint, hint=hint), pointer, whole=whole)
        if not isinstance(feed, Handle | str):
            complaint = f"must be a handle or the name of a node, got {type(feed).__name__}"
            self._refuse(Rejected("AG202", complaint), pointer, whole=whole)
        return str(feed)

    def _check(self, kind: type[Primitive], record: Mapping[str, Any], place: str) -> None:
        values = {key: value for key, value in record.items() if key not in form.CONTROL_KEYS or key in kind.fields()}
        found = kind.check(values, open=True)[1]
        try:
            form.feeds(record["in"], kind.inputs)
        except Rejected as rejected:
            found.append(rejected.under("in"))
        if found:
            raise GraphError(rejected.at(place) for rejected in found)

    def _refuse(self, rejected: Rejected, pointer: str, *, whole: bool = False) -> None:
        raise GraphError([rejected.at(pointer if whole else self._pointer + pointer)])


class Block(Scope):
    """A block in the making: a scope with inputs, parameters and one output or several."""

    def __init__(self, name: str, inputs: Sequence[str], params: Mapping[str, Any], carry: str, doc: str) -> None:
        super().__init__(f"/blocks/{name}")
        self.name = name
        self._carry, self._doc = carry, doc
        self._states: dict[str, Any] = {}
        self._inputs = dict.fromkeys(inputs)
        self._params = {key: _parameter(value) for key, value in params.items()}

    @property
    def inputs(self) -> tuple[Handle, ...]:
        """The handles of the inputs, in order."""
        return tuple(Handle(self, name) for name in self._inputs)

    def state(
        self, name: str, next: Feed, *, shape: Sequence[int | str | Expr] | None = None, dtype: str = "float32"
    ) -> None:
        """Let a scan carry the input `name` from step to step.

        Args:
            name: the input.
            next: what it is after a step.
            shape: sizes of the zeros that it starts with where nothing feeds it; without them it must be fed.
            dtype: type of those zeros.
        """
        text, zeros = self._name(next, f"/states/{name}"), {"shape": shape and plain(list(shape)), "dtype": dtype}
        given = {key: value for key, value in zeros.items() if value not in (None, "float32")}
        self._states[name] = {"next": text, **given} if given else text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and not self._outputs:
            self._refuse(Rejected("AG204", "needs an output", hint="call output(…) in the block"), "")

    def to_dict(self) -> dict[str, Any]:
        """The value of the block in the file."""
        single = list(self._outputs) == ["output"]
        outputs: dict[str, Any] = self._outputs if single else {"outputs": dict(self._outputs)}
        return {
            **({"doc": self._doc} if self._doc else {}),
            **({"params": dict(self._params)} if self._params else {}),
            "inputs": list(self._inputs),
            **({"carry": self._carry} if self._carry else {}),
            **({"states": dict(self._states)} if self._states else {}),
            "nodes": dict(self._nodes),
            **outputs,
        }


class Builder(Scope):
    """A network in the making, written as the JSON that people write.

    Everything that is wrong with one call is reported by that call, at the node's name; what concerns several nodes,
    such as shapes, by `graph` and `archgraph.infer`, with the place in the text that `to_json` gives.
    """

    def __init__(
        self, name: str, *, doc: str = "", params: Mapping[str, Any] | None = None, imports: Sequence[str] = (),
        schema: str = "",
    ) -> None:  # fmt: skip
        """Begin a network.

        Args:
            name: name of the network.
            doc: what it is.
            params: the file's knobs: a default value each, a Python type, or a record such as ``{"type": "int"}``.
            imports: files whose blocks may be called, relative to the file.
            schema: value of ``$schema``, for editors.
        """
        super().__init__("")
        self.name = name
        self._params = {key: _parameter(value) for key, value in (params or {}).items()}
        self._about = {"$schema": schema, "archgraph": form.VERSION, "name": name, "doc": doc, "imports": list(imports)}
        self._dims: dict[str, Any] = {}
        self._variants: dict[str, Any] = {}
        self._blocks: dict[str, Block] = {}
        self._expect: dict[str, Any] = {}

    def input(
        self, name: str, shape: Sequence[int | str | Expr], *, dtype: str = "float32", kind: str = "tensor",
        distribution: str = "normal", doc: str = "",
    ) -> Handle:  # fmt: skip
        """An input of the network.

        Args:
            name: its id.
            shape: sizes without the batch axis, channels last: numbers, names of symbolic dimensions, expressions.
            dtype: type of its numbers.
            kind: ``tensor``, or ``vector_latent`` for random numbers that a generator starts from.
            distribution: how a latent vector is drawn.
            doc: what it is.

        Raises:
            GraphError: an argument is refused.
        """
        place = f"/inputs/{name}"
        if name in self._inputs or name in self._nodes:
            self._refuse(Rejected("AG210", f"{name!r} is already the name of a node or input"), place)
        record = {"shape": plain(list(shape)), "dtype": dtype, "kind": kind, "distribution": distribution, "doc": doc}
        fields = form.InputForm.fields()
        given = {key: value for key, value in record.items() if key == "shape" or value != fields[key].default}
        found = form.InputForm.check(given, open=True)[1]
        try:
            form.need_identifier(name)
        except Rejected as rejected:
            found.append(rejected)
        if found:
            raise GraphError(rejected.at(place) for rejected in found)
        self._inputs[name] = given
        return Handle(self, name)

    def block(
        self,
        name: str,
        inputs: Sequence[str] = ("x",),
        params: Mapping[str, Any] | None = None,
        *,
        carry: str = "",
        doc: str = "",
        body: Callable[..., Feed] | None = None,
    ) -> Block:
        """A block, filled in a ``with`` statement or by a function.

        ::

            with g.block("residual", params={"width": int}) as b:
                (x,) = b.inputs
                h = b.conv(x, filters=b.param("width"), kernel_size=3, norm="batch", activation="relu")
                b.output(b.add(x, h))

        Args:
            name: its id.
            inputs: names of its inputs.
            params: its parameters: a default value each, a Python type where the caller must give one, or a record.
            carry: the input that ``repeat`` chains the output into; by default the first.
            doc: what it does.
            body: ``body(block, *handles)`` that returns the output, instead of a ``with`` statement.

        Raises:
            GraphError: the name is taken or no identifier.
        """
        try:
            form.need_identifier(name)
        except Rejected as rejected:
            self._refuse(rejected, f"/blocks/{name}")
        if name in self._blocks:
            self._refuse(Rejected("AG210", f"{name!r} is already the name of a block"), f"/blocks/{name}")
        made = self._blocks[name] = Block(name, inputs, params or {}, carry, doc)
        if body is not None:
            made.output(output=body(made, *made.inputs))
        return made

    def dim(self, name: str, *, multiple_of: int = 1, minimum: int = 1, maximum: int | None = None) -> None:
        """State what is known of a symbolic dimension."""
        stated = {"multiple_of": multiple_of, "minimum": minimum, "maximum": maximum}
        self._dims[name] = {key: value for key, value in stated.items() if value not in (1, None)}

    def variant(self, name: str, **params: Any) -> None:
        """A named set of parameter values; the first is the default."""
        self._variants[name] = {key: plain(value) for key, value in params.items()}

    def expect(self, **contracts: Any) -> None:
        """State contracts: ``g.expect(params="<= 5e6", outputs={"label": [10]})``."""
        self._expect |= {key: plain(value) for key, value in contracts.items()}

    def to_dict(self) -> dict[str, Any]:
        """The value of the file."""
        head = {key: value for key, value in self._about.items() if value not in ("", [])}
        parts = {
            "params": self._params,
            "dims": self._dims,
            "inputs": self._inputs,
            "variants": self._variants,
            "blocks": {name: block.to_dict() for name, block in self._blocks.items()},
        }
        body = {"nodes": dict(self._nodes), "outputs": dict(self._outputs)}
        rest = {"expect": dict(self._expect)} if self._expect else {}
        return {
            **head,
            **{key: dict(value) for key, value in parts.items() if value or key == "inputs"},
            **body,
            **rest,
        }

    def to_json(self) -> str:
        """The text of the file, in canonical form."""
        return canonical(self.to_dict(), ORDER)

    def graph(self, folder: str | PathLike[str] | None = None) -> Graph:
        """The graph; `folder` is where imports are looked for, if there are any.

        Raises:
            GraphError: with every finding.
        """
        document = read(self.to_json(), f"<{self.name}>")
        return parse(document, folder=None if folder is None else Path(folder).resolve())

    def save(self, path: str | PathLike[str]) -> None:
        """Write the file, whole or not at all. It is checked first.

        Raises:
            GraphError: the graph is refused, or the file cannot be written.
        """
        self.graph(Path(path).resolve().parent)
        write_atomically(path, self.to_json())


def _parameter(value: Any) -> Any:
    return {"type": _TYPES[value]} if isinstance(value, type) and value in _TYPES else plain(value)


def plain(value: Any) -> Any:
    """`value` as JSON: expressions as text, tuples as lists, blocks by name."""
    if isinstance(value, Expr | Handle):
        return str(value)
    if isinstance(value, Block):
        return value.name
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _written(control: Mapping[str, Any]) -> dict[str, Any]:
    """The control keys that say something."""
    silent = {"when": True, "scan": None, "repeat": None, "share": False, "first": None, "last": None, "doc": ""}
    return {key: plain(value) for key, value in control.items() if value is not silent[key] and value != ""}


# ---- one method for every op, made from its class


def _method(kind: type[Primitive]) -> Callable[..., Handle]:
    def method(self: Scope, *feeds: Feed | Sequence[Feed], name: str | None = None, **arguments: Any) -> Handle:
        return self.op(kind.op, *feeds, name=name, **arguments)

    method.__name__, method.__qualname__ = kind.op, f"Scope.{kind.op}"
    method.__doc__ = _documentation(kind)
    method.__signature__ = _signature(kind)  # type: ignore[attr-defined]
    return method


def _signature(kind: type[Primitive]) -> inspect.Signature:
    parameter, keyword = inspect.Parameter, inspect.Parameter.KEYWORD_ONLY
    several = len(kind.inputs) > 1 or kind.inputs[-1].variadic
    feeds = "feeds" if several else kind.inputs[0].name
    made = [parameter("self", parameter.POSITIONAL_ONLY), parameter(feeds, parameter.VAR_POSITIONAL)]
    for field in kind.fields().values():
        default = parameter.empty if field.required else field.default
        made.append(parameter(field.name, keyword, default=default))
    made.append(parameter("name", keyword, default=None))
    silent = {"when": True, "repeat": None, "share": False, "first": None, "last": None, "doc": ""}
    made += [parameter(key, keyword, default=silent[key]) for key in _CONTROL if key not in kind.fields()]
    return inspect.Signature(made, return_annotation=Handle)


def _documentation(kind: type[Primitive]) -> str:
    ports = [f"    {port.name}: {port.doc}" + (" (optional)" if port.optional else "") for port in kind.inputs]
    defaults = {
        name: "" if field.required else f" Default: {shown(field.default)}." for name, field in kind.fields().items()
    }
    fields = [f"    {f.name}: {f.doc} Must be {f.kind}.{defaults[f.name]}" for f in kind.fields().values()]
    parts = [kind.doc(), "Inputs:\n" + "\n".join(ports)]
    parts += ["Parameters:\n" + "\n".join(fields)] if fields else []
    return "\n\n".join([*parts, f"Source: {kind.source}"])


for _kind in REGISTRY.values():
    if hasattr(Builder, _kind.op) or hasattr(Block, _kind.op):
        raise TypeError(f"the op {_kind.op!r} has the name of a method of the builder")
    setattr(Scope, _kind.op, _method(_kind))
