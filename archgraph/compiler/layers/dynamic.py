"""Convolutions with kernels that other layers work out."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours

Sizes = tuple[int | None, ...]


@ours
class DynamicConv(keras.layers.Layer):
    """y[n, p, f] = b[n, f] + sum over d and c of w[n, d, c, f] * x[n, p * strides + d * dilation_rate, c], n a sample.

    Inputs x (batch, space…, channels), w (batch, kernel size…, channels, filters) and perhaps b (batch, filters), with
    one to three spatial axes; padding ``same`` or ``valid``. Each offset d is a matrix product for every sample: the
    backends' convolutions take one kernel for all. Source: Jia et al. 2016 (Dynamic Filter Networks), section 3.2.
    """

    def __init__(
        self, strides: Sequence[int], dilation_rate: Sequence[int], padding: str = "same", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.strides, self.dilation_rate, self.padding = tuple(strides), tuple(dilation_rate), padding

    def call(self, x: Any, kernel: Any, bias: Any = None) -> Any:
        sizes = tuple(kernel.shape[1:-2])
        spans = tuple(gap * (size - 1) + 1 for size, gap in zip(sizes, self.dilation_rate, strict=True))
        if self.padding == "same":
            sides = [around(*axis) for axis in zip(x.shape[1:-1], spans, self.strides, strict=True)]
            x = ops.pad(x, [(0, 0), *sides, (0, 0)])
        axes = "xyz"[: len(sizes)]
        products = [
            ops.einsum(f"b{axes}c,bcf->b{axes}f", self.seen(x, offset, spans), kernel[(slice(None), *offset)])
            for offset in itertools.product(*map(range, sizes))
        ]
        y = sum(products[1:], start=products[0])
        return y if bias is None else y + ops.reshape(bias, (-1, *[1] * len(sizes), bias.shape[-1]))

    def seen(self, x: Any, offset: Sequence[int], spans: Sequence[int]) -> Any:
        """What the kernel's cell at `offset` sees from all its positions."""
        slices = []
        for cell, gap, span, stride in zip(offset, self.dilation_rate, spans, self.strides, strict=True):
            beyond = span - 1 - cell * gap
            slices.append(slice(cell * gap, -beyond if beyond else None, stride))
        return x[(slice(None), *slices)]

    def compute_output_shape(self, x_shape: Sizes, kernel_shape: Sizes, bias_shape: Sizes | None = None) -> Sizes:
        space: list[int | None] = []
        for size, cells, gap, stride in zip(
            x_shape[1:-1], kernel_shape[1:-2], self.dilation_rate, self.strides, strict=True
        ):
            lost = gap * ((cells or 1) - 1) if self.padding == "valid" else 0
            space.append(None if size is None else -(-(size - lost) // stride))
        return (x_shape[0], *space, kernel_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "padding": self.padding,
        }


def around(size: int | None, span: int, stride: int) -> tuple[int, int]:
    """Cells before and after an axis so that the output has its size, divided by the stride and rounded up.

    An unknown size needs stride 1, and then the same number of cells whatever it is.
    """
    last = 0 if size is None else (-(-size // stride) - 1) * stride - size
    total = span - 1 if size is None else max(last + span, 0)
    return total // 2, total - total // 2
