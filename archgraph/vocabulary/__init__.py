"""The vocabulary. A module added here adds its primitives; nothing else needs to change."""

import importlib
import pkgutil

from archgraph.vocabulary.base import REGISTRY, Example, Family, Layer, Port, Primitive, Weight

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["REGISTRY", "Example", "Family", "Layer", "Port", "Primitive", "Weight"]
