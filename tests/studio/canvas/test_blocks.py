"""Blocks: drawn rolled, opened, edited once, made and taken apart."""

import pytest

from tests.studio.canvas.board import Board

OUTSIDE = ("image", "body", "pool", "out:y")
INSIDE = ("x", "a", "b", "out:output")


@pytest.mark.opened("resnet50")
def test_blocks_are_drawn_rolled(board: Board) -> None:
    board.see("image", "stem", "pool", "stage1", "stage2", "stage3", "stage4", "gap", "fc", "out:label")
    board.expect(board.node("stage3").locator(".times")).to_have_text("×6")


@pytest.mark.opened("block")
def test_a_block_is_entered_and_left(board: Board) -> None:
    crumbs = board.page.get_by_label("Where you are")
    for way in ("double-click", "Enter", "button"):
        if way == "double-click":
            board.node("body").dblclick()
        elif way == "Enter":
            board.select("body")
            board.press("Enter")
        else:
            board.node("body").hover()
            board.page.get_by_label("Open body").click()
        board.see(*INSIDE)
        board.expect(crumbs).to_contain_text("unit ×2")
        board.settle()
        board.press("Escape") if way != "button" else crumbs.get_by_role("button", name="block").first.click()
        board.see(*OUTSIDE)
        board.settle()


@pytest.mark.opened("block")
def test_inside_a_block_shapes_are_those_of_the_call(board: Board) -> None:
    board.node("body").dblclick()
    board.see(*INSIDE)
    board.settle()
    assert board.page.locator(".shape").all_inner_texts() == ["16×16×3", "16×16×8", "16×16×16"]


@pytest.mark.opened("block")
def test_a_block_is_edited_once_for_all_copies(board: Board) -> None:
    board.node("body").dblclick()
    board.see(*INSIDE)
    board.select("b")
    board.field("filters").locator("input").fill("=3*width")
    board.expect(board.field("filters").locator("output")).to_have_text("= 24")
    board.press("Escape")
    board.page.get_by_label("Where you are").get_by_role("button", name="block").first.click()
    board.see(*OUTSIDE)
    board.expect(board.page.locator(".shape").nth(1)).to_have_text("16×16×24")


def test_a_selection_becomes_a_block_and_a_block_its_contents(board: Board) -> None:
    board.select("c1", "s2")
    board.press("Control+g")
    board.page.get_by_label("Name of the block").fill("first_stage")
    board.press("Enter")
    board.expect(board.page.locator(".react-flow__node")).to_have_count(9)
    board.expect(board.verdict).to_have_text("Valid")
    block = next(iter(set(board.names()) - {"image", "c3", "s4", "c5", "flat", "f6", "digit", "out:digit"}))
    board.select(block)
    board.press("Control+Shift+g")
    board.expect(board.page.locator(".react-flow__node")).to_have_count(10)
    board.expect(board.verdict).to_have_text("1 warning")  # nothing calls the block any more
    board.page.get_by_test_id("studio").focus()
    board.press("Control+z", "Control+z")
    board.expect(board.node("c1")).to_have_count(1)


@pytest.mark.opened("inception_v1")
def test_a_block_of_the_library_is_read_only_until_it_is_copied(board: Board) -> None:
    name = next(one for one in board.names() if one.startswith(("mix", "inc")))
    board.node(name).dblclick()
    board.expect(board.page.locator(".readonly")).to_contain_text("read only")
    before = board.names()
    board.node(next(one for one in before if not one.startswith(("x", "out:")))).click()
    board.press("Delete")
    assert board.names() == before
    board.page.get_by_role("button", name="Copy into this file").click()
    board.expect(board.page.locator(".readonly")).to_have_count(0)
