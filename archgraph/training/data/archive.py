"""NumPy's .npz archives: file -> arrays, never unpickling anything."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.training.data.base import Array
from archgraph.training.data.idx import LARGEST_BYTES


def read_npz(path: Path) -> dict[str, Array]:
    """Every array of the archive by name; `Rejected` AG703 for anything that is not plain numbers or text."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > LARGEST_BYTES:
            hint = 'leave it on disk: "stream": true'
            raise Rejected("AG703", f"{path.name} unpacks to {size} bytes, more than {LARGEST_BYTES}", hint=hint)
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as loaded:
            return {name: _array(loaded, name, path) for name in loaded.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, MemoryError, OverflowError):
        raise Rejected("AG703", f"{path.name} is not an .npz archive, or is damaged") from None
    except OSError as error:
        raise Rejected("AG702", f"{path} cannot be read: {error.strerror or error}") from None


def _array(loaded: "np.lib.npyio.NpzFile", name: str, path: Path) -> Array:
    try:
        return np.asarray(loaded[name])
    except ValueError as error:
        if "pickle" not in str(error):
            raise Rejected("AG703", f"the array {name!r} of {path.name} is damaged: {error}") from None
        hint = f"save it as numbers: numpy.savez(…, {name}=numpy.stack(list_of_equal_arrays))"
        complaint = f"the array {name!r} of {path.name} holds Python objects, which could run code when loaded"
        raise Rejected("AG703", complaint, hint=hint) from None
