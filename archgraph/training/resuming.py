"""Going on with a run from its last state that is whole, if it is still the same run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.training import describing, manifest, state
from archgraph.training import folder as folders

if TYPE_CHECKING:
    from archgraph.training.loop import Training


def resume(training: "Training") -> None:
    """Go on from the last state that is whole, or begin where there is none yet.

    Raises:
        GraphError: AG704 when the run is over, or when experiment, graph or data are no longer those of the run.
    """
    if training.place.first:
        folders.sweep(training.folder)
    kept = training.checkpoints.newest(training.reports.say)
    if kept is None:
        training.reports.say("it was stopped before anything was saved: starting from the beginning")
        if training.place.first:
            training.describe()
        return
    _need_same(training, kept.progress["identity"])
    _need_unfinished(training, kept.progress)
    _take_up(training, kept)
    if training.place.first:
        _mend(training)


def _take_up(training: "Training", kept: state.State) -> None:
    progress, variables = kept.progress, training.variables
    if [array.shape for array in kept.arrays] != [tuple(variable.shape) for variable in variables]:
        raise _refused(training, "cannot resume: its variables are not those of this version", "start a new run")
    with training.place.here():
        state.restore(variables, kept.arrays)
    training.best, training.saver.best_written = kept.best, False
    training.epoch, training.step, training.seconds = progress["epoch"], progress["step"], progress["seconds"]
    training.stopped, training.begun = progress["stopped"], progress["begun"]
    training.history = [dict(row) for row in progress["history"]]
    training.watches.recall(progress["watches"])
    where = f"epoch {training.epoch + 1}" + (f", step {training.step + 1}" if training.step else "")
    training.reports.say(f"resuming {training.folder.path} at {'its end' if training.done else where}")


def _mend(training: "Training") -> None:
    """Write anew what a run begins with, where it was damaged."""
    folder = training.folder.path
    damaged = {name: content for name, content in training.contents().items() if not manifest.whole(folder / name)}
    if damaged:
        training.reports.say(f"damaged or missing, and written anew: {', '.join(damaged)}")
        manifest.seal(folder, damaged)


def _need_unfinished(training: "Training", progress: Mapping[str, Any]) -> None:
    """Refuse a run that left its result. One that was killed before that still has to write it."""
    ended = progress["stopped"] or progress["epoch"] >= training.settings.epochs
    if not ended or not manifest.whole(training.folder.result):
        return
    result = folders.read_json(training.folder.result)
    if result["interrupted"] or result["epochs"] != progress["epoch"]:
        return
    over = f"its training is over: {progress['stopped']}" if progress["stopped"] else ""
    why = over or f"it has finished its {progress['epoch']} epochs"
    raise _refused(training, f"cannot resume: {why}", "raise its epochs to train on, or start a new run")


def _need_same(training: "Training", before: Mapping[str, Any]) -> None:
    changed = describing.changed(before, training.identity)
    if changed:
        why = f"cannot resume: {', '.join(changed)} changed since the run began"
        raise _refused(training, why, "start a new run, or set it back")


def _refused(training: "Training", why: str, hint: str) -> GraphError:
    return GraphError([Diagnostic("AG704", "", why, hint, file=str(training.folder.path))])
