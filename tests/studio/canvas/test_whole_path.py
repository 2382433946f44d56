"""A whole path: from an empty canvas to a trained LeNet-5 and a file that is sound, by mouse and by keyboard."""

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.studio.canvas.board import Board
from tests.studio.canvas.screens import keep

TRAINED = 90_000
"""Milliseconds that training may take on a busy machine."""
STEPS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("conv", {"filters": "6", "kernel_size": "5", "padding": "valid", "activation": "tanh"}),
    ("avg_pool", {"pool_size": "2"}),
    ("conv", {"filters": "16", "kernel_size": "5", "padding": "valid", "activation": "tanh"}),
    ("avg_pool", {"pool_size": "2"}),
    ("conv", {"filters": "120", "kernel_size": "5", "padding": "valid", "activation": "tanh"}),
    ("flatten", {}),
    ("dense", {"units": "84", "activation": "tanh"}),
    ("dense", {"units": "10", "activation": "softmax"}),
)
NAMES = ("conv", "avg_pool", "conv2", "avg_pool2", "conv3", "flatten", "dense", "dense2")
WEIGHTS = 61_706
"""Of the LeNet-5 whose layers these are, by hand: 156 + 2,416 + 48,120 + 10,164 + 850."""


@pytest.fixture
def arrival(studio: str, workspace: Path, chromium: Any) -> Iterator[Board]:
    """A window of somebody who has just come."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    board = Board(context.new_page(), studio, workspace)
    board.page.goto(studio)
    board.page.get_by_text("Begin with nothing").wait_for(timeout=30_000)
    yield board
    keep(board.page, "path-last")
    context.close()
    assert board.faults == []


def accepted(path: Path) -> dict[str, Any]:
    """The saved file, which the command line accepts without a finding."""
    command = [sys.executable, "-m", "archgraph", "check", "--strict", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    held: dict[str, Any] = json.loads(path.read_text("utf-8"))
    assert [record["op"] for record in held["nodes"].values()] == [op for op, _ in STEPS]
    return held


def score(board: Board) -> float:
    """The share of right answers on samples never seen, as the results page tells it."""
    shown = board.page.get_by_test_id("stMetric").filter(has_text="accuracy").get_by_test_id("stMetricValue")
    board.expect(shown).to_be_visible(timeout=20_000)
    return float(shown.inner_text().rstrip("%")) / 100


def opened(board: Board) -> None:
    """Wait for the canvas."""
    board.page.wait_for_selector("[data-testid=verdict]:not([disabled])", timeout=30_000)
    board.settle()


def test_by_mouse(arrival: Board, workspace: Path) -> None:
    board, page = arrival, arrival.page
    page.get_by_role("button", name="Empty canvas").click()
    opened(board)
    flow = page.get_by_test_id("flow").bounding_box()
    left, right = flow["x"] + 118, flow["x"] + 548
    rows = [flow["y"] + 75 + 92 * row for row in range(5)]
    board.drop("input", (flow["x"] + 335, flow["y"] + 290))
    for _ in range(2):
        page.get_by_role("button", name="Zoom Out").click()
    board.field("shape").locator("input").fill("32, 32, 1")
    spots = [*((left, row) for row in rows), *((right, row) for row in rows[:4])]
    before = "input"
    for name, (op, values), spot in zip(NAMES, STEPS, spots, strict=False):
        board.drop(op, spot)
        board.expect(board.node(name)).to_have_count(1)
        board.drag(board.middle(board.port(before, "output")), board.middle(board.port(name, "x")))
        board.expect(board.wire(before, name)).to_have_count(1)
        board.node(name).click()
        for field, value in values.items():
            _fill(board, field, value)
        before = name
    board.drop("output", spots[-1])
    board.drag(board.middle(board.port(before, "output")), board.middle(board.node("out:output")))
    board.expect(board.verdict).to_have_text("Valid")
    page.get_by_role("button", name="Tidy up").click()
    board.settle()
    keep(page, "path-mouse-canvas")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog").get_by_label("File", exact=True).fill("by_mouse.graph.json")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    board.expect(page.get_by_text("Saved by_mouse.graph.json")).to_be_visible()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Make an experiment").click(timeout=20_000)
    page.get_by_role("button", name="Start training").click(timeout=30_000)
    board.expect(page.get_by_text("finished", exact=True)).to_be_visible(timeout=TRAINED)
    keep(page, "path-mouse-trained")
    page.get_by_test_id("stMain").get_by_role("button", name="Results and trying").click()
    assert score(board) >= 0.95
    keep(page, "path-mouse-results")
    assert accepted(workspace / "by_mouse.graph.json")["outputs"] == {"output": "dense2"}


def _fill(board: Board, field: str, value: str) -> None:
    """Write a value, or choose it, in the inspector."""
    control = board.field(field).locator("input, select").first
    if control.evaluate("one => one.tagName") == "SELECT":
        control.select_option(label=value)
    else:
        control.fill(value)


def test_by_keyboard(arrival: Board, workspace: Path) -> None:
    board, page, file = arrival, arrival.page, f"by_keyboard_{uuid.uuid4().hex[:6]}.graph.json"
    _reach(board, "Empty canvas")
    board.press("Enter")
    opened(board)
    _add_end(board, "input")
    _inspect(board)
    _write(board, "shape", "32, 32, 1")
    board.press("Escape")
    before = "input"
    for name, (op, values) in zip(NAMES, STEPS, strict=True):
        board.press("Tab")
        board.expect(page.get_by_label("Search for something to add")).to_be_focused()
        page.keyboard.type(op)
        board.press("Enter")
        board.expect(board.node(name)).to_have_class(re.compile("selected"))
        _inspect(board)
        _write(board, f"What feeds x of {name}", before)
        board.expect(board.wire(before, name)).to_have_count(1)
        board.press("Escape")
        _inspect(board)
        for field, value in values.items():
            _write(board, field, value)
        board.press("Escape")
        before = name
    _add_end(board, "output")
    _inspect(board)
    _write(board, "What feeds x of output", before)
    board.expect(board.verdict).to_have_text("Valid")
    board.press("Escape", "Shift+Alt+T")
    board.settle()
    keep(page, "path-keyboard-canvas")
    board.press("Control+s")
    field = page.get_by_role("dialog").get_by_label("File", exact=True)
    board.expect(field).to_be_visible()
    _reach(board, "File")
    board.press("Control+a")
    page.keyboard.type(file)
    board.press("Enter")
    _reach(board, "Save")
    board.press("Enter")
    board.expect(page.get_by_text(f"Saved {file}")).to_be_visible()
    for name in ("Train", "Make an experiment", "Start training"):
        board.expect(page.get_by_role("button", name=name, exact=True)).to_be_enabled(timeout=30_000)
        _reach(board, name)
        board.press("Enter")
    board.expect(page.get_by_text("finished", exact=True)).to_be_visible(timeout=TRAINED)
    _reach(board, "Results and trying")
    board.press("Enter")
    assert score(board) >= 0.95
    assert accepted(workspace / file)["outputs"] == {"output": "dense2"}


FOCUSED = r"""() => {
    let one = document.activeElement;
    while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
    if (!one) return '';
    const icons = [...one.querySelectorAll('[data-testid=stIconMaterial]')].map((icon) => icon.innerText);
    const text = icons.reduce((all, icon) => all.replace(icon, ''), one.innerText ?? '').trim().split('\n')[0];
    const field = one.closest('[data-field]')?.dataset.field ?? '';
    return [one.tagName, one.getAttribute('aria-label') ?? '', text, field, one.dataset.op ?? ''];
}"""


def _reach(board: Board, words: str, tag: str = "", most: int = 90) -> None:
    """Press Tab until what has these words, is the field of this name, or the palette's entry, has the focus."""
    seen = []
    for _ in range(most):
        found = board.page.evaluate(FOCUSED)
        seen.append(found)
        if words in found[1:] and (not tag or found[0] in tag):
            return
        board.press("Tab")
    raise AssertionError(f"{words!r} was not reached; passed {seen}")


def _inspect(board: Board) -> None:
    """Go to the inspector, and wait until it has the focus, as somebody does who looks."""
    board.press("i")
    board.expect(board.page.locator("[data-testid=inspector]:focus-within")).to_have_count(1)


def _add_end(board: Board, kind: str) -> None:
    """Add an input or output from the palette: back over the canvas's edge, and along to its search."""
    if board.page.evaluate(FOCUSED)[0] != "BODY":
        board.press("Shift+Tab")
    _reach(board, "Search the palette")
    board.page.keyboard.type(kind)
    _reach(board, kind)
    board.press("Enter")
    board.settle()


def _write(board: Board, field: str, value: str) -> None:
    """Go to a field and write, or choose by its first letters."""
    _reach(board, field, "INPUT SELECT")
    if board.page.evaluate(FOCUSED)[0] == "INPUT":
        board.press("Control+a")
    board.page.keyboard.type(value)
