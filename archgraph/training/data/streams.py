"""Files larger than memory as arrays: rows of .npy and .npz, pictures, lines of CSV, read when they are needed."""

import csv
import itertools
import struct
import zipfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.training.data.base import Array
from archgraph.training.data.stored import Stored

_LOCAL_HEADER = 30
"""Bytes of a zip file's local header before the name."""


# ---- arrays


class Rows(Stored):
    """An array in a file, its samples one after another from an offset on."""

    def __init__(self, path: Path, offset: int, shape: tuple[int, ...], dtype: Any) -> None:
        super().__init__(shape, dtype)
        self.path, self.offset = path, offset
        self._row = int(np.prod(shape[1:])) * self.dtype.itemsize

    def read(self, indices: Array) -> Array:
        order = np.argsort(indices, kind="stable")
        rising = np.asarray(indices)[order]
        values = np.empty((len(rising), *self.shape[1:]), self.dtype)
        starts = np.flatnonzero(np.diff(rising, prepend=-2) != 1)
        with self.path.open("rb", buffering=0) as stream:
            for start, end in itertools.pairwise([*starts, len(rising)]):
                stream.seek(self.offset + int(rising[start]) * self._row)
                self._fill(stream, values[start:end].reshape(-1).view(np.uint8).data)
        placed = np.empty_like(values)
        placed[order] = values
        return placed

    def _fill(self, stream: IO[bytes], room: memoryview) -> None:
        while room:
            count: int = stream.readinto(room)  # type: ignore[attr-defined]
            if not count:
                raise Rejected("AG703", f"{self.path.name} ends before the samples that its header tells of")
            room = room[count:]

    def identity(self) -> str:
        return f"{self.path.name} {self.path.stat().st_size} {self.offset}"


