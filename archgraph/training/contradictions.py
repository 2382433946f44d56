"""What is wrong with an experiment file only when its entries are taken together: the schema cannot say it."""

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from archgraph.diagnostics import Rejected, nearest
from archgraph.document.load import project_folder
from archgraph.kinds import shown
from archgraph.record import Record
from archgraph.training.callbacks import CALLBACK, ReduceLrOnPlateau
from archgraph.training.forms import is_per_output
from archgraph.training.optimizer import OPTIMIZER, SCHEDULE, Optimizer, PiecewiseConstant

if TYPE_CHECKING:
    from archgraph.training.experiment import Experiment


def contradictions(experiment: "Experiment") -> Iterator[Rejected]:
    """Every complaint, its field below the experiment."""
    settings = experiment.settings
    yield from _roles(experiment)
    scheduled = False
    rates = settings.optimizer if is_per_output(settings.optimizer) else {"": settings.optimizer}
    for role, value in rates.items():
        place = f"/optimizer/{role}" if role else "/optimizer"
        optimizer: Optimizer = OPTIMIZER.make(value)  # type: ignore[assignment]
        clips = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(optimizer, name) is not None]
        if len(clips) > 1:
            yield Rejected("AG210", f"only one of {' and '.join(clips)} can be set", field=f"{place}/{clips[1]}")
        if isinstance(optimizer.learning_rate, str | Mapping):
            scheduled = True
            schedule = SCHEDULE.make(optimizer.learning_rate)
            if isinstance(schedule, PiecewiseConstant):
                yield from _piecewise(schedule, f"{place}/learning_rate")
    for number, value in enumerate(settings.callbacks):
        callback = CALLBACK.make(value)
        if isinstance(callback, ReduceLrOnPlateau) and scheduled:
            yield Rejected(
                "AG210",
                "reduce_lr_on_plateau cannot change a learning rate that follows a schedule",
                hint="give the optimiser a number as learning_rate",
                field=f"/callbacks/{number}",
            )
        if not settings.validation and _name_of_monitor(callback).startswith("val_"):
            yield Rejected(
                "AG210",
                f"{_name_of_monitor(callback)!r} is not measured without validation",
                hint='set "validation" to a share such as 0.1',
                field=f"/callbacks/{number}/monitor",
            )
    yield from _outside(experiment)


def _name_of_monitor(callback: Record) -> str:
    return getattr(callback, "monitor", None) or ""


def _roles(experiment: "Experiment") -> Iterator[Rejected]:
    settings, objective = experiment.settings, experiment.objective
    wanted, given = objective.roles, settings.graphs
    if not wanted:
        if given:
            hint = 'give "graph"' if settings.graph is None else ""
            yield Rejected("AG210", f"the objective {objective.name} trains one graph", hint=hint, field="/graphs")
        elif settings.graph is None:
            yield Rejected("AG204", 'needs "graph": the graph file, relative to this one')
    else:
        if settings.graph is not None:
            hint = 'name them in "graphs": ' + ", ".join(wanted)
            yield Rejected("AG210", f"the objective {objective.name} trains several graphs", hint=hint, field="/graph")
        for role in given:
            if role not in wanted:
                hint = nearest(role, wanted) or "it has: " + ", ".join(wanted)
                complaint = f"the objective {objective.name} has no role {role!r}"
                yield Rejected("AG210", complaint, hint=hint, field=f"/graphs/{role}")
        for role in objective.needed:
            if role not in given:
                complaint = f'the objective {objective.name} needs "graphs": {{"{role}": …}}: {wanted[role]}'
                yield Rejected("AG204", complaint, field="/graphs" if given else "")
    if is_per_output(settings.optimizer):
        for role in settings.optimizer:
            if role not in experiment.networks:
                hint = nearest(role, experiment.networks) or "it has: " + ", ".join(experiment.networks)
                yield Rejected("AG210", f"there is no graph {role!r} to move", hint=hint, field=f"/optimizer/{role}")
    if objective.takes_loss and settings.loss is None:
        yield Rejected("AG204", f"needs 'loss': the objective {objective.name} minimises it")
    elif not objective.takes_loss and settings.loss is not None:
        hint = "leave it out"
        yield Rejected("AG210", f"the objective {objective.name} brings its own losses", hint=hint, field="/loss")


def _piecewise(schedule: PiecewiseConstant, place: str) -> Iterator[Rejected]:
    bounds, values = schedule.boundaries, schedule.values
    if len(values) != len(bounds) + 1:
        complaint = f"{len(bounds)} boundaries need {len(bounds) + 1} values, got {len(values)}"
        yield Rejected("AG210", complaint, field=f"{place}/values")
    if any(later <= earlier for earlier, later in itertools.pairwise(bounds)):
        yield Rejected("AG210", f"boundaries must rise, got {shown(bounds)}", field=f"{place}/boundaries")


def _outside(experiment: "Experiment") -> Iterator[Rejected]:
    root = project_folder(experiment.folder.resolve())
    if experiment.settings.graph is None and not experiment.settings.graphs:
        return
    for network in experiment.networks.values():
        if not network.file.resolve().is_relative_to(root):
            hint = f"the folder is {root.name}/"
            yield Rejected("AG410", "the graph must be inside the project folder", hint=hint, field=network.field)
