"""What can be known of a graph without TensorFlow: expansion, shapes, cost, contracts, warnings."""

from archgraph.analysis.infer import infer
from archgraph.analysis.limits import Limits
from archgraph.analysis.shaped import FlatNode, ShapedGraph

__all__ = ["FlatNode", "Limits", "ShapedGraph", "infer"]
