"""Plan -> Run: the training loop, its checkpoints and what it leaves behind."""

import importlib.metadata
import math
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model
from archgraph.compiler.backend import load_keras
from archgraph.compiler.rolling import Choice
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import replacing, write_atomically
from archgraph.graph import Block
from archgraph.training import folder as folders
from archgraph.training import preprocessing, state
from archgraph.training.data.dataset import Dataset, Part
from archgraph.training.data.weights import class_weights
from archgraph.training.experiment import Experiment, load_experiment, overridden, read_experiment
from archgraph.training.feed import Feed
from archgraph.training.folder import RunFolder
from archgraph.training.observers import observers
from archgraph.training.planning import Plan, plan
from archgraph.training.plots import curves
from archgraph.training.report import Logged, Reporter, figures, reporter
from archgraph.training.run import Run
from archgraph.training.trainees import trainee
from archgraph.training.watch import Watches

_WRITING_SHARE = 0.1
"""Writing the state takes at most this share of the time."""
_RESUMABLE = frozenset({"epochs", "doc", "meta", "watch", "show_every"})
"""Settings that may change between a run and its resumption."""


def train(
    experiment: str | Path | Experiment,
    *,
    run_dir: str | Path | None = None,
    resume: bool = False,
    progress: bool | Reporter = True,
    overrides: Mapping[str, Any] | None = None,
) -> Run:
    """Train as an experiment file says, and keep everything in a run folder.

    Ctrl-C ends training after the present batch, with all state saved (a second one at once). A run that was
    interrupted or killed is resumed with `resume`; on a CPU it then ends as if it had never been.

    Args:
        experiment: a ``.train.json`` file, or what `load_experiment` made of one.
        run_dir: a new or empty folder (with `resume`: that of the run). Default: ``runs/NAME-NUMBER`` here.
        resume: go on from the last saved state of the run.
        progress: show what happens; or a `Reporter` of your own.
        overrides: entries of the file to replace, by dotted path: ``{"optimizer.learning_rate": 0.1}``.

    Raises:
        GraphError: experiment, graph, data or folder are refused; holds every finding.
    """
    if isinstance(experiment, Experiment):
        read = experiment
        if overrides:
            read = read_experiment(experiment.document, experiment.folder, overrides)
    else:
        read = load_experiment(experiment, overrides)
    planned = plan(read)
    folder = folders.find(read.name, run_dir) if resume else folders.create(read.name, run_dir)
    with Logged(reporter(sys.stdout, progress), folder.log) as reports:
        training = Training(planned, folder, reports, overrides or {})
        if resume:
            training.resume()
        else:
            training.describe()
        return training.run()


