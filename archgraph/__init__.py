"""A declarative graph compiler for neural networks: JSON graphs of primitives, checked, analysed, compiled and trained.

>>> import archgraph as ag
>>> shaped = ag.infer(ag.load("examples/lenet5.graph.json"))  # neither TensorFlow nor Keras is imported
>>> shaped.parameters
61706
>>> model = ag.compile_model(shaped)  # doctest: +SKIP
>>> run = ag.train("examples/lenet5.train.json")  # doctest: +SKIP

Everything below is loaded on first use, so that ``import archgraph`` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archgraph.analysis import Limits, ShapedGraph, infer
    from archgraph.analysis.cost import Cost, cost
    from archgraph.api import check, load, loads, save
    from archgraph.builder import Builder, Expr, expr
    from archgraph.compiler import compile_model, get_weights, load_model, set_weights
    from archgraph.compiler.export import export
    from archgraph.compiler.inference import for_inference
    from archgraph.compiler.preparing import fused, prepare
    from archgraph.diagnostics import Diagnostic, GraphError
    from archgraph.digraph import to_networkx
    from archgraph.drawing import render
    from archgraph.graph import Graph
    from archgraph.training import Run, diagnose, explain, find_rate, predict, sample, train

__version__ = "0.1.0"

__all__ = [
    "Builder",
    "Cost",
    "Diagnostic",
    "Expr",
    "Graph",
    "GraphError",
    "Limits",
    "Run",
    "ShapedGraph",
    "__version__",
    "check",
    "compile_model",
    "cost",
    "diagnose",
    "explain",
    "export",
    "expr",
    "find_rate",
    "for_inference",
    "fused",
    "get_weights",
    "infer",
    "load",
    "load_model",
    "loads",
    "predict",
    "prepare",
    "render",
    "sample",
    "save",
    "set_weights",
    "to_networkx",
    "train",
]

_PLACES = {
    "analysis": ("Limits", "ShapedGraph", "infer"),
    "analysis.cost": ("Cost", "cost"),
    "api": ("check", "load", "loads", "save"),
    "builder": ("Builder", "Expr", "expr"),
    "compiler": ("compile_model", "get_weights", "load_model", "set_weights"),
    "compiler.export": ("export",),
    "compiler.inference": ("for_inference",),
    "compiler.preparing": ("fused", "prepare"),
    "diagnostics": ("Diagnostic", "GraphError"),
    "digraph": ("to_networkx",),
    "drawing": ("render",),
    "graph": ("Graph",),
    "training": ("Run", "diagnose", "explain", "find_rate", "predict", "sample", "train"),
}
_HOMES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
