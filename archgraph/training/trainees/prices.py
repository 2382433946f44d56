"""Game losses, penalties and codes in formulas, on the backend's operations."""

from collections.abc import Callable
from typing import Any, NamedTuple

from archgraph.training.objectives.game import (
    CategoryCode,
    Code,
    GameLoss,
    GaussianCode,
    GradientPenalty,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    Penalty,
    Wasserstein,
)

_LEAST = 1e-30
"""Of a probability before its logarithm: far below where its gradient matters."""
_LEAST_REST = 6e-8
"""Of 1 minus a probability, which float32 knows no better."""
_LOG_2_PI = 1.8378770664093453


class Prices(NamedTuple):
    """What the discriminator pays for raw scores of real and drawn pictures, and the generator for those of its own."""

    judge: Callable[[Any, Any], Any]
    draw: Callable[[Any], Any]


def prices(loss: GameLoss, ops: Any) -> Prices:
    """The formulas of a loss, on `ops` (`keras.ops`)."""
    mean, softplus = ops.mean, ops.softplus
    if isinstance(loss, Minimax):
        kept = 1 - loss.smoothing

        def of_real(score: Any) -> Any:
            return mean(kept * softplus(-score) + (1 - kept) * softplus(score))

        own = (lambda fake: mean(softplus(-fake))) if isinstance(loss, NonSaturating) else lambda f: -mean(softplus(f))
        return Prices(lambda real, fake: of_real(real) + mean(softplus(fake)), own)
    if isinstance(loss, LeastSquares):
        a, b, c = loss.drawn, loss.real, loss.wanted
        return Prices(
            lambda real, fake: 0.5 * (mean(ops.square(real - b)) + mean(ops.square(fake - a))),
            lambda fake: 0.5 * mean(ops.square(fake - c)),
        )
    if isinstance(loss, Hinge):
        return Prices(lambda real, fake: mean(ops.relu(1 - real)) + mean(ops.relu(1 + fake)), lambda fake: -mean(fake))
    assert isinstance(loss, Wasserstein)
    return Prices(lambda real, fake: mean(fake) - mean(real), lambda fake: -mean(fake))


def middle(loss: GameLoss, real: Any, fake: Any, ops: Any) -> Any:
    """The score above which a picture counts as judged real; a critic without a scale parts a batch half way."""
    if isinstance(loss, Wasserstein):
        return 0.5 * (ops.mean(real) + ops.mean(fake))
    return 0.5 * (loss.real + loss.drawn) if isinstance(loss, LeastSquares) else 0.0


def steepness(penalty: Penalty, gradient: Any, ops: Any) -> Any:
    """What is paid for the gradient of the scores by the pictures."""
    squares = ops.sum(ops.square(ops.reshape(gradient, (ops.shape(gradient)[0], -1))), axis=-1)
    if isinstance(penalty, GradientPenalty):
        return penalty.weight * ops.mean(ops.square(ops.sqrt(squares + 1e-12) - penalty.target))
    return 0.5 * penalty.weight * ops.mean(squares)  # type: ignore[attr-defined]


# ---- outputs -> scores


def raw(probability: Any, ops: Any) -> Any:
    """The score whose sigmoid is `probability`."""
    return ops.log(ops.maximum(probability, _LEAST)) - ops.log(ops.maximum(1 - probability, _LEAST_REST))


def of_classes(values: Any, classes: int, ops: Any, *, probabilities: bool) -> tuple[Any, Any]:
    """From scores of classes and, perhaps, of being drawn: the raw score of being real, and log p(class | real).

    Salimans et al. 2016, section 5: D(x) = Z(x)/(Z(x) + exp(l_drawn)) with Z the sum of exp of the classes' scores.
    """
    scores = ops.log(ops.maximum(values, _LEAST)) if probabilities else values
    real = scores[:, :classes]
    total = ops.logsumexp(real, axis=-1, keepdims=True)
    drawn = scores[:, classes:] if values.shape[-1] > classes else ops.zeros_like(total)
    return total - drawn, real - total


# ---- codes


def log_probability(code: Code, outputs: dict[str, Any], wanted: Any, ops: Any, *, probabilities: bool) -> Any:
    """log q(code | picture) of each picture; `wanted` holds class numbers, one-hot vectors or free numbers."""
    if isinstance(code, CategoryCode):
        values = outputs[code.output]
        scores = ops.log(ops.maximum(values, _LEAST)) if probabilities else ops.log_softmax(values)
        one_hot = wanted if len(wanted.shape) == len(scores.shape) else ops.one_hot(wanted, scores.shape[-1])
        return ops.sum(one_hot * scores, axis=-1)
    assert isinstance(code, GaussianCode)
    mean = outputs[code.mean]
    log_std = ops.zeros_like(mean) if code.log_std is None else ops.maximum(outputs[code.log_std], code.floor)
    each = -0.5 * _LOG_2_PI - log_std - 0.5 * ops.square((wanted - mean) / ops.exp(log_std))
    return ops.sum(each, axis=-1)
