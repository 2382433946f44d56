"""ShapedGraph -> Python that builds the same model with Keras alone: a block is a function, a repeat a loop."""

import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from archgraph.analysis.shaped import INPUT, ShapedGraph, Value
from archgraph.compiler.emit import model_name, sizes
from archgraph.compiler.passes import PASSES
from archgraph.compiler.plan import Loop, Operation, Plan, lowered, run
from archgraph.diagnostics import escaped
from archgraph.interchange.structure import (
    Function,
    Segment,
    Spot,
    Structure,
    arguments,
    identifier,
    segments,
    structure,
)
from archgraph.vocabulary.base import Call, Layer

INDENT: Final = "    "
WIDTH: Final = 110
FIRST: Final = (("filters", "kernel_size"), ("units",), ("pool_size",), ("rate",), ("target_shape",), ("activation",))
"""Arguments that people give without their names."""
STEPS: Final = frozenset({"strides", "dilation_rate"})
"""Arguments of a convolution that need not be said where they are 1."""
EVEN: Final = frozenset({"kernel_size", "strides", "dilation_rate", "pool_size", "size"})
"""Arguments for which one number stands for the same number on each axis."""


def keras_source(shaped: ShapedGraph) -> str:
    """Python source with a function ``build`` that gives the Keras model of a graph.

    Layers have the names that `compile_model` gives them, so weights can be carried over. Layers that Keras has not are
    taken from archgraph.

    Raises:
        GraphError: a part of the graph cannot be written so (AG804).
    """
    plan = run(PASSES, lowered(shaped.root))
    found = structure(plan, shaped.name)
    ours = any(step.layer.ours for function in found.functions for step in _operations(function.plan))
    names = [one.name for one in found.functions]
    parts = [_head(shaped, found, ours)]
    parts += ["\n".join(_defined(function, found.shares, names)) for function in found.functions[:-1] if function.name]
    parts.append("\n".join(_build(shaped, found)))
    parts.append('if __name__ == "__main__":\n    build().summary()')
    return "\n\n\n".join(parts) + "\n"


def _operations(plan: Plan) -> Iterator[Operation]:
    return (step for step in plan.steps if isinstance(step, Operation))


def _head(shaped: ShapedGraph, found: Structure, ours: bool) -> str:
    doc = " ".join(f"{shaped.name}. {shaped.graph.doc}".split())
    text = escaped(doc).replace("\\", "\\\\").replace('"', "'").rstrip()
    lines = textwrap.wrap(f'"""{text}"""', WIDTH)
    lines += ["", "import keras", "from keras import layers"]
    lines += ["", "from archgraph.compiler.layers import LAYERS  # layers that Keras has not"] if ours else []
    if found.shares:
        lines += ["", "made = {}", "", "", "def once(layer):",
                  f'{INDENT}"""The layer of this name that was made first: its weights are applied again."""',
                  f"{INDENT}return made.setdefault(layer.name, layer)"]  # fmt: skip
    return "\n".join(lines)


def _build(shaped: ShapedGraph, found: Structure) -> Iterator[str]:
    main = found.functions[-1]
    yield "def build():"
    yield f'{INDENT}"""The model, with weights as they are drawn."""'
    if found.shares:
        yield f"{INDENT}made.clear()"
    names = [identifier(name) for name in shaped.inputs]
    for name, (key, tensor) in zip(names, shaped.inputs.items(), strict=True):
        shape = ", ".join(map(str, sizes(tensor))) + ("," if len(tensor.shape) == 1 else "")
        dtype = "" if tensor.dtype == "float32" else f', dtype="{tensor.dtype}"'
        yield f"{INDENT}{name} = keras.Input(({shape}){dtype}, name={literal('', key)})"
    writer = _Writer(main, found.shares, names, "", [one.name for one in found.functions])
    yield from (INDENT + line for line in writer.lines())
    outputs = dict(zip(shaped.outputs, map(writer.named, main.plan.results), strict=True))
    yield f"{INDENT}return keras.Model({_bundle(dict(zip(shaped.inputs, names, strict=True)))}, {_bundle(outputs)}, " \
          f"name={literal('', model_name(shaped.name))})"  # fmt: skip


def _bundle(named: Mapping[str, str]) -> str:
    if len(named) == 1:
        return next(iter(named.values()))
    return "{" + ", ".join(f"{literal('', key)}: {value}" for key, value in named.items()) + "}"


