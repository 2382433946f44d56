"""Layers with an equalised learning rate: the kernel is scaled wherever it is used, not when it starts."""

import math
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


class Equalized(keras.layers.Layer):
    """A Keras layer with a kernel W and a bias b that computes with c·W and m·b, where c = m·gain/√fan_in.

    W starts from N(0, 1/m²), so c·W starts as He et al. 2015 propose, with variance gain²/fan_in; but a step of Adam
    moves every c·W by the same share of its spread, whatever fan_in is. m is `lr_multiplier`, and fan_in the number of
    inputs of one output. Source: Karras, Aila, Laine & Lehtinen 2018, section 4.1; m: Karras, Laine & Aila 2019.
    """

    def __init__(self, *args: Any, gain: float = math.sqrt(2), lr_multiplier: float = 1.0, **kwargs: Any) -> None:
        if kwargs.get("kernel_initializer") is None:
            kwargs["kernel_initializer"] = keras.initializers.RandomNormal(stddev=1 / lr_multiplier)
        super().__init__(*args, **kwargs)
        self.gain, self.lr_multiplier = gain, lr_multiplier

    def fan_in(self) -> int:
        """The number of inputs of one output."""
        return int(math.prod(self.kernel.shape[:-1]))

    def scaled_kernel(self) -> Any:
        """c·W."""
        return self.kernel * (self.lr_multiplier * self.gain / math.sqrt(self.fan_in()))

    def finished(self, y: Any) -> Any:
        """`y` + m·b, after the layer's activation if it has one."""
        y = y if self.bias is None else y + self.bias * self.lr_multiplier
        return y if self.activation is None else self.activation(y)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain, "lr_multiplier": self.lr_multiplier}


class EqualizedConv(Equalized):
    """y = x * c·W + m·b, a convolution. Input and output (batch, space…, channels)."""

    def call(self, inputs: Any) -> Any:
        x, padding = inputs, self.padding
        if padding == "causal":
            before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            x, padding = ops.pad(x, [(0, 0), (before, 0), (0, 0)]), "valid"
        kernel, gaps = self.scaled_kernel(), list(self.dilation_rate)
        return self.finished(
            ops.conv(x, kernel, list(self.strides), padding, data_format="channels_last", dilation_rate=gaps)
        )


class EqualizedConvTranspose(Equalized):
    """y is the transposed convolution of x with c·W, plus m·b. Input and output (batch, space…, channels).

    As its authors do, fan_in counts all cells of the kernel, though with strides an output sees only some of them.
    """

    def fan_in(self) -> int:
        *space, _, channels = self.kernel.shape
        return int(math.prod(space) * channels)

    def call(self, inputs: Any) -> Any:
        y = ops.conv_transpose(
            inputs,
            self.scaled_kernel(),
            list(self.strides),
            self.padding,
            self.output_padding,
            data_format="channels_last",
            dilation_rate=list(self.dilation_rate),
        )
        return self.finished(y)


@ours
class EqualizedDense(Equalized, keras.layers.Dense):
    """y = x·(c·W) + m·b. Input (batch, …, n), output (batch, …, units). Source: Karras et al. 2018, section 4.1."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self.finished(ops.matmul(inputs, self.scaled_kernel()))


@ours
class EqualizedConv1D(EqualizedConv, keras.layers.Conv1D):
    """Over a sequence, with causal padding too. Source: Karras, Aila, Laine & Lehtinen 2018, section 4.1."""


@ours
class EqualizedConv2D(EqualizedConv, keras.layers.Conv2D):
    """Over a picture. Source: Karras, Aila, Laine & Lehtinen 2018, section 4.1."""


@ours
class EqualizedConv3D(EqualizedConv, keras.layers.Conv3D):
    """Through a volume. Source: Karras, Aila, Laine & Lehtinen 2018, section 4.1."""


@ours
class EqualizedConv1DTranspose(EqualizedConvTranspose, keras.layers.Conv1DTranspose):
    """Over a sequence. Source: Karras, Aila, Laine & Lehtinen 2018, section 4.1."""


@ours
class EqualizedConv2DTranspose(EqualizedConvTranspose, keras.layers.Conv2DTranspose):
    """Over a picture. Source: Karras, Aila, Laine & Lehtinen 2018, section 4.1."""


@ours
class EqualizedConv3DTranspose(EqualizedConvTranspose, keras.layers.Conv3DTranspose):
    """Through a volume. Source: Karras, Aila, Laine & Lehtinen 2018, section 4.1."""
