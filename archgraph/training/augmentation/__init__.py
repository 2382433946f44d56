"""Random changes of training samples, as records: what a network should not care about. Never imports TensorFlow."""

import importlib

from archgraph.training.augmentation.base import AUGMENTATIONS, Augmentation

for _family in ("geometry", "mixing"):
    importlib.import_module(f"archgraph.training.augmentation.{_family}")

__all__ = ["AUGMENTATIONS", "Augmentation"]
