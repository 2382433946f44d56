"""``archgraph compile``: a graph as a Keras model in a file."""

import argparse

from archgraph.cli import Misused
from archgraph.cli.arguments import add_reference, natural, shaped
from archgraph.cli.output import counted, say
from archgraph.compiler import compile_model
from archgraph.compiler.backend import load_keras
from archgraph.document.files import replacing

EPILOG = """\
The file is a plain functional Keras model: it trains, saves and loads like any other, and needs no JSON any more.

examples:
  archgraph compile net.graph.json -o net.keras
  archgraph compile net.graph.json#large -o large.keras --set classes=3 --seed 1
  archgraph compile net.graph.json -o net.keras --dtype-policy mixed_float16

then, in Python:
  import keras, archgraph.compiler.layers        # the layers that Keras lacks
  model = keras.saving.load_model("net.keras")
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    add_reference(parser)
    parser.add_argument("-o", "--output", metavar="FILE.keras", required=True, help="where to write")
    parser.add_argument("--seed", type=natural, help="makes two builds bit-identical")
    parser.add_argument("--dtype-policy", metavar="POLICY", help="a Keras dtype policy, such as mixed_float16")


def run(arguments: argparse.Namespace) -> int:
    """Compile; returns the exit status."""
    if not arguments.output.endswith(".keras"):
        raise Misused(f"the output must end in .keras, got {arguments.output!r}")
    graph = shaped(arguments)
    _need_policy(arguments.dtype_policy)
    with replacing(arguments.output) as temporary:
        compile_model(graph, seed=arguments.seed, dtype_policy=arguments.dtype_policy).save(temporary)
    say(f"wrote {arguments.output}: {counted(graph.parameters, 'parameter')}")
    return 0


def _need_policy(name: str | None) -> None:
    if name is None:
        return
    try:
        load_keras().dtype_policies.get(name)
    except ValueError:
        raise Misused(f"Keras has no dtype policy {name!r}; it has mixed_float16, mixed_bfloat16, float32, …") from None
