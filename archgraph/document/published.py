"""published.json: what papers and ports say of the graphs beside it, and how a gallery arranges these."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final, NamedTuple

from archgraph.diagnostics import Diagnostic, GraphError, Rejected, nearest
from archgraph.document.form import DOC
from archgraph.document.reader import Document, read_file
from archgraph.document.scanner import step
from archgraph.document.writer import KeyOrder, format_document
from archgraph.kinds import NULL, AnyOf, Anything, Choice, Integer, Kind, ListOf, MapOf, Pattern, Text, shown
from archgraph.record import Record, param, record

VERSION: Final = 1
"""The version of the form of these files."""
NAME: Final = "published.json"
QUANTITIES: Final = ("trainable", "parameters", "macs", "kernels")
"""Trainable parameters; all parameters, with running statistics; multiply-adds; weights without biases and norms."""
KINDS: Final = ("printed", "recalled", "port", "derived")
"""Where a figure comes from: read in the paper; remembered of it; counted by running a public implementation; counted
from the paper's list of layers or by its formula, independently of this package."""

_TEXT = Text(1_000)
_COUNT = Integer(0)
_SHAPE = ListOf(Integer(1), longest=8)
_PRINTED = Pattern(
    r"\d+(\.\d+)?(e\d+)? ?(K|M|G|million|billion)?", 'a number as printed, such as "23.1M", "60 million" or "3.8e9"'
)
_VALUE = AnyOf(_COUNT, _PRINTED)
_LISTS = ListOf(Anything(), longest=1_000)


@record
class FigureForm(Record):
    """One number, its source, and what of the graph it is about."""

    trainable: Any = param(_VALUE, "Trainable parameters.", default=None)
    parameters: Any = param(_VALUE, "Parameters, with those that training leaves alone.", default=None)
    macs: Any = param(_VALUE, "Multiply-adds of convolutions and matrix products for one sample.", default=None)
    kernels: Any = param(_VALUE, "Weights, without biases and the parameters of normalisation.", default=None)
    of: str = param(_TEXT, "Paths that alone are counted: maps?/c2 (everything below counts too).", default="")
    without: str = param(_TEXT, "Paths that are not counted.", default="")
    plus: str = param(_TEXT, "A second graph whose number is added: FILE#VARIANT.", default="")
    rounded: str = param(Choice("nearest", "down"), "How the printed number was rounded.", default="nearest")
    printed: str = param(_TEXT, "Where the paper prints it.", default="")
    recalled: str = param(_TEXT, "Where the paper prints it, from memory.", default="")
    port: str = param(_TEXT, "Which public implementation has it.", default="")
    derived: str = param(_TEXT, "What it was counted from.", default="")
    convention: str = param(_TEXT, "What is counted.", default="")
    differs: str = param(_TEXT, "Why the graph has another number on purpose.", default="")


@record
class GraphForm(Record):
    """The figures of one graph, variant and choice of parameters."""

    graph: str = param(_TEXT, "FILE or FILE#VARIANT, beside the published file.")
    set: Any = param(MapOf(Anything()), "Parameters of the file.", default=None)
    inputs: Any = param(MapOf(_SHAPE), "Published shapes of inputs.", default=None)
    outputs: Any = param(MapOf(_SHAPE), "Published shapes of outputs.", default=None)
    figures: Any = param(_LISTS, "Numbers.", default=())
    layers_count: str = param(
        Choice("parameters", "trainable"), "Which parameters the table of layers counts.", default="parameters"
    )
    layers: Any = param(
        _LISTS, "[layer as published, path in the graph, shape, parameters, multiply-adds]; null: not published.",
        default=(),
    )  # fmt: skip


@record
class RowForm(Record):
    """What is published of one architecture."""

    id: str = param(_TEXT, "A name for the row.")
    variant: str = param(_TEXT, "Which form of the architecture.", default="")
    paper: str = param(_TEXT, "Where it was published.")
    graphs: Any = param(_LISTS, "Our graphs of it.")


@record
class FileForm(Record):
    """The whole file."""

    published: int = param(Integer(VERSION, VERSION), "The version of the form.")
    doc: str = param(DOC, "What the file is.", default="")
    families: Any = param(MapOf(ListOf(_TEXT)), "Names of graphs by family, in the order of a gallery.", default=None)
    rows: Any = param(ListOf(Anything(), longest=10_000), "What is published.", default=())


class Figure(NamedTuple):
    """One published number. `value` is a text where it is rounded."""

    quantity: str
    value: int | str
    form: FigureForm

    @property
    def sources(self) -> dict[str, str]:
        """The source of each of `KINDS` that has one."""
        return {kind: getattr(self.form, kind) for kind in KINDS if getattr(self.form, kind)}


class LayerRow(NamedTuple):
    """A line of a published table; what it does not say is None."""

    name: str
    path: str
    shape: tuple[int, ...] | None = None
    parameters: int | None = None
    macs: int | None = None


_LAYER: Final[tuple[Kind, ...]] = (
    _TEXT, _TEXT, AnyOf(_SHAPE, NULL), AnyOf(_COUNT, NULL), AnyOf(_COUNT, NULL),
)  # fmt: skip


