"""Layers that come in gradually while the network learns."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours

Sizes = tuple[int | None, ...]


@ours
class FadeIn(keras.layers.Layer):
    """y = (1 - α)·old + α·new, where α is the weight `alpha`, one number that is not trained but set from outside.

    Call it as ``layer(old, new)``, two tensors of one shape (batch, …). Source: Karras, Aila, Laine & Lehtinen 2018,
    section 2 and figure 2.
    """

    def __init__(self, alpha: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = alpha

    def build(self, old_shape: Sizes, new_shape: Sizes) -> None:
        start = keras.initializers.Constant(self.start)
        self.alpha = self.add_weight(name="alpha", shape=(), initializer=start, trainable=False, autocast=False)

    def call(self, old: Any, new: Any) -> Any:
        alpha = ops.convert_to_tensor(self.alpha)
        return old * ops.cast(1 - alpha, old.dtype) + new * ops.cast(alpha, new.dtype)

    def compute_output_shape(self, old_shape: Sizes, new_shape: Sizes) -> Sizes:
        return old_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.start}
