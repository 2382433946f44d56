"""What the two sides of an adversarial game pay: losses, penalties of the discriminator, codes to be found again."""

import inspect
from typing import Any

from archgraph.kinds import Number, Text, optional
from archgraph.record import Named, Record, param, record

# ---- losses


@record
class GameLoss(Record):
    """What discriminator and generator minimise; s(x) is the discriminator's raw score of a picture x."""

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words, and the source."""
        return inspect.cleandoc(cls.__doc__ or "")


@record
class Minimax(GameLoss):
    """One sum, which the discriminator raises and the generator lowers: E[log D(x)] + E[log(1 - D(G(z)))], D = σ(s).

    The generator learns slowly while the discriminator is sure. Source: Goodfellow et al. 2014, equation 1.
    """

    smoothing: float = param(
        Number(0, below=0.5),
        "Real pictures count as real with a probability that is smaller by this (Salimans et al. 2016, section 3.4).",
        default=0.0,
    )


@record
class NonSaturating(Minimax):
    """As minimax, but the generator minimises -E[log D(G(z))], whose gradient is strong where it fails.

    Source: Goodfellow et al. 2014, section 3.
    """


@record
class LeastSquares(GameLoss):
    """½(s - b)² for real and ½(s - a)² for drawn pictures; the generator wants ½(s - c)² small.

    Source: Mao et al. 2017 (LSGAN), equation 2, with labels 0, 1, 1 (equation 9).
    """

    drawn: float = param(Number(), "a: score that the discriminator gives to drawn pictures.", default=0.0)
    real: float = param(Number(), "b: score that it gives to real ones.", default=1.0)
    wanted: float = param(Number(), "c: score that the generator wants.", default=1.0)


@record
class Hinge(GameLoss):
    """E[max(0, 1 - s(x))] + E[max(0, 1 + s(G(z)))] for the discriminator, -E[s(G(z))] for the generator.

    Source: Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17.
    """


@record
class Wasserstein(GameLoss):
    """E[s(G(z))] - E[s(x)] for the discriminator, a critic without a scale, and -E[s(G(z))] for the generator.

    The critic must be nearly 1-Lipschitz: by a gradient penalty, clipped weights or spectral normalisation. Source:
    Arjovsky, Chintala & Bottou 2017, algorithm 1.
    """


GAME_LOSSES: dict[str, type[GameLoss]] = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "least_squares": LeastSquares,
    "hinge": Hinge,
    "wasserstein": Wasserstein,
}
GAME_LOSS = Named("a game loss", GAME_LOSSES)

# ---- penalties


@record
class Penalty(Record):
    """What the discriminator pays for scores that are too steep."""

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words, and the source."""
        return inspect.cleandoc(cls.__doc__ or "")


@record
class GradientPenalty(Penalty):
    """weight · E[(‖∇s(x̂)‖ - target)²] at random points x̂ between a real and a drawn picture.

    Source: Gulrajani et al. 2017 (WGAN-GP), algorithm 1.
    """

    weight: float = param(Number(above=0), "λ.", default=10.0)
    target: float = param(Number(0), "The slope that is best.", default=1.0)


@record
class RealGradient(Penalty):
    """weight/2 · E[‖∇s(x)‖²] at real pictures x: R1. Source: Mescheder, Geiger & Nowozin 2018, equation 9."""

    weight: float = param(Number(above=0), "γ.", default=10.0)


PENALTIES: dict[str, type[Penalty]] = {"gradient_penalty": GradientPenalty, "r1": RealGradient}
PENALTY = Named("a penalty of the discriminator", PENALTIES)

# ---- codes


@record
class Code(Record):
    """An input of the generator that the discriminator has to find again in the picture."""

    weight: float = param(Number(0), "Factor of what it costs both sides when the code is not found.", default=1.0)

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words, and the source."""
        return inspect.cleandoc(cls.__doc__ or "")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The discriminator's outputs that find it."""
        raise NotImplementedError


@record
class CategoryCode(Code):
    """One of several: a class that data and generator share (AC-GAN), or a one-hot latent (InfoGAN).

    A class costs its cross-entropy for real pictures too. Source: Odena, Olah & Shlens 2017, section 3; Chen et al.
    2016 (InfoGAN), section 5.
    """

    output: str = param(Text(200), "Output with a probability (softmax) or a raw score for each of them.")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The output of probabilities."""
        return (self.output,)


@record
class GaussianCode(Code):
    """Free numbers, found again as the mean and, perhaps, the spread of normal distributions.

    Source: Chen et al. 2016 (InfoGAN), section 6.
    """

    mean: str = param(Text(200), "Output with the mean of each number.")
    log_std: str | None = param(
        optional(Text(200)), "Output with the logarithm of each standard deviation. Default: it is 1.", default=None
    )
    floor: float = param(
        Number(), "Smallest log_std that counts: a spread of nothing would be worth infinitely much.", default=-2.0
    )

    @property
    def outputs(self) -> tuple[str, ...]:
        """Mean and spread."""
        return (self.mean,) if self.log_std is None else (self.mean, self.log_std)


CODES: dict[str, type[Code]] = {"category": CategoryCode, "gaussian": GaussianCode}
CODE = Named("a code", CODES)


def code_of(value: Any) -> Code:
    """The record that a checked value stands for."""
    return CODE.make(value)  # type: ignore[return-value]
