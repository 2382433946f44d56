"""A column on disk, preprocessed when it is read: what training sees of data larger than memory."""

import hashlib
from collections.abc import Callable

import numpy as np

from archgraph.training import preprocessing
from archgraph.training.data.base import Array, Column
from archgraph.training.data.stored import Stored
from archgraph.training.preprocessing import Fitted

_PROBED = 64
"""Samples that the fingerprint looks at."""


class Prepared(Stored):
    """Some samples of a column, after all steps."""

    def __init__(
        self, name: str, column: Column, indices: Array, fitted: tuple[Fitted, ...], bound: Callable[[Column], Array]
    ) -> None:
        """`bound` makes an array, as the graph takes it, of the column after all steps."""
        self.name, self.column, self.indices, self.fitted, self.bound = name, column, indices, fitted, bound
        first = self._at(np.zeros(1, np.int64)) if len(column.values) else bound(column)
        super().__init__((len(indices), *first.shape[1:]), first.dtype)

    def _at(self, raw: Array) -> Array:
        taken = {self.name: self.column.take(raw)}
        return self.bound(preprocessing.repeat(self.fitted, taken)[self.name])

    def read(self, indices: Array) -> Array:
        if not len(indices):
            return np.empty((0, *self.shape[1:]), self.dtype)
        return self._at(self.indices[indices])

    def identity(self) -> str:
        """The files, which samples these are, and the numbers of some of them."""
        raw = self.column.values
        digest = hashlib.sha256(np.ascontiguousarray(self.indices).tobytes())
        if len(self):
            some = np.unique(np.linspace(0, len(self) - 1, _PROBED).astype(np.int64))
            digest.update(np.ascontiguousarray(self.read(some)).tobytes())
        return f"{raw.identity() if isinstance(raw, Stored) else raw.shape} {digest.hexdigest()}"
