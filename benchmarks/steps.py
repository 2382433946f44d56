"""A steady training step of every example: as `archgraph train` compiles it, against Keras's own layers and step.

    python -m benchmarks.steps [EXAMPLE ...] [--rounds 7] [--all]

Both models have the same layers and weights; one is rolled and fused and prepared, the other is what hand-written Keras
is. They take turns in one process (for each example a new one): medians of CPU seconds. Goal: at most 0.85 for
convolutional networks with batch normalisation, never above 1.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import archgraph as ag
from benchmarks.memory import EXAMPLES, ZOO, sized

ROOT = Path(__file__).parents[1]
WORK = 2_000_000_000
"""Multiply-adds of a batch, about."""
TURN_SECONDS = 0.4
"""How long a turn lasts, about."""


def main() -> None:
    """Print a line for each example, and those that miss the goal once more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", help="names of examples (default: a choice)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default 7)")
    parser.add_argument("--all", action="store_true", help="all examples")
    parser.add_argument("--measure", nargs=2, metavar=("FILE", "ROUNDS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        reference, rounds = given.measure
        print(json.dumps(measured(reference, int(rounds))))
        return
    every = sorted(path.name.removesuffix(".graph.json") for path in EXAMPLES.glob("*.graph.json"))
    missed = []
    print("milliseconds a step (CPU): archgraph's, Keras's, and their ratio")
    for name in given.examples or (every if given.all else ZOO):
        ours, keras, norms = process(name, given.rounds)
        ratio, goal = ours / keras, 0.85 if norms else 1.0
        print(f"{name:33}{1000 * ours:10.1f}{1000 * keras:10.1f}{ratio:8.2f}   (goal <= {goal:g})", flush=True)
        if ratio > goal:
            missed.append(f"{name} {ratio:.2f}")
    print("over the goal: " + (", ".join(missed) or "none"))


def process(name: str, rounds: int) -> tuple[float, float, bool]:
    """One comparison, in a process of its own: seconds of both, and whether it is a batch-norm convnet."""
    command = [sys.executable, "-m", "benchmarks.steps", "--measure", str(EXAMPLES / f"{name}.graph.json"), str(rounds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    ours, keras, norms = json.loads(done.stdout.splitlines()[-1])
    return ours, keras, norms


def measured(reference: str, rounds: int) -> tuple[float, float, bool]:
    """Train both models on noise, in turns."""
    shaped = sized(reference)
    ops = {node.leaf.primitive.op for node in shaped.walk()}
    batch = max(2, min(64, WORK // max(1, shaped.macs)))
    steps = {
        "ours": _step(shaped, batch, prepared=True),
        "keras": _step(shaped, batch, prepared=False),
    }
    for step in steps.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(_turn(step))
    medians = [statistics.median(times[name]) for name in steps]
    return medians[0], medians[1], {"conv", "batch_norm"} <= ops


def _turn(step: Callable[[], None]) -> float:
    begun, count = time.process_time(), 0
    while time.process_time() - begun < TURN_SECONDS or count < 3:
        step()
        count += 1
    return (time.process_time() - begun) / count


def _step(shaped: Any, batch: int, *, prepared: bool) -> Callable[[], None]:
    import keras
    import tensorflow as tf

    from benchmarks.memory import inputs_of

    options: dict[str, Any] = {"rolled": "auto", "fused": True} if prepared else {}
    model = ag.compile_model(shaped, seed=0, **options)
    inputs = inputs_of(shaped, batch)
    learned = {name: tensor.shape for name, tensor in shaped.outputs.items() if "float" in tensor.dtype}
    targets = {name: tf.zeros((batch, *shape)) for name, shape in learned.items()}
    if isinstance(model.output, dict):
        model = keras.Model(model.input, {name: model.output[name] for name in targets})
    optimizer = keras.optimizers.Adam(1e-4)
    x, y = (next(iter(named.values())) if len(named) == 1 else named for named in (inputs, targets))
    loss = keras.tree.map_structure(lambda _: "mse", model.output)
    model.compile(ag.fused(optimizer) if prepared else optimizer, loss, jit_compile=False)
    if prepared:
        ag.prepare(model, x, y)
    model.make_train_function()
    batches = iter(tf.data.Dataset.from_tensors((x, y)).repeat())
    return lambda: model.train_function(batches)


if __name__ == "__main__":
    main()
