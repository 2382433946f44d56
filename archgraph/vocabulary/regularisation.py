"""Layers that disturb or punish a network in training, so that it learns what holds in general."""

import abc
from typing import Any, ClassVar

from archgraph.kinds import Flag, Integer, Number
from archgraph.record import param, record
from archgraph.shapes import Dim, Tensor, need_known, need_rank, prod
from archgraph.vocabulary.base import (
    EVERYWHERE,
    VIEW,
    Example,
    Family,
    Layer,
    Memory,
    Primitive,
    Weight,
    Window,
    primitive,
)
from archgraph.vocabulary.rules import need_axes, need_float
from archgraph.vocabulary.weighted import Weighted


@record
class Disturbance(Primitive, abc.ABC):
    """A random change in training that does nothing afterwards."""

    family: ClassVar[Family] = Family.REGULARISATION
    stochastic: ClassVar[bool] = True
    ranks: ClassVar[tuple[int, ...]] = ()
    mask: ClassVar[str] = ""
    """Dtype of what it draws for each number and keeps for the way back; empty where it keeps less than that."""

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        if self.ranks:
            need_rank(x, *self.ranks)
        return Tensor(x.shape)

    def memory(self, x: Tensor) -> Memory:
        own = (Tensor(x.shape, self.mask),) if self.mask else ()
        return Memory(reads=(), own=own, scratch=(x,))

    def training_only(self) -> bool:
        return True


@record
class Dropping(Disturbance, abc.ABC):
    """A disturbance that removes a share of its input, and is described by that share."""

    rate: float = param(Number(0, below=1), "Share that is dropped in training.")

    def seeded(self) -> dict[str, Any]:
        """The share, and the build's seed."""
        return {"rate": self.rate, "seed": None}


@primitive
class Dropout(Dropping):
    """In training, set a random share of the numbers to zero, so that no part of the network relies on one other.

    y = x·m/(1 - rate), where each m is 0 with probability `rate`, else 1. After training: y = x.
    """

    op = "dropout"
    mask = "bool"
    icon = "⁙"
    source = "Srivastava et al. 2014, Dropout; keras.layers.Dropout"
    examples = (Example({"rate": 0.25}, inputs=[(8, 8, 3)], outputs=[(8, 8, 3)]),)

    def lower(self, x: Tensor) -> Layer:
        return Layer("Dropout", self.seeded())


@primitive
class SpatialDropout(Dropping):
    """In training, set a random share of whole feature maps to zero; neighbours in a map tell too much of each other.

    y = x·m/(1 - rate), one m for each channel of each example. After training: y = x.
    """

    op = "spatial_dropout"
    ranks = (2, 3, 4)
    icon = "▩"
    source = "Tompson et al. 2015, Efficient Object Localization, section 3.2; keras.layers.SpatialDropout1D, 2D, 3D"
    examples = (
        Example({"rate": 0.2}, inputs=[(9, 16)], outputs=[(9, 16)]),
        Example({"rate": 0.2}, inputs=[(8, 8, 16)], outputs=[(8, 8, 16)]),
        Example({"rate": 0.2}, inputs=[(4, 4, 4, 16)], outputs=[(4, 4, 4, 16)]),
    )

    def lower(self, x: Tensor) -> Layer:
        return Layer(f"SpatialDropout{len(x.shape) - 1}D", self.seeded())


@primitive
class GaussianDropout(Dropping):
    """In training, multiply every number by random noise around 1: a soft form of dropout.

    y = x·(1 + √(rate/(1 - rate))·z), z normal. After training: y = x.
    """

    op = "gaussian_dropout"
    mask = "float32"
    icon = "⁘"
    source = "Srivastava et al. 2014, Dropout, section 10; keras.layers.GaussianDropout"
    examples = (Example({"rate": 0.25}, inputs=[(64,)], outputs=[(64,)]),)

    def lower(self, x: Tensor) -> Layer:
        return Layer("GaussianDropout", self.seeded())


@primitive
class AlphaDropout(Dropping):
    """Dropout for networks with selu: dropped numbers get selu's lowest value, and mean and spread are kept.

    y = a·(x·m + α'·(1 - m)) + b, with α' = -1.7581 and a, b chosen so that mean 0 and variance 1 stay.
    """

    op = "alpha_dropout"
    mask = "float32"
    icon = "⁖"
    source = (
        "Klambauer, Unterthiner, Mayr & Hochreiter 2017, Self-Normalizing Neural Networks; keras.layers.AlphaDropout"
    )
    examples = (Example({"rate": 0.1}, inputs=[(64,)], outputs=[(64,)]),)

    def lower(self, x: Tensor) -> Layer:
        return Layer("AlphaDropout", self.seeded())


