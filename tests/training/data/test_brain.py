"""The slices of a brain: how volumes are read, cut, labelled and kept apart. Small volumes stand for nilearn's."""

import gzip
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from archgraph.diagnostics import Rejected
from archgraph.training.data import SOURCES, Samples, Surroundings

SHAPE = (20, 24, 60)


def nifti(volume: NDArray[np.uint8], kind: int = 2) -> bytes:
    """A NIfTI-1 file of bytes: 348 bytes of header, 4 of extension flags, then x fastest."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<4h", header, 40, 3, *volume.shape)
    struct.pack_into("<2h", header, 70, kind, 8)
    struct.pack_into("<f", header, 108, 352)
    header[344:348] = b"n+1\0"
    return gzip.compress(bytes(header) + volume.tobytes(order="F"), mtime=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Volumes whose lower half in y is grey matter and upper half white matter, in slices 3 to 56."""
    grey, white = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    grey[:, :12, 3:57], white[:, 12:, 3:57] = 255, 255
    for kind, volume in (("t1", grey // 2 + white), ("gm", grey), ("wm", white)):
        (tmp_path / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz").write_bytes(nifti(volume))
    monkeypatch.setattr("archgraph.training.data.brain._folder", lambda: tmp_path)
    return tmp_path


def read(**options: Any) -> Samples:
    return SOURCES["mni152"].make(options).read(Surroundings())


def test_pictures_are_averaged_centred_and_labelled(folder: Path) -> None:
    given = read(scale=2, size=16, noise=0, drift=0, scans=1)
    image, label = given.columns["image"].values, given.columns["label"].values
    # 54 slices: three blocks of 12, each but the last followed by 6 that are left out, and what fits of the third
    assert image.shape == (36, 16, 16, 1) and label.shape == (36, 16, 16)
    expected = np.zeros((16, 16), int)
    expected[2:8, 3:13], expected[8:14, 3:13] = 2, 1  # 12 rows and 10 columns in the middle, the forehead above
    assert (label == expected).all()
    np.testing.assert_allclose(image[0, ..., 0], np.array([0, 127 / 255, 1])[expected], atol=1e-6)
    assert given.columns["label"].classes == ("background", "grey matter", "white matter")


def test_a_picture_may_be_smaller_than_the_slice(folder: Path) -> None:
    label = read(scale=1, size=16, scans=1).columns["label"].values
    assert (label[:, :8] == 2).all() and (label[:, 8:] == 1).all()


def test_blocks_of_neighbours_form_groups_and_every_scan_differs(folder: Path) -> None:
    given = read(size=16, scans=2)
    assert given.groups is not None
    assert np.bincount(given.groups).tolist() == [24, 24, 24]
    image = given.columns["image"].values
    assert not np.array_equal(image[0], image[1])
    assert (given.columns["label"].values[0] == given.columns["label"].values[1]).all()
    np.testing.assert_array_equal(image, read(size=16, scans=2).columns["image"].values)


def test_noise_and_drift_have_the_stated_size(folder: Path) -> None:
    still = read(scale=1, size=16, noise=0, drift=0, scans=1).columns["image"].values
    noisy = read(scale=1, size=16, noise=0.1, drift=0, scans=50).columns["image"].values
    white = noisy[:, :8] - 1
    assert abs(white.std() - 0.1) < 0.01
    drifting = read(scale=1, size=16, noise=0, drift=0.4, scans=20).columns["image"].values
    change = drifting[:, :8] / still[:1, :8] - 1
    assert 0.2 < np.abs(change).max() <= 0.4


@pytest.mark.parametrize(
    ("content", "code", "complaint"),
    [
        (b"no archive", "AG703", "damaged"),
        (nifti(np.zeros((2, 2, 2), np.uint8))[:40], "AG703", "damaged"),
        (gzip.compress(b"no header", mtime=0), "AG703", "not a NIfTI-1 file"),
        (nifti(np.zeros((2, 2, 2), np.uint8), kind=16), "AG703", "axes of bytes"),
        (nifti(np.zeros((2, 2, 2), np.uint8)), "AG703", "differ"),
        (None, "AG702", "cannot be read"),
    ],
)
def test_what_is_no_volume_is_refused(folder: Path, content: bytes | None, code: str, complaint: str) -> None:
    path = folder / "mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Rejected, match=complaint) as error:
        read()
    assert error.value.code == code


def test_without_nilearn_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    from importlib.metadata import PackageNotFoundError

    monkeypatch.setattr("archgraph.training.data.brain.distribution", missing)
    with pytest.raises(Rejected, match="needs the package nilearn") as error:
        read()
    assert (error.value.code, error.value.hint[:33]) == ("AG702", "pip install --no-deps nilearn (th")


@pytest.mark.skipif(find_spec("nilearn") is None, reason="needs: pip install --no-deps nilearn")
def test_the_template_itself_holds_all_three_tissues() -> None:
    given = read(scale=3, size=64, scans=1)
    label = given.columns["label"].values
    assert label.shape == (96, 64, 64)
    # a third of the picture is brain, with more grey than white matter
    background, grey, white = np.bincount(label.ravel()) / label.size
    assert 0.6 < background < 0.75 and 0.15 < white + 0.05 < grey < 0.25
