"""The end of a run, or of a part of it: the models that are kept, their scores, pictures, and the result."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archgraph.document.files import write_atomically
from archgraph.training import folder as folders
from archgraph.training import manifest, state
from archgraph.training.beginning import told
from archgraph.training.feed import Feed
from archgraph.training.plots import curves
from archgraph.training.report import figures
from archgraph.training.run import Run
from archgraph.training.saving import save_network

if TYPE_CHECKING:
    from archgraph.training.loop import Training


def follow(training: "Training") -> Run:
    """The run as a process sees it that does not keep the folder."""
    done = training.done
    return Run(training.folder, tuple(training.history), {}, training.best_epoch, not done, training.stopped)


def pause(training: "Training") -> Run:
    """Leave a run that was told to stop."""
    if not training.spread:
        training.saver.save()
    _write_result(training, {}, "last", interrupted=True)
    training.reports.say(f"interrupted in epoch {training.epoch + 1}; everything is saved, go on with --resume")
    return Run(training.folder, tuple(training.history), {}, training.best_epoch, True, "")


def finish(training: "Training") -> Run:
    """Choose the weights that are kept, judge them, and write all that is left to write."""
    if not training.spread:
        training.saver.save()
        training.average()
    weights = _choose_weights(training)
    for role, network in training.trainee.networks.items():
        save_network(network, training.folder.model_of(role))
    scores = training.trainee.tested(Feed(training.dataset.test, training.settings.batch_size))
    title = training.experiment.name
    write_atomically(training.folder.picture("curves"), curves(title, training.history, training.best_epoch))
    for name, picture in training.trainee.illustrate(title):
        write_atomically(training.folder.picture(name), picture)
    for observer in training.observers:
        observer.ended(training)
    _write_result(training, scores, weights, interrupted=False)
    if training.stopped:
        training.reports.say(f"stopped after epoch {training.epoch}: {training.stopped}")
    training.reports.say(f"test: {figures(scores)}")
    training.reports.say(f"kept in {training.folder.path}")
    return Run(training.folder, tuple(training.history), scores, training.best_epoch, False, training.stopped)


def _choose_weights(training: "Training") -> str:
    if training.averaged:
        return "average"
    if training.watches.restores_best and training.best:
        state.restore(training.trainee.weights, training.best)
        return "best"
    return "last"


def _write_result(training: "Training", scores: Mapping[str, float], weights: str, *, interrupted: bool) -> None:
    # Last of all: a run without its result is finished anew when it is resumed.
    result = {
        "name": training.experiment.name,
        "test": dict(scores),
        "weights": weights,
        "epochs": training.epoch,
        "best_epoch": training.best_epoch,
        "interrupted": interrupted,
        "stopped": training.stopped,
        "seconds": round(sum(row["seconds"] for row in training.history) + training.seconds, 3),
        "parameters": training.plan.parameters,
        "samples": training.data["samples"],
        **told(training),
    }
    manifest.write_sealed(training.folder.result, folders.as_json(result))
