"""More or fewer cells along the spatial axes, without weights."""

from fractions import Fraction

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Choice, Integer, ListOf, Number, optional
from archgraph.record import param
from archgraph.shapes import Dim, Tensor, need_divisible, need_positive, prod
from archgraph.vocabulary.base import (
    OVERWRITES,
    REARRANGES,
    Example,
    Family,
    Layer,
    Memory,
    Primitive,
    Window,
    primitive,
)
from archgraph.vocabulary.parameters import PerAxis, each_axis, per_axis
from archgraph.vocabulary.sliding import channels_of, need_picture

SEEN = {"nearest": 1, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}
"""Interpolations, and how many cells along an axis each looks at."""

INTERPOLATION_DOC = "How a new cell follows from its neighbours: `nearest` copies one, the others blend several."


@primitive
class Upsample(Primitive):
    """Make a sequence, picture or volume larger by a whole factor; without weights, each cell is repeated."""

    op = "upsample"
    family = Family.SHAPE
    icon = "⇱"
    source = "keras.layers.UpSampling1D, UpSampling2D, UpSampling3D"
    examples = (
        Example({}, inputs=[(14, 14, 32)], outputs=[(28, 28, 32)]),
        Example({"size": [1, 3], "interpolation": "bilinear"}, inputs=[(5, 5, 2)], outputs=[(5, 15, 2)]),
        Example({"size": 4}, inputs=[(6, 3)], outputs=[(24, 3)]),
    )

    size: PerAxis = param(per_axis(), "Factor: one number, or one for each spatial axis.", default=2)
    interpolation: str = param(Choice(*SEEN), INTERPOLATION_DOC, default="nearest")

    def infer(self, x: Tensor) -> Tensor:
        rank = need_picture(x, 1, 2, 3)
        if rank != 2 and self.interpolation != "nearest":
            complaint = f'"{self.interpolation}" needs two spatial axes, got {rank}'
            raise Rejected("AG802", complaint, hint='use resize with "scale"', field="/interpolation")
        factors = each_axis(self.size, rank, "size")
        return Tensor((*(size * factor for size, factor in zip(x.shape[:-1], factors, strict=True)), x.shape[-1]))

    def window(self, x: Tensor) -> tuple[Window, ...]:
        factors = each_axis(self.size, len(x.shape) - 1, "size")
        return tuple(Window(SEEN[self.interpolation], 1 / factor) for factor in factors)

    def memory(self, x: Tensor) -> Memory:
        if self.interpolation != "nearest":
            return REARRANGES
        *others, _ = each_axis(self.size, len(x.shape) - 1, "size")  # axis by axis
        grown = (size * factor for size, factor in zip(x.shape[:-2], others, strict=True))
        return Memory(reads=(), scratch=(Tensor((prod((*grown, *x.shape[-2:])) - prod(x.shape),)),))

    def lower(self, x: Tensor) -> Layer:
        rank = len(x.shape) - 1
        size = each_axis(self.size, rank, "size")
        blend = {"interpolation": self.interpolation} if rank == 2 else {}
        return Layer(f"UpSampling{rank}D", {"size": size[0] if rank == 1 else size, **blend})


@primitive
class Resize(Primitive):
    """Bring a sequence, picture or volume to any size by interpolation; say which `size`, or which `scale`.

    With `scale`, an axis of size n becomes floor(n * scale). New cell i lies at (i + 1/2) * n / m - 1/2 of the old
    ones, where m is the new size.
    """

    op = "resize"
    family = Family.SHAPE
    icon = "⤢"
    source = "Keys 1981 (bicubic); keras.ops.image.resize"
    examples = (
        Example({"size": [32, 48]}, inputs=[(28, 28, 3)], outputs=[(32, 48, 3)]),
        Example({"scale": 0.5, "interpolation": "bicubic"}, inputs=[(9, 8, 1)], outputs=[(4, 4, 1)]),
        Example({"size": 50, "interpolation": "nearest"}, inputs=[(20, 6)], outputs=[(50, 6)]),
        Example({"scale": [2, 1, 1.5]}, inputs=[(4, 4, 4, 2)], outputs=[(8, 4, 6, 2)]),
    )

    size: PerAxis | None = param(
        optional(per_axis()), "New size: one number, or one for each spatial axis.", default=None, unit="cells"
    )
    scale: float | tuple[float, ...] | None = param(
        optional(AnyOf(Number(above=0), ListOf(Number(above=0), shortest=1, longest=3))),
        "Factor: one number, or one for each spatial axis.",
        default=None,
    )
    interpolation: str = param(Choice(*SEEN), INTERPOLATION_DOC, default="bilinear")

    def infer(self, x: Tensor) -> Tensor:
        need_picture(x, 1, 2, 3)
        if (self.size is None) is (self.scale is None):
            got = "neither" if self.size is None else "both"
            raise Rejected("AG210", f"needs either size or scale, got {got}", hint='add "scale": 2, for example')
        return Tensor((*self._space(x), x.shape[-1]))

    def _factors(self, rank: int) -> tuple[Fraction, ...]:
        if not isinstance(self.scale, tuple):
            return (exact(self.scale or 1),) * rank
        if len(self.scale) != rank:
            complaint = f"scale has {len(self.scale)} items, but the input has {rank} spatial axes"
            raise Rejected("AG301", complaint, field="/scale")
        return tuple(map(exact, self.scale))

    def _space(self, x: Tensor) -> tuple[Dim, ...]:
        rank = len(x.shape) - 1
        if self.size is not None:
            return each_axis(self.size, rank, "size")
        space = tuple(
            size * factor.numerator // factor.denominator
            for size, factor in zip(x.shape[:-1], self._factors(rank), strict=True)
        )
        for size in space:
            need_positive(size, "the size after scaling")
        return space

    def window(self, x: Tensor) -> tuple[Window, ...]:
        seen, old, new = SEEN[self.interpolation], x.shape[:-1], self._space(x)
        if self.size is None:
            return tuple(Window(seen, float(1 / factor)) for factor in self._factors(len(old)))
        both = zip(old, new, strict=True)
        return tuple(Window(seen, a / b if isinstance(a, int) and isinstance(b, int) else 1) for a, b in both)

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        rank = len(x.shape) - 1
        if self.size is not None:
            how: dict[str, object] = {"size": each_axis(self.size, rank, "size")}
        else:
            how = {"scale": tuple((factor.numerator, factor.denominator) for factor in self._factors(rank))}
        return Layer("Resize", {**how, "interpolation": self.interpolation}, ours=True)


