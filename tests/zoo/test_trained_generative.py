"""Every family of generators, narrow, trained on real digits: how far its pictures are from real ones it never saw.

Distances are Fréchet distances in the last hidden layer of a small classifier that is trained here, on the same digits
(`adversarial.Reader`): they compare with each other and with nothing else. Two simple models are the measure: one that
draws every pixel by itself, and the Gaussian with the pictures' mean and covariance.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.datasets import load_digits

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.document.load import load_graph
from archgraph.training.data import Column
from archgraph.training.preprocessing import STEPS
from tests.zoo.adversarial import (
    HINGE,
    PLAIN,
    Array,
    Game,
    Network,
    Reader,
    Rules,
    batches,
    correlated,
    independent,
    latents,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
TRAINED_ON = 1297
SHOWN = 1000
"""Pictures that a generator draws to be judged."""


# ---- digits


class Digits(NamedTuple):
    """scikit-learn's digits from 0 to 1, enlarged: those to learn from and 500 more, with a classifier of them."""

    pictures: Array
    labels: Array
    unseen: Array
    unseen_labels: Array
    reader: Reader


@cache
def digits(size: int) -> Digits:
    bunch = load_digits()
    raw_pictures = Column((bunch.images[..., None] / 16).astype(np.float32))
    order = np.random.default_rng(0).permutation(len(bunch.target))
    pictures = STEPS["resize"].make({"size": size}).apply(raw_pictures, {}).values[order]
    labels = bunch.target[order].astype(np.int32)
    kept, away = (pictures[:TRAINED_ON], labels[:TRAINED_ON]), (pictures[TRAINED_ON:], labels[TRAINED_ON:])
    return Digits(*kept, *away, Reader(*kept))


# ---- matches


@dataclass(frozen=True)
class Match:
    """Two examples, how narrow they are, and how they play."""

    generator: str
    discriminator: str
    sizes: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of either."""
    judging: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the discriminator alone, or other than the generator's."""
    size: int = 16
    steps: int = 1500
    rates: tuple[float, float] = (1e-3, 1e-3)
    beta_1: float = 0.5
    batch: int = 64
    rules: Rules = PLAIN
    lowest: float = -1
    """What a black pixel is: -1 for generators that end in tanh, 0 for sigmoid."""

    def networks(self) -> tuple[ShapedGraph, ShapedGraph]:
        """Generator and discriminator."""
        found = []
        for name, given in ((self.generator, self.sizes), (self.discriminator, {**self.sizes, **self.judging})):
            file, mark, variant = name.partition("#")
            known = load_graph(f"{EXAMPLES / file}.graph.json{mark}{variant}").body.params
            params = {key: value for key, value in given.items() if key in known}
            found.append(infer(load_graph(f"{EXAMPLES / file}.graph.json{mark}{variant}", params)))
        return found[0], found[1]


def of_inputs(graph: ShapedGraph, drawn: np.random.Generator, count: int) -> dict[str, Array]:
    """`count` draws for each input of a generator, from the distribution that its file names; any of ten classes."""
    found: dict[str, Array] = {}
    for name, entry in graph.graph.inputs.items():
        shape = (count, *graph.inputs[name].shape)
        if entry.dtype.startswith("int"):
            found[name] = drawn.integers(0, 10, shape).astype(entry.dtype)
        elif entry.distribution == "categorical":
            found[name] = np.eye(shape[-1], dtype=np.float32)[drawn.integers(0, shape[-1], count)]
        else:
            of = drawn.normal(size=shape) if entry.distribution == "normal" else drawn.uniform(-1, 1, shape)
            found[name] = of.astype(np.float32)
    return found


class Played(NamedTuple):
    """A finished match."""

    game: Game
    digits: Digits
    latent: dict[str, Array]
    pictures: Array
    """What the generator makes of `latent`, from 0 to 1."""
    before: float
    """Distance of the untrained generator's pictures from unseen digits."""
    after: float

    @property
    def asked(self) -> float:
        """Share of the pictures in which the classifier sees the class that was asked for."""
        return float((self.digits.reader.read(self.pictures) == self.latent["label"]).mean())


def play(match: Match, seed: int = 1) -> Played:
    """Train both networks of a match."""
    known = digits(match.size)
    drawing, judging = match.networks()
    generator, discriminator = Network.compiled(drawing, seed), Network.compiled(judging, seed + 1)
    latent = of_inputs(drawing, np.random.default_rng(9), SHOWN)
    game = Game(generator, discriminator, match.rules, rates=match.rates, beta_1=match.beta_1)

    def shown() -> Array:
        pictures = game.draw(latent).reshape(SHOWN, match.size, match.size, -1).mean(-1, keepdims=True)
        return (pictures - match.lowest) / (1 - match.lowest)

    untrained = known.reader.distance(shown(), known.unseen)
    shape = judging.inputs["picture"].shape
    learned = match.lowest + (1 - match.lowest) * known.pictures
    coloured = np.repeat(learned, shape[-1], -1) if len(shape) > 1 else learned.reshape(TRAINED_ON, -1)
    real = batches({"picture": coloured, "label": known.labels}, match.batch, seed)
    game.play(real, latents(lambda drawn, count: of_inputs(drawing, drawn, count), match.batch, seed), match.steps)
    pictures = shown()
    return Played(game, known, latent, pictures, untrained, known.reader.distance(pictures, known.unseen))


