"""Keras layers that Keras lacks, written in ``keras.ops`` alone. A module added here adds its layers."""

import importlib
import pkgutil

from archgraph.compiler.layers.registry import LAYERS

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["LAYERS"]
