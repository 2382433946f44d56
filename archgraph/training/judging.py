"""Outputs beside targets -> how sure a network is, and whether rightly: calibration, worst samples, doubtful labels."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Part

BINS = 10
_SUSPECTS = 50
_EPSILON = 1e-12


class Judged(NamedTuple):
    """Answers about classes, one for each sample (or place), with the probabilities that led to them."""

    truth: Array
    probabilities: Array
    """(answers, classes)."""
    places: int
    """Answers for each sample."""

    @property
    def guess(self) -> Array:
        """The likeliest class."""
        return np.asarray(self.probabilities.argmax(-1))

    @property
    def confidence(self) -> Array:
        """Its probability."""
        return np.asarray(self.probabilities.max(-1))

    @property
    def right(self) -> Array:
        """Whether it is the true class."""
        return np.asarray(self.guess == self.truth)

    @property
    def surprise(self) -> Array:
        """Negative logarithm of the probability of the true class."""
        return -np.log(np.maximum(self.probabilities[np.arange(len(self.truth)), self.truth], _EPSILON))


def judged(part: Part, output: str, given: Array, classes: int, squash: str = "") -> Judged | None:
    """The answers of an output about classes; None when it is about something else.

    `squash` is what makes probabilities of raw scores: ``softmax``, ``sigmoid``, or nothing.
    """
    target = part.targets[output]
    if classes < 2:
        return None
    values = np.asarray(given, np.float64)
    if values.shape[-1] == 1 and classes == 2 and target.shape == values.shape:
        yes = _sigmoid(values) if squash == "sigmoid" else values
        probabilities, truth = np.concatenate([1 - yes, yes], -1), target[..., 0]
    elif values.shape[-1] == classes:
        probabilities = _softmax(values) if squash == "softmax" else _sigmoid(values) if squash else values
        truth = target.argmax(-1) if target.shape == values.shape else target
    else:
        return None
    flat, truth = probabilities.reshape(-1, probabilities.shape[-1]), truth.reshape(-1).astype(int)
    low, high = flat.min(initial=0.0), flat.max(initial=0.0)
    if not np.isfinite(flat).all() or low < -1e-6 or high > 1 + 1e-3 or len(flat) != len(truth):
        return None  # raw scores whose loss does not say how probabilities follow
    counted = _counted(part, output, len(truth))
    return Judged(truth[counted], flat[counted], len(truth) // max(len(part), 1))


def _counted(part: Part, output: str, answers: int) -> Array:
    if output not in part.weights:
        return np.ones(answers, bool)
    weights = part.weights[output]
    return np.broadcast_to((weights > 0).reshape(len(weights), -1), (len(weights), answers // len(weights))).ravel()


def _softmax(values: Array) -> Array:
    shares = np.exp(values - values.max(-1, keepdims=True))
    return np.asarray(shares / shares.sum(-1, keepdims=True))


def _sigmoid(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))))


# ---- calibration


class Bin(NamedTuple):
    """Answers of about the same confidence."""

    low: float
    high: float
    answers: int
    confidence: float
    """Mean."""
    accuracy: float


def reliability(confidence: Array, right: Array, bins: int = BINS) -> list[Bin]:
    """Answers by confidence, in bins of equal width; empty ones are left out."""
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        Bin(float(edges[n]), float(edges[n + 1]), int(inside.sum()), float(confidence[inside].mean()),
            float(right[inside].mean()))
        for n in range(bins) if (inside := place == n).any()
    ]  # fmt: skip


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error: the mean distance between confidence and accuracy (Guo et al. 2017, equation 3)."""
    total = sum(one.answers for one in bins)
    return sum(one.answers * abs(one.confidence - one.accuracy) for one in bins) / max(total, 1)


def separation(confidence: Array, right: Array) -> float | None:
    """The share of pairs of a right and a wrong answer in which the right one is surer; ties count half."""
    good, bad = np.sort(confidence[right]), confidence[~right]
    if not len(good) or not len(bad):
        return None
    below, upto = np.searchsorted(good, bad, "left"), np.searchsorted(good, bad, "right")
    return float((len(good) - upto + 0.5 * (upto - below)).mean() / len(good))


