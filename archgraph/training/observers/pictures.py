"""At the end: pictures of what goes on inside the networks, for a few samples of the test part."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archgraph.compiler import get_weights
from archgraph.document.files import write_atomically
from archgraph.training.explaining.features import filters_of
from archgraph.training.explaining.pictures import Samples, classes_of, pictures_of
from archgraph.training.explaining.twin import Twin
from archgraph.training.observers.base import Observer
from archgraph.training.observers.nodes import chosen_samples
from archgraph.training.plots import insides
from archgraph.training.plots.grids import is_picture

if TYPE_CHECKING:
    from archgraph.analysis.shaped import ShapedGraph
    from archgraph.training.loop import Training

_SAMPLES = 8
_LARGEST = 2_000
"""Primitives of a graph above which a twin would take minutes."""
_LOOKING = frozenset({"attention", "additive_attention", "spatial_attention", "dot"})


class Pictures(Observer):
    """Looks into every network that has something to show: pictures as inputs, or attention."""

    def epoch_ended(self, training: "Training", row: Mapping[str, Any]) -> None:
        """Nothing yet."""

    def ended(self, training: "Training") -> None:
        """Draw."""
        several = len(training.plan.networks) > 1
        for role, shaped in training.plan.networks.items():
            if shaped.count > _LARGEST or not _worth(shaped):
                continue
            twin = Twin(shaped)
            twin.set_weights(get_weights(training.trainee.networks[role]))
            title = f"{training.experiment.name}: {role}" if several else training.experiment.name
            for name, png in self._drawn(training, title, twin):
                write_atomically(training.folder.picture(f"{name}_{role}" if several else name), png)

    def _drawn(self, training: "Training", title: str, twin: Twin) -> Any:
        samples = some(training, twin)
        if samples is not None:
            return pictures_of(title, twin, samples)
        found = list(filters_of(twin))[:1]
        return (("filters", insides.filters(f"{title}: filters of {one.path}", one.kernels)) for one in found)


def _worth(shaped: "ShapedGraph") -> bool:
    shapes = [[size if isinstance(size, int) else 0 for size in x.shape] for x in shaped.inputs.values()]
    return any(map(is_picture, shapes)) or any(node.leaf.primitive.op in _LOOKING for node in shaped.walk())


def some(training: "Training", twin: Twin) -> Samples | None:
    """A few test samples from all over; None where the network is not fed by the data."""
    test = training.dataset.test
    if not len(test) or not set(twin.shaped.inputs) <= set(test.inputs):
        return None
    chosen = chosen_samples(len(test), _SAMPLES)
    truth = {name: array[chosen] for name, array in test.targets.items()}
    names = classes_of(training.plan.samples.columns, training.plan.binding.inputs)
    return Samples(
        {name: test.inputs[name][chosen] for name in twin.shaped.inputs},
        tuple(f"test sample {n + 1}" for n in chosen),
        truth,
        {**names, **training.dataset.classes},
    )
