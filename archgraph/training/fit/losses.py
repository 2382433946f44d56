"""Whether each output, its target and its loss fit each other."""

from collections.abc import Iterator

from archgraph.diagnostics import Rejected, nearest
from archgraph.shapes import Dim, show
from archgraph.training.data.stored import is_stored
from archgraph.training.fit.base import Fit, Target, field
from archgraph.training.fit.ending import misended
from archgraph.training.fit.reach import unreached
from archgraph.training.forms import is_per_output
from archgraph.training.losses import CLASS_NUMBER_LOSSES, FREE_SHAPE_LOSSES, ZERO_TO_ONE_LOSSES, Loss


def unlearned(fit: Fit) -> Iterator[Rejected]:
    """Losses, weights and metrics without an output that learns, and such outputs without a loss."""
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
    weights = settings.loss_weights
    if weights and all(weights.get(name) == 0 for name in fit.binding.targets):
        hint = "give one of them a weight above 0"
        yield Rejected(
            "AG701", "every loss weighs nothing: there is nothing to learn", hint=hint, field="/loss_weights"
        )
    for name in fit.binding.targets:
        if known and fit.experiment.loss(name) is None:
            yield Rejected("AG701", f"the output {name!r} has a target but no loss", field="/loss")


def misjudged(fit: Fit, target: Target, name: str, loss: Loss) -> Iterator[Rejected]:
    """Complaints about the loss of one output."""
    place = field("loss", fit, target)
    wrong = list(_target_shape(target, name, place))
    yield from wrong
    if not wrong:
        yield from _target_values(fit, target, name, loss, place)
        yield from misended(fit, target, name, loss, place)
        yield from unreached(fit, target, name, place)


def _target_shape(target: Target, name: str, place: str) -> Iterator[Rejected]:
    given, output = target.values.shape, target.tensor.shape
    if name in FREE_SHAPE_LOSSES:
        return
    if name in CLASS_NUMBER_LOSSES:
        if output[-1:] == (1,):
            complaint = f"{name} needs an output for every class, but output {target.output!r} has only one"
            yield Rejected("AG701", complaint, hint="use binary_crossentropy with one sigmoid output", field=place)
        elif given not in (output[:-1], (*output[:-1], 1)):
            complaint = (
                f"{target}, but {name} with an output {show(output)} takes class numbers of shape {show(output[:-1])}"
            )
            hint = f"use {name.removeprefix('sparse_')}, which takes one-hot targets" if given == output else ""
            yield Rejected("AG701", complaint, hint=hint, field=place)
        elif target.values.values.dtype.kind not in "iu":
            complaint = (
                f"{name} takes class numbers, but the column {target.column!r} holds {target.values.values.dtype}"
            )
            yield Rejected("AG701", complaint, hint="regression takes mean_squared_error", field=place)
    elif given != output:
        complaint = f"{target}, but {name} needs that of the output, {show(output)}"
        yield Rejected("AG701", complaint, hint=_sparse_hint(name, given, output), field=place)


def _sparse_hint(name: str, given: tuple[int, ...], output: tuple[Dim, ...]) -> str:
    if given != output[:-1]:
        return ""
    if f"sparse_{name}" in CLASS_NUMBER_LOSSES:
        return f'use sparse_{name}, or add "one_hot" to "preprocessing"'
    if name.startswith("binary"):
        return "use sparse_categorical_crossentropy for one class among several"
    return 'add "one_hot" to "preprocessing" to learn classes with this loss' if len(output) else ""


def _target_values(fit: Fit, target: Target, name: str, loss: Loss, place: str) -> Iterator[Rejected]:
    values = target.values.values
    if name in CLASS_NUMBER_LOSSES:
        raw = fit.samples.columns[target.column].values
        every = raw if raw.dtype.kind in "iu" and raw.ndim <= values.ndim and not is_stored(raw) else values
        every = every[every != getattr(loss, "ignore_class", None)]
        if not every.size:
            return
        lowest, highest, classes = int(every.min()), int(every.max()), target.tensor.shape[-1]
        if isinstance(classes, int) and (highest >= classes or lowest < 0):
            complaint = (
                f"class numbers go from {lowest} to {highest}, but output {target.output!r} has {classes} classes"
            )
            hint = f"the last layer needs {highest + 1} outputs"
            if lowest < 0:
                told = f', or set "ignore_class": {lowest}' if hasattr(loss, "ignore_class") else ""
                hint = f"class numbers begin with 0{told}"
            yield Rejected("AG701", complaint, hint=hint, field=place)
    elif name in ZERO_TO_ONE_LOSSES and values.size and not 0 <= float(values.min()) <= float(values.max()) <= 1:
        low, high = float(values.min()), float(values.max())
        complaint = f"{name} needs targets from 0 to 1, but the column {target.column!r} goes from {low:g} to {high:g}"
        hint = f'rescale it: {{"name": "rescale", "from_range": [{low:g}, {high:g}]}} in preprocessing'
        yield Rejected("AG701", complaint, hint=hint, field=place)
