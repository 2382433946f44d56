"""Inference: a trained model lowered and exported, against the same model as Keras runs it.

    python -m benchmarks.inference [--rounds 15] [--only NAME]

Every number is a median of wall time over rounds in which all contestants take their turns, so that a busy machine
slows all of them. Goals: lowered ResNet-50 at least 1.15 and MobileNet at least 1.5 times as fast as the model's own
``predict_on_batch`` on batches of 32; ONNX Runtime at least twice as fast on single samples of MobileNet; outputs
within 1e-4 of the largest.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import archgraph as ag
from archgraph.analysis import ShapedGraph

EXAMPLES = Path(__file__).parents[1] / "examples"
TOLERANCE = 1e-4
SINGLE_FACTOR = 3
"""Rounds with single samples for each round with a batch: they are short, and so their times vary more."""


class Case(NamedTuple):
    """A network, and how many times as fast each contestant must be: by its name and the size of the batch."""

    name: str
    file: str
    goals: Mapping[tuple[str, int], float]


CASES = (
    Case("ResNet-50", "resnet50.graph.json", {("lowered", 32): 1.15}),
    Case("MobileNet", "mobilenet.graph.json", {("lowered", 32): 1.5, ("ONNX Runtime", 1): 2.0}),
)
KERAS = "Keras's own layers"


def main() -> None:
    """Print one line for each contestant and size of batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="timed runs of each with a batch of 32 (default 15)")
    parser.add_argument("--only", choices=[case.name for case in CASES], help="one network alone")
    given = parser.parse_args()
    print("predict_on_batch of a trained model, and of what it becomes; milliseconds of wall time, medians")
    for case in CASES:
        if given.only in (None, case.name):
            measure(case, given.rounds)


def measure(case: Case, rounds: int) -> None:
    """Compare the contestants on one network."""
    shaped = ag.infer(ag.load(EXAMPLES / case.file))
    contestants = made(shaped)
    for batch in (1, 32):
        picture = np.random.default_rng(batch).normal(size=(batch, *shaped.inputs["image"].shape)).astype("float32")
        wanted = contestants[KERAS](picture)
        largest = np.max(np.abs(wanted))
        off = {name: float(np.max(np.abs(run(picture) - wanted)) / largest) for name, run in contestants.items()}
        times = in_turns(rounds * (SINGLE_FACTOR if batch == 1 else 1), contestants, picture)
        for name, milliseconds in times.items():
            ratio, goal = times[KERAS] / milliseconds, case.goals.get((name, batch))
            told = f"  (goal >= {goal})" if goal else ""
            print(
                f"{case.name:10} batch {batch:2}  {name:18} {milliseconds:8.1f} ms  {ratio:5.2f} times as fast"
                f"  off by {off[name]:.0e}{told}",
                flush=True,
            )
            if off[name] > TOLERANCE:
                raise SystemExit(f"{case.name}: {name} computes something else")


def made(shaped: ShapedGraph) -> dict[str, Callable[[Any], Any]]:
    """One trained network, ready to run in each way."""
    plain = trained(ag.compile_model(shaped, seed=0, fused=False))
    compiled = ag.compile_model(shaped, seed=0)
    compiled.set_weights(plain.get_weights())
    lean = ag.for_inference(shaped, plain)
    found: dict[str, Callable[[Any], Any]] = {
        KERAS: plain.predict_on_batch,
        "as compiled": compiled.predict_on_batch,
        "lowered": lean.predict_on_batch,
    }
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("tf2onnx"):
        found["ONNX Runtime"] = onnx(lean)
    return found


def trained(model: Any) -> Any:
    """The model with statistics, scales and offsets as training leaves them: not those that it starts from."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name in ("moving_variance", "gamma"):
            weight.assign(random.uniform(0.75, 1.25, weight.shape))
        elif weight.name in ("moving_mean", "beta"):
            weight.assign(random.normal(0, 0.1, weight.shape))
    return model


def onnx(model: Any) -> Callable[[Any], Any]:
    """The exported model in ONNX Runtime."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        ag.export(model, Path(folder) / "model.onnx", "onnx")
        content = (Path(folder) / "model.onnx").read_bytes()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda picture: session.run(None, {name: picture})[0]


def in_turns(rounds: int, contestants: Mapping[str, Callable[[Any], Any]], picture: Any) -> dict[str, float]:
    """Median milliseconds of each contestant; every one has run before."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            start = time.perf_counter()
            run(picture)
            times[name].append(time.perf_counter() - start)
    return {name: 1_000 * statistics.median(measured) for name, measured in times.items()}


if __name__ == "__main__":
    main()
