"""Layers of generative networks: noise, styles, and looks at the whole batch."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.kernels import Kernels
from archgraph.compiler.layers.registry import ours

Sizes = tuple[int | None, ...]


class Noisy(keras.layers.Layer):
    """A layer that draws normal noise in training and, with `noise_at_inference`, afterwards too."""

    def __init__(self, noise_at_inference: bool = True, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.noise_at_inference, self.seed = noise_at_inference, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def noise(self, shape: Any) -> Any:
        """Standard normal numbers."""
        return keras.random.normal(shape, dtype=self.compute_dtype, seed=self.seed_generator)

    def quiet(self, training: bool | None) -> bool:
        """Whether this call draws nothing."""
        return not training and not self.noise_at_inference

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "noise_at_inference": self.noise_at_inference, "seed": self.seed}


@ours
class Sampling(Noisy):
    """A draw from a normal distribution through which gradients flow: z = mean + exp(log_var/2)·ε, ε ~ N(0, 1).

    Without noise at inference z is the mean. Source: Kingma & Welling 2014, section 2.4 and appendix B.
    """

    def call(self, mean: Any, log_var: Any, training: bool | None = None) -> Any:
        return mean if self.quiet(training) else reparameterized(mean, log_var, self.noise(ops.shape(mean)))

    def compute_output_shape(self, mean_shape: Sizes, log_var_shape: Sizes) -> Sizes:
        return mean_shape


def reparameterized(mean: Any, log_var: Any, noise: Any) -> Any:
    """mean + exp(log_var/2)·noise."""
    return mean + ops.exp(0.5 * log_var) * noise


@ours
class GaussianDivergence(keras.layers.Layer):
    """½·Σ(exp(log_var) + mean² - 1 - log_var) over each sample, as (batch, 1): KL(N(mean, exp(log_var)) ‖ N(0, 1)).

    The sum is taken in float32 at least. Source: Kingma & Welling 2014, appendix B.
    """

    def call(self, mean: Any, log_var: Any) -> Any:
        wide = "float64" if self.compute_dtype == "float64" else "float32"
        mean, log_var = ops.cast(mean, wide), ops.cast(log_var, wide)
        each = ops.exp(log_var) + ops.square(mean) - 1 - log_var
        total = 0.5 * ops.sum(ops.reshape(each, (ops.shape(mean)[0], -1)), axis=-1, keepdims=True)
        return ops.cast(total, self.compute_dtype)

    def compute_output_shape(self, mean_shape: Sizes, log_var_shape: Sizes) -> Sizes:
        return (mean_shape[0], 1)


@ours
class NoiseInjection(Noisy):
    """y = x + s·ε, one noise picture ε ~ N(0, 1) for all channels, one learned strength s, from 0, for each channel.

    With `stored`, the weight `picture` serves as ε after training, the same for every example; it is drawn once and not
    trained. Source: Karras, Laine & Aila 2019 (StyleGAN), section 2 and figure 1b; stored noise: their code.
    """

    def __init__(self, stored: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stored = stored

    def build(self, x_shape: Sizes) -> None:
        self.strength = self.add_weight(name="strength", shape=(x_shape[-1],), initializer="zeros")
        if self.stored:
            normal = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
            shape = (*x_shape[1:-1], 1)
            self.picture = self.add_weight(name="picture", shape=shape, initializer=normal, trainable=False)

    def call(self, x: Any, training: bool | None = None) -> Any:
        if self.quiet(training):
            return x
        fresh = training or not self.stored
        return x + self.strength * (self.noise((*ops.shape(x)[:-1], 1)) if fresh else self.picture)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stored": self.stored}

    def compute_output_shape(self, x_shape: Sizes) -> Sizes:
        return x_shape


@ours
class MinibatchStddev(keras.layers.Layer):
    """Append one channel: how much the examples of a group differ, one number for the group.

    The batch is cut into groups of `group_size` (member k of group m is example k·M + m, for M groups); the number is
    the mean, over all cells and channels, of √(variance over the group + ε), with ε = 1e-8. A batch that is smaller, or
    that `group_size` does not divide, is one group. Source: Karras et al. 2018 (progressive growing), section 3, and
    its authors' code for the groups.
    """

    def __init__(self, group_size: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group_size = group_size

    def call(self, x: Any) -> Any:
        batch, *sizes = ops.shape(x)
        members = self._members(batch)
        grouped = ops.reshape(ops.cast(x, "float32"), (members, -1, *sizes))
        deviation = ops.sqrt(ops.var(grouped, axis=0) + 1e-8)
        of_group = ops.mean(deviation, axis=tuple(range(1, len(x.shape))), keepdims=True)
        channel = ops.tile(of_group, (members, *sizes[:-1], 1))
        return ops.concatenate([x, ops.cast(channel, x.dtype)], axis=-1)

    def _members(self, batch: Any) -> Any:
        if isinstance(batch, int):
            return batch if batch % self.group_size else self.group_size
        return ops.where(batch % self.group_size == 0, self.group_size, batch)

    def compute_output_shape(self, x_shape: Sizes) -> Sizes:
        channels = x_shape[-1]
        return (*x_shape[:-1], None if channels is None else channels + 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "group_size": self.group_size}


def _statistics(x: Any, epsilon: float) -> tuple[Any, Any]:
    """Mean and √(variance + ε) over the spatial axes, in float32: ε would vanish in half precision."""
    wide, space = ops.cast(x, "float32"), tuple(range(1, len(x.shape) - 1))
    return ops.mean(wide, space, keepdims=True), ops.sqrt(ops.var(wide, space, keepdims=True) + epsilon)


@ours
class AdaIN(Kernels):
    """Adaptive instance normalisation: n(x)·(s + 1) + b, where n makes each channel of each example N(0, 1).

    A style vector (batch, features) gives s and b through a learned affine map, style·W + c = (s, b) (Karras, Laine &
    Aila 2019, section 2, in the form of their code); without `project` it is (s, b). A style picture (batch, space…,
    channels) gives σ(style) as factor and μ(style) as offset, with no weights: σ(style)·n(x) + μ(style) (Huang &
    Belongie 2017, equation 8). n(x) = (x - μ)/√(σ² + ε).
    """

    def __init__(self, epsilon: float = 1e-8, project: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon, self.project = epsilon, project

    def build(self, x_shape: Sizes, style_shape: Sizes) -> None:
        if len(style_shape) == 2 and self.project:
            channels = x_shape[-1]
            assert channels is not None
            self.kernel = self.add_kernel("kernel", (style_shape[-1], 2 * channels))
            self.bias = self.add_bias("bias", (2 * channels,))

    def call(self, x: Any, style: Any) -> Any:
        mean, deviation = _statistics(x, self.epsilon)
        offset, factor = self._styled(style, len(x.shape) - 2)
        wide = (ops.cast(x, "float32") - mean) / deviation * factor + offset
        return ops.cast(wide, self.compute_dtype)

    def _styled(self, style: Any, space: int) -> tuple[Any, Any]:
        if len(style.shape) != 2:
            return _statistics(style, self.epsilon)
        affine = self._projected(style) if self.project else style
        for _ in range(space):
            affine = ops.expand_dims(affine, 1)
        scale, offset = ops.split(ops.cast(affine, "float32"), 2, axis=-1)
        return offset, scale + 1

    def _projected(self, style: Any) -> Any:
        affine = ops.matmul(style, self.kernel)
        return affine if self.bias is None else affine + self.bias

    def compute_output_shape(self, x_shape: Sizes, style_shape: Sizes) -> Sizes:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon, "project": self.project}


@ours
class MinibatchDiscrimination(Kernels):
    """Append to each example how close it is to the others of its batch.

    With M_i = x_i·T cut into `num_kernels` rows M_ib of `kernel_dim` numbers: o_ib = Σ_j exp(-‖M_ib - M_jb‖₁), the sum
    over the whole batch, j = i included. y_i = (x_i, o_i). Source: Salimans et al. 2016, section 3.2.
    """

    def __init__(self, num_kernels: int, kernel_dim: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "use_bias": False})
        self.num_kernels, self.kernel_dim = num_kernels, kernel_dim

    def build(self, x_shape: Sizes) -> None:
        self.kernel = self.add_kernel("kernel", (x_shape[-1], self.num_kernels * self.kernel_dim))

    def call(self, x: Any) -> Any:
        rows = ops.reshape(ops.matmul(x, self.kernel), (-1, self.num_kernels, self.kernel_dim))
        apart = ops.sum(ops.abs(ops.expand_dims(rows, 1) - ops.expand_dims(rows, 0)), axis=-1)
        return ops.concatenate([x, ops.sum(ops.exp(-apart), axis=1)], axis=-1)

    def compute_output_shape(self, x_shape: Sizes) -> Sizes:
        features = x_shape[-1]
        return (x_shape[0], None if features is None else features + self.num_kernels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_kernels": self.num_kernels, "kernel_dim": self.kernel_dim}
