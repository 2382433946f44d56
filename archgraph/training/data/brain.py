"""Slices of a brain, with its tissues mapped: the MNI152 template that ships with nilearn."""

import gzip
import struct
import zlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer, Number
from archgraph.record import param
from archgraph.training.data.base import Array, Column, Samples, Source, Surroundings, source

TISSUES = ("background", "grey matter", "white matter")
_BLOCK, _GAP = 12, 6
"""Slices that stay together, and slices left out between two blocks: neighbours are near-copies."""
_LEAST = 0.02
"""Share of a slice that must be brain; the slices at the top and at the bottom show none."""
_HEADER = 348


@source
class Mni152(Source):
    """Horizontal slices of an average brain (MRI), every pixel labelled background, grey matter or white matter.

    The average of 152 people is so clean that brightness alone tells the tissues apart. So each picture gets, from a
    fixed seed, what a scanner adds to a single person: brightness that drifts across it, and Rician noise (Gudbjartsson
    & Patz 1995). Slices 1 mm apart are near-copies: blocks of 12 stay in one part, and 6 between blocks are left out.
    nilearn itself, and what it needs, is not imported.
    """

    name = "mni152"
    licence = (
        "Fonov et al. 2011, ICBM 2009a symmetric; copyright of the McConnell Brain Imaging Centre, McGill University, "
        "free to use and to copy with its notice; ships with nilearn (BSD-3-Clause)"
    )
    shape = "image (size, size, 1) from 0 to about 1, label (size, size): 3 tissues; about 100 slices"
    extra = "pip install --no-deps nilearn"

    scale: int = param(Integer(1, 8), "Width of a pixel: as many voxels are averaged.", default=2, unit="mm")
    size: int = param(Integer(16, 240), "Height and width of a picture, around the middle.", default=96, unit="pixels")
    noise: float = param(Number(0, 1), "Standard deviation of the noise; white matter is about 0.85.", default=0.15)
    drift: float = param(Number(0, below=1), "Largest change of brightness, as a share of it.", default=0.3)

    scans: int = param(Integer(1, 100), "Pictures of each slice, every one with its own drift and noise.", default=4)

    def read(self, around: Surroundings) -> Samples:
        folder = _folder()
        bright, grey, white = (_volume(folder / _FILE.format(kind)) for kind in ("t1", "gm", "wm"))
        if not bright.shape == grey.shape == white.shape:
            raise Rejected("AG703", f"the volumes of {folder} differ: {bright.shape}, {grey.shape}, {white.shape}")
        chosen = np.flatnonzero(((grey + white) > 0.5).mean(axis=(0, 1)) >= _LEAST)
        numbers = np.arange(len(chosen))
        kept, blocks = numbers % (_BLOCK + _GAP) < _BLOCK, numbers // (_BLOCK + _GAP)
        image, first, second = (self._slices(volume[:, :, chosen[kept]]) for volume in (bright, grey, white))
        labels = np.stack([1 - first - second, first, second]).argmax(axis=0)
        again = np.repeat(np.arange(len(labels)), self.scans)
        columns = {
            "image": Column(self._scanned(image[again])[..., None]),
            "label": Column(labels[again].astype(np.int32), TISSUES),
        }
        return Samples(columns, inputs=("image",), targets=("label",), groups=blocks[kept][again])

    def _slices(self, volume: Array) -> Array:
        """Pictures (slices, size, size), with averaged pixels, from a volume (left to right, back to front, slices)."""
        x, y, count = (*(length // self.scale for length in volume.shape[:2]), volume.shape[2])
        whole = volume[: x * self.scale, : y * self.scale].reshape(x, self.scale, y, self.scale, count)
        pictures = np.flip(whole.mean(axis=(1, 3)).transpose(2, 1, 0), axis=1)  # the forehead above
        for axis in (1, 2):
            pictures = _centred(pictures, axis, self.size)
        return np.asarray(pictures)

    def _scanned(self, pictures: Array) -> Array:
        drawn, count = np.random.default_rng(23), len(pictures)
        place = np.linspace(-1, 1, self.size)
        slopes = drawn.uniform(-1, 1, (2, count))
        field = slopes[0][:, None, None] * place[None, :, None] + slopes[1][:, None, None] * place[None, None, :]
        signal = pictures * (1 + self.drift * field / 2)
        real, imaginary = drawn.normal(0, self.noise, (2, *pictures.shape))
        return np.asarray(np.hypot(signal + real, imaginary), np.float32)


_FILE = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"


def _folder() -> Path:
    """Where nilearn keeps the volumes; found without importing it."""
    try:
        return Path(str(distribution("nilearn").locate_file("nilearn/datasets/data")))
    except PackageNotFoundError:
        hint = f"{Mni152.extra} (three files of it are read, so nothing that it depends on is needed)"
        raise Rejected("AG702", "the data set 'mni152' needs the package nilearn", hint=hint) from None


def _volume(path: Path) -> Array:
    """The volume of a NIfTI-1 file of bytes, from 0 to 1, indexed x, y, z."""
    try:
        data = gzip.decompress(path.read_bytes())
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise Rejected("AG703", f"{path.name} is cut off or damaged", hint=Mni152.extra) from None
    except OSError as error:
        raise Rejected("AG702", f"{path} cannot be read: {error.strerror or error}", hint=Mni152.extra) from None
    if len(data) < _HEADER or data[344:348] != b"n+1\0" or struct.unpack_from("<ihh", data, 0)[0] != _HEADER:
        raise Rejected("AG703", f"{path.name} is not a NIfTI-1 file in little-endian order")
    axes, *shape = struct.unpack_from("<4h", data, 40)
    kind, bits = struct.unpack_from("<2h", data, 70)
    start = int(struct.unpack_from("<f", data, 108)[0])
    size = int(np.prod(shape))
    if (axes, kind, bits) != (3, 2, 8) or min(shape) < 1 or len(data) < start + size:
        raise Rejected("AG703", f"{path.name} must hold three axes of bytes, got {axes} axes of type {kind}: {shape}")
    voxels = np.frombuffer(data, np.uint8, size, start)
    return np.asarray(voxels.reshape(shape, order="F") / np.float32(255), np.float32)


def _centred(pictures: Array, axis: int, size: int) -> Array:
    """The middle `size` pixels along an axis, with zeros around where there are fewer."""
    have = pictures.shape[axis]
    low = (have - size) // 2
    pad = [(0, 0)] * pictures.ndim
    pad[axis] = (max(-low, 0), max(size - have + low, 0))
    start = max(low, 0)
    return np.pad(pictures, pad).take(np.arange(start, start + size), axis=axis)
