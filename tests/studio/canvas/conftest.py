"""A studio of its own and a browser, for the tests that drive the canvas as a person does."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.studio.canvas.board import Board

ROOT = Path(__file__).parents[3]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
Windows = dict[tuple[object, ...], object]
GRAPHS = ("lenet5", "resnet50", "resnet_small", "inception_v1", "unet")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark by which a test says what it opens."""
    config.addinivalue_line("markers", "opened(name, width=, height=, theme=): what a test of the canvas opens")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try a gesture that failed twice more: a browser, a server and a trainer share two cores, and one may stand still.

    What the product itself loses on a slow machine is no hiccup, and is to be mended; `-r R` lists every rerun.
    """
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few of the examples."""
    folder = tmp_path_factory.mktemp("workspace")
    for name in GRAPHS:
        shutil.copy(ROOT / "examples" / f"{name}.graph.json", folder)
    for source in (Path(__file__).parent / "graphs").glob("*.graph.json"):
        shutil.copy(source, folder)
    return folder


@pytest.fixture(scope="session")
def studio(workspace: Path) -> Iterator[str]:
    """The address of a running studio."""
    if not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("no chromium: apt-get install chromium")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", "--server.address=127.0.0.1",
        f"--server.port={port}", "--browser.gatherUsageStats=false", "--server.fileWatcherType=none",
    ]  # fmt: skip
    surroundings = {**os.environ, "ARCHGRAPH_WORKSPACE": str(workspace), "CUDA_VISIBLE_DEVICES": ""}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=quiet, stderr=quiet)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _wait(address: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the studio did not start within 30 seconds")


@pytest.fixture(scope="session")
def chromium(studio: str, workspace: Path) -> Iterator[object]:
    """One Chromium for all tests; each gets a window of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM or None, args=list(FLAGS))
        first = started.new_page()  # the server imports its pages with the first visitor
        Board(first, studio, workspace).open("lenet5")
        first.close()
        yield started
        started.close()


@pytest.fixture(scope="session")
def windows(chromium: object) -> Windows:
    """Browser contexts by size and theme: what one has loaded need not be loaded again."""
    return {}


@pytest.fixture
def board(
    request: pytest.FixtureRequest, studio: str, workspace: Path, chromium: object, windows: Windows
) -> Iterator[Board]:
    """A window with LeNet-5, or with what the test's `opened` mark names."""
    mark = request.node.get_closest_marker("opened")
    options = {"width": 1280, "height": 800, "theme": "light", **(mark.kwargs if mark else {})}
    name = mark.args[0] if mark and mark.args else "lenet5"
    key = tuple(options.values())
    if key not in windows:
        windows[key] = chromium.new_context(  # type: ignore[attr-defined]
            viewport={"width": options["width"], "height": options["height"]}, color_scheme=options["theme"],
            permissions=["clipboard-read", "clipboard-write"], reduced_motion="reduce",
        )  # fmt: skip
    page = windows[key].new_page()  # type: ignore[attr-defined]
    made = Board(page, studio, workspace)
    made.open(name)
    yield made
    page.close()
    assert made.faults == []
