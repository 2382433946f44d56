"""Draw the README's pictures of the studio: ``python -m docs.screenshots``, with Chromium and `archgraph[test]`."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
EXAMPLES = ("resnet50.graph.json", "lenet5.graph.json", "lenet5.train.json")
READY = "[data-testid=studio][aria-busy=false]"


@contextmanager
def studio(folder: Path) -> Iterator[str]:
    """The address of a studio that shows a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "archgraph", "studio", str(folder), "--port", str(port), "--no-browser"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ})
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def canvas(page: Any, address: str) -> None:
    """ResNet-50 with one of its stages selected."""
    page.goto(f"{address}/?file=resnet50.graph.json")
    page.wait_for_selector("[data-testid=verdict]:not([disabled])", timeout=60_000)
    page.wait_for_timeout(800)
    page.locator('.react-flow__node[data-id="stage2"]').click()
    page.wait_for_selector(READY, timeout=30_000)
    page.wait_for_timeout(500)
    page.screenshot(path=str(PICTURES / "studio-canvas.png"))


def training(page: Any, address: str) -> None:
    """A finished run of LeNet-5, with its curves."""
    page.goto(f"{address}/train?file=lenet5.graph.json")
    page.get_by_role("button", name="Start training").click(timeout=60_000)
    page.get_by_text("finished", exact=True).wait_for(timeout=240_000)
    page.reload()  # as somebody finds it who comes back: nothing is still being drawn
    page.get_by_text("finished", exact=True).wait_for(timeout=60_000)
    page.locator("[data-testid=stVegaLiteChart]").nth(1).wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    page.wait_for_function("!document.querySelector('[data-stale=true]')")
    page.wait_for_timeout(1000)
    page.screenshot(path=str(PICTURES / "studio-training.png"))


def main() -> None:
    """Write both pictures."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as play:
        for example in EXAMPLES:
            shutil.copy(ROOT / "examples" / example, name)
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox"])
        with studio(Path(name)) as address:
            for draw in (canvas, training):
                page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
                draw(page, address)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
