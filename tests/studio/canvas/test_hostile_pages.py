"""Hostile names, tables and runs on the pages around the canvas, and in what is handed out: text, as it is written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import archgraph as ag
from archgraph.diagnostics import escaped
from archgraph.drawing import render
from archgraph.interchange.page import html_page
from archgraph.studio.workspace import Workspace
from tests.studio.canvas.board import Board
from tests.studio.canvas.test_hostile_canvas import COUNTED, dismissed
from tests.studio.test_hostile import ALLOWED, HOSTILE, graph

NAMES = [
    "<img src=x onerror=alert(1)>", "$x^2$", ":material:delete: :red[x]", "`code` **b** __c__ ~~d~~", "# t", "- list",
    "[x](javascript:alert(1))", "![p](x.png)", "${7*7} {{7*7}}", "\"q\" 'q'", "\u202egnp", "a\u200bb", "&lt;b&gt;",
]  # fmt: skip
"""Names that a file may have."""
LONG = "ab$c$<b>" * 1250
RENDERED = """() => [...document.querySelectorAll(
    '.katex, [data-testid=stMarkdownContainer] :is(a:not([aria-label="Link to heading"]), img, iframe, script, del)'
)].map((one) => one.outerHTML.slice(0, 300))"""


@pytest.fixture
def visitor(studio: str, workspace: Path, chromium: Any) -> Iterator[Board]:
    """A window that notes what is asked from elsewhere and what speaks up."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    board = Board(context.new_page(), studio, workspace)
    asked: list[str] = []
    board.page.on("request", lambda request: asked.append(request.url))
    board.page.on("dialog", lambda dialog: dismissed(dialog, board.faults))
    yield board
    context.close()
    assert board.faults == []
    assert [url for url in asked if not url.startswith((studio, "data:", "blob:", "file:"))] == []


