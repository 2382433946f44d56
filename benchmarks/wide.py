"""A wide shallow residual network against a thin deep one of the same size: seconds for a training step.

    python -m benchmarks.wide [--rounds 5] [--pairs small large]

Zagoruyko & Komodakis 2016, section 3 and figure 4: with as many weights and multiply-adds, the wide network is faster,
since it asks for few large convolutions instead of many small ones. Both networks stay in one process and take turns
of one step each, in batches of 32 random pictures of CIFAR's shape: time does not depend on what they show. Medians.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
BATCH = 32


class Size(NamedTuple):
    """Depth and widening factor of a WRN; the factor 1 is a thin pre-activation ResNet."""

    depth: int
    factor: int

    def __str__(self) -> str:
        return f"WRN-{self.depth}-{self.factor}"


PAIRS = {"small": (Size(16, 2), Size(46, 1)), "large": (Size(16, 4), Size(172, 1))}
"""Wide and thin, with weights and multiply-adds that differ by less than 5 %."""


class Trained(NamedTuple):
    """A network with a step to take."""

    parameters: int
    multiply_adds: int
    step: Callable[[], None]


class Step(NamedTuple):
    """Seconds of a step."""

    cpu: float
    wall: float


def made(size: Size) -> Trained:
    """A compiled network, after its first step."""
    import keras
    import numpy as np

    import archgraph as ag

    shaped = ag.infer(ag.load(ROOT / "examples/wide_resnet.graph.json").bind(depth=size.depth, k=size.factor))
    model = ag.compile_model(shaped, rolled="auto", fused=True)
    random = np.random.default_rng(0)
    pictures = random.normal(size=(BATCH, 32, 32, 3)).astype("float32")
    labels = random.integers(0, 10, BATCH)
    rule = ag.fused(keras.optimizers.SGD(0.01, 0.9))
    model.compile(rule, "sparse_categorical_crossentropy", jit_compile=False)
    model.train_on_batch(pictures, labels)
    assert isinstance(shaped.macs, int)
    return Trained(int(shaped.trainable), shaped.macs, lambda: model.train_on_batch(pictures, labels))


def timed(step: Callable[[], None]) -> Step:
    """What one step takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    step()
    return Step(time.process_time() - cpu, time.perf_counter() - wall)


def compare(wide: Size, thin: Size, rounds: int) -> str:
    """A line on both."""
    networks = {size: made(size) for size in (wide, thin)}
    sizes = [networks[size] for size in (wide, thin)]
    assert abs(sizes[0].parameters / sizes[1].parameters - 1) < 0.05, "not of the same size"
    turns: dict[Size, list[Step]] = {size: [] for size in networks}
    for _ in range(rounds):
        for size, network in networks.items():
            turns[size].append(timed(network.step))
    medians = {size: Step(*map(statistics.median, zip(*taken, strict=True))) for size, taken in turns.items()}
    told = [
        f"{size}: {network.parameters / 1e6:.2f} M weights, {network.multiply_adds / 1e6:.0f} M multiply-adds, "
        f"{medians[size].wall:.2f} s a step ({medians[size].cpu:.2f} s of CPU)"
        for size, network in networks.items()
    ]
    ratio = Step(*(b / a for a, b in zip(medians[wide], medians[thin], strict=True)))
    return "\n".join((*told, f"thin / wide: {ratio.wall:.2f} ({ratio.cpu:.2f} of CPU)"))


def main() -> None:
    """Print three lines for each pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", nargs="*", choices=list(PAIRS), default=list(PAIRS), help="which (default both)")
    parser.add_argument("--rounds", type=int, default=5, help="steps of each (default 5)")
    chosen = parser.parse_args()
    for name in chosen.pairs:
        print(compare(*PAIRS[name], chosen.rounds), flush=True)


if __name__ == "__main__":
    main()
