"""Steps between the raw samples and the graph: what a step needs to know is learned from the training part alone."""

import importlib

from archgraph.training.preprocessing.base import STEPS, Learned, Step, step
from archgraph.training.preprocessing.chain import Fitted, as_json, from_json, learn, plain, repeat, run

for _family in ("values", "whitening", "shapes"):
    importlib.import_module(f"archgraph.training.preprocessing.{_family}")

__all__ = [
    "STEPS",
    "Fitted",
    "Learned",
    "Step",
    "as_json",
    "from_json",
    "learn",
    "plain",
    "repeat",
    "run",
    "step",
]
