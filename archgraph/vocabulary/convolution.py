"""Convolutions: small kernels of shared weights that slide over one, two or three spatial axes."""

import abc
from dataclasses import replace
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer, ListOf, optional
from archgraph.record import param, record
from archgraph.shapes import Dim, Tensor, need_divisible, prod
from archgraph.vocabulary.base import (
    Composition,
    Example,
    Family,
    Layer,
    Memory,
    Primitive,
    Step,
    Weight,
    Window,
    primitive,
)
from archgraph.vocabulary.framing import Pad
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER, Padding, PerAxis, each_axis, per_axis
from archgraph.vocabulary.sliding import adds_nothing, channels_of, need_picture, slid, sliding_padding, span, windows
from archgraph.vocabulary.weighted import Biased, Equalizable, SpectrallyNormalizable, kernel_numbers


@record
class Sliding(Primitive, abc.ABC):
    """The fields of every kernel that slides forward, and the sizes that follow from them."""

    kernel_size: PerAxis = param(
        per_axis(), "Size of the kernel: one number, or one for each spatial axis.", unit="cells"
    )
    strides: PerAxis = param(per_axis(), "Step from one position of the kernel to the next.", default=1, unit="cells")
    dilation_rate: PerAxis = param(
        per_axis(), "Distance between the kernel's cells; above 1 it sees further with as many weights.", default=1
    )

    def kernel(self, rank: int) -> tuple[int, ...]:
        """The kernel's size along each spatial axis."""
        return each_axis(self.kernel_size, rank, "kernel_size")

    def steps(self, rank: int) -> tuple[int, ...]:
        """The stride along each spatial axis; strides and dilation exclude each other."""
        strides = each_axis(self.strides, rank, "strides")
        if self.dilation_rate != 1 and max(self.gaps(rank)) > 1 and max(strides) > 1:
            raise Rejected(
                "AG802",
                f"strides {list(strides)} and dilation_rate {list(self.gaps(rank))} cannot both be above 1",
                hint="give the stride to a pooling layer of its own",
                field="/dilation_rate",
            )
        return strides

    def gaps(self, rank: int) -> tuple[int, ...]:
        """The dilation along each spatial axis."""
        return each_axis(self.dilation_rate, rank, "dilation_rate")

    def spans(self, rank: int) -> tuple[int, ...]:
        """How many input cells the kernel covers along each spatial axis."""
        return tuple(map(span, self.kernel(rank), self.gaps(rank)))

    def geometry(self, rank: int) -> dict[str, Any]:
        """Keras arguments of the fields declared here."""
        given = {"kernel_size": self.kernel(rank), "strides": self.steps(rank), "dilation_rate": self.gaps(rank)}
        return {name: value for name, value in given.items() if name == "kernel_size" or set(value) != {1}}

    def slide(self, x: Tensor, padding: Padding) -> tuple[Dim, ...]:
        """The spatial sizes of the output."""
        space = x.shape[:-1]
        rank = len(space)
        if padding == "causal" and rank != 1:
            complaint = f"causal padding needs one spatial axis, got {rank}"
            raise Rejected("AG802", complaint, hint="use masked_conv for pictures", field="/padding")
        kernel, strides = self.kernel(rank), self.steps(rank)
        if self.strides == 1 and padding in ("same", "causal"):
            return space
        spans = kernel if self.dilation_rate == 1 else self.spans(rank)
        return slid(space, spans, strides, padding)

    def window(self, x: Tensor) -> tuple[Window, ...]:
        rank = len(x.shape) - 1
        return windows(self.spans(rank), self.steps(rank))


def after_padding(whole: Any, x: Tensor) -> Composition | None:
    """A sliding layer with explicit padding: a pad, then itself without padding. Otherwise None."""
    if isinstance(whole.padding, str):
        return None
    bare = replace(whole, padding="valid", norm=None, activation=None, use_bias=whole.biased)
    if adds_nothing(whole.padding, len(x.shape) - 1):
        return Composition((Step("", bare, (0,)),), ("",))
    return Composition((Step("pad", Pad(padding=whole.padding), (0,)), Step("", bare, ("pad",))), ("",))


