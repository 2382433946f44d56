"""What is compared: an experiment, its graphs, and a few of its samples."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from archgraph.analysis.shaped import ShapedGraph
from archgraph.shapes import Dim, Tensor, show
from archgraph.sizes import substitute
from archgraph.training.data.base import Column, Samples
from archgraph.training.data.dataset import Binding, as_target
from archgraph.training.data.splits import Parts
from archgraph.training.forms import is_per_output

if TYPE_CHECKING:
    from archgraph.training.experiment import Experiment


class Fit(NamedTuple):
    """What is to be compared."""

    experiment: "Experiment"
    networks: Mapping[str, ShapedGraph]
    samples: Samples
    parts: Parts
    binding: Binding
    columns: Mapping[str, Column]
    """A few preprocessed samples."""

    @property
    def shaped(self) -> ShapedGraph:
        """The first of the networks, mostly the only one."""
        return next(iter(self.networks.values()))


class Target(NamedTuple):
    """One output and what it is to learn."""

    output: str
    tensor: Tensor
    """The output, with symbolic sizes replaced by those of the data."""
    column: str
    values: Column

    def __str__(self) -> str:
        return f"the target {self.column!r} of output {self.output!r} has the shape {show(self.values.shape)}"


def targets(fit: Fit, sizes: Mapping[str, Dim]) -> Iterator[Target]:
    """Every output that learns, with what it learns."""
    for output, column in fit.binding.targets.items():
        tensor = fit.shaped.outputs[output]
        tensor = Tensor(tuple(substitute(dim, sizes) for dim in tensor.shape), tensor.dtype)
        yield Target(output, tensor, column, as_target(fit.columns[column], tensor))


def field(key: str, fit: Fit, target: Target) -> str:
    """Where the experiment says `key` of an output."""
    return f"/{key}/{target.output}" if is_per_output(getattr(fit.experiment.settings, key)) else f"/{key}"
