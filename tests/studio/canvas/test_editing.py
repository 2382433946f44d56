"""Changing what is there, and taking it back."""

import re

import pytest

from tests.studio.canvas.board import Board
from tests.studio.canvas.test_adding import LENET


@pytest.mark.parametrize("key", ["Delete", "Backspace"])
def test_a_node_is_deleted_with_its_wires_and_comes_back_by_one_undo(board: Board, key: str) -> None:
    board.select("s2")
    board.press(key)
    board.see(*(name for name in LENET if name != "s2"))
    assert board.feeds("c3") == []
    board.press("Control+z")
    board.see(*LENET)
    assert board.feeds("c3") == ["s2>c3/0"]
    board.expect(board.verdict).to_have_text("Valid")


@pytest.mark.parametrize("redo", ["Control+y", "Control+Shift+z"])
def test_what_was_undone_is_redone(board: Board, redo: str) -> None:
    board.select("s2")
    board.press("Delete", "Control+z")
    board.see(*LENET)
    board.press(redo)
    board.see(*(name for name in LENET if name != "s2"))


def test_deleting_with_control_joins_what_is_around(board: Board) -> None:
    board.select("s2")
    board.press("Control+Delete")
    board.expect(board.wire("c1", "c3")).to_have_count(1)


def test_a_wire_is_deleted(board: Board) -> None:
    board.page.mouse.click(*board.between("f6", "digit"))
    board.press("Delete")
    board.expect(board.wire("f6", "digit")).to_have_count(0)


def test_a_burst_of_typing_is_one_entry(board: Board) -> None:
    board.select("f6")
    units = board.field("units").locator("input")
    units.press("End")
    board.page.keyboard.type("00", delay=30)
    board.expect(board.node("f6")).to_contain_text("8400 units")
    board.node("c1").click()
    board.press("Control+z")
    board.expect(board.node("f6")).to_contain_text("84 units")
    board.expect(board.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_hundred_steps_are_taken_back(board: Board) -> None:
    board.select("c1")
    host = board.page.get_by_test_id("studio").evaluate_handle("one => one.getRootNode().querySelector('.host')")
    filters, size = (board.field(name).locator("input") for name in ("filters", "kernel_size"))
    for step in range(51):  # by turns, so that no two are one burst
        filters.fill(str(7 + step))
        size.fill(str(3 + step % 2))
    board.page.get_by_test_id("studio").focus()
    for _ in range(102):
        board.press("Control+z")
    board.expect(board.node("c1")).to_have_attribute("aria-label", re.compile("c1, Conv · 6 filters · 5×5"))
    assert host.evaluate("one => one.isConnected")  # answers that overtake each other do not take the canvas down
    board.expect(board.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_selecting_and_looking_around_are_no_entries(board: Board) -> None:
    board.select("c1", "c3")
    board.press("1", "0", "1")
    board.expect(board.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_moved_node_goes_back(board: Board) -> None:
    board.node("c1").click()
    x, y = board.middle(board.node("c1"))
    board.drag((x, y), (x + 130, y + 15))
    board.settle()
    assert board.middle(board.node("c1"))[0] > x + 60
    board.press("Control+z")
    board.settle()
    assert abs(board.middle(board.node("c1"))[0] - x) < 3


def test_renaming_takes_references_along(board: Board) -> None:
    board.select("c3")
    board.press("F2")
    board.expect(board.page.get_by_label("New name of c3")).to_be_focused()
    board.page.keyboard.type("second")
    board.press("Enter")
    board.expect(board.wire("second", "s4")).to_have_count(1)
    board.expect(board.verdict).to_have_text("Valid")
    board.page.get_by_test_id("studio").focus()
    board.press("Control+z")
    board.expect(board.wire("c3", "s4")).to_have_count(1)


def test_several_nodes_are_changed_at_once(board: Board) -> None:
    board.select("c1", "c3", "c5")
    board.field("activation").locator("select").select_option(label="relu")
    for name in ("c1", "c3", "c5"):
        board.expect(board.node(name)).to_have_attribute("aria-label", re.compile("relu"))
    board.page.get_by_test_id("studio").focus()
    board.press("Control+z")
    board.expect(board.node("c5")).to_have_attribute("aria-label", re.compile("tanh"))


def test_copies_are_graph_json_on_the_system_clipboard(board: Board) -> None:
    board.select("c3", "s4")
    board.press("Control+c")
    board.settle()
    assert set(board.clipboard()["nodes"]) == {"c3", "s4"}
    board.press("Control+v")
    board.expect(board.page.locator(".react-flow__node")).to_have_count(len(LENET) + 2)
    assert len([name for name in board.names() if name not in LENET]) == 2


def test_pasting_with_shift_keeps_what_feeds_it(board: Board) -> None:
    board.select("s4")
    board.press("Control+c")
    board.press("Control+Shift+v")
    board.expect(board.page.locator(".react-flow__node")).to_have_count(len(LENET) + 1)
    (fresh,) = set(board.names()) - set(LENET)
    assert board.feeds(fresh) == [f"c3>{fresh}/0"]


def test_what_is_cut_is_pasted_elsewhere(board: Board) -> None:
    board.select("f6")
    board.press("Control+x")
    board.see(*(name for name in LENET if name != "f6"))
    board.press("Control+v")
    board.see(*LENET)


def test_a_node_is_duplicated(board: Board) -> None:
    board.select("f6")
    board.press("Control+d")
    board.expect(board.page.locator(".react-flow__node")).to_have_count(len(LENET) + 1)


def test_a_note_is_written_on_a_node(board: Board) -> None:
    board.select("c3")
    board.press("n")
    board.page.keyboard.type("the layer with the table")
    board.press("Enter")
    board.expect(board.node("c3").locator(".note")).to_have_text("the layer with the table")
