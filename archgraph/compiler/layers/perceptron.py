"""The loss whose descent is the perceptron rule."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class PerceptronLoss(keras.losses.Loss):
    """Perceptron criterion (Rosenblatt 1958): how far a wrong answer's score is from the threshold, else 0.

    Targets are 0 and 1; a score of 0 or more answers 1. The gradient by a score is answer - target: 0 where the answer
    is right, whatever the score. Each output is a yes/no question of its own; they are summed.
    """

    def __init__(self, reduction: str = "sum_over_batch_size", name: str = "perceptron", **kwargs: Any) -> None:
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        scores = ops.convert_to_tensor(y_pred)
        answers = ops.cast(scores >= 0, scores.dtype)
        return ops.sum(ops.stop_gradient(answers - ops.cast(y_true, scores.dtype)) * scores, axis=-1)
