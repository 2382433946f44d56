"""The workspace: no way out of it, no update lost, nothing of one person seen by another."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archgraph.diagnostics import GraphError
from archgraph.document.layout import Layout
from archgraph.document.order import ORDER
from archgraph.document.reader import read
from archgraph.document.revise import revise
from archgraph.editing.merging import merge
from archgraph.editing.patches import apply
from archgraph.studio.drafts import Drafts, abandoned, discard, recovered
from archgraph.studio.session import Session
from archgraph.studio.uploads import kept
from archgraph.studio.workspace import Changed, Workspace

TEXT = '{"archgraph": 1, "name": "x", "inputs": {"i": {"shape": [4]}}, "nodes": {}, "outputs": {}, "meta": {}}\n'
OUTSIDE = [
    "../x.graph.json", "a/../../x.graph.json", "/etc/passwd", "link/x.graph.json", "link.graph.json",
    "a\\..\\x.graph.json", "", "a\0b.graph.json", ".hidden/x.graph.json", "a/.git/x.graph.json", "..",
    "sub/../link/x.graph.json", "circle/x.graph.json", "pipe.graph.json", "a" * 300 + ".graph.json",
    "é" * 110 + ".graph.json", "\udc80.graph.json", "\ud800", "a.graph.json/x.graph.json", "~/.x", "//etc/passwd",
    "./../x.graph.json", "link", "\r\n/../..",
]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A workspace with a way out that must not be taken."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "x.graph.json").write_text(TEXT)
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "link").symlink_to(secret)
    (root / "link.graph.json").symlink_to(secret / "x.graph.json")
    (root / "circle").symlink_to(root / "circle")
    os.mkfifo(root / "pipe.graph.json")
    (root / "a.graph.json").write_text(TEXT)
    return Workspace(root)


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_leads_out(place: Workspace, name: str) -> None:
    for act in (
        lambda: place.open(name),
        lambda: place.save(name, TEXT, Layout(), None),
        lambda: place.write(name, "x"),
    ):
        with pytest.raises((GraphError, Changed)) as refused:
            act()
        assert isinstance(refused.value, GraphError)
    assert (place.root.parent / "secret" / "x.graph.json").read_text() == TEXT


def test_listings_pass_over_links_pipes_and_names_that_are_no_text(place: Workspace) -> None:
    (place.root / "folder.graph.json").mkdir()
    with open(os.fsencode(place.root) + b"/\xff.graph.json", "w") as stream:  # noqa: PTH123 - no name that Path takes
        stream.write(TEXT)
    assert place.files() == ["a.graph.json"]


@pytest.mark.parametrize("name", [
    "CON.graph.json", "aux.graph.json", "trailing .graph.json", "ünï.graph.json", "<script>.graph.json",
    "new/folder/x.graph.json", "a'\";$(x).graph.json", "line\nfeed.graph.json",
])  # fmt: skip
def test_strange_names_are_names(place: Workspace, name: str) -> None:
    document = place.save(name, TEXT, Layout(), None)
    assert place.open(name)[0].text == TEXT and not place.changed(name, document) and name in place.files()


@pytest.mark.parametrize("way", ["runs", ".archgraph", "data"])
def test_folders_of_the_studio_that_lead_out_are_refused(place: Workspace, way: str) -> None:
    secret = place.root.parent / "secret"
    (secret / "x").mkdir()
    (place.root / way).symlink_to(secret)
    acts: dict[str, Callable[[], object]] = {
        "runs": place.runs, ".archgraph": lambda: place.private("drafts"), "data": lambda: kept(place, "x.csv", b""),
    }  # fmt: skip
    with pytest.raises(GraphError, match="leads out"):
        acts[way]()
    assert sorted(one.name for one in secret.iterdir()) == ["x", "x.graph.json"]


def test_a_name_for_a_file_is_never_too_long(place: Workspace) -> None:
    name = place.free("x" * 5_000)
    place.save(name, TEXT, Layout(), None)
    assert place.free("x" * 5_000) != name and place.free("../<b>") == "b.graph.json"


def test_a_file_that_somebody_else_wrote_is_not_overwritten(place: Workspace) -> None:
    document, _ = place.open("a.graph.json")
    (place.root / "a.graph.json").write_text(TEXT.replace('"x"', '"y"'))
    assert place.changed("a.graph.json", document)
    with pytest.raises(Changed) as changed:
        place.save("a.graph.json", TEXT.replace('"x"', '"z"'), Layout(), document)
    assert changed.value.document is not None and changed.value.document.value["name"] == "y"
    assert place.save("a.graph.json", TEXT, Layout(), changed.value.document)
    with pytest.raises(Changed):
        place.save("a.graph.json", TEXT, Layout(), None)


def test_a_removed_file_is_told_of_and_a_layout_goes_beside_the_graph(place: Workspace) -> None:
    document = place.save("sub/b.graph.json", TEXT, Layout({"n": (1, 2)}), None)
    assert json.loads((place.root / "sub" / "b.layout.json").read_text())["pinned"] == {"n": [1, 2]}
    (place.root / "sub" / "b.graph.json").unlink()
    with pytest.raises(Changed) as changed:
        place.save("sub/b.graph.json", TEXT, Layout(), document)
    assert changed.value.document is None


class Person:
    """Somebody who opens a file, makes an edit of their own, and saves, merging whatever has come between."""

    def __init__(self, place: Workspace, name: str) -> None:
        self.place, self.name = place, name
        self.document, _ = place.open("a.graph.json")
        self.value: Any = self.document.value

    def edit(self, number: int) -> None:
        self.value = apply(self.value, [{"at": f"/meta/{self.name}{number}", "value": number}])

    def save(self) -> bool:
        try:
            text = revise(self.document, self.value, ORDER)
            self.document = self.place.save("a.graph.json", text, Layout(), self.document)
        except Changed as changed:
            assert changed.document is not None
            merged = merge(self.document.value, self.value, changed.document.value)
            assert not merged.conflicts
            self.document, self.value = changed.document, merged.value
            return False
        return True


def test_threads_that_save_one_file_lose_nothing(place: Workspace) -> None:
    def work(name: str) -> None:
        for number in range(8):
            person = Person(place, name)
            person.edit(number)
            while not person.save():
                pass

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(place.open("a.graph.json")[0].value["meta"]) == {
        f"{name}{number}" for name in "abcd" for number in range(8)
    }


# ---- drafts


def opened(place: Workspace) -> Session:
    document, layout = place.open("a.graph.json")
    return Session(document, layout, "a.graph.json", place.root)


def test_a_draft_comes_back_as_it_was(place: Workspace) -> None:
    session, drafts = opened(place), Drafts(place, "0123456789abcdef")
    session.replace(apply(session.value, [{"at": "/doc", "value": "unsaved"}]))
    session.layout = Layout({"n": (1, 2)})
    drafts.keep(session)
    drafts.write()
    found = recovered(place, "0123456789abcdef")
    assert found is not None
    again = found.session(place, 3)
    assert (again.value, again.layout, again.name, again.dirty) == (session.value, session.layout, "a.graph.json", True)
    assert (place.root / "a.graph.json").read_text() == TEXT, "a draft is no save"


def test_a_saved_document_leaves_no_draft(place: Workspace) -> None:
    session, drafts = opened(place), Drafts(place, "0123456789abcdef")
    session.replace(apply(session.value, [{"at": "/doc", "value": "unsaved"}]))
    drafts.keep(session)
    drafts.write()
    session.settle(
        place.save("a.graph.json", session.text(), session.layout, session.saved), "a.graph.json", place.root
    )
    drafts.keep(session)
    drafts.write()
    assert recovered(place, "0123456789abcdef") is None


def test_drafts_of_open_pages_are_nobody_elses(place: Workspace) -> None:
    session, drafts = opened(place), Drafts(place, "0123456789abcdef")
    session.replace(apply(session.value, [{"at": "/doc", "value": "unsaved"}]))
    drafts.keep(session)
    drafts.write()
    assert abandoned(place, "fedcba9876543210") == [], "it was written a moment ago"
    path = place.private("drafts") / "0123456789abcdef.json"
    os.utime(path, (path.stat().st_mtime - 60,) * 2)
    assert [one.key for one in abandoned(place, "fedcba9876543210")] == ["0123456789abcdef"]
    discard(place, "0123456789abcdef")
    assert abandoned(place, "fedcba9876543210") == []


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "x" * 16, "0123456789ABCDEF", "0123456789abcde/"])
def test_keys_that_are_no_keys_open_nothing(place: Workspace, key: str) -> None:
    assert recovered(place, key) is None


def test_a_damaged_draft_is_passed_over(place: Workspace) -> None:
    for number, text in enumerate(
        [
            "",
            "{",
            "[]",
            '{"name": 3}',
            read(TEXT).text,
            json.dumps({"name": "../../etc/passwd", "title": "", "saved": TEXT, "value": {}, "pinned": {}}),
            json.dumps({"name": "", "title": "", "saved": "{", "value": {}, "pinned": {}}),
            json.dumps({"name": "", "title": "", "saved": TEXT, "value": [], "pinned": {}}),
            json.dumps({"name": "", "title": "", "saved": TEXT, "value": {}, "pinned": []}),
        ]
    ):
        key = f"{number:016x}"
        (place.private("drafts") / f"{key}.json").write_text(text)
        assert recovered(place, key) is None
    assert abandoned(place, "") == []
