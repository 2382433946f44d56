"""What happens to the weights of a new run before its first step: those of another run, then pre-training."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archgraph.training import folder as folders
from archgraph.training.layerwise import Layerwise
from archgraph.training.reuse import load_initial

if TYPE_CHECKING:
    from archgraph.training.loop import Training


def begins_fresh(training: "Training") -> bool:
    """Whether there is nothing to do before the first step."""
    return training.experiment.initial_weights is None and training.experiment.pretraining is None


def begin(training: "Training", asked: Callable[[], bool]) -> bool:
    """Do it, and write down what was done; False: it was `asked` to stop, so that this must be called again."""
    _reuse(training)
    return _pretrain(training, asked)


def _reuse(training: "Training") -> None:
    with training.place.here():
        reports = load_initial(training.experiment, training.trainee.networks)
    for role, report in reports.items():
        whose = f"{role}: " if len(training.trainee.networks) > 1 else ""
        for line in report.lines():
            training.reports.say(f"initial weights: {whose}{line}")
    if reports and training.place.first:
        folders.write_json(training.folder.initial_weights, {role: one.as_json() for role, one in reports.items()})


def _pretrain(training: "Training", asked: Callable[[], bool]) -> bool:
    pretraining, settings = training.experiment.pretraining, training.settings
    if pretraining is None:
        return True
    (network,), (shaped,) = training.trainee.networks.values(), training.plan.networks.values()
    layerwise = Layerwise(network, shaped, pretraining, training.dataset.train, settings.batch_size, settings.seed)
    done = layerwise.run(training.folder.pretraining_state, training.identity, training.reports.say, asked)
    if done:
        folders.write_json(training.folder.pretraining, layerwise.report)
    return done


def told(training: "Training") -> dict[str, Any]:
    """What result.json says of it."""
    files = {"initial_weights": training.folder.initial_weights, "pretraining": training.folder.pretraining}
    return {name: folders.read_json(path) for name, path in files.items() if path.is_file()}
