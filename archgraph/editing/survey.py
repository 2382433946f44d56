"""A file while it is edited -> what can be known of it, complete or not: tensors, costs and findings of every place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from archgraph.analysis.contracts import violations
from archgraph.analysis.infer import Inference
from archgraph.analysis.limits import Limits, TooLarge
from archgraph.analysis.lint import block_warnings, warnings
from archgraph.analysis.prune import prune
from archgraph.analysis.resolve import ReadDim, bind, no_dim, resolved
from archgraph.analysis.scope import Entry, ScopeBuilder
from archgraph.analysis.shaped import Call, Item, Scope, ShapedGraph, total
from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.document.load import check_blocks, chosen, parse
from archgraph.document.whole import Refused, is_block_file
from archgraph.editing.patches import keys_of
from archgraph.graph import Block, Graph
from archgraph.kinds import is_formula
from archgraph.shapes import Dim, Tensor


@dataclass(frozen=True)
class Draft:
    """The value of a file that is being edited. It has no text, so findings keep their pointers alone."""

    value: Any
    file: str = ""

    def place(self, diagnostics: Any) -> tuple[Diagnostic, ...]:
        """The findings with the file's name."""
        return tuple(one if one.file else replace(one, file=self.file) for one in diagnostics)


class Finding(NamedTuple):
    """A diagnostic and where to show it."""

    diagnostic: Diagnostic
    block: str
    """The block of the file in which it stands; empty: the main graph."""
    node: str
    """The node there; empty: none."""
    path: tuple[str, ...]
    """The nodes on the way to it from the main graph."""
    field: str
    """Pointer below the node's record."""


class Seen(NamedTuple):
    """What is known of one node in one use of its block."""

    outputs: tuple[str, ...]
    tensors: tuple[Tensor, ...]
    """One for each output."""
    items: tuple[Item, ...] = ()
    """What it became; nothing for an input, and where it is switched off."""

    @property
    def parameters(self) -> int:
        """Weights that it owns."""
        return sum(item.parameters for item in self.items)

    @property
    def macs(self) -> Dim | None:
        """Multiply-adds for one sample."""
        return total(item.total_macs for item in self.items)

    @property
    def copies(self) -> int | None:
        """How often a repeated record is applied."""
        return next((len(item.copies) for item in self.items if isinstance(item, Call) and item.indexed), None)

    def tensor(self, port: str) -> Tensor | None:
        """The output of that name; of the empty name the first."""
        if not port:
            return self.tensors[0] if self.tensors else None
        return self.tensors[self.outputs.index(port)] if port in self.outputs else None


@dataclass(frozen=True)
class Look:
    """The inside of a place in one use: which parameters it has there, and what is known of its nodes."""

    block: Block
    values: Mapping[str, Any]
    dim: ReadDim
    seen: Mapping[str, Seen]


NOTHING_SEEN: Mapping[str, Seen] = {}


@dataclass(frozen=True)
class Survey:
    """Everything that is known of a value."""

    value: Any
    graph: Graph | None
    findings: tuple[Finding, ...]
    shaped: ShapedGraph | None = None
    inference: Inference | None = field(default=None, repr=False)
    root: Look | None = None

    @property
    def errors(self) -> list[Finding]:
        """The findings that make the graph invalid."""
        return [one for one in self.findings if one.diagnostic.severity == "error"]

    @property
    def seen(self) -> Mapping[str, Seen]:
        """What is known of the main graph's nodes and inputs."""
        return self.root.seen if self.root is not None else NOTHING_SEEN

    def inside(self, call: str, within: Look) -> Look | None:
        """The inside of a block as a node of another place calls it, in its first copy."""
        node = within.block.nodes.get(call)
        if node is None or node.kind != "block" or self.inference is None:
            return None
        entry = within.seen.get(call)
        items = entry.items if entry is not None else ()
        first = next((item.copies[0] for item in items if isinstance(item, Call) and item.copies), None)
        for key, scope in self.inference.scopes.items():
            if scope is first and first is not None:
                return self._look(key)
        name = self.target(node.target, within)
        return self.first_use(name) if name else None

    def first_use(self, name: str) -> Look | None:
        """The inside of a block as it is used first, sound or not."""
        uses = self.uses(name)
        return self._look(uses[0]) if uses else None

    def uses(self, name: str) -> list[Any]:
        """Keys of the distinct uses of a block."""
        if self.inference is None or self.graph is None or name not in self.graph.blocks:
            return []
        block = self.graph.blocks[name]
        return [key for key in self.inference.scopes if key[0] is block]

    def target(self, target: str, within: Look) -> str:
        """The name of the block that a record's ``block`` stands for; empty where that cannot be told."""
        if not is_formula(target):
            return target
        try:
            found = resolved(target, within.values, within.dim)
        except Rejected:
            return ""
        return found.name if isinstance(found, Block) else found if isinstance(found, str) else ""

    def _look(self, key: Any) -> Look:
        assert self.inference is not None
        block, values, tensors = key
        builder = ScopeBuilder(self.inference, block, dict(values), tensors)
        _built(builder)
        return _look(builder)


