"""A convolution whose output channels each read some of the input channels only."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from archgraph.compiler.layers.kernels import Kernels
from archgraph.compiler.layers.registry import ours


@ours
class PartlyConnectedConv(Kernels):
    """y[p, f] = b[f] + sum over offsets d and channels c in connections[f] of w[d, n(c, f)] * x[p * strides + d, c].

    Input (batch, space…, channels), output (batch, space…, len(connections)); one to three spatial axes, padding
    ``same`` or ``valid``. The kernel is (kernel_size…, pairs): the pairs (c, f) in the order of the lists. It starts as
    the entries of a full kernel do. Source: LeCun, Bottou, Bengio & Haffner 1998, section II.B, table I.
    """

    def __init__(
        self,
        kernel_size: Sequence[int],
        connections: Sequence[Sequence[int]],
        strides: Sequence[int] | int = 1,
        padding: str = "valid",
        dilation_rate: Sequence[int] | int = 1,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=keras.regularizers.get(activity_regularizer), **kwargs)
        self.kernel_size, self.padding = tuple(kernel_size), padding
        self.connections = [list(read) for read in connections]
        self.strides = strides if isinstance(strides, int) else tuple(strides)
        self.dilation_rate = dilation_rate if isinstance(dilation_rate, int) else tuple(dilation_rate)

    def build(self, input_shape: Sequence[int | None]) -> None:
        channels, filters = int(input_shape[-1] or 0), len(self.connections)
        self._full = (*self.kernel_size, channels, filters)
        places = [channel * filters + made for made, read in enumerate(self.connections) for channel in read]
        self._spread = np.eye(channels * filters, dtype="float32")[places]

        def begin(shape: Any, dtype: Any = None) -> Any:
            full = self.kernel_initializer(self._full, dtype=dtype)
            return ops.take(ops.reshape(full, (*self.kernel_size, channels * filters)), np.array(places), axis=-1)

        shape = (*self.kernel_size, len(places))
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=begin, regularizer=self.kernel_regularizer
        )
        self.bias = self.add_bias("bias", (filters,))

    def call(self, inputs: Any) -> Any:
        kernel = ops.cast(self.kernel, inputs.dtype)
        full = ops.reshape(ops.matmul(kernel, ops.cast(self._spread, inputs.dtype)), self._full)
        outputs = ops.conv(
            inputs, full, strides=self.strides, padding=self.padding, dilation_rate=self.dilation_rate,
            data_format="channels_last",
        )  # fmt: skip
        return outputs if self.bias is None else outputs + ops.cast(self.bias, outputs.dtype)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        rank = len(self.kernel_size)
        strides = (self.strides,) * rank if isinstance(self.strides, int) else self.strides
        gaps = (self.dilation_rate,) * rank if isinstance(self.dilation_rate, int) else self.dilation_rate
        space: list[int | None] = []
        for size, kernel, stride, gap in zip(input_shape[1:-1], self.kernel_size, strides, gaps, strict=True):
            lost = gap * (kernel - 1) if self.padding == "valid" else 0
            space.append(None if size is None else -(-(size - lost) // stride))
        return (input_shape[0], *space, len(self.connections))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "connections": self.connections,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
        }
