"""What is allowed but surely not meant: parts of a file that nothing uses, and variants that say the same."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from archgraph.diagnostics import Diagnostic
from archgraph.document.reader import Document
from archgraph.expression import compile_expression
from archgraph.graph import MISSING, Block, Graph, Node, Parameter
from archgraph.kinds import is_formula, shown

_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
FEW = 6
"""Names listed in one message."""
MANY = 100
"""Dead ends after which it is no longer told what leads to them: that would take quadratic time."""


def warnings(graph: Graph) -> list[Diagnostic]:
    """Dead nodes (AG404), unused blocks, parameters, inputs, dimensions and imports (AG405), equal variants (AG413).

    Only the graph's own file is looked at: an imported file is looked at when it is checked itself.
    """
    own = [block for block in graph.blocks.values() if block.source is graph.body.source]
    found = [
        *(one for block in (graph.body, *own) for one in _inside(block)),
        *_unused_parameters(graph.params, _file_names(graph), ""),
        *_unused_dimensions(graph),
        *_unused_blocks(graph, own),
        *_unused_imports(graph),
        *_equal_variants(graph),
    ]
    source = graph.body.source
    return list(source.place(found)) if source is not None else found


def block_warnings(blocks: Iterable[Block]) -> list[Diagnostic]:
    """The warnings about the inside of some blocks; not about blocks that nothing calls, for others may import them."""
    found: list[Diagnostic] = []
    for block in blocks:
        inside = list(_inside(block))
        found += block.source.place(inside) if block.source is not None else inside
    return found


def _warning(code: str, pointer: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code, pointer, message, hint, severity="warning")


def _listed(names: Iterable[str]) -> str:
    quoted = [repr(name) for name in names]
    return ", ".join(quoted[:FEW]) + (f" and {len(quoted) - FEW} more" if len(quoted) > FEW else "")


# ---- inside a block


def _inside(block: Block) -> Iterator[Diagnostic]:
    live = _live(block)
    yield from _dead_nodes(block, live)
    yield from _unused_inputs(block, live)
    if block.pointer:
        yield from _unused_parameters(block.params, _names(block), block.pointer)


def _dead_nodes(block: Block, live: set[str]) -> Iterator[Diagnostic]:
    """One finding for every dead end, which names what only dead ends use."""
    dead = [node for node in block.nodes.values() if node.id not in live]
    read = {name for node in dead for name in _sources(node)}
    for number, node in enumerate(node for node in dead if node.id not in read):
        waste = [] if number > MANY else [name for name in _upstream(node, block) if name not in live]
        also = f"; nor do {_listed(waste)}, which only it uses" if len(waste) > 1 else ""
        also = f"; nor does {_listed(waste)}, which only it uses" if len(waste) == 1 else also
        message = f"{node.id!r} reaches no output{also}"
        hint = "remove it, or name it under outputs"
        yield _warning("AG404", f"{block.pointer}/nodes/{node.id}", message, hint)


def _live(block: Block) -> set[str]:
    """Nodes and inputs that an output depends on."""
    live = {ref.node for ref in block.outputs.values()}
    for node in reversed(list(block.nodes.values())):  # each after what feeds it
        if node.id in live:
            for ref in node.refs():
                live.add(ref.node)
            if node.kind == "reuse":
                live.add(node.target)
    return live


def _sources(node: Node) -> list[str]:
    sources = [ref.node for ref in node.refs()]
    return [*sources, node.target] if node.kind == "reuse" else sources


def _upstream(node: Node, block: Block) -> list[str]:
    found: dict[str, None] = {}
    waiting = list(_sources(node))
    while waiting:
        name = waiting.pop()
        if name in block.nodes and name not in found:
            found[name] = None
            waiting += _sources(block.nodes[name])
    return list(found)


def _unused_inputs(block: Block, live: set[str]) -> Iterator[Diagnostic]:
    if live.issuperset(block.inputs):
        return
    used = {name for node in block.nodes.values() for name in _sources(node)}
    used.update(ref.node for ref in block.outputs.values())
    used.update(port for formula in _formulas(block) for port in compile_expression(formula).ports)
    for position, name in enumerate(block.inputs):
        if name not in used:
            pointer = f"{block.pointer}/inputs/{position if block.pointer else name}"
            yield _warning("AG405", pointer, f"nothing reads the input {name!r}", "remove it, or feed it to a node")


# ---- parameters


def _unused_parameters(params: Mapping[str, Parameter], used: set[str], pointer: str) -> Iterator[Diagnostic]:
    for name in params:
        if name not in used:
            hint = f'remove it, or use it as "={name}"'
            yield _warning("AG405", f"{pointer}/params/{name}", f"nothing uses the parameter {name!r}", hint)


def _file_names(graph: Graph) -> set[str]:
    used = _names(graph.body)
    for one in graph.inputs.values():
        used.update(_in_formulas(one.shape))
    return used | _in_formulas(graph.expect)


def _names(block: Block) -> set[str]:
    """The parameters that a block's records, and the defaults of its parameters, use."""
    return {name for formula in _formulas(block) for name in compile_expression(formula).names}