@dataclass(frozen=True)
class PublishedGraph:
    """What is published of one graph, variant and choice of parameters."""

    form: GraphForm
    figures: tuple[Figure, ...]
    layers: tuple[LayerRow, ...]

    @property
    def file(self) -> str:
        """The graph file."""
        return self.form.graph.partition("#")[0]

    @property
    def params(self) -> dict[str, Any]:
        """Values for the file's parameters."""
        return dict(self.form.set or {})


@dataclass(frozen=True)
class Row:
    """What is published of one architecture."""

    form: RowForm
    graphs: tuple[PublishedGraph, ...]


@dataclass(frozen=True)
class Published:
    """A whole file."""

    families: Mapping[str, tuple[str, ...]]
    rows: tuple[Row, ...]

    def of(self, file: str) -> Iterator[tuple[Row, PublishedGraph]]:
        """Everything that is published of a graph file."""
        return ((row, graph) for row in self.rows for graph in row.graphs if graph.file == file)


PUBLISHED_ORDER: Final = KeyOrder(
    keys={
        "": tuple(FileForm.fields()),
        "/rows/*": tuple(RowForm.fields()),
        "/rows/*/graphs/*": tuple(GraphForm.fields()),
        "/rows/*/graphs/*/figures/*": tuple(FigureForm.fields()),
    },
    spread=frozenset({"", "/families"}),
    nodes=frozenset({"/rows/*/graphs/*/figures/*"}),
)
"""The canonical form: a figure is as long as a node may be."""


def published_text(document: Document) -> str:
    """The canonical text of a published file."""
    return format_document(document, PUBLISHED_ORDER)


def read_published(path: str | PathLike[str]) -> Published:
    """The figures in a file. Raises `GraphError` with every fault."""
    return parse_published(read_file(path))


def parse_published(document: Document) -> Published:
    """The figures that a document holds. Raises `GraphError` with every fault."""
    reading = _Reading()
    taken = reading.record(FileForm, document.value, "")
    rows = tuple(reading.row(value, f"/rows/{place}") for place, value in enumerate(taken.get("rows", ())))
    if reading.found:
        raise GraphError(document.place(reading.found))
    return Published({name: tuple(graphs) for name, graphs in (taken.get("families") or {}).items()}, rows)


class _Reading:
    """Collects the findings."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def record(self, kind: type[Record], value: Any, pointer: str) -> dict[str, Any]:
        """The checked values of an object."""
        if not isinstance(value, Mapping):
            self.found.append(Diagnostic("AG202", pointer, f"must be an object, got {shown(value)}"))
            return {}
        taken, complaints = kind.check(value)
        self.found += [complaint.at(pointer) for complaint in complaints]
        return {} if complaints else taken

    def row(self, value: Any, pointer: str) -> Row:
        """One architecture."""
        taken = self.record(RowForm, value, pointer)
        graphs = [self.graph(one, f"{pointer}/graphs/{place}") for place, one in enumerate(taken.get("graphs", ()))]
        return Row(RowForm(**(taken or {"id": "", "paper": "", "graphs": ()})), tuple(graphs))

    def graph(self, value: Any, pointer: str) -> PublishedGraph:
        """One graph of it."""
        taken = self.record(GraphForm, value, pointer)
        figures = [self.figure(one, f"{pointer}/figures/{place}") for place, one in enumerate(taken.get("figures", ()))]
        layers = [self.layer(one, f"{pointer}/layers/{place}") for place, one in enumerate(taken.get("layers", ()))]
        return PublishedGraph(GraphForm(**(taken or {"graph": ""})), tuple(figures), tuple(layers))

    def figure(self, value: Any, pointer: str) -> Figure:
        """One number."""
        form = FigureForm(**self.record(FigureForm, value, pointer))
        given = [name for name in QUANTITIES if getattr(form, name) is not None]
        if len(given) != 1 and isinstance(value, Mapping):
            names = ", ".join(QUANTITIES)
            hint = nearest(next(iter(value), ""), QUANTITIES)
            self.found.append(Diagnostic("AG210", pointer, f"must have one of {names}, got {len(given)}", hint))
        figure = Figure(given[0], getattr(form, given[0]), form) if given else Figure("trainable", 0, form)
        if given and not figure.sources:
            self.found.append(Diagnostic("AG204", pointer, f"needs a source, one of {', '.join(KINDS)}"))
        return figure

    def layer(self, value: Any, pointer: str) -> LayerRow:
        """One line of a table."""
        if not isinstance(value, list | tuple) or not 3 <= len(value) <= len(_LAYER):
            text = "must be a list of the layer, its path, its shape, its parameters and its multiply-adds"
            self.found.append(Diagnostic("AG202", pointer, f"{text}, got {shown(value)}"))
            return LayerRow("", "")
        for place, (kind, one) in enumerate(zip(_LAYER, value, strict=False)):
            self._check(kind, one, f"{pointer}{step(str(place))}")
        name, path, shape, *rest = value
        return LayerRow(name, path, None if shape is None else tuple(shape), *rest)

    def _check(self, kind: Kind, value: Any, pointer: str) -> None:
        try:
            kind.check(value)
        except Rejected as rejected:
            self.found.append(rejected.at(pointer))
