"""A generator that draws and a discriminator that judges: generative adversarial networks, alone or with labels."""

import abc
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.kinds import FrozenMap, Integer, ListOf, MapOf, Number, Text, optional
from archgraph.record import param, record
from archgraph.training.data.base import Samples
from archgraph.training.data.dataset import Dataset
from archgraph.training.fit import Fit
from archgraph.training.generation.figures import FEATURE_NETWORK, FIGURE, Figure, figures_of
from archgraph.training.generation.players import DISCRIMINATOR, GENERATOR, Players, players, score_output, told
from archgraph.training.generation.source import source_of
from archgraph.training.objectives import adversarial_fit
from archgraph.training.objectives.base import Face, Objective, objective
from archgraph.training.objectives.game import CODE, GAME_LOSS, PENALTY, CategoryCode, Code, GameLoss, Penalty, code_of


@record
class Game(Objective):
    """What all adversarial games share: losses, penalties, codes, sizes that fade in, and figures of the pictures."""

    roles: ClassVar[Mapping[str, str]] = {
        GENERATOR: "draws pictures from random inputs (kind vector_latent)",
        DISCRIMINATOR: "tells real pictures from drawn ones",
    }

    loss: Any = param(GAME_LOSS, "What both sides minimise.", default="non_saturating")
    penalty: Any = param(optional(PENALTY), "What the discriminator pays for steep scores.", default=None)
    weight_clip: float | None = param(
        optional(Number(above=0)),
        "After each step the discriminator's weights are cut to this magnitude (Arjovsky et al. 2017, algorithm 1).",
        default=None,
    )
    discriminator_steps: int = param(
        Integer(1, 1000),
        "Steps of the discriminator, each with a batch of its own, for one of the generator.",
        default=1,
    )
    match_features: str | None = param(
        optional(Text(1000)),
        "Path of a node of the discriminator whose mean the generator makes equal for real and drawn pictures, instead"
        " of its loss (Salimans et al. 2016, section 3.1).",
        default=None,
    )
    codes: Any = param(
        MapOf(CODE),
        "Inputs of the generator that the discriminator finds again, by name. Default: those whose name an output has.",
        default=FrozenMap(),
    )
    fade_steps: int = param(
        Integer(0),
        "Steps in which each size of a growing network fades in, small ones first (op fade_in; Karras et al. 2018).",
        default=0, unit="steps",
    )  # fmt: skip
    hold_steps: int = param(
        Integer(0), "Steps before the first size fades in, and between two.", default=0, unit="steps"
    )
    shown: int = param(
        Integer(0, 400),
        "Pictures in the grid that is drawn after every epoch, always from the same latents.",
        default=64,
    )
    figures: Any = param(
        ListOf(FIGURE, longest=20),
        "What is measured of drawn pictures, against the validation and test parts.",
        default=(),
    )
    features: Any = param(FEATURE_NETWORK, "The network whose features the figures compare.", default="classifier")
    judged: int = param(Integer(2, 1_000_000), "Drawn pictures that the figures look at.", default=1000)
    judged_every: int = param(
        Integer(1), "Epochs from one measurement on the validation part to the next.", default=1, unit="epochs"
    )

    @property
    def price(self) -> GameLoss:
        """The record of the loss."""
        return GAME_LOSS.make(self.loss)  # type: ignore[return-value]

    @property
    def steepness(self) -> Penalty | None:
        """The record of the penalty."""
        return None if self.penalty is None else PENALTY.make(self.penalty)  # type: ignore[return-value]

    @property
    def measures(self) -> dict[str, Figure]:
        """The records of the figures by name."""
        return figures_of(self.figures)

    @abc.abstractmethod
    def judging(self, networks: Mapping[str, ShapedGraph]) -> str:
        """The discriminator's output that tells real from drawn. Raises `Rejected` AG701 where there is none."""

    def found_again(self, networks: Mapping[str, ShapedGraph]) -> dict[str, Code]:
        """How each input of the generator that is to be found again is found."""
        if self.codes:
            return {name: code_of(value) for name, value in self.codes.items()}
        generator, discriminator = networks[GENERATOR], networks[DISCRIMINATOR]
        judging = self.judging(networks)
        same = [name for name in generator.inputs if name in discriminator.outputs and name != judging]
        return {name: CategoryCode(output=name) for name in same}

    def players(self, networks: Mapping[str, ShapedGraph]) -> Players:
        """Who plays what."""
        return players(networks)

    def face(self, networks: Mapping[str, ShapedGraph]) -> Face:
        """Real pictures, and what both sides are told."""
        return Face(told(networks, players(networks)), {})

    def misfits(self, fit: Fit) -> Iterator[Rejected]:
        """Shapes and ranges of pictures, classes, endings, codes, sizes that fade in, monitors."""
        return adversarial_fit.misfits(fit, self)

    def described(self, networks: Mapping[str, ShapedGraph], samples: Samples, dataset: Dataset) -> Mapping[str, Any]:
        """The generator's inputs, and how its output is a picture."""
        return {"generator": source_of(networks, self.players(networks), samples, dataset).as_json()}

    def quantities(self, fit: Fit) -> tuple[str, ...]:
        """Losses, shares of right verdicts, the penalty, codes; figures of drawn pictures."""
        judged, further = self.judged_names(fit.networks), self.trained_names()
        if not fit.experiment.settings.validation:
            return (*judged, *further)
        return (*judged, *further, *(f"val_{name}" for name in (*judged, *self.measured_names(fit.networks))))

    def judged_names(self, networks: Mapping[str, ShapedGraph]) -> tuple[str, ...]:
        """What every batch measures, in training and later."""
        names = ["discriminator_loss", "generator_loss", "real_accuracy", "fake_accuracy"]
        for name, code in self.found_again(networks).items():
            if isinstance(code, CategoryCode) and name in players(networks).conditions:
                names += [f"{name}_accuracy", f"{name}_drawn_accuracy"]
            else:
                names.append(f"{name}_information")
        return tuple(names)

    def trained_names(self) -> tuple[str, ...]:
        """What a batch measures in training alone."""
        return () if self.penalty is None else ("gradient_penalty",)

    def measured_names(self, networks: Mapping[str, ShapedGraph]) -> tuple[str, ...]:
        """Names of the figures of drawn pictures."""
        return tuple(self.measures)


