"""Photographs that ship with a dependency, cut into patches."""

import importlib

import numpy as np

from archgraph.kinds import Integer
from archgraph.record import param
from archgraph.training.data.base import Column, Samples, Source, Surroundings, source


@source
class SampleImages(Source):
    """Two photographs, a temple and a flower, cut into square patches that do not overlap; nothing is labelled.

    The picture is both input and target: auto-encoders learn from it as it is.
    """

    name = "sample_images"
    licence = "CC-BY photographs; ship with scikit-learn (BSD-3-Clause)"
    shape = "image (size, size, 3) from 0 to 255; 2 photographs of 427x640"

    size: int = param(Integer(4, 128), "Height and width of a patch.", default=16, unit="pixels")

    def read(self, around: Surroundings) -> Samples:
        photographs = importlib.import_module("sklearn.datasets").load_sample_images().images
        patches = np.concatenate([self._patches(np.asarray(photograph)) for photograph in photographs])
        return Samples({"image": Column(patches)}, inputs=("image",), targets=("image",))

    def _patches(
        self, photograph: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"
    ) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
        rows, columns = (length // self.size for length in photograph.shape[:2])
        whole = photograph[: rows * self.size, : columns * self.size]
        grid = whole.reshape(rows, self.size, columns, self.size, 3).swapaxes(1, 2)
        return grid.reshape(-1, self.size, self.size, 3)
