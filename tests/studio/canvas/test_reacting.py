"""A run that has just been trained is tried on a row of numbers, and the canvas shows how each layer reacts."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from archgraph.studio import running
from archgraph.studio.profiling import profile
from archgraph.studio.suggesting import experiment, suggestions
from archgraph.studio.workspace import Workspace


@pytest.mark.slow
def test_activations_gradients_and_silent_units_of_a_real_run_stand_on_the_nodes(
    studio: str, workspace: Path, chromium: Any
) -> None:
    from playwright.sync_api import expect

    known = profile("iris", workspace)
    chosen = suggestions(known)[0]
    (workspace / "flowers.graph.json").write_text(json.dumps({**chosen.graph, "name": "flowers"}))
    value = experiment(known, "iris", "flowers", "flowers.graph.json", 3)
    (workspace / "flowers.train.json").write_text(json.dumps(value))
    job = running.begin(Workspace(workspace), "flowers.train.json", "flowers")
    end = time.time() + 90
    while job.state not in ("finished", "failed") and time.time() < end:
        time.sleep(0.3)
    assert job.state == "finished", job.log()

    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    for quantity, text in (("Activations", "activation"), ("Gradients", "gradient"), ("Silent units", "of 32 silent")):
        page.goto(f"{studio}/runs")
        row = page.get_by_role("textbox", name="4 numbers")
        row.fill("5.1, 3.5, 1.4, 0.2", timeout=30_000)
        row.press("Enter")
        page.get_by_text(quantity, exact=True).click(timeout=60_000)
        page.get_by_role("button", name="Show on the canvas how each layer reacts").click()
        marks = page.locator(".react-flow__node .mark b")
        expect(marks.first).to_be_visible(timeout=30_000)
        hidden = next(name for name, node in chosen.graph["nodes"].items() if node.get("units") == 32)
        mark = page.locator(f'.react-flow__node[data-id="{hidden}"] .mark')
        expect(mark).to_contain_text(text)
        if quantity != "Silent units":
            number = float(re.sub(r"[^\d.e-]", "", mark.inner_text().partition(" ")[2]))
            assert number > 0
        answers = page.locator(".react-flow__node .mark").count()
        assert answers >= len(chosen.graph["nodes"])
    page.close()