# ---- rules beside real or drawn


SCORES = Rules(HINGE, lambda outputs: outputs["real"])
LOGISTIC = Rules(score=lambda outputs: outputs["real"])


SMALL = {"pixels": 64, "noise": 16}
GREY = {"channels": 1, "noise": 32, "classes": 10}

MATCHES = {
    "gan": Match("gan_mnist_generator", "gan_mnist_discriminator",
                 {**SMALL, "width": 128, "units": 48, "pieces": 3}, size=8, steps=6000, lowest=0),
    "cgan": Match("cgan_generator", "cgan_discriminator",
                  {**SMALL, "noise_width": 32, "class_width": 64, "width": 128}, {"width": 48, "class_width": 16},
                  size=8, steps=4000, lowest=0),
    "sngan_resnet": Match("sngan_resnet_generator", "sngan_resnet_discriminator",
                          {**GREY, "first": 24, "widest": 24, "narrowest": 24, "stages": 2},
                          {"size": 16, "width": 24, "widest": 24, "last": 24, "stages": 2, "flat": 1},
                          steps=800, rules=SCORES),
    "sngan_projection": Match("sngan_conditional_generator", "sngan_projection_discriminator",
                              {**GREY, "stages": 2, "widest": 32, "width": 16},
                              steps=2000, batch=32, rates=(1e-3, 2e-3), beta_1=0.0, rules=SCORES),
    "sagan": Match("sagan_generator", "sngan_projection_discriminator",
                   {**GREY, "stages": 2, "widest": 32, "width": 16, "attention": True},
                   steps=2000, batch=32, rates=(1e-3, 2e-3), beta_1=0.0, rules=SCORES),
    "progan": Match("progan_generator", "progan_discriminator",
                    {"resolution": 16, "fmap_base": 128, "fmap_max": 24, "channels": 1}, steps=1000, rules=LOGISTIC),
    "stylegan": Match("stylegan_generator", "stylegan_discriminator",
                      {"resolution": 16, "fmap_base": 128, "fmap_max": 24, "channels": 1, "latent": 32, "style": 32,
                       "mapping": 3, "psi": 1, "mixing": 0}, steps=2000, batch=32, rates=(2e-3, 2e-3), rules=LOGISTIC),
    "autogan": Match("autogan_generator", "autogan_discriminator", {"noise": 32, "width": 16}, size=32, steps=2500,
                     batch=16, rates=(5e-4, 1e-3), beta_1=0.0, rules=SCORES),
    "biggan": Match("biggan_generator", "biggan_discriminator",
                    {"size": 32, "ch": 4, "classes": 10, "shared": 16, "piece": 8}, size=32, steps=800, batch=32,
                    rates=(1e-3, 2e-3), beta_1=0.0, rules=SCORES),
}  # fmt: skip


# ---- what is held

slow = pytest.mark.slow

DISTANCES = [
    # the distance from unseen digits at most, and the simple model that this is nearer than
    ("gan", 8.0, correlated),  # measured 5.2 to 5.7; 10.1 for the Gaussian, 47.3 for independent pixels
    # the others by one or two seeds each, in the slow run; 142 for independent pixels, 347 at 32x32
    pytest.param("sngan_resnet", 70.0, independent, marks=slow),  # measured 29.8
    pytest.param("progan", 70.0, independent, marks=slow),  # measured 29.2
    pytest.param("stylegan", 125.0, independent, marks=slow),
    pytest.param("autogan", 120.0, independent, marks=slow),
]


def hold(played: Played, limit: float, simple: Callable[[Array, int], Array]) -> None:
    """The pictures are nearer to unseen digits than `limit`; a beginner's and a simple model's are farther."""
    known = played.digits
    assert played.after < limit < known.reader.distance(simple(known.pictures, SHOWN), known.unseen)
    assert limit < played.before / 4


@pytest.mark.parametrize(("name", "limit", "simple"), DISTANCES)
def test_pictures_come_near_to_digits_that_the_generator_never_saw(name: str, limit: float, simple: Any) -> None:
    hold(play(MATCHES[name]), limit, simple)


CONDITIONAL = [
    # the distance at most, and the share of pictures at least in which the classifier sees the class asked for
    pytest.param("cgan", 18.0, 0.95, marks=slow),  # measured 11.9 to 12.3, 1.00
    pytest.param("sngan_projection", 30.0, 0.95, marks=slow),  # measured 11.2, 1.00
    pytest.param("sagan", 30.0, 0.95, marks=slow),  # measured 11.7, 1.00
    pytest.param("biggan", 25.0, 0.9, marks=slow),
]


@pytest.mark.parametrize(("name", "limit", "share"), CONDITIONAL)
def test_a_classifier_sees_the_class_that_was_asked_for(name: str, limit: float, share: float) -> None:
    played = play(MATCHES[name])
    hold(played, limit, independent)
    assert played.asked > share
