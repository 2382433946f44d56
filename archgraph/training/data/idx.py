"""The IDX format of MNIST and its kin: bytes -> array, strictly."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.training.data.base import Array

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
LARGEST_BYTES = 8 * 2**30
"""Largest array that is read into memory."""


def read_idx(path: Path) -> Array:
    """The array in an IDX file, gzipped or not; `Rejected` AG703 unless it holds exactly what its header says."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            return _read(stream, path)  # type: ignore[arg-type]
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Rejected("AG703", f"{path.name} is damaged: its gzip data cannot be read to the end") from None
    except OSError as error:
        raise Rejected("AG702", f"{path} cannot be read: {error.strerror or error}") from None


def _read(stream: IO[bytes], path: Path) -> Array:
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or head[3] == 0:
        raise Rejected("AG703", f"{path.name} is not an IDX file: it begins with {head.hex(' ') or 'nothing'}")
    sizes = stream.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise Rejected("AG703", f"{path.name} ends within its header")
    shape = struct.unpack(f">{head[3]}I", sizes)
    dtype = np.dtype(_TYPES[head[2]])
    expected = math.prod(shape) * dtype.itemsize
    if expected > LARGEST_BYTES:
        raise Rejected("AG703", f"{path.name} claims {expected} bytes, more than {LARGEST_BYTES}")
    data = stream.read(expected + 1)
    if len(data) != expected:
        verb = "more" if len(data) > expected else "fewer"
        raise Rejected(
            "AG703", f"{path.name} holds {verb} bytes than its header says: {expected} for the shape {shape}"
        )
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
