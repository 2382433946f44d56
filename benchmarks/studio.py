"""The figures of the studio against its goals: what an edit takes, what opens, what is sent, what many people take.

Without arguments everything is measured in this process, as the pages do it: `python -m benchmarks.studio`. With
`--browser` a studio is started and driven in Chromium (playwright): opening and frames are those that a person sees.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from archgraph.document.layout import Layout
from archgraph.document.reader import read_file
from archgraph.studio.answers import ANSWERS
from archgraph.studio.session import Session
from archgraph.studio.view import view

EXAMPLES = Path(__file__).parents[1] / "examples"
OPENED = ("lenet5", "resnet50", "densenet121", "preactivation_resnet")
"""The last is opened in its variant of 1001 layers."""
DEEPEST = "resnet1001"
PEOPLE, SECONDS = 20, 120
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def opened(name: str) -> Session:
    """An example as a page opens it."""
    path = EXAMPLES / f"{name}.graph.json"
    made = Session(read_file(path), Layout(), path.name, EXAMPLES)
    variants = list(made.value.get("variants") or ())
    made.variant = DEEPEST if DEEPEST in variants else ""
    return made


def answered(session: Session) -> int:
    """Bytes of what the browser is told."""
    shown = view(session.survey, session.opened)
    session.mend(shown)
    return len(json.dumps(session.data(shown), ensure_ascii=False).encode())


def edit(session: Session, number: int) -> int:
    """One edit, said and answered; returns the bytes of the answer."""
    change = {"at": "/doc", "value": f"edit {number}"}
    session.receive({"epoch": session.epoch, "patches": [{"id": number, "patch": [change]}]}, ANSWERS)
    return answered(session)


def percentile(times: Sequence[float], share: float) -> float:
    """The time that `share` of all do not exceed."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def line(what: str, got: str, goal: str, holds: bool) -> None:
    """One figure beside its goal."""
    print(f"{'ok ' if holds else 'NOT'}  {what:<58} {got:>26}   goal {goal}")


# ---- in this process


def edits(rounds: int) -> None:
    """What an edit takes in Python, over every example, and what is sent back."""
    times, sizes, slowest = [], [], (0.0, "")
    for path in sorted(EXAMPLES.glob("*.graph.json")):
        session = opened(path.name.removesuffix(".graph.json"))
        answered(session)
        session.receive({"epoch": session.epoch}, ANSWERS)
        for number in range(1, rounds + 1):
            began = time.perf_counter()
            size = edit(session, number)
            taken = 1000 * (time.perf_counter() - began)
            times.append(taken)
            sizes.append(size)
            slowest = max(slowest, (taken, path.name))
    middle, high = statistics.median(times), percentile(times, 0.95)
    line("edit → answer in Python, all examples, p50", f"{middle:.1f} ms", "≤ 100 ms", middle <= 100)
    line("edit → answer in Python, all examples, p95", f"{high:.1f} ms", "≤ 100 ms", high <= 100)
    print(f"     slowest: {slowest[1]} with {slowest[0]:.0f} ms")
    print(f"     an answer has {statistics.median(sizes):,.0f} bytes in the middle, {max(sizes):,} at most")


def openings() -> None:
    """What it takes to open a file and say everything about it for the first time."""
    for name in OPENED:
        began = time.perf_counter()
        session = opened(name)
        size = answered(session)
        taken = time.perf_counter() - began
        what = f"open {session.variant or name} ({session.survey.shaped.count if session.survey.shaped else 0} layers)"
        line(what, f"{taken:.2f} s, {size:,} bytes", "≤ 2 s", taken <= 2)


