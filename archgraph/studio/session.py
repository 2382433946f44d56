"""One open document of one person: what the browser says is taken in, and what it is answered."""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from archgraph.diagnostics import GraphError, Rejected
from archgraph.document.layout import FARTHEST, Layout
from archgraph.document.order import ORDER
from archgraph.document.reader import Document, read
from archgraph.document.revise import revise
from archgraph.editing import catalogue as editing_catalogue
from archgraph.editing.fixing import Fix, attempts, key_of
from archgraph.editing.patches import apply, same
from archgraph.editing.survey import Finding, Survey, survey
from archgraph.studio.places import Opened, opened

Reply = dict[str, Any]
_LOG: Final = logging.getLogger("archgraph.studio")
EPOCHS: Final = 1_000_000
"""Epochs that one document may have."""
FIRST: Final = 0.02
"""Seconds that an answer may be late for the fixes that come with it; others are looked for after it."""
LONGEST: Final = 0.5
"""Seconds that are spent on fixes of one document, all in all; whoever asks for them gets the rest."""
Answer = Callable[["Session", Mapping[str, Any]], Reply]


@dataclass
class Session:
    """A document while it is edited. `epoch` grows when the document changes by other hands than the browser's."""

    saved: Document
    """The file as it was read or written last."""
    layout: Layout
    name: str = ""
    """Path below the workspace; empty while it was never saved."""
    folder: Path | None = None
    """Where its imports lie."""
    identity: int = 1
    """A new number for every file that is opened, so that the browser begins a new history."""
    value: Any = None
    epoch: int = 0
    """Never one that another document of the page has had: an edit that comes late fits none but its own."""
    ack: int = 0
    known: int = 0
    """The epoch that the browser says it has."""
    catalogue: str = ""
    """The catalogue that the browser says it has."""
    place: tuple[str, ...] = ()
    selection: tuple[str, ...] = ()
    variant: str = ""
    batch_size: int = 32
    replies: dict[str, Reply] = field(default_factory=dict)
    overlay: Mapping[str, Any] | None = None
    """What a run says about the nodes, shown on the canvas."""
    changed_on_disk: bool = False
    wish: str = ""
    """A name for the file of a document that has none yet."""
    saved_layout: Layout = field(default_factory=Layout)
    comparing: bool = False
    """Whether the canvas marks what is different from the file."""
    _surveyed: tuple[Any, Survey] | None = field(default=None, repr=False)
    _before: tuple[Any, Survey] | None = field(default=None, repr=False)
    _mending: dict[Any, "_Mending"] = field(default_factory=dict, repr=False)
    _spent: float = field(default=0.0, repr=False)
    """Seconds that were spent on fixes for the document as it is."""

    def __post_init__(self) -> None:
        if self.value is None:
            self.value = self.saved.value
        self.saved_layout = self.layout
        self.epoch = self.epoch or self.identity * EPOCHS

    # ---- what is known of it

    @property
    def title(self) -> str:
        """The network's name."""
        found = self.value.get("name") if isinstance(self.value, Mapping) else None
        return found if isinstance(found, str) and found else "untitled"

    @property
    def dirty(self) -> bool:
        """Whether it differs from the file."""
        return not same(self.value, self.saved.value) or self.layout != self.saved_layout or not self.name

    @property
    def survey(self) -> Survey:
        """Everything that is known of the document; worked out anew after a change."""
        key = (self.value, self.variant)
        if self._surveyed is None or self._surveyed[0][0] is not key[0] or self._surveyed[0][1] != key[1]:
            found = survey(self.value, folder=self.folder, variant=self.variant)
            self._surveyed = key, found
            self._mending.clear()
            self._spent = 0.0
        return self._surveyed[1]

    @property
    def before(self) -> Survey:
        """What is known of the file as it was read or written last."""
        key = (self.saved, self.variant)
        if self._before is None or self._before[0] != key:
            found = survey(self.saved.value, folder=self.folder, variant=self.variant, judged=False)
            self._before = key, found
        return self._before[1]

    def fixes(self, finding: Finding) -> list[Fix]:
        """Edits that mend a finding; looked for once."""
        mending = self._mended(finding)
        mending.go_on(math.inf)
        return mending.found

    def _mended(self, finding: Finding) -> "_Mending":
        key = key_of(finding)
        known = self.survey  # forgets what was begun for an older document
        if key not in self._mending:
            self._mending[key] = _Mending(attempts(known, finding, folder=self.folder, variant=self.variant))
        return self._mending[key]

    def search(self, seconds: float) -> int:
        """Go on looking for fixes for some time; returns how many are known."""
        began = time.perf_counter()
        for finding in self.survey.findings:
            self._mended(finding).go_on(began + seconds)
        self._spent += time.perf_counter() - began
        return sum(len(one.found) for one in self._mending.values())

    def mend(self, shown: dict[str, Any]) -> None:
        """Put fixes to the findings of a view: those found before, or as many as are found in a moment."""
        known = self.survey  # forgets what was found for an older document
        if not self._spent:
            self.search(FIRST)
        for finding, told in zip(known.findings, shown["problems"], strict=True):
            told["fixes"] = [fix_message(fix) for fix in self._mended(finding).found]

    @property
    def mended(self) -> bool:
        """Whether fixes need not be looked for any more: all were found, or it has taken long enough."""
        return self._spent >= LONGEST or all(self._mended(one).done for one in self.survey.findings)

    @property
    def opened(self) -> Opened:
        """The place that is open, or the longest part of its path that is still there."""
        return opened(self.survey, self.place, self.title)

    def text(self) -> str:
        """The text that saving writes: the file's own, but for what was changed."""
        return revise(self.saved, self.value, ORDER)

    def settle(self, document: Document, name: str, folder: Path) -> None:
        """The document has been written: `document` is what the file holds now."""
        self.saved, self.saved_layout = document, self.layout
        self.name, self.folder, self.changed_on_disk = name, folder, False

    # ---- edits

    def replace(self, value: Any) -> None:
        """Change the document from this side."""
        if not same(value, self.value) or list(value) != list(self.value):
            self.value = value
            self.epoch += 1

    def receive(self, message: Mapping[str, Any], answers: Mapping[str, Answer]) -> None:
        """Take in what the browser says. What it has said before, or says of an older document, changes nothing."""
        self.known = _whole(message.get("epoch"))
        self.catalogue = str(message.get("catalogue", ""))
        self.place = _names(message.get("place"))
        self.selection = _names(message.get("selection"))
        asked = {str(ask.get("id")) for ask in _objects(message.get("asks"))}
        self.replies = {key: reply for key, reply in self.replies.items() if key in asked}
        if self.known != self.epoch:
            return
        for number, what, entry in _in_order(message):
            if number > self.ack:
                self.ack = number
                self._take(what, entry, answers)
                if self.epoch != self.known:
                    return  # what follows was made for another document: the browser will say it again

    def _take(self, what: str, entry: Mapping[str, Any], answers: Mapping[str, Answer]) -> None:
        if what == "patches":
            self._patch(entry)
        elif what == "layout":
            self._move(entry.get("moves"))
        else:
            self.replies[str(entry.get("id"))] = self._answer(entry, answers)

    def _patch(self, entry: Mapping[str, Any]) -> None:
        """Apply one patch; one that does not fit brings the browser the document as it is here."""
        before = self.epoch
        try:
            _need_sound(entry.get("patch"))
            value = apply(self.value, entry.get("patch") or [])
            if not isinstance(value, Mapping):
                raise Rejected("AG202", "a graph file holds one object")
            self.value = value
        except Rejected as rejected:
            self.replies[str(entry.get("id"))] = {"error": complaint(rejected)}
            self.epoch = before + 1

    def _move(self, moves: Any) -> None:
        pinned = dict(self.layout.pinned)
        for path, place in (moves if isinstance(moves, Mapping) else {}).items():
            if place is None:
                pinned.pop(str(path), None)
            elif isinstance(place, Sequence) and len(place) == 2 and all(_inside(one) for one in place):
                pinned[str(path)] = (round(place[0]), round(place[1]))
        self.layout = Layout(pinned)

    def _answer(self, ask: Mapping[str, Any], answers: Mapping[str, Answer]) -> Reply:
        answer = answers.get(str(ask.get("what")))
        if answer is None:
            return {"error": {"message": f"nothing is known of {str(ask.get('what'))[:40]!r}", "hint": "", "field": ""}}
        try:
            _need_sound(ask)
            return answer(self, ask)
        except Rejected as rejected:
            return {"error": complaint(rejected)}
        except GraphError as error:
            first = error.diagnostics[0]
            return {"error": {"message": first.message, "hint": first.hint, "field": first.pointer}}
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            if self.survey.graph is not None:
                _LOG.exception("an ask failed: %s", ask.get("what"))
            return {"error": {"message": "that cannot be done while the file is as it is",
                              "hint": "mend what the list of problems says first", "field": ""}}  # fmt: skip

    # ---- answers

    def data(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """What the browser is told; the document and the catalogue only where it has not got them."""
        key = editing_catalogue.fingerprint()
        told = {
            "epoch": self.epoch, "ack": self.ack, "documentHash": fingerprint(self.value), "catalogueHash": key,
            "replies": self.replies, "view": shown,
            "file": {"id": self.identity, "name": self.name, "dirty": self.dirty,
                     "changedOnDisk": self.changed_on_disk},
        }  # fmt: skip
        if self.known != self.epoch:
            told |= {"document": self.value, "layout": {path: list(at) for path, at in self.layout.pinned.items()}}
        return told


@dataclass
class _Mending:
    """The fixes of one finding, as far as they have been looked for."""

    left: Iterator[Fix | None]
    found: list[Fix] = field(default_factory=list)
    done: bool = False

    def go_on(self, end: float) -> None:
        """Try one edit after another until that time."""
        while not self.done and time.perf_counter() < end:
            try:
                tried = next(self.left)
            except StopIteration:
                self.done = True
            else:
                self.found += [tried] if tried is not None else []


def fix_message(fix: Fix) -> dict[str, Any]:
    """A fix, for the browser."""
    cost = "no parameters" if fix.cost == 0 else f"{fix.cost:+,} parameters"
    return {"title": fix.title, "patch": fix.patch, "cost": cost}


def complaint(rejected: Rejected) -> dict[str, str]:
    """Why something was refused, for the browser."""
    return {"message": rejected.message, "hint": rejected.hint, "field": rejected.field}


def fingerprint(value: Any) -> str:
    """Tells one document from another."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode()).hexdigest()[:16]


def _need_sound(value: Any) -> None:
    """Raises `Rejected` for what no file could hold: too deep, too large, numbers and characters that JSON has not."""
    try:
        read(json.dumps(value, allow_nan=False))
    except GraphError as error:
        first = error.diagnostics[0]
        raise Rejected("AG202", first.message, hint=first.hint) from None
    except (ValueError, RecursionError) as error:
        raise Rejected("AG202", f"no file could hold that: {error}") from None


def _in_order(message: Mapping[str, Any]) -> list[tuple[int, str, Mapping[str, Any]]]:
    entries = [
        (_whole(entry.get("id")), what, entry)
        for what in ("patches", "layout", "asks")
        for entry in _objects(message.get(what))
    ]
    return sorted(entries, key=lambda entry: entry[0])


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _names(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _inside(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= FARTHEST
