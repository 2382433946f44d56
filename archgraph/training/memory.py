"""Whether a training step fits into the machine's memory, worked out before TensorFlow is imported."""

import os
from collections.abc import Iterator
from pathlib import Path

from archgraph.analysis.cost import cost
from archgraph.diagnostics import Rejected
from archgraph.shapes import Dim
from archgraph.sizes import substitute
from archgraph.training.fit import Fit, misfed
from archgraph.training.hardware import OneDevice
from archgraph.training.optimizer import Optimizer, Sgd

_LIMIT_OF_GROUP = Path("/sys/fs/cgroup/memory.max")
_CARD = Path("/dev/nvidia0")


def machine_bytes() -> int | None:
    """Memory that processes here may use at most; None where the system does not tell."""
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    try:
        group = _LIMIT_OF_GROUP.read_text().strip()
    except OSError:
        group = ""
    return min(found, int(group)) if group.isdecimal() else found


def oversized(fit: Fit) -> Iterator[Rejected]:
    """The complaint that one batch needs more memory than there is, with the largest that does not.

    What is counted says `archgraph.analysis.memory`; several graphs count as if all were there at once. Nothing is said
    where a graphics card may do the work: it has memory of its own.
    """
    limit, size = machine_bytes(), fit.experiment.settings.batch_size
    if limit is None or _elsewhere(fit):
        return
    samples = min(size, len(fit.parts.train))
    needed = _needed(fit, samples)
    if needed is None or needed <= limit:
        return
    complaint = f"a step on {samples:,} samples needs about {_shown(needed)}, and this machine has {_shown(limit)}"
    largest = _largest(fit, samples, limit)
    hint = f"at most {largest:,} fit" if largest else "not even one sample fits: take a smaller graph"
    yield Rejected("AG701", complaint, hint=hint, field="/batch_size")


def _elsewhere(fit: Fit) -> bool:
    hardware = fit.experiment.hardware
    if isinstance(hardware, OneDevice) and hardware.device is not None:
        return hardware.device.startswith("gpu")
    return _CARD.exists()


def _largest(fit: Fit, too_many: int, limit: int) -> int:
    low, high = 0, too_many
    while high - low > 1:
        middle = (low + high) // 2
        needed = _needed(fit, middle)
        low, high = (middle, high) if needed is not None and needed <= limit else (low, middle)
    return low


def _needed(fit: Fit, samples: int) -> int | None:
    """Bytes of a step; None where sizes leave that open."""
    sizes: dict[str, Dim] = {}
    if set(fit.shaped.inputs) <= set(fit.binding.inputs):
        list(misfed(fit, fit.shaped, sizes))
    total = 0
    for role, shaped in fit.networks.items():
        found = cost(shaped, samples, _slots(fit, role)).training_bytes
        settled = None if found is None else substitute(found, sizes)
        if not isinstance(settled, int):
            return None
        total += settled
    return total


def _slots(fit: Fit, role: str) -> int:
    """Numbers that the optimiser keeps for each weight, at least: two moments, or a velocity, or nothing."""
    rule = fit.experiment.rule(role)
    if not isinstance(rule, Optimizer):
        return 0
    if isinstance(rule, Sgd):
        return int(rule.momentum > 0)
    return 2 if hasattr(rule, "beta_2") else 1 if hasattr(rule, "rho") else 0


def _shown(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
