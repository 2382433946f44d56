"""What the networks make after an epoch, kept as files: pictures and texts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archgraph.document.files import write_atomically
from archgraph.training.observers.base import Observer

if TYPE_CHECKING:
    from archgraph.training.loop import Training


class Samples(Observer):
    """Keeps what the trainee shows, every so many epochs, and after the last."""

    def __init__(self, every: int) -> None:
        self.every = every

    def epoch_ended(self, training: "Training", row: Mapping[str, Any]) -> None:
        """Keep it when it is time."""
        epoch = int(row["epoch"])
        if epoch % self.every and epoch < training.settings.epochs:
            return
        for name, content in training.trainee.shown(epoch):
            file = training.folder.sample(epoch, name)
            file.parent.mkdir(exist_ok=True)
            write_atomically(file, content)

    def ended(self, training: "Training") -> None:
        """Nothing more."""