def _formulas(block: Block) -> Iterator[str]:
    for parameter in block.params.values():
        if parameter.default is not MISSING:
            yield from _in(parameter.default)
    for node in block.nodes.values():
        if node.primitive is not None and node.when is True:
            continue  # it holds no expression
        for value in (node.arguments, node.when, node.repeat, node.first, node.last, node.target):
            yield from _in(value)


def _in(value: Any) -> Iterator[str]:
    """Every expression in a checked value."""
    if isinstance(value, str):
        if is_formula(value):
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _in(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _in(item)


def _in_formulas(value: Any) -> set[str]:
    return {name for formula in _in(value) for name in compile_expression(formula).names}


# ---- the rest of a file


def _unused_dimensions(graph: Graph) -> Iterator[Diagnostic]:
    used = {size for one in graph.inputs.values() for size in one.shape if isinstance(size, str)}
    for name in graph.dims:
        if name not in used:
            hint = f'remove it, or write "{name}" in the shape of an input'
            yield _warning("AG405", f"/dims/{name}", f"no input has the dimension {name!r}", hint)


def _called(graph: Graph) -> set[Block]:
    """Blocks that the graph may call: named by a record, a parameter's value or a string in an expression."""
    named = _mentions(graph.body)
    for values in (graph.bindings, *graph.variants.values()):
        named.update(value for value in values.values() if isinstance(value, str))
    called = {graph.blocks[name] for name in named if name in graph.blocks}
    waiting = list(called)
    while waiting:
        block = waiting.pop()
        scope = graph.scopes[block.scope]
        fresh = {scope[name] for name in _mentions(block) if name in scope} - called
        called |= fresh
        waiting += fresh
    return called


def _mentions(block: Block) -> set[str]:
    """Every string that may name a block."""
    found: set[str] = set()
    for parameter in block.params.values():
        found.update(_strings((parameter.default, parameter.choices)))
    for node in block.nodes.values():
        if node.kind == "block":
            found.update(_strings((node.target, node.arguments, node.first, node.last)))
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if is_formula(value):
            for quoted in _QUOTED.finditer(value):
                yield quoted[1] or quoted[2] or ""
        else:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _strings(item)


def _unused_blocks(graph: Graph, own: list[Block]) -> Iterator[Diagnostic]:
    called = _called(graph)
    for block in own:
        if block not in called:
            hint = f'remove it, or call it: {{"block": "{block.name}", "in": …}}'
            yield _warning("AG405", block.pointer, f"nothing calls the block {block.name!r}", hint)


def _unused_imports(graph: Graph) -> Iterator[Diagnostic]:
    source = graph.body.source
    if not isinstance(source, Document) or not isinstance(source.value, dict):
        return
    scopes = {block.scope for block in _called(graph)}
    folder = Path(source.file).resolve().parent
    for position, name in enumerate(source.value.get("imports", [])):
        if str((folder / name).resolve()) not in scopes:
            message = f"nothing calls a block of {shown(name)}"
            yield _warning("AG405", f"/imports/{position}", message, "remove it from imports")


def _equal_variants(graph: Graph) -> Iterator[Diagnostic]:
    seen: dict[tuple[Any, ...], str] = {}
    defaults = {name: None if one.default is MISSING else one.default for name, one in graph.params.items()}
    for name, values in graph.variants.items():
        whole = {**defaults, **values}
        key = tuple((one, type(whole[one]) is bool, whole[one]) for one in sorted(whole))
        first = seen.setdefault(key, name)
        if first != name:
            message = f"the variant {name!r} sets the same values as {first!r}"
            yield _warning("AG413", f"/variants/{name}", message, "remove one of them, or change a value")
