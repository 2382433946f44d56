"""Build and first training step, a steady step and memory: archgraph against hand-written Keras and its `fit`.

    python -m benchmarks.first_step [--networks NAME ...] [--rounds 3]

Each measurement is a process of its own, archgraph's and Keras's in turns; medians of CPU seconds (user and system).
Goals, as ratios of Keras's time to ours: 3 for ResNet-50, 4 for DenseNet-201, 8 for depth 164, 25 for depth 1001,
where building alone is 15 times faster and peak memory at most 0.45. A steady step takes at most 0.85 of Keras's.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

EXAMPLES = Path(__file__).parents[1] / "examples"
STEPS = 5


class Case(NamedTuple):
    """One network: its graph, the samples in a batch, and the goal for build and first step."""

    reference: str
    batch: int
    goal: float


CASES = {
    "ResNet-50": Case("resnet50.graph.json", 2, 3),
    "DenseNet-201": Case("densenet.graph.json#densenet201", 1, 4),
    "depth 164": Case("preactivation_resnet.graph.json", 8, 8),
    "depth 1001": Case("preactivation_resnet.graph.json#resnet1001", 8, 25),
}


class Measured(NamedTuple):
    """CPU seconds, and the largest size of the process in MB."""

    build: float
    first: float
    steady: float
    memory: float

    @property
    def total(self) -> float:
        """Build and first step."""
        return self.build + self.first


def main() -> None:
    """Print one line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", choices=list(CASES), default=list(CASES), help="which (default all)")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind (default 3)")
    parser.add_argument("--measure", nargs=2, metavar=("WHO", "NETWORK"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        who, name = chosen.measure
        print(json.dumps(measured(who, name)))
        return
    print(
        "Keras's time over archgraph's: build + first step, build alone; archgraph's over Keras's: steady step, memory"
    )
    for name in chosen.networks:
        runs: dict[str, list[Measured]] = {"keras": [], "archgraph": []}
        for _ in range(chosen.rounds):
            for who, found in runs.items():
                found.append(process(who, name))
        keras, ours = (Measured(*map(statistics.median, zip(*runs[who], strict=True))) for who in runs)
        print(
            f"{name:13} build + first step {keras.total:6.1f} s / {ours.total:5.1f} s = {keras.total / ours.total:5.1f}"
            f" (goal >= {CASES[name].goal:g})   build {keras.build / ours.build:5.1f}"
            f"   step {ours.steady / keras.steady:.2f}   memory {ours.memory / keras.memory:.2f}",
            flush=True,
        )


def process(who: str, name: str) -> Measured:
    """One measurement, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.first_step", "--measure", who, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def measured(who: str, name: str) -> Measured:
    """Build a network and train it on noise."""
    import keras

    import archgraph as ag
    from archgraph.compiler import layers  # importing counts on neither side
    from benchmarks import handwritten

    assert layers.LAYERS and ag.compile_model
    case = CASES[name]
    theirs: dict[str, Callable[[], Any]] = {
        "ResNet-50": lambda: handwritten.resnet((3, 4, 6, 3)),
        "DenseNet-201": lambda: handwritten.densenet((6, 12, 48, 32)),
        "depth 164": lambda: handwritten.preactivation_resnet(164),
        "depth 1001": lambda: handwritten.preactivation_resnet(1001),
    }

    def ours() -> Any:
        return ag.compile_model(ag.infer(ag.load(f"{EXAMPLES / case.reference}")), rolled="auto", fused=True)

    def sgd() -> Any:
        plain = keras.optimizers.SGD(0.01, momentum=0.9)
        return ag.fused(plain) if who == "archgraph" else plain

    build = ours if who == "archgraph" else theirs[name]
    return trained(build, sgd, case.batch, prepared=who == "archgraph")


def trained(build: Callable[[], Any], optimizer: Callable[[], Any], batch: int, *, prepared: bool) -> Measured:
    """Build a model and let `fit` take a first step and some more, on noise."""
    import keras
    import numpy as np

    import archgraph as ag

    clock = time.process_time
    start = clock()
    model = build()
    built = clock()
    random = np.random.default_rng(0)
    x = random.normal(size=(batch, *model.input_shape[1:])).astype("float32")
    y = random.integers(0, model.output_shape[-1], batch)
    model.compile(optimizer(), keras.losses.SparseCategoricalCrossentropy(), jit_compile=False)
    if prepared:
        ag.prepare(model, x, y)
    model.fit(x, y, batch_size=batch, verbose=0)
    first = clock()
    steps = []
    for _ in range(STEPS):
        before = clock()
        model.fit(x, y, batch_size=batch, verbose=0)
        steps.append(clock() - before)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(built - start, first - built, statistics.median(steps), memory)


if __name__ == "__main__":
    main()
