"""ShapedGraph -> keras.Model. The only room, below training, that imports Keras, and only when it is asked to build."""

from typing import Any

from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler.emit import Emitter
from archgraph.compiler.passes import PASSES
from archgraph.compiler.plan import lowered, run


def compile_model(shaped: ShapedGraph, *, seed: int | None = None, dtype_policy: str | None = None) -> Any:
    """Build the Keras model of a graph.

    The result is a plain functional ``keras.Model``: it trains, saves and loads like any other. Layers are named by
    their expanded paths, with dots (``stage2.0.conv``). One input or output is a tensor, several are a dict by name.

    Args:
        shaped: as `archgraph.infer` returns it.
        seed: makes two builds bit-identical; each weight's start depends on the seed and on its own path alone.
        dtype_policy: a Keras dtype policy such as ``"mixed_float16"``; by default Keras's global one.

    Raises:
        GraphError: Keras refuses something that analysis accepted (AG801).
    """
    plan = run(PASSES, lowered(shaped.root))
    return Emitter(shaped, seed, dtype_policy).model(plan)