class Joined(Stored):
    """Arrays one after another, as one."""

    def __init__(self, parts: Sequence[Array]) -> None:
        super().__init__((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
        self.parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def read(self, indices: Array) -> Array:
        values = np.empty((len(indices), *self.shape[1:]), self.dtype)
        of = np.searchsorted(self._ends, indices, side="right")
        for number, part in enumerate(self.parts):
            chosen = np.flatnonzero(of == number)
            values[chosen] = part[np.asarray(indices)[chosen] - (self._ends[number] - len(part))]
        return values

    def identity(self) -> str:
        return " ".join(part.identity() if isinstance(part, Stored) else str(part.shape) for part in self.parts)


def open_npy(path: Path) -> Array:
    """The array of a .npy file, on disk; in memory where each sample is one number."""
    try:
        with path.open("rb") as stream:
            return _opened(stream, path, path.name)
    except OSError as error:
        raise Rejected("AG702", f"{path} cannot be read: {error.strerror or error}") from None


def open_npz(path: Path) -> dict[str, Array]:
    """The arrays of an .npz file that is not compressed, on disk."""
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
            return {entry.filename.removesuffix(".npy"): _member(entry, stream, path) for entry in archive.infolist()}
    except (zipfile.BadZipFile, struct.error):
        raise Rejected("AG703", f"{path.name} is not an .npz archive, or is damaged") from None
    except OSError as error:
        raise Rejected("AG702", f"{path} cannot be read: {error.strerror or error}") from None


def _member(entry: zipfile.ZipInfo, stream: IO[bytes], path: Path) -> Array:
    if entry.compress_type != zipfile.ZIP_STORED:
        hint = "save it with numpy.savez instead of savez_compressed, or leave out stream"
        raise Rejected("AG703", f"{path.name} is compressed, so it cannot be read piece by piece", hint=hint)
    stream.seek(entry.header_offset)
    head = stream.read(_LOCAL_HEADER)
    name, extra = struct.unpack_from("<2H", head, 26)
    stream.seek(entry.header_offset + _LOCAL_HEADER + name + extra)
    return _opened(stream, path, f"{entry.filename} of {path.name}")


def _opened(stream: IO[bytes], path: Path, name: str) -> Array:
    try:
        version = np.lib.format.read_magic(stream)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = reader(stream)
    except ValueError as error:
        raise Rejected("AG703", f"{name} is not a NumPy array, or is damaged: {error}") from None
    if dtype.hasobject:
        raise Rejected("AG703", f"{name} holds Python objects, which could run code when loaded")
    if by_columns and len(shape) > 1:
        hint = "save numpy.ascontiguousarray(…) of it"
        raise Rejected("AG703", f"{name} is kept by columns, so samples do not lie together", hint=hint)
    if len(shape) < 2:
        values = np.fromfile(stream, dtype, int(np.prod(shape))).reshape(shape)
        return values.astype(dtype.newbyteorder("="))
    return Rows(path, stream.tell(), shape, dtype).as_array()


# ---- pictures


class Pictures(Stored):
    """Pictures in files of their own, brought to one size when they are read."""

    def __init__(self, paths: Sequence[Path], shape: tuple[int, int, int], read: Callable[[Path], Array]) -> None:
        super().__init__((len(paths), *shape), np.uint8)
        self.paths, self._read = paths, read

    def read(self, indices: Array) -> Array:
        values = np.empty((len(indices), *self.shape[1:]), np.uint8)
        for place, index in enumerate(indices):
            values[place] = self._read(self.paths[int(index)])
        return values

    def identity(self) -> str:
        names = [f"{path.parent.name}/{path.name}" for path in self.paths]
        return " ".join(names)


# ---- CSV


class Table(NamedTuple):
    """What a scan of a CSV file found, without its cells."""

    names: list[str]
    offsets: "array[int]"
    """Where each row begins, in bytes."""
    lines: "array[int]"
    """The number of its line."""


def scan(path: Path, *, header: bool, delimiter: str, look: Callable[[list[str], int, list[str]], None]) -> Table:
    """Go through a CSV file once, a line for each row; `look` sees the names, the line's number, and its cells.

    `Rejected` with AG703 for uneven rows and for cells over several lines, AG702 when the file cannot be read.
    """
    table = Table([], array("q"), array("q"))
    try:
        with path.open("rb") as stream:
            for offset, line, cells in _lines(stream, path, delimiter):
                if not table.names:
                    table.names.extend(cells if header else map(str, range(len(cells))))
                    if header:
                        continue
                if len(cells) != len(table.names):
                    told = f"line {line} of {path.name} has {len(cells)} cells, the first {len(table.names)}"
                    raise Rejected("AG703", told, field="/file")
                table.offsets.append(offset)
                table.lines.append(line)
                look(table.names, line, cells)
    except OSError as error:
        raise Rejected("AG702", f"{path} cannot be read: {error.strerror or error}", field="/file") from None
    if len(table.offsets) < 2:
        raise Rejected("AG703", f"{path.name} must have at least two rows, got {len(table.offsets)}", field="/file")
    if len(set(table.names)) != len(table.names):
        raise Rejected("AG703", f"{path.name} names two columns alike", field="/file")
    return table


def _lines(stream: IO[bytes], path: Path, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    offset = 0
    for line, raw in enumerate(stream, 1):
        cells = cells_of(raw, path, line, delimiter)
        if any(cells):
            yield offset, line, cells
        offset += len(raw)


def cells_of(raw: bytes, path: Path, line: int, delimiter: str) -> list[str]:
    """The cells of one line."""
    try:
        text = raw.decode("utf-8-sig" if line == 1 else "utf-8")
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except UnicodeDecodeError:
        raise Rejected("AG703", f"{path.name} is not UTF-8 in line {line}", field="/file") from None
    except csv.Error as error:
        hint = 'leave out "stream" where cells go over several lines'
        raise Rejected(
            "AG703", f"line {line} of {path.name} is no row of CSV: {error}", hint=hint, field="/file"
        ) from None
    return [cell.strip() for cell in rows[0]] if rows else []


class Lines(Stored):
    """The features of a CSV file, read line by line when they are needed."""

    def __init__(
        self, path: Path, table: Table, delimiter: str, features: Callable[[Sequence[tuple[int, list[str]]]], Array]
    ) -> None:
        self.path, self.table, self.delimiter, self._features = path, table, delimiter, features
        self._offsets = np.frombuffer(table.offsets, np.int64)
        first = self._at(np.zeros(1, np.int64))
        super().__init__((len(table.offsets), *first.shape[1:]), first.dtype)

    def read(self, indices: Array) -> Array:
        if not len(indices):
            return np.empty((0, *self.shape[1:]), self.dtype)
        return self._at(indices)

    def _at(self, indices: Array) -> Array:
        rows: list[tuple[int, list[str]]] = [(0, [])] * len(indices)
        with self.path.open("rb") as stream:
            for place in np.argsort(indices, kind="stable"):
                number = int(indices[place])
                stream.seek(int(self._offsets[number]))
                line = self.table.lines[number]
                rows[place] = (line, cells_of(stream.readline(), self.path, line, self.delimiter))
        return self._features(rows)

    def identity(self) -> str:
        return f"{self.path.name} {self.path.stat().st_size}"


Categories = Mapping[str, Sequence[str]]
