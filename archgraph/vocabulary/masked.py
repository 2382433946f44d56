"""Convolutions that may not look at what comes later."""

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Integer
from archgraph.record import param
from archgraph.shapes import Dim, Tensor, prod
from archgraph.vocabulary.base import Example, Family, Layer, Weight, Window, primitive
from archgraph.vocabulary.parameters import PerAxis, each_axis, per_axis
from archgraph.vocabulary.sliding import channels_of, need_picture, span, windows
from archgraph.vocabulary.weighted import Weighted


@primitive
class MaskedConv(Weighted):
    """A convolution that sees only what was read before: the rows above, and to the left in its own row.

    With it a network learns to paint a picture cell by cell (PixelCNN). The kernel is multiplied by a mask of zeros and
    ones. Mask A, for the first layer, hides the cell itself; mask B, for all later layers, lets it be seen. With
    `colors` the channels are cut into as many groups, as equal as can be, and in the cell itself a colour sees the
    earlier colours (A) or also its own (B): of red, green and blue, blue may look at red and green. On a sequence (1-D)
    it sees what is to the left.
    """

    op = "masked_conv"
    family = Family.CONVOLUTION
    icon = "◩"
    source = "van den Oord, Kalchbrenner & Kavukcuoglu 2016 (Pixel Recurrent Neural Networks), section 3.4, figure 4"
    examples = (
        Example({"filters": 16, "kernel_size": 7, "mask_type": "A"}, inputs=[(28, 28, 1)], outputs=[(28, 28, 16)]),
        Example(
            {"filters": 6, "kernel_size": 3, "mask_type": "B", "colors": 3}, inputs=[(8, 8, 3)], outputs=[(8, 8, 6)]
        ),
        Example(
            {"filters": 4, "kernel_size": 3, "mask_type": "B", "dilation_rate": 2}, inputs=[(20, 2)], outputs=[(20, 4)]
        ),
    )

    filters: int = param(Integer(1), "Number of output channels.")
    kernel_size: PerAxis = param(
        per_axis(), "Size of the kernel, odd: one number, or one for each spatial axis.", unit="cells"
    )
    mask_type: str = param(Choice("A", "B"), "A hides the cell itself (first layer), B shows it (all others).")
    colors: int = param(Integer(1), "Number of groups of channels that are generated one after the other.", default=1)
    dilation_rate: PerAxis = param(per_axis(), "Distance between the kernel's cells.", default=1)

    def infer(self, x: Tensor) -> Tensor:
        rank = need_picture(x, 1, 2)
        each_axis(self.dilation_rate, rank, "dilation_rate")
        for size in self._kernel(x):
            if size % 2 == 0:
                hint = f"{size - 1} and {size + 1} are the nearest"
                raise Rejected("AG201", f"must be odd, got {size}", hint=hint, field="/kernel_size")
        for count, what in ((self.filters, "filters"), (channels_of(x), "the number of input channels")):
            if count < self.colors:
                raise Rejected(
                    "AG201", f"{what} must be at least colors, got {count} and {self.colors}", field="/colors"
                )
        return Tensor((*x.shape[:-1], self.filters))

    def _kernel(self, x: Tensor) -> tuple[int, ...]:
        return each_axis(self.kernel_size, len(x.shape) - 1, "kernel_size")

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return self.kernel_and_bias((*self._kernel(x), channels_of(x), self.filters), self.filters)

    def macs(self, x: Tensor) -> Dim:
        return prod(x.shape) * (prod(self._kernel(x)) * self.filters)

    def window(self, x: Tensor) -> tuple[Window, ...]:
        rank = len(x.shape) - 1
        spans = map(span, self._kernel(x), each_axis(self.dilation_rate, rank, "dilation_rate"))
        return windows(tuple(spans), (1,) * rank)

    def lower(self, x: Tensor) -> Layer:
        rank = len(x.shape) - 1
        arguments = {
            "filters": self.filters,
            "kernel_size": self._kernel(x),
            "mask_type": self.mask_type,
            "colors": self.colors,
            "dilation_rate": each_axis(self.dilation_rate, rank, "dilation_rate"),
        }
        return Layer("MaskedConv", {**arguments, **self.weight_arguments()}, ours=True)
