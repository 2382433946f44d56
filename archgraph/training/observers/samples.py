"""What the networks make after an epoch, kept as files: pictures and texts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archgraph.document.files import write_atomically
from archgraph.training.generation.film import film
from archgraph.training.observers.base import Observer

if TYPE_CHECKING:
    from archgraph.training.loop import Training


class Samples(Observer):
    """Keeps what the trainee shows, every so many epochs, and after the last; at the end a film of each picture."""

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
        """Join the pictures of one name to a film."""
        kept = sorted(training.folder.sample(0, "").parent.glob("*-*.png"))
        for name in sorted({path.name.partition("-")[2] for path in kept}):
            frames = [path for path in kept if path.name.partition("-")[2] == name]
            if len(frames) > 1:
                write_atomically(training.folder.film(name.removesuffix(".png")), film(frames))
