"""What an objective is: which graphs take part, what the data has to give them, and what can be wrong with that."""

import abc
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.record import Record, param, record
from archgraph.shapes import Tensor
from archgraph.training.data.base import Samples
from archgraph.training.data.dataset import Dataset
from archgraph.training.fit import Fit

T = TypeVar("T", bound="Objective")

OBJECTIVES: dict[str, type["Objective"]] = {}
"""Every objective by the name that an experiment uses."""


class Face(NamedTuple):
    """What the graphs ask of the data: columns that feed `inputs`, and columns that `outputs` learn."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


@record
class Objective(Record, abc.ABC):
    """What training is to reach. How it is done stands in `archgraph.training.trainees`."""

    name: ClassVar[str]
    roles: ClassVar[Mapping[str, str]] = {}
    """What each of several graphs is for, by role; empty where there is one graph. The first is what a user wants."""
    optional: ClassVar[frozenset[str]] = frozenset()
    """Roles that an experiment may leave out."""
    takes_loss: ClassVar[bool] = False
    """Whether the experiment says what is minimised."""

    spreads: ClassVar[bool] = False
    """Whether a batch may be divided among several devices."""

    @property
    def needed(self) -> tuple[str, ...]:
        """Roles that an experiment must give."""
        return tuple(role for role in self.roles if role not in self.optional)

    @abc.abstractmethod
    def face(self, networks: Mapping[str, ShapedGraph]) -> Face:
        """What the data has to give."""

    @abc.abstractmethod
    def misfits(self, fit: Fit) -> Iterator[Rejected]:
        """Every complaint about data, graphs and settings together, its field below the experiment."""

    @abc.abstractmethod
    def quantities(self, fit: Fit) -> tuple[str, ...]:
        """Names of what an epoch measures, as they stand in metrics.csv."""

    def seen(self, dataset: Dataset, batch_size: int) -> Dataset:
        """What training sees of the data: all of it, unless the objective keeps something back."""
        return dataset

    def described(self, networks: Mapping[str, ShapedGraph], samples: Samples, dataset: Dataset) -> Mapping[str, Any]:
        """What one must know to use the finished networks, as JSON; kept in resolved.json."""
        return {}

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words, and the source."""
        return inspect.cleandoc(cls.__doc__ or "")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(param,))
def objective(cls: type[T]) -> type[T]:
    """Seal `cls` as a frozen record and list it under its name."""
    sealed = record(cls)
    if OBJECTIVES.setdefault(sealed.name, sealed) is not sealed:
        raise TypeError(f"the objective {sealed.name!r} is defined twice")
    return sealed
