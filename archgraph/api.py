"""The few functions of the public interface that no single room owns: loading, checking and saving."""

from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from archgraph.analysis.check import check as check
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import write_atomically
from archgraph.document.load import load_graph, load_text
from archgraph.document.reader import Document
from archgraph.graph import Graph

if TYPE_CHECKING:
    from archgraph.builder import Builder


def load(reference: str | PathLike[str], **params: Any) -> Graph:
    """The graph of a file: ``load("resnet.graph.json#resnet101", classes=10)``.

    Args:
        reference: ``FILE``, or ``FILE#VARIANT`` for one of its variants; without one, the first.
        params: values for the file's parameters.

    Raises:
        GraphError: the file, one it imports, or the variant is refused; holds every finding, each with its place.
    """
    return load_graph(fspath(reference), params)


def loads(text: str | bytes, **params: Any) -> Graph:
    """The graph of a text in the format. Imports are refused, since a text has no folder.

    Raises:
        GraphError: the text is refused; holds every finding, each with its place.
    """
    return load_text(text, params)


def save(graph: "Graph | Builder | Document", path: str | PathLike[str]) -> None:
    """Write a graph file, whole or not at all.

    A document, and a graph that was loaded, are written as the text they were read from, byte for byte: what a caller
    chose on loading (parameters, a variant) is no part of the file. A builder is checked and written in canonical form.

    Raises:
        GraphError: a builder's graph is refused, the graph comes from no text, or the file cannot be written (AG109).
    """
    if isinstance(graph, Document):
        write_atomically(path, graph.text)
    elif isinstance(graph, Graph):
        source = graph.body.source
        if not isinstance(source, Document):
            raise GraphError(
                [Diagnostic("AG109", "", "the graph comes from no text", "save the builder", file=fspath(path))]
            )
        write_atomically(path, source.text)
    else:
        graph.save(path)
