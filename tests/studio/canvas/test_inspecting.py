"""The inspector and the problems: forms from the catalogue, findings at their fields, fixes in one click."""

import re

import pytest

from tests.studio.canvas.board import Board


def test_a_form_is_made_from_the_parameters(board: Board) -> None:
    board.select("c1")
    board.expect(board.field("filters").locator("input")).to_have_value("6")
    options = board.field("activation").locator("option").all_inner_texts()
    assert {"none", "relu", "tanh", "softmax"} <= set(options)
    board.expect(board.field("filters")).to_contain_text("Number of kernels")


def test_a_changed_field_is_marked_and_set_back(board: Board) -> None:
    board.select("c1")
    board.expect(board.field("padding")).to_have_class(re.compile("changed"))
    board.field("padding").hover()
    board.page.get_by_label("Reset Padding").click()
    board.expect(board.field("padding")).not_to_have_class(re.compile("changed"))
    board.expect(board.page.locator(".shape").nth(1)).to_have_text("32×32×6")


def test_a_value_out_of_bounds_is_told_at_the_field_and_not_taken(board: Board) -> None:
    board.select("c1")
    board.field("filters").locator("input").fill("0")
    board.expect(board.field("filters").get_by_role("alert")).to_contain_text("at least 1")
    board.expect(board.verdict).to_have_text("Valid")


@pytest.mark.opened("block")
def test_an_expression_shows_its_value(board: Board) -> None:
    board.node("body").dblclick()
    board.expect(board.node("b")).to_have_count(1)
    board.select("b")
    board.expect(board.field("filters").locator("input")).to_have_value("=2*width")
    board.expect(board.field("filters").locator("output")).to_have_text("= 16")


@pytest.mark.opened("block")
def test_parameters_of_a_block_are_set_where_it_is_called(board: Board) -> None:
    board.select("body")
    board.field("width").locator("input").fill("5")
    board.expect(board.page.locator(".shape").nth(1)).to_have_text("16×16×10")


@pytest.mark.opened("block")
def test_repeats_are_set(board: Board) -> None:
    board.select("body")
    board.field("repeat").locator("input").fill("4")
    board.expect(board.node("body").locator(".times")).to_have_text("×4")


def test_what_a_node_does_is_told_in_words(board: Board) -> None:
    board.select("c1")
    told = board.page.locator(".explanation")
    board.expect(told).to_contain_text("Slide small kernels over the input")
    board.expect(told).to_contain_text("5×5")  # what an element of its output sees
    board.expect(told).to_contain_text("28")


@pytest.mark.opened("faulty")
def test_a_fault_is_outlined_grouped_and_found(board: Board) -> None:
    board.expect(board.node("sum").locator(".card")).to_have_class(re.compile("error"))
    board.verdict.click()
    panel = board.page.get_by_test_id("problems")
    board.expect(panel.locator("li").first).to_contain_text("AG303")
    panel.locator(".where").first.click()
    board.expect(board.node("sum")).to_have_class(re.compile("selected"))


@pytest.mark.opened("faulty")
def test_a_verified_fix_takes_one_click_and_one_undo(board: Board) -> None:
    board.verdict.click()
    fix = board.page.locator("[data-testid=problems] .fix").first
    board.expect(fix).to_be_visible()
    board.expect(fix.locator("i")).to_contain_text("param")
    fix.click()
    board.expect(board.verdict).not_to_contain_text("error")
    board.page.get_by_test_id("studio").focus()
    board.press("Control+z")
    board.expect(board.verdict).to_contain_text("1 error")


@pytest.mark.opened("block")
def test_a_closed_block_shows_what_is_wrong_in_it(board: Board) -> None:
    board.node("body").dblclick()
    board.expect(board.node("a")).to_have_count(1)
    board.select("a")
    board.press("Delete")
    board.page.get_by_label("Where you are").get_by_role("button", name="block").first.click()
    board.expect(board.node("body").get_by_test_id("badge")).to_be_visible()


HOSTILE = (
    "<img src=x onerror=window.hit=1>",
    "<script>window.hit=1</script>",
    '"><svg onload=window.hit=1>',
    "javascript:window.hit=1",
    "{{constructor.constructor('window.hit=1')()}}",
    "</textarea><iframe srcdoc='<script>parent.hit=1</script>'>",
    "\u202egnp.exe",
    "&lt;b&gt;",
)
ELEMENTS = """() => [...document.querySelectorAll('*')].find(one => one.shadowRoot?.querySelector('.studio'))
    .shadowRoot.querySelectorAll('img, script, iframe, svg[onload], a').length"""


def test_notes_are_text_whatever_they_hold(board: Board) -> None:
    before = board.page.evaluate(ELEMENTS)
    board.select("c3")
    for text in HOSTILE:
        board.press("n")
        board.page.keyboard.press("Control+a")
        board.page.keyboard.insert_text(text)
        board.press("Enter")
        board.expect(board.node("c3").locator(".note")).to_have_text(text)
        board.node("c3").click()
    assert board.page.evaluate(ELEMENTS) == before
    assert board.page.evaluate("window.hit") is None
