"""What an onlooker may see."""

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archgraph.training.loop import Training


class Observer(abc.ABC):
    """Looks at a run between epochs. Draws no random number from the run's streams and changes no variable.

    A resumed run calls `epoch_ended` again for epochs that were lost: what is written is replaced, not appended.
    """

    @abc.abstractmethod
    def epoch_ended(self, training: "Training", row: Mapping[str, Any]) -> None:
        """After every epoch, `row` being its line of metrics.csv."""

    @abc.abstractmethod
    def ended(self, training: "Training") -> None:
        """After the last epoch, when the networks have the weights that are kept."""
