"""Fashion-MNIST, from wherever the machine already has it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag
from archgraph.record import param
from archgraph.training.data.base import Array, Samples, Source, Surroundings, labelled, source
from archgraph.training.data.idx import read_idx

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
_CLOTHES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_FILES = tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))


@source
class FashionMnist(Source):
    """70,000 pictures of clothes in ten classes, 28x28 pixels from 0 to 255; 10,000 of them are the test part.

    Read from the folder ``fashion-mnist`` on the user's shelf (ARCHGRAPH_DATA), from Debian's package, or from Keras's
    cache. Only with ``"download": true`` may Keras fetch it.
    """

    name = "fashion_mnist"
    licence = "Xiao, Rasul & Vollgraf 2017, MIT"
    shape = "image (28, 28, 1) from 0 to 255, label: 10 classes; 60,000 + 10,000 samples"
    symmetric = frozenset({"mirrored"})
    extra = "apt-get install dataset-fashion-mnist"

    download: bool = param(Flag(), "Let Keras download the data when the machine does not have it.", default=False)

    def read(self, around: Surroundings) -> Samples:
        folder = next((f for f in _folders(around) if all((f / name).exists() for name in _FILES)), None)
        if folder is not None:
            return _samples(*(read_idx(folder / name) for name in _FILES))
        if self.download:
            return _downloaded()
        places = ", ".join(map(str, _folders(around)))
        hint = f'{self.extra}; or allow Keras to fetch it with "download": true'
        raise Rejected("AG702", f"Fashion-MNIST is in none of {places}", hint=hint)


def _folders(around: Surroundings) -> Iterator[Path]:
    if around.shelf is not None:
        yield around.shelf / "fashion-mnist"
    yield DEBIAN
    yield Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets" / "fashion-mnist"


def _downloaded() -> Samples:
    from archgraph.compiler.backend import load_keras

    try:
        (images, labels), (test_images, test_labels) = load_keras().datasets.fashion_mnist.load_data()
    except Exception as error:  # Keras raises bare Exception, and urllib's own, when a download fails
        raise Rejected("AG702", f"Keras could not fetch Fashion-MNIST: {error}", hint=FashionMnist.extra) from error
    return _samples(images, labels, test_images, test_labels)


def _samples(images: Array, labels: Array, test_images: Array, test_labels: Array) -> Samples:
    every: Any = np.concatenate([images, test_images])[..., None]
    test = np.arange(len(images), len(every))
    return labelled("image", every, np.concatenate([labels, test_labels]), _CLOTHES, test=test)
