"""Wires: what is taken, what is refused, and why."""

import pytest

from tests.studio.canvas.board import Board


@pytest.mark.opened("faulty")
def test_a_wire_is_drawn_from_port_to_port(board: Board) -> None:
    board.drag(board.middle(board.port("wide", "output")), board.middle(board.port("sum", "terms.1")))
    board.expect(board.wire("wide", "sum/1")).to_have_count(1)
    board.expect(board.verdict).to_contain_text("warning")


@pytest.mark.opened("block")
def test_a_wire_dropped_on_a_body_takes_the_first_free_port_that_fits(board: Board) -> None:
    board.drop("add", board.empty())
    board.drag(board.middle(board.port("body", "output")), board.middle(board.node("add")))
    board.expect(board.wire("body", "add/0")).to_have_count(1)
    board.drag(board.middle(board.port("image", "output")), board.middle(board.node("add")))
    board.expect(board.page.locator(".refusal")).to_contain_text("16")
    assert board.feeds("add") == ["body>add/0"], "3 channels cannot be added to 16"


def test_a_refusal_says_why_at_the_target(board: Board) -> None:
    refused = [("f6", "c3", "circle"), ("digit", "image", "outside"), ("flat", "c1", "circle"), ("c1", "c1", "")]
    for source, target, reason in refused:
        before = board.feeds(target)
        board.drag(board.middle(board.port(source, "output")), board.middle(board.node(target)))
        if reason:
            said = board.page.locator(".refusal")
            board.expect(said).to_contain_text(reason)
            x, y = board.middle(said)
            tx, ty = board.middle(board.node(target))
            assert abs(x - tx) < 200 and abs(y - ty) < 120, "not in a corner of the window"
        assert board.feeds(target) == before


def test_the_shape_of_what_would_come_is_shown_before_letting_go(board: Board) -> None:
    start = board.middle(board.port("image", "output"))
    board.page.mouse.move(*start)
    board.page.mouse.down()
    board.page.mouse.move(*board.middle(board.node("c3")), steps=8)
    board.expect(board.page.locator(".shape.ghost").first).to_be_visible()
    board.page.mouse.up()


def test_shapes_stand_on_wires_and_costs_on_nodes(board: Board) -> None:
    shapes = board.page.locator(".shape").all_inner_texts()
    assert shapes == ["32×32×1", "28×28×6", "14×14×6", "10×10×16", "5×5×16", "1×1×120", "120", "84", "10"]
    board.expect(board.node("c1")).to_contain_text("156 params")  # 6 * (5 * 5 * 1 + 1)
    board.expect(board.node("c1")).to_contain_text("118k MACs")  # 28 * 28 * 6 * 25 = 117,600
    board.expect(board.page.locator(".status")).to_contain_text("61.7k parameters")


def test_shapes_follow_an_edit(board: Board) -> None:
    board.select("c1")
    board.field("filters").locator("input").fill("9")
    board.expect(board.page.locator(".shape").nth(1)).to_have_text("28×28×9")
    board.expect(board.page.locator(".shape").nth(2)).to_have_text("14×14×9")
