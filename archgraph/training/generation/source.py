"""What one must know of a trained generator to draw with it: its random inputs, what it is told, and its pictures."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from archgraph.analysis.shaped import ShapedGraph
from archgraph.training.data.base import Samples
from archgraph.training.data.dataset import Dataset
from archgraph.training.generation.form import PictureForm, picture_form
from archgraph.training.generation.latents import Latent, latents_of
from archgraph.training.generation.players import GENERATOR, Players


class PictureSource(NamedTuple):
    """A generator, from outside."""

    output: str
    """The output that is the picture."""
    latents: tuple[Latent, ...]
    conditions: Mapping[str, tuple[str, ...]]
    """Other inputs, with the names of their classes; none for those that are no classes."""
    form: PictureForm | None
    """None where the output is no picture."""

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "output": self.output,
            "latents": [latent._asdict() for latent in self.latents],
            "conditions": {name: list(classes) for name, classes in self.conditions.items()},
            "picture": None if self.form is None else self.form._asdict(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        picture = value["picture"]
        return cls(
            value["output"],
            tuple(Latent(**{**latent, "shape": tuple(latent["shape"])}) for latent in value["latents"]),
            {name: tuple(classes) for name, classes in value["conditions"].items()},
            None if picture is None else PictureForm(tuple(picture["shape"]), picture["low"], picture["high"]),
        )


def source_of(
    networks: Mapping[str, ShapedGraph], players: Players, samples: Samples, dataset: Dataset
) -> PictureSource:
    """The generator of a plan, with the data that it learns to draw."""
    generator, columns = networks[GENERATOR], dataset.binding.inputs
    conditions = {
        name: samples.columns[columns[name]].classes if generator.inputs[name].dtype.startswith(("int", "uint")) else ()
        for name in players.conditions
    }
    real = dataset.train.inputs[players.picture]
    form = picture_form(real, samples.columns[columns[players.picture]].shape)
    return PictureSource(players.drawn, latents_of(generator), conditions, form)


def label_column(samples: Samples) -> str | None:
    """The column of class numbers that a classifier can learn."""
    named = [name for name, column in samples.columns.items() if len(column.classes) > 1 and column.shape == ()]
    return samples.strata if samples.strata in named else named[0] if named else None
