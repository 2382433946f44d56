"""A picture of what augmentation makes of a few training samples, as soon as there is one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.document.files import write_atomically
from archgraph.training.data.base import Array
from archgraph.training.generation.mosaic import as_pictures, mosaic, rows_of
from archgraph.training.observers.base import Observer
from archgraph.training.observers.nodes import chosen_samples

if TYPE_CHECKING:
    from archgraph.training.loop import Training

_SAMPLES = 8
_EPOCHS = 5


class Augmented(Observer):
    """Draws samples as they are, and below each what the first epochs make of it."""

    def epoch_ended(self, training: "Training", row: Mapping[str, Any]) -> None:
        """Draw once."""
        file = training.folder.picture("augmentation")
        if not file.is_file():
            picture = drawn(training)
            if picture is not None:
                write_atomically(file, picture)

    def ended(self, training: "Training") -> None:
        """Nothing more."""


def drawn(training: "Training") -> bytes | None:
    """The picture; None where no input is one."""
    train = training.dataset.train
    found = ((name, as_pictures(array[:1])) for name, array in train.inputs.items())
    name = next((name for name, picture in found if picture is not None), None)
    if name is None:
        return None
    chosen = chosen_samples(len(train), min(_SAMPLES, training.settings.batch_size))
    plain = np.asarray(train.inputs[name][chosen])
    rows = [plain, *(_changed(training, name, chosen, epoch) for epoch in range(_EPOCHS))]
    if any(row.shape != plain.shape for row in rows):
        rows = rows[1:]  # a crop leaves less
    pictures = as_pictures(rows_of(*rows))
    assert pictures is not None  # one of them is a picture
    low, high = float(plain.min()), float(plain.max())
    return mosaic(pictures, len(chosen), low=low, high=high if high > low else low + 1)


def _changed(training: "Training", name: str, chosen: Array, epoch: int) -> Array:
    inputs = next(training.feed.batches(chosen, epoch))[0]
    one = inputs[name] if isinstance(inputs, Mapping) else inputs
    return np.asarray(load_keras().ops.convert_to_numpy(one))
