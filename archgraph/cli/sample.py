"""``archgraph sample``: new pictures, texts and translations by the network of a run."""

import argparse
from pathlib import Path
from typing import Any

from archgraph.cli import Misused
from archgraph.cli.arguments import above_zero, positive
from archgraph.cli.output import say
from archgraph.document.files import write_atomically

EPILOG = """\
A .png file shows the pictures as a grid, a row for every ten steps of a way; an .npz file holds them as numbers,
together with the latents that they were drawn from. The same seed gives the same pictures.

A language model goes on from a prompt, and a translator says what the prompt is; both are printed.

examples:
  archgraph sample runs/dcgan-1 -o grid.png
  archgraph sample runs/vae_mnist-1 -o digits.png
  archgraph sample runs/char_lstm-1 --prompt "The " --temperature 0.6
  archgraph sample runs/letters_to_phonemes-1 --prompt network
  archgraph sample runs/cgan-1 --class 7 --count 16 -o sevens.png
  archgraph sample runs/dcgan-1 --interpolate --count 8 -o ways.png
  archgraph sample runs/stylegan-1 --truncation 0.5 --count 1000 -o samples.npz
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("run", metavar="RUN", help="a run folder")
    parser.add_argument("--count", metavar="N", type=positive, default=64, help="pictures, or ways (default 64)")
    parser.add_argument("--class", metavar="NAME", dest="category", help="draw this class only")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the latents (default 0)")
    parser.add_argument("--interpolate", action="store_true", help="show ways from one draw to another")
    text = "less variety, better pictures: psi of a truncation layer, or the largest normal latent"
    parser.add_argument("--truncation", metavar="X", type=float, help=text)
    parser.add_argument("--prompt", metavar="TEXT", help="what a text begins with, or what is to be translated")
    parser.add_argument("--symbols", metavar="N", type=positive, help="how much is written (default: as in training)")
    text = "what logarithms of chances are divided by: below 1 safer, above 1 wilder (default: as in training, or 1)"
    parser.add_argument("--temperature", metavar="T", type=above_zero, help=text)
    parser.add_argument("--top-k", metavar="K", type=positive, help="write only the K likeliest symbols")
    parser.add_argument("-o", "--output", metavar="FILE", help="a .png or .npz file for pictures, any other for text")


def run(arguments: argparse.Namespace) -> int:
    """Draw; returns the exit status."""
    from archgraph.training.generation.continuing import TEXTS, Trained

    trained = Trained(arguments.run)
    if trained.name in TEXTS:
        _tell(_text(arguments, trained), arguments.output)
        return 0
    if arguments.prompt is not None:
        raise Misused("a prompt is for runs whose objective is " + " or ".join(TEXTS))
    if Path(arguments.output or "").suffix.lower() not in (".png", ".npz"):
        raise Misused("pictures go to a file: --output must end in .png or .npz")
    from archgraph.training import sample

    drawn = sample(
        arguments.run, arguments.count, category=arguments.category, seed=arguments.seed,
        interpolate=arguments.interpolate, truncation=arguments.truncation, temperature=arguments.temperature or 1.0,
    )  # fmt: skip
    drawn.save(arguments.output)
    say(f"{len(drawn.outputs)} samples in {arguments.output}")
    return 0


def _text(arguments: argparse.Namespace, trained: Any) -> str:
    from archgraph.training.generation import continuing

    if trained.name == "language":
        options = (arguments.symbols, arguments.temperature, arguments.top_k, arguments.seed)
        return continuing.text(trained, arguments.prompt, *options)
    if arguments.prompt is None:
        raise Misused("a translator needs --prompt: what is to be translated")
    found = continuing.translations(trained, arguments.prompt)
    return "\n".join(f"{chance:6.1%}  {written}" for written, chance in found)


def _tell(text: str, output: str | None) -> None:
    if output is None:
        for line in text.splitlines():
            say(line)
    else:
        write_atomically(output, text + "\n")