def _defined(function: Function, shares: bool, functions: Collection[str]) -> Iterator[str]:
    inputs = [identifier(name) for name in function.inputs]
    extra = [f"*, {', '.join(function.names)}"] if function.names else []
    yield f"def {function.name}({', '.join([*inputs, 'name', *extra])}):"
    doc = escaped(" ".join(function.doc.split())).replace("\\", "\\\\").replace('"', "'")
    if doc:
        wrapped = textwrap.wrap(f'"""{doc}"""', WIDTH - 4)
        yield from (INDENT + line for line in wrapped)
    writer = _Writer(function, shares, inputs, "{name}", functions)
    yield from (INDENT + line for line in writer.lines())
    yield f"{INDENT}return {', '.join(map(writer.named, function.plan.results))}"


class _Writer:
    """Writes the steps of one function."""

    def __init__(
        self, function: Function, shares: bool, inputs: Sequence[str], prefix: str, functions: Collection[str]
    ) -> None:
        self.function, self.shares, self.inputs = function, shares, list(inputs)
        self.prefix, self.functions = prefix, functions
        self.variables: list[list[str]] = []
        self.taken = {*inputs, *function.names, *functions}

    def lines(self) -> Iterator[str]:
        """One statement for each step."""
        for number, step in enumerate(self.function.plan.steps):
            feeds = [None if feed is None else self.named(feed) for feed in step.feeds]
            if isinstance(step, Operation):
                variables = self.again(number, step) or self.fresh(step.name, step.outputs)
                text = self.applied(number, step, feeds, self.path(step.owner or step.name, step))
                yield from broken(f"{', '.join(variables)} = {text}")
            else:
                variables = self.fresh(step.name, step.outputs)
                yield from self.loop(number, step, [feed or "None" for feed in feeds], variables)
            self.variables.append(variables)

    def named(self, value: Value) -> str:
        """The variable that holds a value."""
        return self.inputs[value.port] if value.item == INPUT else self.variables[value.item][value.port]

    def fresh(self, name: str, count: int) -> list[str]:
        """Names for what a step gives."""
        base = identifier(name.replace("/", "_") or "x")
        found = []
        for port in range(count):
            wish = base if count == 1 else f"{base}_{port}"
            while wish in self.taken:
                wish += "_"
            self.taken.add(wish)
            found.append(wish)
        return found

    def again(self, number: int, step: Operation) -> list[str]:
        """The variable of the node itself for a part of it, such as its activation, if nothing else reads it."""
        feed = step.feeds[0] if step.feeds else None
        base, slash, _ = step.name.partition("/")
        if not slash or step.outputs != 1 or feed is None or feed.item == INPUT:
            return []
        before = self.function.plan.steps[feed.item]
        plan = self.function.plan
        reads = sum(one == feed for other in plan.steps for one in other.feeds) + sum(
            one == feed for one in plan.results
        )
        if before.name.partition("/")[0] != base or before.outputs != 1 or reads != 1:
            return []
        return list(self.variables[feed.item])

    def path(self, name: str, step: Operation | None = None) -> str:
        """The text of a layer's name."""
        if step is not None and step.owner and not step.leaf.weights:
            name = step.name
        parts = [part for part in (self.prefix, name.replace("/", ".")) if part]
        text = ".".join(parts)
        return f'f"{text}"' if "{" in text else f'"{text}"'

    # ---- layers

    def applied(self, number: int, step: Operation, feeds: Sequence[str | None], name: str) -> str:
        """A layer, made and called."""
        made = self.layer(step.layer, Spot(number, 0, ()), name)
        return f"{f'once({made})' if self.shares else made}({', '.join(_call(step.layer, feeds))})"

    def layer(self, layer: Layer, spot: Spot, name: str) -> str:
        """The expression that makes a layer."""
        parts: list[str] = []
        given = arguments(layer)
        leading = next((keys for keys in FIRST if not layer.ours and list(given)[:1] == [keys[0]]), ())  # fmt: skip
        for key, value in given.items():
            inner = Spot(spot.step, spot.copy, (*spot.key, key))
            text = self.argument(layer, key, value, inner, name)
            if text is not None:
                parts.append(text if key in leading[: len(parts) + 1] and leading[len(parts) : len(parts) + 1] == (key,)
                             else f"{key}={text}")  # fmt: skip
        where = f"LAYERS[{layer.name!r}]" if layer.ours else f"layers.{layer.name}"
        return f"{where}({', '.join([*parts, f'name={name}'])})"

    def argument(self, layer: Layer, key: str, value: Any, spot: Spot, name: str) -> str | None:
        """The text of an argument; None where it need not be written."""
        if isinstance(value, Layer):
            return self.layer(value, spot, name)
        if spot in self.function.parameters:
            return self.function.parameters[spot]
        if value is None or (key in STEPS and not layer.ours and "Conv" in layer.name and _even(value) == 1):
            return None
        return literal(key, value if layer.ours or key not in EVEN else _even(value))

    # ---- loops

    def loop(self, number: int, loop: Loop, feeds: list[str], variables: list[str]) -> Iterator[str]:
        """The copies of a block, or of an op that is repeated."""
        current = list(feeds)
        if not loop.copies:
            yield f"{variables[0]} = {feeds[loop.carry]}"
        for segment in segments(self.function, number):
            together = segment.copies > 1 and self.even(number, segment)
            if (together or not segment.function.name) and current[loop.carry] != variables[0]:
                yield f"{variables[0]} = {current[loop.carry]}"
                current[loop.carry] = variables[0]
            if together:
                yield from self.together(number, loop, segment, current, variables)
                continue
            for copy in range(segment.start, segment.start + segment.copies):
                handed = self.given(number, copy, segment.function)
                name = self.copy_path(loop, str(copy) if loop.indexed else "")
                yield from self.copy(segment.function, loop, copy, name, current, variables, handed)
                current[loop.carry] = variables[0]

    def together(
        self, number: int, loop: Loop, segment: Segment, current: list[str], variables: list[str]
    ) -> Iterator[str]:
        """Copies as a loop of Python."""
        end = segment.start + segment.copies
        counted = f"range({f'{segment.start}, ' if segment.start else ''}{end})"
        handed = self.given(number, segment.start, segment.function)
        if segment.alike:
            yield f"for i in {counted}:"
        else:
            rows = [self.given(number, copy, segment.function) for copy in range(segment.start, end)]
            varying = [name for name in handed if len({row[name] for row in rows}) > 1]
            columns = [f"[{', '.join(row[name] for row in rows)}]" for name in varying]
            both = f"for i, {', '.join(varying)} in zip({counted}, {', '.join(columns)}):"
            yield from broken(both if varying else f"for i in {counted}:")
            handed |= {name: name for name in varying}
        name = self.copy_path(loop, "0" if loop.share else "{i}")
        for line in self.copy(segment.function, loop, segment.start, name, current, variables, handed):
            yield INDENT + line

    def copy(
        self, function: Function, loop: Loop, copy: int, name: str, feeds: Sequence[str], variables: Sequence[str],
        arguments: Mapping[str, str],
    ) -> Iterator[str]:  # fmt: skip
        """One copy: a call of its function, or its layers themselves where it is no block."""
        if function.name:
            given = [f"{key}={value}" for key, value in arguments.items()]
            yield from broken(f"{', '.join(variables)} = {function.name}({', '.join([*feeds, name, *given])})")
            return
        inner = _Inline(function, loop.copies[copy], self.shares, feeds, name, arguments)
        yield from inner.lines()
        results = [inner.named(value) for value in loop.copies[copy].results]
        for variable, result in zip(variables, results, strict=False):
            if variable != result:
                yield f"{variable} = {result}"

    def copy_path(self, loop: Loop, number: str) -> str:
        """The text of a copy's name."""
        if loop.share:
            number = "0"
        parts = [part for part in (self.prefix, (loop.owner or loop.name).replace("/", "."), number) if part]
        text = ".".join(parts)
        return f'f"{text}"' if "{" in text else f'"{text}"'

    def given(self, number: int, copy: int, function: Function) -> dict[str, str]:
        """The arguments of a call, as text."""
        step = self.function.plan.steps[number]
        assert isinstance(step, Loop)
        values = function.arguments(step.copies[copy])
        ours = any(one.layer.ours for one in _operations(function.plan))
        return {
            name: self.function.parameters.get(
                Spot(number, copy, (name,)), literal(name, value if ours else _plain(name, value))
            )
            for name, value in values.items()
        }

    def even(self, number: int, segment: Segment) -> bool:
        """Whether a run of copies is a loop that is easy to read: it is handed the same, or plain values."""
        if segment.alike or self.constant(number, segment):
            return True
        rows = [
            self.given(number, copy, segment.function) for copy in range(segment.start, segment.start + segment.copies)
        ]
        return all(row == rows[0] for row in rows)

    def constant(self, number: int, segment: Segment) -> bool:
        """Whether the arguments of a run of copies are the same in every use of this function."""
        return not any(
            Spot(number, copy, (name,)) in self.function.parameters
            for copy in range(segment.start, segment.start + segment.copies)
            for name in segment.function.names
        )


