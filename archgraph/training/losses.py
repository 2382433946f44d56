"""What is minimised and what is watched: Keras's losses and metrics as records."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from archgraph.kinds import AnyOf, Choice, Flag, Integer, Kind, ListOf, Number, optional
from archgraph.record import Named, Record, param, record


@record
class KerasObject(Record):
    """A record that stands for an object of Keras; its fields are the constructor's arguments, under the same names."""

    keras: ClassVar[str]
    """Name of the class in ``keras.losses``, ``keras.metrics``, …"""

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words."""
        return inspect.cleandoc(cls.__doc__ or "")

    def arguments(self) -> dict[str, Any]:
        """What the constructor is given: all that is not null, fractions as such (Keras refuses a beta of 2)."""
        values = ((name, field.kind, getattr(self, name)) for name, field in self.fields().items())
        return {
            name: float(value) if type(value) is int and _of_fractions(kind) else value
            for name, kind, value in values
            if value is not None
        }


def _of_fractions(kind: Kind) -> bool:
    """Whether a whole number stands for a fraction there."""
    return any(type(one) is Number for one in (kind, *getattr(kind, "kinds", ())))


# ---- losses


@record
class Loss(KerasObject):
    """A number for each sample that training makes small."""

    reduction: str | None = param(
        optional(Choice("sum_over_batch_size", "mean_with_sample_weight", "sum")),
        "How the samples of a batch are combined. Default: the mean; over the marked nodes only, for data with masks.",
        default=None,
    )


LOSSES: dict[str, type[Loss]] = {}
METRICS: dict[str, type[KerasObject]] = {}


def _loss(name: str, keras: str) -> Any:
    def list_it(cls: type[Loss]) -> type[Loss]:
        sealed = record(cls)
        sealed.keras = keras
        LOSSES[name] = sealed
        return sealed

    return list_it


def _metric(name: str, keras: str) -> Any:
    def list_it(cls: type[KerasObject]) -> type[KerasObject]:
        sealed = record(cls)
        sealed.keras = keras
        METRICS[name] = sealed
        return sealed

    return list_it


def _plain(table: dict[str, Any], base: type[KerasObject], name: str, keras: str, doc: str) -> None:
    table[name] = record(type(keras, (base,), {"__doc__": doc, "keras": keras, "__module__": __name__}))


def _logits(default: bool = False) -> Any:
    return param(
        Flag(), "The output is raw scores: the loss applies the softmax or sigmoid, more exactly.", default=default
    )


def _smoothing() -> Any:
    return param(
        Number(0, 1), "Share of the probability that is spread over all classes (Szegedy et al. 2015).", default=0.0
    )


@_loss("binary_crossentropy", "BinaryCrossentropy")
class BinaryCrossentropy(Loss):
    """Negative log-likelihood of independent yes/no answers."""

    from_logits: bool = _logits()
    label_smoothing: float = _smoothing()


@_loss("binary_focal_crossentropy", "BinaryFocalCrossentropy")
class BinaryFocalCrossentropy(Loss):
    """Cross-entropy that turns away from easy samples (Lin et al. 2017)."""

    apply_class_balancing: bool = param(Flag(), "Weigh the classes by alpha and 1 - alpha.", default=False)
    alpha: float = param(Number(0, 1), "Weight of class 1.", default=0.25)
    gamma: float = param(Number(0), "How strongly easy samples are faded out.", default=2.0)
    from_logits: bool = _logits()
    label_smoothing: float = _smoothing()


@_loss("categorical_crossentropy", "CategoricalCrossentropy")
class CategoricalCrossentropy(Loss):
    """Negative log-likelihood of one class among several; targets are one-hot."""

    from_logits: bool = _logits()
    label_smoothing: float = _smoothing()


@_loss("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")
class SparseCategoricalCrossentropy(Loss):
    """Negative log-likelihood of one class among several; targets are class numbers."""

    from_logits: bool = _logits()
    ignore_class: int | None = param(optional(Integer()), "A class number whose samples do not count.", default=None)


@_loss("categorical_focal_crossentropy", "CategoricalFocalCrossentropy")
class CategoricalFocalCrossentropy(Loss):
    """Cross-entropy that turns away from easy samples, for one-hot targets (Lin et al. 2017)."""

    alpha: float = param(Number(0, 1), "Weight of every class.", default=0.25)
    gamma: float = param(Number(0), "How strongly easy samples are faded out.", default=2.0)
    from_logits: bool = _logits()
    label_smoothing: float = _smoothing()


@_loss("categorical_generalized_cross_entropy", "CategoricalGeneralizedCrossEntropy")
class CategoricalGeneralizedCrossEntropy(Loss):
    """Between cross-entropy and mean error: bears wrong labels better (Zhang & Sabuncu 2018).

    Targets are class numbers.
    """

    q: float = param(
        Number(above=0, below=1), "Towards 0 it is cross-entropy, towards 1 mean absolute error.", default=0.5
    )


@_loss("huber", "Huber")
class Huber(Loss):
    """Squared for small errors, linear for large ones (Huber 1964)."""

    delta: float = param(Number(above=0), "Error at which it becomes linear.", default=1.0)


@_loss("tversky", "Tversky")
class Tversky(Loss):
    """1 minus an overlap that weighs false alarms and misses apart (Salehi et al. 2017)."""

    alpha: float = param(Number(0), "Weight of false positives.", default=0.5)
    beta: float = param(Number(0), "Weight of false negatives.", default=0.5)
    axis: Any = param(optional(ListOf(Integer(0, 8), longest=8)), "Axes that are summed. Default: all.", default=None)


@_loss("dice", "Dice")
class Dice(Loss):
    """1 minus twice the overlap over the sum of sizes (Milletari et al. 2016); for segmentation."""

    axis: Any = param(optional(ListOf(Integer(0, 8), longest=8)), "Axes that are summed. Default: all.", default=None)


@_loss("circle", "Circle")
class Circle(Loss):
    """Pulls samples of a class together and pushes classes apart (Sun et al. 2020); targets are class numbers."""

    gamma: float = param(Number(above=0), "Scale.", default=80.0)
    margin: float = param(Number(0, 1), "Relaxation.", default=0.4)
    remove_diagonal: bool = param(Flag(), "Do not compare a sample with itself.", default=True)


for _name, _keras, _doc in (
    ("mean_squared_error", "MeanSquaredError", "Mean of (target - output)^2."),
    ("mean_absolute_error", "MeanAbsoluteError", "Mean of |target - output|."),
    ("mean_absolute_percentage_error", "MeanAbsolutePercentageError", "Mean |target - output| / |target| in per cent."),
    ("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", "Mean of (log(1 + target) - log(1 + output))^2."),
    ("log_cosh", "LogCosh", "Mean of log(cosh(output - target)): squared near zero, linear far away."),
    ("kl_divergence", "KLDivergence", "Sum of target * log(target / output) over the last axis."),
    ("poisson", "Poisson", "Mean of output - target * log(output): targets are counts."),
    ("cosine_similarity", "CosineSimilarity", "Minus the cosine of the angle between target and output."),
    ("hinge", "Hinge", "Mean of max(0, 1 - target * output); targets are -1 and 1 (0 and 1 are converted)."),
    ("squared_hinge", "SquaredHinge", "Mean of max(0, 1 - target * output)^2; targets are -1 and 1."),
    ("categorical_hinge", "CategoricalHinge", "max(0, 1 + best wrong score - right score); targets are one-hot."),
    ("perceptron", "PerceptronLoss", "max(0, -output) where the target is 1, max(0, output) where it is 0, summed over "
     "the outputs (Rosenblatt 1958)."),
    ("ctc", "CTC", "Likelihood of a label sequence in any alignment (Graves et al. 2006); 0 is the blank."),
):  # fmt: skip
    _plain(LOSSES, Loss, _name, _keras, _doc)

LOSS = Named("a loss", LOSSES)

PROBABILITY_LOSSES: Mapping[str, tuple[str, ...]] = {
    "binary_crossentropy": ("sigmoid", "softmax", "hard_sigmoid"),
    "binary_focal_crossentropy": ("sigmoid", "softmax", "hard_sigmoid"),
    "categorical_crossentropy": ("softmax", "sparsemax"),
    "categorical_focal_crossentropy": ("softmax", "sparsemax"),
    "sparse_categorical_crossentropy": ("softmax", "sparsemax"),
    "categorical_generalized_cross_entropy": ("softmax", "sparsemax"),
    "kl_divergence": ("softmax", "sparsemax", "sigmoid"),
}
"""Losses that read the output as probabilities (unless ``from_logits``), and the functions that give such."""

CLASS_NUMBER_LOSSES = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")
ONE_HOT_LOSSES = (
    "categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge",
)  # fmt: skip
ZERO_TO_ONE_LOSSES = (
    "binary_crossentropy", "binary_focal_crossentropy", "dice", "tversky", "perceptron", *ONE_HOT_LOSSES,
)  # fmt: skip
SCORE_LOSSES = ("perceptron",)
"""Losses that read the output as a score, of which the sign is the answer."""
FREE_SHAPE_LOSSES = ("ctc", "circle")
"""Losses whose targets have another shape than the output, in a way of their own."""


# ---- metrics


@_metric("binary_accuracy", "BinaryAccuracy")
class BinaryAccuracy(KerasObject):
    """Share of yes/no answers that are right."""

    threshold: float = param(Number(), "Outputs above it mean yes.", default=0.5)


@_metric("top_k_categorical_accuracy", "TopKCategoricalAccuracy")
class TopK(KerasObject):
    """Share of samples whose class is among the k best; targets are one-hot."""

    k: int = param(Integer(1), "How many guesses count.", default=5)


@_metric("sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy")
class SparseTopK(KerasObject):
    """Share of samples whose class is among the k best; targets are class numbers."""

    k: int = param(Integer(1), "How many guesses count.", default=5)


_THRESHOLDS = optional(AnyOf(Number(0, 1), ListOf(Number(0, 1), shortest=1, longest=1000)))


@record
class _Selected(KerasObject):
    thresholds: Any = param(_THRESHOLDS, "Outputs above it mean yes. Default: 0.5.", default=None)
    top_k: int | None = param(optional(Integer(1)), "Only the k best outputs mean yes.", default=None)
    class_id: int | None = param(optional(Integer(0)), "Look at one class only.", default=None)


@_metric("precision", "Precision")
class Precision(_Selected):
    """Of the answers yes, the share that is right."""


@_metric("recall", "Recall")
class Recall(_Selected):
    """Of what is yes, the share that was answered yes."""


@_metric("auc", "AUC")
class Auc(KerasObject):
    """Area under the curve of true against false positives, or of precision against recall."""

    curve: str = param(Choice("ROC", "PR"), "Which curve.", default="ROC")
    num_thresholds: int = param(Integer(2, 100_000), "Points of the curve.", default=200)
    multi_label: bool = param(Flag(), "One curve for each output, then the mean.", default=False)
    from_logits: bool = _logits()


@_metric("f1_score", "F1Score")
class F1Score(KerasObject):
    """Harmonic mean of precision and recall; targets are one-hot."""

    average: str = param(Choice("micro", "macro", "weighted"), "How the classes are combined.", default="macro")
    threshold: float | None = param(
        optional(Number(0, 1)), "Outputs above it mean yes. Default: the best one.", default=None
    )


@_metric("fbeta_score", "FBetaScore")
class FBetaScore(F1Score):
    """Weighted harmonic mean of precision and recall; targets are one-hot."""

    beta: float = param(Number(above=0), "How much more recall counts than precision.", default=1.0)


@_metric("mean_io_u", "MeanIoU")
class MeanIoU(KerasObject):
    """Overlap over union, the mean of the classes; for segmentation."""

    num_classes: int = param(Integer(2), "Number of classes.")
    sparse_y_true: bool = param(Flag(), "Targets are class numbers.", default=True)
    sparse_y_pred: bool = param(Flag(), "Outputs are class numbers.", default=False)
    ignore_class: int | None = param(optional(Integer()), "A class number that does not count.", default=None)


@_metric("dice_score", "DiceScore")
class DiceScore(KerasObject):
    """Twice the overlap over the sum of sizes, the mean of the classes (Dice 1945); for segmentation."""

    num_classes: int | None = param(
        optional(Integer(2)),
        "Number of classes, whose numbers are the targets. Default: one output, yes or no.",
        default=None,
    )
    threshold: float = param(Number(), "Without num_classes: outputs above it mean yes.", default=0.5)
    ground: bool = param(Flag(), "Class 0, the ground, counts too.", default=False)


@_metric("binary_io_u", "BinaryIoU")
class BinaryIoU(KerasObject):
    """Overlap over union of yes and no; for segmentation."""

    target_class_ids: Any = param(ListOf(Integer(0, 1), shortest=1, longest=2), "Classes that count.", default=(0, 1))
    threshold: float = param(Number(), "Outputs above it mean yes.", default=0.5)


@_metric("binary_crossentropy", "BinaryCrossentropy")
class BinaryCrossentropyMetric(KerasObject):
    """Negative log-likelihood of independent yes/no answers."""

    from_logits: bool = _logits()


@_metric("categorical_crossentropy", "CategoricalCrossentropy")
class CategoricalCrossentropyMetric(KerasObject):
    """Negative log-likelihood of one class among several; targets are one-hot."""

    from_logits: bool = _logits()


@_metric("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")
class SparseCategoricalCrossentropyMetric(KerasObject):
    """Negative log-likelihood of one class among several; targets are class numbers."""

    from_logits: bool = _logits()


def _rate(name: str, keras: str, given: str, doc: str) -> None:
    """A metric read at the point of its curve where another has a given value."""
    field = param(Number(0, 1), f"The {given} to hold.")
    body = {"__doc__": doc, "keras": keras, "__module__": __name__, "__annotations__": {given: float}, given: field}
    METRICS[name] = record(type(keras, (KerasObject,), body))


_rate("precision_at_recall", "PrecisionAtRecall", "recall", "Best precision at a given recall.")
_rate("recall_at_precision", "RecallAtPrecision", "precision", "Best recall at a given precision.")
_rate(
    "sensitivity_at_specificity", "SensitivityAtSpecificity", "specificity", "Best sensitivity at a given specificity."
)
_rate(
    "specificity_at_sensitivity", "SpecificityAtSensitivity", "sensitivity", "Best specificity at a given sensitivity."
)

for _name, _keras, _doc in (
    ("accuracy", "accuracy", "Share of right answers, of the kind that fits the loss."),
    ("categorical_accuracy", "CategoricalAccuracy", "Share of samples whose best class is right; targets are one-hot."),
    ("sparse_categorical_accuracy", "SparseCategoricalAccuracy", "Share of samples whose best class is right."),
    ("mean_squared_error", "MeanSquaredError", "Mean of (target - output)^2."),
    ("root_mean_squared_error", "RootMeanSquaredError", "Square root of the mean of (target - output)^2."),
    ("mean_absolute_error", "MeanAbsoluteError", "Mean of |target - output|."),
    ("mean_absolute_percentage_error", "MeanAbsolutePercentageError", "Mean |target - output| / |target| in per cent."),
    ("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", "Mean of (log(1 + target) - log(1 + output))^2."),
    ("log_cosh", "LogCoshError", "Mean of log(cosh(output - target))."),
    ("r2_score", "R2Score", "1 minus the share of the variance that is left unexplained."),
    ("cosine_similarity", "CosineSimilarity", "Cosine of the angle between target and output."),
    ("kl_divergence", "KLDivergence", "Sum of target * log(target / output)."),
    ("poisson", "Poisson", "Mean of output - target * log(output)."),
    ("hinge", "Hinge", "Mean of max(0, 1 - target * output)."),
    ("squared_hinge", "SquaredHinge", "Mean of max(0, 1 - target * output)^2."),
    ("categorical_hinge", "CategoricalHinge", "max(0, 1 + best wrong score - right score)."),
    ("true_positives", "TruePositives", "Number of answers yes that are right."),
    ("true_negatives", "TrueNegatives", "Number of answers no that are right."),
    ("false_positives", "FalsePositives", "Number of answers yes that are wrong."),
    ("false_negatives", "FalseNegatives", "Number of answers no that are wrong."),
):  # fmt: skip
    _plain(METRICS, KerasObject, _name, _keras, _doc)

METRIC = Named("a metric", METRICS)
