"""Data from the user's own files: .npz, CSV, a folder of images, IDX."""

import csv
import functools
import itertools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from archgraph.diagnostics import Rejected, nearest
from archgraph.kinds import AnyOf, Choice, Flag, Integer, ListOf, Text, optional
from archgraph.record import param
from archgraph.training.data.archive import read_npz
from archgraph.training.data.base import Array, Column, Samples, Source, Surroundings, labelled, source
from archgraph.training.data.idx import LARGEST_BYTES, read_idx
from archgraph.training.data.stored import is_stored
from archgraph.training.data.streams import Joined, Lines, Pictures, open_npy, open_npz, scan

NAMES = AnyOf(Text(), ListOf(Text(), shortest=1, longest=100))
STREAM_DOC = "Leave the data on disk and read each batch when it is needed: for sets larger than memory."
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")


def _several(names: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if names is None else (names,) if isinstance(names, str) else names


def is_class_numbers(values: Array) -> bool:
    """Whether `values` looks like one class number for each sample: non-negative integers, one axis."""
    return values.ndim == 1 and values.dtype.kind in "iu" and len(values) > 0 and int(values.min()) >= 0


def counted(values: Array) -> tuple[str, ...]:
    """Names for class numbers that have none: the numbers themselves."""
    return tuple(str(number) for number in range(int(values.max()) + 1))


# ---- .npz


@source
class Npz(Source):
    """Arrays from an ``.npz`` file, one column for each, all with the same first axis; never pickled objects.

    Files in the fashion of Keras (``x_train``, ``y_train``, ``x_test``, ``y_test``) give the columns ``x`` and ``y``
    and keep their test part; so do other names, if each has both parts.
    One-dimensional arrays of integers are class numbers.
    """

    name = "npz"
    licence = "the file's own"
    shape = "a column for each array of the file"

    file: str = param(Text(), "The .npz file.")
    targets: Any = param(
        optional(NAMES), "Columns to learn; all others are inputs. Default: y, label, labels or target.", default=None
    )

    stream: bool = param(Flag(), STREAM_DOC + " The file must not be compressed.", default=False)

    def read(self, around: Surroundings) -> Samples:
        path = around.find(self.file, "file")
        arrays = open_npz(path) if self.stream else read_npz(path)
        return self.samples(arrays)

    def samples(self, arrays: Mapping[str, Array]) -> Samples:
        """The samples that some arrays are."""
        test = None
        parted = _parted(arrays)
        if parted:
            arrays, test = _joined(arrays, parted)
        if not arrays or any(array.ndim == 0 for array in arrays.values()):
            raise Rejected("AG703", f"{self.file} must hold arrays with at least one axis", field="/file")
        counts = {name: len(array) for name, array in arrays.items()}
        if len(set(counts.values())) != 1:
            listed = ", ".join(f"{name}: {count}" for name, count in counts.items())
            raise Rejected("AG703", f"the arrays of {self.file} differ in their first axis ({listed})", field="/file")
        return self._samples({name: _column(name, array, self.file) for name, array in arrays.items()}, test)

    def _samples(self, columns: Mapping[str, Column], test: Array | None) -> Samples:
        targets = _several(self.targets) or tuple(n for n in ("y", "label", "labels", "target") if n in columns)[:1]
        for target in targets:
            if target not in columns:
                hint = nearest(target, columns) or "it has: " + ", ".join(columns)
                raise Rejected("AG703", f"{self.file} has no array {target!r}", hint=hint, field="/targets")
        strata = next((name for name in targets if columns[name].classes), "")
        inputs = tuple(name for name in columns if name not in targets)
        return Samples(columns, inputs, targets, strata, test)


def _parted(arrays: Mapping[str, Array]) -> tuple[str, ...]:
    """The names before ``_train`` and ``_test``, if all arrays come in such pairs or those of Keras are there."""
    names = tuple(name.removesuffix("_train") for name in arrays if name.endswith("_train"))
    if {"x", "y"} <= set(names) and {"x_test", "y_test"} <= set(arrays):
        return tuple(name for name in names if f"{name}_test" in arrays)
    return names if set(arrays) == {f"{name}_{part}" for name in names for part in ("train", "test")} else ()


def _joined(arrays: Mapping[str, Array], names: tuple[str, ...]) -> tuple[dict[str, Array], Array]:
    joined, counts = {}, {}
    for name in names:
        train, test = arrays[f"{name}_train"], arrays[f"{name}_test"]
        if train.shape[1:] != test.shape[1:] or train.ndim == 0:
            raise Rejected("AG703", f"{name}_train {train.shape} and {name}_test {test.shape} differ in shape")
        joined[name] = Joined([train, test]).as_array() if is_stored(train) else np.concatenate([train, test])
        counts[f"{name}_train"] = len(train)
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise Rejected("AG703", f"the arrays differ in their first axis ({listed})")
    first = names[0]
    return joined, np.arange(len(arrays[f"{first}_train"]), len(joined[first]))


def _column(name: str, array: Array, file: str) -> Column:
    if array.dtype.kind in "US":
        if array.ndim != 1:
            raise Rejected(
                "AG703", f"the array {name!r} of {file} holds text in {array.ndim} axes; only class names may be text"
            )
        classes, numbers = np.unique(array.astype(str), return_inverse=True)
        return Column(numbers.astype(np.int32), tuple(map(str, classes)))
    if array.dtype.kind not in "biuf":
        raise Rejected("AG703", f"the array {name!r} of {file} has the dtype {array.dtype}, which is not a number")
    return Column(array, counted(array) if is_class_numbers(array) else ())


@source
class NpyFolder(Npz):
    """Arrays from the ``.npy`` files of a folder, one column for each, all with the same first axis.

    Names of files are as those of arrays in an ``.npz`` file: ``x.npy`` and ``y.npy``, or ``x_train.npy`` and so on.
    """

    name = "npy_folder"
    shape = "a column for each file of the folder"

    file: str = param(Text(), "The folder.")
    stream: bool = param(Flag(), STREAM_DOC, default=True)

    def read(self, around: Surroundings) -> Samples:
        folder = around.find(self.file, "file")
        if not folder.is_dir():
            raise Rejected("AG703", f"{self.file} must be a folder", field="/file")
        arrays = {path.stem: open_npy(path) for path in sorted(folder.glob("*.npy"))}
        if not self.stream:
            arrays = {name: np.asarray(array) for name, array in arrays.items()}
        return self.samples(arrays)


# ---- CSV


@source
class Csv(Source):
    """A table in a CSV file: the target columns are learned, all others are the features, as one vector.

    For classification the target is text or whole numbers, one class for each distinct value, sorted. Feature columns
    hold numbers, except those named in `categorical`, which become one-hot.
    """

    name = "csv"
    licence = "the file's own"
    shape = "features (columns,), label: a class - or value (targets,)"

    file: str = param(Text(), "The CSV file, in UTF-8.")
    target: Any = param(
        NAMES, "Column to learn, or a list of them for regression; by name, or by number without header."
    )
    task: str = param(
        Choice("classification", "regression"), "Whether the target is a class or a number.", default="classification"
    )
    header: bool = param(Flag(), "Whether the first line names the columns.", default=True)
    delimiter: str = param(Choice(",", ";", "\t", "|", " "), "What stands between cells.", default=",")
    categorical: Any = param(
        optional(ListOf(Text(), shortest=1, longest=1000)),
        "Feature columns to turn into one-hot vectors.",
        default=None,
    )
    ignore: Any = param(optional(ListOf(Text(), shortest=1, longest=1000)), "Columns to leave out.", default=None)
    stream: bool = param(Flag(), STREAM_DOC + " A row must be one line.", default=False)

    def read(self, around: Surroundings) -> Samples:
        if self.stream:
            return self._streamed(around.find(self.file, "file"))
        names, rows = read_table(around.find(self.file, "file"), header=self.header, delimiter=self.delimiter)
        targets, kept = self._columns(names)
        categories = {name: sorted({row[names.index(name)] for _, row in rows}) for name in self.categorical or ()}
        about = {"features": kept, "categories": categories, "header": self.header, "delimiter": self.delimiter}
        features = table_features(names, rows, kept, categories, self.file)
        if self.task == "regression":
            joined = self._values(names, targets, rows)
            columns = {"features": Column(features), "value": Column(joined)}
            return Samples(columns, inputs=("features",), targets=("value",), about=about)
        position = names.index(targets[0])
        classes, labels = self._labels([row[position] for _, row in rows])
        return labelled("features", features, labels, classes, about=about)

    def _columns(self, names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """The targets, and the columns that are features."""
        targets = _several(self.target)
        for option, wanted in (("target", targets), ("categorical", self.categorical), ("ignore", self.ignore)):
            self._need_columns(names, wanted or (), option)
        if self.task == "classification" and len(targets) > 1:
            raise Rejected("AG703", "classification takes one target column, got several", field="/target")
        left_out = {*targets, *(self.ignore or ())}
        kept = [name for name in names if name not in left_out]
        if not kept:
            raise Rejected("AG703", f"{self.file} has no column left that could be a feature", field="/target")
        return targets, kept

    def _values(self, names: Sequence[str], targets: Sequence[str], rows: "Rows") -> Array:
        values = [_numbers(name, names.index(name), rows, self.file) for name in targets]
        return np.concatenate(values, axis=1) if len(values) > 1 else values[0][:, 0]

    def _streamed(self, path: Path) -> Samples:
        """The features stay in the file; what is learned, and where each row begins, is in memory."""
        kept: list[str] = []
        targets: tuple[str, ...] = ()
        learned: list[Any] = []
        categories: dict[str, set[str]] = {name: set() for name in self.categorical or ()}

        def look(names: list[str], line: int, cells: list[str]) -> None:
            nonlocal kept, targets
            if not kept:
                targets, kept = self._columns(names)
            for name, found in categories.items():
                found.add(cells[names.index(name)])
            if self.task == "regression":
                learned.append(self._values(names, targets, [(line, cells)])[0])
            else:
                learned.append(sys.intern(cells[names.index(targets[0])]))

        table = scan(path, header=self.header, delimiter=self.delimiter, look=look)
        known = {name: sorted(found) for name, found in categories.items()}
        about = {"features": kept, "categories": known, "header": self.header, "delimiter": self.delimiter}
        features = Lines(
            path, table, self.delimiter, lambda rows: table_features(table.names, rows, kept, known, self.file)
        ).as_array()
        if self.task == "regression":
            columns = {"features": Column(features), "value": Column(np.array(learned, np.float32))}
            return Samples(columns, inputs=("features",), targets=("value",), about=about)
        classes, labels = self._labels(learned)
        return labelled("features", features, labels, classes, about=about)

    def _need_columns(self, names: Sequence[str], wanted: Sequence[str], option: str) -> None:
        for name in wanted:
            if name not in names:
                hint = nearest(name, names) or "it has: " + ", ".join(names[:20])
                raise Rejected("AG703", f"{self.file} has no column {name!r}", hint=hint, field=f"/{option}")

    def _labels(self, cells: Sequence[str]) -> tuple[tuple[str, ...], Array]:
        order = sorted(set(cells), key=_as_sortable)
        code = {cell: number for number, cell in enumerate(order)}
        if len(order) < 2:
            raise Rejected("AG703", f"the target column holds only one class, {order[0]!r}", field="/target")
        if len(order) > max(100, len(cells) // 2):
            hint = 'for numbers to predict, set "task": "regression"'
            raise Rejected("AG703", f"the target column holds {len(order)} distinct values", hint=hint, field="/target")
        return tuple(order), np.array([code[cell] for cell in cells])


Rows = Sequence[tuple[int, Sequence[str]]]
"""Number of the line in the file, and its cells."""


def read_table(path: Path, *, header: bool = True, delimiter: str = ",") -> tuple[list[str], Rows]:
    """Column names (numbers where there is no header) and rows of a CSV file; `Rejected` AG703 for uneven rows."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(c.strip() for c in row)]
    except UnicodeDecodeError as error:
        raise Rejected("AG703", f"{path.name} is not UTF-8 at byte {error.start}", field="/file") from None
    except csv.Error as error:
        raise Rejected("AG703", f"{path.name} is not CSV: {error}", field="/file") from None
    except OSError as error:
        raise Rejected("AG702", f"{path} cannot be read: {error.strerror or error}", field="/file") from None
    if len(rows) < 2:
        raise Rejected("AG703", f"{path.name} must have at least two lines with cells, got {len(rows)}", field="/file")
    names = list(rows[0][1]) if header else [str(number) for number in range(len(rows[0][1]))]
    for line, row in rows:
        if len(row) != len(names):
            raise Rejected(
                "AG703", f"line {line} of {path.name} has {len(row)} cells, the first {len(names)}", field="/file"
            )
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        hint = 'is the first line data? then set "header": false'
        raise Rejected("AG703", f"{path.name} names two columns {twice!r}", hint=hint, field="/file")
    return names, rows[1:] if header else rows


def table_features(
    names: Sequence[str], rows: Rows, kept: Sequence[str], categories: Mapping[str, Sequence[str]], file: str
) -> Array:
    """The columns `kept` as one matrix of float32; those in `categories` become one-hot vectors of their categories."""
    parts = []
    for name in kept:
        position = names.index(name)
        if name in categories:
            cells = np.array([row[position] for _, row in rows])
            parts.append(np.asarray(cells[:, None] == np.array(categories[name])[None, :], np.float32))
        else:
            parts.append(_numbers(name, position, rows, file))
    return np.concatenate(parts, axis=1)


def _numbers(name: str, position: int, rows: Rows, file: str) -> Array:
    values = np.empty((len(rows), 1), np.float32)
    for index, (line, row) in enumerate(rows):
        try:
            values[index, 0] = float(row[position])
        except ValueError:
            values[index, 0] = np.nan
        if not np.isfinite(values[index, 0]):
            got = "an empty cell" if row[position] == "" else repr(row[position][:40])
            hint = f'name it in "categorical" or "ignore": ["{name}"], or mend the cell'
            complaint = f"line {line} of {file}, column {name!r}: must be a finite number, got {got}"
            raise Rejected("AG703", complaint, hint=hint, field="/file")
    return values


def _as_sortable(cell: str) -> tuple[int, float, str]:
    try:
        return (0, float(cell), cell)
    except ValueError:
        return (1, 0.0, cell)


# ---- images


@source
class ImageFolder(Source):
    """Pictures in folders, one folder for each class: ``cats/1.png``, ``dogs/1.png``.

    With two folders called ``train`` and ``test``, each holding the class folders, the test part is as given.
    """

    name = "image_folder"
    licence = "the files' own"
    shape = "image (height, width, channels) from 0 to 255, label: a class for each folder"

    file: str = param(Text(), "The folder.")
    size: Any = param(
        optional(ListOf(Integer(1, 4096), shortest=2, longest=2)),
        "Height and width to resize to. Default: the pictures must all have one size.",
        default=None,
        unit="pixels",
    )
    mode: str = param(Choice("grey", "rgb"), "One channel or three.", default="rgb")
    stream: bool = param(Flag(), STREAM_DOC + ' Needs "size".', default=False)

    def read(self, around: Surroundings) -> Samples:
        if self.stream and self.size is None:
            raise Rejected("AG210", "stream needs the size that all pictures are brought to", field="/stream")
        folder = around.find(self.file, "file")
        parts = [folder / "train", folder / "test"] if _has_parts(folder) else [folder]
        classes = tuple(sorted(child.name for child in parts[0].iterdir() if child.is_dir()))
        found = [
            (path, classes.index(path.parent.name)) for part in parts for path in _images(part, classes, self.file)
        ]
        if len(classes) < 2 or not found:
            complaint = (
                f"{self.file} must hold at least two folders of pictures, one for each class, got {len(classes)}"
            )
            raise Rejected("AG703", complaint, hint="known: " + " ".join(IMAGE_SUFFIXES), field="/file")
        in_test = np.array([path.parent.parent == folder / "test" for path, _ in found])
        test = np.flatnonzero(in_test) if len(parts) > 1 else None
        labels = np.array([label for _, label in found])
        if self.stream:
            shape = (*self.size, 1 if self.mode == "grey" else 3)
            one = functools.partial(read_image, mode=self.mode, size=self.size)
            images = Pictures([path for path, _ in found], shape, one).as_array()
        else:
            images = self._in_memory([path for path, _ in found])
        return labelled("image", images, labels, classes, test=test)

    def _in_memory(self, paths: Sequence[Path]) -> Array:
        images = [read_image(path, mode=self.mode, size=self.size) for path in paths]
        odd = next((i for i, image in enumerate(images) if image.shape != images[0].shape), None)
        if odd is not None:
            complaint = f"{paths[odd].name} has the shape {images[odd].shape}, {paths[0].name} {images[0].shape}"
            raise Rejected("AG703", complaint, hint='give a "size" to resize all to', field="/size")
        return np.stack(images)


def _has_parts(folder: Path) -> bool:
    if not folder.is_dir():
        raise Rejected("AG703", f"{folder.name} must be a folder", field="/file")
    return {child.name for child in folder.iterdir() if child.is_dir()} == {"train", "test"}


def _images(part: Path, classes: Sequence[str], file: str) -> list[Path]:
    strange = sorted({child.name for child in part.iterdir() if child.is_dir()} - set(classes))
    if strange:
        raise Rejected(
            "AG703", f"the test part of {file} has a class that the train part lacks: {strange[0]}", field="/file"
        )
    folders = (part / name for name in classes if (part / name).is_dir())
    found = itertools.chain.from_iterable(sorted(folder.iterdir()) for folder in folders)
    return [path for path in found if path.suffix.lower() in IMAGE_SUFFIXES]


def read_image(path: Path, *, mode: str, size: tuple[int, int] | None = None) -> Array:
    """One picture as uint8 (height, width, 1 or 3); `size` is (height, width)."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            picture = opened.convert("L" if mode == "grey" else "RGB")
            if size is not None and picture.size != (size[1], size[0]):
                picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
            values = np.asarray(picture, np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Rejected("AG703", f"the picture {path.name} cannot be read: {error}", field="/file") from None
    return values[..., None] if values.ndim == 2 else values


def picture_size(stream: IO[bytes], name: str) -> tuple[int, int]:
    """Width and height that a picture says it has, without unpacking it; `Rejected` AG703 for what is none."""
    from PIL import Image

    try:
        with Image.open(stream) as opened:
            return opened.size
    except (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError) as error:
        raise Rejected("AG703", f"the picture {name} cannot be read: {error}", field="/file") from None


# ---- IDX


@source
class Idx(Source):
    """Images and labels in the IDX format of MNIST, gzipped or not, with or without a test part."""

    name = "idx"
    licence = "the files' own"
    shape = "image (height, width, 1), label: a class"

    images: str = param(Text(), "File of the images.")
    labels: str = param(Text(), "File of the labels.")
    test_images: str | None = param(optional(Text()), "File of the test images.", default=None)
    test_labels: str | None = param(optional(Text()), "File of the test labels.", default=None)

    def read(self, around: Surroundings) -> Samples:
        images, labels = self._pair(around, self.images, self.labels, "")
        if self.test_images is None or self.test_labels is None:
            if self.test_images != self.test_labels:
                raise Rejected("AG210", "test_images and test_labels must be given together")
            return labelled("image", images, labels, counted(labels))
        test_images, test_labels = self._pair(around, self.test_images, self.test_labels, "test_")
        if test_images.shape[1:] != images.shape[1:]:
            complaint = f"the test images have the shape {test_images.shape[1:]}, the others {images.shape[1:]}"
            raise Rejected("AG703", complaint, field="/test_images")
        every = np.concatenate([labels, test_labels])
        test = np.arange(len(images), len(every))
        return labelled("image", np.concatenate([images, test_images]), every, counted(every), test=test)

    def _pair(self, around: Surroundings, images: str, labels: str, part: str) -> tuple[Array, Array]:
        pictures = read_idx(around.find(images, f"{part}images"))
        numbers = read_idx(around.find(labels, f"{part}labels"))
        if pictures.ndim < 2 or not is_class_numbers(numbers) or len(pictures) != len(numbers):
            complaint = f"must be images and one label for each, got {pictures.shape} and {numbers.shape}"
            raise Rejected("AG703", complaint, field=f"/{part}labels")
        return pictures[..., None] if pictures.ndim == 3 else pictures, numbers


__all__ = ["LARGEST_BYTES", "Csv", "Idx", "ImageFolder", "Npz", "read_image", "read_table"]
