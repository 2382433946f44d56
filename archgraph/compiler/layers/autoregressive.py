"""Layers whose outputs see only earlier inputs of a vector."""

from typing import Any

import keras
import numpy as np
from keras import ops

from archgraph.compiler.layers.kernels import Kernels
from archgraph.compiler.layers.registry import ours


def degrees(size: int, steps: int, hidden: bool) -> np.ndarray:
    """The degree of each of `size` units: runs of 1 … D for numbers in or out, spread over 1 … D - 1 where hidden."""
    return np.arange(size) * (steps - hidden) // size + 1


def mask(channels: int, units: int, steps: int, kind: str) -> np.ndarray:
    """Ones where a kernel (channels, units) may look, zeros elsewhere.

    Source: Germain et al. 2015 (MADE), equations 12 and 13.
    """
    seen = degrees(channels, steps, hidden=kind in ("hidden", "output"))[:, None]
    own = degrees(units, steps, hidden=kind in ("input", "hidden"))
    allowed = own > seen if kind in ("output", "direct") else own >= seen
    return allowed.astype("float32")


@ours
class MaskedDense(Kernels):
    """y = x·(W∘M) + b, M as `mask` says. Input (batch, …, channels), output (batch, …, units).

    `kind` is ``input``, ``hidden``, ``output`` or ``direct``; `steps` divides the channels of the first and last
    and the units of the last two. Source: Germain, Gregor, Murray & Larochelle 2015 (MADE), sections 3 and 4.
    """

    def __init__(self, units: int, steps: int, kind: str, activity_regularizer: Any = None, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=keras.regularizers.get(activity_regularizer), **kwargs)
        self.units, self.steps, self.kind = units, steps, kind

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = int(input_shape[-1] or 0)
        self.kernel = self.add_kernel("kernel", (channels, self.units))
        self.bias = self.add_bias("bias", (self.units,))
        self.mask = mask(channels, self.units, self.steps, self.kind)

    def call(self, inputs: Any) -> Any:
        kernel = ops.cast(self.kernel, inputs.dtype) * ops.cast(self.mask, inputs.dtype)
        outputs = ops.matmul(inputs, kernel)
        return outputs if self.bias is None else outputs + ops.cast(self.bias, outputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        own = {
            "units": self.units,
            "steps": self.steps,
            "kind": self.kind,
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
        }
        return {**super().get_config(), **own}


@ours
class NADE(Kernels):
    """h_d = σ(Σ_(e<d) W_e·x_e + c), y_d = V_d·h_d + b_d. Input and output (batch, numbers).

    The sums are made for all d at once, which takes batch · numbers · units numbers of memory.
    Source: Larochelle & Murray 2011, equations 10 and 11.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        size = input_shape[-1]
        self.kernel = self.add_kernel("kernel", (size, self.units))
        self.output_kernel = self.add_kernel("output_kernel", (size, self.units))
        self.bias = self.add_bias("bias", (self.units,))
        self.output_bias = self.add_bias("output_bias", (size,))

    def call(self, inputs: Any) -> Any:
        terms = ops.expand_dims(inputs, -1) * ops.cast(self.kernel, inputs.dtype)
        # The first number sees nothing: the sums move on by one place.
        sums = ops.pad(ops.cumsum(terms[:, :-1], axis=1), [[0, 0], [1, 0], [0, 0]])
        hidden = ops.sigmoid(sums + ops.cast(self.bias, sums.dtype))
        outputs = ops.sum(hidden * ops.cast(self.output_kernel, hidden.dtype), axis=-1)
        return outputs + ops.cast(self.output_bias, outputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
