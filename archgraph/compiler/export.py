"""keras.Model -> a file for another runtime, checked against Keras's outputs and timed before it gets its name."""

import contextlib
import importlib
import importlib.util
import re
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archgraph.compiler.backend import held_back_stderr, load_keras
from archgraph.compiler.formats import FORMATS, Arrays, Format, Runner, Served, served
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import replacing, replacing_folder

TOLERANCE = 1e-4
"""How far an output may be from Keras's, as a share of what its numbers range over.

So a thousand chances that are all about a thousandth must agree to their own digits, not to those of 1.
"""
LEAST_RANGE = 0.1
"""The least that they are taken to range over, as a share of the largest: equal numbers differ by rounding, too."""
UNKNOWN_SIZE = 64
"""What stands for a symbolic size in the check: five halvings leave something of it."""
TIMED_SECONDS = 2.0
TIMED_RUNS = 50
INSTALL = "pip install 'archgraph[export]'"


@dataclass(frozen=True)
class Exported:
    """A file that was written, and what it was found to be."""

    path: Path
    format: str
    size_bytes: int
    difference: float | None
    """The largest difference from Keras's outputs, as a share as in `TOLERANCE`; None where outputs are random."""
    batch: int | None
    """The size of batch that it takes; None: any."""
    milliseconds: float
    """Median of runs with one sample, after a warm-up."""
    keras_milliseconds: float
    """The same of ``predict_on_batch`` of the Keras model."""


def export(model: Any, path: str | PathLike[str], format: str, *, output: str = "") -> Exported:
    """Write a Keras model in another format, checked against it.

    The file appears under its name only after it has been loaded and has given what Keras gives. Where a format cannot
    take batches of any size (LiteRT with recurrent layers), it is written for single samples.

    Args:
        model: what `archgraph.compile_model` or `archgraph.for_inference` returned.
        path: where to write; it ends as `FORMATS` says.
        format: ``onnx``, ``litert`` or ``savedmodel``.
        output: the name of a model's single output in the file; by default, that of its layer.

    Raises:
        GraphError: AG804, packages are missing, the format cannot express the model, or what was written computes
            something else; AG109, the file cannot be written.
    """
    need_ready(format, path)
    chosen = FORMATS[format]
    subject = served(model, output)
    with replacing_folder(path, chosen.folder) if chosen.folder else replacing(path) as temporary:
        with _refusing(path, chosen, subject):
            batch = _written(chosen, subject, temporary)
            runner = _quietly(chosen.open, subject, temporary)
            difference = _quietly(_difference, subject, runner, (1,) if batch else (1, 3))
        if difference is not None and not difference <= TOLERANCE:
            complaint = f"what {chosen.name} computes is {difference:.1e} off Keras's outputs, more than {TOLERANCE}"
            raise GraphError([Diagnostic("AG804", "", complaint, file=fspath(path))])
        one = samples(subject, 1, 0)
        mine, theirs = _timed(lambda: runner(one), lambda: subject.run(one))
        size = _size(temporary)
    return Exported(Path(path), format, size, difference, batch, mine, theirs)


def _written(chosen: Format, subject: Served, path: Path) -> int | None:
    """Write a file for batches of any size, or else for single samples; returns the size."""
    try:
        _quietly(chosen.write, subject, path, None)
    except Exception as error:
        if not _wants_fixed_batch(error):
            raise
        _quietly(chosen.write, subject, path, 1)
        return 1
    return None


def _wants_fixed_batch(error: Exception) -> bool:
    """Whether it is LiteRT's complaint that it must know the sizes of what a loop carries."""
    return "requires element_shape to be static" in str(error)


def samples(subject: Served, batch: int, seed: int) -> Arrays:
    """Random inputs: numbers from 0 to 1, and 0 or 1 where whole ones are due.

    None is negative: the degrees of a graph, or what a logarithm is taken of, must not be.
    """
    random = np.random.default_rng(seed)
    found: Arrays = {}
    for name, x in subject.inputs.items():
        shape = (batch, *(UNKNOWN_SIZE if size is None else size for size in x.shape[1:]))
        kind = np.dtype(x.dtype) if x.dtype != "bfloat16" else np.dtype("float32")
        found[name] = (random.uniform(size=shape) if kind.kind == "f" else random.integers(0, 2, shape)).astype(kind)
    return found


