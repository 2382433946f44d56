"""How well what was marked covers what was to be marked."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class DiceScore(keras.metrics.Metric):
    """2·|A and B| / (|A| + |B|) over all places of all samples, the mean of the classes that count.

    Without `num_classes` the outputs are chances of yes, and only yes counts. Else targets are class numbers, outputs
    chances, and all classes count but 0, the ground, unless `ground`. Source: Dice 1945; Sørensen 1948.
    """

    def __init__(
        self, num_classes: int | None = None, threshold: float = 0.5, ground: bool = False, name: str = "dice_score",
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        self.num_classes, self.threshold, self.ground = num_classes, threshold, ground
        size = (num_classes or 2,)
        self.both = self.add_weight(size, initializer="zeros", name="both")
        self.either = self.add_weight(size, initializer="zeros", name="either")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        size = self.num_classes or 2
        guess = ops.argmax(y_pred, axis=-1) if self.num_classes else ops.cast(y_pred > self.threshold, "int32")
        marked = ops.one_hot(ops.reshape(ops.cast(guess, "int32"), (-1,)), size)
        wanted = ops.one_hot(ops.reshape(ops.cast(y_true, "int32"), (-1,)), size)
        weight = 1.0 if sample_weight is None else _spread(sample_weight, y_true)
        self.both.assign(self.both + ops.sum(wanted * marked * weight, axis=0))
        self.either.assign(self.either + ops.sum((wanted + marked) * weight, axis=0))

    def result(self) -> Any:
        scores = 2 * self.both / ops.maximum(self.either, 1e-7)
        counted = scores if self.num_classes and self.ground else scores[1:]
        return ops.mean(counted)

    def get_config(self) -> dict[str, Any]:
        given = {"num_classes": self.num_classes, "threshold": self.threshold, "ground": self.ground}
        return {**super().get_config(), **given}


def _spread(sample_weight: Any, y_true: Any) -> Any:
    """A weight for every place, from weights of samples or of places."""
    shape = ops.shape(y_true)
    missing = len(shape) - len(sample_weight.shape)
    widened = ops.reshape(sample_weight, (*ops.shape(sample_weight), *(1,) * missing))
    return ops.reshape(ops.broadcast_to(ops.cast(widened, "float32"), shape), (-1, 1))
