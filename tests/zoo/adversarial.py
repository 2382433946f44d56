"""A small adversarial game between two compiled networks, and how good its pictures are; for tests of the zoo."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model

Array = np.ndarray[Any, Any]
Tensors = Mapping[str, Any]
"""Tensors by the names of a network's inputs or outputs."""

_MOMENTUM = 0.998
"""Of the moving average of a generator's weights (Karras et al. 2018, section 3, with 0.999): calms the last steps."""


# ---- what the two sides pay


@dataclass(frozen=True)
class Prices:
    """What the discriminator pays for its scores of real and drawn pictures, and the generator for those of its own."""

    judge: Callable[[Any, Any], Any]
    draw: Callable[[Any], Any]


NON_SATURATING = Prices(
    lambda real, fake: tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake)),
    lambda fake: tf.reduce_mean(tf.nn.softplus(-fake)),
)
"""Goodfellow et al. 2014, section 3: -log D(x) - log(1 - D(G(z))) and -log D(G(z)), of raw scores."""

HINGE = Prices(
    lambda real, fake: tf.reduce_mean(tf.nn.relu(1 - real)) + tf.reduce_mean(tf.nn.relu(1 + fake)),
    lambda fake: -tf.reduce_mean(fake),
)
"""Miyato et al. 2018, equations 16 and 17."""


def raw(probability: Any) -> Any:
    """The score whose sigmoid is `probability`, at most about 16 in magnitude."""
    inside = tf.clip_by_value(probability, 1e-7, 1 - 1e-7)
    return tf.math.log(inside) - tf.math.log1p(-inside)


def nothing(*_: Any) -> Any:
    """No price beside that of being real or drawn."""
    return 0.0


@dataclass(frozen=True)
class Rules:
    """All of a game's prices.

    `score` reads a raw score from the discriminator's outputs; `prices` are of such scores. `judge_aside`, of (outputs
    and inputs of real pictures, outputs and latents of drawn ones), and `draw_aside`, of the latter two, are added.
    """

    prices: Prices = NON_SATURATING
    score: Callable[[Tensors], Any] = lambda outputs: raw(outputs["real"])
    judge_aside: Callable[[Tensors, Tensors, Tensors, Tensors], Any] = nothing
    draw_aside: Callable[[Tensors, Tensors], Any] = nothing


PLAIN = Rules()
"""Real or drawn, and nothing else."""


# ---- the game


@dataclass(frozen=True)
class Network:
    """A Keras model and the names of its inputs and outputs: it takes its inputs from among others, by name."""

    model: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @classmethod
    def compiled(cls, shaped: ShapedGraph, seed: int) -> "Network":
        """A graph, compiled."""
        return cls(compile_model(shaped, seed=seed), tuple(shaped.inputs), tuple(shaped.outputs))

    def __call__(self, inputs: Tensors, *, training: bool) -> dict[str, Any]:
        fed = {name: inputs[name] for name in self.inputs}
        given = self.model(fed if len(fed) > 1 else next(iter(fed.values())), training=training)
        return dict(given) if isinstance(given, Mapping) else {self.outputs[0]: given}


