"""``archgraph train``: an experiment file, trained into a run folder."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archgraph.cli import Misused
from archgraph.cli.arguments import add_set, positive, settings
from archgraph.cli.output import say
from archgraph.diagnostics import Diagnostic, GraphError

GRAPH, EXPERIMENT = ".graph.json", ".train.json"
EPILOG = f"""\
The run folder holds the resolved configuration, the metrics as CSV and JSON, curves and a confusion matrix, the best
and the last weights, and the trained model. Ctrl-C stops after the present batch, with everything saved.

examples:
  archgraph train lenet5.train.json
  archgraph train lenet5{GRAPH}                       the experiment beside the graph: lenet5{EXPERIMENT}
  archgraph train lenet5.train.json --epochs 3 --set optimizer.learning_rate=0.01
  archgraph train lenet5.train.json --run-dir runs/first
  archgraph train lenet5.train.json --from runs/base    begin with the weights that another run learned
  archgraph train lenet5.train.json --resume            go on with its newest run
  archgraph train lenet5.train.json --resume runs/first go on with that one
  archgraph train lenet5.train.json --workers 2         two processes here share every batch
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("experiment", metavar="FILE", help=f"an experiment (NAME{EXPERIMENT}) or the graph beside it")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--run-dir", metavar="DIR", help="a new or empty folder (default: runs/NAME-NUMBER)")
    where.add_argument(
        "--resume", metavar="RUN", nargs="?", const="", help="go on with a run folder (default: the newest)"
    )
    parser.add_argument(
        "--from", metavar="RUN", dest="source", help="begin with weights of a run or a .keras file (initial_weights)"
    )
    add_set(parser, "replace an entry of the file, by its dotted path; the value is JSON, or else text (repeatable)")
    parser.add_argument("--epochs", metavar="N", type=positive, help="short for --set epochs=N")
    several = parser.add_mutually_exclusive_group()
    several.add_argument(
        "--workers", metavar="N", type=positive, help="share every batch among N processes on this machine"
    )
    several.add_argument(
        "--worker", metavar="K", type=int, help="of several machines (hardware), which this is; 0 keeps the run folder"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print the scores and the run folder only")


def run(arguments: argparse.Namespace) -> int:
    """Train; returns the exit status: 130 for a run that was interrupted."""
    experiment = _experiment(arguments.experiment)
    overrides = settings(arguments.values)
    if arguments.epochs:
        overrides["epochs"] = arguments.epochs
    if arguments.source:
        overrides["initial_weights.file"] = str(Path(arguments.source).resolve())
    if arguments.workers and arguments.workers > 1:
        return _launched(experiment, overrides, arguments)
    from archgraph.training import train
    from archgraph.training.report import figures

    resume = arguments.resume is not None
    done = train(
        experiment, run_dir=arguments.resume or arguments.run_dir, resume=resume, progress=not arguments.quiet,
        overrides=overrides, worker=arguments.worker,
    )  # fmt: skip
    if done.interrupted:
        print(f"go on with: archgraph train {experiment} --resume {done.path}", file=sys.stderr)
        return 130
    if arguments.quiet:
        say(f"test: {figures(done.test)}")
        say(f"kept in {done.path}")
    return 0


def _launched(experiment: str, overrides: Mapping[str, Any], arguments: argparse.Namespace) -> int:
    """Several processes here: what can be wrong is found before they are started."""
    from archgraph.training import folder as folders
    from archgraph.training.experiment import load_experiment
    from archgraph.training.launching import launch
    from archgraph.training.planning import plan

    count, resume = arguments.workers, arguments.resume is not None
    addresses = [f"127.0.0.1:{number + 1}" for number in range(count)]  # any will do to see whether batches divide
    hardware = {"name": "several_machines", "workers": addresses}
    name = plan(load_experiment(experiment, {**overrides, "hardware": hardware})).experiment.name
    place = folders.find(name, arguments.resume or None) if resume else folders.create(name, arguments.run_dir)
    words = [word for value in arguments.values or () for word in ("--set", value)]
    words += ["--from", arguments.source] if arguments.source else []
    words += ["--epochs", str(arguments.epochs)] if arguments.epochs else []
    words += ["--quiet"] if arguments.quiet else []
    return launch(place, count, [experiment, *words], resume=resume, say=lambda text: print(text, file=sys.stderr))


def _experiment(name: str) -> str:
    """The experiment that is meant: the file itself, or the one beside a graph."""
    if not name.endswith(GRAPH):
        if Path(name).is_dir():
            raise Misused(f"{name!r} is a folder; name the experiment, and the run with --resume")
        return name
    beside = name.removesuffix(GRAPH) + EXPERIMENT
    if not Path(beside).is_file():
        hint = "write one, or begin with `archgraph new TEMPLATE --train`"
        raise GraphError(
            [Diagnostic("AG109", "", f"the graph has no experiment {Path(beside).name!r} beside it", hint, file=name)]
        )
    return beside
