"""The list of our own Keras layers, and the decorator that adds one."""

from typing import Any, TypeVar

import keras

L = TypeVar("L", bound=type[Any])

LAYERS: dict[str, type[Any]] = {}


def ours(cls: L) -> L:
    """List a layer (or other serialisable object) under its class name and make it loadable from ``.keras`` files."""
    LAYERS[cls.__name__] = cls
    registered: L = keras.saving.register_keras_serializable("archgraph")(cls)
    return registered
