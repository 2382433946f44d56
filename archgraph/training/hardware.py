"""Where an experiment is trained: on one device, on several of one machine, or on several machines."""

import abc
import inspect
import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from archgraph.diagnostics import Rejected
from archgraph.kinds import ListOf, Pattern, optional
from archgraph.record import Named, Record, param, record
from archgraph.training.forms import is_per_output
from archgraph.training.optimizer import Optimizer

if TYPE_CHECKING:
    from archgraph.training.experiment import Experiment

DEVICE = Pattern(r"(cpu|gpu)(:[0-9]{1,3})?", 'a device such as "cpu", "gpu" or "gpu:1"')
ADDRESS = Pattern(r"[A-Za-z0-9.-]{1,253}:[0-9]{1,5}", 'an address such as "10.0.0.5:2222"')


@record
class Hardware(Record, abc.ABC):
    """Where training happens."""

    spread: ClassVar[bool] = True
    """Whether a batch is divided."""

    @property
    @abc.abstractmethod
    def count(self) -> int | None:
        """Into how many parts a batch is divided; None: the machine will tell."""

    def misplaced(self) -> Iterator[Rejected]:
        """What is wrong with the record by itself, below it."""
        return iter(())

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words, and the source."""
        return inspect.cleandoc(cls.__doc__ or "")


@record
class OneDevice(Hardware):
    """One processor or one graphics card."""

    spread = False
    device: str | None = param(
        optional(DEVICE), "Which; cpu and gpu are the first of their kind. Default: TensorFlow's choice.", default=None
    )

    @property
    def count(self) -> int:
        """Into one."""
        return 1


@record
class SeveralDevices(Hardware):
    """Several devices of this machine, each with a copy of the weights and an equal part of every batch; the gradients
    are added up, so the steps are those of one device (``tf.distribute.MirroredStrategy``).

    Processors are divided into as many as are named: that proves a setting, but makes nothing faster.
    """

    devices: Any = param(
        optional(ListOf(DEVICE, shortest=2, longest=64)), "Which. Default: all graphics cards.", default=None
    )

    @property
    def count(self) -> int | None:
        """One for each device."""
        return None if self.devices is None else len(self.devices)

    def misplaced(self) -> Iterator[Rejected]:
        """Devices of two kinds, and those that are named twice."""
        named = [device if ":" in device else f"{device}:0" for device in self.devices or ()]
        for number, device in enumerate(named):
            if device in named[:number]:
                yield Rejected("AG210", f"{device} is named twice", field=f"/devices/{number}")
            elif device[:3] != named[0][:3]:
                complaint = "processors and graphics cards cannot share a batch"
                yield Rejected("AG210", complaint, hint="name devices of one kind", field=f"/devices/{number}")


@record
class SeveralMachines(Hardware):
    """One process on each of several machines (or several on one), each with a copy of the weights and an equal part of
    every batch; the gradients are added up (``tf.distribute.MultiWorkerMirroredStrategy``).

    The command is started on each, with its own ``--worker`` number; the run folder must be on a disk that all of them
    see. ``archgraph train FILE --workers 2`` starts all of them on this machine.
    """

    workers: Any = param(
        optional(ListOf(ADDRESS, shortest=2, longest=256)),
        "Where each process listens; the first one writes the run folder. Default: as TF_CONFIG says.",
        default=None,
    )

    @property
    def count(self) -> int | None:
        """One for each process, unless one has several graphics cards."""
        return None if self.workers is None else len(self.workers)

    def misplaced(self) -> Iterator[Rejected]:
        """Addresses that are named twice, and ports that there are not."""
        for number, address in enumerate(self.workers or ()):
            if address in self.workers[:number]:
                yield Rejected("AG210", f"{address} is named twice", field=f"/workers/{number}")
            elif not 0 < int(address.rpartition(":")[2]) < 2**16:
                yield Rejected("AG210", f"a port is at most 65535, got {address}", field=f"/workers/{number}")


HARDWARES: dict[str, type[Hardware]] = {
    "one_device": OneDevice,
    "several_devices": SeveralDevices,
    "several_machines": SeveralMachines,
}
HARDWARE = Named("hardware", HARDWARES)


# ---- what is wrong with it


def contradictions(experiment: "Experiment") -> Iterator[Rejected]:
    """What an experiment asks for that several devices cannot do together."""
    hardware, settings = experiment.hardware, experiment.settings
    yield from (one.under("hardware") for one in hardware.misplaced())
    if not hardware.spread:
        return
    if not experiment.objective.spreads:
        name = experiment.objective.name
        yield Rejected("AG210", f"the objective {name} is trained on one device", hint=_ONE, field="/hardware")
        return
    rule = experiment.rule()
    if not isinstance(rule, Optimizer):
        yield Rejected("AG210", "this optimiser works on one device", hint=_ONE, field="/hardware")
    elif rule.gradient_accumulation_steps is not None:
        complaint, hint = "several devices do not add up gradients over batches", "take larger batches"
        yield Rejected("AG210", complaint, hint=hint, field=_of_optimizer(experiment, "gradient_accumulation_steps"))
    if settings.pretraining is not None:
        complaint, hint = "layers are trained one by one on one device", _ONE
        yield Rejected("AG210", complaint, hint=hint, field="/pretraining")
    losses = settings.loss.values() if is_per_output(settings.loss) else [settings.loss]
    if any(isinstance(loss, Mapping) and loss.get("reduction") not in _MEANS for loss in losses):
        complaint, hint = "several devices minimise the mean over a batch", "leave the reduction out"
        yield Rejected("AG210", complaint, hint=hint, field="/loss")
    if settings.dtype_policy == "mixed_float16":
        complaint, hint = "float16 needs a scaled loss, which works on one device", "use mixed_bfloat16"
        yield Rejected("AG210", complaint, hint=hint, field="/dtype_policy")
    whole = settings.batch_size == "all"  # how many that is, is known when the data has been read
    if hardware.count is not None and not whole and settings.batch_size % hardware.count:
        yield undivided(settings.batch_size, hardware.count)


_MEANS = (None, "sum_over_batch_size")
_ONE = 'leave out "hardware"'


def _of_optimizer(experiment: "Experiment", key: str) -> str:
    return f"/optimizer/{key}" if isinstance(experiment.settings.optimizer, Mapping) else "/optimizer"


def undivided(batch_size: int, count: int) -> Rejected:
    """The complaint that a batch cannot be dealt out equally."""
    lower = batch_size // count * count
    near = " and ".join(str(size) for size in (lower, lower + count) if size)
    complaint = f"must be a multiple of the {count} devices, got {batch_size}"
    return Rejected("AG210", complaint, hint=f"{near} {'is' if not lower else 'are'} the nearest", field="/batch_size")


def undealt(experiment: "Experiment", samples: int, *, masked: bool) -> Iterator[Rejected]:
    """What of the training data several devices cannot share: samples with masks, and a last batch that is too small
    to give each of them one.
    """
    hardware = experiment.hardware
    if hardware.spread and masked:
        yield Rejected("AG701", "samples with masks are learned on one device", hint=_ONE, field="/hardware")
        return
    count, size = hardware.count, experiment.settings.batch_size
    if count is None or not 0 < samples % size < count:
        return
    complaint = f"the last batch of {samples} samples has {samples % size}, fewer than the {count} devices"
    better = next((n for n in range(size + count, size * 64, count) if not 0 < samples % n < count), None)
    hint = f"{better} would do" if better else "leave some samples out"
    yield Rejected("AG701", complaint, hint=hint, field="/batch_size")


# ---- the process's own place


def own_number(hardware: SeveralMachines, worker: int | None) -> int:
    """Which of the processes this one is, counted from 0; TF_CONFIG is set for TensorFlow where it is not yet.

    Raises:
        Rejected: nothing says so, or what does contradicts the experiment.
    """
    given = _configuration()
    if given is None:
        if worker is None or hardware.workers is None:
            hint = "--worker 0 on the first, --worker 1 on the second …; or --workers 2 for two processes here"
            raise Rejected("AG210", "nothing says which of the machines this is", hint=hint, field="/hardware")
        if worker >= len(hardware.workers):
            complaint = f"there is no worker {worker}: they are counted from 0 to {len(hardware.workers) - 1}"
            raise Rejected("AG210", complaint, field="/hardware/workers")
        task = {"type": "worker", "index": worker}
        os.environ[_VARIABLE] = json.dumps({"cluster": {"worker": list(hardware.workers)}, "task": task})
        return worker
    addresses, number = given
    if hardware.workers is not None and list(hardware.workers) != addresses:
        complaint = f"{_VARIABLE} names other workers: {', '.join(addresses)}"
        raise Rejected("AG210", complaint, hint=f"unset {_VARIABLE}", field="/hardware/workers")
    return number


_VARIABLE = "TF_CONFIG"


def _configuration() -> tuple[list[str], int] | None:
    text = os.environ.get(_VARIABLE)
    if not text:
        return None
    try:
        value = json.loads(text)
        return list(value["cluster"]["worker"]), int(value["task"]["index"])
    except (ValueError, KeyError, TypeError):
        hint = '{"cluster": {"worker": ["10.0.0.5:2222", …]}, "task": {"type": "worker", "index": 0}}'
        raise Rejected("AG210", f"{_VARIABLE} is not as TensorFlow wants it", hint=hint, field="/hardware") from None
