"""The one deferred import of the project: Keras is slow to load, and most commands never need it."""

import functools
import importlib
import os
from types import ModuleType


@functools.cache
def load_keras() -> ModuleType:
    """Import Keras, quietly, on first use. ``KERAS_BACKEND`` chooses the backend, as always; the default is TensorFlow."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return importlib.import_module("keras")