def survey(
    value: Any,
    *,
    folder: Path | None = None,
    variant: str = "",
    params: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    judged: bool = True,
) -> Survey:
    """What can be known of the value of a file. Raises nothing, whatever it holds.

    Args:
        value: the JSON value.
        folder: where its imports lie.
        variant: the one that is looked at; empty: the first.
        params: values for the file's parameters, over those of the variant.
        limits: budgets of the expansion.
        judged: whether warnings and contracts are looked at too.
    """
    draft = Draft(value)
    if is_block_file(value):
        return _blocks_only(draft, folder)
    found: list[Finding] = []
    graph = None
    try:
        graph = parse(draft, folder=folder)
    except Refused as refused:
        found = _located(refused.diagnostics)
        graph = refused.rest
    except GraphError as error:
        return Survey(value, None, tuple(_located(error.diagnostics)))
    try:
        graph = chosen(graph, "", variant, params or {})
    except GraphError as error:
        found += _located(error.diagnostics)
    whole = not found
    return _inferred(value, graph, found, limits or Limits(), whole=whole, judged=judged)


def _blocks_only(draft: Draft, folder: Path | None) -> Survey:
    try:
        found = block_warnings(check_blocks(draft, folder=folder).values())
    except GraphError as error:
        found = list(error.diagnostics)
    return Survey(draft.value, None, tuple(_located(found)))


def _inferred(value: Any, graph: Graph, found: list[Finding], limits: Limits, *, whole: bool, judged: bool) -> Survey:
    inference = Inference(graph, limits)
    builder, values = _begun(inference, graph)
    root, looked = None, None
    if builder is not None:
        root = _built(builder)
        looked = _look(builder)
    shaped = None
    if root is not None and not inference.found and whole:
        shaped = ShapedGraph(graph, prune(root), values)
    known = {(one.diagnostic.pointer, one.diagnostic.code) for one in found}
    found += [one for one in _inferred_findings(inference, graph) if (one[0].pointer, one[0].code) not in known]
    if judged:
        found += _located(warnings(graph)) if whole else []
        found += _located(violations(shaped)) if shaped is not None else []
    return Survey(value, graph, tuple(found), shaped, inference, looked)


def _begun(inference: Inference, graph: Graph) -> tuple[ScopeBuilder | None, Mapping[str, Any]]:
    """A builder of the main graph, in which inputs whose shape is faulty count as faulty nodes."""
    body = graph.body
    given = {name: tuple(item) if isinstance(item, list) else item for name, item in graph.bindings.items()}
    values, complaints = bind(body.params, given, "the file", graph.scopes[body.scope], no_dim)
    for rejected in complaints:
        inference.report(rejected, body, "/params")
    if complaints:
        return None, values
    tensors = inference.inputs(values)
    faulty = {keys_of(one.pointer)[1] for _, one in inference.found.values() if one.pointer.startswith("/inputs/")}
    builder = ScopeBuilder(inference, body, values, tuple(tensors))
    for name in faulty:
        builder.entries[name] = None
        builder.complete = False
    return builder, values


def _built(builder: ScopeBuilder) -> Scope | None:
    try:
        return builder.build()
    except TooLarge as large:
        at = "" if large.rejected.field else f"{builder.block.pointer}/nodes"
        builder.inference.report(large.rejected, builder.block, at)
    except Rejected as rejected:
        builder.inference.report(rejected, builder.block, builder.block.pointer)
    return None


def _look(builder: ScopeBuilder) -> Look:
    seen = {name: _seen(entry, builder) for name, entry in builder.entries.items() if entry is not None}
    return Look(builder.block, builder.values, builder.dim, seen)


def _seen(entry: Entry, builder: ScopeBuilder) -> Seen:
    items = tuple(builder.items[number] for number in entry.items)
    return Seen(entry.names[: len(entry.produced)], tuple(tensor for _, tensor in entry.produced), items)


# ---- findings


def _located(diagnostics: Any, way: tuple[str, ...] = ()) -> list[Finding]:
    return [_finding(one, way) for one in diagnostics]


def _finding(diagnostic: Diagnostic, way: tuple[str, ...]) -> Finding:
    keys = keys_of(diagnostic.pointer)
    block = keys[1] if keys[:1] == ["blocks"] and len(keys) > 1 else ""
    rest = keys[2:] if block else keys
    node = rest[1] if rest[:1] == ["nodes"] and len(rest) > 1 else ""
    inside = rest[2:] if node else rest
    calls = tuple(name.partition("/")[0] for name in way)
    path = (*calls, node) if node else calls
    return Finding(diagnostic, block, node, path, "".join(f"/{key}" for key in inside))


def _inferred_findings(inference: Inference, graph: Graph) -> Iterator[Finding]:
    """What inference found; what stands in another file is shown at the call that leads there."""
    for key, (block, diagnostic) in inference.found.items():
        way = inference.ways.get(key, ())
        if block.source is graph.body.source:
            yield _finding(diagnostic, way)
            continue
        calls = tuple(name.partition("/")[0] for name in way)
        node = calls[0] if calls else ""
        at = f"/nodes/{node}" if node else ""
        yield Finding(replace(diagnostic, pointer=at), "", node, calls, "")
