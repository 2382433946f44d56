"""The masked convolution of PixelCNN."""

from typing import Any

import keras
import numpy as np
from keras import ops

from archgraph.compiler.layers.registry import ours


def mask(kernel_size: tuple[int, ...], channels: int, filters: int, mask_type: str, colors: int = 1) -> np.ndarray:
    """Ones where a kernel (space…, channels, filters) may look, zeros elsewhere.

    Everything before the centre in reading order is seen. In the centre, output channel o sees input channel c when the
    colour of c comes before that of o, or, for mask B, is the same. Colours are runs of channels, as equal as can be.
    Source: van den Oord et al. 2016, section 3.4, figure 4.
    """
    cells = int(np.prod(kernel_size))
    seen = np.zeros((cells, channels, filters), "float32")
    seen[: cells // 2] = 1
    given, made = np.arange(channels) * colors // channels, np.arange(filters) * colors // filters
    seen[cells // 2] = (given[:, None] <= made) if mask_type == "B" else (given[:, None] < made)
    return seen.reshape(*kernel_size, channels, filters)


@ours
class MaskedConv(keras.layers.Layer):
    """A convolution (1-D or 2-D, stride 1, padding ``same``) whose kernel is multiplied by a causal mask.

    y = conv(x, w * mask(mask_type, colors)) + b. Input (batch, space…, channels), output (batch, space…, filters).
    The kernel's sizes are odd.
    Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, section 3.4.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, ...],
        mask_type: str,
        colors: int = 1,
        dilation_rate: tuple[int, ...] = (1,),
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=keras.regularizers.get(activity_regularizer), **kwargs)
        self.filters, self.kernel_size, self.mask_type, self.colors = filters, tuple(kernel_size), mask_type, colors
        self.dilation_rate, self.use_bias = tuple(dilation_rate), use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = int(input_shape[-1] or 0)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer=self.bias_initializer, regularizer=self.bias_regularizer
            )
        self.mask = mask(self.kernel_size, channels, self.filters, self.mask_type, self.colors)

    def call(self, inputs: Any) -> Any:
        kernel = ops.cast(self.kernel, inputs.dtype) * ops.cast(self.mask, inputs.dtype)
        outputs = ops.conv(
            inputs, kernel, padding="same", dilation_rate=self.dilation_rate, data_format="channels_last"
        )
        return outputs if self.bias is None else outputs + ops.cast(self.bias, outputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        initializers, regularizers = keras.initializers.serialize, keras.regularizers.serialize
        own = {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_type": self.mask_type,
            "colors": self.colors,
            "dilation_rate": self.dilation_rate,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers(self.kernel_initializer),
            "bias_initializer": initializers(self.bias_initializer),
            "kernel_regularizer": regularizers(self.kernel_regularizer),
            "bias_regularizer": regularizers(self.bias_regularizer),
            "activity_regularizer": regularizers(self.activity_regularizer),
        }
        return {**super().get_config(), **own}
