"""At the end: how sure the answers on samples apart are, and whether rightly; a few samples kept for explanations."""

from typing import TYPE_CHECKING, Any

import numpy as np

from archgraph.document.files import replacing, write_atomically
from archgraph.training import folder as folders
from archgraph.training.data.dataset import Part
from archgraph.training.explaining.pictures import classes_of
from archgraph.training.judging import Bounds, Judged, bounds, described, judged, together
from archgraph.training.observers.base import Observer
from archgraph.training.observers.nodes import chosen_samples
from archgraph.training.plots import calibration as drawn
from archgraph.training.plots.grids import is_picture
from archgraph.training.prediction import squashes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archgraph.training.loop import Training

_EXAMPLES = 16
_EXAMPLE_BYTES = 16 * 2**20


class HeldOut(Observer):
    """Judges what the kept weights say about the test part, and the validation part too when labels are doubted."""

    def epoch_ended(self, training: "Training", row: "Mapping[str, Any]") -> None:
        """Nothing yet."""

    def ended(self, training: "Training") -> None:
        """Write held_out.json and examples.npz, and draw."""
        write_examples(training)
        found: dict[str, Any] = {"outputs": {}}
        limits = loss_bounds(training)
        if limits is not None:
            found["bounds"] = limits._asdict()
        test = training.dataset.test
        given = training.trainee.outputs(test) if len(test) else {}
        squash = squashes(training.experiment.resolved(), tuple(given))
        for output, values in given.items():
            names = training.dataset.classes.get(output, ())
            one = judged(test, output, values, len(names), squash.get(output, ""))
            if one is None or not len(one.truth):
                continue
            found["outputs"][output] = described(one, names, "test")
            self._draw(training, output, one, names, several=len(given) > 1)
        if found["outputs"] or limits is not None:
            folders.write_json(training.folder.held_out, found)

    def _draw(self, training: "Training", output: str, one: Judged, names: tuple[str, ...], *, several: bool) -> None:
        ending, name = (f"_{output}" if several else ""), training.experiment.name
        heading = f"{name}: {output}" if several else name
        about = described(one, names, "test")
        png = drawn.calibration(heading, about["bins"], about["calibration_error"], len(one.truth))
        write_atomically(training.folder.picture(f"calibration{ending}"), png)
        pictures = _picture_input(training.dataset.test)
        if pictures is not None and one.places == 1 and len(one.truth) == len(pictures):
            png = drawn.worst_samples(heading, pictures, one, names)
            write_atomically(training.folder.picture(f"worst{ending}"), png)


def _picture_input(part: Part) -> Any:
    return next((array for array in part.inputs.values() if is_picture(array.shape[1:])), None)


def write_examples(training: "Training") -> None:
    """A few test samples, as they are fed."""
    test = training.dataset.test
    if not len(test):
        return
    chosen = chosen_samples(len(test), _EXAMPLES)
    arrays = {f"input/{name}": array[chosen] for name, array in test.inputs.items()}
    arrays |= {f"target/{name}": array[chosen] for name, array in test.targets.items()}
    names = classes_of(training.plan.samples.columns, training.plan.binding.inputs)
    arrays |= {f"classes/{name}": np.array(classes) for name, classes in names.items()}
    if sum(array.nbytes for array in arrays.values()) > _EXAMPLE_BYTES:
        arrays = {name: array if name.startswith("classes") else array[:1] for name, array in arrays.items()}
    with replacing(training.folder.examples) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def loss_bounds(training: "Training") -> Bounds | None:
    """What a constant answer scores on the training part, and the lowest loss that there can be."""
    train, experiment = training.dataset.train, training.experiment
    found: dict[str, Bounds | None] = {}
    if not experiment.objective.takes_loss:
        return None
    for output, target in train.targets.items():
        given = experiment.loss(output)
        if given is None:
            return None
        name, loss = given
        smoothing = getattr(loss, "label_smoothing", 0.0)
        masks = train.weights.get(output) if training.dataset.masked else None
        found[output] = bounds(name, target, smoothing, masks)
    return together(found, experiment.settings.loss_weights or {})