class _Inline(_Writer):
    """Writes the layers of an op that is repeated, in the loop itself."""

    def __init__(
        self,
        function: Function,
        plan: Plan,
        shares: bool,
        inputs: Sequence[str],
        name: str,
        arguments: Mapping[str, str],
    ) -> None:
        super().__init__(function, shares, inputs, name.removeprefix("f").strip('"'), ())
        self.given_arguments = arguments
        self.function = Function("", "", function.inputs, [plan], function.inner, {
            spot: arguments[one] for spot, one in function.parameters.items()})  # fmt: skip
        self.taken = set(inputs)

    def fresh(self, name: str, count: int) -> list[str]:
        """What is repeated is handed from copy to copy under one name."""
        return [self.inputs[0]] if count == 1 and len(self.inputs) == 1 else super().fresh(name, count)


def _call(layer: Layer, feeds: Sequence[str | None]) -> list[str]:
    """The arguments of a layer's call."""
    options = [f"{key}={value!r}" for key, value in layer.options.items()]
    if layer.keywords:
        named: dict[str, list[str]] = {}
        for names, feed in zip(layer.keywords, feeds, strict=True):
            if feed is not None:
                for name in (names,) if isinstance(names, str) else names:
                    named.setdefault(name, []).append(feed)
        given = [f"{key}={several[0] if len(several) == 1 else '[' + ', '.join(several) + ']'}"
                 for key, several in named.items()]  # fmt: skip
        return [*given, *options]
    present = [feed for feed in feeds if feed is not None]
    return [f"[{', '.join(present)}]" if layer.call is Call.LIST else ", ".join(present), *options]


