"""Slanting a picture, so that its diagonals become columns."""

from typing import Any

from keras import ops

from archgraph.compiler.layers.registry import ours
from archgraph.compiler.layers.shaping import OfAnyType, Sizes


@ours
class Skew(OfAnyType):
    """Move row i of (batch, height, width, channels) i cells to the right, zeros around; `inverse`: back again.

    Rows of n cells, written one after the other and cut again into rows of n - 1, are moved so; rows of n + 1, back.
    Source: van den Oord et al. 2016 (Pixel Recurrent Neural Networks), section 3.2.
    """

    def __init__(self, inverse: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inverse = inverse

    def call(self, inputs: Any) -> Any:
        batch, height, width, channels = ops.shape(inputs)
        if self.inverse:
            row = ops.reshape(inputs, (batch, height * width, channels))
            row = ops.pad(row, ((0, 0), (0, height), (0, 0)))
            return ops.reshape(row, (batch, height, width + 1, channels))[:, :, : width - height + 1]
        wide = ops.pad(inputs, ((0, 0), (0, 0), (0, height), (0, 0)))
        row = ops.reshape(wide, (batch, height * (width + height), channels))
        return ops.reshape(row[:, : height * (width + height - 1)], (batch, height, width + height - 1, channels))

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        batch, height, width, channels = input_shape
        if height is None or width is None:
            return (batch, height, None, channels)
        return (batch, height, width - height + 1 if self.inverse else width + height - 1, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "inverse": self.inverse}
