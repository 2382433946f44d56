"""Contracts are made, broken and taken back in the inspector; what was removed is told while changes are marked."""

from tests.studio.canvas.board import Board


def test_a_contract_is_made_broken_and_taken_back(board: Board) -> None:
    board.page.mouse.click(*board.empty())
    board.settle()
    box = board.page.get_by_test_id("inspector")
    box.get_by_label("Promise something").select_option("nodes")
    board.settle()
    field = board.field("nodes").locator("input")
    board.expect(field).to_have_value("<= 13")  # 8 layers, and the activations of 5
    board.expect(board.verdict).to_have_text("Valid")
    field.fill("<= 3")
    board.settle()
    board.expect(board.field("nodes").get_by_role("alert")).to_contain_text("13")
    board.expect(board.verdict).not_to_have_text("Valid")
    board.field("nodes").hover()
    box.get_by_label("Take Nodes away").click()
    board.settle()
    board.expect(board.verdict).to_have_text("Valid")
    board.expect(board.field("nodes")).to_have_count(0)


def test_marked_changes_tell_of_what_was_removed_and_what_it_comes_to(board: Board) -> None:
    board.page.get_by_text("Mark changes").click()
    board.settle(400)
    panel = board.page.get_by_test_id("changes")
    board.expect(panel).to_contain_text("0 removed")
    board.select("f6")
    stood = board.middle(board.node("f6"))
    board.press("Control+Delete")
    board.settle()
    ghost = board.page.get_by_test_id("gone")
    board.expect(ghost).to_contain_text("f6")
    assert abs(board.middle(ghost)[0] - stood[0]) < 3 and abs(board.middle(ghost)[1] - stood[1]) < 3
    assert "f6" not in board.names()
    board.expect(panel.locator("s")).to_have_text("f6")
    board.expect(panel).to_contain_text("1 removed")
    # f6 had 120*84 + 84 weights; digit, which reads 120 numbers now and not 84, gains 36*10.
    board.expect(panel).to_contain_text(f"−{120 * 84 + 84 - 36 * 10:,} parameters")
