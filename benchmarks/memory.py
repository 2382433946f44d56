"""Predicted against measured memory of inference and of a training step.

    python -m benchmarks.memory [--all] [--keep FILE] [EXAMPLE …]

Goal: within 15 % of the peak that TensorFlow reaches on a CPU. With `--keep`, what was measured is kept in a file, one
line of JSON for each network, and not measured again: predictions alone are worked out anew.

How the peak is measured: each network runs in a process of its own in which glibc gives every larger piece of memory
back to the system as soon as it is freed (`MALLOC_MMAP_THRESHOLD_`), and TensorFlow keeps no pool of its own
(`TF_ONEDNN_USE_SYSTEM_ALLOCATOR`). A step is run once, so that it is traced and its libraries have what they keep. Then
the kernel's high-water mark of the process's memory is reset (``/proc/self/clear_refs``) and the step is run again: the
mark less what was there before is what the step took. Added are the sizes of what was there all along: the batch, and
in training the weights and the optimiser's slots. The median of three such steps counts; they differ by one or two per
cent. Targets and the process itself (code, graphs) are not counted. One thread computes, two look for work: with a
single one TensorFlow puts off gradients of kernels, and keeps what they need, longer than it ever does in practice.

Models are compiled as `archgraph train` compiles them, without rolling. A step of training is `train_on_batch` on
squared errors with Adam in one kernel a weight; inference is `predict_on_batch`. Batches are large enough for tensors
to outweigh what the libraries need (100 MB to 2 GB, where weights and work allow), and small enough to be quick. No
process may take more than 8 GB or ten minutes; what fails is said, and the others go on.
"""

import argparse
import dataclasses
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import archgraph as ag


class Peaks(NamedTuple):
    """Something of inference and of a training step: most bytes, for instance."""

    inference: int
    training: int


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
TENSORS = 120_000_000
"""Bytes that a batch's tensors are to take, about: far more than TensorFlow needs to run some hundred operations."""
LARGEST_BATCH = 2**17
WORK = Peaks(40_000_000_000, 12_000_000_000)
"""Multiply-adds of a batch, at most, in inference and in training."""
BOUND = 8 * 2**30
"""Bytes that a process may take."""
SECONDS = 600
"""Time that a process may take."""
ZOO = (
    "attention_classifier", "autoencoder", "autoencoder_deep", "cgan_generator", "densenet_cifar", "densenet_small",
    "gcn", "inception_v1", "lenet5", "lstm_classifier", "mobilenet", "preactivation_resnet", "resnet50",
    "resnet_cifar", "resnet_small", "resnet_v2", "unet", "vae", "vae_conv", "vgg", "xception", "transformer_encoder",
    "dcgan_generator", "densenet121", "biggan_deep_discriminator", "dilated_frontend", "highway_mlp", "lenet5_original",
)  # fmt: skip


class Kept(NamedTuple):
    """What was measured of a network."""

    batches: Peaks
    measured: Peaks


class Compared(NamedTuple):
    """One network."""

    name: str
    batches: Peaks
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


def predicted(shaped: Any, batches: Peaks) -> Peaks:
    """As `archgraph summary` shows it, with Adam."""
    return Peaks(
        ag.cost(shaped, batches.inference).activation_bytes,
        ag.cost(shaped, batches.training, optimizer_slots=2).training_bytes,
    )


