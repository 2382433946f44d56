"""The one deferred import of the project: Keras is slow to load, and most commands never need it."""

import contextlib
import functools
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType


@functools.cache
def load_keras() -> ModuleType:
    """Import Keras, quietly, on first use.

    ``KERAS_BACKEND`` chooses the backend, as always; the default is TensorFlow. What TensorFlow's C++ code writes to
    standard error while it loads (build options, missing drivers) is shown only if the import fails.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with held_back_stderr():
        keras = importlib.import_module("keras")
        if keras.config.backend() == "tensorflow":
            # TensorFlow looks for its devices on first use, and complains aloud where there is no GPU.
            importlib.import_module("tensorflow").config.list_physical_devices()
    return keras


FRAMES_PER_LAYER = 12
"""Python frames that Keras may stack up for each layer of a chain when it walks a model."""


@contextlib.contextmanager
def deep_stack(layers: int) -> Iterator[None]:
    """Let Keras walk a chain of so many layers: it recurses, and Python's usual limit ends it at about a thousand."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 1_000 + FRAMES_PER_LAYER * layers))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def load_tensorflow() -> ModuleType:
    """TensorFlow itself, for what Keras leaves to its backend."""
    load_keras()
    return importlib.import_module("tensorflow")


@contextlib.contextmanager
def held_back_stderr(*, shown: bool = True) -> Iterator[None]:
    """Hold back what C++ code writes to standard error; where the body raises, it is shown, or not if not `shown`."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error to hold back
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            if shown:
                held.seek(0)
                os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
