"""A path of calls from the main graph -> the place that is open: its text, what is known of it, and breadcrumbs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archgraph.editing.places import Place
from archgraph.editing.survey import Look, Survey
from archgraph.graph import Block

BLOCK: Final = "block:"
"""What the step of a path begins with that names a block without a call of it."""


@dataclass(frozen=True)
class Opened:
    """The place that is open on the canvas."""

    path: tuple[str, ...]
    place: Place
    look: Look | None
    crumbs: tuple[Mapping[str, Any], ...]
    readonly: str = ""
    """Why it cannot be changed; empty: it can."""

    @property
    def block(self) -> str:
        """The block's name; empty: the main graph."""
        return self.place.block

    @property
    def editable(self) -> bool:
        """Whether it stands in the file itself."""
        return not self.readonly

    def card(self) -> dict[str, Any]:
        """What the canvas is told of the place."""
        body = {} if self.editable else {"body": self.place.body}
        pointer = self.place.pointer if self.editable else None
        return {
            "path": list(self.path), "pointer": pointer, **body, "crumbs": list(self.crumbs), "readonly": self.readonly,
        }  # fmt: skip


def opened(survey: Survey, path: Sequence[str], title: str) -> Opened:
    """The place at the end of `path`, or at the end of the longest part of it that is known."""
    here = Opened((), Place(survey.value), survey.root, ({"title": title or "graph", "path": []},))
    for step in path:
        deeper = _entered(survey, here, str(step))
        if deeper is None:
            return here
        here = deeper
    return here


def _entered(survey: Survey, here: Opened, step: str) -> Opened | None:
    times = ""
    if step.startswith(BLOCK):
        name, look = step.removeprefix(BLOCK), survey.first_use(step.removeprefix(BLOCK))
    else:
        record = here.place.nodes.get(step)
        if record is None or "block" not in record:
            return None
        look = survey.inside(step, here.look) if here.look is not None else None
        name = look.block.name if look is not None else str(record["block"])
        seen = here.look.seen.get(step) if here.look is not None else None
        times = f" ×{seen.copies}" if seen is not None and seen.copies is not None else ""
    found = _place(survey, name, look.block if look is not None else None)
    if found is None:
        return None
    place, readonly = found
    path = (*here.path, step)
    crumb = {"title": step.removeprefix(BLOCK), "detail": f"{name}{times}", "path": list(path)}
    return Opened(path, place, look, (*here.crumbs, crumb), readonly)


def _place(survey: Survey, name: str, block: Block | None) -> tuple[Place, str] | None:
    """Where a block stands, and why it cannot be changed there."""
    if name in (survey.value.get("blocks") or {}) and (block is None or _own(survey, block)):
        return Place(survey.value, name), ""
    block = block or (survey.graph.blocks.get(name) if survey.graph is not None else None)
    holder = getattr(block.source, "value", None) if block is not None else None
    if block is None or holder is None or _own(survey, block):
        return None
    whence = "an imported file" if block.scope and not block.scope.startswith("library/") else "the library"
    return Place(holder, block.name), f"This block comes from {whence}. Copy it into the file to change it."


def _own(survey: Survey, block: Block) -> bool:
    return survey.graph is not None and block.source is survey.graph.body.source


def origin(survey: Survey, block: Block) -> str:
    """Where a block comes from: ``file``, ``library`` or ``import``."""
    if _own(survey, block):
        return "file"
    return "library" if block.scope.startswith("library/") else "import"
