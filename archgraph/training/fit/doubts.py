"""What an experiment asks for that cannot act in so short a run, or on so little data, or is surely not meant."""

from collections.abc import Iterator, Mapping
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.training.callbacks import CALLBACK, EarlyStopping, Watcher
from archgraph.training.data.dataset import as_target
from archgraph.training.fit.base import Fit
from archgraph.training.fit.reach import QUANTITY_LOSSES
from archgraph.training.forms import is_per_output
from archgraph.training.optimizer import Optimizer
from archgraph.training.schedules import (
    CosineDecay,
    CosineRestarts,
    OneCycle,
    PiecewiseConstant,
    PolynomialDecay,
    Schedule,
    StepDecay,
    Warmup,
    as_schedule,
)

_ENDING = (CosineDecay, OneCycle, PolynomialDecay, StepDecay)
"""Schedules whose `decay_steps` is when something is done, not a unit of time."""


def _doubt(complaint: str, hint: str, field: str) -> Rejected:
    return Rejected("AG707", complaint, hint=hint, field=field)


def doubts(fit: Fit) -> Iterator[Rejected]:
    """Every doubt, its field below the experiment (warnings)."""
    yield from _amounts(fit)
    yield from _waiting(fit)
    yield from _schedules(fit)
    yield from _classes_as_quantities(fit)


def unmoved(fit: Fit) -> Iterator[Rejected]:
    """Complaints about optimisers that gather gradients for longer than training lasts."""
    _, total = steps_of(fit)
    for role, rule in _rules(fit):
        gathered = getattr(rule, "gradient_accumulation_steps", None)
        if gathered is not None and gathered > total:
            complaint = f"weights move after {gathered:,} steps, but training has only {total:,}: they never do"
            place = "/optimizer" + (f"/{role}" if role else "")
            hint = f"at most {total:,}"
            yield Rejected("AG701", complaint, hint=hint, field=f"{place}/gradient_accumulation_steps")


def _rules(fit: Fit) -> Iterator[tuple[str, Any]]:
    """The update rules by role; the role is empty where all graphs have the same."""
    value = fit.experiment.settings.optimizer
    if is_per_output(value):
        yield from ((role, fit.experiment.rule(role)) for role in value)
    else:
        yield "", fit.experiment.rule(next(iter(fit.experiment.networks)))


def steps_of(fit: Fit) -> tuple[int, int]:
    """Steps in an epoch, and in the whole training."""
    samples = 1 if fit.samples.masks else len(fit.parts.train)
    every = max(1, -(-samples // int(fit.experiment.settings.batch_size)))
    return every, every * int(fit.experiment.settings.epochs)


# ---- data


def _amounts(fit: Fit) -> Iterator[Rejected]:
    settings, trained = fit.experiment.settings, len(fit.parts.train)
    size, wanted = settings.batch_size, fit.experiment.source.subset
    if not fit.samples.masks and size > trained and size != type(settings).fields()["batch_size"].default:
        complaint = f"batches of {size:,} are wanted, but there are {trained:,} training samples"
        yield _doubt(complaint, 'write "all" for all of them at once', "/batch_size")
    if wanted is not None and wanted > len(fit.samples):
        yield _doubt(
            f"{wanted:,} samples are wanted, but there are {len(fit.samples):,}", "leave it out", "/data/subset"
        )


# ---- callbacks


def _waiting(fit: Fit) -> Iterator[Rejected]:
    settings = fit.experiment.settings
    for number, value in enumerate(settings.callbacks):
        callback, place = CALLBACK.make(value), f"/callbacks/{number}"
        written: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        if not settings.validation and isinstance(callback, EarlyStopping) and callback.monitor is None:
            complaint = "without validation the loss on the training samples decides, which over-fitting makes better"
            yield _doubt(complaint, 'set "validation" to a share such as 0.1', place)
        if not settings.validation and written.get("restore_best"):
            complaint = "without validation nobody knows which weights are the best"
            yield _doubt(complaint, 'set "validation" to a share such as 0.1', f"{place}/restore_best")
        if isinstance(callback, Watcher):
            yield from _too_late(callback, written, place, settings.epochs)


def _too_late(callback: Watcher, written: Mapping[str, Any], place: str, epochs: int) -> Iterator[Rejected]:
    for name in ("patience", "start_from_epoch"):
        waits = getattr(callback, name, None)
        if name in written and isinstance(waits, int) and waits >= epochs:
            complaint = f"it waits {waits} epochs, but training ends after {epochs}: it never acts"
            yield _doubt(complaint, f'give "{name}" below {epochs}, or more "epochs"', f"{place}/{name}")
            return


# ---- learning rates


def _schedules(fit: Fit) -> Iterator[Rejected]:
    every, total = steps_of(fit)
    for role, rule in _rules(fit):
        if isinstance(rule, Optimizer):
            place = f"/optimizer/{role}/learning_rate" if role else "/optimizer/learning_rate"
            yield from _schedule(as_schedule(rule.learning_rate), every, total, place)


def _schedule(schedule: Schedule, every: int, total: int, place: str) -> Iterator[Rejected]:
    given = schedule.in_steps(every, total)
    if isinstance(schedule, Warmup):
        yield from _late(given["steps"], total, f"{place}/steps", "the warm-up ends")
        if given["steps"] < total:
            yield from _schedule(schedule.following, every, total - given["steps"], f"{place}/then")
    elif isinstance(schedule, PiecewiseConstant):
        for number, boundary in enumerate(given["boundaries"]):
            if boundary >= total:
                yield from _late(boundary + 1, total, f"{place}/boundaries/{number}", "the rate changes")
                return
    elif isinstance(schedule, CosineRestarts):
        yield from _late(given["first_decay_steps"], total, f"{place}/first_decay_steps", "the first decay ends")
    elif isinstance(schedule, _ENDING) and schedule.decay_steps is not None:
        what = "the rate changes" if isinstance(schedule, StepDecay) else "it ends"
        yield from _late(given["decay_steps"], total, f"{place}/decay_steps", what)


def _late(step: float, total: int, field: str, what: str) -> Iterator[Rejected]:
    if step > total:
        complaint = f"{what} in step {step:,.0f}, but training has only {total:,}"
        yield _doubt(complaint, "make it shorter, or take more epochs", field)


# ---- targets


def _classes_as_quantities(fit: Fit) -> Iterator[Rejected]:
    """Numbers of classes have no order, and no distances."""
    if not fit.experiment.objective.takes_loss:
        return
    for output, column in fit.binding.targets.items():
        given, raw = fit.experiment.loss(output), fit.samples.columns[column]
        learned = as_target(fit.columns[column], fit.shaped.outputs[output])
        if given is None or given[0] not in QUANTITY_LOSSES or len(raw.classes) < 3:
            continue
        if raw.shape == () and learned.shape in ((), (1,)):
            complaint = f"{given[0]} takes the numbers of the classes of {column!r} for quantities"
            hint = f"use sparse_categorical_crossentropy with {len(raw.classes)} outputs"
            yield _doubt(complaint, hint, f"/loss/{output}" if is_per_output(fit.experiment.settings.loss) else "/loss")
