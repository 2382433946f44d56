"""Spectral normalisation: kernels divided by their largest singular value."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.precision import at_least_float32
from archgraph.compiler.layers.registry import ours


def add_vector(layer: keras.layers.Layer, name: str, width: int) -> Any:
    """The row vector u, (1, width), in which `layer` keeps what it knows of a kernel's largest singular vector."""
    start = keras.initializers.RandomNormal(stddev=1.0)
    # Every replica takes the same step from the same kernel.
    shared = {"trainable": False, "autocast": False, "aggregation": "only_first_replica"}
    return layer.add_weight(name=name, shape=(1, width), initializer=start, **shared)


def divided(kernel: Any, vector: Any, training: bool | None, axes: Sequence[int] = (-1,)) -> Any:
    """W/σ(W) for a kernel W whose output channels lie along `axes`, in float32 or wider.

    With W as a matrix of one column for each output channel and the `vector` u: v = unit(u·Wᵀ), u' = unit(v·W) and
    σ = v·W·u'ᵀ. Training puts u' in the place of u. The gradient takes u' and v for constants, so ∂σ/∂W = vᵀ·u'. A
    kernel of zeros stays as it is. Source: Miyato, Kataoka, Koyama & Yoshida 2018, sections 2.1 and 2.2, algorithm 1.
    """
    whole, u = at_least_float32(kernel), at_least_float32(vector)
    last = [axis % len(whole.shape) for axis in axes]
    order = [axis for axis in range(len(whole.shape)) if axis not in last] + last
    matrix = ops.reshape(ops.transpose(whole, order), (-1, vector.shape[-1]))
    fixed = ops.stop_gradient(matrix)
    v = ops.normalize(ops.matmul(u, ops.transpose(fixed)), epsilon=1e-12)
    following = ops.normalize(ops.matmul(v, fixed), epsilon=1e-12)
    sigma = ops.sum(ops.matmul(v, matrix) * following)
    known = sigma > 0
    if training:
        vector.assign(ops.where(known, following, u))
    return whole / ops.where(known, sigma, ops.ones_like(sigma))


@ours
class SpectralNormalization(keras.layers.Wrapper):
    """A layer that computes with W/σ(W) in the place of its kernel W; see `divided` for σ.

    `kernels` names the layer's kernels, each with the axes of its output channels: ``{"kernel": [-1]}`` for Dense and
    Conv2D, ``{"kernel": [-2]}`` for Conv2DTranspose. W itself is left to the optimiser, and penalties on it are on W.
    Inference takes a step from the stored u as well, but keeps nothing of it. Input and output are the layer's.
    Source: Miyato, Kataoka, Koyama & Yoshida 2018, section 2.1 and algorithm 1.
    """

    # Not keras.layers.SpectralNormalization: it stores W/σ as the kernel, so that no gradient passes through σ.

    def __init__(self, layer: keras.layers.Layer, kernels: Mapping[str, Sequence[int]], **kwargs: Any) -> None:
        # A penalty on the output is added here, for what the layer adds inside the scope of `call` is lost.
        kwargs.setdefault("activity_regularizer", layer.activity_regularizer)
        super().__init__(layer, **kwargs)
        self.kernels = {name: tuple(axes) for name, axes in kernels.items()}
        self.supports_masking = layer.supports_masking

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.vectors = {}
        for name, axes in self.kernels.items():
            shape = getattr(self.layer, name).shape
            prefix = name.removesuffix("embeddings").removesuffix("kernel")
            self.vectors[name] = add_vector(self, f"{prefix}vector_u", math.prod(shape[axis] for axis in axes))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        values = {
            id(getattr(self.layer, name)): divided(getattr(self.layer, name), self.vectors[name], training, axes)
            for name, axes in self.kernels.items()
        }
        # The bias too: a scope hides what a scope around it says of a variable.
        with keras.StatelessScope([(weight, values.get(id(weight), weight)) for weight in self.layer.weights]):
            return self.layer(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kernels": {name: list(axes) for name, axes in self.kernels.items()}}
