"""What an epoch measures, and whether class weights and callbacks name what there is."""

from collections.abc import Iterator, Mapping

from archgraph.diagnostics import Rejected, nearest
from archgraph.training.fit.base import Fit


def misweighted(fit: Fit) -> Iterator[Rejected]:
    """Complaints about the weights of classes."""
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
