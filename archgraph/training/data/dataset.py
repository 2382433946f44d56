"""Samples, split, preprocessed and bound to the names of a graph's inputs and outputs."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from archgraph.diagnostics import Rejected, nearest
from archgraph.shapes import Shape, Tensor, show
from archgraph.training import preprocessing
from archgraph.training.data.base import Array, Column, Samples
from archgraph.training.data.prepared import Prepared
from archgraph.training.data.splits import Parts
from archgraph.training.data.stored import Stored, chunks, is_stored
from archgraph.training.preprocessing import Fitted, Step

NO_ARRAYS: Mapping[str, Array] = {}


class Binding(NamedTuple):
    """Which column feeds each input of the graph, and which column each output learns."""

    inputs: Mapping[str, str]
    targets: Mapping[str, str]

    @property
    def fed(self) -> tuple[str, ...]:
        """The columns that feed the graph, each once."""
        return tuple(dict.fromkeys(self.inputs.values()))

    @property
    def learned(self) -> tuple[str, ...]:
        """The columns that are learned, each once."""
        return tuple(dict.fromkeys(self.targets.values()))


@dataclass(frozen=True)
class Part:
    """Arrays by the names of the graph; axis 0 counts samples. `weights` are per target, where weights differ."""

    inputs: Mapping[str, Array]
    targets: Mapping[str, Array]
    weights: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


@dataclass(frozen=True)
class Dataset:
    """Everything that training needs of the data. `validation` is None where there is none."""

    train: Part
    validation: Part | None
    test: Part
    binding: Binding
    classes: Mapping[str, tuple[str, ...]]
    """Names of the classes of each output that has any."""
    fitted: tuple[Fitted, ...]
    masked: bool
    """Whether the weights say which nodes of a graph count."""

    def description(self) -> dict[str, object]:
        """Sizes, shapes, class names and a fingerprint of the training part, as JSON."""
        return {
            "samples": {"train": len(self.train), "validation": len(self.validation or ()), "test": len(self.test)},
            "inputs": {name: list(array.shape[1:]) for name, array in self.train.inputs.items()},
            "targets": {name: list(array.shape[1:]) for name, array in self.train.targets.items()},
            "columns": {"inputs": dict(self.binding.inputs), "targets": dict(self.binding.targets)},
            "classes": {name: list(classes) for name, classes in self.classes.items()},
            "fingerprint": fingerprint(self.train),
        }


def spread(part: Part, count: int) -> Part:
    """So many samples of a part, at equal distances: parts may be sorted by class."""
    chosen = np.unique(np.linspace(0, len(part) - 1, min(count, len(part))).round().astype(int))

    def taken(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {name: np.asarray(values[chosen]) for name, values in arrays.items()}

    return Part(taken(part.inputs), taken(part.targets), taken(part.weights))


def fingerprint(part: Part) -> str:
    """SHA-256 of names, shapes and numbers; of what is on disk, of the files' names and sizes, and of some samples."""
    digest = hashlib.sha256()
    for group in (part.inputs, part.targets, part.weights):
        for name, array in sorted(group.items()):
            digest.update(f"{name} {array.shape} {array.dtype.str};".encode())
            if isinstance(array, Stored):
                digest.update(array.identity().encode())
            else:
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


# ---- names


def with_constants(
    samples: Samples, outputs: Mapping[str, Tensor], targets: Mapping[str, str | float] | None
) -> tuple[Samples, Mapping[str, str] | None]:
    """`samples` with a column for every target that is a number, and the targets as names of columns.

    Raises:
        Rejected: AG701, the output's size depends on the data.
    """
    if targets is None:
        return samples, None
    names, columns = {}, dict(samples.columns)
    for output, target in targets.items():
        names[output] = target if isinstance(target, str) else f"{output} = {target:g}"
        if not isinstance(target, str) and output in outputs:
            shape = outputs[output].shape
            if not all(isinstance(size, int) for size in shape):
                complaint = f"the output {output!r} has the shape {show(shape)}: a number as target needs known sizes"
                raise Rejected("AG701", complaint, field=f"/targets/{output}")
            columns[names[output]] = Column(_everywhere(target, len(samples), shape))
    return dataclasses.replace(samples, columns=columns), names


