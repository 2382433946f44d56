"""A run folder -> new pictures by its generator: at random, of one class, on the way from one to another."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archgraph.compiler import load_model
from archgraph.diagnostics import Diagnostic, GraphError, Rejected, nearest
from archgraph.training.data.base import Array
from archgraph.training.folder import RunFolder, read_json
from archgraph.training.generation import continuing, latents
from archgraph.training.generation.drawing import Drawer
from archgraph.training.generation.mosaic import mosaic
from archgraph.training.generation.players import GENERATOR
from archgraph.training.generation.source import PictureSource

_STEPS = 10


class Sampled(NamedTuple):
    """What a generator drew."""

    outputs: Array
    """As the generator gives them; axis 0 counts them."""
    pictures: Array | None
    """From 0 to 1, (count, height, width, 1 or 3); None where the outputs are no pictures."""
    inputs: Mapping[str, Array]
    """What they were drawn from."""
    columns: int
    """Pictures in a row of their grid."""

    def png(self) -> bytes:
        """The grid of the pictures. Raises `GraphError` AG703 where there are none."""
        if self.pictures is None:
            complaint = f"samples of shape {self.outputs.shape[1:]} are no pictures"
            raise GraphError([Diagnostic("AG703", "", complaint, "write them to an .npz file")])
        return mosaic(self.pictures, self.columns)

    def save(self, path: str | Path) -> None:
        """Write the grid to a .png file, or outputs and inputs to an .npz file. Raises `GraphError` AG703."""
        path = Path(path)
        if path.suffix.lower() == ".npz":
            arrays: dict[str, Any] = {"samples": self.outputs, **self.inputs}
            np.savez_compressed(path, **arrays)
        elif path.suffix.lower() == ".png":
            path.write_bytes(self.png())
        else:
            complaint = f"must be a .png or .npz file, got {path.name}"
            raise GraphError([Diagnostic("AG703", "", complaint, "", file=str(path))])


def sample(
    run: str | Path,
    count: int = 64,
    *,
    category: str | None = None,
    seed: int = 0,
    interpolate: bool = False,
    truncation: float | None = None,
    temperature: float = 1.0,
) -> Sampled:
    """Draw with the generator of an adversarial run, from a variational auto-encoder's prior, or number by number.

    Args:
        run: the run folder.
        count: how many; with `interpolate`: how many ways from one draw to another, each of ten pictures.
        category: name of the class to draw, where the generator is told one. Default: all in turn.
        seed: the same seed gives the same pictures.
        interpolate: show ways through latent space; normal latents turn on the sphere.
        truncation: less variety and better pictures: ψ of a generator with a truncation layer (Karras et al. 2019);
            otherwise normal latents beyond this are drawn again (Brock et al. 2019).
        temperature: what the logarithms of chances are divided by, where numbers are drawn one by one.

    Raises:
        GraphError: AG703 or AG704 when the run has no such generator or class.
    """
    trained = continuing.Trained(run)
    square = max(1, round(count**0.5))
    if trained.name in continuing.PICTURES:
        return Sampled(*continuing.pictures(trained, count, seed, temperature), {}, square)
    folder = trained.folder
    source = _source(folder)
    try:
        told = _told(source, count, category)
    except Rejected as rejected:
        raise GraphError([Diagnostic(rejected.code, "", rejected.message, rejected.hint, file=str(run))]) from None
    network = _network(folder)
    bounded = _truncated(network, truncation)
    if interpolate:
        inputs = _ways(source.latents, count, seed, bounded)
        inputs |= {name: np.repeat(values, _STEPS, axis=0) for name, values in told.items()}
    else:
        inputs = latents.drawn(source.latents, count, seed, bounded) | told
    outputs = Drawer(network, tuple(inputs), source.output).draw(inputs, seed)
    pictures = None if source.form is None else source.form.unit(outputs)
    classes = max(map(len, source.conditions.values()), default=0)
    columns = _STEPS if interpolate else classes if classes and category is None and classes <= 20 else square
    return Sampled(outputs, pictures, inputs, columns)


def _source(folder: RunFolder) -> PictureSource:
    described = read_json(folder.resolved).get("objective", {}).get("generator")
    if described is None:
        message = "the run has no generator to draw with"
        hint = 'sampling is for runs whose objective is "adversarial" or "semi_supervised_adversarial"'
        raise GraphError([Diagnostic("AG704", "", message, hint, file=str(folder.path))])
    return PictureSource.from_json(described)


def _network(folder: RunFolder) -> Any:
    for path in (folder.model_of(GENERATOR), folder.best_of(GENERATOR)):
        if path.is_file():
            try:
                return load_model(path, fused=True)
            except (ValueError, OSError, TypeError, KeyError) as error:
                message = f"Keras cannot load the model: {str(error)[:200]}"
                raise GraphError([Diagnostic("AG704", "", message, "", file=str(path))]) from error
    message = f"the folder holds no {folder.model_of(GENERATOR).name}"
    hint = "let the run finish, or resume it"
    raise GraphError([Diagnostic("AG704", "", message, hint, file=str(folder.path))])


def _told(source: PictureSource, count: int, category: str | None) -> dict[str, Array]:
    told = {}
    for name, classes in source.conditions.items():
        if not classes:
            raise Rejected("AG703", f"the generator takes {name!r}, which is no class: give it data of your own")
        chosen = np.arange(count) % len(classes)
        if category is not None:
            if category not in classes:
                hint = nearest(category, classes) or "known: " + ", ".join(classes[:20])
                raise Rejected("AG703", f"there is no class {category!r}", hint=hint)
            chosen = np.full(count, classes.index(category))
        told[name] = chosen.astype(np.int32)
    if category is not None and not told:
        raise Rejected("AG703", f"cannot draw the class {category!r}: the generator is told no class")
    return told


def _truncated(network: Any, truncation: float | None) -> float | None:
    """Set the layers that pull styles towards their mean; the bound of the latents, where there is no such layer."""
    layers = [layer for layer in network.layers if type(layer).__name__ == "Truncation"]
    if truncation is None or not layers:
        return truncation
    for layer in layers:
        layer.psi = truncation
    return None


def _ways(given: tuple[latents.Latent, ...], count: int, seed: int, bounded: float | None) -> dict[str, Array]:
    ends = latents.drawn(given, 2 * count, seed, bounded)
    return {one.name: latents.ways(one, ends[one.name], _STEPS) for one in given}
