"""Shortcuts without weights."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class IdentityShortcut(keras.layers.Layer):
    """y[i, j, c] = x[i·s, j·s, c] for c below the channels of x, and 0 for the further channels up to `filters`.

    Source: He, Zhang, Ren & Sun 2015, Deep Residual Learning, section 3.3, option A.
    """

    def __init__(self, filters: int, strides: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.strides = filters, tuple(strides)

    def call(self, inputs: Any) -> Any:
        thinned = inputs[(slice(None), *(slice(None, None, stride) for stride in self.strides))]
        missing = self.filters - inputs.shape[-1]
        return ops.pad(thinned, [(0, 0)] * (len(self.strides) + 1) + [(0, missing)]) if missing else thinned

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *sizes, _ = input_shape
        thinned = (None if n is None else -(-n // step) for n, step in zip(sizes, self.strides, strict=True))
        return (batch, *thinned, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "strides": list(self.strides)}
