"""What an augmentation is: a random change of training samples, drawn anew for every sample in every epoch."""

import abc
import inspect
from typing import Any, ClassVar, TypeVar, dataclass_transform

from archgraph.kinds import ListOf, Number, Text, optional
from archgraph.record import Record, param, record

T = TypeVar("T", bound="Augmentation")

AUGMENTATIONS: dict[str, type["Augmentation"]] = {}
"""Every augmentation by the name that an experiment uses."""


@record
class Augmentation(Record, abc.ABC):
    """A random change of training samples; what they are stays the same."""

    name: ClassVar[str]
    needs_picture: ClassVar[bool] = False
    """Whether samples must be of shape (height, width) or (height, width, channels)."""
    mixes: ClassVar[bool] = False
    """Whether two samples become one, and their targets too."""

    on: Any = param(
        optional(ListOf(Text(), shortest=1, longest=100)),
        "Inputs of the graph to change. Default: all that can be.",
        default=None,
    )
    share: float = param(Number(above=0, maximum=1), "Share of the samples that are changed.", default=1.0)

    def turns(self) -> dict[str, str]:
        """The symmetries that a label must have to survive the change, each with what the change does, in words."""
        return {}

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words."""
        return inspect.cleandoc(cls.__doc__ or "")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(param,))
def augmentation(cls: type[T]) -> type[T]:
    """Seal `cls` as a frozen record and list it under its name."""
    sealed = record(cls)
    if AUGMENTATIONS.setdefault(sealed.name, sealed) is not sealed:
        raise TypeError(f"the augmentation {sealed.name!r} is defined twice")
    return sealed
