"""Texts: which symbol comes next, with a memory that may reach beyond the pieces that a text is cut into."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, FrozenMap, Integer, MapOf, Number, Text, optional
from archgraph.record import param
from archgraph.shapes import show
from archgraph.training.data.base import Samples
from archgraph.training.data.dataset import Dataset, Part
from archgraph.training.fit import Fit
from archgraph.training.objectives import checks
from archgraph.training.objectives.base import Face, Objective, objective


@objective
class Language(Objective):
    """Foretell the next symbol of a text, and write texts (Mikolov et al. 2010; Karpathy 2015).

    With `carry`, the text is read as `batch_size` streams, each cut into pieces in order; the states at the end of a
    piece are those that the next begins with, but no gradient flows back: truncated back-propagation through time
    (Williams & Peng 1990; Sutskever 2013, section 2.8.6). Perplexity is e to the power of the nats for a symbol.
    """

    name = "language"

    carry: Any = param(
        MapOf(Text(200)),
        "States that outlast a piece of text: for each input of the graph that takes one, the output that gives it.",
        default=FrozenMap(),
    )
    reset: bool = param(
        Flag(), "Begin every piece with states of zero all the same: what the memory is worth.", default=False
    )
    prompt: str = param(Text(1000), "What texts begin with. Default: the beginning of the test part.", default="")
    symbols: int = param(Integer(1, 100_000), "How many symbols are written after an epoch.", default=400)
    temperature: float = param(
        Number(above=0), "What the logarithms of the chances are divided by: below 1 texts are safer.", default=1.0
    )
    top_k: int | None = param(
        optional(Integer(1)),
        "Only the most likely symbols are written, so many (Fan, Lewis & Dauphin 2018, section 5).",
        default=None,
    )

    def output(self, shaped: ShapedGraph) -> str:
        """The output that foretells. Raises `Rejected`: not exactly one is left."""
        free = [name for name in shaped.outputs if name not in self.carry.values()]
        if len(free) != 1:
            complaint = f"one output must foretell the next symbol, got {', '.join(free) or 'none'}"
            raise Rejected("AG701", complaint, hint='name outputs that are states in "carry"', field="/objective")
        return free[0]

    def face(self, networks: Mapping[str, ShapedGraph]) -> Face:
        """The text, and the symbols that follow. Raises `Rejected`: the states do not come back."""
        (shaped,) = networks.values()
        self._states(shaped)
        inputs = {name: tensor for name, tensor in shaped.inputs.items() if name not in self.carry}
        output = self.output(shaped)
        return Face(inputs, {output: shaped.outputs[output]})

    def misfits(self, fit: Fit) -> Iterator[Rejected]:
        """Symbols in, chances of symbols out, states that come back, and pieces that follow each other."""
        found, _ = checks.fed(fit, fit.shaped)
        found = found or list(checks.gathered(lambda: self._chances(fit), lambda: self._pieces(fit)))
        yield from found or checks.set_in_vain(fit)

    def _states(self, shaped: ShapedGraph) -> None:
        for entry, given in self.carry.items():
            field = f"/objective/carry/{entry}"
            before = checks.need_input(shaped, entry, field)
            after = checks.need_output(shaped, given, field)
            if before != after or not all(isinstance(size, int) for size in before.shape):
                complaint = f"the state {entry!r} is {show(before.shape)}, but {given!r} gives {show(after.shape)}"
                raise Rejected("AG701", complaint, hint="states have one known shape", field=field)
        if self.reset and not self.carry:
            complaint = "without states there is nothing to reset"
            raise Rejected("AG701", complaint, hint='name them in "carry"', field="/objective/reset")
        if len(shaped.inputs) - len(self.carry) != 1:
            free = ", ".join(name for name in shaped.inputs if name not in self.carry)
            raise Rejected("AG701", f"one input must be the text, got {free or 'none'}", field="/objective")

    def _chances(self, fit: Fit) -> None:
        ((output, column),) = fit.binding.targets.items()
        (text,) = fit.binding.inputs.values()
        tensor, follows, read = fit.shaped.outputs[output], fit.columns[column], fit.columns[text]
        checks.ending(fit.shaped, output, "softmax")
        if read.values.ndim != 2 or not read.classes or read.values.dtype.kind not in "iu":
            complaint = f"the column {text!r} holds no text: rows of numbers of symbols"
            hint = "use a data set such as text_characters"
            raise Rejected("AG701", complaint, hint=hint, field="/data")
        known = tensor.shape[-1]
        if isinstance(known, int) and known < len(follows.classes):
            complaint = f"the text has {len(follows.classes)} symbols, but the output {output!r} gives {known} chances"
            raise Rejected("AG701", complaint, field="/graph")
        if len(tensor.shape) != len(follows.shape) + 1:
            shapes = f"has the shape {show(follows.shape)}, but the output {output!r} {show(tensor.shape)}"
            complaint = f"the column {column!r} {shapes}"
            hint = 'set the "target" of the data to "each", or to "next" for one foretold symbol'
            raise Rejected("AG701", complaint, hint=hint, field="/data")

    def _pieces(self, fit: Fit) -> None:
        if not self.carry:
            return
        (entry,) = fit.binding.inputs
        if isinstance(fit.shaped.inputs[entry].shape[0], int):
            complaint = f"the input {entry!r} must take pieces of any length: texts are written symbol by symbol"
            raise Rejected("AG701", complaint, hint='give it the shape ["T"]', field="/graph")
        (column,), (text,) = fit.binding.targets.values(), fit.binding.inputs.values()
        follows, read = (fit.samples.columns[name].values for name in (column, text))
        if follows.ndim != 2 or not np.array_equal(follows[:-1, -1], read[1:, 0]):
            hint = 'set the "step" of the data to its "length", and "target" to "each"'
            raise Rejected("AG701", "the pieces of text do not follow each other", hint=hint, field="/data")
        size = fit.experiment.settings.batch_size
        parts = {"train": fit.parts.train, "validation": fit.parts.validation, "test": fit.parts.test}
        for name, indices in parts.items():
            if 0 < len(indices) < size:
                complaint = f"the {name} part has {len(indices)} pieces, too few for {size} streams"
                raise Rejected("AG701", complaint, hint=f"at most {len(indices)}", field="/batch_size")

    def seen(self, dataset: Dataset, batch_size: int) -> Dataset:
        """With states that are carried, as many pieces as give every stream equally many."""
        if not self.carry:
            return dataset
        train, validation, test = (
            None if part is None else _first(part, len(part) // batch_size * batch_size)
            for part in (dataset.train, dataset.validation, dataset.test)
        )
        assert train is not None and test is not None  # every data set has both
        return dataclasses.replace(dataset, train=train, validation=validation, test=test)

    def described(self, networks: Mapping[str, ShapedGraph], samples: Samples, dataset: Dataset) -> Mapping[str, Any]:
        """What writing texts takes: the alphabet, and how much of a text is shown."""
        (shaped,) = networks.values()
        (output,), (text,) = dataset.train.targets, dataset.train.inputs.values()
        first = "".join(dataset.classes[output][int(number)] for number in text[0])
        return {
            "output": self.output(shaped),
            "alphabet": list(dataset.classes[output]),
            "window": int(text.shape[1]),
            "begins": self.prompt or first,
        }

    def quantities(self, fit: Fit) -> tuple[str, ...]:
        """Nats for a symbol, what that is as perplexity, and how often the likeliest symbol is right."""
        return checks.validated(fit, ("loss", "nats_per_symbol", "accuracy", "perplexity"))


def _first(part: Part, count: int) -> Part:
    inputs = {name: values[:count] for name, values in part.inputs.items()}
    targets = {name: values[:count] for name, values in part.targets.items()}
    return Part(inputs, targets, {name: values[:count] for name, values in part.weights.items()})
