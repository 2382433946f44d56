"""Signals that ask a run to stop: it does so after the present batch, and saves everything."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ASKING = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what a machine that is shut down or a scheduler sends."""


@contextmanager
def listening(ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` at the first signal; a second one is not held back. Signals that are ignored stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}

    def give_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def heard(number: int, frame: FrameType | None) -> None:
        give_back()
        ask()

    for number in ASKING:
        present = signal.getsignal(number)
        if present not in (signal.SIG_IGN, None):  # None: set by a program that is not Python
            before[number] = signal.signal(number, heard)
    try:
        yield
    finally:
        give_back()