def _everywhere(number: float, count: int, shape: Shape) -> Array:
    """One number as every element of every sample; it takes the memory of one."""
    sizes = (count, *(size for size in shape if isinstance(size, int)))
    return np.broadcast_to(np.float32(number), sizes)


def bind(
    samples: Samples,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    chosen_inputs: Mapping[str, str] | None,
    chosen_targets: Mapping[str, str] | None,
) -> tuple[Binding, list[Rejected]]:
    """Which columns go where, and every complaint, addressed within the experiment (``/inputs/NAME``)."""
    found: list[Rejected] = []
    fed = _matched(inputs, chosen_inputs, samples.inputs, samples, "inputs", found)
    learned = _matched(outputs, chosen_targets, samples.targets, samples, "targets", found)
    if not found:
        for name in inputs:
            if name not in fed:
                found.append(_unbound(name, "input", samples, "/inputs"))
        if outputs and not learned:
            found.append(_unbound(next(iter(outputs)), "output", samples, "/targets"))
    return Binding(fed, learned), found


def _matched(
    names: Mapping[str, Tensor],
    chosen: Mapping[str, str] | None,
    offered: tuple[str, ...],
    samples: Samples,
    key: str,
    found: list[Rejected],
) -> dict[str, str]:
    if chosen is not None:
        for name, column in chosen.items():
            if name not in names:
                what = "input" if key == "inputs" else "output"
                hint = nearest(name, names) or "it has: " + ", ".join(names)
                found.append(Rejected("AG701", f"the graph has no {what} {name!r}", hint=hint, field=f"/{key}/{name}"))
            if column not in samples.columns:
                hint = nearest(column, samples.columns) or "it has: " + ", ".join(samples.columns)
                found.append(Rejected("AG701", f"the data has no column {column!r}", hint=hint, field=f"/{key}/{name}"))
        return {name: chosen[name] for name in names if name in chosen}
    by_name = {name: name for name in names if name in offered}
    if not by_name and len(names) == 1 and len(offered) == 1:
        return {next(iter(names)): offered[0]}
    return by_name


def _unbound(name: str, what: str, samples: Samples, field: str) -> Rejected:
    columns = ", ".join(samples.columns)
    hint = f'say which: "{field[1:]}": {{"{name}": "{next(iter(samples.columns))}"}}'
    return Rejected(
        "AG701", f"the graph's {what} {name!r} matches no column of the data ({columns})", hint=hint, field=field
    )


# ---- arrays


def prepare(
    samples: Samples,
    parts: Parts,
    steps: tuple[Step, ...],
    binding: Binding,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    *,
    validated: bool,
) -> Dataset:
    """Preprocess every part by what the training part teaches, and bind it to the graph's names.

    Raises:
        Rejected: AG703, its field below the experiment (``/preprocessing/0/…``).
    """
    if any(is_stored(samples.columns[name].values) for name in (*binding.fed, *binding.learned)):
        return _on_disk(samples, parts, steps, binding, inputs, outputs, validated=validated)
    columns, fitted = fit_steps(samples, parts.train, steps, binding)
    classes = {output: columns[column].classes for output, column in binding.targets.items() if columns[column].classes}
    masks = _masks(samples, validated)
    train = _bound(columns, binding, inputs, outputs, _mask(masks, "train", binding))
    others = []
    for name, indices in (("validation", parts.validation), ("test", parts.test)):
        raw = {key: column.take(indices) for key, column in samples.columns.items()}
        done = preprocessing.repeat(fitted, raw)
        others.append(_bound(done, binding, inputs, outputs, _mask(masks, name, binding)))
    validation, test = others
    has_validation = validated and len(validation) > 0
    return Dataset(train, validation if has_validation else None, test, binding, classes, fitted, bool(samples.masks))


