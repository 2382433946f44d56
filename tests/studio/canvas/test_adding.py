"""How things get onto the canvas."""

import pytest

from tests.studio.canvas.board import Board

LENET = ("image", "c1", "s2", "c3", "s4", "c5", "flat", "f6", "digit", "out:digit")


def test_a_card_of_the_palette_is_dragged_onto_the_canvas(board: Board) -> None:
    board.drop("max_pool", board.empty())
    board.see(*LENET, "max_pool")
    board.expect(board.node("max_pool").get_by_test_id("badge")).to_be_visible()


def test_a_card_dropped_on_a_wire_goes_between(board: Board) -> None:
    start, end = board.middle(board.node("c1")), board.middle(board.node("s2"))
    board.drop("dropout", ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    board.see(*LENET, "dropout")
    assert board.feeds("dropout") == ["c1>dropout/0"]
    assert board.feeds("s2") == ["dropout>s2/0"]
    board.expect(board.verdict).to_have_text("Valid")


@pytest.mark.parametrize("opening", ["Tab", "double-click"])
def test_search_adds_what_is_chosen(board: Board, opening: str) -> None:
    if opening == "Tab":
        board.select("c1")
        board.press("Tab")
    else:
        board.page.mouse.dblclick(*board.empty())
    board.page.keyboard.type("glbavgp")
    board.expect(board.page.locator("[data-testid=found] li").first).to_have_attribute("data-op", "global_avg_pool")
    board.press("Enter")
    board.see(*LENET, "global_avg_pool")


def test_a_wire_let_go_on_empty_space_offers_what_fits(board: Board) -> None:
    board.drag(board.middle(board.port("flat", "output")), board.empty())
    found = board.page.locator("[data-testid=found] li[data-op]")
    board.expect(found.first).to_be_visible()
    offered = found.evaluate_all("all => all.map(one => one.dataset.op)")
    assert "conv" not in offered and "dropout" in offered, "a vector has no neighbours to slide a kernel over"
    board.page.keyboard.type("dense")
    board.press("Enter")
    board.see(*LENET, "dense")
    assert board.feeds("dense") == ["flat>dense/0"]


def test_fuzzy_search_of_the_palette_takes_letters_in_order(board: Board) -> None:
    board.page.get_by_label("Search the palette").fill("btchnrm")
    board.expect(board.page.locator("[data-testid=palette] [data-op]").first).to_have_attribute("data-op", "batch_norm")


def test_inputs_and_outputs_are_added_too(board: Board) -> None:
    board.page.locator("[data-testid=palette] [data-op=input]").dblclick()
    board.see(*LENET, "input")


def test_a_node_dropped_on_a_wire_goes_between(board: Board) -> None:
    board.drop("spatial_dropout", board.empty())
    board.see(*LENET, "spatial_dropout")
    start, end = board.middle(board.node("c3")), board.middle(board.node("s4"))
    board.drag(board.middle(board.node("spatial_dropout")), ((start[0] + end[0]) / 2 + 10, (start[1] + end[1]) / 2))
    board.expect(board.wire("spatial_dropout", "s4")).to_have_count(1)
    assert board.feeds("spatial_dropout") == ["c3>spatial_dropout/0"]