def exact(scale: float) -> Fraction:
    """The simplest fraction that a written factor stands for: 0.1 is 1/10, 0.3333333333333333 is 1/3."""
    return Fraction(scale).limit_denominator(10**6)


@primitive
class PixelShuffle(Primitive):
    """Turn channels into space: each cell becomes a block of r x r cells, filled from r * r times as many channels.

    Cell (i, j) of a block takes channel group i * r + j: y[r * p + i, r * q + j, c] = x[p, q, (i * r + j) * C + c],
    where C is the number of channels of the output. `direction` "down" does the reverse, and on sequences and volumes a
    block has r or r * r * r cells.
    """

    op = "pixel_shuffle"
    family = Family.SHAPE
    icon = "⊹"
    source = "Shi et al. 2016, section 3.2, equation 4"
    examples = (
        Example({"block_size": 2}, inputs=[(14, 14, 16)], outputs=[(28, 28, 4)]),
        Example({"block_size": 3, "direction": "down"}, inputs=[(9, 6, 2)], outputs=[(3, 2, 18)]),
        Example({"block_size": 2}, inputs=[(5, 6)], outputs=[(10, 3)]),
    )

    block_size: int = param(Integer(2, 1024), "Size r of a block along each axis.", unit="cells")
    direction: str = param(
        Choice("up", "down"), "`up`: channels become space; `down`: space becomes channels.", default="up"
    )

    def infer(self, x: Tensor) -> Tensor:
        rank = need_picture(x, 1, 2, 3)
        block, channels, space = self.block_size, channels_of(x), x.shape[:-1]
        try:
            if self.direction == "up":
                need_divisible(channels, block**rank, "the number of channels")
                return Tensor((*(size * block for size in space), channels // block**rank))
            for size in space:
                need_divisible(size, block, "every spatial size")
        except Rejected as rejected:
            raise rejected.under("block_size") from None
        return Tensor((*(size // block for size in space), channels * block**rank))

    def window(self, x: Tensor) -> tuple[Window, ...]:
        up = self.direction == "up"
        each = Window(1, 1 / self.block_size) if up else Window(self.block_size, self.block_size)
        return (each,) * (len(x.shape) - 1)

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        return Layer("PixelShuffle", {"block_size": self.block_size, "direction": self.direction}, ours=True)


@primitive
class Rescale(Primitive):
    """Multiply by one number and add another: y = x * scale + offset. Brings pixels from 0…255 to 0…1, for example.

    Whole numbers become real ones.
    """

    op = "rescale"
    family = Family.SHAPE
    icon = "⇕"
    source = "keras.layers.Rescaling"
    examples = (
        Example({"scale": 0.00392156862745098}, inputs=[Tensor((28, 28, 1), "uint8")], outputs=[(28, 28, 1)]),
        Example({"scale": 2, "offset": -1}, inputs=[(5,)], outputs=[(5,)]),
    )

    scale: float = param(Number(), "Factor.")
    offset: float = param(Number(), "Added after the factor.", default=0)

    def infer(self, x: Tensor) -> Tensor:
        return Tensor(x.shape)

    def memory(self, x: Tensor) -> Memory:
        return OVERWRITES

    def lower(self, x: Tensor) -> Layer:
        return Layer("Rescaling", {"scale": self.scale, "offset": self.offset})
