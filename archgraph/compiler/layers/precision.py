"""Arithmetic that half precision is too narrow for."""

from typing import Any

import keras
from keras import ops


def at_least_float32(x: Any) -> Any:
    """`x` in float32 or wider: sums of squares overflow, and small differences vanish, in half precision."""
    return ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