def fitting_batches(shaped: Any) -> Peaks:
    """Batch sizes whose tensors outweigh all else and whose work is done in seconds."""
    one, two = predicted(shaped, Peaks(2, 2)), predicted(shaped, Peaks(3, 3))
    found = (
        max(1, min(LARGEST_BATCH, TENSORS // max(1, more - less), max(2, work // max(1, shaped.macs))))
        for less, more, work in zip(one, two, WORK, strict=True)
    )
    return Peaks(*found)


def compare(reference: str | Path, kept: Mapping[str, Kept] | None = None) -> Compared:
    """Predict, and measure in a process of its own, unless `kept` has the network.

    Raises:
        RuntimeError: the process failed; holds what it said.
    """
    shaped, name = sized(reference), Path(reference).name.partition(".")[0]
    found = (kept or {}).get(name)
    if found is None:
        batches = fitting_batches(shaped)
        found = Kept(batches, _measured(reference, batches))
    return Compared(name, found.batches, predicted(shaped, found.batches), found.measured)


def _measured(reference: str | Path, batches: Peaks) -> Peaks:
    command = [sys.executable, "-m", "benchmarks.memory", "--measure", str(reference), *map(str, batches)]
    environment, root = {**os.environ, **ENVIRONMENT}, Path(__file__).parents[1]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{reference}: it took more than {SECONDS} seconds") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended by signal {-done.returncode}"]
        raise RuntimeError(f"{reference}: {said[-1][:500]}")
    return Peaks(*json.loads(done.stdout.splitlines()[-1]))


def kept_in(path: Path) -> dict[str, Kept]:
    """What a file of `--keep` holds, by the names of networks."""
    if not path.exists():
        return {}
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {one["name"]: Kept(Peaks(*one["batches"]), Peaks(*one["measured"])) for one in lines}


# ---- in the process that is measured


def measure(reference: str, batches: Peaks) -> Peaks:
    """The peaks of this process."""
    shaped = sized(reference)
    model = ag.compile_model(shaped, seed=0, fused=True)
    return Peaks(_inference(shaped, model, batches.inference), _training(shaped, model, batches.training))


def _inference(shaped: Any, model: Any, batch_size: int) -> int:
    inputs = inputs_of(shaped, batch_size)
    model.compile(jit_compile=False)
    model.make_predict_function()
    return _bytes(inputs.values()) + _taken(lambda: model.predict_function([(_alone(inputs),)]))


def _training(shaped: Any, model: Any, batch_size: int) -> int:
    import keras
    import tensorflow as tf

    from archgraph.compiler.layers.fused import FusedAdam

    inputs = inputs_of(shaped, batch_size)
    learned = {name: tensor.shape for name, tensor in shaped.outputs.items() if "float" in tensor.dtype}
    targets = {name: tf.zeros((batch_size, *shape)) for name, shape in learned.items()}
    if isinstance(model.output, dict):
        model = keras.Model(model.input, {name: model.output[name] for name in targets})
    optimizer, x, y = FusedAdam(1e-4), _alone(inputs), _alone(targets)
    model.compile(optimizer, keras.tree.map_structure(lambda _: "mse", model.output), jit_compile=False)
    optimizer.build(model.trainable_variables)
    model.make_train_function()
    step = _taken(lambda: model.train_function(iter([(x, y)])))
    return _bytes(inputs.values()) + step + _bytes(model.weights) + _bytes(optimizer.variables)


def inputs_of(shaped: Any, batch_size: int) -> dict[str, Any]:
    """Tensors for the inputs of a graph, by name: noise, or zeros and ones."""
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    found = {}
    for name, tensor in shaped.inputs.items():
        shape, whole = (batch_size, *tensor.shape), "int" in tensor.dtype or tensor.dtype == "bool"
        drawn = random.integers(0, 2, shape) if whole else random.normal(size=shape)
        found[name] = tf.constant(drawn.astype(tensor.dtype))
    return found


def _alone(named: dict[str, Any]) -> Any:
    return next(iter(named.values())) if len(named) == 1 else named


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
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep what is measured; go on where it ends")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        reference, *batches = arguments.measure
        resource.setrlimit(resource.RLIMIT_DATA, (BOUND, BOUND))
        print(json.dumps(measure(reference, Peaks(*map(int, batches)))))
        return
    every = sorted(path.name.removesuffix(".graph.json") for path in EXAMPLES.glob("*.graph.json"))
    names = arguments.examples or (every if arguments.all else ZOO)
    print("megabytes predicted, measured, and their ratio (goal: 0.85 to 1.15)")
    print(f"{'':30}{'inference: batch':>16}{'MB':>25}{'training: batch':>17}{'MB':>27}")
    table(names, arguments.keep)


def table(names: Iterable[str], file: Path | None) -> None:
    """Print a line for each network; keep what is measured in `file`."""
    kept = {} if file is None else kept_in(file)
    for name in names:
        try:
            found = compare(EXAMPLES / f"{name}.graph.json", kept)
        except RuntimeError as error:
            print(f"{name:38}{error}", flush=True)
            continue
        print(line(found), flush=True)
        if file is not None and name not in kept:
            with file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"name": name, "batches": found.batches, "measured": found.measured}) + "\n")


def line(one: Compared) -> str:
    """A row of the table."""
    text = f"{one.name:38}"
    for batch, guess, found, ratio in zip(one.batches, one.predicted, one.measured, one.ratios, strict=True):
        mark = " " if 0.85 <= ratio <= 1.15 else "!"
        text += f"{batch:8}{guess / 1e6:12.2f}{found / 1e6:10.2f}{ratio:6.2f}{mark}     "
    return text.rstrip()


if __name__ == "__main__":
    main()
