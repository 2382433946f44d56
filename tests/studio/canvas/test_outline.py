"""The outline: the same graph as a table, by keyboard alone."""

from tests.studio.canvas.board import Board
from tests.studio.canvas.test_adding import LENET


def outlined(board: Board) -> None:
    board.select("c1")
    board.press("o")
    board.expect(board.page.get_by_test_id("outline")).to_be_visible()


def test_rows_stand_in_the_order_of_what_feeds_what(board: Board) -> None:
    outlined(board)
    rows = board.page.locator("[data-row]").evaluate_all("all => all.map(one => one.dataset.row)")
    assert rows == list(LENET)
    board.expect(board.page.locator('[data-row="c3"]')).to_contain_text("10×10×16")


def test_a_node_is_added_fed_and_deleted_without_a_mouse(board: Board) -> None:
    outlined(board)
    board.page.locator('[data-row="f6"] .name').focus()
    board.page.get_by_label("Add a layer or block").focus()
    board.page.keyboard.type("dropout")
    board.press("Enter")
    row = board.page.locator('[data-row="dropout"]')
    board.expect(row).to_have_count(1)
    board.expect(row.locator("select")).to_have_value("f6")
    board.page.get_by_label("What feeds x of digit").last.focus()
    board.page.get_by_label("What feeds x of digit").first.select_option("dropout")
    board.expect(board.verdict).to_have_text("Valid")
    board.page.get_by_label("Delete dropout").focus()
    board.press("Enter")
    board.expect(row).to_have_count(0)


def test_nodes_are_reached_and_moved_by_keys(board: Board) -> None:
    board.node("c3").focus()
    board.press("Enter")
    board.settle()
    x, _ = board.middle(board.node("c3"))
    for _ in range(4):
        board.press("ArrowRight")
    board.settle()
    assert board.middle(board.node("c3"))[0] > x + 10
    board.page.get_by_test_id("studio").focus()
    board.press("Control+z")
    board.settle()
    assert abs(board.middle(board.node("c3"))[0] - x) < 3
