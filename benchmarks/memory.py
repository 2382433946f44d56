"""Predicted against measured memory of inference and of a training step.

    python -m benchmarks.memory [--all] [EXAMPLE …]

Goal: within 15 % of the peak that TensorFlow reaches on a CPU.

How the peak is measured: each network runs in a process of its own in which glibc gives every larger piece of memory
back to the system as soon as it is freed (`MALLOC_MMAP_THRESHOLD_`), and TensorFlow keeps no pool of its own
(`TF_ONEDNN_USE_SYSTEM_ALLOCATOR`). A step is run once, so that it is traced and its libraries have what they keep. Then
the kernel's high-water mark of the process's memory is reset (``/proc/self/clear_refs``) and the step is run again: the
mark less what was there before is what the step took. Added are the sizes of what was there all along: the batch, and
in training the weights and the optimiser's slots. The median of three such steps counts; they differ by one or two per
cent. Targets and the process itself (code, graphs) are not counted. One thread computes, two look for work: with a
single one TensorFlow puts off gradients of kernels, and keeps what they need, longer than it ever does in practice.

A step of training is `train_on_batch` on squared errors with Adam in one kernel a weight; inference is
`predict_on_batch`. Batches are large enough for tensors to outweigh what the libraries need, and small enough to be
quick.
"""

import argparse
import dataclasses
import gc
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import archgraph as ag

EXAMPLES = Path(__file__).parents[1] / "examples"
SIZES = {"H": 32, "W": 48, "S": 5, "T": 8, "N": 34}
"""Numbers for the symbolic sizes of the examples."""
ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "16384",
    "MALLOC_MMAP_MAX_": "1000000",
    "MALLOC_TRIM_THRESHOLD_": "0",
    "MALLOC_ARENA_MAX": "1",
    "TF_ONEDNN_USE_SYSTEM_ALLOCATOR": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "2",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}
TENSORS = 60_000_000
"""Bytes that a batch's tensors are to take in training, about."""
WORK = 8_000_000_000
"""Multiply-adds of a batch, at most."""
PARAMETERS = 30_000_000
"""Weights of the networks that are measured without ``--all``."""
ZOO = (
    "attention_classifier", "autoencoder", "autoencoder_deep", "cgan_generator", "densenet_cifar", "densenet_small",
    "gcn", "inception_v1", "lenet5", "lstm_classifier", "mobilenet", "preactivation_resnet", "resnet50",
    "resnet_cifar", "resnet_small", "resnet_v2", "unet", "vae", "vae_conv", "vgg", "xception", "transformer_encoder",
    "dcgan_generator", "densenet121",
)  # fmt: skip


class Peaks(NamedTuple):
    """Most bytes in inference and in a training step."""

    inference: int
    training: int


class Compared(NamedTuple):
    """One network."""

    name: str
    batch_size: int
    predicted: Peaks
    measured: Peaks

    @property
    def ratios(self) -> tuple[float, float]:
        """Predicted over measured, in inference and in training."""
        return (
            self.predicted.inference / self.measured.inference,
            self.predicted.training / self.measured.training,
        )


def sized(reference: str | Path) -> Any:
    """The shaped graph of a file, with numbers for its symbolic sizes."""
    graph = ag.load(reference)
    inputs = {
        name: dataclasses.replace(entry, shape=tuple(SIZES.get(str(size), size) for size in entry.shape))
        for name, entry in graph.inputs.items()
    }
    return ag.infer(dataclasses.replace(graph, inputs=inputs))


def predicted(shaped: Any, batch_size: int) -> Peaks:
    """As `archgraph summary` shows it, with Adam."""
    total = ag.cost(shaped, batch_size, optimizer_slots=2)
    return Peaks(total.activation_bytes, total.training_bytes)


