"""Layers that bring numbers to a common scale."""

import abc
from typing import Any, ClassVar

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, Integer, Number, shown
from archgraph.record import param, record
from archgraph.shapes import Dim, Shape, Tensor, need_known, prod, show
from archgraph.vocabulary.base import (
    Example,
    Family,
    Layer,
    Memory,
    Place,
    Port,
    Primitive,
    Weight,
    primitive,
)
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER, VECTOR_INITIALIZER
from archgraph.vocabulary.rules import AXES, indices_of, need_axes, need_float


def channels(x: Tensor) -> int:
    """The size of the last axis."""
    need_float(x)
    need_axes(x, 1, hint="put a reshape to (1,) before it")
    return need_known(x.shape[-1], "the last axis")


@record
class Affine(Primitive, abc.ABC):
    """A normalisation followed by a learned scale and a learned offset."""

    family: ClassVar[Family] = Family.NORMALISATION

    epsilon: float = param(Number(above=0), "Added to the variance, so that nothing is divided by zero.", default=1e-3)
    center: bool = param(Flag(), "Add a learned offset, beta.", default=True)
    scale: bool = param(Flag(), "Multiply by a learned factor, gamma.", default=True)
    beta_initializer: Any = param(VECTOR_INITIALIZER, "How beta starts.", default="zeros")
    gamma_initializer: Any = param(VECTOR_INITIALIZER, "How gamma starts.", default="ones")
    beta_regularizer: Any = param(REGULARIZER, "Penalty on beta, added to the loss.", default=None)
    gamma_regularizer: Any = param(REGULARIZER, "Penalty on gamma, added to the loss.", default=None)

    def gamma_and_beta(self, shape: Shape) -> tuple[Weight, ...]:
        """The learned weights, in Keras's order."""
        gamma = (Weight("gamma", shape),) if self.scale else ()
        return (*gamma, Weight("beta", shape)) if self.center else gamma

    def changed(self) -> dict[str, Any]:
        """Keras arguments of the fields that differ from Keras's defaults, which are ours."""
        return dict(self.given())


@primitive
class BatchNorm(Affine):
    """Bring every channel to mean 0 and spread 1, measured over the batch; training becomes faster and steadier.

    y = gamma·(x - mean)/√(variance + epsilon) + beta. In training, mean and variance are those of the batch (and of all
    positions); afterwards, running averages of them serve: average ← momentum·average + (1 - momentum)·value.
    """

    op = "batch_norm"
    icon = "≈"
    source = "Ioffe & Szegedy 2015, Batch Normalization, algorithms 1 and 2; keras.layers.BatchNormalization"
    examples = (
        Example({}, inputs=[(8, 8, 3)], outputs=[(8, 8, 3)]),
        Example({"scale": False, "momentum": 0.9, "epsilon": 1e-5}, inputs=[(10,)], outputs=[(10,)]),
    )

    momentum: float = param(Number(0, 1), "How slowly the running averages follow.", default=0.99)
    moving_mean_initializer: Any = param(VECTOR_INITIALIZER, "How the running mean starts.", default="zeros")
    moving_variance_initializer: Any = param(VECTOR_INITIALIZER, "How the running variance starts.", default="ones")
    synchronized: bool = param(
        Flag(), "Measure over all devices of a distributed training (TensorFlow only).", default=False
    )

    def infer(self, x: Tensor) -> Tensor:
        channels(x)
        return Tensor(x.shape)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        shape = (channels(x),)
        moving = (Weight("moving_mean", shape, trainable=False), Weight("moving_variance", shape, trainable=False))
        return (*self.gamma_and_beta(shape), *moving)

    def memory(self, x: Tensor) -> Memory:
        return Memory(Place.OVER, back=(x,), behind=("conv", "depthwise_conv"))

    def lower(self, x: Tensor) -> Layer:
        return Layer("BatchNormalization", self.changed())


