"""A student that learns what a teacher knows: its doubts, and what it sees on the way."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected, nearest
from archgraph.kinds import FrozenMap, Integer, ListOf, MapOf, Number, Text
from archgraph.record import param
from archgraph.shapes import Tensor, show
from archgraph.training import teachers
from archgraph.training.data.dataset import Dataset, Part
from archgraph.training.fit import Fit
from archgraph.training.objectives import checks
from archgraph.training.objectives.base import Face, Objective, objective


@objective
class Distillation(Objective):
    """Learn the chances that a teacher gives to all classes, not the right class alone (Hinton, Vinyals & Dean 2015).

    With raw scores z of the student and v of the teacher, p = softmax(v/T) and q = softmax(z/T), the student minimises
    (1 - hard) * T^2 * KL(p || q) + hard * cross-entropy with the true class. T^2 keeps the gradient's size where T
    changes: it is (1 - hard) * T * (q - p) for each score. What both see on the way can be matched too, as half the
    squared distance after a learned linear map of what the student sees (FitNets: Romero et al. 2015, equation 3).
    """

    name = "distillation"
    roles: ClassVar[Mapping[str, str]] = {
        "student": "who learns",
        "teacher": "who has learned; its weights come from the file `teacher`",
    }
    optional = frozenset({"teacher"})

    teacher: str = param(
        Text(1000), "The teacher's run folder, or a .keras file; beside the experiment, or in the working folder."
    )
    temperature: float = param(
        Number(above=0), "T: how much the chances are evened out, so that small ones count.", default=4.0
    )
    hard: float = param(Number(0, 1), "Share of the true classes in the loss; 0: the teacher alone.", default=0.1)
    matching: Any = param(
        MapOf(Text(200)),
        "Outputs of the student that learn to be like outputs of the teacher: for each its name there.",
        default=FrozenMap(),
    )
    matching_weight: float = param(Number(0), "Weight of the matched outputs in the loss.", default=1.0)
    hint_epochs: int = param(
        Integer(0), "How long only the matched outputs are learned, before all else.", default=0, unit="epochs"
    )
    omitted: Any = param(
        ListOf(Text(200), longest=1000),
        "Classes of which the student is shown no sample. On the test part it is then measured how many of theirs it "
        "recognises, also with their scores raised by one number, chosen on the validation part.",
        default=(),
    )

    def output(self, shaped: ShapedGraph) -> str:
        """The student's output of classes. Raises `Rejected`: not exactly one is left."""
        return _only(shaped.outputs, self.matching, shaped.name)

    def face(self, networks: Mapping[str, ShapedGraph]) -> Face:
        """The inputs of both, and the classes that the student learns."""
        student = networks["student"]
        output = self.output(student)
        fed = {name: tensor for shaped in networks.values() for name, tensor in shaped.inputs.items()}
        return Face({**fed, **student.inputs}, {output: student.outputs[output]})

    def misfits(self, fit: Fit) -> Iterator[Rejected]:
        """A teacher that is there, sees the same, and gives chances for the same classes."""
        found, _ = checks.fed(fit, *fit.networks.values())
        found = found or list(
            checks.gathered(lambda: self._classes(fit), lambda: self._teacher(fit), lambda: self._omitted(fit))
        )
        yield from found or checks.set_in_vain(fit)

    def _classes(self, fit: Fit) -> None:
        ((output, column),) = fit.binding.targets.items()
        student, labels = fit.networks["student"], fit.columns[column]
        checks.ending(student, output, "softmax", "")
        size = student.outputs[output].shape
        if len(size) != 1 or labels.shape != () or labels.values.dtype.kind not in "iu":
            complaint = f"the column {column!r} has the shape {show(labels.shape)}, and output {output!r} {show(size)}"
            hint = "give one class number for each sample, and a score for each class"
            raise Rejected("AG701", complaint, hint=hint, field="/targets")
        if int(fit.samples.columns[column].values.max()) >= size[0]:
            raise Rejected(
                "AG701", f"there are more classes than the {size[0]} of output {output!r}", field="/graphs/student"
            )
        if self.hint_epochs and not self.matching:
            complaint = "no output is matched that could be learned first"
            raise Rejected("AG701", complaint, hint='name some in "matching"', field="/objective/hint_epochs")

    def _teacher(self, fit: Fit) -> None:
        path = teachers.found(fit.experiment, self.teacher)
        teachers.need_same_preparation(fit.experiment, path)
        shaped = fit.networks.get("teacher") or teachers.shaped_of(path)
        if shaped is None:
            return
        student = fit.networks["student"]
        checks.ending(shaped, taught(shaped.outputs, self.matching, shaped.name), "softmax", "")
        self.need_outputs(shaped.inputs, shaped.outputs, shaped.name, student)

    def need_outputs(
        self, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor], name: str, student: ShapedGraph
    ) -> None:
        """Raises `Rejected`: a teacher with these does not suit the student."""
        field = "/objective/teacher"
        theirs, ours = outputs[taught(outputs, self.matching, name)].shape, student.outputs[self.output(student)].shape
        if theirs != ours:
            complaint = f"the teacher gives {show(theirs)} scores, the student {show(ours)}"
            raise Rejected("AG701", complaint, hint="both need the same classes", field=field)
        if set(inputs) - set(student.inputs):
            listed = ", ".join(set(inputs) - set(student.inputs))
            raise Rejected("AG701", f"the student has no input {listed}, which the teacher needs", field=field)
        for mine, other in self.matching.items():
            place = f"/objective/matching/{mine}"
            here = checks.need_output(student, mine, place)
            if other not in outputs:
                hint = nearest(other, outputs) or "it has: " + ", ".join(outputs)
                raise Rejected("AG701", f"the teacher has no output {other!r}", hint=hint, field=place)
            there = outputs[other]
            if here.shape[:-1] != there.shape[:-1]:
                complaint = f"the student's {mine!r} is {show(here.shape)}, the teacher's {other!r} {show(there.shape)}"
                hint = "all axes but the last must agree"
                raise Rejected("AG701", complaint, hint=hint, field=place)

    def _omitted(self, fit: Fit) -> None:
        (column,) = fit.binding.targets.values()
        classes = fit.samples.columns[column].classes
        for number, name in enumerate(self.omitted):
            if name not in classes:
                hint = nearest(name, classes) or "known: " + ", ".join(classes[:20])
                raise Rejected("AG701", f"there is no class {name!r}", hint=hint, field=f"/objective/omitted/{number}")
        if self.omitted and not fit.experiment.settings.validation:
            complaint = "omitted classes need a validation part, on which their scores are corrected"
            raise Rejected("AG701", complaint, hint='set "validation" to a share such as 0.1', field="/validation")
        if self.omitted and len(self.omitted) >= len(classes) - 1:
            raise Rejected("AG701", "fewer than two classes are left to be shown", field="/objective/omitted")

    def seen(self, dataset: Dataset, batch_size: int) -> Dataset:
        """The training part without the classes that are omitted."""
        if not self.omitted:
            return dataset
        ((output, labels),) = dataset.train.targets.items()
        numbers = [dataset.classes[output].index(name) for name in self.omitted]
        return dataclasses.replace(dataset, train=_taken(dataset.train, np.flatnonzero(~np.isin(labels, numbers))))

    def quantities(self, fit: Fit) -> tuple[str, ...]:
        """What is minimised and its parts, right answers, and answers that are those of the teacher."""
        matched = ("matching",) if self.matching else ()
        return checks.validated(fit, ("loss", "soft", "hard", *matched, "accuracy", "agreement"))


def _only(outputs: Mapping[str, Any], besides: Any, name: str) -> str:
    free = [output for output in outputs if output not in besides]
    if len(free) != 1:
        complaint = f"one output of {name} must give the classes, got {', '.join(free) or 'none'}"
        raise Rejected("AG701", complaint, hint='name the others in "matching"', field="/objective")
    return free[0]


def taught(outputs: Mapping[str, Any], matching: Mapping[str, str], name: str) -> str:
    """The teacher's output of classes. Raises `Rejected`: not exactly one is left."""
    return _only(outputs, set(matching.values()), name)


def _taken(part: Part, indices: Any) -> Part:
    inputs = {name: values[indices] for name, values in part.inputs.items()}
    targets = {name: values[indices] for name, values in part.targets.items()}
    return Part(inputs, targets, {name: values[indices] for name, values in part.weights.items()})
