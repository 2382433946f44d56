"""Plan -> Run: the training loop, its checkpoints and what it leaves behind."""

import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model
from archgraph.compiler.backend import load_keras
from archgraph.compiler.rolling import Choice
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import write_atomically
from archgraph.training import describing, manifest, state
from archgraph.training import folder as folders
from archgraph.training.augmentation.stages import Stage, stages
from archgraph.training.beginning import begin, begins_fresh, told
from archgraph.training.checkpoints import Checkpoints
from archgraph.training.data.dataset import Dataset, Part
from archgraph.training.data.weights import class_weights
from archgraph.training.experiment import Experiment, load_experiment, read_experiment
from archgraph.training.feed import Feed
from archgraph.training.folder import RunFolder
from archgraph.training.observers import observers
from archgraph.training.planning import Plan, plan
from archgraph.training.plots import curves
from archgraph.training.report import Logged, Reporter, Silent, figures, reporter
from archgraph.training.reuse import freeze
from archgraph.training.run import Run
from archgraph.training.spreading import Place
from archgraph.training.stopping import listening
from archgraph.training.trainees import Trainee, trainee
from archgraph.training.watch import Watches

_WRITING_SHARE = 0.1
"""Writing the state takes at most this share of the time."""


def train(
    experiment: str | Path | Experiment,
    *,
    run_dir: str | Path | None = None,
    resume: bool = False,
    progress: bool | Reporter = True,
    overrides: Mapping[str, Any] | None = None,
    worker: int | None = None,
) -> Run:
    """Train as an experiment file says, and keep everything in a run folder.

    Ctrl-C or SIGTERM ends training after the present batch, with all state saved (a second one at once). A run that was
    interrupted or killed, at whatever moment, is resumed with `resume`; on a CPU it then ends as if it had never been.

    Args:
        experiment: a ``.train.json`` file, or what `load_experiment` made of one.
        run_dir: a new or empty folder (with `resume`: that of the run). Default: ``runs/NAME-NUMBER`` here.
        resume: go on from the last saved state of the run.
        progress: show what happens; or a `Reporter` of your own.
        overrides: entries of the file to replace, by dotted path: ``{"optimizer.learning_rate": 0.1}``.
        worker: of several machines, the number of this one; the first, 0, keeps the run folder.

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
    place = Place(planned.experiment, worker)
    if not place.first:
        return _follow(planned, place, run_dir, resume)
    folder = folders.find(read.name, run_dir) if resume else folders.create(read.name, run_dir)
    with folders.held(folder), Logged(reporter(sys.stdout, progress), folder.log) as reports:
        training = Training(planned, folder, reports, overrides or {}, place)
        if resume:
            training.resume()
        else:
            training.describe()
        return training.run()


def _follow(planned: Plan, place: Place, run_dir: str | Path | None, resume: bool) -> Run:
    """Train along with the process that keeps the run folder, and write nothing."""
    name = planned.experiment.name
    training = Training(planned, folders.find(name, run_dir) if resume else RunFolder(Path()), Silent(), {}, place)
    if resume:
        training.resume()
    return training.run()


class Training:
    """One run in the making."""

    def __init__(
        self, planned: Plan, folder: RunFolder, reports: Reporter, overrides: Mapping[str, Any], place: Place
    ) -> None:
        self.place = place
        self.plan, self.folder, self.reports, self.overrides = planned, folder, reports, overrides
        self.experiment, self.settings = planned.experiment, planned.experiment.settings
        self.dataset = self.experiment.objective.seen(_weighted(planned), self.settings.batch_size)
        self.data: dict[str, Any] = self.dataset.description()
        keras = load_keras()
        if keras.backend.backend() != "tensorflow":
            message = f"training needs Keras on TensorFlow, not on {keras.backend.backend()}"
            raise GraphError([Diagnostic("AG802", "", message, "unset KERAS_BACKEND")])
        keras.utils.set_random_seed(self.settings.seed)
        self.spread = place.strategy is not None
        with place.here():
            self.trainee = trainee(planned, self.dataset, self._networks(fused=not self.spread), place)
        self.feed = Feed(self.dataset.train, self.settings.batch_size, self._stages(), self.settings.seed, place)
        held = self.dataset.validation
        self.validation = None if held is None else Feed(held, self.settings.batch_size, place=place)
        self.observers = () if self.spread else observers(planned)
        self.watches = Watches(self.experiment.callbacks, held is not None)
        self.history: list[dict[str, Any]] = []
        self.epoch = self.step = 0
        self.seconds = 0.0
        self.checkpoints, self.identity = Checkpoints(folder.checkpoints), describing.identity(planned, self.data)
        self.best: tuple[Any, ...] = ()
        self.best_written = True
        self.stopped = ""
        self.begun = begins_fresh(self)
        self.interrupted = self._asked = False
        self._written = time.monotonic()
        self._writing_took = 0.0
        self._single: Trainee | None = None
        self._averaged = False

    def _networks(self, *, fused: bool) -> dict[str, Any]:
        """The Keras models by role."""
        return {role: self._compiled(role, shaped, fused) for role, shaped in self.plan.networks.items()}

    def _compiled(self, role: str, shaped: ShapedGraph, fused: bool) -> Any:
        settings = self.settings
        frozen = self.experiment.frozen(role)
        apart = self.experiment.rule(role).by_tensor or frozen or self.experiment.pretraining is not None or self.spread
        rolled: Choice = False if apart else "auto"
        policy = settings.dtype_policy
        model = compile_model(shaped, seed=settings.seed, dtype_policy=policy, rolled=rolled, fused=fused)
        freeze(model, frozen)
        return model

    def _stages(self) -> tuple[Stage, ...]:
        """The random changes of training samples."""
        train, columns = self.dataset.train, self.dataset.binding
        inputs = {column: name for name, column in columns.inputs.items()}
        same = {name: inputs[column] for name, column in columns.targets.items() if column in inputs}
        return stages(self.experiment.augmentation, train.inputs, train.targets, same)

    # ---- beginning

    def describe(self) -> None:
        """Write down what is going to be done."""
        manifest.seal(self.folder.path, self._contents())
        counts = ", ".join(f"{number:,} {part}" for part, number in self.data["samples"].items() if number)
        self.reports.say(f"{self.experiment.name}: {self.plan.parameters:,} parameters; samples: {counts}")
        self.reports.say(f"run folder: {self.folder.path}")
        for warning in self.plan.warnings:
            self.reports.say(str(warning))

    def _contents(self) -> dict[str, bytes]:
        return describing.contents(self.plan, self.dataset, self.data, self.folder, self.overrides)

    def resume(self) -> None:
        """Go on from the last state that is whole, or begin where there is none yet.

        Raises:
            GraphError: AG704 when the run is over, or when experiment, graph or data are no longer those of the run.
        """
        if self.place.first:
            folders.sweep(self.folder)
        kept = self.checkpoints.newest(self.reports.say)
        if kept is None:
            self.reports.say("it was stopped before anything was saved: starting from the beginning")
            if self.place.first:
                self.describe()
            return
        self._need_same(kept.progress["identity"])
        self._need_unfinished(kept.progress)
        self._take_up(kept)
        if self.place.first:
            self._mend()

    def _take_up(self, kept: state.State) -> None:
        progress, variables = kept.progress, self.trainee.variables
        if [array.shape for array in kept.arrays] != [tuple(variable.shape) for variable in variables]:
            raise self._refused("cannot resume: its variables are not those of this version", "start a new run")
        with self.place.here():
            state.restore(variables, kept.arrays)
        self.best, self.best_written = kept.best, False
        self.epoch, self.step, self.seconds = progress["epoch"], progress["step"], progress["seconds"]
        self.stopped, self.begun = progress["stopped"], progress["begun"]
        self.history = [dict(row) for row in progress["history"]]
        self.watches.recall(progress["watches"])
        where = f"epoch {self.epoch + 1}" + (f", step {self.step + 1}" if self.step else "")
        self.reports.say(f"resuming {self.folder.path} at {'its end' if self._done() else where}")

    def _mend(self) -> None:
        """Write anew what a run begins with, where it was damaged."""
        damaged = {
            name: content for name, content in self._contents().items() if not manifest.whole(self.folder.path / name)
        }
        if damaged:
            self.reports.say(f"damaged or missing, and written anew: {', '.join(damaged)}")
            manifest.seal(self.folder.path, damaged)

    def _done(self) -> bool:
        return bool(self.stopped) or self.epoch >= self.settings.epochs

    def _need_unfinished(self, progress: Mapping[str, Any]) -> None:
        """Refuse a run that left its result. One that was killed before that still has to write it."""
        ended = progress["stopped"] or progress["epoch"] >= self.settings.epochs
        if not ended or not manifest.whole(self.folder.result):
            return
        result = folders.read_json(self.folder.result)
        if result["interrupted"] or result["epochs"] != progress["epoch"]:
            return
        over = f"its training is over: {progress['stopped']}" if progress["stopped"] else ""
        why = over or f"it has finished its {progress['epoch']} epochs"
        raise self._refused(f"cannot resume: {why}", "raise its epochs to train on, or start a new run")

    def _need_same(self, before: Mapping[str, Any]) -> None:
        changed = describing.changed(before, self.identity)
        if changed:
            why = f"cannot resume: {', '.join(changed)} changed since the run began"
            raise self._refused(why, "start a new run, or set it back")

    def _refused(self, why: str, hint: str) -> GraphError:
        return GraphError([Diagnostic("AG704", "", why, hint, file=str(self.folder.path))])

    # ---- the loop

    def run(self) -> Run:
        """Train to the end, or until told to stop."""
        with listening(self._interrupt), self.place.together():
            if not self.begun:
                self.begun = begin(self, lambda: self._asked)
                self.interrupted = not self.begun
                self._save()
            while not self._done() and not self.interrupted:
                self._epoch()
            if self.spread:
                self._save()
                self._gather()
        done = (self._finish() if self._done() else self._pause()) if self.place.first else self._followed()
        self.place.agree(False)  # nobody leaves while others still work
        return done

    def _followed(self) -> Run:
        return Run(self.folder, tuple(self.history), {}, self.best_epoch, not self._done(), self.stopped)

    def _interrupt(self) -> None:
        self._asked = True

    def _epoch(self) -> None:
        began = time.monotonic() - self.seconds
        steps, size = self.feed.steps, self.settings.batch_size
        if not self.step:
            self.trainee.reset()  # a resumed epoch goes on with the figures it had
        self.reports.begin(self.epoch, self.settings.epochs, steps)
        indices = self.trainee.order(self.epoch)
        iterator = self.feed.batches(indices[self.step * size :], self.epoch)
        while self.step < steps:
            self._train(iterator)
            self.step = min(self.step + self.settings.steps_per_execution, steps)
            self.reports.advance(self.step, self.trainee.measured if self.place.workers == 1 else dict)
            self.seconds = time.monotonic() - began
            self.interrupted, due = self.place.agree(self._asked, self._due())
            if self.interrupted:
                return
            if due:
                self._save()
        self._end_epoch(began)

    def _train(self, iterator: Any) -> None:
        try:
            self.trainee.train(iterator)
        except Exception:
            self.feed.raise_failure()
            raise

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
        self.interrupted, due = self.place.agree(self._asked, self._due())
        if due:
            self._save()

    def _rates(self) -> dict[str, float]:
        rates = {role: float(one.learning_rate.numpy()) for role, one in self.trainee.optimizers.items()}
        if len(rates) == 1:
            return {"learning_rate": next(iter(rates.values()))}
        return {f"{role}_learning_rate": rate for role, rate in rates.items()}

    # ---- saving

    def _due(self) -> bool:
        least = getattr(self.watches.checkpoint.watcher, "seconds", 1.0)
        return self.place.first and time.monotonic() - self._written >= max(least, self._writing_took / _WRITING_SHARE)

    def _save(self) -> None:
        """Write the state, the metrics, and the best model if it is a new one."""
        began = time.monotonic()
        progress = {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "begun": self.begun,
            "history": self.history,
            "watches": self.watches.memory(),
            "identity": self.identity,
        }
        moment = state.State(progress, state.capture(self.trainee.variables), self.best)  # all processes take part
        if not self.place.first:
            return
        self.checkpoints.write(moment)
        folders.write_metrics(self.folder, self.history)
        if not self.best_written and self.best:
            self._save_best()
        self._written = time.monotonic()
        self._writing_took = self._written - began

    def _save_best(self) -> None:
        writer = self._alone() if self.spread else self.trainee
        present = state.capture(writer.weights)
        state.restore(writer.weights, self.best)
        for role, network in writer.networks.items():
            _save_network(network, self.folder.best_of(role))
        state.restore(writer.weights, present)
        self.best_written = True

    def _alone(self) -> Trainee:
        """A trainee with networks on one device, of this process alone, in whose place several worked."""
        if self._single is None:
            self._single = trainee(self.plan, self.dataset, self._networks(fused=True))
        return self._single

    def _gather(self) -> None:
        """Go on with networks on one device: what follows is no matter of several."""
        with self.place.here():
            self._averaged = self.trainee.average()
        weights = state.capture(self.trainee.weights)
        if self.place.first:
            self.trainee = self._alone()
            state.restore(self.trainee.weights, weights)

    # ---- ending

    @property
    def best_epoch(self) -> int | None:
        """The best epoch so far, from 1."""
        number = self.watches.checkpoint.best_epoch
        return None if number < 0 else number + 1

    def _pause(self) -> Run:
        if not self.spread:
            self._save()
        self._result({}, "last", interrupted=True)
        self.reports.say(f"interrupted in epoch {self.epoch + 1}; everything is saved, go on with --resume")
        return Run(self.folder, tuple(self.history), {}, self.best_epoch, True, "")

    def _finish(self) -> Run:
        if not self.spread:
            self._save()
            self._averaged = self.trainee.average()
        averaged = self._averaged
        restored = self.watches.restores_best and bool(self.best) and not averaged
        if restored:
            state.restore(self.trainee.weights, self.best)
        for role, network in self.trainee.networks.items():
            _save_network(network, self.folder.model_of(role))
        scores = self.trainee.tested(Feed(self.dataset.test, self.settings.batch_size))
        title = self.experiment.name
        write_atomically(self.folder.picture("curves"), curves(title, self.history, self.best_epoch))
        for name, picture in self.trainee.illustrate(title):
            write_atomically(self.folder.picture(name), picture)
        for observer in self.observers:
            observer.ended(self)
        self._result(scores, "best" if restored else "average" if averaged else "last", interrupted=False)
        if self.stopped:
            self.reports.say(f"stopped after epoch {self.epoch}: {self.stopped}")
        self.reports.say(f"test: {figures(scores)}")
        self.reports.say(f"kept in {self.folder.path}")
        return Run(self.folder, tuple(self.history), scores, self.best_epoch, False, self.stopped)

    def _result(self, scores: Mapping[str, float], weights: str, *, interrupted: bool) -> None:
        # Last of all: a run without its result is finished anew when it is resumed.
        result = {
            "name": self.experiment.name,
            "test": dict(scores),
            "weights": weights,
            "epochs": self.epoch,
            "best_epoch": self.best_epoch,
            "interrupted": interrupted,
            "stopped": self.stopped,
            "seconds": round(sum(row["seconds"] for row in self.history) + self.seconds, 3),
            "parameters": self.plan.parameters,
            "samples": self.data["samples"],
            **told(self),
        }
        manifest.write_sealed(self.folder.result, folders.as_json(result))


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
    with manifest.sealing(path) as temporary:
        plain.save(temporary)
