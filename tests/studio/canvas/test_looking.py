"""Finding one's way: search, zoom, tidy, align, themes, screens."""

import re
from pathlib import Path

import pytest

from tests.studio.canvas.board import Board
from tests.studio.canvas.screens import keep
from tests.studio.canvas.test_adding import LENET


def zoom(board: Board) -> float:
    style = board.page.locator(".react-flow__viewport").get_attribute("style")
    return float(re.search(r"scale\(([\d.]+)\)", style)[1])  # type: ignore[index]


def test_a_node_is_found_here(board: Board) -> None:
    board.select("image")
    board.press("Control+f")
    board.page.keyboard.type("digt")
    board.press("Enter")
    board.expect(board.node("digit")).to_have_class(re.compile("selected"))


@pytest.mark.opened("block")
def test_anything_is_gone_to_from_anywhere(board: Board) -> None:
    board.select("image")
    board.press("Control+k")
    board.page.keyboard.type("b")
    entry = board.page.locator("[data-testid=finder] li").filter(has_text="conv in unit").last
    entry.click()
    board.expect(board.page.get_by_label("Where you are")).to_contain_text("unit")
    board.expect(board.node("out:output")).to_have_count(1)


def test_zoom_keys(board: Board) -> None:
    board.select("c1")
    board.press("0")
    board.settle()
    assert zoom(board) == 1
    board.press("1")
    board.settle()
    assert zoom(board) < 1


def test_tidying_lets_go_of_what_was_placed_by_hand(board: Board) -> None:
    x, y = board.middle(board.node("s4"))
    board.drag((x, y), (x + 200, y + 10))
    board.settle()
    board.press("Shift+Alt+T")
    board.settle(400)
    xs = {round(board.middle(board.node(name))[0]) for name in ("c1", "s4", "f6")}
    assert max(xs) - min(xs) < 3
    board.press("Control+z")
    board.settle()
    assert board.middle(board.node("s4"))[0] > max(xs) + 50


def test_selected_nodes_are_lined_up(board: Board) -> None:
    x, y = board.middle(board.node("s4"))
    board.drag((x, y), (x + 180, y + 10))
    board.settle()
    board.select("c1", "s4")
    board.page.get_by_role("button", name="Align left").click()
    board.settle()
    assert abs(board.middle(board.node("c1"))[0] - board.middle(board.node("s4"))[0]) < 3


def test_the_keys_are_shown(board: Board) -> None:
    board.select("c1")
    board.press("?")
    keys = board.page.get_by_test_id("keys")
    for words in ("Undo", "Group the selection into a block", "Go to anything", "Tidy up", "Rename; references follow"):
        board.expect(keys).to_contain_text(words)
    board.press("Escape")
    board.expect(keys).to_have_count(0)


def test_streamlits_own_keys_do_nothing_here(board: Board) -> None:
    board.select("c1")
    board.press("r", "c")
    board.settle()
    board.expect(board.page.get_by_text("Clear caches")).to_have_count(0)
    board.expect(board.node("c1")).to_have_class(re.compile("selected"))


def test_an_overview_is_shown(board: Board) -> None:
    board.expect(board.page.locator(".react-flow__minimap-node")).to_have_count(len(LENET))


CONTRASTS = Path(__file__).with_name("contrast.js")
SCREENS = [
    pytest.param(theme, width, height, marks=pytest.mark.opened("resnet50", theme=theme, width=width, height=height))
    for theme in ("light", "dark")
    for width, height in ((1280, 800), (3840, 2160))
]


@pytest.mark.parametrize(("theme", "width", "height"), SCREENS)
def test_all_is_readable_in_both_themes_and_on_any_screen(board: Board, theme: str, width: int, height: int) -> None:
    board.expect(board.page.get_by_test_id("studio")).to_have_class(re.compile(theme))
    board.select("stage2")
    for name in ("topbar", "palette", "inspector", "status"):
        box = board.page.locator(f".{name}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height, name
    keep(board.page, f"resnet50-{theme}-{width}x{height}")
    faint = board.page.evaluate(CONTRASTS.read_text())
    assert {name: ratio for name, ratio in faint.items() if ratio < 4.5} == {}
