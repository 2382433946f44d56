"""Pooling: a window, or the whole space, is summed up in one number for each channel."""

import abc
from dataclasses import replace

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, optional
from archgraph.record import param, record
from archgraph.shapes import Shape, Tensor
from archgraph.vocabulary.base import (
    EVERYWHERE,
    REARRANGES,
    Composition,
    Example,
    Family,
    Layer,
    Memory,
    Primitive,
    Step,
    Window,
    primitive,
)
from archgraph.vocabulary.framing import Pad
from archgraph.vocabulary.parameters import Padding, PerAxis, each_axis, explicit_padding, per_axis
from archgraph.vocabulary.sliding import adds_nothing, need_picture, slid, sliding_padding, windows


@record
class Pooling(Primitive, abc.ABC):
    """A window that slides over the spatial axes and has no weights."""

    pool_size: PerAxis = param(
        per_axis(), "Size of the window: one number, or one for each spatial axis.", default=2, unit="cells"
    )
    strides: PerAxis | None = param(
        optional(per_axis()), "Step from one window to the next. Default: `pool_size`.", default=None, unit="cells"
    )
    padding: Padding = sliding_padding()

    def pool(self, rank: int) -> tuple[int, ...]:
        """The window's size along each spatial axis."""
        return each_axis(self.pool_size, rank, "pool_size")

    def steps(self, rank: int) -> tuple[int, ...]:
        """The stride along each spatial axis."""
        return self.pool(rank) if self.strides is None else each_axis(self.strides, rank, "strides")

    def infer(self, x: Tensor) -> Tensor:
        rank = need_picture(x, 1, 2, 3)
        if not isinstance(self.padding, str):
            self._need_cells(rank)
        return Tensor((*slid(x.shape[:-1], self.pool(rank), self.steps(rank), self.padding), x.shape[-1]))

    def _need_cells(self, rank: int) -> None:
        for size, sides in zip(self.pool(rank), explicit_padding(self.padding, rank), strict=True):
            if max(sides) >= size:
                raise Rejected(
                    "AG201",
                    f"padding must be smaller than pool_size ({size}), got {list(sides)}",
                    hint="a window that holds only padding has nothing to pool",
                    field="/padding",
                )

    def window(self, x: Tensor) -> tuple[Window, ...]:
        rank = len(x.shape) - 1
        return windows(self.pool(rank), self.steps(rank))

    def pooling_layer(self, name: str, rank: int) -> Layer:
        """The Keras layer called `name` with the rank inserted."""
        arguments = {"pool_size": self.pool(rank), "strides": self.steps(rank), "padding": self.padding}
        return Layer(f"{name}{rank}D", arguments)


@primitive
class MaxPool(Pooling):
    """Keep the largest number of every window, for each channel: was the pattern seen anywhere here?

    y[p, c] = max over offsets d inside the window of x[p * strides + d, c]. Padding never wins.
    """

    op = "max_pool"
    family = Family.POOLING
    icon = "⊓"
    source = "Ranzato, Huang, Boureau & LeCun 2007, section 2; keras.layers.MaxPooling1D, MaxPooling2D, MaxPooling3D"
    examples = (
        Example({}, inputs=[(28, 28, 6)], outputs=[(14, 14, 6)]),
        Example({"pool_size": 3, "strides": 2, "padding": 1}, inputs=[(112, 112, 64)], outputs=[(56, 56, 64)]),
        Example({"pool_size": 3, "padding": "valid"}, inputs=[(20, 4)], outputs=[(6, 4)]),
    )

    def compose(self, x: Tensor) -> Composition | None:
        if isinstance(self.padding, str):
            return None
        bare = replace(self, padding="valid")
        if adds_nothing(self.padding, len(x.shape) - 1):
            return Composition((Step("", bare, (0,)),), ("",))
        pad = Pad(padding=self.padding, value="lowest")
        return Composition((Step("pad", pad, (0,)), Step("", bare, ("pad",))), ("",))

    def memory(self, x: Tensor) -> Memory:
        return Memory(output=True)

    def lower(self, x: Tensor) -> Layer:
        return self.pooling_layer("MaxPooling", len(x.shape) - 1)