def _on_disk(
    samples: Samples,
    parts: Parts,
    steps: tuple[Step, ...],
    binding: Binding,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    *,
    validated: bool,
) -> Dataset:
    """The same for data of which some columns stay on disk: those are read, and preprocessed, batch by batch."""

    def gone_through(name: str) -> Iterator[Column]:
        column = samples.columns[name]
        return (Column(values, column.classes) for values in chunks(column.values, parts.train))

    try:
        fitted = preprocessing.learn(steps, samples.columns, gone_through, binding.fed, binding.learned)
    except Rejected as rejected:
        raise rejected.under("preprocessing") from None
    first = preprocessing.repeat(fitted, {name: samples.columns[name].take(np.arange(1)) for name in _used(binding)})
    classes = {output: first[name].classes for output, name in binding.targets.items() if first[name].classes}

    def part(indices: Array) -> Part:
        def array(name: str, bound: Callable[[Column], Array]) -> Array:
            prepared = Prepared(name, samples.columns[name], indices, fitted, bound)
            return prepared.as_array() if is_stored(samples.columns[name].values) else prepared[:]

        fed = {name: array(column, _as_input(inputs[name])) for name, column in binding.inputs.items()}
        learned = {name: array(column, _as_output(outputs[name])) for name, column in binding.targets.items()}
        return Part(fed, learned)

    held = part(parts.validation) if validated and len(parts.validation) else None
    return Dataset(part(parts.train), held, part(parts.test), binding, classes, fitted, masked=False)


def _used(binding: Binding) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*binding.fed, *binding.learned)))


def _as_input(tensor: Tensor) -> Callable[[Column], Array]:
    return lambda column: column.values.astype(tensor.dtype, copy=False)


def _as_output(tensor: Tensor) -> Callable[[Column], Array]:
    return lambda column: as_target(column, tensor).values


def fit_steps(
    samples: Samples, indices: Array, steps: tuple[Step, ...], binding: Binding
) -> tuple[dict[str, Column], tuple[Fitted, ...]]:
    """The samples at `indices` after all steps, and the steps with what those samples taught them."""
    raw = {key: column.take(indices) for key, column in samples.columns.items()}
    try:
        return preprocessing.run(steps, raw, binding.fed, binding.learned)
    except Rejected as rejected:
        raise rejected.under("preprocessing") from None


def _masks(samples: Samples, validated: bool) -> Mapping[str, Array]:
    """The node masks; without validation its nodes are for testing too."""
    masks = samples.masks
    return masks if validated or not masks else {**masks, "test": np.maximum(masks["test"], masks["validation"])}


def _mask(masks: Mapping[str, Array], part: str, binding: Binding) -> Mapping[str, Array]:
    return dict.fromkeys(binding.targets, masks[part]) if masks else NO_ARRAYS


def _bound(
    columns: Mapping[str, Column],
    binding: Binding,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    weights: Mapping[str, Array],
) -> Part:
    fed = {
        name: columns[column].values.astype(inputs[name].dtype, copy=False) for name, column in binding.inputs.items()
    }
    learned = {name: as_target(columns[column], outputs[name]).values for name, column in binding.targets.items()}
    return Part(fed, learned, weights)


def as_target(column: Column, output: Tensor) -> Column:
    """`column` as an output of that shape learns it: one number becomes a vector of one where the output is one."""
    values = column.values
    if values.dtype == np.bool_ or values.dtype == np.float64:
        values = values.astype(np.float32)
    if column.shape == () and output.shape == (1,):
        values = values[:, None]
    if output.shape[-1:] == (1,) and values.dtype.kind in "iu":
        values = values.astype(np.float32)  # a yes/no answer or a number to predict: losses subtract it
    return Column(values, column.classes)
