"""A steady training step: archgraph against hand-written Keras and its `fit`, and against hand-written PyTorch.

    python -m benchmarks.training [--networks NAME ...] [--rounds 7]

Every contestant is a process of its own that stays; they take turns of some steps each, so that a busy machine slows
all of them. Medians over the turns of CPU seconds (user and system) and of wall time. PyTorch takes part where it is
installed (``pip install torch``). Goals: at most 0.8 of PyTorch's eager step on LeNet-5 and ResNet-20, level with
``torch.compile``, at most 1.3 on the LSTM; never more than Keras's `fit`.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
RATE, MOMENTUM = 0.01, 0.9


class Case(NamedTuple):
    """One network: its graph, its hand-written rivals, the shape of a batch, steps in a turn, the goal."""

    graph: str
    rival: str
    shape: tuple[int, ...]
    steps: int
    goal: float


CASES = {
    "LeNet-5": Case("examples/lenet5.graph.json", "lenet5", (64, 32, 32, 1), 100, 0.8),
    "ResNet-20": Case("examples/resnet_cifar.graph.json#resnet20_b", "resnet20", (64, 32, 32, 3), 8, 0.8),
    "LSTM": Case("benchmarks/graphs/lstm.graph.json", "lstm", (32, 50, 32), 30, 1.3),
}
CONTESTANTS = ("archgraph", "Keras fit", "PyTorch eager", "PyTorch compiled")


class Turn(NamedTuple):
    """Milliseconds a step."""

    cpu: float
    wall: float


# ---- the driver


class Contestant:
    """A process that trains some steps whenever it is asked to."""

    def __init__(self, who: str, network: str) -> None:
        command = [sys.executable, "-m", "benchmarks.training", "--work", who, network]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.parameters = int(self._line())
        self.turns: list[Turn] = []

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended early")
        return line

    def take_turn(self) -> None:
        """Train, and note how long a step took."""
        assert self.process.stdin is not None
        print("go", file=self.process.stdin, flush=True)
        self.turns.append(Turn(*json.loads(self._line())))

    def leave(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    @property
    def median(self) -> Turn:
        """Of all turns."""
        return Turn(*map(statistics.median, zip(*self.turns, strict=True)))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", choices=list(CASES), default=list(CASES), help="which (default all)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default 7)")
    parser.add_argument("--work", nargs=2, metavar=("WHO", "NETWORK"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        work(*chosen.work)
        return
    known = CONTESTANTS if importlib.util.find_spec("torch") else CONTESTANTS[:2]
    print("milliseconds a step (CPU / wall), and archgraph's share of each (CPU)")
    for network in chosen.networks:
        found = compare(network, known, chosen.rounds)
        ours = found["archgraph"].cpu
        rows = [f"{who} {turn.cpu:.1f} / {turn.wall:.1f} = {ours / turn.cpu:.2f}" for who, turn in found.items()]
        print(f"{network:10} {'   '.join(rows)}   (goal <= {CASES[network].goal:g} of PyTorch eager)", flush=True)


def compare(network: str, known: tuple[str, ...], rounds: int) -> dict[str, Turn]:
    """Medians of all contestants on one network."""
    contestants = {who: Contestant(who, network) for who in known}
    counts = {who: one.parameters for who, one in contestants.items()}
    assert len(set(counts.values())) == 1, f"not the same network: {counts}"
    for _ in range(rounds):
        for one in contestants.values():
            one.take_turn()
    for one in contestants.values():
        one.leave()
    return {who: one.median for who, one in contestants.items()}


# ---- a contestant's process


def work(who: str, network: str) -> None:
    """Set up, take a step, then train a turn for every line of standard input."""
    case = CASES[network]
    parameters, turn = SETS_UP[who](case)
    turn(2)
    print(parameters, flush=True)
    for _ in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        turn(case.steps)
        passed = time.process_time() - cpu, time.perf_counter() - wall
        print(json.dumps([1000 * seconds / case.steps for seconds in passed]), flush=True)


def _numbers(case: Case) -> tuple[Any, Any]:
    import numpy as np

    random = np.random.default_rng(0)
    count = case.shape[0] * case.steps
    return random.normal(size=(count, *case.shape[1:])).astype("float32"), random.integers(0, 10, count)


def _ours(case: Case) -> tuple[int, Callable[[int], None]]:
    import keras

    import archgraph as ag
    from archgraph.training.data.dataset import Part
    from archgraph.training.feed import Feed

    shaped = ag.infer(ag.load(ROOT / case.graph))
    model = ag.compile_model(shaped, rolled="auto", fused=True)
    x, y = _numbers(case)
    model.compile(ag.fused(keras.optimizers.SGD(RATE, MOMENTUM)), "sparse_categorical_crossentropy", jit_compile=False)
    ag.prepare(model, x[:2], y[:2])
    feed = Feed(Part({"x": x}, {"y": y}), case.shape[0])

    def turn(steps: int) -> None:
        batches = feed.batches()
        for _ in range(steps):
            model.train_function(batches)

    return int(shaped.trainable), turn


def _keras(case: Case) -> tuple[int, Callable[[int], None]]:
    import keras

    from benchmarks import rivals

    model = getattr(rivals, f"keras_{case.rival}")()
    model.compile(keras.optimizers.SGD(RATE, MOMENTUM), "sparse_categorical_crossentropy", jit_compile=False)
    x, y = _numbers(case)
    size = case.shape[0]

    def turn(steps: int) -> None:
        model.fit(x[: steps * size], y[: steps * size], batch_size=size, verbose=0)

    return sum(int(keras.ops.size(weight)) for weight in model.trainable_weights), turn


def _torch(case: Case, *, compiled: bool = False) -> tuple[int, Callable[[int], None]]:
    import torch

    from benchmarks import rivals

    made = getattr(rivals, f"torch_{case.rival}")()
    optimizer = torch.optim.SGD(made.parameters(), RATE, MOMENTUM)
    model = torch.compile(made) if compiled else made
    numbers, classes = _numbers(case)
    x = torch.from_numpy(numbers)
    if x.ndim == 4:
        x = x.permute(0, 3, 1, 2).contiguous()
    xs, ys = x.split(case.shape[0]), torch.from_numpy(classes).split(case.shape[0])

    def turn(steps: int) -> None:
        for number in range(steps):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(xs[number]), ys[number]).backward()
            optimizer.step()

    # PyTorch's LSTM and Keras's differ in one thing: PyTorch has two biases where one does
    twice = sum(weight.numel() for name, weight in made.named_parameters() if "bias_hh" in name)
    return sum(weight.numel() for weight in made.parameters()) - twice, turn


def _compiled(case: Case) -> tuple[int, Callable[[int], None]]:
    return _torch(case, compiled=True)


SETS_UP: dict[str, Callable[[Case], tuple[int, Callable[[int], None]]]] = dict(
    zip(CONTESTANTS, (_ours, _keras, _torch, _compiled), strict=True)
)


if __name__ == "__main__":
    main()