def fitting_batch(shaped: Any) -> int:
    """A batch size whose tensors outweigh all else and whose work is done in seconds."""
    each = predicted(shaped, 2).training - predicted(shaped, 1).training
    return max(1, min(4096, TENSORS // max(1, each), max(2, WORK // max(1, shaped.macs))))


def compare(reference: str | Path, batch_size: int | None = None) -> Compared:
    """Predict, and measure in a process of its own.

    Raises:
        RuntimeError: the process failed; holds what it said.
    """
    shaped = sized(reference)
    batch_size = batch_size or fitting_batch(shaped)
    command = [sys.executable, "-m", "benchmarks.memory", "--measure", str(reference), str(batch_size)]
    environment = {**os.environ, **ENVIRONMENT}
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{reference}: {done.stderr[-2000:]}")
    measured = Peaks(*json.loads(done.stdout.splitlines()[-1]))
    name = Path(reference).name.partition(".")[0]
    return Compared(name, batch_size, predicted(shaped, batch_size), measured)


# ---- in the process that is measured


def measure(reference: str, batch_size: int) -> Peaks:
    """The peaks of this process."""
    import numpy as np

    shaped = sized(reference)
    model = ag.compile_model(shaped, seed=0)
    import keras
    import tensorflow as tf

    from archgraph.compiler.layers.fused import FusedAdam

    random = np.random.default_rng(0)

    def numbers(shape: tuple[int, ...], dtype: str) -> Any:
        whole = "int" in dtype or dtype == "bool"
        drawn = random.integers(0, 2, (batch_size, *shape)) if whole else random.normal(size=(batch_size, *shape))
        return tf.constant(drawn.astype(dtype))

    def alone(named: dict[str, Any]) -> Any:
        return next(iter(named.values())) if len(named) == 1 else named

    inputs = {name: numbers(tensor.shape, tensor.dtype) for name, tensor in shaped.inputs.items()}
    batch, x = _bytes(inputs.values()), alone(inputs)
    model.compile(jit_compile=False)
    model.make_predict_function()
    inference = batch + _taken(lambda: model.predict_function([(x,)]))

    learned = {name: tensor.shape for name, tensor in shaped.outputs.items() if "float" in tensor.dtype}
    targets = {name: tf.zeros((batch_size, *shape)) for name, shape in learned.items()}
    if isinstance(model.output, dict):
        model = keras.Model(model.input, {name: model.output[name] for name in targets})
    optimizer, y = FusedAdam(1e-4), alone(targets)
    model.compile(optimizer, dict.fromkeys(targets, "mse") if len(targets) > 1 else "mse", jit_compile=False)
    optimizer.build(model.trainable_variables)
    model.make_train_function()
    step = _taken(lambda: model.train_function(iter([(x, y)])))
    return Peaks(inference, batch + step + _bytes(model.weights) + _bytes(optimizer.variables))


def _bytes(tensors: Iterable[Any]) -> int:
    import keras

    sizes = {"int64": 8, "float32": 4, "int32": 4, "uint32": 4, "uint8": 1, "bool": 1}
    total = 0
    for tensor in tensors:
        count = 1
        for size in tensor.shape:
            count *= size
        total += count * sizes[keras.backend.standardize_dtype(tensor.dtype)]
    return total


def _taken(step: Callable[[], Any]) -> int:
    """Most bytes that a step takes beside what is there between steps."""
    import ctypes

    libc = ctypes.CDLL(None)
    step()
    step()
    found = []
    for _ in range(3):
        gc.collect()
        libc.malloc_trim(0)  # else the step takes free pieces that are counted already
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        before = _status("VmRSS")
        result = step()
        found.append(_status("VmHWM") - before)
        del result
    return int(statistics.median(found))


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(key))
    return 1024 * int(line.split()[1])


# ---- the table


def main() -> None:
    """Print one line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", help="names of examples (default: a choice)")
    parser.add_argument("--all", action="store_true", help="all examples, the large ones too")
    parser.add_argument("--measure", nargs=2, metavar=("FILE", "BATCH"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        reference, batch = arguments.measure
        print(json.dumps(measure(reference, int(batch))))
        return
    every = sorted(path.name.removesuffix(".graph.json") for path in EXAMPLES.glob("*.graph.json"))
    names = arguments.examples or (every if arguments.all else ZOO)
    print("megabytes predicted, measured, and their ratio (goal: 0.85 to 1.15)")
    print(f"{'':33}{'batch':>6}{'inference':>26}{'training':>28}")
    for name in names:
        print(line(compare(EXAMPLES / f"{name}.graph.json")), flush=True)


def line(one: Compared) -> str:
    """A row of the table."""
    text = f"{one.name:33}{one.batch_size:6}"
    for guess, found, ratio in zip(one.predicted, one.measured, one.ratios, strict=True):
        text += f"{guess / 1e6:11.2f}{found / 1e6:10.2f}{ratio:6.2f}"
    return text


if __name__ == "__main__":
    main()