@objective
class Adversarial(Game):
    """A generator learns to draw pictures that a discriminator cannot tell from real ones.

    Classes that both graphs take under one name make it conditional (Mirza & Osindero 2014). Codes that the
    discriminator finds again make it an auxiliary-classifier GAN (a class) or an InfoGAN (a latent). Source: Goodfellow
    et al. 2014.
    """

    name = "adversarial"

    real: str | None = param(
        optional(Text(200)),
        "Output of the discriminator that tells real from drawn. Default: the one called real, or the only one.",
        default=None,
    )

    def judging(self, networks: Mapping[str, ShapedGraph]) -> str:
        """The output that is named, or clear."""
        return score_output(networks[DISCRIMINATOR], self.real)


@objective
class SemiSupervised(Game):
    """The discriminator is a classifier, taught by few labels and by telling all pictures from drawn ones.

    Its output has one class more than the data, for drawn pictures, or as many and that class's score is taken for 0.
    Source: Salimans et al. 2016, section 5; Odena 2016.
    """

    name = "semi_supervised_adversarial"

    output: str | None = param(
        optional(Text(200)), "Output of the discriminator that holds the classes. Default: the only one.", default=None
    )
    labelled: int = param(Integer(1), "Training samples whose labels are known, every class in equal share.")
    labelled_batch: int = param(Integer(1, 1_000_000), "Labelled samples in a step.", default=32)
    label_weight: float = param(Number(0), "Factor of the classification loss.", default=1.0)
    game_weight: float = param(
        Number(0),
        "Factor of the discriminator's loss in the game. 0: the labels alone teach it, which is the baseline to beat.",
        default=1.0,
    )

    def judging(self, networks: Mapping[str, ShapedGraph]) -> str:
        """The output with the classes."""
        outputs = networks[DISCRIMINATOR].outputs
        if self.output is not None or len(outputs) == 1:
            chosen = self.output or next(iter(outputs))
            if chosen in outputs:
                return chosen
        has = "it has: " + ", ".join(outputs)
        raise Rejected("AG701", "it is not clear which output holds the classes", hint=has, field="/objective/output")

    def face(self, networks: Mapping[str, ShapedGraph]) -> Face:
        """Real pictures, and their labels."""
        output = self.judging(networks)
        return Face(told(networks, players(networks)), {output: networks[DISCRIMINATOR].outputs[output]})

    def judged_names(self, networks: Mapping[str, ShapedGraph]) -> tuple[str, ...]:
        """Also how many labels are right; in training those that are known."""
        return (*super().judged_names(networks), f"{self.judging(networks)}_accuracy")
