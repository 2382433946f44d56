"""How the benchmarks measure: CPU seconds of this process, the two sides of a ratio in turns, medians."""

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any


def cpu_seconds(action: Callable[[], Any]) -> float:
    """CPU time of the process (user and system) that one call takes."""
    gc.collect()
    start = time.process_time()
    action()
    return time.process_time() - start


def side_by_side(rounds: int, *actions: Callable[[], Any], between: Callable[[], Any] = gc.collect) -> list[float]:
    """Median CPU seconds of each action, called in turns after one call of each to warm up."""
    for action in actions:
        action()
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(rounds):
        for measured, action in zip(times, actions, strict=True):
            measured.append(cpu_seconds(action))
            between()
    return [statistics.median(measured) for measured in times]
