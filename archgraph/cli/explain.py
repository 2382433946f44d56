"""``archgraph explain``: what goes on inside a trained network, as pictures."""

import argparse
from pathlib import Path

from archgraph.cli.output import print_json, say

EPILOG = """\
Filters and feature maps, where attention looks, and which parts of a picture speak for the answer (Grad-CAM).
Without INPUT, the test samples that the run has kept are shown.

examples:
  archgraph explain runs/lenet5-1
  archgraph explain runs/lenet5-1 digit.png
  archgraph explain runs/resnet-1 photo.png --node stage3/2/conv2
  archgraph explain runs/translator-1 words.npz -o explained/
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("run", metavar="RUN", help="a run folder")
    text = "an .npz file without pickles, a CSV file, pictures, or a folder of pictures"
    parser.add_argument("inputs", metavar="INPUT", nargs="*", help=text)
    parser.add_argument("--node", metavar="PATH", default="", help="show this node (stage2/0/conv)")
    parser.add_argument("--role", metavar="ROLE", default="", help="which of several networks (default: the first)")
    parser.add_argument("-o", "--output", metavar="DIR", help="where to write (default: RUN/explained)")
    parser.add_argument("--json", action="store_true", help="a list of the files for machines")


def run(arguments: argparse.Namespace) -> int:
    """Explain; returns the exit status."""
    from archgraph.document.files import write_atomically
    from archgraph.training.explaining.run import explain

    given = arguments.inputs
    explained = explain(
        arguments.run, None if not given else given if len(given) > 1 else given[0], role=arguments.role
    )
    folder = Path(arguments.output) if arguments.output else Path(arguments.run) / "explained"
    drawn = explained.pictures(arguments.node)
    folder.mkdir(parents=True, exist_ok=True)
    ending = "_" + arguments.node.replace("/", ".") if arguments.node else ""
    files = []
    for name, png in drawn.items():
        path = folder / f"{name}{ending}.png"
        write_atomically(path, png)
        files.append(str(path))
    if arguments.json:
        print_json(files)
    else:
        for file in files:
            say(f"wrote {file}")
        if not files:
            say("nothing to show: the network has no filters on pictures, no maps and no attention")
    return 0
