"""Pictures without their grid: some of the pixels, and a graph that says which of them are neighbours."""

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer
from archgraph.record import param
from archgraph.training.data.base import Array, Column, Samples, Source, Surroundings, source
from archgraph.training.data.digits import TEN, TERMS, load_digits


def laplacian_basis(places: Array, neighbours: int, frequencies: int) -> Array:
    """Eigenvectors of the normalised Laplacian of points (count, axes), smooth ones first: (count, frequencies).

    Each point is joined to its nearest `neighbours`, more weakly where they are further: exp(-d²/s²), s the mean
    distance to the furthest of them. L = I - D^(-1/2)·W·D^(-1/2) (Bruna et al. 2014, sections 2 and 3.1). The largest
    entry of each vector is positive: an eigenvector has no sign of its own.
    """
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    order = np.argsort(distances, axis=1, kind="stable")[:, 1 : neighbours + 1]
    rows = np.arange(len(places))[:, None]
    scale = distances[rows, order][:, -1].mean()
    weights = np.zeros_like(distances)
    weights[rows, order] = np.exp(-((distances[rows, order] / scale) ** 2))
    weights = np.maximum(weights, weights.T)
    degree = weights.sum(axis=1) ** -0.5
    _, vectors = np.linalg.eigh(np.eye(len(places)) - degree[:, None] * weights * degree[None])
    vectors = vectors[:, :frequencies]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(frequencies)]
    return np.asarray(vectors * np.sign(largest), np.float32)


@source
class PixelGraph(Source):
    """The small digits as signals on a graph: some pixels, drawn once from a fixed seed, each joined to its nearest.

    The basis holds the eigenvectors of the graph's Laplacian, the same ones for every digit.
    """

    name = "pixel_graph"
    licence = f"made from: {TERMS}"
    shape = "pixels (pixels, 1) from 0 to 16, basis (pixels, frequencies), label: 10 classes; 1,797 samples"

    pixels: int = param(Integer(8, 64), "Number of pixels that are kept, of 64.", default=48)
    frequencies: int = param(Integer(1, 64), "Number of eigenvectors, at most as many as pixels.", default=36)
    neighbours: int = param(Integer(1, 7), "To how many others each pixel is joined.", default=4)

    def read(self, around: Surroundings) -> Samples:
        if self.frequencies > self.pixels:
            complaint = f"a graph of {self.pixels} nodes has no {self.frequencies} eigenvectors"
            raise Rejected("AG703", complaint, hint=f"at most {self.pixels}", field="/frequencies")
        bunch = load_digits()
        kept = np.sort(np.random.default_rng(20).permutation(64)[: self.pixels])
        basis = laplacian_basis(np.stack(np.divmod(kept, 8), axis=-1), self.neighbours, self.frequencies)
        columns = {
            "pixels": Column(bunch.images.reshape(-1, 64)[:, kept, None].astype(np.float32)),
            "basis": Column(np.tile(basis, (len(bunch.images), 1, 1))),
            "label": Column(bunch.target.astype(np.int32), TEN),
        }
        return Samples(columns, inputs=("pixels", "basis"), targets=("label",), strata="label")
