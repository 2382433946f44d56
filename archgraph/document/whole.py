"""The value of a whole file -> Graph, or the blocks of a file that holds nothing else."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from archgraph.diagnostics import Diagnostic, GraphError, Rejected, nearest
from archgraph.document import form
from archgraph.document.parameters import find_block, typed
from archgraph.document.parse import Parser, Scope, frozen_value
from archgraph.document.wiring import wire
from archgraph.graph import Block, Dimension, Graph, Input, Parameter
from archgraph.kinds import Text, shown
from archgraph.shapes import symbol

_IN_A_NODE = re.compile(r"(/blocks/[^/]+)?/(nodes/|outputs?(/|$))|/expect/|/(name|doc|meta)(/|$)")
"""Pointers of faults beside which the rest of the graph still means what it says."""


class Refused(GraphError):  # noqa: N818 - it says what happened to the file
    """The findings about a file, and its graph without the faulty records where the others can still be checked.

    `rest` is what could be read in any case: enough to draw it, not to judge it.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], graph: Graph | None, rest: Graph) -> None:
        super().__init__(diagnostics)
        self.graph, self.rest = graph, rest


def is_block_file(value: Any) -> bool:
    """Whether a file holds blocks alone, to be imported, and no network."""
    return isinstance(value, Mapping) and "blocks" in value and not any(key in value for key in form.NETWORK_KEYS)


def block_file(
    parser: Parser, value: Mapping[str, Any], scopes: Callable[[dict[str, Block]], Mapping[str, Scope]]
) -> dict[str, Block]:
    """The blocks of a file that holds nothing else; raises `GraphError` with every finding."""
    _head(parser, value, form.REQUIRED_BLOCK_FILE_KEYS)
    parser.parameters(value.get("params", {}), "/params")
    blocks = parser.blocks(value["blocks"])
    scopes(blocks)
    if parser.found:
        raise GraphError(parser.source.place(parser.found))
    return blocks


def whole_graph(parser: Parser, value: Any, scopes: Callable[[dict[str, Block]], Mapping[str, Scope]]) -> Graph:
    """The graph of a file, or `GraphError` with every finding.

    `scopes` is given the file's own blocks and returns all blocks in reach, by scope.
    """
    if not isinstance(value, Mapping):
        parser.report(Rejected("AG202", f"a graph file holds one object, got {shown(value)}"), "")
        raise GraphError(parser.source.place(parser.found))
    _head(parser, value, form.REQUIRED_FILE_KEYS)
    params = parser.parameters(value.get("params", {}), "/params")
    inputs = _inputs(parser, value, params)
    dims = _dims(parser, value)
    blocks = parser.blocks(value.get("blocks", {}))
    outputs = parser.outputs(value["outputs"], "/outputs") if "outputs" in value else {}
    nodes = parser.nodes(value.get("nodes", {}), "/nodes", params, inputs, "the file")
    named = value.get("inputs")
    ordered = wire(parser, nodes, named if isinstance(named, Mapping) else (), value.get("nodes"), outputs, "")
    variants = _variants(parser, value, params)
    expect = parser.record(form.ExpectForm, value.get("expect", {}), "/expect", open=True)
    if expect is not None:
        parser.formulas(dict(expect.given()), "/expect", {**params, **_sizes(inputs)}, (), "the file")
    reach = scopes(blocks)
    _check_variants(parser, variants, params, reach[""])
    name = str(value.get("name", ""))
    body = Block(name, params, tuple(inputs), ordered, outputs, "", {}, "", parser.source, parser.scope, "")
    contracts = {} if expect is None else dict(expect.given())
    graph = Graph(name, inputs, body, reach, dims, variants, contracts, _first(variants), doc=str(value.get("doc", "")))
    if not parser.found:
        return graph
    sound = all(_IN_A_NODE.match(one.pointer) for one in parser.found) and len(blocks) == len(value.get("blocks", ()))
    raise Refused(parser.source.place(parser.found), graph if sound else None, graph)


