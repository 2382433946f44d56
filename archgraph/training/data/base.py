"""What a source of data is, and what it gives: named columns of samples, before any split."""

import abc
import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar, dataclass_transform

import numpy as np
from numpy.typing import NDArray

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Integer, ListOf, Number, optional
from archgraph.record import Record, param, record

S = TypeVar("S", bound="Source")
Array = NDArray[Any]

SOURCES: dict[str, type["Source"]] = {}
"""Every source by the name that an experiment uses."""


SYMMETRIES = ("mirrored", "upside_down", "half_turn", "quarter_turn")
"""Ways to turn a picture."""


@dataclass(frozen=True, slots=True)
class Column:
    """One quantity of every sample; axis 0 counts the samples.

    `classes` names the classes, for a column of class numbers (``0 .. len(classes) - 1``) or of their one-hot vectors.
    """

    values: Array
    classes: tuple[str, ...] = ()

    def take(self, indices: Array) -> "Column":
        """The same quantity of some of the samples."""
        return Column(self.values[indices], self.classes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.values.shape[1:]


@dataclass(frozen=True, slots=True)
class Samples:
    """Raw samples. Columns in `inputs` feed the graph and those in `targets` are learned, unless told otherwise."""

    columns: Mapping[str, Column]
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    strata: str = ""
    """The column of class numbers whose classes every part holds in equal shares; empty: none."""
    test: Array | None = None
    """Indices that the source itself sets aside for testing; None: a share chosen by the split."""
    gap: int | None = None
    """Neighbours overlap: parts are runs of neighbours, this many samples apart. None: samples are independent."""
    groups: Array | None = None
    """A number for each sample; those that share it are alike and stay in one part. None: samples are independent."""
    masks: Mapping[str, Array] = field(default_factory=dict)
    """For data that is one graph: which of its nodes belong to ``train``, ``validation`` and ``test``, 0 or 1 each."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What prediction must know to read other files in the same way, as JSON."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())).values)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a source may look: the folder of the experiment file, and the user's data folder, if there is one."""

    folder: Path = field(default_factory=Path)
    shelf: Path | None = field(default_factory=lambda: _shelf())

    def find(self, name: str, option: str) -> Path:
        """The file or folder called `name`: as it stands if absolute, else beside the experiment, else on the shelf."""
        tried = [base / name for base in (self.folder, self.shelf) if base is not None]
        for path in tried:
            if path.exists():
                return path
        places = " nor ".join(str(path) for path in dict.fromkeys(tried))
        hint = "paths are relative to the experiment file, or to the folder named by ARCHGRAPH_DATA"
        raise Rejected("AG702", f"there is no {places}", hint=hint, field=f"/{option}")


def _shelf() -> Path | None:
    named = os.environ.get("ARCHGRAPH_DATA")
    return Path(named).expanduser() if named else None


@record
class Source(Record, abc.ABC):
    """A named place that data comes from, with its options as fields."""

    name: ClassVar[str]
    licence: ClassVar[str]
    """Where the data comes from and under which terms."""
    shape: ClassVar[str]
    """Columns and sizes in words, for listings."""
    extra: ClassVar[str] = ""
    """What to install when the source needs more than the base installation."""

    symmetric: ClassVar[frozenset[str] | None] = None
    """Ways to turn a sample that leave its label right, where that is known."""

    test: float = param(
        Number(above=0, below=1), "Share of the samples kept for testing, where the data has no test part.", default=0.2
    )
    subset: int | None = param(
        optional(Integer(2)), "Use at most this many samples, every class in its share.", default=None
    )
    split_seed: int = param(
        Integer(0), "Seed of the splits; apart from the experiment's seed, so that runs stay comparable.", default=0
    )

    symmetries: Any = param(
        optional(ListOf(Choice(*SYMMETRIES), longest=4)),
        "Ways to turn a picture that leave its label right, so that augmentation does not warn of them. Default: what "
        "is known of the data, or else what the names of the classes tell.",
        default=None,
    )

    def kept_by(self) -> frozenset[str] | None:
        """Ways to turn a sample that leave its label right; None: not known."""
        return self.symmetric if self.symmetries is None else frozenset(self.symmetries)

    @abc.abstractmethod
    def read(self, around: Surroundings) -> Samples:
        """The samples, always in the same order. `Rejected` with AG702 or AG703 when that is impossible."""

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words."""
        return inspect.cleandoc(cls.__doc__ or "")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(param,))
def source(cls: type[S]) -> type[S]:
    """Seal `cls` as a frozen record and list it under its name."""
    sealed = record(cls)
    if SOURCES.setdefault(sealed.name, sealed) is not sealed:
        raise TypeError(f"the data set {sealed.name!r} is defined twice")
    return sealed


def labelled(inputs: str, values: Array, labels: Array, classes: tuple[str, ...], **rest: Any) -> Samples:
    """The commonest form: one input column, one column ``label`` of class numbers."""
    columns = {inputs: Column(values), "label": Column(labels.astype(np.int32), classes)}
    return Samples(columns, inputs=(inputs,), targets=("label",), strata="label", **rest)
