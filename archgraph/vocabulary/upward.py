"""Convolutions turned around: every input cell paints a kernel into a larger output."""

from dataclasses import replace
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Integer, ListOf, optional
from archgraph.record import param
from archgraph.shapes import Dim, Shape, Tensor, need_positive, prod
from archgraph.vocabulary.base import (
    Composition,
    Example,
    Family,
    Layer,
    Memory,
    Step,
    Weight,
    Window,
    primitive,
)
from archgraph.vocabulary.framing import Crop
from archgraph.vocabulary.parameters import Padding, PerAxis, each_axis, explicit_padding, per_axis
from archgraph.vocabulary.sliding import adds_nothing, channels_of, need_picture, sliding_padding, span
from archgraph.vocabulary.weighted import Equalizable, kernel_numbers


@primitive
class ConvTranspose(Equalizable):
    """Make a sequence, picture or volume larger: every input cell paints a learned kernel, `strides` cells apart.

    It is the gradient of a convolution, so it turns the size that a `conv` gives back into the size that it took:
    y[p * strides + d * dilation_rate, f] collects w[d, f, c] * x[p, c] over all p, d and c, plus b[f].
    An axis of size n becomes n * strides (`same`), (n - 1) * strides + max(K, strides) (`valid`), where K is
    dilation_rate * (kernel_size - 1) + 1, or (n - 1) * strides + K - before - after (padding in numbers, which are
    cut off). `output_padding` replaces that: (n - 1) * strides + K % 2 + output_padding (`same`), or
    (n - 1) * strides + K + output_padding (`valid`, less what is cut off).
    """

    op = "conv_transpose"
    family = Family.CONVOLUTION
    icon = "▨"
    source = "Dumoulin & Visin 2016, section 4; keras.layers.Conv1DTranspose, Conv2DTranspose, Conv3DTranspose"
    examples = (
        Example({"filters": 64, "kernel_size": 4, "strides": 2}, inputs=[(7, 7, 128)], outputs=[(14, 14, 64)]),
        Example({"filters": 8, "kernel_size": 3, "strides": 2, "padding": "valid"}, inputs=[(5, 4)], outputs=[(11, 8)]),
        Example(
            {"filters": 3, "kernel_size": 4, "strides": 2, "padding": 1}, inputs=[(32, 32, 64)], outputs=[(64, 64, 3)]
        ),
        Example(
            {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 0},
            inputs=[(4, 4, 4, 1)],
            outputs=[(7, 7, 7, 2)],
        ),
        Example({"filters": 4, "kernel_size": 3, "strides": 2, "equalized": True}, inputs=[(4, 8)], outputs=[(8, 4)]),
        Example({"filters": 5, "kernel_size": 4, "spectral_norm": True}, inputs=[(4, 4, 3)], outputs=[(4, 4, 5)]),
    )

    filters: int = param(Integer(1), "Number of output channels.")
    kernel_size: PerAxis = param(
        per_axis(), "Size of the kernel: one number, or one for each spatial axis.", unit="cells"
    )
    strides: PerAxis = param(per_axis(), "How far apart the kernels are painted.", default=1, unit="cells")
    padding: Padding = sliding_padding()
    output_padding: PerAxis | None = param(
        optional(AnyOf(Integer(0), ListOf(Integer(0), shortest=1, longest=3))),
        "Cells added at the end, to choose between the sizes that a convolution would map to one; less than `strides`.",
        default=None,
        unit="cells",
    )
    dilation_rate: PerAxis = param(per_axis(), "Distance between the kernel's cells.", default=1)

    def infer(self, x: Tensor) -> Tensor:
        rank = need_picture(x, 1, 2, 3)
        self.need_one_scale()
        strides, dilation = self._steps(rank), each_axis(self.dilation_rate, rank, "dilation_rate")
        if max(strides) > 1 and max(dilation) > 1:
            complaint = f"strides {list(strides)} and dilation_rate {list(dilation)} cannot both be above 1"
            raise Rejected("AG802", complaint, hint="put an upsample before it instead", field="/dilation_rate")
        self._need_small_output_padding(rank)
        return Tensor((*self._space(x.shape[:-1]), self.filters))

    def _steps(self, rank: int) -> tuple[int, ...]:
        return each_axis(self.strides, rank, "strides")

    def _kernel(self, rank: int) -> tuple[int, ...]:
        return each_axis(self.kernel_size, rank, "kernel_size")

    def _spans(self, rank: int) -> tuple[int, ...]:
        return tuple(map(span, self._kernel(rank), each_axis(self.dilation_rate, rank, "dilation_rate")))

    def _extra(self, rank: int) -> tuple[int | None, ...]:
        return (None,) * rank if self.output_padding is None else each_axis(self.output_padding, rank, "output_padding")

    def _need_small_output_padding(self, rank: int) -> None:
        for more, stride, covered in zip(self._extra(rank), self._steps(rank), self._spans(rank), strict=True):
            least = 1 if self.padding == "same" and covered % 2 == 0 else 0
            if more is not None and not least <= more < stride:
                complaint = f"must be at least {least} and less than strides ({stride}), got {more}"
                raise Rejected("AG201", complaint, hint="leave it out for the usual size", field="/output_padding")

    def _space(self, space: Shape) -> Shape:
        rank = len(space)
        axes = zip(space, self._steps(rank), self._spans(rank), self._extra(rank), strict=True)
        if isinstance(self.padding, str):
            return tuple(self._grown(*axis, self.padding) for axis in axes)
        sizes = []
        for axis, cut in zip(axes, explicit_padding(self.padding, rank), strict=True):
            size, stride, covered, more = axis
            sizes.append((size - 1) * stride + (covered + (more or 0) - sum(cut)))
            need_positive(sizes[-1], f"the size after cutting off {list(cut)} cells")
        return tuple(sizes)

    @staticmethod
    def _grown(size: Dim, stride: int, covered: int, more: int | None, padding: str) -> Dim:
        if padding == "same":
            return size * stride if more is None else (size - 1) * stride + covered % 2 + more
        return (size - 1) * stride + (max(covered, stride) if more is None else covered + more)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        kernel = (*self._kernel(len(x.shape) - 1), self.filters, channels_of(x))
        return (*self.vectors(vector_u=self.filters), *self.kernel_and_bias(kernel, self.filters))

    def macs(self, x: Tensor) -> Dim:
        return prod(x.shape) * (prod(self._kernel(len(x.shape) - 1)) * self.filters)

    def window(self, x: Tensor) -> tuple[Window, ...]:
        rank = len(x.shape) - 1
        seen = zip(self._spans(rank), self._steps(rank), strict=True)
        return tuple(Window(-(-covered // stride), 1 / stride) for covered, stride in seen)

    def compose(self, x: Tensor) -> Composition | None:
        if isinstance(self.padding, str):
            return None
        rank = len(x.shape) - 1
        extra = 0 if self.output_padding is None else self.output_padding
        bare = replace(self, padding="valid", output_padding=extra, norm=None, activation=None, use_bias=self.biased)
        if adds_nothing(self.padding, rank):
            return Composition((Step("", bare, (0,)),), ("",))
        return Composition((Step("", bare, (0,)), Step("crop", Crop(cropping=self.padding), ("",))), ("crop",))

    def memory(self, x: Tensor) -> Memory:
        weights = self.weights(x)
        return self.with_copies(Memory(turned=kernel_numbers(weights), always=True), weights)

    def lower(self, x: Tensor) -> Layer:
        rank = len(x.shape) - 1
        arguments: dict[str, Any] = {"filters": self.filters, "padding": self.padding}
        for name in ("kernel_size", "strides", "dilation_rate"):
            arguments[name] = each_axis(getattr(self, name), rank, name)
        if self.output_padding is not None:
            arguments["output_padding"] = self._extra(rank)
        layer = Layer(f"Conv{rank}DTranspose", {**arguments, **self.weight_arguments()})
        return self.scaled(layer, kernel=(-2,))
