"""Normalisations that Keras lacks."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.precision import at_least_float32
from archgraph.compiler.layers.registry import ours
from archgraph.compiler.layers.spectral import add_vector, divided


@ours
class ConditionalBatchNormalization(keras.layers.Layer):
    """y = (1 + c·G)·(x - mean)/√(variance + epsilon) + c·B, with learned matrices G (gamma) and B (beta).

    Mean and variance are those of the batch and all positions in training, and running averages of them afterwards.
    With `spectral_norm` G and B are divided by their largest singular values, see `spectral.divided`.
    Call it as ``layer(x, condition)``, with x of shape (batch, …, channels) and condition of shape (batch, n).
    Source: Dumoulin, Shlens & Kudlur 2017, section 2.2; de Vries et al. 2017, section 3.1; Brock, Donahue & Simonyan
    2019, appendix B.
    """

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        gamma_initializer: Any = "zeros",
        beta_initializer: Any = "zeros",
        gamma_regularizer: Any = None,
        beta_regularizer: Any = None,
        synchronized: bool = False,
        spectral_norm: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.momentum, self.epsilon, self.synchronized = momentum, epsilon, synchronized
        self.spectral_norm = spectral_norm
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.gamma_regularizer = keras.regularizers.get(gamma_regularizer)
        self.beta_regularizer = keras.regularizers.get(beta_regularizer)

    def build(self, x_shape: Any, condition_shape: Any) -> None:
        kernel, channels = (condition_shape[-1], x_shape[-1]), (x_shape[-1],)
        # Weights stay float32 under mixed precision: the statistics would lose most of their digits otherwise.
        self.gamma = self.add_weight(
            name="gamma",
            shape=kernel,
            initializer=self.gamma_initializer,
            regularizer=self.gamma_regularizer,
            autocast=False,
        )
        self.beta = self.add_weight(
            name="beta",
            shape=kernel,
            initializer=self.beta_initializer,
            regularizer=self.beta_regularizer,
            autocast=False,
        )
        moving = {"shape": channels, "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **moving)
        self.moving_variance = self.add_weight(name="moving_variance", initializer="ones", **moving)
        divided_by = ("gamma", "beta") if self.spectral_norm else ()
        self.vectors = {name: add_vector(self, f"{name}_vector_u", x_shape[-1]) for name in divided_by}

    def call(self, x: Any, condition: Any, training: bool = False) -> Any:
        wide, condition = at_least_float32(x), at_least_float32(condition)
        mean, variance = self._statistics(wide) if training and self.trainable else self._averages(wide.dtype)
        normal = (wide - mean) * ops.rsqrt(variance + self.epsilon)
        gamma, beta = (
            self._for_each_position(ops.matmul(condition, self._map(name, wide.dtype, training)), len(x.shape))
            for name in ("gamma", "beta")
        )
        return ops.cast((1 + gamma) * normal + beta, self.compute_dtype)

    def _map(self, name: str, dtype: str, training: bool) -> Any:
        kernel = getattr(self, name)
        return ops.cast(divided(kernel, self.vectors[name], training) if self.spectral_norm else kernel, dtype)

    def _statistics(self, x: Any) -> tuple[Any, Any]:
        axes = list(range(len(x.shape) - 1))
        mean, variance = ops.moments(x, axes=axes, synchronized=self.synchronized)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + ops.cast(value, average.dtype) * (1 - self.momentum))
        return mean, variance

    def _averages(self, dtype: str) -> tuple[Any, Any]:
        return ops.cast(self.moving_mean, dtype), ops.cast(self.moving_variance, dtype)

    @staticmethod
    def _for_each_position(vector: Any, rank: int) -> Any:
        return ops.reshape(vector, (-1, *(1,) * (rank - 2), vector.shape[-1]))

    def compute_output_shape(self, x_shape: Any, condition_shape: Any) -> Any:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
            "beta_initializer": keras.initializers.serialize(self.beta_initializer),
            "gamma_regularizer": keras.regularizers.serialize(self.gamma_regularizer),
            "beta_regularizer": keras.regularizers.serialize(self.beta_regularizer),
            "synchronized": self.synchronized,
            "spectral_norm": self.spectral_norm,
        }


@ours
class LocalResponseNormalization(keras.layers.Layer):
    """yᵢ = xᵢ/(k + alpha·Σⱼ xⱼ²)^beta, j from i - n//2 to i + n//2, as far as there are channels.

    With `average`, alpha is divided by n, as in Caffe and PyTorch.
    Source: Krizhevsky, Sutskever & Hinton 2012, section 3.3.
    """

    def __init__(
        self,
        k: float = 2.0,
        n: int = 5,
        alpha: float = 1e-4,
        beta: float = 0.75,
        average: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.k, self.n, self.alpha, self.beta, self.average = k, n, alpha, beta, average

    def call(self, inputs: Any) -> Any:
        x = at_least_float32(inputs)
        channels, radius = x.shape[-1], self.n // 2
        squares = ops.pad(ops.square(x), [(0, 0)] * (len(x.shape) - 1) + [(radius, radius)])
        total = sum(squares[..., shift : shift + channels] for shift in range(2 * radius + 1))
        strength = self.alpha / self.n if self.average else self.alpha
        return ops.cast(x * ops.power(self.k + strength * total, -self.beta), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"k": self.k, "n": self.n, "alpha": self.alpha, "beta": self.beta, "average": self.average}
        return {**super().get_config(), **own}


@ours
class PixelNormalization(keras.layers.Layer):
    """y = x/√(mean(x²) + epsilon), the mean over the channels, at every position.

    Source: Karras, Aila, Laine & Lehtinen 2018, section 4.2.
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.epsilon = epsilon

    def call(self, inputs: Any) -> Any:
        x = at_least_float32(inputs)
        typical = ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + self.epsilon)
        return ops.cast(x * typical, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}