class Game:
    """A generator and a discriminator, one step of Adam each in turn; the generator ends as the mean of its late steps.

    Inputs that both have under one name (a class) are the same for a drawn picture and its judgement.
    """

    def __init__(
        self,
        generator: Network,
        discriminator: Network,
        rules: Rules = PLAIN,
        *,
        rates: tuple[float, float] = (2e-4, 2e-4),
        beta_1: float = 0.5,
        picture: str = "picture",
    ) -> None:
        self.generator, self.discriminator, self.rules, self.picture = generator, discriminator, rules, picture
        self._drawer = keras.optimizers.Adam(rates[0], beta_1=beta_1, use_ema=True, ema_momentum=_MOMENTUM)
        self._judge = keras.optimizers.Adam(rates[1], beta_1=beta_1)
        self._drawer.build(generator.model.trainable_variables)
        self._judge.build(discriminator.model.trainable_variables)
        self.step = tf.function(self._step)

    def _step(self, real: Tensors, latent: Tensors) -> tuple[Any, Any]:
        judged = self._judge_once(real, latent)
        return judged, self._draw_once(latent)

    def _judge_once(self, real: Tensors, latent: Tensors) -> Any:
        rules, drawn = self.rules, self._drawn(latent)
        with tf.GradientTape() as tape:
            of_real = self.discriminator(real, training=True)
            of_drawn = self.discriminator(drawn, training=True)
            price = rules.prices.judge(rules.score(of_real), rules.score(of_drawn))
            price += rules.judge_aside(of_real, real, of_drawn, latent)
        self._move(self._judge, self.discriminator.model, tape, price)
        return price

    def _draw_once(self, latent: Tensors) -> Any:
        rules = self.rules
        with tf.GradientTape() as tape:
            of_drawn = self.discriminator(self._drawn(latent), training=True)
            price = rules.prices.draw(rules.score(of_drawn)) + rules.draw_aside(of_drawn, latent)
        self._move(self._drawer, self.generator.model, tape, price)
        return price

    def _drawn(self, latent: Tensors) -> dict[str, Any]:
        return {**latent, self.picture: self.generator(latent, training=True)["picture"]}

    @staticmethod
    def _move(optimizer: Any, model: Any, tape: Any, price: Any) -> None:
        variables = model.trainable_variables
        gradients = tape.gradient(price, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)

    def play(self, real: Iterator[Tensors], latent: Iterator[Tensors], steps: int) -> tuple[float, float]:
        """Take `steps` steps; the mean prices of the last tenth of them, the discriminator's first."""
        paid = [self.step(next(real), next(latent)) for _ in range(steps)]
        self._drawer.finalize_variable_values(self.generator.model.trainable_variables)
        last = np.array(paid[-max(1, steps // 10) :], np.float64).mean(0)
        return float(last[0]), float(last[1])

    def draw(self, latent: Tensors) -> Array:
        """Pictures, by the finished generator."""
        return np.asarray(self.generator(latent, training=False)["picture"])


def batches(arrays: Mapping[str, Array], size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Batches of the same samples of all `arrays`, drawn anew each time, without end."""
    drawn, count = np.random.default_rng(seed), len(next(iter(arrays.values())))
    while True:
        chosen = drawn.choice(count, size, replace=False)
        yield {name: tf.constant(array[chosen]) for name, array in arrays.items()}


def latents(draw: Callable[[np.random.Generator, int], Mapping[str, Array]], size: int, seed: int) -> Iterator[Tensors]:
    """What `draw` makes of a random stream, `size` at a time, without end."""
    drawn = np.random.default_rng(seed)
    while True:
        yield {name: tf.constant(array) for name, array in draw(drawn, size).items()}


# ---- how good the pictures are


def frechet(one: Array, other: Array) -> float:
    """The Fréchet distance of the Gaussians that fit two sets of features, (samples, features) each.

    |m - n|² + tr(C + D - 2·√(C·D)): Heusel et al. 2017, section 2. Comparable only within one feature space.
    """
    (m, c), (n, d) = ((x.mean(0), np.cov(x, rowvar=False)) for x in (np.asarray(one, float), np.asarray(other, float)))
    roots = np.sqrt(np.linalg.eigvals(c @ d).real.clip(min=0))
    return float(((m - n) ** 2).sum() + np.trace(c) + np.trace(d) - 2 * roots.sum())


class Reader:
    """A small convolutional classifier of pictures from 0 to 1; its last hidden layer is the space of distances."""

    def __init__(self, pictures: Array, labels: Array, *, epochs: int = 12, seed: int = 0) -> None:
        keras.utils.set_random_seed(seed)
        layers = keras.layers
        seen = keras.Input(pictures.shape[1:])
        x = layers.Conv2D(16, 3, strides=2 if pictures.shape[1] > 8 else 1, padding="same", activation="relu")(seen)
        x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
        x = layers.Dropout(0.2)(layers.Flatten()(x))
        features = layers.Dense(32, activation="relu")(x)
        self._classifier = keras.Model(seen, layers.Dense(10, activation="softmax")(features))
        self._features = keras.Model(seen, features)
        self._classifier.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
        self._classifier.fit(pictures, labels, batch_size=32, epochs=epochs, verbose=0)

    def read(self, pictures: Array) -> Array:
        """The class of each picture."""
        return np.asarray(self._classifier.predict(pictures, batch_size=256, verbose=0)).argmax(-1)

    def distance(self, one: Array, other: Array) -> float:
        """Fréchet distance of two sets of pictures."""
        seen = (self._features.predict(pictures, batch_size=256, verbose=0) for pictures in (one, other))
        return frechet(*(np.asarray(features) for features in seen))


def independent(pictures: Array, count: int, seed: int = 0) -> Array:
    """`count` pictures of which every pixel is drawn by itself: with its own mean and spread, cut to 0 to 1."""
    noise = np.random.default_rng(seed).normal(size=(count, *pictures.shape[1:]))
    return (pictures.mean(0) + pictures.std(0) * noise).clip(0, 1).astype(np.float32)


def correlated(pictures: Array, count: int, seed: int = 0) -> Array:
    """`count` draws from the Gaussian with the pictures' mean and covariance, cut to 0 to 1."""
    flat = pictures.reshape(len(pictures), -1)
    drawn = np.random.default_rng(seed).multivariate_normal(flat.mean(0), np.cov(flat, rowvar=False), count)
    return drawn.clip(0, 1).reshape(count, *pictures.shape[1:]).astype(np.float32)
