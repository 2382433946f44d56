"""Arrays that stay on disk: they know their shape and read the samples that are asked for, so memory stays bounded."""

import abc
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CHUNK = 1024
"""Most samples that are held at once where a whole set is gone through."""
_MOST_NUMBERS = 2_000_000
"""Most numbers that are."""


class Stored(abc.ABC):
    """An array of samples outside memory. Indexing it with a number, a slice or an array of numbers reads those."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)

    @abc.abstractmethod
    def read(self, indices: Array) -> Array:
        """The samples at `indices`, in that order. Many threads may call it at once."""

    @abc.abstractmethod
    def identity(self) -> str:
        """What changes when the files do: their names and sizes."""

    @property
    def ndim(self) -> int:
        """Number of axes, that of the samples included."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Array:
        if isinstance(key, slice):
            return self.read(np.arange(*key.indices(len(self))))
        if isinstance(key, int | np.integer):
            return cast(Array, self.read(np.array([range(len(self))[key]]))[0])
        chosen = np.asarray(key)
        return self.read(np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[:] if dtype is None else self[:].astype(dtype)

    def as_array(self) -> Array:
        """Itself, where the type checker wants an array."""
        return cast(Array, self)


def is_stored(values: Any) -> bool:
    """Whether an array stays on disk."""
    return isinstance(values, Stored)


def chunk_size(values: Array) -> int:
    """How many samples may be held at once."""
    return max(1, min(CHUNK, _MOST_NUMBERS // max(1, int(np.prod(values.shape[1:])))))


def chunks(values: Array, indices: Array | None = None) -> Iterator[Array]:
    """The samples at `indices` (default: all), some at a time. What is in memory is not copied."""
    size = chunk_size(values)
    for start in range(0, len(values) if indices is None else len(indices), size):
        yield values[start : start + size] if indices is None else values[indices[start : start + size]]
