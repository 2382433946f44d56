"""Trained model + data -> scores and pictures."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from archgraph.training import plots
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Dataset, Part
from archgraph.training.data.stored import chunk_size, is_stored
from archgraph.training.feed import Feed, structure
from archgraph.training.planning import Plan

_PICTURES = 8
_MOST_CLASSES = 200
"""A confusion matrix of more classes could not be read."""


def evaluate(model: Any, feed: Feed) -> dict[str, float]:
    """Loss and metrics over all batches of `feed`."""
    from tensorflow.errors import OutOfRangeError

    model.make_test_function()
    model.reset_metrics()
    iterator = feed.batches()
    for _ in range(0, feed.steps, model.steps_per_execution):
        try:
            model.test_function(iterator)
        except (OutOfRangeError, StopIteration):
            break
    scores = {name: float(value) for name, value in model.get_metrics_result().items()}
    model.reset_metrics()
    return scores


def outputs(model: Any, part: Part, batch_size: int) -> dict[str, Array]:
    """What the model gives for a part, by output. What is on disk is not in memory as a whole."""
    if any(is_stored(array) for array in part.inputs.values()):
        size = min(map(chunk_size, part.inputs.values()))
        pieces = [outputs(model, _piece(part, start, start + size), batch_size) for start in range(0, len(part), size)]
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in part.targets}
    fed = structure(part.inputs, single=len(part.inputs) == 1)
    given = model.predict(fed, batch_size=batch_size, verbose=0)
    if isinstance(given, dict):
        return {name: np.asarray(given[name]) for name in part.targets}
    return {next(iter(part.targets)): np.asarray(given)}


def _piece(part: Part, start: int, end: int) -> Part:
    return Part(
        {name: array[start:end] for name, array in part.inputs.items()},
        {name: array[start:end] for name, array in part.targets.items()},
    )


def illustrate(title: str, model: Any, plan: Plan, dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Name and PNG of every picture that the outputs call for, from the test part."""
    test = dataset.test
    given = outputs(model, test, plan.experiment.settings.batch_size)
    several = len(test.targets) > 1
    for output, target in test.targets.items():
        ending = f"_{output}" if several else ""
        heading = f"{title}: {output}" if several else title
        classes = dataset.classes.get(output, ())
        decided = _decided(target, given[output], classes)
        if decided is not None:
            counted = _marked(decided, test, output)
            if len(classes) <= _MOST_CLASSES:
                counts = plots.confusion(*counted, len(classes))
                yield f"confusion_matrix{ending}", plots.confusion_matrix(heading, counts, classes)
        elif plots.is_picture(target.shape[1:]) and given[output].shape == target.shape:
            yield f"samples{ending}", plots.samples(heading, _rows(test, output, target, given[output]))
        elif given[output].shape == target.shape and target.ndim <= 2:
            yield f"predictions{ending}", plots.predictions(heading, target, given[output])


def _decided(target: Array, given: Array, classes: tuple[str, ...]) -> tuple[Array, Array] | None:
    """True and predicted class numbers, flat; None when the output is not about classes."""
    if len(classes) < 2:
        return None
    if given.shape[-1] == 1 and len(classes) == 2 and target.shape == given.shape:
        # Raw scores and probabilities alike: what is nearer to yes than to no within the range that occurs.
        middle = 0.5 if given.min() >= 0 and given.max() <= 1 else 0.0
        return target.ravel().astype(int), (given.ravel() > middle).astype(int)
    if given.shape[-1] != len(classes):
        return None
    truth = target.argmax(-1) if target.shape == given.shape else target
    return truth.ravel().astype(int), given.argmax(-1).ravel()


def _marked(decided: tuple[Array, Array], part: Part, output: str) -> tuple[Array, Array]:
    if output not in part.weights:
        return decided
    marked = np.broadcast_to(part.weights[output] > 0, part.targets[output].shape[: part.weights[output].ndim]).ravel()
    return decided[0][marked], decided[1][marked]


def _rows(part: Part, output: str, target: Array, given: Array) -> dict[str, Array]:
    shown = {name: array for name, array in part.inputs.items() if plots.is_picture(array.shape[1:])}
    rows = {f"input {name}" if len(shown) > 1 else "input": array[:_PICTURES] for name, array in shown.items()}
    same = any(
        array is target or (array.shape == target.shape and np.array_equal(array, target)) for array in shown.values()
    )
    return {**rows, "output": given[:_PICTURES], **({} if same else {"target": target[:_PICTURES]})}
