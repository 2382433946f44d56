"""What happens between epochs, as records: stopping early, lowering the rate, keeping the best weights."""

from typing import Any

from archgraph.kinds import Choice, Flag, Integer, Number, Text, optional
from archgraph.record import Named, Record, param, record

_RISING = ("acc", "auc", "precision", "recall", "io_u", "score", "similarity", "true_", "sensitivity", "specificity")
"""Parts of the names of quantities that are better when larger."""


@record
class Callback(Record):
    """Something that happens between epochs."""


@record
class Watcher(Callback):
    """Something that waits for a quantity to get better."""

    monitor: str | None = param(
        optional(Text(200)),
        "The quantity, as it stands in metrics.csv. Default: val_loss, or loss without validation.",
        default=None,
    )
    mode: str = param(
        Choice("auto", "min", "max"), "Whether less or more is better; auto knows Keras's metrics.", default="auto"
    )

    def quantity(self, validated: bool) -> str:
        """Name of the quantity that is watched."""
        return self.monitor or ("val_loss" if validated else "loss")

    def rising(self, validated: bool) -> bool:
        """Whether more is better."""
        if self.mode != "auto":
            return self.mode == "max"
        return any(part in self.quantity(validated) for part in _RISING)


@record
class EarlyStopping(Watcher):
    """Stop when the quantity has not got better for some epochs (Prechelt 1998)."""

    patience: int = param(Integer(0), "How long to wait.", default=5, unit="epochs")
    min_delta: float = param(Number(0), "Smallest change that counts as better.", default=0.0)
    start_from_epoch: int = param(Integer(0), "Do not stop before this epoch.", default=0, unit="epochs")


@record
class ReduceLrOnPlateau(Watcher):
    """Multiply the learning rate by a factor when the quantity has not got better for some epochs."""

    factor: float = param(Number(above=0, below=1), "What the rate is multiplied by.", default=0.1)
    patience: int = param(Integer(0), "How long to wait.", default=10, unit="epochs")
    min_delta: float = param(Number(0), "Smallest change that counts as better.", default=1e-4)
    cooldown: int = param(Integer(0), "Epochs after a reduction that do not count.", default=0, unit="epochs")
    min_lr: float = param(Number(0), "Lowest rate.", default=0.0)


@record
class Checkpoint(Watcher):
    """Which weights are the best, and whether the finished model has them. In every run, with these defaults."""

    restore_best: bool = param(
        Flag(), "The finished model has the best weights rather than the last (needs validation).", default=True
    )
    seconds: float = param(
        Number(0), "At least this long between two writings of the state.", default=1.0, unit="seconds"
    )


@record
class StochasticWeightAveraging(Callback):
    """The finished model has the mean of the weights at the ends of late epochs (SWA, Izmailov et al. 2018).

    The mean lies in the middle of a wide valley, where weights along the way lie at its walls: best with a rate that
    stays high or goes in cycles. The statistics of batch normalisation are taken anew afterwards, from all the
    training data.
    """

    start: float = param(Number(0, below=1), "Share of the epochs after which averaging begins.", default=0.75)
    every: int = param(
        Integer(1), "From one that counts to the next: the length of a cycle of the rate.", default=1, unit="epochs"
    )


CALLBACKS: dict[str, type[Callback]] = {
    "early_stopping": EarlyStopping,
    "reduce_lr_on_plateau": ReduceLrOnPlateau,
    "checkpoint": Checkpoint,
    "stochastic_weight_averaging": StochasticWeightAveraging,
}
CALLBACK = Named("a callback", CALLBACKS)


def made(values: tuple[Any, ...]) -> tuple[Callback, ...]:
    """The records that checked values stand for."""
    return tuple(CALLBACK.make(value) for value in values)  # type: ignore[misc]
