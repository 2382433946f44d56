"""Two graphs -> who plays what: latents of the generator, the picture that passes over, what both are told, scores."""

from collections.abc import Mapping
from typing import NamedTuple

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor

GENERATOR, DISCRIMINATOR = "generator", "discriminator"


class Players(NamedTuple):
    """Names of inputs and outputs by what they are for."""

    latents: tuple[str, ...]
    """Inputs of the generator that the objective draws."""
    conditions: tuple[str, ...]
    """Other inputs of the generator: columns of the data, such as a class. The discriminator may be told them too."""
    drawn: str
    """Output of the generator that is the picture."""
    picture: str
    """Input of the discriminator that takes it."""


def players(networks: Mapping[str, ShapedGraph]) -> Players:
    """Who plays what, by kinds and names. Raises `Rejected` AG701 where that is not clear."""
    generator, discriminator = networks[GENERATOR], networks[DISCRIMINATOR]
    entries = generator.graph.inputs
    latents = tuple(name for name, entry in entries.items() if entry.kind == "vector_latent")
    if not latents:
        complaint = f"the generator {generator.name} has no random input"
        hint = 'give an input "kind": "vector_latent"'
        raise Rejected("AG701", complaint, hint=hint, field=f"/graphs/{GENERATOR}")
    conditions = tuple(name for name in entries if name not in latents)
    seen = [name for name in discriminator.inputs if name not in conditions]
    if len(seen) != 1:
        what = "no input" if not seen else "the inputs " + " and ".join(map(repr, seen))
        complaint = f"the discriminator {discriminator.name} has {what} for the picture; it needs one"
        hint = "inputs for what both are told, such as a class, have the same name in both graphs"
        raise Rejected("AG701", complaint, hint=hint, field=f"/graphs/{DISCRIMINATOR}")
    return Players(latents, conditions, _drawn(generator, seen[0]), seen[0])


def _drawn(generator: ShapedGraph, picture: str) -> str:
    if picture in generator.outputs:
        return picture
    if len(generator.outputs) != 1:
        complaint = f"the generator {generator.name} has no output {picture!r}"
        hint = "it has: " + ", ".join(generator.outputs)
        raise Rejected("AG701", complaint, hint=hint, field=f"/graphs/{GENERATOR}")
    return next(iter(generator.outputs))


def told(networks: Mapping[str, ShapedGraph], found: Players) -> dict[str, Tensor]:
    """The picture and the conditions, as inputs that the data feeds."""
    generator, discriminator = networks[GENERATOR], networks[DISCRIMINATOR]
    conditions = {name: generator.inputs[name] for name in found.conditions}
    return {found.picture: discriminator.inputs[found.picture], **conditions}


def score_output(discriminator: ShapedGraph, chosen: str | None) -> str:
    """The output that tells real from drawn. Raises `Rejected` AG701 where there is none."""
    wanted = "real" if chosen is None else chosen
    if wanted in discriminator.outputs:
        return wanted
    if chosen is None and len(discriminator.outputs) == 1:
        return next(iter(discriminator.outputs))
    has = "it has: " + ", ".join(discriminator.outputs)
    if chosen is None:
        complaint = f"it is not clear which output of {discriminator.name} tells real from drawn pictures"
        raise Rejected("AG701", complaint, hint=f'say which: "real": …; {has}', field="/objective")
    complaint = f"the discriminator {discriminator.name} has no output {chosen!r}"
    raise Rejected("AG701", complaint, hint=has, field="/objective/real")


def fading(shaped: ShapedGraph) -> tuple[str, ...]:
    """Paths of the layers that come in gradually, those of small pictures first."""
    layers = [(node.leaf.outputs[0].shape, node.path) for node in shaped.walk() if node.leaf.primitive.op == "fade_in"]
    return tuple(path for _, path in sorted(layers, key=lambda layer: [int(str(size)) for size in layer[0][:-1]]))