# ---- checks


def _difference(subject: Served, runner: Runner, batches: tuple[int, ...]) -> float | None:
    worst = 0.0
    for batch in batches:
        given = samples(subject, batch, batch)
        wanted, again, found = subject.run(given), subject.run(given), runner(given)
        if any(not np.array_equal(wanted[name], again[name], equal_nan=True) for name in wanted):
            return None
        for name, expected in wanted.items():
            if found[name].shape != expected.shape:
                raise ValueError(f"the output {name} has shape {found[name].shape}, and in Keras {expected.shape}")
            worst = max(worst, _off(found[name], expected))
    return worst


def _off(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest difference, as a share as in `TOLERANCE`; infinite where only one of the two is no number."""
    mine, theirs = found.astype("float64"), expected.astype("float64")
    if not np.array_equal(np.isfinite(mine), np.isfinite(theirs)):
        return float("inf")
    finite = np.isfinite(theirs)
    if not finite.any():
        return 0.0
    mine, theirs = mine[finite], theirs[finite]
    difference = float(np.max(np.abs(mine - theirs)))
    span = max(float(np.ptp(theirs)), LEAST_RANGE * float(np.max(np.abs(theirs))))
    return difference / span if span else float(difference > 0)


def _timed(*actions: Callable[[], Any]) -> list[float]:
    """Median milliseconds of each action, in turns after a warm-up."""
    for action in actions:
        action()
    times: list[list[float]] = [[] for _ in actions]
    end = time.perf_counter() + TIMED_SECONDS
    while not times[0] or (len(times[0]) < TIMED_RUNS and time.perf_counter() < end):
        for measured, action in zip(times, actions, strict=True):
            start = time.perf_counter()
            action()
            measured.append(time.perf_counter() - start)
    return [1_000 * statistics.median(measured) for measured in times]


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


# ---- refusals


def need_ready(format: str, path: str | PathLike[str]) -> None:
    """Refuse what can be refused before there is a model.

    Raises:
        GraphError: AG804, packages are missing, the name does not end as it must, or Keras runs on another backend.
    """
    chosen = FORMATS[format]
    missing = [name for name in chosen.packages if importlib.util.find_spec(name) is None]
    complaint = ""
    if missing:
        complaint = f"{chosen.name} needs {' and '.join(missing)}, not installed here: {INSTALL}"
    elif chosen.suffix and not fspath(path).endswith(chosen.suffix):
        complaint = f"the name of a file for {chosen.name} ends in {chosen.suffix}, got {fspath(path)!r}"
    elif load_keras().config.backend() != "tensorflow":
        complaint = f"Keras runs on {load_keras().config.backend()} here; set KERAS_BACKEND=tensorflow to export"
    if complaint:
        raise GraphError([Diagnostic("AG804", "", complaint, file=fspath(path))])


@contextlib.contextmanager
def _refusing(path: str | PathLike[str], chosen: Format, subject: Served) -> Iterator[None]:
    try:
        yield
    except GraphError:
        raise
    except Exception as error:
        raise _refused(path, chosen, subject, error) from error


def _refused(path: str | PathLike[str], chosen: Format, subject: Served, error: Exception) -> GraphError:
    text = str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = next((line for line in lines if "error:" in line or "is not supported" in line), "".join(lines[:1]))
    name = _blamed(text, subject)
    message = f"{chosen.name} cannot express {name or 'the model'}: {type(error).__name__}: {telling[:300]}"
    hint = "try another format"
    if "Random" in text:
        hint = "it draws random numbers after training, too; where there is noise_at_inference, set it to false"
    return GraphError([Diagnostic("AG804", "", message, hint, file=fspath(path))])


def _blamed(text: str, subject: Served) -> str:
    """The path of the node whose layer a complaint names first: converters name operations ``model/layer/…``."""
    known = {layer.name for layer in subject.model.layers}
    for word in re.findall(r"[^/\s\"';:\[\](),]+", text):
        name = word if word in known else re.sub(r"_\d+$", "", word)
        if name in known:
            return str(name.replace(".", "/"))
    return ""


def _quietly(action: Callable[..., Any], *arguments: Any) -> Any:
    """Call somebody else's code without what it prints: if it fails, its error is told in our words."""
    with held_back_stderr(shown=False), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return action(*arguments)
