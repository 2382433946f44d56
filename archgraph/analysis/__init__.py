"""What can be known of a graph without TensorFlow: expansion, shapes, cost, contracts, warnings."""

from archgraph.analysis.infer import Limits, infer
from archgraph.analysis.shaped import FlatNode, ShapedGraph

__all__ = ["FlatNode", "Limits", "ShapedGraph", "infer"]
