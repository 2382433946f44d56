"""What an augmentation cannot change, and where it may change what a sample is."""

import re
from collections.abc import Iterator, Mapping

from archgraph.diagnostics import Rejected, nearest
from archgraph.training.augmentation.base import Augmentation
from archgraph.training.augmentation.stages import changes, is_picture
from archgraph.training.data.base import Array, Source
from archgraph.training.data.dataset import as_target
from archgraph.training.fit import Fit

_PAIRS: Mapping[str, tuple[str, ...]] = {
    "mirrored": ("b d", "p q", "S Z", "left right", "west east"),
    "upside_down": ("b p", "d q", "6 9", "n u", "m w", "M W", "up down", "top bottom", "north south"),
    "half_turn": ("6 9", "six nine", "b q", "d p", "n u", "m w", "M W", "up down", "left right", "top bottom",
                  "north south", "west east"),
    "quarter_turn": ("N Z", "horizontal vertical", "left up", "up right", "right down", "down left",
                     "west north", "north east", "east south", "south west"),
}  # fmt: skip
"""For each way to turn a picture, names of classes that it makes into each other."""


def misfits(
    chain: tuple[Augmentation, ...], inputs: Mapping[str, Array], targets: Mapping[str, Array], *, one_graph: bool
) -> Iterator[Rejected]:
    """Every complaint about a chain, its field below the experiment. The arrays are a few samples, as training sees."""
    for number, one in enumerate(chain):
        at = f"/augmentation/{number}"
        if one_graph:
            yield Rejected("AG701", "the nodes of one graph are no samples that could be changed", field=at)
            return
        if one.on is not None:
            yield from _named(one, inputs, at)
        elif one.needs_picture and not any(changes(one, name, array) for name, array in inputs.items()):
            shapes = ", ".join(f"{name} {array.shape[1:]}" for name, array in inputs.items())
            hint = 'leave "flatten" to the graph, or leave the augmentation out'
            complaint = f"{one.name} needs a picture of (height, width, channels), but the graph is fed {shapes}"
            yield Rejected("AG701", complaint, hint=hint, field=at)
        elif not any(changes(one, name, array) for name, array in inputs.items()):
            yield Rejected("AG701", f"{one.name} needs an input of fractions, but all hold whole numbers", field=at)
        if one.mixes:
            yield from _mixable(one, targets, at)


def _named(one: Augmentation, inputs: Mapping[str, Array], at: str) -> Iterator[Rejected]:
    for position, name in enumerate(one.on):
        field = f"{at}/on/{position}"
        if name not in inputs:
            hint = nearest(name, inputs) or "it has: " + ", ".join(inputs)
            yield Rejected("AG701", f"the graph has no input {name!r}", hint=hint, field=field)
        elif one.needs_picture and not is_picture(inputs[name]):
            complaint = f"{one.name} needs a picture of (height, width, channels), got {inputs[name].shape[1:]}"
            yield Rejected("AG701", complaint, field=field)
        elif inputs[name].dtype.kind != "f" and not one.needs_picture:
            complaint = f"{one.name} needs fractions, but the input {name!r} holds {inputs[name].dtype} numbers"
            yield Rejected("AG701", complaint, field=field)


def _mixable(one: Augmentation, targets: Mapping[str, Array], at: str) -> Iterator[Rejected]:
    for name, array in targets.items():
        if array.dtype.kind != "f":
            hint = 'add "one_hot" to "preprocessing", and use categorical_crossentropy'
            complaint = f"{one.name} mixes targets, but those of output {name!r} are class numbers"
            yield Rejected("AG701", complaint, hint=hint, field=at)


def doubts(
    chain: tuple[Augmentation, ...],
    source: Source,
    classes: Mapping[str, tuple[str, ...]],
    targets: Mapping[str, Array],
) -> Iterator[Rejected]:
    """Where a change may turn a sample into one of another class (warnings)."""
    known = source.kept_by()
    for output, names in classes.items():
        if is_picture(targets[output]):
            continue  # it moves with the input
        for number, one in enumerate(chain):
            doubtful = {turn: words for turn, words in one.turns().items() if turn not in (known or ())}
            confused = {turn: pair for turn in doubtful if (pair := _confused(turn, names))}
            turn = next(iter(confused), next(iter(doubtful), "") if known is not None else "")
            if turn:
                yield _doubt(number, doubtful[turn], turn, confused.get(turn), source)


def _doubt(number: int, words: str, turn: str, pair: tuple[str, str] | None, source: Source) -> Rejected:
    what = f"can make {pair[0]!r} of {pair[1]!r}" if pair else f"may change what a sample of {source.name} is"
    hint = f'turn less, or leave it out. If labels do survive it, say so in the data: "symmetries": ["{turn}"]'
    return Rejected("AG705", f"{words} {what}", hint=hint, field=f"/augmentation/{number}")


def _confused(turn: str, classes: tuple[str, ...]) -> tuple[str, str] | None:
    words = {name: set(re.findall(r"[A-Za-z]+|\d+", name)) for name in classes}
    for pair in _PAIRS[turn]:
        first, second = pair.split()
        ones = [name for name, parts in words.items() if first in parts or (len(first) > 1 and first in _low(parts))]
        others = [
            name for name, parts in words.items() if second in parts or (len(second) > 1 and second in _low(parts))
        ]
        if ones and others:
            return ones[0], others[0]
    return None


def _low(parts: set[str]) -> set[str]:
    return {part.lower() for part in parts}


# ---- of an experiment


def _looked_at(fit: Fit) -> tuple[dict[str, Array], dict[str, Array]]:
    """A few samples by the names of the graph: inputs and targets."""
    face = fit.experiment.objective.face(fit.networks)
    inputs = {
        name: fit.columns[column].values.astype(face.inputs[name].dtype) for name, column in fit.binding.inputs.items()
    }
    targets = {
        name: as_target(fit.columns[column], face.outputs[name]).values for name, column in fit.binding.targets.items()
    }
    return inputs, targets


def augmentation_misfits(fit: Fit) -> Iterator[Rejected]:
    """Every complaint about the augmentation of an experiment."""
    if fit.experiment.augmentation:
        inputs, targets = _looked_at(fit)
        yield from misfits(fit.experiment.augmentation, inputs, targets, one_graph=bool(fit.samples.masks))


def augmentation_doubts(fit: Fit) -> Iterator[Rejected]:
    """Every warning about the augmentation of an experiment."""
    if fit.experiment.augmentation:
        classes = {
            output: names for output, column in fit.binding.targets.items() if (names := fit.columns[column].classes)
        }
        yield from doubts(fit.experiment.augmentation, fit.experiment.source, classes, _looked_at(fit)[1])
