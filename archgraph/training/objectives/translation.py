"""From one sequence to another: learned with the true symbols before each, written by beam search."""

from collections.abc import Iterator, Mapping
from typing import Any

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer, Number, Text, optional
from archgraph.record import param
from archgraph.shapes import show
from archgraph.training.data.base import Samples
from archgraph.training.data.dataset import Dataset
from archgraph.training.fit import Fit
from archgraph.training.objectives import checks
from archgraph.training.objectives.base import Face, Objective, objective


@objective
class Translation(Objective):
    """Write one sequence after reading another (Sutskever, Vinyals & Le 2014; Bahdanau, Cho & Bengio 2015).

    Training shows the true symbols before each (teacher forcing, Williams & Zipser 1989). Afterwards nobody knows them:
    beam search keeps the likeliest beginnings and lets each go on. The error rates are edit distances (Levenshtein
    1966) over the symbols of the truth, and the share of sequences with any error. What is filled up counts nowhere.
    """

    name = "translation"

    written: str = param(Text(200), "Input that is given the true symbols, one late.", default="target")
    alignment: str | None = param(
        optional(Text(200)),
        "Output that says, for every written symbol, how much each read symbol mattered: it is drawn, and measured how "
        "steadily it goes forwards.",
        default=None,
    )
    padding: int = param(Integer(0), "Number of the symbol that fills sequences up.", default=0)
    begin: int = param(Integer(0), "Number of the symbol before the first.", default=1)
    end: int = param(Integer(0), "Number of the symbol after the last.", default=2)
    beam: int = param(Integer(1, 100), "How many beginnings are kept; 1: always the likeliest symbol.", default=4)
    length_penalty: float = param(
        Number(0, 2),
        "Chances of sequences are compared after division by their length to this power (Wu et al. 2016, equation 14).",
        default=0.0,
    )
    decoded: int = param(
        Integer(0, 1_000_000),
        "How many sequences of the validation part are written after an epoch to count errors; of the test part all.",
        default=200,
    )

    def output(self, shaped: ShapedGraph) -> str:
        """The output that foretells. Raises `Rejected`: not exactly one is left."""
        free = [name for name in shaped.outputs if name != self.alignment]
        if len(free) != 1:
            complaint = f"one output must foretell the next symbol, got {', '.join(free) or 'none'}"
            raise Rejected("AG701", complaint, hint='name that of the attention in "alignment"', field="/objective")
        return free[0]

    def face(self, networks: Mapping[str, ShapedGraph]) -> Face:
        """What is read, the truth one late, and the truth."""
        (shaped,) = networks.values()
        output = self.output(shaped)
        return Face(shaped.inputs, {output: shaped.outputs[output]})

    def misfits(self, fit: Fit) -> Iterator[Rejected]:
        """Two sequences of symbols in, chances of symbols out, and truth that is shown one late."""
        found = list(checks.gathered(lambda: self._inputs(fit.shaped)))
        found = found or checks.fed(fit, fit.shaped)[0]
        found = found or list(checks.gathered(lambda: self._chances(fit), lambda: self._truth(fit)))
        yield from found or checks.set_in_vain(fit)

    def _inputs(self, shaped: ShapedGraph) -> None:
        checks.need_input(shaped, self.written, "/objective/written")
        if len(shaped.inputs) != 2:
            complaint = f"the objective translation takes two inputs, got {', '.join(shaped.inputs)}"
            raise Rejected("AG701", complaint, field="/graph")
        if self.alignment is not None:
            checks.need_output(shaped, self.alignment, "/objective/alignment")

    def _chances(self, fit: Fit) -> None:
        ((output, column),) = fit.binding.targets.items()
        chances, truth = fit.shaped.outputs[output], fit.columns[column]
        checks.ending(fit.shaped, output, "softmax")
        if len(chances.shape) != 2 or len(truth.shape) != 1 or truth.values.dtype.kind not in "iu":
            complaint = (
                f"the column {column!r} has the shape {show(truth.shape)}, and output {output!r} {show(chances.shape)}"
            )
            hint = "give numbers of symbols (length,), and chances (length, symbols)"
            raise Rejected("AG701", complaint, hint=hint, field="/targets")
        known, symbols = chances.shape[-1], len(truth.classes) or int(fit.samples.columns[column].values.max()) + 1
        if isinstance(known, int) and known < symbols:
            complaint = f"there are {symbols} symbols, but the output {output!r} gives {known} chances"
            raise Rejected("AG701", complaint, field="/graph")
        marks = {"padding": self.padding, "begin": self.begin, "end": self.end}
        for name, number in marks.items():
            if number >= symbols or list(marks.values()).count(number) > 1:
                complaint = f"the number {number} is not a symbol of its own among {symbols}"
                raise Rejected("AG701", complaint, field=f"/objective/{name}")

    def _truth(self, fit: Fit) -> None:
        (target,) = fit.binding.targets.values()
        shown = fit.columns[fit.binding.inputs[self.written]].values
        truth = fit.columns[target].values
        late = shown.shape == truth.shape and (shown[:, 0] == self.begin).all()
        kept = (truth[:, :-1] != self.padding) & (truth[:, :-1] != self.end)
        if not late or (shown[:, 1:] != truth[:, :-1])[kept].any():
            complaint = f"the column {fit.binding.inputs[self.written]!r} is not {target!r}, one late"
            hint = f"let every row begin with {self.begin} and go on with the row of {target!r}"
            raise Rejected("AG701", complaint, hint=hint, field="/inputs")

    def described(self, networks: Mapping[str, ShapedGraph], samples: Samples, dataset: Dataset) -> Mapping[str, Any]:
        """What writing takes: both alphabets, and how long sequences become."""
        (read,) = (name for name in dataset.train.inputs if name != self.written)
        (output,) = dataset.train.targets
        return {
            "read": read,
            "letters": list(samples.columns[dataset.binding.inputs[read]].classes),
            "width": int(dataset.train.inputs[read].shape[1]),
            "output": output,
            "symbols": list(dataset.classes.get(output, ())),
            "longest": int(dataset.train.targets[output].shape[1]),
        }

    def quantities(self, fit: Fit) -> tuple[str, ...]:
        """Nats for a symbol and right symbols with the truth before them; errors of what is written without it."""
        return checks.validated(fit, ("loss", "accuracy"), self.errors if self.decoded else ())

    @property
    def errors(self) -> tuple[str, ...]:
        """Figures of what is written."""
        forwards = () if self.alignment is None else ("alignment_forwards",)
        return ("symbol_error_rate", "sequence_error_rate", *forwards)
