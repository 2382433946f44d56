"""Fifty hostile strings in a real browser: on the canvas, in panels and on pages they are text and nothing else."""

import json
import uuid
from typing import Any

import pytest

from tests.studio.canvas.board import Board
from tests.studio.test_hostile import HOSTILE

COUNTED = """() => {
    const roots = [document];
    for (const root of roots) {
        for (const one of root.querySelectorAll('*')) if (one.shadowRoot) roots.push(one.shadowRoot);
    }
    const foreign = 'script:not([src]), iframe, object, embed, base, form[action], meta[http-equiv=refresh]';
    const leads = /^(href|src|action|formaction|xlink:href)$/;
    const armed = ({name, value}) => /^on/.test(name) || (leads.test(name) && /^\\s*javascript:/i.test(value));
    const away = (one) => one.matches('a[href]') && !one.href.startsWith(location.origin);
    const bad = (one) => [...one.attributes].some(armed) || one.matches(foreign) || away(one);
    return roots.flatMap((root) => [...root.querySelectorAll('*')]).filter(bad).map((one) => one.outerHTML);
}"""


def graph(*texts: str) -> dict[str, Any]:
    """A network that says hostile things wherever a file may: names too, which are refused in words."""
    nodes: dict[str, Any] = {"a": {"op": "conv", "in": "image", "filters": 2, "kernel_size": 3, "doc": texts[0]}}
    before = "a"
    for number, text in enumerate(texts):
        name = f"n{number}"
        nodes[name] = {"op": "flatten" if number == 0 else "dropout", "in": before, "doc": text}
        if number:
            nodes[name]["rate"] = 0.1
        before = name
    wrong = {text: {"op": text, "in": text} for text in texts}
    return {
        "archgraph": 1, "name": "hostile", "doc": " ".join(texts),
        "inputs": {"image": {"shape": [8, 8, 1], "doc": texts[0]}},
        "nodes": {**nodes, **wrong}, "outputs": {"y": before},
    }  # fmt: skip


LONG = "long $x$ <b>" * 80
ODD = (
    LONG, "a\u200bb", "\u200b", "\u202egnp", "\u2066x", "\\\\ \\n", "$x^2$", ":red[x] :material/home:", "\"'",
    "\U0001f578",
)  # fmt: skip
"""Beside the fifty: as long as a key may be, of no width, from right to left, escapes, what Markdown would draw."""


def dismissed(dialog: Any, spoken: list[str]) -> None:
    """Note what a script has said, and close it."""
    spoken.append(dialog.message)
    dialog.dismiss()


@pytest.mark.parametrize("texts", [HOSTILE[:25], [*HOSTILE[25:], *ODD]], ids=["first", "rest"])
def test_what_files_say_stays_text_everywhere(board: Board, texts: list[str]) -> None:
    page = board.page
    clean = page.evaluate(COUNTED)
    asked: list[str] = []
    spoken: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: dismissed(dialog, spoken))
    name = f"hostile_{uuid.uuid4().hex[:8]}.graph.json"
    (board.workspace / name).write_text(json.dumps(graph(*texts)), "utf-8")
    page.goto(f"{board.address}/?file={name}")
    page.wait_for_selector("[data-testid=verdict]:not([disabled])", timeout=30_000)
    board.settle()
    assert page.evaluate(COUNTED) == clean
    shown = page.locator(".card .name").evaluate_all("all => all.map((one) => one.textContent)")
    assert set(texts) <= set(shown), "names stand there as they are written"
    widest = page.locator(".react-flow__node").evaluate_all("all => Math.max(...all.map((one) => one.offsetWidth))")
    assert widest <= 224, "and no name makes a box grow"
    board.verdict.click()
    board.expect(page.get_by_test_id("problems").locator("li").first).to_be_visible()
    board.node("n0").click()
    board.settle()
    assert page.evaluate(COUNTED) == clean
    page.get_by_role("button", name="Outline").click()
    board.expect(page.get_by_test_id("outline")).to_be_visible()
    assert page.evaluate(COUNTED) == clean
    (board.workspace / name).unlink()
    assert spoken == []
    assert [url for url in asked if not url.startswith((board.address, "data:", "blob:"))] == []
