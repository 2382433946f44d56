"""A gallery's page: a card for each graph, by family, as Markdown, in which text from a file is never markup."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from archgraph.analysis.published import agrees, measured, other_layers
from archgraph.analysis.shaped import ShapedGraph
from archgraph.cli.output import counted
from archgraph.diagnostics import escaped
from archgraph.document.published import KINDS, Figure, PublishedGraph
from archgraph.drawing import Sketch
from archgraph.shapes import Dim

MARK: Final = "<!-- Written by `archgraph gallery`. Changes are lost when it runs again. -->"
"""The first line of every page: a file without it was written by somebody else."""
PICTURES: Final = "pictures"
HIGHEST: Final = 760
"""Pixels; a picture that is drawn downwards is not shown higher."""
_STEP: Final = 66
"""Pixels that a box takes in a picture that is drawn downwards."""
_LONGEST_SUM: Final = 60
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_NOUNS: Final[Mapping[str, str]] = {
    "trainable": "trainable", "parameters": "parameters", "macs": "multiply-adds", "kernels": "weights",
}  # fmt: skip
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~$#])")
_ARXIV: Final = re.compile(r"arXiv (\d{4}\.\d{4,5})")


class Setting(NamedTuple):
    """One choice of a file's parameters: a variant, or values that something published is about."""

    name: str
    shaped: ShapedGraph
    published: tuple[PublishedGraph, ...] = ()


class Card(NamedTuple):
    """What is shown of one graph file. Paths are relative to the page, with forward slashes."""

    name: str
    path: str
    experiment: str
    picture: str
    lines: int
    doc: str
    papers: tuple[str, ...]
    settings: tuple[Setting, ...]
    """The first is the one that the file's name alone stands for."""
    sketch: Sketch


def page(title: str, families: Mapping[str, Sequence[Card]]) -> str:
    """The whole page; the family with the empty name has no heading."""
    count = sum(map(len, families.values()))
    parts = [
        MARK,
        f"# {plain(title)}",
        f"{counted(count, 'graph')}. A picture shows the records of a file, each with the shape that leaves it, "
        "and below them its blocks, open, once each. Counts are computed from the file; ✓ marks what is published and "
        "agrees, ≠ what differs. Multiply-adds are those of convolutions and matrix products for one sample.",
        "\n".join(_contents(families)),
    ]
    for family, cards in families.items():
        parts += [f"## {plain(family)}"] if family else []
        parts += [part for card in cards for part in _card(card)]
    return "\n\n".join(parts) + "\n"


def _contents(families: Mapping[str, Sequence[Card]]) -> Iterator[str]:
    for family, cards in families.items():
        names = " · ".join(f"[{plain(card.name)}](#{anchor(card.name)})" for card in cards)
        yield f"- **{plain(family)}**: {names}" if family else f"- {names}"


def _card(card: Card) -> Iterator[str]:
    first = card.settings[0].shaped
    links = [f"[{plain(card.path)}]({address(card.path)})", counted(card.lines, "line")]
    links += [f"[experiment]({address(card.experiment)})"] if card.experiment else []
    yield f"### {plain(card.name)}"
    yield " · ".join([*links, f"{number(first.parameters)} parameters", f"{size(first.macs)} multiply-adds"])
    if card.doc:
        yield plain(card.doc)
    if card.papers:
        yield "Published: " + "; ".join(map(_paper, card.papers)) + "."
    height = f' height="{_height(card.sketch)}"' if card.sketch.downwards else ""
    source = address(card.picture)
    yield f'<a href="{source}"><img src="{source}"{height} alt="{attribute(card.name)}, drawn"></a>'
    yield "\n".join(_table(card.settings))


def _height(sketch: Sketch) -> int:
    """About as high as the picture is, in pixels, but not higher than a page can show."""
    depth: dict[str, int] = {}
    for box in (box for row in sketch.frames[0].rows for box in row):
        feeding = [
            depth[arrow.tail] + 1 for arrow in sketch.frames[0].arrows if arrow.head == box.id if arrow.tail in depth
        ]
        depth[box.id] = max(feeding, default=1)
    return min(HIGHEST, _STEP * max(depth.values()))


# ---- the table of variants


def _table(settings: Sequence[Setting]) -> Iterator[str]:
    yield "| variant | parameters | trainable | multiply-adds | published |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for setting in settings:
        shaped = setting.shaped
        cells = (code(setting.name), number(shaped.parameters), number(shaped.trainable), size(shaped.macs))
        yield f"| {' | '.join(cells)} | {'<br>'.join(_published(setting))} |"


def _published(setting: Setting) -> Iterator[str]:
    """Every figure of the whole graph, or else of its parts, and whether the tables of layers agree."""
    figures = [figure for graph in setting.published for figure in graph.figures if not figure.form.plus]
    whole = [figure for figure in figures if not figure.form.of]
    once = {(figure.quantity, figure.value, figure.form.of): figure for figure in reversed(whole or figures)}
    yield from (_told(figure, setting.shaped) for figure in reversed(once.values()))
    for graph in setting.published:
        if graph.layers:
            other = len(other_layers(setting.shaped, graph))
            yield f"≠ {other} of {len(graph.layers)} layers" if other else f"✓ {counted(len(graph.layers), 'layer')}"


def _told(figure: Figure, shaped: ShapedGraph) -> str:
    value = number(figure.value) if isinstance(figure.value, int) else plain(figure.value)
    kind, source = next((kind, figure.sources[kind]) for kind in KINDS if kind in figure.sources)
    mark = "✓" if agrees(figure, measured(shaped, figure)) else "≠"
    why = f": {plain(figure.form.differs)}" if figure.form.differs else ""
    part = f" of {code(figure.form.of)}" if figure.form.of else ""
    part += f" without {code(figure.form.without)}" if figure.form.without else ""
    text = "counted from the layers" if kind == "derived" and source.startswith("layer list") else source
    note = f"{text}, from memory" if kind == "recalled" else text
    return f"{mark} {value} {_NOUNS[figure.quantity]}{part} ({plain(note)}{why})"


# ---- words


def number(count: int) -> str:
    """``25,557,032``."""
    return f"{count:,}"


def size(amount: Dim | None) -> str:
    """A number, or a sum with symbolic sizes: ``16,500·T``; a long one is cut."""
    if isinstance(amount, int):
        return number(amount)
    if amount is None:
        return "unknown"
    text = re.sub(r"\*\*(\d+)", lambda power: power[1].translate(_RAISED), str(amount)).replace("*", "·")
    text = re.sub(r"\d{4,}", lambda digits: f"{int(digits[0]):,}", text)
    return code(text if len(text) <= _LONGEST_SUM else text[: _LONGEST_SUM - 1] + "…")


def values(params: Mapping[str, Any]) -> str:
    """Parameters as ``--set`` takes them."""
    return " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in params.items()
    )


def _paper(text: str) -> str:
    """A paper, linked where it names its place in arXiv."""
    return _ARXIV.sub(lambda place: f"[{place[0]}](https://arxiv.org/abs/{place[1]})", plain(text))


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", escaped(" ".join(text.split())).replace("&", "&amp;"))


def code(text: str) -> str:
    """Text in the type of code, for a cell of a table."""
    line = escaped(" ".join(text.split())).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def attribute(text: str) -> str:
    """Text for an attribute of HTML."""
    line = escaped(" ".join(text.split()))
    return line.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def address(path: str) -> str:
    """A relative path as a link."""
    from urllib.parse import quote

    return quote(path, safe="/._-")


def anchor(name: str) -> str:
    """The place that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-")
