"""``archgraph find-rate``: the range test of an experiment, as a plot and a suggestion."""

import argparse
import sys
from pathlib import Path

from archgraph.cli import Misused
from archgraph.cli.arguments import add_set, positive, settings
from archgraph.cli.output import print_json, say

EPILOG = """\
The learning rate grows by one factor from each batch to the next, from --lowest to --highest, until the loss diverges
(Smith 2017). The plot shows the loss over the rate. Train with a rate at which it still falls: the suggestion is a
tenth of that at which it is lowest. A cyclical schedule goes between the two. The experiment's own learning rate does
not matter, and nothing is kept but the plot.

examples:
  archgraph find-rate lenet5.train.json                 lenet5.rates.png beside the experiment
  archgraph find-rate lenet5.train.json -o rates.png
  archgraph find-rate lenet5.train.json --set optimizer=sgd --highest 100 --steps 300
"""
SUFFIX = ".train.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("experiment", metavar="FILE", help=f"an experiment (NAME{SUFFIX})")
    parser.add_argument("-o", "--output", metavar="PNG", help="where the plot goes (default: NAME.rates.png beside it)")
    parser.add_argument("--lowest", metavar="RATE", type=rate, default=1e-6, help="the first rate (default 1e-6)")
    parser.add_argument("--highest", metavar="RATE", type=rate, default=10.0, help="the last rate (default 10)")
    parser.add_argument("--steps", metavar="N", type=positive, default=100, help="batches, at least 10 (default 100)")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON, with every rate and loss")
    add_set(parser, "replace an entry of the file, by its dotted path; the value is JSON, or else text (repeatable)")


def rate(text: str) -> float:
    """A rate above 0 and at most 1000."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1000:
        raise argparse.ArgumentTypeError(f"must be a number above 0 and at most 1000, got {text!r}")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Find the rates; returns the exit status: 1 where the loss never fell."""
    if arguments.lowest >= arguments.highest:
        raise Misused(f"--lowest must be below --highest, got {arguments.lowest:g} and {arguments.highest:g}")
    if arguments.steps < 10:
        raise Misused(f"--steps must be at least 10, got {arguments.steps}")
    output = _output(arguments)
    from archgraph.document.files import write_atomically
    from archgraph.training.range_finder import find_rate

    found = find_rate(
        arguments.experiment, lowest=arguments.lowest, highest=arguments.highest, steps=arguments.steps,
        overrides=settings(arguments.values), progress=_progress if sys.stderr.isatty() else None,
    )  # fmt: skip
    write_atomically(output, found.picture())
    if arguments.json:
        print_json({
            "suggestion": found.suggestion, "steepest": found.steepest, "lowest_loss": found.highest,
            "diverged": found.diverged, "rates": found.rates, "losses": found.losses, "smoothed": found.smoothed,
        })  # fmt: skip
    elif found.suggestion is None:
        say("the loss never fell: the network does not learn at any of these rates")
    else:
        say(f"suggestion: {found.suggestion:.2g}")
        say(f"the loss falls fastest at {found.steepest:.2g} and is lowest at {found.highest:.2g}")
        if not found.diverged:
            say("it did not rise again: raise --highest to see where it does")
    if not arguments.json:
        say(f"plot: {output}")
    return 0 if found.suggestion is not None else 1


def _output(arguments: argparse.Namespace) -> Path:
    if arguments.output:
        output = Path(arguments.output)
        if output.suffix.lower() != ".png":
            raise Misused(f"--output must end in .png, got {arguments.output!r}")
        return output
    return Path(arguments.experiment.removesuffix(SUFFIX).removesuffix(".json") + ".rates.png")


def _progress(number: int, steps: int, now: float, loss: float) -> None:
    print(f"\r{number}/{steps}  rate {now:.2g}  loss {loss:.4g}   ", end="", file=sys.stderr, flush=True)
    if number == steps:
        print(file=sys.stderr)
