"""A convolution whose kernel is not its own: another part of the network works it out."""

from dataclasses import replace

from archgraph.record import param
from archgraph.shapes import Dim, Tensor, known, need_equal, need_known, need_rank, prod
from archgraph.vocabulary.base import Composition, Example, Family, Layer, Port, Step, Window, primitive
from archgraph.vocabulary.framing import Pad
from archgraph.vocabulary.parameters import Padding, PerAxis, each_axis, per_axis
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.sliding import adds_nothing, channels_of, need_picture, slid, sliding_padding, span, windows
from archgraph.vocabulary.weighted import Dressed


@primitive
class DynamicConv(Dressed):
    """A convolution whose kernel comes in as a tensor, so that a network can write the weights of another.

    y[p, f] = b[f] + sum over offsets d and channels c of w[d, c, f] * x[p * strides + d * dilation_rate, c]. The ports
    give w and b. The kernel's shape says its size, the channels that it reads and the filters that it gives. Like all
    that flows, a kernel has a batch axis: every sample brings its own. A hypernetwork that writes one kernel for all
    samples writes it once for each.
    """

    op = "dynamic_conv"
    family = Family.CONVOLUTION
    icon = "⌗"
    source = (
        "Jia, De Brabandere, Tuytelaars & Van Gool 2016, Dynamic Filter Networks, section 3.2; Ha, Dai & Le 2017, "
        "HyperNetworks, section 3.1; Brock et al. 2018, SMASH, section 3.2"
    )
    inputs = (
        Port("x", "the input"),
        Port("kernel", "the weights: (kernel size…, channels, filters)"),
        Port("bias", "what is added to each filter: (filters,)", optional=True),
    )
    examples = (
        Example({}, inputs=[(16, 16, 8), (1, 1, 8, 4)], outputs=[(16, 16, 4)]),
        Example({"dilation_rate": 2}, inputs=[(9, 7, 3), (3, 3, 3, 5), (5,)], outputs=[(9, 7, 5)]),
        Example({"strides": 2, "padding": 1}, inputs=[(20, 3), (3, 3, 6)], outputs=[(10, 6)]),
    )

    strides: PerAxis = param(per_axis(), "Step from one position of the kernel to the next.", default=1, unit="cells")
    dilation_rate: PerAxis = param(
        per_axis(), "Distance between the kernel's cells; above 1 it sees further with as many weights.", default=1
    )
    padding: Padding = sliding_padding()

    def infer(self, x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
        rank = need_picture(x, 1, 2, 3)
        need_rank(kernel, rank + 2, what="kernel")
        need_float(kernel, what="kernel")
        for size in kernel.shape:
            need_known(size, "every size of the kernel")
        need_equal(kernel.shape[-2], channels_of(x), "the channels of kernel and input")
        if bias is not None:
            need_rank(bias, 1, what="bias")
            need_float(bias, what="bias")
            need_equal(bias.shape[0], kernel.shape[-1], "the sizes of bias and kernel's last axis")
        strides = self.steps(rank)
        if self.padding == "same" and max(strides) > 1 and not known(x.shape[:-1]):
            for size, stride in zip(x.shape[:-1], strides, strict=True):
                if stride > 1:
                    need_known(size, 'an axis with a stride above 1 and padding "same"')
        return Tensor((*self.slide(x, kernel), need_known(kernel.shape[-1], "the number of filters")))

    def steps(self, rank: int) -> tuple[int, ...]:
        """The stride along each spatial axis."""
        return each_axis(self.strides, rank, "strides")

    def spans(self, kernel: Tensor) -> tuple[int, ...]:
        """How many input cells the kernel covers along each spatial axis."""
        sizes = tuple(need_known(size, "the kernel's size") for size in kernel.shape[:-2])
        return tuple(map(span, sizes, each_axis(self.dilation_rate, len(sizes), "dilation_rate")))

    def slide(self, x: Tensor, kernel: Tensor) -> tuple[Dim, ...]:
        """The spatial sizes of the output."""
        return slid(x.shape[:-1], self.spans(kernel), self.steps(len(x.shape) - 1), self.padding)

    def macs(self, x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Dim:
        return prod(self.slide(x, kernel)) * prod(kernel.shape)

    def window(self, x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> tuple[Window, ...]:
        return windows(self.spans(kernel), self.steps(len(x.shape) - 1))

    def compose(self, x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Composition | None:
        if isinstance(self.padding, str):
            return None
        bare = replace(self, padding="valid", norm=None, activation=None)
        others = (1,) if bias is None else (1, 2)
        if adds_nothing(self.padding, len(x.shape) - 1):
            return Composition((Step("", bare, (0, *others)),), ("",))
        return Composition((Step("pad", Pad(padding=self.padding), (0,)), Step("", bare, ("pad", *others))), ("",))

    def lower(self, x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Layer:
        rank = len(x.shape) - 1
        gaps = each_axis(self.dilation_rate, rank, "dilation_rate")
        arguments = {"strides": self.steps(rank), "dilation_rate": gaps, "padding": self.padding}
        return Layer("DynamicConv", arguments, ours=True)
