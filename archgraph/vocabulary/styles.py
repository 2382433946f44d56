"""Layers of generators that are told by a style what to draw, at every scale."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer, ListOf, Number, optional
from archgraph.record import param
from archgraph.shapes import Tensor, need_equal, need_known, need_rank
from archgraph.vocabulary.base import (
    EVERYWHERE,
    REARRANGES,
    Example,
    Family,
    Layer,
    Memory,
    Port,
    Primitive,
    Weight,
    Window,
    primitive,
)
from archgraph.vocabulary.parameters import REGULARIZER, VECTOR_INITIALIZER, PerAxis, each_axis, per_axis
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.sliding import need_picture, slid, windows


@primitive
class LearnedConstant(Primitive):
    """Give the same learned tensor for every example: where a generator starts that gets all variety from styles.

    The input only says how many examples there are.
    """

    op = "learned_constant"
    family = Family.GENERATIVE
    icon = "◼"
    source = "Karras, Laine & Aila 2019 (StyleGAN), section 2.1, configuration D"
    inputs = (Port("x", "anything; only the size of its batch counts"),)
    examples = (
        Example({"shape": [4, 4, 512]}, inputs=[(512,)], outputs=[(4, 4, 512)]),
        Example({"shape": [3]}, inputs=[Tensor((), "int32")], outputs=[(3,)]),
    )

    shape: tuple[int, ...] = param(ListOf(Integer(1), shortest=1, longest=8), "Sizes, without the batch axis.")
    value_initializer: Any = param(VECTOR_INITIALIZER, "How it starts.", default="ones")
    value_regularizer: Any = param(REGULARIZER, "Penalty on it, added to the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        return Tensor(self.shape)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("value", self.shape),)

    def window(self, x: Tensor) -> str:
        return EVERYWHERE

    def lower(self, x: Tensor) -> Layer:
        return Layer("LearnedConstant", dict(self.given()), ours=True)


@primitive
class Blur(Primitive):
    """Smooth a picture with a fixed filter, so that making it larger or smaller leaves no checks and no jags.

    The filter is the outer product of `taps` with itself, divided by its sum; beyond the border there is 0. Behind an
    upsample by 2, (1, 2, 1) makes nearly bilinear interpolation. Nothing is learned, and like the products of a
    pooling, those of the filter are not counted as multiply-adds.
    """

    op = "blur"
    family = Family.POOLING
    icon = "◌"
    source = "Karras, Laine & Aila 2019 (StyleGAN), section 2.1 and appendix C; Zhang 2019, section 3.2"
    examples = (
        Example({}, inputs=[(8, 8, 16)], outputs=[(8, 8, 16)]),
        Example({"taps": [1, 3, 3, 1], "strides": 2}, inputs=[(9, 4)], outputs=[(5, 4)]),
    )

    taps: tuple[float, ...] = param(
        ListOf(Number(), shortest=1, longest=64),
        "The filter along each spatial axis; it is divided by its sum.",
        default=(1, 2, 1),
    )
    strides: PerAxis = param(per_axis(), "Step from one place of the filter to the next.", default=1, unit="cells")

    def infer(self, x: Tensor) -> Tensor:
        rank = need_picture(x, 1, 2)
        steps = each_axis(self.strides, rank, "strides")
        if len(set(steps)) > 1:
            complaint = f"strides must be equal along both axes, got {list(steps)}"
            raise Rejected(
                "AG802", complaint, hint="blur first, then take every n-th cell with slice", field="/strides"
            )
        if abs(sum(self.taps)) < 1e-6 * max(map(abs, self.taps)) or not any(self.taps):
            raise Rejected("AG201", "the sum must not be 0, for the filter is divided by it", field="/taps")
        return Tensor((*slid(x.shape[:-1], (len(self.taps),) * rank, steps, "same"), x.shape[-1]))

    def window(self, x: Tensor) -> tuple[Window, ...]:
        rank = len(x.shape) - 1
        return windows((len(self.taps),) * rank, each_axis(self.strides, rank, "strides"))

    def memory(self, x: Tensor) -> Memory:
        return REARRANGES

    def lower(self, x: Tensor) -> Layer:
        step = each_axis(self.strides, len(x.shape) - 1, "strides")[0]
        return Layer("Blur", {"taps": list(self.taps), "strides": step}, ours=True)


@primitive
class StyleMixing(Primitive):
    """Lay out a style for every layer of a generator; in training, let a second style take over at a random layer.

    Row k of y is the style of layer k. In training, for a share `probability` of the examples, the rows from a random
    one on (never the first) come from `other`, or without that port from the style of the previous example of the
    batch. So no two layers can rely on having one style. Afterwards all rows are w.
    """

    op = "style_mixing"
    family = Family.GENERATIVE
    icon = "⇌"
    source = "Karras, Laine & Aila 2019 (StyleGAN), section 3.1"
    inputs = (Port("w", "the style: (features,)"), Port("other", "a second style of the same size", optional=True))
    stochastic = True
    training_inputs = ("other",)
    examples = (
        Example({"layers": 18}, inputs=[(512,)], outputs=[(18, 512)]),
        Example({"layers": 4, "probability": 0.5}, inputs=[(32,), (32,)], outputs=[(4, 32)]),
    )

    layers: int = param(Integer(2), "Number of layers that get a style.")
    probability: float = param(Number(0, 1), "Share of the examples that get two styles in training.", default=0.9)

    def infer(self, w: Tensor, other: Tensor | None = None) -> Tensor:
        need_rank(w, 1, what="style")
        need_float(w, what="style")
        if other is not None:
            need_rank(other, 1, what="second style")
            need_float(other, what="second style")
            need_equal(w.shape[0], other.shape[0], "the sizes of the two styles")
        return Tensor((self.layers, *w.shape))

    def window(self, w: Tensor, other: Tensor | None = None) -> str:
        return EVERYWHERE

    def lower(self, w: Tensor, other: Tensor | None = None) -> Layer:
        arguments = {"layers": self.layers, "probability": self.probability, "seed": None}
        return Layer("StyleMixing", arguments, ours=True)


@primitive
class Truncation(Primitive):
    """After training, draw every style nearer to the average one: less variety for better pictures.

    y = a + psi·(w - a), where the average a of all styles seen in training is kept as a weight that is not trained:
    a ← momentum·a + (1 - momentum)·(mean of the batch). In training y = w. For one style in each of several layers,
    the first row is averaged, and `cutoff` spares the layers of fine detail.
    """

    op = "truncation"
    family = Family.GENERATIVE
    icon = "⊢"
    source = "Karras, Laine & Aila 2019 (StyleGAN), section 2.1 and appendix B"
    inputs = (Port("w", "a style (features,), or one for each layer (layers, features)"),)
    examples = (
        Example({}, inputs=[(512,)], outputs=[(512,)]),
        Example({"psi": 0.5, "cutoff": 8}, inputs=[(18, 512)], outputs=[(18, 512)]),
    )

    psi: float = param(Number(), "Distance from the average that is left: 1 changes nothing, 0 gives it.", default=0.7)
    cutoff: int | None = param(
        optional(Integer(0)),
        "Number of layers, from the first, whose style is drawn nearer. Default: all.",
        default=None,
    )
    momentum: float = param(Number(0, 1), "How slowly the average follows.", default=0.995)

    def infer(self, w: Tensor) -> Tensor:
        need_rank(w, 1, 2, what="style")
        need_float(w, what="style")
        need_known(w.shape[-1], "the size of a style")
        if self.cutoff is not None and len(w.shape) == 1:
            complaint = "cutoff needs a style for each layer, (layers, features)"
            raise Rejected("AG301", complaint, hint="put style_mixing or repeat_vector before it", field="/cutoff")
        return Tensor(w.shape)

    def weights(self, w: Tensor) -> tuple[Weight, ...]:
        return (Weight("average", w.shape[-1:], trainable=False),)

    def lower(self, w: Tensor) -> Layer:
        return Layer("Truncation", dict(self.given()), ours=True)
