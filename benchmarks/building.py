"""JSON -> Keras model, against the same network written by hand in Keras: CPU seconds, interleaved, medians, one run.

    python benchmarks/building.py [--rounds 5]

Goal: a ratio of at most 1.0 for every network.
"""

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import archgraph as ag

GRAPHS = Path(__file__).parent / "graphs"
EXAMPLES = Path(__file__).parents[1] / "examples"


def cpu_seconds(action: Callable[[], Any]) -> float:
    """CPU time of the process (user and system) that `action` takes."""
    gc.collect()
    start = time.process_time()
    action()
    return time.process_time() - start


def from_json(file: Path, variant: str = "") -> Callable[[], Any]:
    """Everything from the text of a file to the Keras model."""
    reference = f"{file}#{variant}" if variant else str(file)
    return lambda: ag.compile_model(ag.infer(ag.load(reference)))


def main() -> None:
    """Print one line for each network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="timed builds of each (default 5)")
    rounds = parser.parse_args().rounds
    import keras

    from benchmarks import handwritten

    cases: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
        ("ResNet-50", from_json(GRAPHS / "resnet.graph.json", "resnet50"), lambda: handwritten.resnet((3, 4, 6, 3))),
        ("ResNet-152", from_json(GRAPHS / "resnet.graph.json", "resnet152"), lambda: handwritten.resnet((3, 8, 36, 3))),
        ("DenseNet-121", from_json(GRAPHS / "densenet121.graph.json"), lambda: handwritten.densenet((6, 12, 24, 16))),
    ]
    for name, ours, theirs in cases:
        assert ours().count_params() == theirs().count_params(), f"{name}: the two are not the same network"
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for measured, action in zip(times, (ours, theirs), strict=True):
                measured.append(cpu_seconds(action))
                keras.utils.clear_session()
        mine, hand = map(statistics.median, times)
        print(f"{name:13} JSON -> model {mine:5.2f} s   by hand {hand:5.2f} s   ratio {mine / hand:.2f}")


if __name__ == "__main__":
    main()
