"""Hardware at work: a batch dealt out to several devices or processes, which take one step together."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.training.data.base import Array
from archgraph.training.experiment import Experiment
from archgraph.training.hardware import OneDevice, SeveralDevices, SeveralMachines, own_number, undivided


class Place:
    """Where this process trains, and what it has to do with others. Made before TensorFlow computes anything."""

    def __init__(self, experiment: Experiment, worker: int | None = None) -> None:
        """`worker` is the number of this process where there are several.

        Raises:
            GraphError: the machine has no such devices; AG210 and AG701.
        """
        self.strategy: Any = None
        self.number, self.workers = 0, 1
        hardware = experiment.hardware
        try:
            if isinstance(hardware, SeveralMachines):
                self._join(hardware, worker)
            elif isinstance(hardware, SeveralDevices):
                self._mirror(hardware)
            elif isinstance(hardware, OneDevice) and hardware.device:
                _choose(hardware.device)
            if experiment.settings.batch_size % self.count:
                raise undivided(experiment.settings.batch_size, self.count)
        except Rejected as rejected:
            raise GraphError(experiment.document.place([rejected.at("")])) from None

    @property
    def count(self) -> int:
        """Into how many parts a batch is divided."""
        return 1 if self.strategy is None else int(self.strategy.num_replicas_in_sync)

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.number == 0

    def here(self) -> AbstractContextManager[Any]:
        """Variables that are made inside belong here."""
        if self.strategy is not None:
            scope: AbstractContextManager[Any] = self.strategy.scope()
            return scope
        return nullcontext()

    def agree(self, *asked: bool) -> tuple[bool, ...]:
        """For each question whether any of the processes says yes; all of them must ask at the same step."""
        if self.workers == 1:
            return asked
        import tensorflow as tf

        if self._sum is None:

            def added(votes: Any) -> Any:
                return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(votes))

            self._sum = tf.function(lambda votes: self.strategy.run(added, args=(votes,)))
        votes = self.strategy.experimental_local_results(self._sum(tf.constant(asked, tf.float32)))[0]
        return tuple(bool(vote > 0) for vote in votes.numpy())

    _sum: Callable[[Any], Any] | None = None

    def shares(self, count: int, batch_size: int) -> Array:
        """Of `count` samples in batches, where the parts of this process begin and end: a row for each part.

        A last batch with fewer samples than there are parts is added to the one before it.
        """
        starts = list(range(0, count, batch_size))
        if len(starts) > 1 and count - starts[-1] < self.count:
            starts.pop()
        own = self.count // self.workers
        rows = []
        for start, stop in zip(starts, [*starts[1:], count], strict=True):
            cuts = np.cumsum([0, *(len(part) for part in np.array_split(np.arange(stop - start), self.count))]) + start
            pairs = np.stack([cuts[:-1], cuts[1:]], axis=1)
            rows.append(pairs[self.number * own : (self.number + 1) * own])
        return np.concatenate(rows).astype(np.int64) if rows else np.zeros((0, 2), np.int64)

    def steps(self, count: int, batch_size: int) -> int:
        """How many steps `count` samples take."""
        return len(self.shares(count, batch_size)) * self.workers // self.count

    def dealt(self, dataset: Any) -> Any:
        """`dataset`, whose elements are the parts of this process, as one that gives each device its own."""
        return self.strategy.distribute_datasets_from_function(lambda context: dataset)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is done with other processes, in the body, fails in one line when one of them is gone.

        Raises:
            GraphError: AG706.
        """
        if self.workers == 1:
            yield
            return
        import tensorflow as tf

        try:
            yield
        except (tf.errors.OpError, RuntimeError) as error:
            message = f"another process of the training is gone: {str(error).splitlines()[0][:200]}"
            hint = "start all of them again with --resume: they go on from the last checkpoint"
            raise GraphError([Diagnostic("AG706", "", message, hint)]) from error

    # ---- finding the devices

    def _mirror(self, hardware: SeveralDevices) -> None:
        import tensorflow as tf

        if hardware.devices is None:
            found = [device.name for device in tf.config.list_logical_devices("GPU")]
            if len(found) < 2:
                complaint = f"needs several graphics cards, and this machine has {len(found)}"
                raise Rejected("AG210", complaint, hint='name processors, or leave out "hardware"', field="/hardware")
        else:
            _divide_processor(hardware.devices)
            found = _present(hardware.devices, [f"/hardware/devices/{n}" for n in range(len(hardware.devices))])
        self.strategy = tf.distribute.MirroredStrategy(found)

    def _join(self, hardware: SeveralMachines, worker: int | None) -> None:
        self.number = own_number(hardware, worker)
        import tensorflow as tf

        ring = tf.distribute.experimental.CommunicationImplementation.RING
        options = tf.distribute.experimental.CommunicationOptions(implementation=ring)
        cards = bool(tf.config.list_physical_devices("GPU"))
        self.strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=None if cards else options)
        self.workers = int(self.strategy.cluster_resolver.cluster_spec().num_tasks("worker"))


def _divide_processor(devices: Any) -> None:
    """Let the processor pass for as many devices as are named. That can be done once, and before it is used."""
    import tensorflow as tf

    numbers = [int(device.partition(":")[2] or 0) for device in devices if device.startswith("cpu")]
    if not numbers:
        return
    wanted = max(numbers) + 1
    try:
        parts = [tf.config.LogicalDeviceConfiguration()] * wanted
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    except (RuntimeError, ValueError):
        if len(tf.config.list_logical_devices("CPU")) < wanted:
            complaint = "the processor is in use already, and can no longer be divided"
            raise Rejected("AG210", complaint, hint="train in a new process", field="/hardware") from None


def _choose(device: str) -> None:
    """Let TensorFlow see one device only. That can be done before it is used."""
    import tensorflow as tf

    kind, _, number = device.partition(":")
    known = tf.config.list_physical_devices(kind.upper())
    if int(number or 0) >= len(known):
        raise _missing(device, kind, len(known), "/hardware/device")
    cards = [] if kind == "cpu" else [known[int(number or 0)]]
    try:
        tf.config.set_visible_devices(cards, "GPU")
    except RuntimeError:
        if [card.name for card in tf.config.get_visible_devices("GPU")] != [card.name for card in cards]:
            complaint = "TensorFlow is in use already, and can no longer be given another device"
            raise Rejected("AG210", complaint, hint="train in a new process", field="/hardware/device") from None


def _missing(device: str, kind: str, count: int, field: str) -> Rejected:
    has = ", ".join(f"{kind}:{number}" for number in range(count)) or f"no {kind}"
    return Rejected("AG210", f"there is no {device}", hint=f"this machine has {has}", field=field)


def _present(devices: Any, fields: list[str]) -> list[str]:
    import tensorflow as tf

    found = []
    for device, field in zip(devices, fields, strict=True):
        kind, _, number = device.partition(":")
        known = tf.config.list_logical_devices(kind.upper())
        if int(number or 0) >= len(known):
            raise _missing(device, kind, len(known), field)
        found.append(known[int(number or 0)].name)
    return found
