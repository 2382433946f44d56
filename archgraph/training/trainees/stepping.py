"""Training steps of objectives that bring their own losses, run by Keras's own loop over batches."""

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archgraph.compiler.backend import load_keras
from archgraph.training.assemble import make_optimizer
from archgraph.training.data.dataset import Dataset, Part
from archgraph.training.feed import Feed
from archgraph.training.planning import Plan
from archgraph.training.trainees.base import Trainee


class Judged(NamedTuple):
    """What a batch has given: the mean to make small, and figures, each with the number of things that it is of."""

    loss: Any
    figures: Mapping[str, tuple[Any, Any]]


class Stepping(Trainee):
    """One network whose loss is computed here, by `judge`; the rest of a step is the same for all."""

    figures: tuple[str, ...] = ("loss",)
    """Names of the figures of training; those of other data may have fewer."""

    def __init__(self, plan: Plan, dataset: Dataset, networks: Mapping[str, Any], role: str) -> None:
        super().__init__(plan, dataset, networks)
        self.role, self.network = role, networks[role]
        self.objective: Any = self.experiment.objective
        self.keras = load_keras()
        self.steps = -(-len(dataset.train) // self.settings.batch_size)
        self.means = {name: self.keras.metrics.Mean(name=name) for name in self.figures}
        self.prepare()
        self.stepper = _stepper(self)
        self.stepper.optimizer.build(self.moved(role))
        self.stepper.make_train_function()

    def prepare(self) -> None:
        """Make what the steps need besides the network."""
        return

    def judge(self, inputs: Mapping[str, Any], targets: Mapping[str, Any], *, training: bool) -> Judged:
        """Loss and figures of a batch."""
        return self.weigh(inputs, targets, self.call(self.fed(inputs), training=training), training=training)

    def fed(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the network takes of a batch, by input."""
        return inputs

    @abc.abstractmethod
    def weigh(
        self, inputs: Mapping[str, Any], targets: Mapping[str, Any], outputs: Mapping[str, Any], *, training: bool
    ) -> Judged:
        """Loss and figures of what the network gives for a batch."""

    def loss_of(self, outputs: Mapping[str, Any], part: Part) -> Any:
        return self.weigh(part.inputs, part.targets, outputs, training=True).loss

    def through(self, batch: Any) -> None:
        inputs, _ = self.batch(batch)
        self.call(self.fed(inputs), training=True)

    @property
    def extra(self) -> Sequence[Any]:
        """Variables besides those of the networks, the optimiser and the figures."""
        return ()

    @property
    def variables(self) -> Sequence[Any]:
        owned = [variable for network in self.networks.values() for variable in network.variables]
        means = [variable for mean in self.means.values() for variable in mean.variables]
        every = (*owned, *self.extra, *self.stepper.optimizer.variables, *means)
        return list({id(variable): variable for variable in every}.values())

    @property
    def optimizers(self) -> Mapping[str, Any]:
        return {self.role: self.stepper.optimizer}

    def batch(self, data: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs and targets of a batch by name."""
        inputs, targets = data[0], data[1]
        return _named(inputs, self.dataset.train.inputs), _named(targets, self.dataset.train.targets)

    def learn(self, data: Any) -> dict[str, Any]:
        """One step, as Keras calls it."""
        import tensorflow as tf

        moved, optimizer = self.moved(self.role), self.stepper.optimizer
        with tf.GradientTape() as tape:
            judged = self.judge(*self.batch(data), training=True)
            loss = judged.loss + self._penalties()
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, [variable.value for variable in moved]), moved)
        return self._take_in(judged, loss)

    def look(self, data: Any) -> dict[str, Any]:
        """Judge a batch without learning, as Keras calls it."""
        judged = self.judge(*self.batch(data), training=False)
        return self._take_in(judged, judged.loss + self._penalties())

    def _penalties(self) -> Any:
        return sum(self.network.losses) if self.network.losses else 0.0

    def _take_in(self, judged: Judged, loss: Any) -> dict[str, Any]:
        _, count = judged.figures["loss"]
        for name, (value, weight) in {**judged.figures, "loss": (loss, count)}.items():
            self.means[name].update_state(value, sample_weight=weight)
        return {"loss": loss}

    def train(self, batches: Iterator[Any]) -> None:
        self.stepper.train_function(batches)

    def reset(self) -> None:
        for mean in self.means.values():
            mean.reset_state()

    def measured(self) -> dict[str, float]:
        return self.derived({name: float(mean.result()) for name, mean in self.means.items() if float(mean.count)})

    def derived(self, figures: dict[str, float]) -> dict[str, float]:
        """`figures`, and what follows from them."""
        return figures

    def evaluate(self, feed: Feed) -> dict[str, float]:
        return self.scores(feed, feed.batches())

    def scores(self, feed: Feed, batches: Iterator[Any]) -> dict[str, float]:
        """The figures of the batches of a feed, in whatever order; those of the epoch are forgotten."""
        from tensorflow.errors import OutOfRangeError

        self.stepper.make_test_function()
        self.reset()
        for _ in range(0, feed.steps, self.stepper.steps_per_execution):
            try:
                self.stepper.test_function(batches)
            except (OutOfRangeError, StopIteration):
                break
        scores = self.measured()
        self.reset()
        return scores

    def call(self, inputs: Mapping[str, Any], *, training: bool) -> dict[str, Any]:
        """What the network gives, by output."""
        return outputs_of(self.network, inputs, training=training)


def outputs_of(network: Any, inputs: Mapping[str, Any], *, training: bool = False) -> dict[str, Any]:
    """What a network gives, by output."""
    several = isinstance(network.input, Mapping)
    given = network(dict(inputs) if several else next(iter(inputs.values())), training=training)
    return dict(given) if isinstance(given, Mapping) else {"": given}


def only(outputs: Mapping[str, Any], name: str) -> Any:
    """The output of that name; the only one where a network has one."""
    return outputs[name] if name in outputs else next(iter(outputs.values()))


def _named(arrays: Any, names: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(arrays, Mapping):
        return dict(arrays)
    return {next(iter(names)): arrays} if names else {}


def _stepper(trainee: Stepping) -> Any:
    """A Keras model whose training step is the trainee's: Keras batches, counts steps and scales losses for it."""
    keras = trainee.keras

    class Stepper(keras.Model):  # type: ignore[name-defined]
        """Only its training and test functions are used."""

        def train_step(self, data: Any) -> dict[str, Any]:
            return trainee.learn(data)

        def test_step(self, data: Any) -> dict[str, Any]:
            return trainee.look(data)

    stepper = Stepper(name="stepper", dtype=trainee.settings.dtype_policy)
    stepper.compile(
        optimizer=make_optimizer(trainee.experiment.optimizer(trainee.role), trainee.experiment, trainee.steps),
        steps_per_execution=trainee.settings.steps_per_execution,
        jit_compile=False,  # as for supervised training
    )
    return stepper
