"""``archgraph compile``: a graph as a Keras model in a file."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from archgraph.analysis import ShapedGraph
from archgraph.cli import Misused
from archgraph.cli.arguments import add_reference, natural, shaped
from archgraph.cli.output import counted, say
from archgraph.cli.trained import add_weights, model_of
from archgraph.compiler import compile_model
from archgraph.compiler.backend import load_keras
from archgraph.compiler.inference import for_inference
from archgraph.compiler.passes import PIPELINES
from archgraph.compiler.plan import Pass, Plan, lowered
from archgraph.compiler.plan import run as rewritten
from archgraph.compiler.printing import plan_text
from archgraph.compiler.rolling import Choice
from archgraph.document.files import replacing

EPILOG = """\
The file is a plain functional Keras model: it trains, saves and loads like any other, and needs no JSON any more.
With --for inference it computes what the trained model computes, with fewer and faster layers.

examples:
  archgraph compile net.graph.json -o net.keras
  archgraph compile net.graph.json#large -o large.keras --set classes=3 --seed 1
  archgraph compile net.graph.json -o net.keras --dtype-policy mixed_float16
  archgraph compile net.graph.json --for inference --weights trained.keras -o lean.keras
  archgraph compile net.graph.json --for inference --print-after fold-norms-behind

then, in Python:
  import keras, archgraph.compiler.layers        # the layers that Keras lacks
  model = keras.saving.load_model("net.keras")
"""
ALL = "all"


class ListPasses(argparse.Action):
    """Prints the passes of each purpose, and ends."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option: str | None = None,
    ) -> None:
        """Print them."""
        for purpose, passes in PIPELINES.items():
            say(f"for {purpose}:")
            for one in passes:
                say(f"  {one.name:18} {one.doc}")
        parser.exit()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    add_reference(parser)
    parser.add_argument("-o", "--output", metavar="FILE.keras", help="where to write; needed unless a plan is printed")
    parser.add_argument("--seed", type=natural, help="makes two builds bit-identical")
    parser.add_argument("--dtype-policy", metavar="POLICY", help="a Keras dtype policy, such as mixed_float16")
    parser.add_argument("--rolled", choices=list(ROLLED), default="no",
                        help="make equal copies of a repeated block one layer that loops over them: a deep network is "
                             "built and traced sooner; auto: where it is worth it (default no)")  # fmt: skip
    parser.add_argument("--for", choices=list(PIPELINES), default="training", dest="purpose",
                        help="what the model is for (default training)")  # fmt: skip
    add_weights(parser)
    parser.add_argument("--print-after", metavar="PASS", help="print the plan after this pass; all: after each one")
    parser.add_argument("--list-passes", action=ListPasses, nargs=0, help="name the passes of each purpose, and end")


ROLLED: Mapping[str, Choice] = {"auto": "auto", "yes": True, "no": False}


def run(arguments: argparse.Namespace) -> int:
    """Compile; returns the exit status."""
    _need_sense(arguments)
    graph = shaped(arguments)
    if arguments.print_after is not None:
        print_plans(graph, PIPELINES[arguments.purpose], arguments.print_after)
    if arguments.output is None:
        return 0
    _need_policy(arguments.dtype_policy)
    rolled = ROLLED[arguments.rolled]
    if arguments.purpose == "inference":
        trained = model_of(graph, arguments.weights, seed=arguments.seed)
        model = for_inference(graph, trained, dtype_policy=arguments.dtype_policy, rolled=rolled)
    else:
        model = compile_model(graph, seed=arguments.seed, dtype_policy=arguments.dtype_policy, rolled=rolled)
    with replacing(arguments.output) as temporary:
        model.save(temporary)
    say(f"wrote {arguments.output}: {counted(model.count_params(), 'parameter')}")
    return 0


def print_plans(graph: ShapedGraph, passes: tuple[Pass, ...], wanted: str) -> None:
    """Print the plan of a graph after one of the passes, or after each."""

    def watch(one: Pass, plan: Plan) -> None:
        if wanted in (ALL, one.name):
            say(f"after {one.name}: {one.doc}")
            for line in plan_text(plan, graph).splitlines():
                say(f"  {line}")

    rewritten(passes, lowered(graph.root), watch)


def _need_sense(arguments: argparse.Namespace) -> None:
    if arguments.output is None and arguments.print_after is None:
        raise Misused("-o FILE.keras is needed, or --print-after to see a plan")
    if arguments.output is not None and not arguments.output.endswith(".keras"):
        raise Misused(f"the output must end in .keras, got {arguments.output!r}")
    if arguments.weights and arguments.purpose == "training":
        raise Misused("--weights goes with --for inference; a model that is compiled for training starts afresh")
    names = [one.name for one in PIPELINES[arguments.purpose]]
    if arguments.print_after not in (None, ALL, *names):
        listed = ", ".join((ALL, *names))
        raise Misused(f"for {arguments.purpose} there is no pass {arguments.print_after!r}; there are {listed}")


def _need_policy(name: str | None) -> None:
    if name is None:
        return
    try:
        load_keras().dtype_policies.get(name)
    except ValueError:
        raise Misused(f"Keras has no dtype policy {name!r}; it has mixed_float16, mixed_bfloat16, float32, …") from None
