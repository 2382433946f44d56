"""Logs for TensorBoard, written with TensorFlow alone: figures, distributions of weights, pictures."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archgraph.compiler import get_weights
from archgraph.document.files import replacing
from archgraph.training.data.base import Array
from archgraph.training.observers.base import Observer
from archgraph.training.watching import Tensorboard

if TYPE_CHECKING:
    from archgraph.training.loop import Training

_BUCKETS = 30
_MARK = "tfevents"
"""What TensorBoard knows its files by."""


class Events(Observer):
    """Writes event files. The parts of `tf.summary` that need the tensorboard package are not used."""

    def __init__(self, options: Tensorboard) -> None:
        self.options = options
        self.writer: Any = None

    def epoch_ended(self, training: "Training", row: Mapping[str, Any]) -> None:
        """Write the figures of the epoch and how weights are distributed."""
        epoch = int(row["epoch"])
        if self.writer is None:
            self._begin(training.folder.events, epoch)
        if epoch % self.options.every and epoch < training.settings.epochs:
            return
        with self.writer.as_default():
            for name, value in row.items():
                if name != "epoch":
                    write_scalar(name, float(value), epoch)
            if self.options.histograms:
                for path, values in _weights(training):
                    write_histogram(path, values, epoch)
        self.writer.flush()

    def ended(self, training: "Training") -> None:
        """Add what the run was, its scores, and its pictures."""
        if self.writer is None:
            self._begin(training.folder.events, training.epoch + 1)
        with self.writer.as_default():
            write_text("experiment", training.experiment.document.text, training.epoch)
            if self.options.images:
                for path in sorted(training.folder.path.glob("*.png")):
                    write_image(path.stem, path.read_bytes(), training.epoch)
        self.writer.close()

    def _begin(self, folder: Path, epoch: int) -> None:
        import tensorflow as tf

        folder.mkdir(exist_ok=True)
        keep_before(folder, epoch)
        self.writer = tf.summary.create_file_writer(str(folder))


def _weights(training: "Training") -> Iterator[tuple[str, Array]]:
    several = len(training.trainee.networks) > 1
    for role, network in training.trainee.networks.items():
        for path, values in get_weights(network).items():
            if values.size and np.isfinite(values).all():
                yield f"{role}/{path}" if several else path, values


def keep_before(folder: Path, epoch: int) -> None:
    """Leave of earlier logs what was written before `epoch`, in one file; a resumed run writes the rest again."""
    import tensorflow as tf

    old = sorted(path for path in folder.iterdir() if _MARK in path.name)
    records = [record.numpy() for path in old for record in tf.data.TFRecordDataset(str(path))]
    kept = [record for record in records if tf.compat.v1.Event.FromString(record).step < epoch]
    if kept and old:
        with replacing(old[0]) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
            for record in kept:
                writer.write(record)
    for path in old[1:] if kept else old:
        path.unlink()


# ---- what TensorBoard's plugins read


def write_scalar(name: str, value: float, step: int) -> None:
    """A number."""
    _write(name, "scalars", "DATA_CLASS_SCALAR", np.float32(value), step)


def write_histogram(name: str, values: Array, step: int) -> None:
    """A distribution: rows of left edge, right edge and count."""
    counts, edges = np.histogram(np.asarray(values, np.float64), bins=_BUCKETS)
    _write(name, "histograms", "DATA_CLASS_TENSOR", np.stack([edges[:-1], edges[1:], counts.astype(float)], -1), step)


def write_image(name: str, png: bytes, step: int) -> None:
    """A picture: width and height as text, then the file."""
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    _write(name, "images", "DATA_CLASS_BLOB_SEQUENCE", [str(width).encode(), str(height).encode(), png], step)


def write_text(name: str, text: str, step: int) -> None:
    """A text, shown as it is."""
    indented = "\n".join(f"    {line}" for line in text.splitlines())  # Markdown for code
    _write(name, "text", "DATA_CLASS_TENSOR", [indented.encode()], step)


def _write(name: str, plugin: str, kind: str, value: Any, step: int) -> None:
    import tensorflow as tf

    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = plugin
    metadata.data_class = metadata.DESCRIPTOR.fields_by_name["data_class"].enum_type.values_by_name[kind].number
    tf.summary.write(name, tf.constant(value), step=step, metadata=metadata)
