"""Everything that can be said against a file, at once: form, references, shapes, contracts, and what nothing uses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from archgraph.analysis.contracts import violations
from archgraph.analysis.infer import Inference
from archgraph.analysis.limits import Limits
from archgraph.analysis.lint import block_warnings, warnings
from archgraph.analysis.starting import unlearnable
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.load import check_blocks, chosen, parse
from archgraph.document.reader import Document, read_file
from archgraph.document.whole import Refused, is_block_file
from archgraph.graph import Graph

STEPS = 100_000
"""Work, in visits of records, that all variants together may take: about a second."""


def check(
    source: str | Path | Document | Graph, params: Mapping[str, Any] | None = None, *, limits: Limits | None = None
) -> list[Diagnostic]:
    """Every finding about a graph, in the order of the text. Raises nothing, whatever the file holds.

    Shapes and contracts are checked for every variant, or for the one that ``FILE#VARIANT`` names. A file that holds
    blocks alone is checked as far as that goes. Imports neither TensorFlow nor Keras.

    Args:
        source: a file, ``FILE#VARIANT``, a document or a graph. A graph for which other parameters than those of its
            first variant have been chosen is checked for these alone.
        params: values for the file's parameters, over those of each variant.
        limits: budgets; the defaults suit every network in the literature.
    """
    try:
        return sorted(_findings(source, params or {}, limits or Limits()), key=_place)
    except GraphError as error:
        return list(error.diagnostics)


def _place(finding: Diagnostic) -> tuple[str, int, int, str]:
    return finding.file, finding.line, finding.column, finding.pointer


def _findings(source: str | Path | Document | Graph, params: Mapping[str, Any], limits: Limits) -> Iterator[Diagnostic]:
    if isinstance(source, Graph):
        yield from _graph(source, "", params, limits)
        return
    name, variant, folder = "", "", None
    if not isinstance(source, Document):
        name, _, variant = str(source).partition("#")
        folder, source = Path(name).resolve().parent, read_file(name)
    if is_block_file(source.value):
        yield from block_warnings(check_blocks(source, folder=folder).values())
        return
    try:
        graph = chosen(parse(source, folder=folder), source.file, variant, {})
    except Refused as refused:
        yield from refused.diagnostics
        if refused.graph is not None:
            yield from _beside(chosen(refused.graph, source.file, variant, params), variant, params, limits)
        return
    yield from _graph(graph, variant, params, limits)


def _beside(graph: Graph, variant: str, params: Mapping[str, Any], limits: Limits) -> list[Diagnostic]:
    """What is wrong with a graph beside the records that were refused, which it lacks: not what follows from that."""
    bare = replace(graph, expect={})
    return _inferred(bare, variant, params, limits)


def _graph(graph: Graph, variant: str, params: Mapping[str, Any], limits: Limits) -> Iterator[Diagnostic]:
    file = graph.body.source.file if graph.body.source is not None else ""
    yield from _inferred(chosen(graph, file, "", params), variant, params, limits)
    yield from warnings(graph)


@dataclass
class _Finding:
    """A finding, and the variants in which it was made."""

    diagnostic: Diagnostic
    variants: list[str] = field(default_factory=list)


def _inferred(graph: Graph, variant: str, params: Mapping[str, Any], limits: Limits) -> list[Diagnostic]:
    """What is wrong with the shapes and contracts of each variant; the same cause in several is told once."""
    names = _variants(graph, variant, params)
    found: dict[tuple[str, str, str, int, int], _Finding] = {}
    steps = 0
    for number, name in enumerate(names):
        if steps > STEPS:
            too_many = _too_many(graph, names[number:])
            found[too_many.code, too_many.pointer, too_many.file, too_many.line, too_many.column] = _Finding(
                too_many, names
            )
            break
        bound = graph.variant(name).bind(**params) if name else graph
        inference = Inference(bound, limits)
        for one in _of(inference, bound):
            key = one.code, one.pointer, one.file, one.line, one.column
            found.setdefault(key, _Finding(one)).variants.append(name)
        steps += inference.visits
    return [_told(finding, names) for finding in found.values()]


def _variants(graph: Graph, variant: str, params: Mapping[str, Any]) -> list[str]:
    """Names of the variants to look at; the empty name stands for the graph as it is."""
    default = dict(next(iter(graph.variants.values()), {}))
    free = not variant and dict(graph.bindings) == {**default, **params}
    return list(graph.variants) if free and graph.variants else [""]


def _of(inference: Inference, graph: Graph) -> list[Diagnostic]:
    try:
        shaped = inference.run(graph.bindings)
        return [*violations(shaped), *unlearnable(shaped)]
    except GraphError as error:
        return list(error.diagnostics)


def _told(finding: _Finding, names: list[str]) -> Diagnostic:
    missing = len(set(finding.variants)) < len(names)
    if not missing:
        return finding.diagnostic
    where = ", ".join(dict.fromkeys(finding.variants))
    return replace(finding.diagnostic, message=f"{finding.diagnostic.message} (in variant {where})")


def _too_many(graph: Graph, rest: list[str]) -> Diagnostic:
    message = f"the variants together are too large to check at once; {len(rest)} are left, from {rest[0]!r} on"
    found = Diagnostic("AG501", "/variants", message, "check them one at a time: FILE#VARIANT")
    return graph.body.source.place([found])[0] if graph.body.source is not None else found