@primitive
class ConditionalBatchNorm(Primitive):
    """Batch normalisation whose scale and offset are worked out from a second input, such as a class or a style.

    y = (1 + W·c)·(x - mean)/√(variance + epsilon) + V·c, with one learned column of W and V for each element of the
    condition c. With a one-hot class as c, every class has its own scale and offset; with an embedding, classes share.
    """

    op = "conditional_batch_norm"
    family = Family.NORMALISATION
    icon = "≋"
    source = (
        "Dumoulin, Shlens & Kudlur 2017, A Learned Representation for Artistic Style, section 2.2; de Vries 2017, "
        "section 3.1; Brock, Donahue & Simonyan 2019 (BigGAN), appendix B"
    )
    inputs = (Port("x", "what is normalised"), Port("condition", "a vector: a one-hot class, an embedding, a style"))
    examples = (
        Example({}, inputs=[(8, 8, 16), (10,)], outputs=[(8, 8, 16)]),
        Example({"spectral_norm": True}, inputs=[(6, 4), (3,)], outputs=[(6, 4)]),
    )

    momentum: float = param(Number(0, 1), "How slowly the running averages follow.", default=0.99)
    epsilon: float = param(Number(above=0), "Added to the variance, so that nothing is divided by zero.", default=1e-3)
    gamma_initializer: Any = param(
        INITIALIZER, "How the map to the scale starts; with zeros, as plain batch normalisation.", default="zeros"
    )
    beta_initializer: Any = param(INITIALIZER, "How the map to the offset starts.", default="zeros")
    gamma_regularizer: Any = param(REGULARIZER, "Penalty on the map to the scale, added to the loss.", default=None)
    beta_regularizer: Any = param(REGULARIZER, "Penalty on the map to the offset, added to the loss.", default=None)
    synchronized: bool = param(
        Flag(), "Measure over all devices of a distributed training (TensorFlow only).", default=False
    )
    spectral_norm: bool = param(
        Flag(), "Divide both maps by their largest singular values, estimated by power iteration.", default=False
    )

    def infer(self, x: Tensor, condition: Tensor) -> Tensor:
        channels(x)
        need_float(condition, what="condition")
        if len(condition.shape) != 1:
            hint = "put a flatten after the embedding, or one_hot after the class"
            raise Rejected("AG301", f"the condition must be a vector, got {show(condition.shape)}", hint=hint)
        need_known(condition.shape[0], "the length of the condition")
        return Tensor(x.shape)

    def weights(self, x: Tensor, condition: Tensor) -> tuple[Weight, ...]:
        size, kernel = channels(x), (condition.shape[0], channels(x))
        vectors = ("gamma_vector_u", "beta_vector_u") if self.spectral_norm else ()
        return (
            Weight("gamma", kernel),
            Weight("beta", kernel),
            Weight("moving_mean", (size,), trainable=False),
            Weight("moving_variance", (size,), trainable=False),
            *(Weight(name, (1, size), trainable=False) for name in vectors),
        )

    def macs(self, x: Tensor, condition: Tensor) -> Dim:
        return 2 * channels(x) * condition.shape[0]

    def lower(self, x: Tensor, condition: Tensor) -> Layer:
        return Layer("ConditionalBatchNormalization", dict(self.given()), ours=True)


@primitive
class LayerNorm(Affine):
    """Bring every example (every position of it) to mean 0 and spread 1 on its own, whatever the batch.

    y = gamma·(x - mean)/√(variance + epsilon) + beta, mean and variance along `axis`.
    """

    op = "layer_norm"
    icon = "≡"
    source = "Ba, Kiros & Hinton 2016, Layer Normalization, section 3; keras.layers.LayerNormalization"
    examples = (
        Example({}, inputs=[(12, 64)], outputs=[(12, 64)]),
        Example({"axis": [1, 2], "center": False}, inputs=[(4, 5, 6)], outputs=[(4, 5, 6)]),
    )

    axis: int | tuple[int, ...] = param(
        AXES, "The axis or axes to measure along, numbered as in Keras: 1 is the first after the batch.", default=-1
    )

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        self.measured(x)
        return Tensor(x.shape)

    def measured(self, x: Tensor) -> Shape:
        """The sizes of the axes measured along, which are those of the weights."""
        return measured_sizes(self.axis, x)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return self.gamma_and_beta(self.measured(x))

    def memory(self, x: Tensor) -> Memory:
        return Memory(own=(x,), scratch=(x,), back=(x, x))

    def lower(self, x: Tensor) -> Layer:
        return Layer("LayerNormalization", {**self.changed(), "axis": keras_axes(self.axis, x)})