def _even(value: Any) -> Any:
    """One number for a tuple of equal ones."""
    if isinstance(value, tuple | list) and value and all(one == value[0] for one in value):
        return value[0]
    return value


def _plain(name: str, value: Any) -> Any:
    """A value for a parameter: one number where it is a size that is the same on each axis."""
    return _even(value) if any(name == size or name.endswith(f"_{size}") for size in EVEN) else value


def literal(key: str, value: Any) -> str:
    """A value as Python has it: initialisers and regularisers by the names that Keras gives them."""
    if key.endswith("_initializer") and isinstance(value, Mapping):
        given = ", ".join(f"{name}={item!r}" for name, item in value.items() if name != "name")
        return f"keras.initializers.{value['name']}({given})"
    if key.endswith("_regularizer") and isinstance(value, Mapping):
        return f"keras.regularizers.L1L2({', '.join(f'{name}={item!r}' for name, item in value.items())})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {literal('', item)}" for name, item in value.items()) + "}"
    if isinstance(value, str):
        return '"' + value + '"' if '"' not in value and "\\" not in value and value.isprintable() else repr(value)
    return repr(value)


def broken(line: str) -> list[str]:
    """A statement over several lines where it is too long."""
    if len(line) <= WIDTH - 8 or "(" not in line:
        return [line]
    opened = line.index("(", line.index("=") if "=" in line.split("(")[0] else 0)
    if not line.endswith((")", "):")) or line[opened - 1 :].count("(") == 0:
        return [line]
    head, body = line[: opened + 1], line[opened + 1 :]
    parts = _pieces(body)
    lines, current = [head], INDENT
    for part in parts:
        if len(current) + len(part) > WIDTH - 8 and current.strip():
            lines.append(current.rstrip())
            current = INDENT
        current += part
    return [*lines, current.rstrip()]


def _pieces(text: str) -> list[str]:
    """The text cut behind each comma that is not inside a string."""
    found, start, quoted = [], 0, ""
    for position, character in enumerate(text):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "\"'":
            quoted = character
        elif character == "," and text[position : position + 2] == ", ":
            found.append(text[start : position + 2])
            start = position + 2
    return [*found, text[start:]]
