"""Graph files written as text, with a mark where a finding is expected."""

from typing import Any, NamedTuple

from archgraph.analysis import infer
from archgraph.analysis.check import check
from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Diagnostic
from archgraph.document.load import load_text
from archgraph.document.reader import read

MARK = "§"


class Marked(NamedTuple):
    """A text without its mark, and the line and column, from 1, where the mark stood."""

    text: str
    line: int
    column: int


def marked(text: str) -> Marked:
    before, _, after = text.partition(MARK)
    return Marked(before + after, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def file(
    nodes: str, *, more: str = "", inputs: str = '{"x": {"shape": [8, 8, 3]}}', outputs: str = '{"y": "a"}'
) -> str:
    """A graph file whose parts are given as JSON text; `more` holds further members."""
    return (
        '{"archgraph": 1, "name": "test",\n'
        f" {more}{',' if more else ''}\n"
        f' "inputs": {inputs},\n'
        f' "nodes": {{\n{nodes}}},\n'
        f' "outputs": {outputs}}}\n'
    )


def block(nodes: str, *, more: str = "", inputs: str = '["x"]', output: str = '"output": "a"') -> str:
    """A block as JSON text."""
    return f'{{{more}{"," if more else ""} "inputs": {inputs}, "nodes": {{{nodes}}}, {output}}}'


def blocks(mark: str = "", **named: str) -> str:
    """The member ``blocks`` of a file; the key `mark` is marked."""
    members = ", ".join(f'{MARK if name == mark else ""}"{name}": {text}' for name, text in named.items())
    return f'"blocks": {{{members}}}'


def shaped(nodes: str, **parts: str) -> ShapedGraph:
    return infer(load_text(file(nodes, **parts)))


def findings(text: str) -> list[Diagnostic]:
    return check(read(text, "test.graph.json"))


def paths(graph: ShapedGraph) -> list[str]:
    return [node.path for node in graph.walk()]


def shapes(graph: ShapedGraph) -> dict[str, Any]:
    return {name: tensor.shape for name, tensor in graph.outputs.items()}
