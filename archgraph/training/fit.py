"""Whether data, graph, loss and metrics fit each other: rules on shapes and values, each with its own complaint."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from archgraph.analysis.shaped import FlatNode, ShapedGraph
from archgraph.diagnostics import Rejected, nearest
from archgraph.shapes import Dim, Tensor, show
from archgraph.sizes import substitute, symbols_of
from archgraph.training.data.base import Column, Samples
from archgraph.training.data.dataset import Binding, as_target
from archgraph.training.data.splits import Parts
from archgraph.training.forms import is_per_output
from archgraph.training.losses import (
    CLASS_NUMBER_LOSSES,
    FREE_SHAPE_LOSSES,
    PROBABILITY_LOSSES,
    ZERO_TO_ONE_LOSSES,
    Loss,
)
from archgraph.vocabulary.weighted import Dressed

if TYPE_CHECKING:
    from archgraph.training.experiment import Experiment

_SHAPE_ONLY = frozenset({"reshape", "flatten", "permute", "slice", "crop", "repeat_vector"})
"""Operations that hand on values as they are."""
_SQUASHES = frozenset({"softmax", "log_softmax", "sigmoid", "hard_sigmoid", "log_sigmoid", "sparsemax"})
_SPARSE_METRICS = frozenset({
    "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy", "sparse_categorical_crossentropy",
})  # fmt: skip
_FREE_METRICS = frozenset({"accuracy", "mean_io_u"})


class Fit(NamedTuple):
    """What is to be compared."""

    experiment: "Experiment"
    networks: Mapping[str, ShapedGraph]
    samples: Samples
    parts: Parts
    binding: Binding
    columns: Mapping[str, Column]
    """A few preprocessed samples."""

    @property
    def shaped(self) -> ShapedGraph:
        """The first of the networks, mostly the only one."""
        return next(iter(self.networks.values()))


class Target(NamedTuple):
    """One output and what it is to learn."""

    output: str
    tensor: Tensor
    """The output, with symbolic sizes replaced by those of the data."""
    column: str
    values: Column

    def __str__(self) -> str:
        return f"the target {self.column!r} of output {self.output!r} has the shape {show(self.values.shape)}"


def misfits(fit: Fit) -> Iterator[Rejected]:
    """Every complaint, its field below the experiment."""
    sizes: dict[str, Dim] = {}
    wrong = list(misfed(fit, fit.shaped, sizes))
    yield from wrong
    if wrong:
        return
    yield from _losses_given(fit)
    for target in _targets(fit, sizes):
        given = fit.experiment.loss(target.output)
        if given is not None:
            wrong = list(_loss(fit, target, *given))
            yield from wrong
            if not wrong:
                yield from _metrics(fit, target)
    yield from _class_weights(fit)
    yield from unmeasured(fit, quantities(fit))


# ---- inputs


def misfed(fit: Fit, shaped: ShapedGraph, sizes: dict[str, Dim]) -> Iterator[Rejected]:
    """Complaints about the columns that feed the inputs of one of the graphs; `sizes` takes in what they settle."""
    for name, tensor in shaped.inputs.items():
        column = fit.binding.inputs[name]
        values = fit.columns[column].values
        field = f"/inputs/{name}" if fit.experiment.settings.inputs else "/data"
        if not _matches(tensor.shape, values.shape[1:], sizes):
            wanted = show(tuple(substitute(dim, sizes) for dim in tensor.shape))
            complaint = (
                f"the column {column!r} has the shape {show(values.shape[1:])}, but input {name!r} takes {wanted}"
            )
            yield Rejected("AG701", complaint, hint=_reshaping(values.shape[1:], tensor.shape), field=field)
        elif tensor.dtype.startswith(("int", "uint")) and values.dtype.kind == "f":
            complaint = f"the column {column!r} holds {values.dtype} numbers, but input {name!r} takes {tensor.dtype}"
            yield Rejected("AG701", complaint, hint="leave out the step that made them fractions", field=field)


def _matches(wanted: tuple[Dim, ...], given: tuple[int, ...], sizes: dict[str, Dim]) -> bool:
    if len(wanted) != len(given):
        return False
    for dim, size in zip(wanted, given, strict=True):
        for symbol in symbols_of(dim):
            low_enough = symbol.maximum is None or size <= symbol.maximum
            if size % symbol.multiple_of or size < symbol.minimum or not low_enough:
                return False
            sizes.setdefault(symbol.name, size)
        if substitute(dim, sizes) != size:
            return False
    return True


def _reshaping(given: tuple[int, ...], wanted: tuple[Dim, ...]) -> str:
    whole = all(isinstance(dim, int) for dim in wanted)
    if len(given) >= 2 and len(given) == len(wanted) and given[2:] == wanted[2:] and whole:
        return f'add {{"name": "resize", "size": {list(wanted[:2])}}} (or pad) to "preprocessing"'
    if (*given, 1) == wanted:
        return 'add "expand_channels" to "preprocessing"'
    if len(wanted) == 1 and wanted[0] == np.prod(given):
        return 'add "flatten" to "preprocessing"'
    return f"change the graph's input to {list(given)}, or the data"


# ---- outputs


def _losses_given(fit: Fit) -> Iterator[Rejected]:
    settings, outputs = fit.experiment.settings, fit.shaped.outputs
    for key in ("loss", "loss_weights", "metrics"):
        value = getattr(settings, key)
        if not (is_per_output(value) if key != "loss_weights" else value):
            continue
        for name in value:
            if name not in outputs:
                hint = nearest(name, outputs) or "it has: " + ", ".join(outputs)
                yield Rejected("AG701", f"the graph has no output {name!r}", hint=hint, field=f"/{key}/{name}")
            elif name not in fit.binding.targets:
                hint = f'add "{name}" to "targets"'
                yield Rejected(
                    "AG701", f"the output {name!r} has nothing to learn from", hint=hint, field=f"/{key}/{name}"
                )
    known = not is_per_output(settings.loss) or set(settings.loss) <= set(outputs)
    for name in fit.binding.targets:
        if known and fit.experiment.loss(name) is None:
            yield Rejected("AG701", f"the output {name!r} has a target but no loss", field="/loss")


def _targets(fit: Fit, sizes: Mapping[str, Dim]) -> Iterator[Target]:
    for output, column in fit.binding.targets.items():
        tensor = fit.shaped.outputs[output]
        tensor = Tensor(tuple(substitute(dim, sizes) for dim in tensor.shape), tensor.dtype)
        yield Target(output, tensor, column, as_target(fit.columns[column], tensor))


def _field(key: str, fit: Fit, target: Target) -> str:
    return f"/{key}/{target.output}" if is_per_output(getattr(fit.experiment.settings, key)) else f"/{key}"


def _loss(fit: Fit, target: Target, name: str, loss: Loss) -> Iterator[Rejected]:
    field = _field("loss", fit, target)
    wrong = list(_target_shape(target, name, field))
    yield from wrong
    if not wrong:
        yield from _target_values(fit, target, name, field)
        yield from _ending(fit, target, name, loss, field)


def _target_shape(target: Target, name: str, field: str) -> Iterator[Rejected]:
    given, output = target.values.shape, target.tensor.shape
    if name in FREE_SHAPE_LOSSES:
        return
    if name in CLASS_NUMBER_LOSSES:
        if output[-1:] == (1,):
            complaint = f"{name} needs an output for every class, but output {target.output!r} has only one"
            yield Rejected("AG701", complaint, hint="use binary_crossentropy with one sigmoid output", field=field)
        elif given not in (output[:-1], (*output[:-1], 1)):
            complaint = (
                f"{target}, but {name} with an output {show(output)} takes class numbers of shape {show(output[:-1])}"
            )
            hint = f"use {name.removeprefix('sparse_')}, which takes one-hot targets" if given == output else ""
            yield Rejected("AG701", complaint, hint=hint, field=field)
        elif target.values.values.dtype.kind not in "iu":
            complaint = (
                f"{name} takes class numbers, but the column {target.column!r} holds {target.values.values.dtype}"
            )
            yield Rejected("AG701", complaint, hint="regression takes mean_squared_error", field=field)
    elif given != output:
        complaint = f"{target}, but {name} needs that of the output, {show(output)}"
        yield Rejected("AG701", complaint, hint=_sparse_hint(name, given, output), field=field)


def _sparse_hint(name: str, given: tuple[int, ...], output: tuple[Dim, ...]) -> str:
    if given != output[:-1]:
        return ""
    if f"sparse_{name}" in CLASS_NUMBER_LOSSES:
        return f'use sparse_{name}, or add "one_hot" to "preprocessing"'
    if name.startswith("binary"):
        return "use sparse_categorical_crossentropy for one class among several"
    return 'add "one_hot" to "preprocessing" to learn classes with this loss' if len(output) else ""


def _target_values(fit: Fit, target: Target, name: str, field: str) -> Iterator[Rejected]:
    values = target.values.values
    if name in CLASS_NUMBER_LOSSES:
        raw = fit.samples.columns[target.column].values
        every = raw if raw.dtype.kind in "iu" and raw.ndim <= values.ndim else values
        lowest, highest, classes = int(every.min()), int(every.max()), target.tensor.shape[-1]
        ignored = getattr(fit.experiment.loss(target.output), "ignore_class", None)
        if isinstance(classes, int) and (highest >= classes or (lowest < 0 and lowest != ignored)):
            complaint = (
                f"class numbers go from {lowest} to {highest}, but output {target.output!r} has {classes} classes"
            )
            yield Rejected("AG701", complaint, hint=f"the last layer needs {highest + 1} outputs", field=field)
    elif name in ZERO_TO_ONE_LOSSES and values.size and not 0 <= float(values.min()) <= float(values.max()) <= 1:
        low, high = float(values.min()), float(values.max())
        complaint = f"{name} needs targets from 0 to 1, but the column {target.column!r} goes from {low:g} to {high:g}"
        hint = f'rescale it: {{"name": "rescale", "from_range": [{low:g}, {high:g}]}} in preprocessing'
        yield Rejected("AG701", complaint, hint=hint, field=field)


def _ending(fit: Fit, target: Target, name: str, loss: Loss, field: str) -> Iterator[Rejected]:
    """Softmax or sigmoid, once: at the end of the graph, or inside the loss."""
    ending = last_function(fit.shaped, target.output)
    if ending is None:
        return
    function, node = ending
    accepted = PROBABILITY_LOSSES.get(name)
    if accepted is None:
        return
    from_logits = getattr(loss, "from_logits", False)
    if from_logits and function in _SQUASHES:
        complaint = f"from_logits applies {accepted[0]} in the loss, but node {node!r} has applied {function} already"
        value = fit.experiment.settings.loss
        given = value[target.output] if is_per_output(value) else value
        where = f"{field}/from_logits" if isinstance(given, Mapping) else field
        yield Rejected("AG701", complaint, hint="leave out one of the two", field=where)
    elif not from_logits and function not in accepted:
        ends = f"{function} at node {node!r}" if function else f"node {node!r} without an activation"
        complaint = f"{name} takes probabilities, but output {target.output!r} ends in {ends}"
        hint = f'end in "activation": "{accepted[0]}"'
        if hasattr(loss, "from_logits") and not function:
            hint += ', or set "from_logits": true'
        yield Rejected("AG701", complaint, hint=hint, field=field)


def last_function(shaped: ShapedGraph, output: str) -> tuple[str, str] | None:
    """The activation that an output ends in (empty: a layer without one) and the path of its node; None if unclear."""
    nodes: dict[str, FlatNode] = {node.path: node for node in shaped.walk()}
    path = shaped.results()[output].path
    while path in nodes:
        node = nodes[path]
        primitive: Any = node.leaf.primitive
        if primitive.op == "activation":
            return str(primitive.activation), path
        if primitive.op not in _SHAPE_ONLY:
            return ("", path) if isinstance(primitive, Dressed) else None
        fed = node.feeds[0]
        if fed is None:
            return None
        path = fed.path
    return None


# ---- metrics, weights, callbacks


def _metrics(fit: Fit, target: Target) -> Iterator[Rejected]:
    given, output = target.values.shape, target.tensor.shape
    for number, (name, _, metric) in enumerate(fit.experiment.metrics(target.output)):
        sparse = name in _SPARSE_METRICS or (name == "mean_io_u" and getattr(metric, "sparse_y_true", False))
        if name == "accuracy":
            continue
        wanted = output[:-1] if sparse else output
        if given in (wanted, (*wanted, 1)) and not (sparse and given == output):
            continue
        complaint = f"{target}, but the metric {name} takes {show(wanted)}"
        yield Rejected("AG701", complaint, hint=_other_metric(name), field=f"{_field('metrics', fit, target)}/{number}")


def _other_metric(name: str) -> str:
    if name in _SPARSE_METRICS:
        return f"use {name.removeprefix('sparse_')}"
    sparse = "sparse_" + (name if name.startswith(("categorical", "top_k")) else "categorical_accuracy")
    return f'use {sparse}, or simply "accuracy"'


def _class_weights(fit: Fit) -> Iterator[Rejected]:
    weights = fit.experiment.settings.class_weights
    if weights is None:
        return
    if fit.samples.masks:
        yield Rejected("AG701", "class weights and node masks cannot be combined", field="/class_weights")
        return
    labelled = [fit.samples.columns[column] for column in fit.binding.targets.values()]
    named = [column for column in labelled if column.classes and column.shape == ()]
    if len(named) != 1:
        complaint = f"class weights need exactly one target of class numbers, got {len(named)}"
        yield Rejected("AG701", complaint, field="/class_weights")
    elif isinstance(weights, Mapping):
        for name in weights:
            if name not in named[0].classes:
                hint = nearest(name, named[0].classes) or "known: " + ", ".join(named[0].classes[:20])
                yield Rejected("AG701", f"there is no class {name!r}", hint=hint, field=f"/class_weights/{name}")


def quantities(fit: Fit) -> tuple[str, ...]:
    """Names of what an epoch measures, as Keras gives them."""
    learned = [output for output in fit.shaped.outputs if output in fit.binding.targets]
    names, several = ["loss"], len(learned) > 1
    if several:
        names += [f"{output}_loss" for output in learned]
    for output in learned:
        names += [f"{output}_{one.label}" if several else one.label for one in fit.experiment.metrics(output)]
    validated = fit.experiment.settings.validation > 0
    return (*names, *(f"val_{name}" for name in names if validated))


def unmeasured(fit: Fit, known: tuple[str, ...]) -> Iterator[Rejected]:
    """Complaints about callbacks that watch none of the quantities that are known."""
    for number, value in enumerate(fit.experiment.settings.callbacks):
        monitor = value.get("monitor") if isinstance(value, Mapping) else None
        if monitor is not None and monitor not in known:
            hint = nearest(monitor, known) or "measured: " + ", ".join(known)
            yield Rejected("AG701", f"{monitor!r} is not measured", hint=hint, field=f"/callbacks/{number}/monitor")