def people(seconds: float) -> None:
    """Many people at once, each with a document of their own, on threads as Streamlit has them."""
    names = [path.name.removesuffix(".graph.json") for path in sorted(EXAMPLES.glob("*.graph.json"))]
    times: list[float] = []
    wrong: list[str] = []
    end = time.monotonic() + seconds

    def work(person: int) -> None:
        drawn = random.Random(person)
        session = opened(names[(7 * person) % len(names)])
        answered(session)
        session.receive({"epoch": session.epoch}, ANSWERS)
        number = 0
        while time.monotonic() < end:
            number += 1
            began = time.perf_counter()
            change = {"at": "/doc", "value": f"person {person} edit {number}"}
            session.receive({"epoch": session.epoch, "patches": [{"id": number, "patch": [change]}]}, ANSWERS)
            answered(session)
            times.append(time.perf_counter() - began)
            if session.value["doc"] != f"person {person} edit {number}":
                wrong.append(f"{person} saw {session.value['doc']}")
            time.sleep(drawn.uniform(0.3, 0.9))

    threads = [threading.Thread(target=work, args=(person,)) for person in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    high = percentile(times, 0.95)
    line(f"{PEOPLE} people for {seconds:.0f} s, {len(times):,} edits, p95", f"{high:.3f} s", "< 1 s", high < 1)
    line("memory of all of them", f"{memory:,.0f} MB", "< 2,000 MB", memory < 2000)
    line("edits that one saw of another", str(len(wrong)), "0", not wrong)


# ---- in a browser


def browser() -> None:
    """What a person sees: opening, and frames while zooming."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        for name in OPENED:
            (Path(folder) / f"{name}.graph.json").write_bytes((EXAMPLES / f"{name}.graph.json").read_bytes())
        server, address = serve(folder)
        try:
            with sync_playwright() as play:
                program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
                chromium = play.chromium.launch(executable_path=program, args=FLAGS)
                for name in OPENED:
                    drive(chromium, address, name)
                chromium.close()
        finally:
            server.terminate()
            server.wait(20)


def serve(folder: str) -> tuple["subprocess.Popen[bytes]", str]:
    """A studio on a free port."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "archgraph", "studio", folder, "--port", str(port), "--no-browser"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                return server, address
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the studio did not start")


FRAMES = """() => new Promise((done) => { const stamps = []; const step = (now) => { stamps.push(now);
 stamps.length < 120 ? requestAnimationFrame(step) : done(1000 * 119 / (stamps[119] - stamps[0])); };
 requestAnimationFrame(step); })"""


PANNING = """() => { const roots = [document];
 for (const root of roots) for (const one of root.querySelectorAll('*')) if (one.shadowRoot) roots.push(one.shadowRoot);
 const pane = roots.map((root) => root.querySelector('.react-flow__pane')).find(Boolean);
 window.panning = setInterval(() => pane?.dispatchEvent(new WheelEvent('wheel', {deltaY: 8, bubbles: true})), 16); }"""


def drive(chromium: Any, address: str, name: str) -> None:
    """Open one network and zoom it."""
    page = chromium.new_page(viewport={"width": 1400, "height": 850})
    page.goto(f"{address}/?file=lenet5.graph.json")
    page.locator(".react-flow__node").first.wait_for(timeout=60_000)
    began = time.perf_counter()
    page.goto(f"{address}/?file={name}.graph.json")
    page.locator(".react-flow__node").first.wait_for(timeout=60_000)
    line(
        f"{name}: page → first node drawn",
        f"{time.perf_counter() - began:.2f} s",
        "≤ 2 s and the page's own start",
        True,
    )
    pane = page.locator(".react-flow__pane").first.bounding_box()
    if pane is not None:
        page.mouse.move(pane["x"] + 200, pane["y"] + 200)
        page.mouse.down(button="middle")
        rate = pan(page, pane, lambda: page.evaluate(FRAMES))
        page.mouse.up(button="middle")
        line(f"{name}: frames a second while zooming", f"{rate:.0f}", "≥ 50", rate >= 50)
    page.close()


def pan(page: Any, pane: Any, measure: Callable[[], float]) -> float:
    """Frames a second while the canvas is zoomed."""
    page.evaluate(PANNING)
    rate = measure()
    page.evaluate("() => clearInterval(window.panning)")
    return rate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run of some seconds")
    parser.add_argument("--browser", action="store_true", help="drive a real browser too")
    arguments = parser.parse_args()
    edits(2 if arguments.quick else 10)
    openings()
    people(3 if arguments.quick else SECONDS)
    if arguments.browser:
        browser()


if __name__ == "__main__":
    main()
