"""Layers of networks that invent: draws, noise, styles, and looks at the whole batch."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, Integer, Number
from archgraph.record import param
from archgraph.shapes import Dim, Tensor, need_equal, need_known, need_rank, show
from archgraph.vocabulary.base import EVERYWHERE, Example, Family, Layer, Port, Primitive, Weight, Window, primitive
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER, VECTOR_INITIALIZER
from archgraph.vocabulary.rules import need_float


def _need_alike(mean: Tensor, log_var: Tensor) -> None:
    need_float(mean, what="mean")
    need_float(log_var, what="log_var")
    need_rank(log_var, len(mean.shape), what="log_var")
    for one, other in zip(mean.shape, log_var.shape, strict=True):
        need_equal(one, other, f"the sizes of mean {show(mean.shape)} and log_var {show(log_var.shape)}")


@primitive
class Sampling(Primitive):
    """Draw a random point near `mean`, so that gradients still reach what decided on mean and spread.

    z = mean + exp(log_var/2)·ε with ε ~ N(0, 1): the heart of a variational auto-encoder. The draw stays random after
    training, as in the paper; with `noise_at_inference` false, z is then the mean.
    """

    op = "sampling"
    family = Family.GENERATIVE
    icon = "⚄"
    source = "Kingma & Welling 2014, section 2.4"
    inputs = (Port("mean", "the centre"), Port("log_var", "the logarithm of the variance, of the same shape"))
    stochastic = True
    examples = (
        Example({}, inputs=[(2,), (2,)], outputs=[(2,)]),
        Example({"noise_at_inference": False}, inputs=[(4, 4, 8), (4, 4, 8)], outputs=[(4, 4, 8)]),
    )

    noise_at_inference: bool = param(Flag(), "Draw after training too; false: give the mean.", default=True)

    def infer(self, mean: Tensor, log_var: Tensor) -> Tensor:
        _need_alike(mean, log_var)
        return Tensor(mean.shape)

    def training_only(self) -> bool:
        return not self.noise_at_inference

    def lower(self, mean: Tensor, log_var: Tensor) -> Layer:
        return Layer("Sampling", {**dict(self.given()), "seed": None}, ours=True)


@primitive
class GaussianDivergence(Primitive):
    """How far a Gaussian is from the standard one, in nats: what a code costs in a variational auto-encoder.

    KL(N(mean, exp(log_var)) ‖ N(0, 1)) = ½·Σ(exp(log_var) + mean² - 1 - log_var), one number for each sample.
    """

    op = "gaussian_divergence"
    family = Family.GENERATIVE
    icon = "∥"
    source = "Kingma & Welling 2014, appendix B"
    inputs = (Port("mean", "the centre"), Port("log_var", "the logarithm of the variance, of the same shape"))
    examples = (
        Example({}, inputs=[(2,), (2,)], outputs=[(1,)]),
        Example({}, inputs=[(4, 4, 8), (4, 4, 8)], outputs=[(1,)]),
    )

    def infer(self, mean: Tensor, log_var: Tensor) -> Tensor:
        _need_alike(mean, log_var)
        return Tensor((1,))

    def window(self, mean: Tensor, log_var: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, mean: Tensor, log_var: Tensor) -> Layer:
        return Layer("GaussianDivergence", {}, ours=True)


@primitive
class NoiseInjection(Primitive):
    """Add random detail to a picture; the network learns how strongly each channel takes it.

    y = x + s·ε: one noise picture ε ~ N(0, 1) for all channels, one learned strength s, from 0, for each. The noise
    stays after training, as in the paper, unless `noise_at_inference` is false; with `stored` it is then always the
    same, and equal inputs give equal pictures.
    """

    op = "noise_injection"
    family = Family.GENERATIVE
    icon = "░"
    source = "Karras, Laine & Aila 2019 (StyleGAN), section 2"
    inputs = (Port("x", "the picture: (space…, channels)"),)
    stochastic = True
    examples = (
        Example({}, inputs=[(8, 8, 16)], outputs=[(8, 8, 16)]),
        Example({"stored": True}, inputs=[(5, 4)], outputs=[(5, 4)]),
    )

    noise_at_inference: bool = param(Flag(), "Add noise after training too.", default=True)
    stored: bool = param(
        Flag(), "Keep one noise picture, as a weight that is not trained, for use after training.", default=False
    )

    def infer(self, x: Tensor) -> Tensor:
        need_rank(x, 2, 3, 4)
        need_float(x)
        need_known(x.shape[-1], "the number of channels")
        if self.stored:
            if not self.noise_at_inference:
                complaint = "stored noise is for use after training, where noise_at_inference false adds none"
                raise Rejected("AG210", complaint, hint="leave one of the two out", field="/stored")
            for size in x.shape[:-1]:
                need_known(size, "a size of the stored noise")
        return Tensor(x.shape)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        noise = (Weight("picture", (*x.shape[:-1], 1), trainable=False),) if self.stored else ()
        return (Weight("strength", x.shape[-1:]), *noise)

    def training_only(self) -> bool:
        return not self.noise_at_inference

    def lower(self, x: Tensor) -> Layer:
        return Layer("NoiseInjection", {**dict(self.given()), "seed": None}, ours=True)


@primitive
class MinibatchStddev(Primitive):
    """Tell a discriminator how much the examples of a batch differ: a generator that repeats itself is found out.

    Appends one channel, the mean over cells and channels of √(variance over a group of examples + 1e-8). A batch that
    `group_size` does not divide is one group.
    """

    op = "minibatch_stddev"
    family = Family.GENERATIVE
    icon = "σ"
    source = "Karras, Aila, Laine & Lehtinen 2018, section 3"
    inputs = (Port("x", "features or a picture: (space…, channels)"),)
    examples = (
        Example({}, inputs=[(4, 4, 16)], outputs=[(4, 4, 17)]),
        Example({"group_size": 8}, inputs=[(10,)], outputs=[(11,)]),
    )

    group_size: int = param(Integer(1), "Number of examples that are compared.", default=4, unit="examples")

    def infer(self, x: Tensor) -> Tensor:
        need_rank(x, 1, 2, 3, 4)
        need_float(x)
        return Tensor((*x.shape[:-1], x.shape[-1] + 1))

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, x: Tensor) -> Layer:
        return Layer("MinibatchStddev", {"group_size": self.group_size}, ours=True)


@primitive
class MinibatchDiscrimination(Primitive):
    """Tell a discriminator how close each example is to the others of its batch, in learned measures.

    With M_i = x_i·T as `num_kernels` rows of `kernel_dim` numbers: o_ib = Σ_j exp(-‖M_ib - M_jb‖₁) over the whole
    batch, j = i included; y = (x, o). Multiply-adds: features · num_kernels · kernel_dim, without the comparisons.
    """

    op = "minibatch_discrimination"
    family = Family.GENERATIVE
    icon = "≉"
    source = "Salimans et al. 2016, section 3.2"
    inputs = (Port("x", "the features: (features,)"),)
    examples = (Example({"num_kernels": 50, "kernel_dim": 5}, inputs=[(100,)], outputs=[(150,)]),)

    num_kernels: int = param(Integer(1), "Number of measures, and of features appended (B in the paper).")
    kernel_dim: int = param(Integer(1), "Numbers compared in each measure (C in the paper).")
    kernel_initializer: Any = param(INITIALIZER, "How T starts.", default="glorot_uniform")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on T, added to the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        if len(x.shape) != 1:
            hint = "put a flatten or a global pooling before it"
            raise Rejected("AG301", f"needs one axis of features, got {show(x.shape)}", hint=hint)
        need_float(x)
        return Tensor((need_known(x.shape[0], "the number of features") + self.num_kernels,))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("kernel", (x.shape[0], self.num_kernels * self.kernel_dim)),)

    def macs(self, x: Tensor) -> Dim:
        return x.shape[0] * self.num_kernels * self.kernel_dim

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, x: Tensor) -> Layer:
        return Layer("MinibatchDiscrimination", dict(self.given()), ours=True)


@primitive
class AdaIN(Primitive):
    """Give a picture a style: forget each channel's mean and spread, and set those that the style asks for.

    n(x) = (x - μ)/√(σ² + ε) over the cells of each channel of each example. A style vector gives n(x)·(s + 1) + b,
    where (s, b) = style·W + c is learned (StyleGAN), or (s, b) is the style itself, with `project` false. A style
    picture gives σ(style)·n(x) + μ(style), and there is nothing to learn.
    """

    op = "adain"
    family = Family.GENERATIVE
    icon = "✎"
    source = "Huang & Belongie 2017, equation 8; Karras, Laine & Aila 2019 (StyleGAN), section 2"
    inputs = (
        Port("x", "the picture: (space…, channels)"),
        Port("style", "a vector (features,), or a picture with as many axes and channels as x"),
    )
    examples = (
        Example({}, inputs=[(8, 8, 16), (32,)], outputs=[(8, 8, 16)]),
        Example({"use_bias": False}, inputs=[(9, 4), (3,)], outputs=[(9, 4)]),
        Example({"epsilon": 1e-5}, inputs=[(8, 8, 16), (5, 7, 16)], outputs=[(8, 8, 16)]),
        Example({"project": False}, inputs=[(8, 8, 16), (32,)], outputs=[(8, 8, 16)]),
    )

    project: bool = param(
        Flag(),
        "Learn W and c. False: a style vector is (s, b), twice as long as x has channels, from a layer of your own.",
        default=True,
    )
    epsilon: float = param(Number(above=0), "Added to the variance.", default=1e-8)
    use_bias: bool = param(Flag(), "Add the learned bias c to a style vector's map.", default=True)
    kernel_initializer: Any = param(INITIALIZER, "How W starts.", default="glorot_uniform")
    bias_initializer: Any = param(VECTOR_INITIALIZER, "How c starts.", default="zeros")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on W, added to the loss.", default=None)
    bias_regularizer: Any = param(REGULARIZER, "Penalty on c, added to the loss.", default=None)

    def infer(self, x: Tensor, style: Tensor) -> Tensor:
        need_rank(x, 2, 3, 4)
        need_rank(style, 1, len(x.shape), what="style")
        need_float(x)
        need_float(style, what="style")
        need_known(x.shape[-1], "the number of channels")
        if len(style.shape) == 1:
            need_known(style.shape[0], "the size of the style")
            if not self.project:
                need_equal(style.shape[0], 2 * x.shape[-1], "the size of the style and twice the channels of x")
        else:
            need_equal(style.shape[-1], x.shape[-1], "the channels of style and x")
        return Tensor(x.shape)

    def weights(self, x: Tensor, style: Tensor) -> tuple[Weight, ...]:
        if len(style.shape) > 1 or not self.project:
            return ()
        width = 2 * x.shape[-1]
        bias = (Weight("bias", (width,)),) if self.use_bias else ()
        return (Weight("kernel", (style.shape[0], width)), *bias)

    def macs(self, x: Tensor, style: Tensor) -> Dim:
        return style.shape[0] * 2 * x.shape[-1] if len(style.shape) == 1 and self.project else 0

    def window(self, x: Tensor, style: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, x: Tensor, style: Tensor) -> Layer:
        return Layer("AdaIN", dict(self.given()), ours=True)
