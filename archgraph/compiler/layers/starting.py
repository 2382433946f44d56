"""First values of weights that Keras has no initialiser for."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("archgraph")
class IdentityKernel(keras.initializers.RandomNormal):
    """A kernel (space…, c, d) that hands maps on: in its middle, g/d where ⌊a·g/c⌋ = ⌊b·g/d⌋ for maps a and b, else 0.

    With c = d and g = c that is the identity. To every weight comes normal noise of standard deviation `stddev`.
    `groups` is g; None stands for the greatest common divisor of c and d. Source: Yu & Koltun 2016, equations 4 and 5.
    """

    def __init__(self, groups: int | None = None, stddev: float = 0.0, seed: int | None = None) -> None:
        super().__init__(mean=0.0, stddev=stddev, seed=seed)
        self.groups = groups

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        *space, taken, given = shape
        groups = self.groups or math.gcd(taken, given)
        kernel = np.zeros(shape, "float32")
        middle = tuple((size - 1) // 2 for size in space)
        alike = np.arange(taken)[:, None] * groups // taken == np.arange(given) * groups // given
        kernel[middle] = alike * groups / given
        return super().__call__(shape, dtype) + ops.cast(kernel, dtype or keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        return {"groups": self.groups, "stddev": self.stddev, "seed": self._init_seed}


@keras.saving.register_keras_serializable("archgraph")
class Bilinear(keras.initializers.Initializer):
    """A kernel (space…, a, b) that interpolates: with a stride of half its size, a transposed convolution enlarges.

    For a kernel of size k, f = ⌈k/2⌉ and m = (2f - 1 - k mod 2)/2f, place x weighs 1 - |x/f - m|; weights of the axes
    are multiplied. They stand where maps a and b are the same, modulo the smaller number of maps, and 0 elsewhere.
    Source: Long, Shelhamer & Darrell 2015, section 4.3; the filter of Caffe's BilinearFiller.
    """

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        *space, one, other = shape
        fewer = min(one, other)
        kernel = (np.arange(one)[:, None] % fewer == np.arange(other) % fewer).astype("float32")
        for size in reversed(space):
            kernel = np.multiply.outer(_tent(size), kernel)
        return ops.cast(kernel, dtype or keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        return {}


def _tent(size: int) -> Any:
    factor = (size + 1) // 2
    middle = (2 * factor - 1 - size % 2) / (2 * factor)
    return 1 - np.abs(np.arange(size, dtype="float32") / factor - middle)


INITIALIZERS: Mapping[str, type[Any]] = {"identity_kernel": IdentityKernel, "bilinear": Bilinear}
"""Our initialisers by the names that a file gives them."""
