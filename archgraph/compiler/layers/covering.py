"""Convolutions whose kernel covers the whole input: one product of matrices, with a far cheaper gradient."""

import math
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.fused import on_tensorflow
from archgraph.compiler.layers.registry import LAYERS


class _Covering:
    """Where the kernel has one place to be: a product of matrices. Elsewhere Keras's own code runs."""

    plain_start = True
    """Its weights start as Keras's do: the compiler may draw them itself."""

    def convolution_op(self: Any, inputs: Any, kernel: Any) -> Any:
        if not self._covers(tuple(inputs.shape[1:-1])):
            return super().convolution_op(inputs, kernel)  # type: ignore[misc]
        kernel = ops.convert_to_tensor(kernel)
        below, above = math.prod(kernel.shape[:-1]), kernel.shape[-1]
        given = ops.matmul(ops.reshape(inputs, (-1, below)), ops.reshape(kernel, (below, above)))
        return ops.reshape(given, (-1, *[1] * self.rank, above))

    def _covers(self: Any, size: tuple[int | None, ...]) -> bool:
        return (
            on_tensorflow()
            and self.data_format == "channels_last"
            and self.groups == 1
            and size == tuple(self.kernel_size)
            and (self.padding == "valid" or set(size) == {1})
            and (set(self.dilation_rate) == {1} or set(size) == {1})
        )


class CoveringConv2D(_Covering, keras.layers.Conv2D):
    """Keras's Conv2D, as a matrix product where the kernel is as large as the input."""


class CoveringConv3D(_Covering, keras.layers.Conv3D):
    """Keras's Conv3D, as a matrix product where the kernel is as large as the input."""


for _class in (CoveringConv2D, CoveringConv3D):
    LAYERS[_class.__name__] = _class
    _class.__name__, _class.__module__ = _class.__name__.removeprefix("Covering"), "keras.layers"  # what a file names
