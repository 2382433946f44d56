"""The figures of the studio against its goals: what an edit takes, what opens, what is sent, what many people take.

Without arguments edits and openings are measured in this process, as the pages do them: `python -m benchmarks.studio`.
With `--people` a studio is started at which twenty sessions edit at once; with `--browser` one is driven in Chromium
(playwright): what opens, badges and frames take there is what a person waits for. Both, after the rest, take about
six minutes on two cores; `--quick` shortens all of it to one.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archgraph.document.layout import Layout
from archgraph.document.reader import read_file
from archgraph.editing import catalogue
from archgraph.studio.answers import ANSWERS
from archgraph.studio.conversation import message
from archgraph.studio.session import Session

EXAMPLES = Path(__file__).parents[1] / "examples"
OPENED = ("lenet5", "resnet50", "densenet121", "preactivation_resnet")
"""The last is opened in its variant of 1001 layers."""
DEEPEST = "resnet1001"
PEOPLE, SECONDS = 20, 120
MANY = 300
PAYLOAD = 50_000
"""Bytes that an edit may send there and back: whole documents took 184,000 at a thousand nodes."""


def opened(name: str) -> Session:
    """An example as a page opens it."""
    path = EXAMPLES / f"{name}.graph.json"
    made = Session(read_file(path), Layout(), path.name, EXAMPLES)
    variants = list(made.value.get("variants") or ())
    made.variant = DEEPEST if DEEPEST in variants else ""
    return made


def answered(session: Session) -> int:
    """Bytes of what the browser is told."""
    return len(json.dumps(message(session), ensure_ascii=False).encode())


def edit(session: Session, number: int) -> int:
    """One edit while a node is selected, said and answered; returns the bytes of the answer."""
    names = list(session.value["nodes"])
    session.receive({
        "epoch": session.epoch, "catalogue": catalogue.fingerprint(), "selection": [names[number % len(names)]],
        "patches": [{"id": number, "patch": [{"at": "/doc", "value": f"edit {number}"}]}],
    }, ANSWERS)  # fmt: skip
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
    times, sizes, slowest, largest = [], [], (0.0, ""), (0, "")
    for path in sorted(EXAMPLES.glob("*.graph.json")):
        session = opened(path.name.removesuffix(".graph.json"))
        answered(session)
        session.receive({"epoch": session.epoch}, ANSWERS)  # from here on the browser has the document
        for number in range(1, rounds + 1):
            began = time.perf_counter()
            size = edit(session, number)
            taken = 1000 * (time.perf_counter() - began)
            times.append(taken)
            sizes.append(size)
            slowest = max(slowest, (taken, path.name))
        largest = max(largest, (size, path.name))
    middle, high = statistics.median(times), percentile(times, 0.95)
    line("edit → answer in Python, all examples, p50", f"{middle:.1f} ms", "≤ 100 ms", middle <= 100)
    line("edit → answer in Python, all examples, p95", f"{high:.1f} ms", "≤ 100 ms", high <= 100)
    print(f"     slowest: {slowest[1]} with {slowest[0]:.0f} ms")
    line(
        "edit → bytes of the answer, all examples, at most", f"{largest[0]:,}", f"≤ {PAYLOAD:,}", largest[0] <= PAYLOAD
    )
    print(f"     {statistics.median(sizes):,.0f} bytes in the middle; most for {largest[1]}")


def openings() -> None:
    """What it takes to open a file and say everything about it for the first time."""
    for name in OPENED:
        began = time.perf_counter()
        session = opened(name)
        size = answered(session)
        taken = time.perf_counter() - began
        what = f"open {session.variant or name} ({session.survey.shaped.count if session.survey.shaped else 0} layers)"
        line(f"{what} in Python", f"{taken:.2f} s, {size:,} bytes", "≤ 2 s", taken <= 2)


def people(seconds: float) -> None:
    """Many people at once at a studio of their own, over websockets as browsers do."""
    from benchmarks.people import gather, memory, together

    with tempfile.TemporaryDirectory() as folder:
        crowd = gather(Path(folder), EXAMPLES, PEOPLE)
        server, address = serve(folder)
        try:
            used, half = together(crowd, address, seconds, server.pid)
            whole, most = memory(server.pid), memory(server.pid, "VmHWM")
        finally:
            server.terminate()
            server.wait(20)
    times = [taken for one in crowd for taken in one.times]
    sizes = [size for one in crowd for size in one.sizes]
    wrong = [what for one in crowd for what in one.wrong]
    high = percentile(times, 0.95)
    line(f"{PEOPLE} people for {seconds:.0f} s, {len(times):,} edits, p95", f"{high:.3f} s", "< 1 s", high < 1)
    print(f"     p50 {statistics.median(times):.3f} s, slowest {max(times):.3f} s; an answer has"
          f" {statistics.median(sizes):,.0f} bytes in the middle, {max(sizes):,} at most")  # fmt: skip
    line("memory of the studio at most", f"{most:,.0f} MB", "< 2,000 MB", most < 2000)
    print(f"     {1000 * used / len(times):.0f} ms of processor time for an edit")
    print(f"     {half:,.0f} MB at half time, {whole:,.0f} MB at the end")
    line("answers about another's document", str(len(wrong)), "0", not wrong)
    for what in wrong[:5]:
        print(f"     {what}")


# ---- in a browser


def browser(rounds: int) -> None:
    """What a person waits for: opening, the badge after an edit, frames, tidying."""
    from playwright.sync_api import sync_playwright

    from benchmarks import driving

    with tempfile.TemporaryDirectory() as folder:
        edited = {name: _file(name, Path(folder)) for name in OPENED}
        (Path(folder) / "ladder.graph.json").write_text(json.dumps(ladder(MANY)))
        server, address = serve(folder)
        try:
            with sync_playwright() as play:
                chromium = driving.started(play)
                driving.open_page(chromium, address, "lenet5.graph.json")[0].close()  # the server imports its pages
                for name, (node, key) in edited.items():
                    page, taken = driving.open_page(chromium, address, f"{name}.graph.json")
                    line(f"{name}: page → drawn and judged", f"{taken:.2f} s", "≤ 2 s", taken <= 2)
                    times, sent = driving.until_badge(page, node, key, rounds)
                    half, most = statistics.median(times), percentile(times, 0.95)
                    line(f"{name}: edit → answer drawn, p50", f"{half:.0f} ms", "≤ 150 ms", half <= 150)
                    line(f"{name}: edit → answer drawn, p95", f"{most:.0f} ms", "≤ 250 ms", most <= 250)
                    line(f"{name}: bytes of an edit, there and back", f"{sent:,.0f}", f"≤ {PAYLOAD:,}", sent <= PAYLOAD)
                    page.close()
                page, _ = driving.open_page(chromium, address, "ladder.graph.json")
                for what, rate in (("panning", driving.panning(page)), ("dragging", driving.dragging(page))):
                    line(f"{MANY} nodes: frames a second while {what}", f"{rate:.0f}", "≥ 50", rate >= 50)
                taken = min(driving.tidying(page) for _ in range(3))
                line(f"{MANY} nodes: tidy", f"{taken:.2f} s", "≤ 0.5 s", taken <= 0.5)
                chromium.close()
        finally:
            server.terminate()
            server.wait(20)


def _file(name: str, folder: Path) -> tuple[str, str]:
    """Put an example there, its deepest variant first; returns a node of it and the field that is edited."""
    value = json.loads((EXAMPLES / f"{name}.graph.json").read_text())
    variants = value.get("variants") or {}
    if DEEPEST in variants:
        value["variants"] = {DEEPEST: variants.pop(DEEPEST), **variants}
    (folder / f"{name}.graph.json").write_text(json.dumps(value))
    return next(
        (node, key)
        for node, record in reversed(value["nodes"].items())
        for key in ("units", "filters")
        if isinstance(record.get(key), int) or (record.get("op") in ("dense", "conv") and key in record)
    )


def ladder(count: int) -> dict[str, Any]:
    """A graph of that many nodes without blocks, in which every third wire skips a node."""
    nodes: dict[str, Any] = {}
    before, earlier = "x", "x"
    for number in range(count - 2):
        name = f"n{number}"
        joined = number % 3 == 2
        nodes[name] = {"op": "add", "in": [before, earlier]} if joined else {"op": "dense", "in": before, "units": 16}
        before, earlier = name, before
    return {"archgraph": 1, "name": "ladder", "inputs": {"x": {"shape": [16]}}, "nodes": nodes,
            "outputs": {"y": before}}  # fmt: skip


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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run of some seconds")
    parser.add_argument("--browser", action="store_true", help="drive a real browser too")
    parser.add_argument("--people", action="store_true", help=f"let {PEOPLE} people edit at once, over websockets")
    arguments = parser.parse_args()
    print(f"     load of the machine at the start: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    edits(2 if arguments.quick else 10)
    openings()
    if arguments.people:
        people(10 if arguments.quick else SECONDS)
    if arguments.browser:
        browser(10 if arguments.quick else 60)
    print(f"     load of the machine at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
