"""``archgraph export``: a model in the format of another runtime, checked and timed."""

import argparse
from pathlib import Path
from typing import Any

from archgraph.analysis import ShapedGraph, infer
from archgraph.cli import Misused
from archgraph.cli.arguments import add_limits, add_set, knobs, limits, natural
from archgraph.cli.output import print_json, say
from archgraph.cli.trained import add_weights, graph_of_run, loaded, model_of
from archgraph.compiler.export import Exported, export, need_ready
from archgraph.compiler.formats import FORMATS
from archgraph.compiler.inference import for_inference
from archgraph.document.load import load_graph

EPILOG = """\
The model is first lowered for inference: batch normalisations folded, dropout left out. That takes the graph: a run
folder knows it, and a .keras file needs --graph. Then the file is written, loaded by its own runtime, compared with
Keras's outputs and timed; only then it gets its name. Packages: pip install 'archgraph[export]'.

examples:
  archgraph export runs/lenet5-1 --format onnx -o lenet5.onnx
  archgraph export net.graph.json --weights net.keras --format litert -o net.tflite
  archgraph export net.keras --graph net.graph.json#large --format savedmodel -o serving/net
  archgraph export net.keras --for training --format onnx -o net.onnx
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    text = "a run folder, a graph file (FILE.graph.json, perhaps with #VARIANT), or a .keras file"
    parser.add_argument("model", metavar="MODEL", help=text)
    about = "; ".join(f"{name}: {one.doc}" for name, one in FORMATS.items())
    parser.add_argument("--format", choices=list(FORMATS), required=True, help=about)
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="where to write")
    add_weights(parser)
    parser.add_argument("--graph", metavar="FILE[#VARIANT]", help="the graph that a .keras file was compiled from")
    parser.add_argument("--for", choices=["inference", "training"], default="inference", dest="purpose",
                        help="inference (default): lower the model first; training: export it as it is")  # fmt: skip
    add_set(parser, "set a parameter of the graph file; the value is JSON, or else text (repeatable)")
    add_limits(parser)
    parser.add_argument("--seed", type=natural, help="of fresh weights, where none are given")
    parser.add_argument("--json", action="store_true", help="the figures for machines")


def run(arguments: argparse.Namespace) -> int:
    """Export; returns the exit status."""
    need_ready(arguments.format, arguments.output)
    graph, model = _sources(arguments)
    lowered = graph is not None and arguments.purpose == "inference"
    if graph is not None and lowered:
        model = for_inference(graph, model)
    output = next(iter(graph.outputs)) if graph is not None else ""
    found = export(model, arguments.output, arguments.format, output=output)
    if arguments.json:
        print_json(_figures(found) | {"lowered": lowered})
    else:
        _tell(found, lowered)
    return 0


def _sources(arguments: argparse.Namespace) -> tuple[ShapedGraph | None, Any]:
    """The graph, as far as it is known, and the trained model."""
    given = arguments.model
    if given.partition("#")[0].endswith(".json"):
        if arguments.graph:
            raise Misused("MODEL is a graph already; --graph goes with a .keras file")
        graph = infer(load_graph(given, knobs(arguments.values)), limits=limits(arguments))
        return graph, model_of(graph, arguments.weights, seed=arguments.seed)
    if arguments.weights:
        raise Misused("--weights goes with a graph file; a .keras file and a run folder have weights")
    if arguments.graph:
        return infer(load_graph(arguments.graph, knobs(arguments.values)), limits=limits(arguments)), loaded(
            Path(given)
        )
    if arguments.values:
        raise Misused("--set goes with a graph file, or with --graph")
    if Path(given).is_dir():
        return graph_of_run(Path(given), limits(arguments)), loaded(Path(given))
    return None, loaded(Path(given))


def _figures(found: Exported) -> dict[str, Any]:
    return {
        "file": str(found.path), "format": found.format, "bytes": found.size_bytes, "difference": found.difference,
        "batch": found.batch, "milliseconds": found.milliseconds, "keras_milliseconds": found.keras_milliseconds,
    }  # fmt: skip


def _tell(found: Exported, lowered: bool) -> None:
    say(f"wrote {found.path}: {found.size_bytes / 1e6:.2f} MB" + (", for single samples" if found.batch == 1 else ""))
    if not lowered:
        say("not lowered for inference: exported as it is")
    if found.difference is None:
        say("checked: shapes alone, for the model draws random numbers after training")
    else:
        say(f"checked: at most {found.difference:.1e} off Keras's outputs")
    faster = found.keras_milliseconds / found.milliseconds
    say(
        f"latency: {found.milliseconds:.2f} ms for one sample; Keras {found.keras_milliseconds:.2f} ms, "
        f"{faster:.1f} times as long (medians, after a warm-up)"
    )