def go(board: Board, page: str) -> None:
    """Go to a page by its link."""
    board.page.get_by_role("link", name=page).click()
    board.expect(board.page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_have_count(1, timeout=30_000)
    board.expect(board.page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_have_count(1)


def said(board: Board, *texts: str) -> None:
    """Each text stands on the page as it is written, and nothing on it is anything but text."""
    for text in texts:
        shown = " ".join(escaped(text).split())
        board.expect(board.page.get_by_text(shown).first).to_be_attached()
    assert board.page.evaluate(RENDERED) == []
    assert [one for one in board.page.evaluate(COUNTED) if "prerenderReady" not in one] == []  # Streamlit's own
    assert board.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pages_show_what_files_and_runs_are_called_as_it_is_written(visitor: Board, workspace: Path) -> None:
    board, page = visitor, visitor.page
    made = [workspace / f"{name}.graph.json" for name in NAMES]
    for path in made:
        path.write_text(json.dumps(graph(LONG)), "utf-8")
    made[1].write_text("{" + LONG, "utf-8")
    run = workspace / "runs" / f"{NAMES[0]}-1"
    failed = f"{NAMES[2]}-1"
    jobs = Workspace(workspace).private("jobs")
    try:
        run.mkdir(parents=True)
        told = {"test": {f"{name} accuracy": 0.5 for name in NAMES[:4]}, "stopped": " ".join([*NAMES, LONG])}
        (run / "result.json").write_text(json.dumps(told), "utf-8")
        history = [{"epoch": 1, NAMES[1]: 0.5}, {"epoch": 2, NAMES[1]: 0.4}]
        (run / "metrics.json").write_text(json.dumps(history), "utf-8")
        (jobs / f"{failed}.json").write_text(json.dumps({"experiment": NAMES[1]}), "utf-8")
        (jobs / f"{failed}.log").write_text("\n".join([*HOSTILE, LONG]), "utf-8")
        page.goto(board.address)
        page.get_by_text("Begin with nothing").wait_for(timeout=30_000)
        go(board, "Files and templates")
        said(board, *(path.name for path in made))
        faulty = page.get_by_test_id("stMain").locator("[data-testid=stHorizontalBlock]").filter(has_text=made[1].name)
        faulty.get_by_role("button", name="Open").last.click()
        board.expect(page.get_by_test_id("stAlert")).to_contain_text("cannot be opened")
        said(board, made[1].name)
        go(board, "Train")
        page.get_by_text("What it has printed").wait_for()
        said(board, failed)
        go(board, "Results and trying")
        said(board, *(f"{name} accuracy".replace("_", " ") for name in NAMES[:4]), NAMES[4])
        page.get_by_role("tab", name="Compare runs").click()
        said(board)
    finally:
        for path in (*made, run / "result.json", run / "metrics.json", jobs / f"{failed}.json", jobs / f"{failed}.log"):
            path.unlink(missing_ok=True)
        run.rmdir()


def test_the_guided_start_shows_a_hostile_table_as_it_is_written(visitor: Board, tmp_path: Path) -> None:
    board, page = visitor, visitor.page
    head = [name.replace('"', '""') for name in NAMES[:6]]
    rows = [",".join([str(number + place) for place in range(5)] + [f'"{head[number % 3]}"']) for number in range(30)]
    table = tmp_path / "hostile.csv"
    table.write_text("\n".join([",".join(f'"{name}"' for name in head), *rows]), "utf-8")
    page.goto(board.address)
    page.get_by_role("button", name="Show me the way").click(timeout=30_000)
    page.get_by_text("My own files").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(table)
    page.get_by_text("Choose a network to begin with").wait_for(timeout=30_000)
    said(board, NAMES[5], *NAMES[:3])


def test_exported_pictures_and_pages_open_without_a_network(visitor: Board, tmp_path: Path) -> None:
    raw = json.dumps(graph("\n".join([*HOSTILE, "\u200b", "\u202e", LONG])[:10_000]))
    shaped = ag.infer(ag.loads(raw))
    (tmp_path / "page.html").write_text(html_page(shaped, raw), "utf-8")
    (tmp_path / "picture.svg").write_bytes(render(shaped, format="svg"))
    visitor.page.goto((tmp_path / "page.html").as_uri())
    tags = visitor.page.evaluate("[...document.querySelectorAll('*')].map((one) => one.localName)")
    assert set(tags) <= ALLOWED | {"tbody"}
    assert visitor.page.evaluate("document.images[0].complete && document.images[0].naturalWidth > 50")
    assert "<script>alert(1)</script>" in visitor.page.locator("pre").inner_text()
    assert visitor.page.evaluate(COUNTED) == []
    visitor.page.goto((tmp_path / "picture.svg").as_uri())
    tags = visitor.page.evaluate("[...document.querySelectorAll('*')].map((one) => one.localName)")
    assert "svg" in tags and not set(tags) & {"script", "foreignObject", "image", "iframe", "style"}
    assert visitor.page.evaluate(COUNTED) == []


def test_the_canvas_and_the_export_window_show_a_hostile_name_as_it_is_written(visitor: Board, workspace: Path) -> None:
    board, page = visitor, visitor.page
    name = f"{NAMES[0]} {NAMES[1]} {NAMES[2]}.graph.json"
    (workspace / name).write_text(json.dumps(graph(LONG)), "utf-8")
    try:
        page.goto(f"{board.address}/")
        page.get_by_text("Begin with nothing").wait_for(timeout=30_000)
        go(board, "Files and templates")
        row = page.get_by_test_id("stMain").locator("[data-testid=stHorizontalBlock]").filter(has_text=name)
        row.get_by_role("button", name="Open").last.click()
        page.wait_for_selector("[data-testid=verdict]:not([disabled])", timeout=30_000)
        said(board, name)
        page.get_by_role("button", name="Export").click()
        dialog = page.get_by_role("dialog")
        with page.expect_download() as got:
            dialog.get_by_role("button", name="Download").first.click()
        assert json.loads(Path(got.value.path()).read_text("utf-8")) == graph(LONG)
        said(board, name)
    finally:
        (workspace / name).unlink()