def measured_sizes(axis: int | tuple[int, ...], x: Tensor) -> Shape:
    """The sizes of `x` along `axis`; weights are made for them, so they must be known."""
    return tuple(need_known(x.shape[index], "the size along axis") for index in indices_of(axis, x.shape))


def keras_axes(axis: int | tuple[int, ...], x: Tensor) -> int | list[int]:
    """`axis` as Keras takes it safely: -1 for the last, else positive numbers in ascending order."""
    found = [index + 1 for index in indices_of(axis, x.shape)]
    return -1 if found == [len(x.shape)] else found


@primitive
class RMSNorm(Primitive):
    """Divide every example by the typical size of its numbers: like layer normalisation without the mean, and cheaper.

    y = scale·x/√(mean(x²) + epsilon), the mean along `axis`.
    """

    op = "rms_norm"
    family = Family.NORMALISATION
    icon = "∿"
    source = "Zhang & Sennrich 2019, Root Mean Square Layer Normalization, section 4; keras.layers.RMSNormalization"
    examples = (Example({}, inputs=[(12, 64)], outputs=[(12, 64)]),)

    axis: int | tuple[int, ...] = param(
        AXES, "The axis or axes to measure along, numbered as in Keras: the last axis, or the last few.", default=-1
    )
    epsilon: float = param(Number(above=0), "Added to the mean square.", default=1e-6)

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        self.measured(x)
        return Tensor(x.shape)

    def measured(self, x: Tensor) -> Shape:
        """The sizes of the axes measured along: the last ones alone, for Keras aligns `scale` at the end."""
        found, rank = indices_of(self.axis, x.shape), len(x.shape)
        if found != tuple(range(rank - len(found), rank)):
            message = f"rms_norm needs the last axis, or the last few, got {shown(self.axis)} of {show(x.shape)}"
            raise Rejected("AG802", message, hint="use layer_norm, or put permute before it", field="/axis")
        return measured_sizes(self.axis, x)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("scale", self.measured(x)),)

    def memory(self, x: Tensor) -> Memory:
        return Memory(own=(x,))

    def lower(self, x: Tensor) -> Layer:
        return Layer("RMSNormalization", {"axis": keras_axes(self.axis, x), "epsilon": self.epsilon})


