"""What can be measured about drawn pictures, as records: inception score, FID, KID, coverage, diversity, agreement."""

import inspect
from typing import Any, ClassVar

from archgraph.kinds import Integer, Text
from archgraph.record import Named, Record, param, record


@record
class Figure(Record):
    """A number that says how good drawn pictures are."""

    rising: ClassVar[bool] = False
    """Whether more is better."""
    needs_features: ClassVar[bool] = True
    """Whether a feature network has to look at the pictures."""

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words, and the source."""
        return inspect.cleandoc(cls.__doc__ or "")


@record
class FrechetDistance(Figure):
    """How far the Gaussian of the drawn pictures' features is from that of real ones: |m - n|² + tr(C + D - 2√(CD)).

    FID, where the features are Inception-v3's; smaller is better. It is too high for few samples. Source: Heusel et al.
    2017, section 2.
    """


@record
class KernelDistance(Figure):
    """Squared distance of the means of both sets of features under the kernel (x·y/d + 1)³: KID, unbiased.

    Smaller is better, and values around 0 may be negative. Source: Bińkowski et al. 2018, section 4.
    """

    subsets: int = param(Integer(1, 10_000), "Random subsets, whose distances are averaged.", default=50)
    subset_size: int = param(Integer(2, 100_000), "Pictures in a subset, at most.", default=500)


@record
class InceptionScore(Figure):
    """exp(E[KL(p(y|x) ‖ p(y))]): high when each picture clearly is of one class and all classes occur.

    From 1 to the number of classes. Source: Salimans et al. 2016, section 4.
    """

    rising = True


@record
class Coverage(Figure):
    """Share of the classes of the data that the feature network sees in the pictures, each at least a tenth as often.

    Below 1 the generator has dropped modes. Source: counting modes, as in Srivastava et al. 2017 (VEEGAN), section 5.
    """

    rising = True


@record
class PairwiseDistance(Figure):
    """Mean distance of two drawn pictures in feature space, as a multiple of that of two real ones.

    Near 1: as varied as the data; near 0: the generator draws one picture over and over.
    """

    rising = True


@record
class VarietyWithin(Figure):
    """Mean distance of two pictures that were asked to be of one class, as a multiple of that of two real ones.

    In feature space, class by class; near 0: each class is one picture, and the latent does nothing. Only where the
    generator takes a class. Source: the diversity within classes of Odena et al. 2017, with another distance.
    """

    rising = True


@record
class StructuralSimilarity(Figure):
    """Mean multi-scale structural similarity (MS-SSIM) of pairs of drawn pictures: high means they are all alike.

    As many scales as the size allows, at most five. Source: Wang et al. 2003; for generators: Odena et al. 2017.
    """

    needs_features = False
    pairs: int = param(Integer(1, 100_000), "Pairs of pictures.", default=200)


@record
class Agreement(Figure):
    """Share of pictures in which the feature network sees what was asked for.

    For a class that the generator takes: that class. For a one-hot code: the class seen most often with that code.
    """

    rising = True


FIGURES: dict[str, type[Figure]] = {
    "frechet_distance": FrechetDistance,
    "kernel_distance": KernelDistance,
    "inception_score": InceptionScore,
    "coverage": Coverage,
    "pairwise_distance": PairwiseDistance,
    "variety_within": VarietyWithin,
    "structural_similarity": StructuralSimilarity,
    "agreement": Agreement,
}
FIGURE = Named("a figure of drawn pictures", FIGURES)


@record
class FeatureNetwork(Record):
    """Who looks at the pictures."""

    comparable: ClassVar[str]
    """What its figures compare with."""

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words, and the source."""
        return inspect.cleandoc(cls.__doc__ or "")


@record
class OwnClassifier(FeatureNetwork):
    """A small convolutional classifier, trained on the training part of the same data; features: its last hidden layer.

    Its figures compare only with each other: same data, same epochs, same seed.
    """

    comparable = "a classifier trained on this data set: its figures compare only with each other"
    epochs: int = param(Integer(1, 1000), "How often it goes through the data.", default=12)
    seed: int = param(Integer(0, 2**31 - 1), "Seed of its weights and of its order of the data.", default=0)


@record
class InceptionV3(FeatureNetwork):
    """Keras's Inception-v3 with the weights for ImageNet, from a file at hand: it is never downloaded.

    Its figures are near to published ones, not equal: those are of the weights of Heusel et al.'s own code.
    """

    comparable = "Keras's Inception-v3: its figures compare with others of the same weights"
    file: str = param(Text(1000), "Its weights (.h5), as for keras.applications.InceptionV3, with the top.")


FEATURES: dict[str, type[FeatureNetwork]] = {"classifier": OwnClassifier, "inception_v3": InceptionV3}
FEATURE_NETWORK = Named("a feature network", FEATURES)


def figures_of(values: tuple[Any, ...]) -> dict[str, Figure]:
    """The records that checked values stand for, by name."""
    named = {str(value["name"]) if not isinstance(value, str) else value: value for value in values}
    return {name: FIGURE.make(value) for name, value in named.items()}  # type: ignore[misc]
