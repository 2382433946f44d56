"""What a run writes while it goes on: its state, its figures and the best model so far; and when it is time to."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgraph.compiler.backend import load_keras
from archgraph.training import folder as folders
from archgraph.training import manifest, state

if TYPE_CHECKING:
    from archgraph.training.loop import Training

_WRITING_SHARE = 0.1
"""Writing the state takes at most this share of the time."""


class Saver:
    """Writes a run's state, and knows when it last did."""

    def __init__(self, training: "Training") -> None:
        self.training = training
        self.best_written = True
        self._written = time.monotonic()
        self._took = 0.0

    def due(self) -> bool:
        """Whether it is time to save."""
        least = getattr(self.training.watches.checkpoint.watcher, "seconds", 1.0)
        if not self.training.place.first:
            return False
        return time.monotonic() - self._written >= max(least, self._took / _WRITING_SHARE)

    def save(self) -> None:
        """Write the state, the metrics, and the best model if it is a new one."""
        training, began = self.training, time.monotonic()
        progress = {
            "epoch": training.epoch,
            "step": training.step,
            "seconds": training.seconds,
            "stopped": training.stopped,
            "begun": training.begun,
            "history": training.history,
            "watches": training.watches.memory(),
            "identity": training.identity,
        }
        moment = state.State(progress, state.capture(training.variables), training.best)  # all processes take part
        if not training.place.first:
            return
        training.checkpoints.write(moment)
        folders.write_metrics(training.folder, training.history)
        if not self.best_written and training.best:
            self._save_best()
        self._written = time.monotonic()
        self._took = self._written - began

    def _save_best(self) -> None:
        training = self.training
        writer = training.alone() if training.spread else training.trainee
        present = state.capture(writer.weights)
        state.restore(writer.weights, training.best)
        for role, network in writer.networks.items():
            save_network(network, training.folder.best_of(role))
        state.restore(writer.weights, present)
        self.best_written = True


def save_network(network: Any, path: Path) -> None:
    """Write a network alone: a fresh wrapper around the same layers, so without the optimiser's state."""
    plain = load_keras().Model(network.input, network.output, name=network.name)
    with manifest.sealing(path) as temporary:
        plain.save(temporary)