def described(one: Judged, names: tuple[str, ...], part: str) -> dict[str, Any]:
    """What is worth keeping, as JSON.

    Suspects are labels that are contradicted with at least the confidence that the answer's class has on average among
    the samples labelled so (Northcutt, Jiang & Chuang 2021, section 3.1).
    """
    right, confidence = one.right, one.confidence
    bins = reliability(confidence, right)
    wrong = np.flatnonzero(~right & (confidence >= _expected(one)[one.guess]))
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")][:_SUSPECTS]
    return {
        "samples": len(right),
        "classes": len(names),
        "errors": int((~right).sum()),
        "accuracy": float(right.mean()) if len(right) else 0.0,
        "confidence_when_right": _mean(confidence[right]),
        "confidence_when_wrong": _mean(confidence[~right]),
        "separation": separation(confidence, right),
        "calibration_error": calibration_error(bins),
        "negative_log_likelihood": _mean(one.surprise),
        "bins": [bin._asdict() for bin in bins],
        "suspects": [
            {"part": part, "sample": int(n // one.places), **({"place": int(n % one.places)} if one.places > 1 else {}),
             "label": names[one.truth[n]], "answer": names[one.guess[n]], "confidence": float(confidence[n])}
            for n in wrong
        ],
    }  # fmt: skip


def _expected(one: Judged) -> Array:
    """For each class, the mean probability that it has among the samples labelled so; 1 where there are none."""
    count = one.probabilities.shape[-1]
    own = one.probabilities[np.arange(len(one.truth)), one.truth]
    numbers = np.bincount(one.truth, minlength=count)
    return np.asarray(np.where(numbers, np.bincount(one.truth, own, count) / np.maximum(numbers, 1), 1.0))


def _mean(values: Array) -> float | None:
    return float(values.mean()) if len(values) else None


# ---- what a loss can be


class Bounds(NamedTuple):
    """The loss of the best answer that is the same for all samples, and the lowest loss that there can be."""

    constant: float
    floor: float


def bounds(loss: str, target: Array, smoothing: float = 0.0, weights: Array | None = None) -> Bounds | None:
    """The bounds of a loss on targets; None for losses whose bounds are not known here."""
    kept = target if weights is None else target[np.broadcast_to(weights > 0, target.shape[: weights.ndim])]
    if not len(kept):
        return None
    if loss == "sparse_categorical_crossentropy":
        shares = np.unique(kept, return_counts=True)[1] / kept.size
        return Bounds(_entropy(shares), 0.0)
    values = np.asarray(kept, np.float64)
    if loss == "categorical_crossentropy":
        smooth = values * (1 - smoothing) + smoothing / values.shape[-1]
        return Bounds(_entropy(smooth.reshape(-1, smooth.shape[-1]).mean(0)), float(_entropies(smooth).mean()))
    if loss == "binary_crossentropy":
        smooth = values * (1 - smoothing) + smoothing / 2
        return Bounds(float(_yes_no(smooth.mean(0)).mean()), float(_yes_no(smooth).mean()))
    if loss == "mean_squared_error":
        return Bounds(float(values.var(0).mean()), 0.0)
    if loss == "mean_absolute_error":
        return Bounds(float(np.abs(values - np.median(values, axis=0)).mean()), 0.0)
    return None


def _entropy(shares: Array) -> float:
    return float(_entropies(shares))


def _entropies(shares: Array) -> Array:
    return np.asarray(-(shares * np.log(np.maximum(shares, _EPSILON))).sum(-1))


def _yes_no(shares: Array) -> Array:
    return _entropies(np.stack([shares, 1 - shares], -1))


def together(parts: Mapping[str, Bounds | None], weights: Mapping[str, float]) -> Bounds | None:
    """The bounds of a weighted sum of losses; None where one is not known."""
    found = {name: one for name, one in parts.items() if one is not None}
    if len(found) < len(parts) or not found:
        return None
    factors = {name: weights.get(name, 1.0) if len(found) > 1 else 1.0 for name in found}
    return Bounds(
        sum(factors[name] * one.constant for name, one in found.items()),
        sum(factors[name] * one.floor for name, one in found.items()),
    )
