"""Whether the numbers of the data are numbers: one that is none makes every weight none."""

from collections.abc import Iterator

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.training.data.base import Samples
from archgraph.training.data.dataset import Binding
from archgraph.training.data.stored import is_stored


def unfinished(samples: Samples, binding: Binding) -> Iterator[Rejected]:
    """Complaints about columns in memory, fed or learned, that hold NaN or infinity."""
    for name in dict.fromkeys((*binding.inputs.values(), *binding.targets.values())):
        values = samples.columns[name].values
        if is_stored(values) or values.dtype.kind != "f" or np.isfinite(values.sum(dtype=np.float64)):
            continue
        wrong = np.argwhere(~np.isfinite(values))
        if not len(wrong):
            continue
        place = tuple(int(number) for number in wrong[0])
        complaint = f"the column {name!r} holds {values[place]} in sample {place[0]}, and so {len(wrong):,} times"
        hint = "leave these samples out, or fill the gaps, before training"
        yield Rejected("AG703", complaint, hint=hint, field="/data")