@primitive
class DropPath(Dropping):
    """In training, leave out a whole branch for a random share of the examples; put it before the sum of a block.

    y = x·m/(1 - rate), one m for each example. After training: y = x. (The paper divides by nothing in training and
    multiplies by 1 - rate afterwards; what is expected is the same.)
    """

    op = "drop_path"
    icon = "⌿"
    source = "Huang, Sun, Liu, Sedra & Weinberger 2016, Deep Networks with Stochastic Depth, section 3"
    examples = (Example({"rate": 0.1}, inputs=[(8, 8, 16)], outputs=[(8, 8, 16)]),)

    def lower(self, x: Tensor) -> Layer:
        return Layer("DropPath", self.seeded(), ours=True)


@primitive
class MaskingNoise(Dropping):
    """In training, blank out a random share of the numbers: the corruption that a denoising autoencoder must undo.

    y = x·m, where each m is 0 with probability `rate`, else 1. After training: y = x. Unlike dropout it does not make
    up for what is missing by enlarging the rest.
    """

    op = "masking_noise"
    mask = "float32"
    icon = "⁛"
    source = "Vincent, Larochelle, Bengio & Manzagol 2008, Denoising Autoencoders, section 2.3"
    examples = (Example({"rate": 0.25}, inputs=[(784,)], outputs=[(784,)]),)

    def lower(self, x: Tensor) -> Layer:
        return Layer("MaskingNoise", self.seeded(), ours=True)


@primitive
class GaussianNoise(Disturbance):
    """In training, add random noise to every number, so that the network does not learn its examples by heart.

    y = x + stddev·z, z normal. After training: y = x.
    """

    op = "gaussian_noise"
    mask = "float32"
    icon = "⁂"
    source = "Bishop 1995, Training with Noise is Equivalent to Tikhonov Regularization; keras.layers.GaussianNoise"
    examples = (Example({"stddev": 0.1}, inputs=[(28, 28, 1)], outputs=[(28, 28, 1)]),)

    stddev: float = param(Number(0, 1), "Standard deviation of the noise; Keras allows at most 1.")

    def lower(self, x: Tensor) -> Layer:
        return Layer("GaussianNoise", {"stddev": self.stddev, "seed": None})


@primitive
class ActivityRegularization(Primitive):
    """Leave the numbers as they are, but add their size to the loss, so that the network keeps them small or sparse.

    Penalty: l1·Σ|x| + l2·Σx², divided by the batch size.
    """

    op = "activity_regularization"
    family = Family.REGULARISATION
    icon = "⚖"
    source = "keras.layers.ActivityRegularization"
    examples = (Example({"l1": 1e-4}, inputs=[(64,)], outputs=[(64,)]),)

    l1: float = param(Number(0), "Factor of the sum of magnitudes.", default=0.0)
    l2: float = param(Number(0), "Factor of the sum of squares.", default=0.0)

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        return Tensor(x.shape)

    def training_only(self) -> bool:
        return True

    def memory(self, x: Tensor) -> Memory:
        return VIEW._replace(reads=(0,))

    def lower(self, x: Tensor) -> Layer:
        return Layer("ActivityRegularization", {"l1": self.l1, "l2": self.l2})


@primitive
class DropConnect(Weighted):
    """A dense layer that in training loses a random share of its weights, instead of its outputs as with dropout.

    y = x·(M∘W)/(1 - rate) + (m∘b)/(1 - rate), M and m of zeros and ones, drawn anew for each example. After training:
    y = x·W + b. (The paper samples the outputs after training from a normal distribution; this is its mean.)
    """

    op = "drop_connect"
    family = Family.REGULARISATION
    icon = "⊗"
    source = (
        "Wan, Zeiler, Zhang, LeCun & Fergus 2013, Regularization of Neural Networks using DropConnect, sections 3 and 4"
    )
    stochastic = True
    examples = (
        Example({"units": 10, "rate": 0.5}, inputs=[(64,)], outputs=[(10,)]),
        Example({"units": 4, "rate": 0.2, "share_mask": True, "use_bias": False}, inputs=[(7, 3)], outputs=[(7, 4)]),
    )

    units: int = param(Integer(1), "Size of the last axis of the output.")
    rate: float = param(Number(0, below=1), "Share of the weights that is dropped in training.")
    share_mask: bool = param(
        Flag(),
        "Draw one mask for the whole batch: less memory, but too weak for large batches, says the paper.",
        default=False,
    )

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        need_axes(x, 1, hint="put a reshape to (1,) before it")
        need_known(x.shape[-1], "the last axis")
        return Tensor((*x.shape[:-1], self.units))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return self.kernel_and_bias((x.shape[-1], self.units), self.units)

    def macs(self, x: Tensor) -> Dim:
        return prod(x.shape) * self.units

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE if len(x.shape) == 1 else ()

    def memory(self, x: Tensor) -> Memory:
        kernel = (need_known(x.shape[-1], "the last axis"), self.units)
        if self.share_mask:
            return Memory(copies=2 * prod(kernel))
        return Memory(own=(Tensor(kernel), Tensor(kernel, "bool")), scratch=(Tensor(kernel),), back=(Tensor(kernel),))

    def lower(self, x: Tensor) -> Layer:
        chosen = {"units": self.units, "rate": self.rate, "share_mask": self.share_mask, "seed": None}
        return Layer("DropConnect", {**chosen, **self.weight_arguments()}, ours=True)