@primitive
class AvgPool(Pooling):
    """Take the mean of every window, for each channel: a smaller, smoother picture.

    y[p, c] = mean over offsets d inside the window of x[p * strides + d, c]. Cells of padding do not count, unless
    `count_include_pad` asks for it.
    """

    op = "avg_pool"
    family = Family.POOLING
    icon = "⊔"
    source = "LeCun, Bottou, Bengio & Haffner 1998, section II.A; keras.layers.AveragePooling1D, -2D, -3D"
    examples = (
        Example({}, inputs=[(28, 28, 6)], outputs=[(14, 14, 6)]),
        Example({"pool_size": 3, "strides": 1, "padding": 1}, inputs=[(8, 8, 4)], outputs=[(8, 8, 4)]),
        Example({"pool_size": 3, "padding": 1, "count_include_pad": True}, inputs=[(9, 4)], outputs=[(3, 4)]),
    )

    count_include_pad: bool = param(
        Flag(), "Count cells of padding, which hold 0, in the mean; needs padding in numbers.", default=False
    )

    def infer(self, x: Tensor) -> Tensor:
        if self.count_include_pad and isinstance(self.padding, str):
            raise Rejected(
                "AG210",
                f'count_include_pad needs padding in numbers, got "{self.padding}"',
                hint='write "padding": 1, or leave count_include_pad out',
                field="/count_include_pad",
            )
        return super().infer(x)

    def compose(self, x: Tensor) -> Composition | None:
        if isinstance(self.padding, str):
            return None
        bare = replace(self, padding="valid", count_include_pad=False)
        if adds_nothing(self.padding, len(x.shape) - 1):
            return Composition((Step("", bare, (0,)),), ("",))
        if not self.count_include_pad:
            return None
        return Composition((Step("pad", Pad(padding=self.padding), (0,)), Step("", bare, ("pad",))), ("",))

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        rank = len(x.shape) - 1
        if isinstance(self.padding, str):
            return self.pooling_layer("AveragePooling", rank)
        arguments = {"pool_size": self.pool(rank), "strides": self.steps(rank)}
        sides = explicit_padding(self.padding, rank)
        return Layer("MeanOfRealCells", {**arguments, "padding": sides}, ours=True)


@record
class GlobalPooling(Primitive, abc.ABC):
    """The whole space becomes one number for each channel."""

    keepdims: bool = param(Flag(), "Keep the spatial axes, with size 1.", default=False)

    def infer(self, x: Tensor) -> Tensor:
        rank = need_picture(x, 1, 2, 3)
        kept: Shape = (1,) * rank if self.keepdims else ()
        return Tensor((*kept, x.shape[-1]))

    def window(self, x: Tensor) -> str:
        return EVERYWHERE

    def global_layer(self, name: str, x: Tensor) -> Layer:
        """The Keras layer called `name` with the rank inserted."""
        return Layer(f"{name}{len(x.shape) - 1}D", {"keepdims": True} if self.keepdims else {})


@primitive
class GlobalMaxPool(GlobalPooling):
    """Keep the largest number of each channel: does the pattern occur anywhere at all?"""

    op = "global_max_pool"
    family = Family.POOLING
    icon = "⊼"
    source = "Oquab, Bottou, Laptev & Sivic 2015, section 3.2; keras.layers.GlobalMaxPooling1D, -2D, -3D"
    examples = (
        Example({}, inputs=[(7, 7, 512)], outputs=[(512,)]),
        Example({"keepdims": True}, inputs=[(20, 8)], outputs=[(1, 8)]),
    )

    def memory(self, x: Tensor) -> Memory:
        return Memory(output=True)

    def lower(self, x: Tensor) -> Layer:
        return self.global_layer("GlobalMaxPooling", x)


@primitive
class GlobalAvgPool(GlobalPooling):
    """Take the mean of each channel over the whole space: how much of the pattern is there, wherever it is?

    It makes a classifier independent of the size of the picture.
    """

    op = "global_avg_pool"
    family = Family.POOLING
    icon = "⊻"
    source = "Lin, Chen & Yan 2014 (Network In Network), section 3.2; keras.layers.GlobalAveragePooling1D, -2D, -3D"
    examples = (
        Example({}, inputs=[(7, 7, 512)], outputs=[(512,)]),
        Example({"keepdims": True}, inputs=[(7, 7, 64)], outputs=[(1, 1, 64)]),
    )

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        return self.global_layer("GlobalAveragePooling", x)


@primitive
class GlobalSumPool(GlobalPooling):
    """Add up each channel over the whole space: how often does the pattern occur?"""

    op = "global_sum_pool"
    family = Family.POOLING
    icon = "Σ"
    source = "Miyato et al. 2018 (spectral normalisation), appendix B.4, the discriminator's last pooling"
    examples = (
        Example({}, inputs=[(4, 4, 128)], outputs=[(128,)]),
        Example({"keepdims": True}, inputs=[(3, 4, 5, 6)], outputs=[(1, 1, 1, 6)]),
    )

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        return Layer("GlobalSumPooling", {"keepdims": self.keepdims}, ours=True)