@record
class Grouped(Affine, abc.ABC):
    """A normalisation of groups of channels, over all positions of one example."""

    @abc.abstractmethod
    def groups_of(self, size: int) -> int:
        """The number of groups among `size` channels, or `Rejected`."""

    def infer(self, x: Tensor) -> Tensor:
        size = channels(x)
        if prod(x.shape[:-1]) * (size // self.groups_of(size)) == 1:
            hint = "use batch_norm or layer_norm, or fewer groups"
            raise Rejected("AG303", f"each group of {show(x.shape)} holds a single number, which becomes 0", hint=hint)
        return Tensor(x.shape)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return self.gamma_and_beta((channels(x),))

    def memory(self, x: Tensor) -> Memory:
        return Memory(scratch=(x,), back=(x,))

    def lower(self, x: Tensor) -> Layer:
        return Layer("GroupNormalization", {**self.changed(), "groups": self.groups_of(channels(x))})


@primitive
class GroupNorm(Grouped):
    """Bring each group of channels of an example to mean 0 and spread 1; works with small batches, even of one.

    y = gamma·(x - mean)/√(variance + epsilon) + beta, measured over all positions and the channels of the group.
    """

    op = "group_norm"
    icon = "☵"
    source = "Wu & He 2018, Group Normalization, section 3; keras.layers.GroupNormalization"
    examples = (Example({"groups": 4}, inputs=[(8, 8, 16)], outputs=[(8, 8, 16)]),)

    groups: int = param(Integer(1), "Number of groups; must divide the number of channels.", default=32)

    def groups_of(self, size: int) -> int:
        if size % self.groups:
            nearest = next(groups for groups in range(min(self.groups, size), 0, -1) if size % groups == 0)
            message = f"{self.groups} groups cannot share {size} channels evenly"
            raise Rejected("AG307", message, hint=f"{nearest} groups would do", field="/groups")
        return self.groups


@primitive
class InstanceNorm(Grouped):
    """Bring each channel of each picture to mean 0 and spread 1, which removes its contrast; used to change styles.

    y = gamma·(x - mean)/√(variance + epsilon) + beta, measured over all positions of one channel of one example.
    """

    op = "instance_norm"
    icon = "▚"
    source = "Ulyanov, Vedaldi & Lempitsky 2016, Instance Normalization; keras.layers.GroupNormalization"
    examples = (Example({}, inputs=[(8, 8, 16)], outputs=[(8, 8, 16)]),)

    def groups_of(self, size: int) -> int:
        return size


@primitive
class LRN(Primitive):
    """Let neighbouring channels compete: where many respond strongly, each is damped. The normaliser of AlexNet.

    yᵢ = xᵢ/(k + alpha·Σⱼ xⱼ²)^beta, over the `n` channels j around i at the same position. Caffe and PyTorch divide
    alpha by n (`average`); their AlexNet so needs alpha 5e-4 for n = 5 to agree with the paper's 1e-4.
    """

    op = "lrn"
    family = Family.NORMALISATION
    icon = "⩘"
    source = "Krizhevsky, Sutskever & Hinton 2012, ImageNet Classification with Deep CNNs, section 3.3"
    examples = (Example({}, inputs=[(13, 13, 96)], outputs=[(13, 13, 96)]),)

    k: float = param(Number(above=0), "Added to the sum, so that nothing is divided by zero.", default=2.0)
    n: int = param(Integer(1), "Channels in the neighbourhood; odd.", default=5)
    alpha: float = param(Number(0), "Strength of the damping.", default=1e-4)
    beta: float = param(Number(0), "Power of the divisor.", default=0.75)
    average: bool = param(Flag(), "Divide alpha by n, as Caffe and PyTorch do.", default=False)

    def infer(self, x: Tensor) -> Tensor:
        if self.n % 2 == 0:
            hint = f"{self.n - 1} and {self.n + 1} are the nearest"
            raise Rejected(
                "AG201", f"n must be odd, for the channel is in the middle, got {self.n}", hint=hint, field="/n"
            )
        channels(x)
        return Tensor(x.shape)

    def memory(self, x: Tensor) -> Memory:
        return Memory(own=2 * (x,), scratch=5 * (x,), back=3 * (x,))

    def lower(self, x: Tensor) -> Layer:
        return Layer("LocalResponseNormalization", dict(self.given()), ours=True)


@primitive
class PixelNorm(Primitive):
    """Scale the channels at every position to a typical size of 1, so that a generator's signals cannot escalate.

    y = x/√(mean(x²) + epsilon), the mean over the channels. Nothing is learned.
    """

    op = "pixel_norm"
    family = Family.NORMALISATION
    icon = "⊡"
    source = "Karras, Aila, Laine & Lehtinen 2018, Progressive Growing of GANs, section 4.2"
    examples = (Example({}, inputs=[(4, 4, 512)], outputs=[(4, 4, 512)]),)

    epsilon: float = param(Number(above=0), "Added to the mean square.", default=1e-8)

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        need_axes(x, 1, hint="put a reshape to (1,) before it")
        return Tensor(x.shape)

    def lower(self, x: Tensor) -> Layer:
        return Layer("PixelNormalization", dict(self.given()), ours=True)


@primitive
class UnitNorm(Primitive):
    """Scale every vector to length 1, so that only its direction counts.

    y = x/√(Σ x²), the sum along `axis`.
    """

    op = "unit_norm"
    family = Family.NORMALISATION
    icon = "◠"
    source = "keras.layers.UnitNormalization"
    examples = (
        Example({}, inputs=[(64,)], outputs=[(64,)]),
        Example({"axis": [1, 2]}, inputs=[(4, 5, 6)], outputs=[(4, 5, 6)]),
    )

    axis: int | tuple[int, ...] = param(
        AXES, "The axis or axes of one vector, numbered as in Keras: 1 is the first after the batch.", default=-1
    )

    def infer(self, x: Tensor) -> Tensor:
        need_float(x)
        indices_of(self.axis, x.shape)
        return Tensor(x.shape)

    def lower(self, x: Tensor) -> Layer:
        return Layer("UnitNormalization", {"axis": keras_axes(self.axis, x)})