class Training:
    """One run in the making."""

    def __init__(self, planned: Plan, folder: RunFolder, reports: Reporter, overrides: Mapping[str, Any]) -> None:
        self.plan, self.folder, self.reports, self.overrides = planned, folder, reports, overrides
        self.experiment, self.settings = planned.experiment, planned.experiment.settings
        self.dataset = self.experiment.objective.seen(_weighted(planned), self.settings.batch_size)
        keras = load_keras()
        if keras.backend.backend() != "tensorflow":
            message = f"training needs Keras on TensorFlow, not on {keras.backend.backend()}"
            raise GraphError([Diagnostic("AG802", "", message, "unset KERAS_BACKEND")])
        keras.utils.set_random_seed(self.settings.seed)
        networks = {role: self._compiled(role, shaped) for role, shaped in planned.networks.items()}
        self.trainee = trainee(planned, self.dataset, networks)
        self.feed = Feed(self.dataset.train, self.settings.batch_size)
        held = self.dataset.validation
        self.validation = None if held is None else Feed(held, self.settings.batch_size)
        self.observers = observers(planned)
        self.watches = Watches(self.experiment.callbacks, held is not None)
        self.history: list[dict[str, Any]] = []
        self.epoch = self.step = 0
        self.seconds = 0.0
        self.best: tuple[Any, ...] = ()
        self.best_written = True
        self.stopped = ""
        self.interrupted = False
        self._written = time.monotonic()
        self._writing_took = 0.0

    def _compiled(self, role: str, shaped: ShapedGraph) -> Any:
        settings = self.settings
        rolled: Choice = False if self.experiment.rule(role).by_tensor else "auto"
        return compile_model(shaped, seed=settings.seed, dtype_policy=settings.dtype_policy, rolled=rolled, fused=True)

    # ---- beginning

    def describe(self) -> None:
        """Write down what is going to be done."""
        document = self.experiment.document
        value = overridden(document.value, self.overrides) if self.overrides else None
        if value is None:
            write_atomically(self.folder.experiment, document.text)
        else:
            folders.write_json(self.folder.experiment, value)
        for role, network in self.experiment.networks.items():
            write_atomically(self.folder.graph_of(role), network.file.read_bytes())
        folders.write_json(self.folder.expanded, expanded(self.plan))
        folders.write_json(self.folder.resolved, self._resolved())
        folders.write_json(self.folder.preprocessing, preprocessing.as_json(self.dataset.fitted))
        counts = ", ".join(f"{number:,} {part}" for part, number in self._data()["samples"].items() if number)
        self.reports.say(f"{self.experiment.name}: {self.plan.parameters:,} parameters; samples: {counts}")
        self.reports.say(f"run folder: {self.folder.path}")

    def _data(self) -> dict[str, Any]:
        return self.dataset.description()

    def _resolved(self) -> dict[str, Any]:
        raw = {name: self.plan.samples.columns[name].values for name in self.plan.binding.fed}
        return {
            "settings": self.experiment.resolved(),
            "graphs": {role: _used(shaped) for role, shaped in self.plan.networks.items()},
            "data": self._data(),
            "raw": {
                name: {
                    "shape": list(values.shape[1:]),
                    "highest": float(values[:10_000].max()),
                    "integer": values.dtype.kind in "iu",
                }
                for name, values in raw.items()
            },
            "about": dict(self.plan.samples.about),
            "versions": _versions(),
            "platform": {
                "python": platform.python_version(),
                "system": platform.platform(),
                "machine": platform.machine(),
            },
        }

    def resume(self) -> None:
        """Go on from the last saved state.

        Raises:
            GraphError: AG704 when the run is over, or when experiment, graph or data are no longer those of the run.
        """
        kept = state.read(self.folder.state)
        progress = kept.progress
        self._need_same()
        if progress["stopped"]:
            raise self._over(f"its training is over: {progress['stopped']}")
        if progress["epoch"] >= self.settings.epochs:
            raise self._over(f"it has finished its {progress['epoch']} epochs")
        state.restore(self.trainee.variables, kept.arrays)
        self.best, self.best_written = kept.best, False
        self.epoch, self.step, self.seconds = progress["epoch"], progress["step"], progress["seconds"]
        self.history = [dict(row) for row in progress["history"]]
        self.watches.recall(progress["watches"])
        where = f"epoch {self.epoch + 1}" + (f", step {self.step + 1}" if self.step else "")
        self.reports.say(f"resuming {self.folder.path} at {where}")

    def _over(self, why: str) -> GraphError:
        hint = "raise its epochs to train on, or start a new run"
        return GraphError([Diagnostic("AG704", "", f"cannot resume: {why}", hint, file=str(self.folder.path))])

    def _need_same(self) -> None:
        before, now = folders.read_json(self.folder.resolved), self._resolved()
        changed = [
            key for key, value in now["settings"].items()
            if key not in _RESUMABLE and folders.finite(value) != before["settings"].get(key)
        ]  # fmt: skip
        if self.folder.expanded.is_file() and folders.read_json(self.folder.expanded) != folders.finite(
            expanded(self.plan)
        ):
            changed.append("the graph file")
        if before["data"]["fingerprint"] != now["data"]["fingerprint"] and not changed:
            changed.append("the training data")
        if changed:
            why = f"cannot resume: {', '.join(changed)} changed since the run began"
            hint = "start a new run, or set it back"
            raise GraphError([Diagnostic("AG704", "", why, hint, file=str(self.folder.path))])

    # ---- the loop

    def run(self) -> Run:
        """Train to the end, or until told to stop."""
        with self._stoppable():
            while self.epoch < self.settings.epochs and not self.stopped and not self.interrupted:
                self._epoch()
        if self.interrupted and self.epoch < self.settings.epochs and not self.stopped:
            return self._pause()
        return self._finish()

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Ctrl-C asks for a stop after the present batch; a second one is not held back."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            signal.signal(signal.SIGINT, before)

        before = signal.signal(signal.SIGINT, ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _epoch(self) -> None:
        began = time.monotonic() - self.seconds
        steps, size = self.feed.steps, self.settings.batch_size
        if not self.step:
            self.trainee.reset()  # a resumed epoch goes on with the figures it had
        self.reports.begin(self.epoch, self.settings.epochs, steps)
        indices = self.trainee.order(self.epoch)
        iterator = self.feed.batches(indices[self.step * size :])
        while self.step < steps:
            self.trainee.train(iterator)
            self.step = min(self.step + self.settings.steps_per_execution, steps)
            self.reports.advance(self.step, self.trainee.measured)
            self.seconds = time.monotonic() - began
            if self.interrupted:
                return
            self._save_when_due()
        self._end_epoch(began)

    def _end_epoch(self, began: float) -> None:
        measured = self.trainee.measured()
        if self.validation is not None:
            scores = self.trainee.evaluate(self.validation)
            measured |= {f"val_{name}": value for name, value in scores.items()}
        self.seconds = time.monotonic() - began
        row = {"epoch": self.epoch + 1, "seconds": round(self.seconds, 3), **self._rates(), **measured}
        self.history.append(row)
        self.reports.end(self.epoch, self.settings.epochs, row, measured)
        best, reason = self.watches.take_in(self.epoch, measured, self.trainee.optimizers.values())
        if not all(math.isfinite(value) for name, value in measured.items() if name.endswith("loss")):
            reason = "the loss is not finite: try a lower learning rate, or clip the gradients"
        if best:
            self.best, self.best_written = state.capture(self.trainee.weights), False
        for observer in self.observers:
            observer.epoch_ended(self, row)
        self.epoch, self.step, self.seconds, self.stopped = self.epoch + 1, 0, 0.0, reason
        self._save_when_due()

    def _rates(self) -> dict[str, float]:
        rates = {role: float(one.learning_rate.numpy()) for role, one in self.trainee.optimizers.items()}
        if len(rates) == 1:
            return {"learning_rate": next(iter(rates.values()))}
        return {f"{role}_learning_rate": rate for role, rate in rates.items()}

    # ---- saving

    def _save_when_due(self) -> None:
        least = getattr(self.watches.checkpoint.watcher, "seconds", 1.0)
        if time.monotonic() - self._written >= max(least, self._writing_took / _WRITING_SHARE):
            self._save()

    def _save(self) -> None:
        """Write the state, the metrics, and the best model if it is a new one."""
        began = time.monotonic()
        progress = {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "history": folders.finite(self.history),
            "watches": folders.finite(self.watches.memory()),
        }
        state.write(self.folder.state, state.State(progress, state.capture(self.trainee.variables), self.best))
        folders.write_metrics(self.folder, self.history)
        if not self.best_written and self.best:
            self._save_best()
        self._written = time.monotonic()
        self._writing_took = self._written - began

    def _save_best(self) -> None:
        weights = self.trainee.weights
        present = state.capture(weights)
        state.restore(weights, self.best)
        for role, network in self.trainee.networks.items():
            _save_network(network, self.folder.best_of(role))
        state.restore(weights, present)
        self.best_written = True

    # ---- ending

    @property
    def best_epoch(self) -> int | None:
        """The best epoch so far, from 1."""
        number = self.watches.checkpoint.best_epoch
        return None if number < 0 else number + 1

    def _pause(self) -> Run:
        self._save()
        self._result({}, "last", interrupted=True)
        self.reports.say(f"interrupted in epoch {self.epoch + 1}; everything is saved, go on with --resume")
        return Run(self.folder, tuple(self.history), {}, self.best_epoch, True, "")

    def _finish(self) -> Run:
        self._save()
        averaged = self.trainee.average()
        restored = self.watches.restores_best and bool(self.best) and not averaged
        if restored:
            state.restore(self.trainee.weights, self.best)
        for role, network in self.trainee.networks.items():
            _save_network(network, self.folder.model_of(role))
        scores = self.trainee.tested(Feed(self.dataset.test, self.settings.batch_size))
        self._result(scores, "best" if restored else "average" if averaged else "last", interrupted=False)
        title = self.experiment.name
        write_atomically(self.folder.picture("curves"), curves(title, self.history, self.best_epoch))
        for name, picture in self.trainee.illustrate(title):
            write_atomically(self.folder.picture(name), picture)
        for observer in self.observers:
            observer.ended(self)
        if self.stopped:
            self.reports.say(f"stopped after epoch {self.epoch}: {self.stopped}")
        self.reports.say(f"test: {figures(scores)}")
        self.reports.say(f"kept in {self.folder.path}")
        return Run(self.folder, tuple(self.history), scores, self.best_epoch, False, self.stopped)

    def _result(self, scores: Mapping[str, float], weights: str, *, interrupted: bool) -> None:
        folders.write_json(
            self.folder.result,
            {
                "name": self.experiment.name,
                "test": dict(scores),
                "weights": weights,
                "epochs": self.epoch,
                "best_epoch": self.best_epoch,
                "interrupted": interrupted,
                "stopped": self.stopped,
                "seconds": round(sum(row["seconds"] for row in self.history) + self.seconds, 3),
                "parameters": self.plan.parameters,
                "samples": self._data()["samples"],
            },
        )


def _weighted(planned: Plan) -> Dataset:
    dataset, chosen = planned.dataset(), planned.experiment.settings.class_weights
    if chosen is None:
        return dataset
    weights = class_weights(chosen, planned.samples, planned.parts.train, planned.binding)
    train = Part(dataset.train.inputs, dataset.train.targets, weights)
    kept = {name: getattr(dataset, name) for name in ("validation", "test", "binding", "classes", "fitted", "masked")}
    return Dataset(train, **kept)


def _save_network(network: Any, path: Path) -> None:
    # A fresh wrapper around the same layers: the file holds the network, not the optimiser's state.
    plain = load_keras().Model(network.input, network.output, name=network.name)
    with replacing(path) as temporary:
        plain.save(temporary)


def _used(shaped: ShapedGraph) -> dict[str, Any]:
    """How large a network is, and the parameters that its graph was given."""
    used = shaped.parameters_used.items()
    return {
        "parameters": shaped.parameters,
        "parameters_used": {
            name: value.name if isinstance(value, Block) else preprocessing.plain(value) for name, value in used
        },
    }


def expanded(planned: Plan) -> list[dict[str, Any]]:
    """Every primitive of the expanded graphs: path, operation, parameters, what feeds it, shapes."""
    several = len(planned.networks) > 1
    return [
        {
            **({"role": role} if several else {}),
            "path": node.path,
            "op": node.leaf.primitive.op,
            "parameters": {name: preprocessing.plain(value) for name, value in node.leaf.primitive.given()},
            "in": [None if feed is None else feed.path for feed in node.feeds],
            "outputs": [
                [str(dim) if not isinstance(dim, int) else dim for dim in out.shape] for out in node.leaf.outputs
            ],
            **({"weights_of": node.owner} if node.owner != node.path else {}),
        }
        for role, shaped in planned.networks.items()
        for node in shaped.walk()
    ]


def _versions() -> dict[str, str]:
    found = {}
    for name in ("archgraph", "keras", "tensorflow", "numpy", "scikit-learn"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"  # run from a source tree, or another build of TensorFlow
    return found
