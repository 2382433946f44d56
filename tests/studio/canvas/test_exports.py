"""Everything that the Export window hands out, taken from it as a person does, and used."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.studio.canvas.board import Board
from tests.studio.canvas.screens import keep

WEIGHTS = 61_706
"""Of LeNet-5 with full connections, by hand: 156 + 2,416 + 48,120 + 10,164 + 850."""
COMPARED = """
import json, runpy, sys
import numpy as np
import keras
import archgraph as ag

folder, graph = sys.argv[1:]
loaded = keras.models.load_model(f"{folder}/lenet5.keras")
sample = np.random.default_rng(3).normal(size=(4, 32, 32, 1)).astype("float32")
made = ag.compile_model(ag.infer(ag.load(graph)))
written = runpy.run_path(f"{folder}/lenet5.py")["build"]()
told = {}
for name, other in (("compiled", made), ("source", written)):
    other.set_weights(loaded.get_weights())
    first, second = (np.concatenate([*map(np.asarray, keras.tree.flatten(of(sample)))]) for of in (loaded, other))
    told[name] = float(abs(first - second).max())
told["sum"] = float(first.sum())
told["count"] = loaded.count_params()
print(json.dumps(told))
"""


def taken(board: Board, row: str, folder: Path) -> Path:
    """What the button beside `row` gives."""
    dialog = board.page.get_by_role("dialog")
    offered = dialog.locator("[data-testid=stHorizontalBlock]").filter(has_text=row).last
    with board.page.expect_download(timeout=60_000) as got:
        offered.get_by_role("button", name="Download").click(timeout=170_000)
    path: Path = folder / got.value.suggested_filename
    got.value.save_as(path)
    return path


def test_what_is_exported_opens(board: Board, tmp_path: Path) -> None:
    original = {path.name: path.read_bytes() for path in board.workspace.glob("lenet5_*.graph.json")}
    board.page.get_by_role("button", name="Export").click()
    graph = taken(board, "Graph file (JSON)", tmp_path)
    assert original[graph.name] == graph.read_bytes(), "an export without an edit is the file"
    keep(board.page, "export-window")
    picture = taken(board, "Picture (SVG)", tmp_path)
    assert ET.parse(picture).getroot().tag.endswith("svg")
    with Image.open(taken(board, "Picture (PNG)", tmp_path)) as drawn:
        assert drawn.format == "PNG" and min(drawn.size) > 100
    compile(taken(board, "Keras code (Python)", tmp_path).read_text("utf-8"), "lenet5.py", "exec")
    page = taken(board, "Page (HTML)", tmp_path)
    asked: list[str] = []
    other = board.page.context.new_page()
    other.on("request", lambda request: asked.append(request.url))
    other.goto(page.as_uri())
    board.expect(other.get_by_role("heading", level=1)).to_have_text("lenet5")
    board.expect(other.locator("p").filter(has_text="parameters")).to_contain_text("61,706")
    assert other.evaluate("document.images[0].naturalWidth > 100")
    assert json.loads(other.locator("pre").inner_text()) == json.loads(graph.read_text("utf-8"))
    keep(other, "exported-page")
    other.close()
    assert all(url.startswith(("file:", "data:")) for url in asked)


@pytest.mark.slow
def test_models_and_source_that_are_exported_answer_as_the_graph_does(board: Board, tmp_path: Path) -> None:
    board.page.get_by_role("button", name="Export").click()
    board.page.get_by_role("dialog").get_by_role("button", name="Build").click()
    model = taken(board, "Keras model", tmp_path).rename(tmp_path / "lenet5.keras")
    taken(board, "Keras code (Python)", tmp_path).rename(tmp_path / "lenet5.py")
    graph = taken(board, "Graph file (JSON)", tmp_path)
    done = subprocess.run([sys.executable, "-c", COMPARED, str(tmp_path), str(graph)], capture_output=True, text=True,
                          timeout=240, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["count"] == WEIGHTS and model.stat().st_size > 4 * WEIGHTS
    assert told["sum"] == pytest.approx(4, abs=1e-4), "four samples, whose probabilities add up to one each"
    assert max(told["compiled"], told["source"]) < 1e-5
