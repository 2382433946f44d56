"""Callbacks at work: what they remember from epoch to epoch, and what they decide."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from archgraph.training.callbacks import Checkpoint, EarlyStopping, ReduceLrOnPlateau, Watcher


class Watch:
    """Follows one quantity: its best value, and for how many epochs it has not got better."""

    def __init__(self, watcher: Watcher, validated: bool) -> None:
        self.watcher = watcher
        self.quantity = watcher.quantity(validated)
        self.rising = watcher.rising(validated)
        self.least = getattr(watcher, "min_delta", 0.0)
        self.best: float | None = None
        self.best_epoch = -1
        self.waited = 0
        self.cooling = 0

    def better(self, epoch: int, measured: Mapping[str, float]) -> bool:
        """Take in an epoch's figures; whether the quantity got better. A quantity that is not finite never does.

        An epoch that does not measure it changes nothing.
        """
        value = measured.get(self.quantity)
        if value is None:
            return False
        sign = 1 if self.rising else -1
        improved = math.isfinite(value) and (self.best is None or sign * (value - self.best) > self.least)
        if improved:
            self.best, self.best_epoch, self.waited = value, epoch, 0
        else:
            self.waited += 1
        return improved

    def memory(self) -> dict[str, Any]:
        """What must outlast the process, as JSON."""
        return {name: getattr(self, name) for name in ("best", "best_epoch", "waited", "cooling")}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """The inverse of `memory`."""
        for name, value in memory.items():
            setattr(self, name, value)


class Watches:
    """All callbacks of a run."""

    def __init__(self, callbacks: tuple[Watcher, ...], validated: bool) -> None:
        self.validated = validated
        self.all = tuple(Watch(callback, validated) for callback in callbacks)
        self.checkpoint = next(watch for watch in self.all if isinstance(watch.watcher, Checkpoint))

    @property
    def restores_best(self) -> bool:
        """Whether the finished model has the best weights rather than the last."""
        return self.validated and bool(getattr(self.checkpoint.watcher, "restore_best", False))

    def take_in(self, epoch: int, measured: Mapping[str, float], optimizers: Iterable[Any]) -> tuple[bool, str]:
        """Let every callback see an epoch: whether it is the best so far, and why to stop (empty: go on)."""
        reason, best = "", False
        for watch in self.all:
            if epoch < getattr(watch.watcher, "start_from_epoch", 0):
                continue
            improved = watch.better(epoch, measured)
            if watch is self.checkpoint:
                best = improved
            elif isinstance(watch.watcher, EarlyStopping):
                reason = _stop(watch, watch.watcher) or reason
            elif isinstance(watch.watcher, ReduceLrOnPlateau):
                _reduce(watch, watch.watcher, optimizers)
        return best, reason

    def memory(self) -> list[dict[str, Any]]:
        """What all of them remember, as JSON."""
        return [watch.memory() for watch in self.all]

    def recall(self, memories: list[dict[str, Any]]) -> None:
        """The inverse of `memory`."""
        for watch, memory in zip(self.all, memories, strict=True):
            watch.recall(memory)


def _stop(watch: Watch, early: EarlyStopping) -> str:
    if not watch.waited or watch.waited < early.patience:
        return ""
    return f"{watch.quantity} has not got better for {watch.waited} epochs"


def _reduce(watch: Watch, plateau: ReduceLrOnPlateau, optimizers: Iterable[Any]) -> None:
    if watch.cooling > 0:
        watch.cooling -= 1
        watch.waited = 0
    elif watch.waited >= max(plateau.patience, 1):
        for optimizer in optimizers:
            rate = float(optimizer.learning_rate.numpy())
            if rate > plateau.min_lr:
                optimizer.learning_rate.assign(max(rate * plateau.factor, plateau.min_lr))
        watch.waited, watch.cooling = 0, plateau.cooldown
