"""Layers of generators that are told by a style what to draw, at every scale."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from archgraph.compiler.layers.precision import at_least_float32
from archgraph.compiler.layers.registry import ours

Sizes = tuple[int | None, ...]


@ours
class LearnedConstant(keras.layers.Layer):
    """The weight `value`, of `shape`, once for each example of the input: (batch, …) to (batch, *shape).

    Source: Karras, Laine & Aila 2019, section 2.1.
    """

    def __init__(
        self, shape: Sequence[int], value_initializer: Any = "ones", value_regularizer: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.value_initializer = keras.initializers.get(value_initializer)
        self.value_regularizer = keras.regularizers.get(value_regularizer)

    def build(self, input_shape: Sizes) -> None:
        self.value = self.add_weight(
            name="value", shape=self.shape, initializer=self.value_initializer, regularizer=self.value_regularizer
        )

    def call(self, inputs: Any) -> Any:
        return ops.tile(self.value[None], (ops.shape(inputs)[0], *(1,) * len(self.shape)))

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor((inputs.shape[0], *self.shape), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return (input_shape[0], *self.shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "shape": self.shape,
            "value_initializer": keras.initializers.serialize(self.value_initializer),
            "value_regularizer": keras.regularizers.serialize(self.value_regularizer),
        }


@ours
class Blur(keras.layers.Layer):
    """Each channel by itself filtered with t⊗t/(Σt)² (t/Σt for a sequence), where t are the `taps`; outside there is 0.

    Input (batch, space…, channels) with one or two spatial axes; output the same, its space divided by `strides` and
    rounded up. Source: Karras, Laine & Aila 2019, section 2.1, with the filter of their code.
    """

    def __init__(self, taps: Sequence[float] = (1, 2, 1), strides: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.taps, self.strides = list(taps), strides

    def call(self, inputs: Any) -> Any:
        row = np.asarray(self.taps, "float64") / np.sum(self.taps)
        plane = row if len(inputs.shape) == 3 else np.outer(row, row)
        kernel = np.repeat(plane[..., None, None], inputs.shape[-1], axis=-2)
        return ops.depthwise_conv(
            inputs, ops.cast(kernel, inputs.dtype), self.strides, "same", data_format="channels_last"
        )

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        space = (None if size is None else -(-size // self.strides) for size in input_shape[1:-1])
        return (input_shape[0], *space, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "taps": self.taps, "strides": self.strides}


@ours
class StyleMixing(keras.layers.Layer):
    """Styles (batch, features) to (batch, layers, features): w in every row; in training, with a second style behind.

    In training, for a share `probability` of the examples, the rows from a random one of 1 … layers - 1 on come from
    `other`, or from the w of the previous example where there is no `other`. Source: Karras, Laine & Aila 2019,
    section 3.1. Their code draws a second latent for each example and one place for each batch; latents of one batch
    are independent of each other, so a neighbour's style is as good a second one.
    """

    def __init__(self, layers: int, probability: float = 0.9, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layers, self.probability, self.seed = layers, probability, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, w: Any, other: Any = None, training: bool | None = None) -> Any:
        rows = ops.repeat(ops.expand_dims(w, 1), self.layers, axis=1)
        if not training or self.probability == 0:
            return rows
        one = (ops.shape(w)[0], 1, 1)
        mixed = keras.random.uniform(one, seed=self.seed_generator) < self.probability
        place = keras.random.randint(one, 1, self.layers, seed=self.seed_generator)
        second = ops.expand_dims(ops.roll(w, 1, axis=0) if other is None else other, 1)
        behind = ops.reshape(ops.arange(self.layers), (1, -1, 1)) >= ops.where(mixed, place, self.layers)
        return ops.where(behind, second, rows)

    def compute_output_shape(self, w_shape: Sizes, other_shape: Sizes | None = None) -> Sizes:
        return (w_shape[0], self.layers, w_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layers": self.layers, "probability": self.probability, "seed": self.seed}


@ours
class Truncation(keras.layers.Layer):
    """a + psi·(w - a) after training, w in training, where a is the running average of all w seen in training.

    Input and output (batch, features) or (batch, layers, features). Of several layers the first is averaged, and only
    the first `cutoff` are changed. Source: Karras, Laine & Aila 2019, appendix B; the average as in their code.
    """

    def __init__(self, psi: float = 0.7, cutoff: int | None = None, momentum: float = 0.995, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.psi, self.cutoff, self.momentum = psi, cutoff, momentum

    def build(self, w_shape: Sizes) -> None:
        self.average = self.add_weight(
            name="average", shape=w_shape[-1:], initializer="zeros", trainable=False, autocast=False
        )

    def call(self, w: Any, training: bool | None = None) -> Any:
        wide = at_least_float32(w)
        if training:
            if self.trainable:
                first = wide if len(w.shape) == 2 else wide[:, 0]
                mean = ops.cast(ops.mean(first, axis=0), self.average.dtype)
                self.average.assign(self.momentum * self.average + (1 - self.momentum) * mean)
            return w
        average = ops.cast(self.average, wide.dtype)
        return ops.cast(average + self._left(w) * (wide - average), self.compute_dtype)

    def _left(self, w: Any) -> Any:
        """The share of the distance that is left, for each layer."""
        if self.cutoff is None:
            return self.psi
        layers = np.arange(w.shape[1])[:, None]
        return np.where(layers < self.cutoff, self.psi, 1.0).astype("float32")

    def compute_output_shape(self, w_shape: Sizes) -> Sizes:
        return w_shape

    def get_config(self) -> dict[str, Any]:
        own = {"psi": self.psi, "cutoff": self.cutoff, "momentum": self.momentum}
        return {**super().get_config(), **own}