def need_groups(count: int, groups: int, what: str, field: str = "groups") -> None:
    """Reject a number of channels that cannot be cut into `groups` equal parts, which the parameter `field` gives."""
    try:
        need_divisible(count, groups, what)
    except Rejected as rejected:
        raise rejected.under(field) from None


@primitive
class Conv(Sliding, Equalizable):
    """Slide small kernels over the input; each gives one output channel that says where its pattern occurs.

    It works along a sequence (1-D), over a picture (2-D) or through a volume (3-D), whichever the input is:
    y[p, f] = b[f] + sum over offsets d and channels c of w[d, c, f] * x[p * strides + d * dilation_rate, c].
    With `groups` the channels are cut into as many groups that are convolved apart. `connections` lists for each output
    channel the input channels that it reads, as layer C3 of LeNet-5 does; only these have weights.
    """

    op = "conv"
    family = Family.CONVOLUTION
    icon = "▦"
    source = "LeCun, Bottou, Bengio & Haffner 1998, section II.A; keras.layers.Conv1D, Conv2D, Conv3D"
    examples = (
        Example({"filters": 32, "kernel_size": 3}, inputs=[(28, 28, 1)], outputs=[(28, 28, 32)]),
        Example(
            {"filters": 64, "kernel_size": 7, "strides": 2, "padding": 3},
            inputs=[(224, 224, 3)],
            outputs=[(112, 112, 64)],
        ),
        Example(
            {"filters": 8, "kernel_size": 2, "padding": "causal", "dilation_rate": 4},
            inputs=[(50, 4)],
            outputs=[(50, 8)],
        ),
        Example(
            {"filters": 6, "kernel_size": [3, 3, 1], "padding": "valid", "groups": 2},
            inputs=[(8, 8, 8, 4)],
            outputs=[(6, 6, 8, 6)],
        ),
        Example(
            {"filters": 3, "kernel_size": 5, "connections": [[0, 1], [1, 2], [0, 1, 2]]},
            inputs=[(14, 14, 3)],
            outputs=[(14, 14, 3)],
        ),
        Example(
            {"filters": 3, "kernel_size": 1, "equalized": True, "gain": 1}, inputs=[(9, 9, 4)], outputs=[(9, 9, 3)]
        ),
    )

    filters: int = param(Integer(1), "Number of kernels, which is the number of output channels.")
    padding: Padding = sliding_padding(causal=True)
    groups: int = param(
        Integer(1), "Number of groups of channels that are convolved apart; it divides both channel counts.", default=1
    )
    connections: tuple[tuple[int, ...], ...] | None = param(
        optional(ListOf(ListOf(Integer(0), shortest=1), shortest=1)),
        "For each output channel, the input channels that it reads, counted from 0. Default: all.",
        default=None,
    )

    def infer(self, x: Tensor) -> Tensor:
        need_picture(x, 1, 2, 3)
        self.need_one_scale()
        need_groups(self.filters, self.groups, "filters")
        need_groups(channels_of(x), self.groups, "the number of input channels")
        if self.connections is not None:
            self._need_table(self.connections, channels_of(x))
        return Tensor((*self.slide(x, self.padding), self.filters))

    def _need_table(self, table: tuple[tuple[int, ...], ...], channels: int) -> None:
        for name, chosen in (
            ("groups", self.groups > 1),
            ("spectral_norm", self.spectral_norm),
            ("equalized", self.equalized),
            ("padding", self.padding == "causal"),
        ):
            if chosen:
                complaint = f"connections cannot be combined with this {name}"
                raise Rejected("AG210", complaint, hint="leave one of the two out", field=f"/{name}")
        if len(table) != self.filters:
            complaint = f"needs one list for each of the {self.filters} filters, got {len(table)}"
            raise Rejected("AG210", complaint, field="/connections")
        for place, read in enumerate(table):
            if max(read) >= channels:
                complaint = f"the channels of the input are 0 to {channels - 1}, got {max(read)}"
                raise Rejected("AG201", complaint, field=f"/connections/{place}")
            if len(set(read)) < len(read):
                raise Rejected("AG201", f"names a channel twice: {list(read)}", field=f"/connections/{place}")

    def _pairs(self, x: Tensor) -> int:
        """How many pairs of an input and an output channel have weights."""
        if self.connections is None:
            return channels_of(x) // self.groups * self.filters
        return sum(map(len, self.connections))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        space = self.kernel(len(x.shape) - 1)
        if self.connections is not None:
            return self.kernel_and_bias((*space, self._pairs(x)), self.filters)
        kernel = (*space, channels_of(x) // self.groups, self.filters)
        return (*self.vectors(vector_u=self.filters), *self.kernel_and_bias(kernel, self.filters))

    def macs(self, x: Tensor) -> Dim:
        return prod(self.slide(x, self.padding)) * (prod(self.kernel(len(x.shape) - 1)) * self._pairs(x))

    def compose(self, x: Tensor) -> Composition | None:
        return after_padding(self, x)

    def memory(self, x: Tensor) -> Memory:
        weights = self.weights(x)
        turned = kernel_numbers(weights)
        if max(self.gaps(len(x.shape) - 1)) == 1:
            return self.with_copies(Memory(turned=turned), weights)
        # TensorFlow lays the cells that one kernel sees next to each other first.
        spans = self.spans(len(x.shape) - 1)
        wide = (size + (covered - 1) for size, covered in zip(x.shape[:-1], spans, strict=True))
        spread = Tensor((*wide, x.shape[-1]))
        more = Tensor((prod(spread.shape) - prod(x.shape),))
        spaced = Memory(reads=(), own=(spread,), scratch=(more,), back=(more,), turned=turned, always=True)
        return self.with_copies(spaced, weights)

    def lower(self, x: Tensor) -> Layer:
        rank = len(x.shape) - 1
        arguments = {"filters": self.filters, **self.geometry(rank), "padding": self.padding, **self.weight_arguments()}
        if self.connections is not None:
            del arguments["filters"]
            return Layer("PartlyConnectedConv", {**arguments, "connections": self.connections}, ours=True)
        if self.groups > 1:
            arguments["groups"] = self.groups
        return self.scaled(Layer(f"Conv{rank}D", arguments), kernel=(-1,))


@primitive
class DepthwiseConv(Sliding, SpectrallyNormalizable, Biased):
    """Slide a small kernel over each channel by itself: it sees patterns in space but does not mix channels.

    y[p, c * m + j] = b[c * m + j] + sum over d of w[d, c, j] * x[p * strides + d * dilation_rate, c], where m is
    `depth_multiplier`, the number of kernels for each channel. It needs far fewer weights than a full convolution.
    """

    op = "depthwise_conv"
    family = Family.CONVOLUTION
    icon = "▥"
    source = "Chollet 2017 (Xception), section 1.1; keras.layers.DepthwiseConv1D, DepthwiseConv2D"
    examples = (
        Example({"kernel_size": 3}, inputs=[(28, 28, 16)], outputs=[(28, 28, 16)]),
        Example(
            {"kernel_size": 5, "depth_multiplier": 2, "padding": "valid", "strides": 2},
            inputs=[(21, 3)],
            outputs=[(9, 6)],
        ),
        Example({"kernel_size": 3, "spectral_norm": True}, inputs=[(8, 8, 4)], outputs=[(8, 8, 4)]),
    )

    depth_multiplier: int = param(Integer(1), "Number of kernels for each input channel.", default=1)
    padding: Padding = sliding_padding()
    depthwise_initializer: Any = param(INITIALIZER, "How the kernels start.", default="glorot_uniform")
    depthwise_regularizer: Any = param(REGULARIZER, "Penalty on the kernels, added to the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        need_picture(x, 1, 2)
        return Tensor((*self.slide(x, self.padding), channels_of(x) * self.depth_multiplier))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        kernel = (*self.kernel(len(x.shape) - 1), channels_of(x), self.depth_multiplier)
        filters = channels_of(x) * self.depth_multiplier
        return (*self.vectors(vector_u=filters), Weight("kernel", kernel), *self.bias(filters))

    def macs(self, x: Tensor) -> Dim:
        kernel = prod(self.kernel(len(x.shape) - 1))
        return prod(self.slide(x, self.padding)) * (kernel * channels_of(x) * self.depth_multiplier)

    def compose(self, x: Tensor) -> Composition | None:
        return after_padding(self, x)

    def memory(self, x: Tensor) -> Memory:
        return self.with_copies(Memory(), self.weights(x))

    def lower(self, x: Tensor) -> Layer:
        rank = len(x.shape) - 1
        arguments = {**self.geometry(rank), "padding": self.padding, **self.weight_arguments()}
        layer = Layer(f"DepthwiseConv{rank}D", {**arguments, "depth_multiplier": self.depth_multiplier})
        return self.with_spectral_norm(layer, kernel=(-2, -1))


@primitive
class SeparableConv(Sliding, SpectrallyNormalizable, Biased):
    """Look at space and at channels in turn: one small kernel for each channel, then a mixture of all channels.

    A `depthwise_conv` without bias followed by a convolution of kernel size 1. It does nearly the work of a full
    convolution with a fraction of its weights.
    """

    op = "separable_conv"
    family = Family.CONVOLUTION
    icon = "▧"
    source = "Chollet 2017 (Xception), section 1.1; keras.layers.SeparableConv1D, SeparableConv2D"
    examples = (
        Example({"filters": 64, "kernel_size": 3}, inputs=[(28, 28, 16)], outputs=[(28, 28, 64)]),
        Example(
            {"filters": 4, "kernel_size": 3, "depth_multiplier": 2, "padding": 1}, inputs=[(20, 3)], outputs=[(20, 4)]
        ),
        Example({"filters": 4, "kernel_size": 3, "spectral_norm": True}, inputs=[(8, 8, 3)], outputs=[(8, 8, 4)]),
    )

    filters: int = param(Integer(1), "Number of output channels.")
    depth_multiplier: int = param(Integer(1), "Number of kernels for each input channel.", default=1)
    padding: Padding = sliding_padding()
    depthwise_initializer: Any = param(INITIALIZER, "How the kernels over space start.", default="glorot_uniform")
    pointwise_initializer: Any = param(INITIALIZER, "How the mixture of channels starts.", default="glorot_uniform")
    depthwise_regularizer: Any = param(REGULARIZER, "Penalty on the kernels over space, in the loss.", default=None)
    pointwise_regularizer: Any = param(REGULARIZER, "Penalty on the mixture of channels, in the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        need_picture(x, 1, 2)
        return Tensor((*self.slide(x, self.padding), self.filters))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        rank, channels = len(x.shape) - 1, channels_of(x)
        depthwise = Weight("depthwise_kernel", (*self.kernel(rank), channels, self.depth_multiplier))
        inner = channels * self.depth_multiplier
        pointwise = Weight("pointwise_kernel", (*(1,) * rank, inner, self.filters))
        vectors = self.vectors(depthwise_vector_u=inner, pointwise_vector_u=self.filters)
        return (*vectors, depthwise, pointwise, *self.bias(self.filters))

    def macs(self, x: Tensor) -> Dim:
        channels = channels_of(x) * self.depth_multiplier
        each = prod(self.kernel(len(x.shape) - 1)) * channels + channels * self.filters
        return prod(self.slide(x, self.padding)) * each

    def compose(self, x: Tensor) -> Composition | None:
        return after_padding(self, x)

    def memory(self, x: Tensor) -> Memory:
        between = Tensor((*self.slide(x, self.padding), channels_of(x) * self.depth_multiplier))
        return self.with_copies(Memory(own=(between,)), self.weights(x))

    def lower(self, x: Tensor) -> Layer:
        rank = len(x.shape) - 1
        arguments = {"filters": self.filters, **self.geometry(rank), "padding": self.padding, **self.weight_arguments()}
        layer = Layer(f"SeparableConv{rank}D", {**arguments, "depth_multiplier": self.depth_multiplier})
        return self.with_spectral_norm(layer, depthwise_kernel=(-2, -1), pointwise_kernel=(-1,))
