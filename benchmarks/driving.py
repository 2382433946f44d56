"""The studio in a real browser: what a person waits for, measured inside the page."""

import os
import time
from collections.abc import Sequence
from typing import Any

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 60_000
FRAMES = 120
READY = "[data-testid=studio][aria-busy=false]"
_FIND = """const roots = [document];
for (const root of roots) for (const one of root.querySelectorAll('*')) if (one.shadowRoot) roots.push(one.shadowRoot);
const find = (text) => roots.map((root) => root.querySelector(text)).find(Boolean);"""
_COUNTING = """() => { window.frames_seen = []; const step = (now) => { window.frames_seen.push(now);
 window.counting = requestAnimationFrame(step); }; window.counting = requestAnimationFrame(step); }"""
_COUNTED = """() => { cancelAnimationFrame(window.counting); const all = window.frames_seen;
 return 1000 * (all.length - 1) / (all.at(-1) - all[0]); }"""
_WATCHING = f"""(field) => {{ {_FIND}
 const input = find(`[data-testid=inspector] [data-field="${{field}}"] input`), studio = find('[data-testid=studio]');
 window.waited = []; let began = 0, asked = false;
 input.addEventListener('input', () => {{ began = performance.now(); asked = false; }}, true);
 new MutationObserver(() => {{ asked = true; }}).observe(studio, {{ attributeFilter: ['aria-busy'] }});
 const look = () => {{ const busy = studio.getAttribute('aria-busy') === 'true';
   if (began && asked && !busy) {{ window.waited.push(performance.now() - began); began = 0; }}
   requestAnimationFrame(look); }};
 requestAnimationFrame(look); }}"""


def started(play: Any) -> Any:
    """Chromium as the machine has it."""
    return play.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS)


def open_page(chromium: Any, address: str, file: str) -> tuple[Any, float]:
    """A page that shows a file, and the seconds from asking for it until everything rests; its program is loaded."""
    page = chromium.new_page(viewport={"width": 1400, "height": 850})
    page.goto(f"{address}/start")
    page.wait_for_load_state("networkidle")
    began = time.perf_counter()
    page.goto(f"{address}/?file={file}")
    page.locator(READY).wait_for(timeout=PATIENCE)
    return page, time.perf_counter() - began


def until_badge(page: Any, node: str, field: str, rounds: int) -> tuple[Sequence[float], float]:
    """Milliseconds in the page from a key in the inspector until the answer to it is drawn; bytes sent for one edit."""
    traffic = _traffic(page)
    page.locator(f'.react-flow__node[data-id="{node}"]').click()
    box = page.locator(f'[data-testid=inspector] [data-field="{field}"] input')
    box.wait_for(timeout=PATIENCE)
    right = box.input_value()
    page.evaluate(_WATCHING, field)
    traffic.clear()
    for number in range(rounds):
        box.fill(f"{right}1" if number % 2 == 0 else right)
        page.wait_for_function(f"() => window.waited.length > {number}", timeout=PATIENCE)
    return list(page.evaluate("() => window.waited")), sum(traffic) / rounds


def _traffic(page: Any) -> list[int]:
    """The bytes of every message over the page's websockets, there and back, as they come."""
    sizes: list[int] = []
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    for event in ("Network.webSocketFrameSent", "Network.webSocketFrameReceived"):
        line.on(event, lambda heard: sizes.append(len(heard["response"]["payloadData"]) * 3 // 4))  # base64
    return sizes


def panning(page: Any) -> float:
    """Frames a second while the canvas is dragged about."""
    box = page.get_by_test_id("flow").bounding_box()
    return _dragged(page, (box["x"] + 40, box["y"] + 40))


def dragging(page: Any) -> float:
    """Frames a second while a node is dragged about."""
    for node in page.locator(".react-flow__node").all():
        box, flow = node.bounding_box(), page.get_by_test_id("flow").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if flow["x"] < middle[0] < flow["x"] + flow["width"] and flow["y"] < middle[1] < flow["y"] + flow["height"]:
            return _dragged(page, middle)
    raise RuntimeError("no node is in sight")


def _dragged(page: Any, start: tuple[float, float]) -> float:
    x, y = start
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 3, y + 3)
    page.evaluate(_COUNTING)
    for number in range(FRAMES):
        page.mouse.move(x + 3 * (number % 40), y + 2 * (number % 30))
    rate = float(page.evaluate(_COUNTED))
    page.mouse.up()
    page.locator(READY).wait_for(timeout=PATIENCE)
    return rate


def tidying(page: Any) -> float:
    """Seconds that a tidy takes, until the viewport rests."""
    page.get_by_test_id("studio").focus()
    page.evaluate(f"() => {{ {_FIND} const studio = find('[data-testid=studio]'); window.tidied = 0; let busy = false;"
                  " const began = performance.now(); const look = () => {"
                  " const now = studio.getAttribute('aria-busy') === 'true'; busy ||= now;"
                  " if (busy && !now) window.tidied = performance.now() - began; else requestAnimationFrame(look); };"
                  " requestAnimationFrame(look); }")  # fmt: skip
    page.keyboard.press("Shift+Alt+t")
    page.wait_for_function("() => window.tidied > 0", timeout=PATIENCE)
    return float(page.evaluate("() => window.tidied")) / 1000
