"""The canvas as a person sees it: what can be pointed at, and what can be done with it."""

import json
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Point = tuple[float, float]


class Board:
    """One window. Everything goes through the page, as mouse and keyboard do."""

    def __init__(self, page: Any, address: str, workspace: Path) -> None:
        from playwright.sync_api import expect

        self.page, self.address, self.workspace, self.expect = page, address, workspace, expect
        expect.set_options(timeout=15_000)
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def open(self, name: str) -> None:
        """Open a copy of a graph of the workspace, and wait until it is laid out and judged."""
        copy = f"{name}_{uuid.uuid4().hex[:8]}.graph.json"
        shutil.copy(self.workspace / f"{name}.graph.json", self.workspace / copy)
        self.page.goto(f"{self.address}/?file={copy}")
        self.page.wait_for_selector("[data-testid=verdict]:not([disabled])", timeout=30_000)
        self.page.wait_for_selector(".react-flow__node", timeout=10_000)
        self.settle()

    def settle(self, milliseconds: int = 70) -> None:
        """Let layout and answers arrive; a choice of nodes is said after 60 milliseconds only."""
        self.page.wait_for_timeout(milliseconds)
        self.page.wait_for_selector("[data-testid=studio][aria-busy=false]", timeout=15_000)
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    # ---- what there is

    def node(self, name: str) -> Any:
        return self.page.locator(f'.react-flow__node[data-id="{name}"]')

    def wire(self, source: str, target: str) -> Any:
        return self.page.locator(f'.react-flow__edge[data-id^="{source}>{target}"]')

    def port(self, node: str, port: str) -> Any:
        return self.page.locator(f'.react-flow__handle[data-nodeid="{node}"][data-handleid="{port}"]')

    def field(self, name: str) -> Any:
        return self.page.locator(f'[data-testid=inspector] [data-field="{name}"]')

    @property
    def verdict(self) -> Any:
        return self.page.get_by_test_id("verdict")

    def names(self) -> list[str]:
        """Ids of everything on the canvas."""
        return sorted(self.page.locator(".react-flow__node").evaluate_all("all => all.map(one => one.dataset.id)"))

    def see(self, *names: str) -> None:
        """Wait until just these are on the canvas."""
        self.expect(self.page.locator(".react-flow__node")).to_have_count(len(names))
        for name in names:
            self.expect(self.node(name)).to_have_count(1)

    # ---- what is done

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def select(self, *names: str) -> None:
        for number, name in enumerate(names):
            self.node(name).click(modifiers=["Control"] if number else [])
        self.settle(10)

    def middle(self, target: Any) -> Point:
        box = target.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def between(self, source: str, target: str) -> Point:
        """The middle of a straight wire, a little aside of its label."""
        (x, y), (_, below) = self.middle(self.port(source, "output")), self.middle(self.port(target, "x"))
        return x, y + (below - y) * 0.2

    def drag(self, start: Point, *stops: Point) -> None:
        """Press at `start`, move over `stops` and let go at the last."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(start[0] + 2, start[1] + 2)  # a drag begins where the pointer is when it has begun to move
        for stop in stops:
            self.page.mouse.move(*stop, steps=6)
        self.settle(10)
        self.page.mouse.up()

    def empty(self) -> Point:
        """A point of the canvas with nothing on it."""
        box = self.page.get_by_test_id("flow").bounding_box()
        return box["x"] + 90, box["y"] + 120

    def drop(self, card: str, at: Point) -> None:
        """Drag a card of the palette to a point of the canvas."""
        self.page.get_by_label("Search the palette").fill(card)
        entry = self.page.locator(f'[data-testid=palette] [data-op="{card}"]')
        flow = self.page.get_by_test_id("flow")
        box = flow.bounding_box()
        entry.drag_to(flow, target_position={"x": at[0] - box["x"], "y": at[1] - box["y"]})
        self.page.get_by_label("Search the palette").fill("")
        self.settle()

    def clipboard(self) -> Any:
        """The JSON on the clipboard."""
        return json.loads(self.page.evaluate("navigator.clipboard.readText()"))

    def feeds(self, target: str) -> Sequence[str]:
        """Ids of the wires into a node."""
        every = self.page.locator(".react-flow__edge").evaluate_all("all => all.map(one => one.dataset.id)")
        return sorted(one for one in every if one.partition(">")[2].split("/")[0] == target)