def _first(variants: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return dict(next(iter(variants.values()), {}))


def _head(parser: Parser, value: Mapping[str, Any], required: Iterable[str]) -> None:
    parser.keys(value, form.FILE_KEYS, "")
    for key in required:
        if key not in value:
            hint = (
                "a file of blocks alone can be imported and checked, but is no network" if is_block_file(value) else ""
            )
            parser.report(Rejected("AG204", f"needs {key!r}", hint=hint), "")
    if "archgraph" in value and (value["archgraph"] != form.VERSION or isinstance(value["archgraph"], bool)):
        hint = "run `archgraph migrate`" if value["archgraph"] == 0 else "a newer archgraph may read it"
        complaint = f"the format version must be {form.VERSION}, got {shown(value['archgraph'])}"
        parser.report(Rejected("AG207", complaint, hint=hint), "/archgraph")
    for key, kind in (("name", form.NAME), ("doc", form.DOC), ("meta", form.META), ("$schema", Text(1_000))):
        if key in value:
            parser.value(kind, value[key], f"/{key}")
    for key in ("inputs", "nodes"):
        if isinstance(value.get(key), Mapping) and not value[key]:
            parser.report(Rejected("AG201", "must have at least one member"), f"/{key}")


def _inputs(parser: Parser, value: Mapping[str, Any], params: Mapping[str, Parameter]) -> dict[str, Input]:
    inputs = {}
    for name, item in parser.mapping(value.get("inputs", {}), "/inputs").items():
        made = parser.record(form.InputForm, item, f"/inputs/{name}", open=True)
        if made is not None:
            parser.formulas(made.shape, f"/inputs/{name}/shape", params, (), "the file")
            inputs[name] = Input(made.shape, made.dtype, made.kind, made.distribution, made.doc)
    return inputs


def _sizes(inputs: Mapping[str, Input]) -> dict[str, None]:
    """Names of the symbolic dimensions in the inputs."""
    return {size: None for one in inputs.values() for size in one.shape if isinstance(size, str) and size[0] != "="}


def _dims(parser: Parser, value: Mapping[str, Any]) -> dict[str, Dimension]:
    dims = {}
    for name, item in parser.mapping(value.get("dims", {}), "/dims").items():
        made = parser.record(form.DimensionForm, item, f"/dims/{name}")
        if made is None:
            continue
        try:
            symbol(name, multiple_of=made.multiple_of, minimum=made.minimum, maximum=made.maximum)
        except Rejected as rejected:
            parser.report(rejected, f"/dims/{name}")
        dims[name] = Dimension(made.multiple_of, made.minimum, made.maximum)
    return dims


def _variants(
    parser: Parser, value: Mapping[str, Any], params: Mapping[str, Parameter]
) -> dict[str, Mapping[str, Any]]:
    variants: dict[str, Mapping[str, Any]] = {}
    for name, item in parser.mapping(value.get("variants", {}), "/variants").items():
        values = parser.mapping(item, f"/variants/{name}")
        for key in values:
            if key not in params:
                hint = nearest(key, params) or f"known: {', '.join(params)}"
                parser.report(
                    Rejected("AG401", f"{key!r} is not a parameter of the file", hint=hint), f"/variants/{name}/{key}"
                )
        variants[name] = {key: frozen_value(item) for key, item in values.items()}
    return variants


def _check_variants(
    parser: Parser, variants: Mapping[str, Mapping[str, Any]], params: Mapping[str, Parameter], blocks: Scope
) -> None:
    for variant, values in variants.items():
        for name, value in values.items():
            parameter = params.get(name)
            try:
                if parameter is not None and parameter.type == "block":
                    find_block(value, blocks)
                elif parameter is not None:
                    typed(value, parameter)
            except Rejected as rejected:
                parser.report(rejected, f"/variants/{variant}/{name}")
