"""Embeddings that Keras lacks."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class OneHot(keras.layers.Layer):
    """Whole numbers to rows of zeros with a single one: y[p, k] = 1 where x[p] = k.

    Input (batch, …) of whole numbers, output (batch, …, num_classes) of the compute dtype. A number outside
    0 … num_classes - 1 gives zeros. Source: keras.ops.one_hot.
    """

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def call(self, inputs: Any) -> Any:
        return ops.one_hot(ops.cast(inputs, "int32"), self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.num_classes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}
