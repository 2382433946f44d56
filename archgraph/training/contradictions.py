"""What is wrong with an experiment file only when its entries are taken together: the schema cannot say it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from archgraph.diagnostics import Rejected, nearest
from archgraph.document.load import project_folder
from archgraph.record import Record
from archgraph.training import hardware
from archgraph.training.callbacks import CALLBACK, ReduceLrOnPlateau, StochasticWeightAveraging
from archgraph.training.forms import is_per_output
from archgraph.training.optimizer import OPTIMIZER, Lbfgs, Optimizer, Perceptron, ScheduleFreeAdamW, Sgd
from archgraph.training.schedules import OneCycle, Warmup, as_schedule

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
        rule = OPTIMIZER.make(value)
        scheduled = scheduled or not isinstance(getattr(rule, "learning_rate", None), int | float)
        if isinstance(rule, Optimizer):
            yield from (one.under(place[1:]) for one in _of_optimizer(rule))
        if isinstance(rule, Perceptron):
            yield from _of_perceptron(experiment)
        if isinstance(rule, Lbfgs):
            yield from _of_lbfgs(experiment, place)
    for number, value in enumerate(settings.callbacks):
        callback = CALLBACK.make(value)
        if isinstance(callback, ReduceLrOnPlateau) and scheduled:
            yield Rejected(
                "AG210",
                "reduce_lr_on_plateau can only change a learning rate that is a number",
                hint="give the optimiser a number as learning_rate",
                field=f"/callbacks/{number}",
            )
        if isinstance(callback, StochasticWeightAveraging):
            yield from (one.under(f"callbacks/{number}") for one in _of_averaging(experiment))
        if not settings.validation and _name_of_monitor(callback).startswith("val_"):
            yield Rejected(
                "AG210",
                f"{_name_of_monitor(callback)!r} is not measured without validation",
                hint='set "validation" to a share such as 0.1',
                field=f"/callbacks/{number}/monitor",
            )
    yield from hardware.contradictions(experiment)
    yield from _outside(experiment)


def _of_optimizer(optimizer: Optimizer) -> Iterator[Rejected]:
    clips = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(optimizer, name) is not None]
    if len(clips) > 1:
        yield Rejected("AG210", f"only one of {' and '.join(clips)} can be set", field=f"/{clips[1]}")
    yield from (one.under("learning_rate") for one in as_schedule(optimizer.learning_rate).contradictions())
    yield from _of_momentum(optimizer)


def _of_momentum(optimizer: Optimizer) -> Iterator[Rejected]:
    """What a rate's cycle asks of the momentum."""
    schedule, field = as_schedule(optimizer.learning_rate), "/learning_rate/lowest_momentum"
    if isinstance(schedule, Warmup) and getattr(schedule.following, "lowest_momentum", None) is not None:
        hint = "leave out the warm-up: the cycle begins with one"
        yield Rejected(
            "AG210", "momentum does not cycle after a warm-up", hint=hint, field=field.replace("/low", "/then/low")
        )
    if not isinstance(schedule, OneCycle) or schedule.lowest_momentum is None:
        return
    if not isinstance(optimizer, Sgd):
        yield Rejected("AG210", "momentum cycles only with sgd", hint="choose sgd, or leave it out", field=field)
    elif optimizer.momentum <= schedule.lowest_momentum:
        complaint = f"momentum {optimizer.momentum:g} cannot fall to {schedule.lowest_momentum:g}"
        yield Rejected("AG210", complaint, hint='give sgd a higher "momentum", such as 0.95', field=field)


def _of_averaging(experiment: "Experiment") -> Iterator[Rejected]:
    hint = "leave it out"
    if len(experiment.objective.needed) > 1:
        complaint = f"the weights of several networks, as in {experiment.objective.name}, have no mean to end with"
        yield Rejected("AG210", complaint, hint="set use_ema of an optimiser")
        return
    if not isinstance(experiment.hardware, hardware.OneDevice):
        yield Rejected("AG210", "weights are averaged so on one device only", hint=hint)
    for role in experiment.networks:
        rule = experiment.rule(role)
        if isinstance(rule, Lbfgs):
            yield Rejected("AG210", "lbfgs ends in a minimum: there is no way to average", hint=hint)
        elif isinstance(rule, ScheduleFreeAdamW) or getattr(rule, "use_ema", False):
            yield Rejected("AG210", "the optimiser already averages the weights", hint=hint)


def _of_perceptron(experiment: "Experiment") -> Iterator[Rejected]:
    settings = experiment.settings
    values = settings.loss.values() if is_per_output(settings.loss) else [settings.loss]
    if any((value["name"] if isinstance(value, Mapping) else value) != "perceptron" for value in values):
        hint = 'set "loss": "perceptron", or choose sgd'
        yield Rejected("AG210", "the perceptron rule goes with the loss of that name", hint=hint, field="/loss")


def _of_lbfgs(experiment: "Experiment", place: str) -> Iterator[Rejected]:
    settings, objective = experiment.settings, experiment.objective
    if objective.name != "supervised":
        complaint = f"lbfgs minimises losses of outputs, not the objective {objective.name}"
        yield Rejected("AG210", complaint, hint="choose another optimiser, such as adam", field=place)
    if settings.dtype_policy not in ("float32", "float64"):
        complaint = f"lbfgs compares losses too finely for {settings.dtype_policy}"
        yield Rejected("AG210", complaint, hint='set "dtype_policy": "float64"', field="/dtype_policy")
    if settings.batch_size != "all":
        complaint = f"lbfgs needs all data at once, got batches of {settings.batch_size}"
        yield Rejected("AG210", complaint, hint='set "batch_size": "all"', field="/batch_size")


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


def _outside(experiment: "Experiment") -> Iterator[Rejected]:
    root = project_folder(experiment.folder.resolve())
    if experiment.settings.graph is None and not experiment.settings.graphs:
        return
    for network in experiment.networks.values():
        if not network.file.resolve().is_relative_to(root):
            hint = f"the folder is {root.name}/"
            yield Rejected("AG410", "the graph must be inside the project folder", hint=hint, field=network.field)
