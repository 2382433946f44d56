"""``archgraph gallery``: a page that shows the graphs of a folder, with picture, costs and what is published."""

import argparse
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from archgraph.analysis import infer
from archgraph.cli import Misused
from archgraph.cli.arguments import files
from archgraph.cli.cards import MARK, PICTURES, Card, Setting, page, values
from archgraph.cli.output import counted, report, say
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import write_atomically
from archgraph.document.load import load_graph
from archgraph.document.published import NAME, Published, PublishedGraph, read_published
from archgraph.document.reader import Document, read_file
from archgraph.drawing import Sketch, render, sketch

GRAPH: Final = ".graph.json"
EXPERIMENT: Final = ".train.json"
STYLE: Final = 1
"""The look of the pictures. A picture is drawn again when this, or what it shows, is not what it was drawn from."""
_FONT: Final = ' font-family="Helvetica,sans-Serif"'
_NEEDLESS: Final = re.compile(rf'<!--.*?-->\n|<title>[^<]*</title>\n|(?<=<text) text-anchor="start"|{_FONT}')
"""What Graphviz writes into an SVG that a page never shows, or that can stand once at its top."""
EPILOG = f"""\
The page is Markdown and the pictures are SVGs in {PICTURES}/ beside it, as GitHub shows them. Running it again changes
nothing unless a graph has changed: only pictures that are out of date are drawn.

Where the folder holds a {NAME}, the page is arranged by its families, and each published figure stands beside
ours. examples/{NAME} shows the form: "families" lists graphs by name, "rows" what papers and ports say of them.

examples:
  archgraph gallery nets                        write nets/README.md and nets/{PICTURES}/
  archgraph gallery nets --write docs/nets.md   write docs/nets.md and docs/{PICTURES}/
  archgraph gallery nets --check                write nothing; exit status 1 if anything is out of date (for CI)
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("folder", metavar="FOLDER", help="the folder whose graphs are shown, and those below it")
    parser.add_argument("--write", metavar="FILE", help="the page (default: README.md in FOLDER)")
    parser.add_argument("--title", help="heading of the page (default: that of FOLDER's name)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if something is out of date")
    parser.add_argument("--force", action="store_true", help="replace a page that this command did not write")


def run(arguments: argparse.Namespace) -> int:
    """Write or check; returns the exit status."""
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise Misused(f"{arguments.folder!r} is not a folder")
    target = Path(arguments.write) if arguments.write else folder / "README.md"
    made = gallery(folder, target, arguments.title or "")
    if made is None:
        return 1
    text, pictures = made
    stale = [path for path, drawing in pictures.items() if not _fresh(path, drawing)]
    written = target.is_file() and target.read_bytes() == text.encode()
    if arguments.check:
        return _told([*([] if written else [target]), *stale, *_left_over(target, pictures)])
    if target.exists() and not arguments.force and not written:
        _need_own(target)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, drawn(pictures[path]))
    for path in _left_over(target, pictures):
        path.unlink()
        say(f"removed {path}")
    if not written:
        write_atomically(target, text)
    say(f"{'unchanged' if written else 'wrote'} {target}, {counted(len(stale), 'picture')} of {len(pictures)} drawn")
    return 0


def gallery(folder: Path, target: Path, title: str = "") -> tuple[str, dict[Path, "Drawing"]] | None:
    """The text of the page and its pictures by path; None, with the findings reported, where a graph is refused."""
    names = [Path(name) for name in files([str(folder)]) if name.endswith(GRAPH)]
    published = read_published(folder / NAME) if (folder / NAME).is_file() else Published({}, ())
    cards: dict[str, Card] = {}
    found: list[Diagnostic] = []
    for path in names:
        try:
            document = read_file(path)
            if "nodes" in document.value:  # others hold blocks alone
                card = _card(path, document, folder, target, published)
                cards[card.name] = card
        except GraphError as error:
            found += error.diagnostics
    if found:
        report(found)
        return None
    families = _families(cards, published, folder / NAME)
    pictures = {target.parent / card.picture: Drawing(card.settings[0].shaped, card.sketch) for card in cards.values()}
    return page(title or folder.resolve().name.capitalize(), families), pictures


def _families(cards: Mapping[str, Card], published: Published, source: Path) -> dict[str, list[Card]]:
    """The cards by family, in the order of the published file; those that it does not list come last."""
    unknown = [name for names in published.families.values() for name in names if name not in cards]
    if unknown:
        raise GraphError(
            Diagnostic("AG401", "/families", f"no graph is called {name!r}", file=str(source)) for name in unknown
        )
    families = {family: [cards[name] for name in names] for family, names in published.families.items()}
    listed = {name for names in published.families.values() for name in names}
    rest = [card for name, card in sorted(cards.items()) if name not in listed]
    return families | ({"Others" if families else "": rest} if rest else {})


def _card(path: Path, document: Document, folder: Path, target: Path, published: Published) -> Card:
    name = path.relative_to(folder).as_posix().removesuffix(GRAPH)
    rows = list(published.of(f"{name}{GRAPH}"))
    settings = tuple(_settings(path, document.value.get("variants", {}), [graph for _, graph in rows]))
    experiment = path.with_name(path.name.removesuffix(GRAPH) + EXPERIMENT)
    return Card(
        name,
        _relative(path, target.parent),
        _relative(experiment, target.parent) if experiment.is_file() else "",
        f"{PICTURES}/{name.replace('/', '-')}.svg",
        sum(bool(line.strip()) for line in document.text.splitlines()),
        document.value.get("doc", ""),
        tuple(dict.fromkeys(row.form.paper for row, _ in rows)),
        settings,
        sketch(settings[0].shaped),
    )


def _settings(path: Path, variants: Mapping[str, Any], published: Sequence[PublishedGraph]) -> Iterator[Setting]:
    """Every variant, and after it what is published of it with other parameters."""
    for variant in variants or [""]:
        reference = f"{path}#{variant}" if variant else str(path)
        about = [graph for graph in published if _variant(graph, variants) == variant]
        exactly = tuple(graph for graph in about if not graph.params)
        yield Setting(variant or path.name.removesuffix(GRAPH), infer(load_graph(reference)), exactly)
        for text, params in {values(graph.params): graph.params for graph in about if graph.params}.items():
            same = tuple(graph for graph in about if values(graph.params) == text)
            yield Setting(f"{variant} {text}".strip(), infer(load_graph(reference, params)), same)


def _variant(graph: PublishedGraph, variants: Mapping[str, Any]) -> str:
    """The variant that a published graph means: without a name, the first."""
    named = graph.form.graph.partition("#")[2]
    return named or next(iter(variants), "")


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path, start)).as_posix()


# ---- pictures


class Drawing:
    """A picture that can be drawn, and the fingerprint of what it shows."""

    def __init__(self, shaped: Any, small: Sketch) -> None:
        self.shaped = shaped
        shown = hashlib.sha256(f"{STYLE} {small!r}".encode()).hexdigest()[:16]
        self.comment = f"<!-- archgraph gallery {shown} -->"


def drawn(drawing: Drawing) -> bytes:
    """The SVG with its fingerprint, which tells without drawing, for any Graphviz, whether it is up to date."""
    text = render(drawing.shaped, format="svg", compact=True).decode()
    head, start, rest = _NEEDLESS.sub("", text).partition("<svg")
    return f"{head}{drawing.comment}\n{start}{_FONT}{rest}".encode()


def _fresh(path: Path, drawing: Drawing) -> bool:
    return path.is_file() and drawing.comment.encode() in path.read_bytes()[:2_000]


def _left_over(target: Path, pictures: Mapping[Path, Drawing]) -> list[Path]:
    """Pictures of graphs that are gone. Only what this command has drawn."""
    folder = target.parent / PICTURES
    return [
        path
        for path in sorted(folder.glob("*.svg"))
        if path not in pictures and b"<!-- archgraph gallery " in path.read_bytes()[:2_000]
    ]


# ---- writing


def _need_own(target: Path) -> None:
    if not target.read_bytes().startswith(MARK.encode()):
        hint = "write to another file with --write, or use --force to replace it"
        complaint = "the file exists, and was not written by `archgraph gallery`"
        raise GraphError([Diagnostic("AG109", "", complaint, hint, file=str(target))])


def _told(stale: Sequence[Path]) -> int:
    for path in stale:
        say(f"{path}: out of date")
    say(f"{counted(len(stale), 'file')} out of date" if stale else "all up to date")
    return 1 if stale else 0
