"""``archgraph sample``: new pictures by the generator of a run."""

import argparse
from pathlib import Path

from archgraph.cli.arguments import positive
from archgraph.cli.output import say

EPILOG = """\
A .png file shows the pictures as a grid, a row for every ten steps of a way; an .npz file holds them as numbers,
together with the latents that they were drawn from. The same seed gives the same pictures.

examples:
  archgraph sample runs/dcgan-1 -o grid.png
  archgraph sample runs/cgan-1 --class 7 --count 16 -o sevens.png
  archgraph sample runs/dcgan-1 --interpolate --count 8 -o ways.png
  archgraph sample runs/stylegan-1 --truncation 0.5 --count 1000 -o samples.npz
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("run", metavar="RUN", help="the folder of an adversarial run")
    parser.add_argument("--count", metavar="N", type=positive, default=64, help="pictures, or ways (default 64)")
    parser.add_argument("--class", metavar="NAME", dest="category", help="draw this class only")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the latents (default 0)")
    parser.add_argument("--interpolate", action="store_true", help="show ways from one draw to another")
    text = "less variety, better pictures: psi of a truncation layer, or the largest normal latent"
    parser.add_argument("--truncation", metavar="X", type=float, help=text)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="a .png or .npz file")


def run(arguments: argparse.Namespace) -> int:
    """Draw; returns the exit status."""
    if Path(arguments.output).suffix.lower() not in (".png", ".npz"):
        from archgraph.cli import Misused

        raise Misused(f"{arguments.output!r} must end in .png or .npz")
    from archgraph.training import sample

    drawn = sample(
        arguments.run, arguments.count, category=arguments.category, seed=arguments.seed,
        interpolate=arguments.interpolate, truncation=arguments.truncation,
    )  # fmt: skip
    drawn.save(arguments.output)
    say(f"{len(drawn.outputs)} samples in {arguments.output}")
    return 0
