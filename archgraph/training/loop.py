"""Plan -> Run: the training loop, its checkpoints and what it leaves behind."""

import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model
from archgraph.compiler.backend import load_keras
from archgraph.compiler.rolling import Choice
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.training import describing, ending, manifest, resuming, state
from archgraph.training import folder as folders
from archgraph.training.augmentation.stages import Stage, stages
from archgraph.training.averaging import Averaging, renew_statistics
from archgraph.training.beginning import begin, begins_fresh
from archgraph.training.checkpoints import Checkpoints
from archgraph.training.data.dataset import Dataset, Part
from archgraph.training.data.weights import class_weights
from archgraph.training.experiment import Experiment, load_experiment, read_experiment
from archgraph.training.feed import Feed
from archgraph.training.folder import RunFolder
from archgraph.training.observers import observers
from archgraph.training.planning import Plan, plan
from archgraph.training.report import Logged, Reporter, Silent, reporter
from archgraph.training.reuse import freeze
from archgraph.training.run import Run
from archgraph.training.saving import Saver
from archgraph.training.spreading import Place
from archgraph.training.stopping import listening
from archgraph.training.trainees import Trainee, trainee
from archgraph.training.watch import Watches


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
            resuming.resume(training)
        else:
            training.describe()
        return training.run()


def _follow(planned: Plan, place: Place, run_dir: str | Path | None, resume: bool) -> Run:
    """Train along with the process that keeps the run folder, and write nothing."""
    name = planned.experiment.name
    training = Training(planned, folders.find(name, run_dir) if resume else RunFolder(Path()), Silent(), {}, place)
    if resume:
        resuming.resume(training)
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
        self.stopped = ""
        self.begun = begins_fresh(self)
        self.interrupted = self._asked = False
        self._single: Trainee | None = None
        self.averaged = False
        chosen = self.experiment.averaging
        self.averaging = None if chosen is None else Averaging(chosen, self.trainee)
        self.saver = Saver(self)

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
        manifest.seal(self.folder.path, self.contents())
        counts = ", ".join(f"{number:,} {part}" for part, number in self.data["samples"].items() if number)
        self.reports.say(f"{self.experiment.name}: {self.plan.parameters:,} parameters; samples: {counts}")
        self.reports.say(f"run folder: {self.folder.path}")
        for warning in self.plan.warnings:
            self.reports.say(str(warning))

    def contents(self) -> dict[str, bytes]:
        """The files that a run begins with."""
        return describing.contents(self.plan, self.dataset, self.data, self.folder, self.overrides)

    # ---- what it is

    @property
    def variables(self) -> Sequence[Any]:
        """All that changes in training, in a fixed order."""
        return [*self.trainee.variables, *(self.averaging.variables if self.averaging else ())]

    @property
    def done(self) -> bool:
        """Whether there is no epoch left to train."""
        return bool(self.stopped) or self.epoch >= self.settings.epochs

    # ---- the loop

    def run(self) -> Run:
        """Train to the end, or until told to stop."""
        with listening(self._interrupt), self.place.together():
            if not self.begun:
                self.begun = begin(self, lambda: self._asked)
                self.interrupted = not self.begun
                self.saver.save()
            while not self.done and not self.interrupted:
                self._epoch()
            if self.spread:
                self.saver.save()
                self._gather()
        end = ending.finish if self.done else ending.pause
        left = end(self) if self.place.first else ending.follow(self)
        self.place.agree(False)  # nobody leaves while others still work
        return left

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
            self.interrupted, due = self.place.agree(self._asked, self.saver.due())
            if self.interrupted:
                return
            if due:
                self.saver.save()
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
            self.best, self.saver.best_written = state.capture(self.trainee.weights), False
        if self.averaging is not None:
            self.averaging.take_in(self.epoch + 1, self.settings.epochs)
        for observer in self.observers:
            observer.epoch_ended(self, row)
        self.epoch, self.step, self.seconds, self.stopped = self.epoch + 1, 0, 0.0, reason
        self.interrupted, due = self.place.agree(self._asked, self.saver.due())
        if due:
            self.saver.save()

    def _rates(self) -> dict[str, float]:
        rates = {role: float(one.learning_rate.numpy()) for role, one in self.trainee.optimizers.items()}
        if len(rates) == 1:
            return {"learning_rate": next(iter(rates.values()))}
        return {f"{role}_learning_rate": rate for role, rate in rates.items()}

    # ---- ending

    @property
    def best_epoch(self) -> int | None:
        """The best epoch so far, from 1."""
        number = self.watches.checkpoint.best_epoch
        return None if number < 0 else number + 1

    # ---- several devices, averaged weights

    def alone(self) -> Trainee:
        """A trainee with networks on one device, of this process alone, in whose place several worked."""
        if self._single is None:
            self._single = trainee(self.plan, self.dataset, self._networks(fused=True))
        return self._single

    def _gather(self) -> None:
        """Go on with networks on one device: what follows is no matter of several."""
        with self.place.here():
            self.average()
        weights = state.capture(self.trainee.weights)
        if self.place.first:
            self.trainee = self.alone()
            state.restore(self.trainee.weights, weights)

    def average(self) -> None:
        """Give the networks the mean of their weights, where one was kept."""
        self.averaged = self.trainee.average()
        number = self.averaging.put() if self.averaging is not None else 0
        if not number:
            return
        self.averaged = True
        batches = self.feed.batches(self.trainee.order(self.epoch), self.epoch)
        renewed = renew_statistics(self.trainee, batches)
        of = f"; {renewed} statistics of batch normalisation were taken anew" if renewed else ""
        self.reports.say(f"the finished model has the mean of the weights after {number} epochs{of}")


def _weighted(planned: Plan) -> Dataset:
    dataset, chosen = planned.dataset(), planned.experiment.settings.class_weights
    if chosen is None:
        return dataset
    weights = class_weights(chosen, planned.samples, planned.parts.train, planned.binding)
    train = Part(dataset.train.inputs, dataset.train.targets, weights)
    kept = {name: getattr(dataset, name) for name in ("validation", "test", "binding", "classes", "fitted", "masked")}
    return Dataset(train, **kept)
