"""What a preprocessing step is: a change to some columns, sample by sample, by what the training part taught it."""

import abc
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar, dataclass_transform

import numpy as np

from archgraph.kinds import ListOf, Text, optional
from archgraph.record import Record, param, record
from archgraph.training.data.base import Array, Column

T = TypeVar("T", bound="Step")

STEPS: dict[str, type["Step"]] = {}
"""Every preprocessing step by the name that an experiment uses."""

Learned = Mapping[str, Array]
"""What a step took from the training part: named arrays, empty for most steps."""


@record
class Step(Record, abc.ABC):
    """One change to some columns, sample by sample."""

    name: ClassVar[str]
    of_targets: ClassVar[bool] = False
    """Whether, left to itself, the step applies to the targets instead of the columns that feed the graph."""
    learns: ClassVar[bool] = False
    """Whether `learn` looks at the samples."""

    on: Any = param(
        optional(ListOf(Text(), shortest=1, longest=100)),
        "Columns to change. Default: those that feed the graph (one_hot: those that are learned).",
        default=None,
    )

    def learn(self, chunks: Iterable[Column]) -> Learned:
        """What `apply` needs from the training part, which comes some samples at a time. Default: nothing."""
        return {}

    @abc.abstractmethod
    def apply(self, column: Column, learned: Learned) -> Column:
        """The changed column, or `Rejected` AG703 where the step makes no sense for it."""

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words."""
        return inspect.cleandoc(cls.__doc__ or "")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(param,))
def step(cls: type[T]) -> type[T]:
    """Seal `cls` as a frozen record and list it under its name."""
    sealed = record(cls)
    if STEPS.setdefault(sealed.name, sealed) is not sealed:
        raise TypeError(f"the preprocessing step {sealed.name!r} is defined twice")
    return sealed


def floats(column: Column) -> Array:
    """The values of a column as float32."""
    return np.asarray(column.values, np.float32)
