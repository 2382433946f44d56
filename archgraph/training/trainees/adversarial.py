"""Generator and discriminator in training: steps in turn, sizes that fade in, and pictures drawn beside real ones."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from archgraph.compiler import layers_by_path
from archgraph.compiler.backend import load_keras
from archgraph.training.assemble import make_optimizer
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Dataset
from archgraph.training.feed import Feed
from archgraph.training.generation.exhibition import Exhibition
from archgraph.training.generation.players import DISCRIMINATOR, GENERATOR, fading
from archgraph.training.objectives.adversarial import Game, SemiSupervised
from archgraph.training.planning import Plan
from archgraph.training.trainees.adversarial_rules import Known, Rules, Verdict
from archgraph.training.trainees.base import Trainee
from archgraph.training.trainees.chance import Purpose, seed


class AdversarialTrainee(Trainee):
    """Two networks, an optimiser for each, and the number of the step, from which all random numbers follow."""

    def __init__(self, plan: Plan, dataset: Dataset, networks: Mapping[str, Any]) -> None:
        super().__init__(plan, dataset, networks)
        self._keras = load_keras()
        import tensorflow as tf

        self._tf = tf
        self.game: Game = self.experiment.objective  # type: ignore[assignment]
        self.rules = Rules(plan, networks, self._keras)
        self._steps_per_epoch = -(-len(dataset.train) // self.settings.batch_size)
        self._optimizers = {role: self._optimizer(role) for role in (GENERATOR, DISCRIMINATOR)}
        self._steps = self._keras.Variable(0, dtype="int64", trainable=False, name="steps")
        names = (*self.game.judged_names(plan.networks), *self.game.trained_names())
        self._means = {name: self._keras.metrics.Mean(name=name) for name in names}
        self._alphas = self._fading()
        self._known = self._labelled()
        self._train = tf.function(self._several)
        self._look = tf.function(self._looked, reduce_retracing=True)

    def _optimizer(self, role: str) -> Any:
        every = self.game.discriminator_steps if role == GENERATOR else 1
        steps = -(-self._steps_per_epoch // every)
        optimizer = make_optimizer(self.experiment.optimizer(role), self.experiment, steps)
        optimizer.build(self.moved(role))
        return optimizer

    def _fading(self) -> tuple[tuple[Any, ...], ...]:
        """For each size, the weights by which it comes in, in both networks."""
        found = []
        for role, network in self.networks.items():
            layers = layers_by_path(network)
            found.append([layers[path].alpha for path in fading(self.plan.networks[role])])
        return tuple(zip(*found, strict=True))

    def _labelled(self) -> tuple[Any, Any] | None:
        """The pictures whose labels are known, and the labels."""
        if not isinstance(self.game, SemiSupervised):
            return None
        labels = np.asarray(self.dataset.train.targets[self.rules.judging]).astype(np.int32).ravel()
        chosen = few(labels, self.game.labelled, self.settings.seed)
        kept = {name: self._tf.constant(array[chosen]) for name, array in self.dataset.train.inputs.items()}
        return kept, self._tf.constant(labels[chosen])

    # ---- what the loop asks

    @property
    def variables(self) -> Sequence[Any]:
        owned = [variable for network in self.networks.values() for variable in network.variables]
        moving = [variable for optimizer in self._optimizers.values() for variable in optimizer.variables]
        means = [variable for mean in self._means.values() for variable in mean.variables]
        return list({id(variable): variable for variable in (*owned, *moving, *means, self._steps)}.values())

    @property
    def optimizers(self) -> Mapping[str, Any]:
        return self._optimizers

    def train(self, batches: Iterator[Any]) -> None:
        self._train(batches)

    def reset(self) -> None:
        for mean in self._means.values():
            mean.reset_state()

    def measured(self) -> dict[str, float]:
        return {name: float(mean.result()) for name, mean in self._means.items()}

    def tested(self, feed: Feed) -> dict[str, float]:
        return self._evaluated(feed, drawn=True)

    def evaluate(self, feed: Feed) -> dict[str, float]:
        epoch = int(self._steps.numpy()) // self._steps_per_epoch
        return self._evaluated(feed, drawn=epoch % self.game.judged_every == 0 or epoch >= self.settings.epochs)

    def _evaluated(self, feed: Feed, *, drawn: bool) -> dict[str, float]:
        """The figures on other data; with those of drawn pictures, if they are wanted."""
        self.reset()
        real = [self._look_at(batch, number) for number, batch in enumerate(feed.batches())]
        without = self.game.trained_names()
        scores = {name: value for name, value in self.measured().items() if name not in without}
        self.reset()
        if drawn and self.game.figures:
            with self.averaged():
                scores |= self.exhibition.figures(np.concatenate(real))
        return scores

    def shown(self, epoch: int) -> Iterator[tuple[str, bytes | str]]:
        with self.averaged():
            sheet = self.exhibition.sheet()
        if sheet is not None:
            yield "drawn.png", sheet

    def illustrate(self, title: str) -> Iterator[tuple[str, bytes]]:
        yield from self.exhibition.pictures()

    # ---- steps

    def _several(self, batches: Any) -> None:
        if self.settings.steps_per_execution == 1:
            self._step(next(batches))
            return
        for _ in self._tf.range(self.settings.steps_per_execution):
            batch = batches.get_next_as_optional()
            if batch.has_value():
                self._step(batch.get_value())

    def _step(self, batch: Any) -> None:
        tf, step = self._tf, self._steps.value + 0
        real, _ = self._named(batch)
        self._fade(step)
        self._judge_once(real, step)
        self._steps.assign_add(1)
        if isinstance(self.game, SemiSupervised) and not self.game.game_weight:
            return
        every = self.game.discriminator_steps
        if every == 1:
            self._draw_once(real, step)
        else:
            tf.cond((step + 1) % every == 0, lambda: self._draw_once(real, step), lambda: None)

    def _named(self, batch: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs and targets of a batch by name."""
        train, (inputs, targets) = self.dataset.train, batch[:2]
        found = []
        for arrays, names in ((inputs, train.inputs), (targets, train.targets)):
            found.append(dict(arrays) if isinstance(arrays, Mapping) else {next(iter(names)): arrays})
        return found[0], found[1]

    def _fade(self, step: Any) -> None:
        """Small sizes first, each over `fade_steps`, with `hold_steps` before it."""
        fade, hold = self.game.fade_steps, self.game.hold_steps
        for number, alphas in enumerate(self._alphas):
            begin = hold + number * (fade + hold)
            share = self._tf.clip_by_value((self._tf.cast(step, "float32") + 1 - begin) / fade, 0.0, 1.0)
            for alpha in alphas:
                alpha.assign(share)

    def _judge_once(self, real: Mapping[str, Any], step: Any) -> None:
        tf = self._tf
        count = tf.shape(real[self.rules.players.picture])[0]
        fresh = self.rules.latent(Purpose.JUDGED, step, count)
        pictures, known = self._with_labelled(real, step)
        with tf.GradientTape() as tape:
            verdict = self.rules.judged(pictures, fresh, step, known, training=True)
        self._move(DISCRIMINATOR, tape, verdict)
        clip = self.game.weight_clip
        if clip is not None:
            for weight in self.moved(DISCRIMINATOR):
                weight.assign(tf.clip_by_value(weight.value, -clip, clip))

    def _with_labelled(self, real: Mapping[str, Any], step: Any) -> tuple[Mapping[str, Any], Known | None]:
        """Labelled pictures in front of the real ones; alone, where the labels are to teach alone."""
        if self._known is None:
            return real, None
        assert isinstance(self.game, SemiSupervised)
        tf, (kept, labels) = self._tf, self._known
        count = min(self.game.labelled_batch, self.game.labelled)
        key = seed(self.settings.seed, Purpose.LABELLED, step)
        chosen = tf.random.stateless_uniform([count], key, 0, self.game.labelled, tf.int32)
        front = {name: tf.gather(values, chosen) for name, values in kept.items()}
        known = Known(tf.gather(labels, chosen), count)
        if not self.game.game_weight:
            return front, known
        return {name: tf.concat([front[name], values], 0) for name, values in real.items()}, known

    def _draw_once(self, real: Mapping[str, Any], step: Any) -> None:
        tf = self._tf
        fresh = self.rules.latent(Purpose.DRAWN, step, tf.shape(real[self.rules.players.picture])[0])
        with tf.GradientTape() as tape:
            verdict = self.rules.paid(real, fresh, training=True)
        self._move(GENERATOR, tape, verdict)

    def _move(self, role: str, tape: Any, verdict: Verdict) -> None:
        variables = self.moved(role)
        gradients = tape.gradient(verdict.price, [variable.value for variable in variables])
        self._optimizers[role].apply(gradients, variables)
        self._take_in(verdict.figures)

    def _take_in(self, figures: Mapping[str, Any]) -> None:
        for name, values in figures.items():
            self._means[name].update_state(values)

    # ---- looking

    def _look_at(self, batch: Any, number: int) -> Array:
        """Take in the figures of a batch of other data; its pictures."""
        real, _ = self._named(batch)
        self._look(batch, self._tf.constant(number, self._tf.int64))
        return np.asarray(real[self.rules.players.picture])

    def _looked(self, batch: Any, number: Any) -> None:
        real, targets = self._named(batch)
        count = self._tf.shape(real[self.rules.players.picture])[0]
        fresh = self.rules.latent(Purpose.LOOKED_AT, number, count)
        known = None
        if self._known is not None:
            labels = self._tf.cast(self._tf.reshape(targets[self.rules.judging], [-1]), self._tf.int32)
            known = Known(labels, count)
        self._take_in(self.rules.judged(self._doubled(real, known), fresh, number, known, training=False).figures)
        self._take_in(self.rules.paid(real, fresh, training=False).figures)

    def _doubled(self, real: Mapping[str, Any], known: Known | None) -> Mapping[str, Any]:
        """Where labels are known, the pictures stand once for their labels and once for being real."""
        if known is None:
            return real
        return {name: self._tf.concat([values, values], 0) for name, values in real.items()}

    # ---- pictures

    @cached_property
    def exhibition(self) -> Exhibition:
        """Pictures by this generator."""
        return Exhibition(self.plan, self.dataset, self.networks[GENERATOR])

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the generator has the moving averages of its weights, where its optimiser keeps them."""
        optimizer, variables = self._optimizers[GENERATOR], self.moved(GENERATOR)
        if not getattr(optimizer, "use_ema", False) or not int(optimizer.iterations.numpy()):
            yield
            return
        present = [np.array(variable.numpy()) for variable in variables]
        optimizer.finalize_variable_values(variables)
        try:
            yield
        finally:
            for variable, value in zip(variables, present, strict=True):
                variable.assign(value)


def few(labels: Array, count: int, seed: int) -> Array:
    """Indices of `count` samples, every class in equal share, drawn by `seed`."""
    chance = np.random.default_rng([seed, 1])
    by_class = [chance.permutation(np.flatnonzero(labels == one)) for one in np.unique(labels)]
    turns = [indices[turn] for turn in range(max(map(len, by_class))) for indices in by_class if turn < len(indices)]
    return np.array(turns[:count])
